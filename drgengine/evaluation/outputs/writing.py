"""All result files of an evaluation in one folder (写出结果文件)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from drgengine.evaluation.outputs.bookfiles import write_book_files
from drgengine.evaluation.outputs.columnwords import result_words, sentence, table_title
from drgengine.evaluation.outputs.mainfigures import main_figures
from drgengine.evaluation.outputs.resulttables import result_tables
from drgengine.evaluation.outputs.runmanifest import write_manifest
from drgengine.evaluation.outputs.sheetbook import SHEET_ROWS, Sheet, write_book
from drgengine.evaluation.outputs.shownframe import Naming, arrow_table, naming_of, shown_columns, text_table
from drgengine.evaluation.plan.settings import Language
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.formats.sink import open_sink


def write_outputs(
    evaluation: Evaluation,
    folder: str | os.PathLike[str],
    language: Language = "zh",
    *,
    sheet_rows: int = SHEET_ROWS,
) -> list[Path]:
    """Write tables, workbooks and manifest of an evaluation into a folder that exists; the paths written.

    tables/NAME.parquet : canonical English names and words   tables/NAME.csv : headers and words of the language, UTF-8
        with byte order mark, text that a spreadsheet would run made harmless by an apostrophe
    report.xlsx : legend, league per peer group, all tables, at most `sheet_rows` rows of each   decisions.csv, .xlsx
    books/HOSPITAL.xlsx : departments and physicians   evaluation.json : main figures
    manifest.json : inputs, settings, seed, software, and every file in the folder with its hash; written last

    The same evaluation gives the same bytes. Raises OutputFileError: missing folder, no permission, disk full.
    """
    place = Path(folder)
    naming = naming_of(evaluation)
    tables = result_tables(evaluation)
    _write_tables(place / "tables", tables, naming, language)
    _write_report(evaluation, place / "report.xlsx", tables, naming, language, sheet_rows)
    _write_decisions(evaluation, place, tables, naming, language)
    books = write_book_files(evaluation, place, naming, language)
    text = json.dumps(main_figures(evaluation, books), ensure_ascii=False, indent=2) + "\n"
    (place / "evaluation.json").write_bytes(text.encode("utf-8", "backslashreplace"))
    write_manifest(evaluation, place)
    return sorted(path for path in place.rglob("*") if path.is_file())


def _write_tables(folder: Path, tables: Mapping[str, pd.DataFrame], naming: Naming, language: Language) -> None:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        _write(folder / f"{name}.parquet", arrow_table(table))
        _write(folder / f"{name}.csv", text_table(shown_columns(name, table, naming, language), language))


def _write(path: Path, table: pa.Table) -> None:
    with open_sink(path, table.schema) as sink:
        for batch in table.combine_chunks().to_batches():
            sink.write(batch)


def _write_report(
    evaluation: Evaluation,
    path: Path,
    tables: Mapping[str, pd.DataFrame],
    naming: Naming,
    language: Language,
    rows: int,
) -> None:
    sheets = []
    for name in result_words()["table"]:
        if name not in tables:
            continue
        says = str(result_words()["table"][name][f"says_{language}"])
        if name == "league":
            sheets += _league_sheets(tables[name], says, naming, language)
        else:
            shown = shown_columns(name, tables[name], naming, language)
            title = table_title(name, language)
            sheets.append(Sheet(title, title, (says,), shown, name))
    end = evaluation.plan.periods[evaluation.plan.current].end
    title = _title(evaluation, language)
    legend = _legend(evaluation, language)
    write_book(path, sheets, title=title, created=end, language=language, legend=legend, rows=rows)


def _league_sheets(table: pd.DataFrame, says: str, naming: Naming, language: Language) -> list[Sheet]:
    """One sheet per peer group: ranks of two groups are not to be compared."""
    sheets = []
    for group, part in table.groupby("peer_group", sort=False):
        title = sentence("group", language, group=group)
        shown = shown_columns("league", part.reset_index(drop=True), naming, language)
        sheets.append(Sheet(title, title, (says, sentence("interval", language)), shown, "league"))
    return sheets


def _title(evaluation: Evaluation, language: Language) -> str:
    plan = evaluation.plan
    return sentence("title", language, title=plan.title_in(language), region=plan.region_in(language))


def _legend(evaluation: Evaluation, language: Language) -> list[str]:
    plan = evaluation.plan
    period = plan.periods[plan.current]
    return [
        sentence("period", language, start=period.start.isoformat(), end=period.end.isoformat()),
        sentence("run", language, run=evaluation.run_id, seed=evaluation.seed, draws=evaluation.draws),
        sentence("values", language),
        sentence("blank", language),
        sentence("interval", language),
        sentence("small", language, smallest=plan.privacy.smallest_cell),
        sentence("full", language),
    ]


def _write_decisions(
    evaluation: Evaluation, folder: Path, tables: Mapping[str, pd.DataFrame], naming: Naming, language: Language
) -> None:
    if "decisions" not in tables:
        return
    table = tables["decisions"]
    shown = shown_columns("decisions", table, naming, language)
    _write(folder / "decisions.csv", text_table(shown, language))
    sheets = []
    for _, part in table.groupby("kind", sort=False):
        title = str(part[language].iloc[0])
        columns = shown_columns("decisions", part.reset_index(drop=True), naming, language)
        sheets.append(Sheet(title, title, (), columns, "decisions"))
    end = evaluation.plan.periods[evaluation.plan.current].end
    title = f"{_title(evaluation, language)}  {table_title('decisions', language)}"
    write_book(
        folder / "decisions.xlsx",
        sheets,
        title=title,
        created=end,
        language=language,
        legend=_legend(evaluation, language)[:3],
    )
