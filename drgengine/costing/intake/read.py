"""Reading a cost model folder: model.toml and its small tables; charge lines are only looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.bilingual import listed, phrase, yuan
from drgengine.costing.findings import finding, of_error
from drgengine.costing.intake.cells import period_span
from drgengine.costing.intake.deptmap import (
    department_columns,
    map_departments,
    mend_points,
    mend_zeros,
    settle_shares,
    targets_of,
)
from drgengine.costing.intake.mendcases import fill_status, mend_case_codes
from drgengine.costing.intake.modelfile import YUAN_PER_UNIT, collect_settings, joined, table_files
from drgengine.costing.intake.tables import ReadTable, for_models, match_headers, read_table
from drgengine.costing.intake.vocabulary import default_behaviour, goods_of_fee_class, tables
from drgengine.costing.model import CostModel, Finding, Settings
from drgengine.errors import CostingError, DrgEngineError
from drgengine.formats import list_parts, open_source

if TYPE_CHECKING:
    import pandas as pd

_CENTRE_GROUPS = {"outpatient": "clinic", "inpatient": "ward"}
BOTH_SETTINGS_GROUP = "clinical"
"""Centre group of a clinical department that is neither only a clinic nor only a ward."""


@dataclass
class Loaded:
    """A model folder as far as it could be read; settings are None when model.toml could not.

    charge_columns : canonical name -> column of the charge file, empty without one
    """

    folder: Path
    settings: Settings | None
    tables: dict[str, ReadTable] = field(default_factory=dict)
    charges: Path | None = None
    charge_columns: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def model(self) -> CostModel:
        """The model. Raises CostingError with all that stands against it."""
        errors = [as_error(one) for one in self.findings if one.severity == "error"]
        if errors or self.settings is None:
            raise joined(errors, str(self.folder))
        frames = {name: table.frame for name, table in self.tables.items()}
        return CostModel(self.folder, self.settings, frames, self.charges, tuple(self.findings))


def read_model(folder: str | Path) -> CostModel:
    """Read a cost model (成本核算模型): settings, and every small table with canonical columns.

    folder : with model.toml; tables may be Parquet, delimited text (UTF-8 or GB18030) or Excel, with Chinese or
        English headers

    dtypes: codes, texts and choices str; numbers float64; dates datetime64; yes/no bool (boolean where null is
    possible). Null is a blank cell, which is not 0. Amounts are yuan. The table `goods` is part of `items`; `dept_map`
    has been applied; the ledger has two more columns, source_file and source_row, that lead back to the file.
    What was mended stands in `findings`. Raises CostingError with all mistakes of the files at once (first 20 and how
    many more); what tables say about each other is a matter of `check_model`.
    """
    return load(Path(folder)).model()


def charge_columns(path: str | Path) -> dict[str, str]:
    """Canonical name -> column of a charge file (收费明细), or of the Parquet files of a folder, by their headers.

    Raises CostingError: unreadable, a required column missing, two columns for one purpose, files that differ.
    """
    columns, findings = _charge_columns(Path(path), str(path))
    errors = [as_error(one) for one in findings if one.severity == "error"]
    if errors:
        raise joined(errors, str(path))
    return columns


def as_error(found: Finding) -> CostingError:
    """A finding as the error it is."""
    return CostingError(found.place, found.problem, found.remedy)


def load(folder: Path) -> Loaded:
    """Read what can be read and note what cannot."""
    settings, problems = collect_settings(folder)
    found = [of_error("model_file", problem, problem.place) for problem in problems]
    loaded = Loaded(folder, settings, findings=found)
    if settings is None:
        return loaded
    for name, words in tables().items():
        files = table_files(settings, folder, name)
        if not files:
            continue
        if words.streamed:
            loaded.charges = files[0][0]
            loaded.charge_columns, wrong = _charge_columns(*files[0])
            loaded.findings.extend(wrong)
        else:
            loaded.tables[name], wrong = read_table(words, files, YUAN_PER_UNIT[settings.amount_unit])
            loaded.findings.extend(wrong)
    _merge_goods(loaded)
    _settle_departments(loaded, settings)
    _fill_defaults(loaded)
    loaded.findings.extend(mend_case_codes(loaded.tables))
    loaded.findings.extend(fill_status(loaded.tables))
    _drop_repeated_cases(loaded, settings)
    _check_periods(loaded, settings)
    if "ledger" in loaded.tables:
        _name_sources(loaded.tables["ledger"])
    return loaded


def _charge_columns(path: Path, name: str) -> tuple[dict[str, str], list[Finding]]:
    words = tables()["charges"]
    columns: dict[str, str] = {}
    findings: list[Finding] = []
    try:
        for part in list_parts(path):
            place = name if part == path else f"{name}/{part.relative_to(path).as_posix()}"
            with open_source(part) as source:
                match, found = match_headers(words, source.schema.names, place)
            findings.extend(found)
            if columns and dict(match.columns) != columns:
                findings.append(finding("error", "differing_files", place))
            columns = columns or dict(match.columns)
    except DrgEngineError as error:
        findings.append(of_error("unreadable_file", for_models(error), error.place.replace(str(path), name)))
    return columns, findings


def _merge_goods(loaded: Loaded) -> None:
    """The table goods becomes part of items."""
    import pandas as pd

    goods = loaded.tables.pop("goods", None)
    if goods is None:
        return
    by_class = goods.frame["fee_class"].map(lambda text: goods_of_fee_class(text) if isinstance(text, str) else None)
    goods.frame["goods"] = goods.frame["goods"].where(goods.frame["goods"].notna(), by_class)
    unclear = np.flatnonzero(goods.frame["goods"].isna() | (goods.frame["goods"] == "none"))
    if unclear.size:
        loaded.findings.append(finding("error", "bad_cell.goods", goods.place(unclear, "goods")))
        goods.frame["goods"] = goods.frame["goods"].fillna("material")
    items = loaded.tables.get("items")
    if items is None:
        loaded.tables["items"] = goods
        return
    items.frame = pd.concat([items.frame, goods.frame], ignore_index=True)
    items.file = np.concatenate([items.file, goods.file + len(items.files)])
    items.record = np.concatenate([items.record, goods.record])
    items.files = [*items.files, *goods.files]


def _settle_departments(loaded: Loaded, settings: Settings) -> None:
    """Apply dept_map and give codes their zeros back, in every column that holds department codes."""
    departments = loaded.tables.get("departments")
    known = set() if departments is None else set(departments.frame["dept_code"].dropna())
    mapped = loaded.tables.get("dept_map")
    if mapped is not None:
        loaded.findings.extend(mend_zeros(mapped, "dept_code", known))
        loaded.findings.extend(settle_shares(mapped, settings.policies.share_sum == "normalise"))
    for name, table in loaded.tables.items():
        if name == "dept_map":
            continue
        targets = targets_of(None if mapped is None else mapped.frame, table.words.system) if table.words.system else {}
        for column in department_columns(table):
            loaded.findings.extend(mend_points(table, column, known | set(targets)))
            loaded.findings.extend(map_departments(table, column, targets))
            loaded.findings.extend(mend_zeros(table, column, known))


def _fill_defaults(loaded: Loaded) -> None:
    """Defaults that depend on other columns."""
    if "departments" in loaded.tables:
        _fill_departments(loaded.tables["departments"].frame, loaded)
    if "ledger" in loaded.tables:
        frame = loaded.tables["ledger"].frame
        by_item = frame["cost_item"].map(lambda item: default_behaviour(item) if isinstance(item, str) else None)
        frame["behaviour"] = frame["behaviour"].where(frame["behaviour"].notna(), by_item)
    if "items" in loaded.tables:
        frame = loaded.tables["items"].frame
        charged = frame["separately_charged"]
        frame["separately_charged"] = charged.fillna(frame["goods"] != "none").astype(bool)


def _fill_departments(frame: pd.DataFrame, loaded: Loaded) -> None:
    clinical = frame["category"] == "clinical"
    idle = np.flatnonzero(~clinical & frame["setting"].notna() & frame["category"].notna())
    if idle.size:
        place = loaded.tables["departments"].place(idle, "setting")
        loaded.findings.append(finding("note", "setting_unused", place))
        frame.loc[idle, "setting"] = None
    frame["dept_name"] = frame["dept_name"].where(frame["dept_name"].notna(), frame["dept_code"])
    frame["service_unit"] = frame["service_unit"].where(frame["service_unit"].notna(), frame["dept_code"])
    by_setting = frame["setting"].map(_CENTRE_GROUPS).fillna(BOTH_SETTINGS_GROUP)
    default = frame["dept_name"].where(~clinical, by_setting)
    frame["centre_group"] = frame["centre_group"].where(frame["centre_group"].notna(), default)


def _drop_repeated_cases(loaded: Loaded, settings: Settings) -> None:
    """Policy duplicate_case = "first": later rows of a case are left out and listed."""
    cases = loaded.tables.get("discharges")
    if cases is None or settings.policies.duplicate_case != "first":
        return
    again = cases.frame["case_id"].duplicated() & cases.frame["case_id"].notna()
    if not again.any():
        return
    rows = np.flatnonzero(again)
    repeated = listed(cases.frame["case_id"].iloc[rows[:5]], count=rows.size)
    told = finding("warning", "duplicate_case.left_out", cases.place(rows), n=rows.size, cases=repeated)
    loaded.findings.append(told)
    cases.keep(np.flatnonzero(~again))


def _check_periods(loaded: Loaded, settings: Settings) -> None:
    """Rows of other periods are refused: what they hold is no cost of this one."""
    for name, amounts in (("ledger", "amount"), ("drivers", "")):
        table = loaded.tables.get(name)
        if table is None:
            continue
        outside = [text for text in table.frame["period"].dropna().unique() if not _inside(text, settings)]
        rows = np.flatnonzero(table.frame["period"].isin(outside))
        if rows.size:
            amount: Any = float(table.frame[amounts].iloc[rows].sum()) if amounts else None
            loaded.findings.append(
                finding(
                    "error",
                    "outside_period.rows",
                    table.place(rows, "period"),
                    amount,
                    n=rows.size,
                    periods=listed(sorted(outside)),
                    start=settings.start,
                    end=settings.end,
                    money=phrase("and_money", money=yuan(amount)) if amounts else "",
                )
            )


def _inside(period: str, settings: Settings) -> bool:
    first, last = period_span(period)
    return settings.start <= first and last <= settings.end


def _name_sources(ledger: ReadTable) -> None:
    """Columns source_file and source_row, which lead from a cost back to a line of the ledger."""
    import pandas as pd

    from drgengine.costing.intake.rownumbers import row_numbers

    rows = np.zeros(len(ledger.frame), dtype=np.int64)
    for number, (path, _) in enumerate(ledger.files):
        here = ledger.file == number
        rows[here] = row_numbers(path, ledger.record[here])
    names = pd.Index([name for _, name in ledger.files])
    ledger.frame["source_file"] = pd.Categorical.from_codes(ledger.file.astype(np.int32), names)
    ledger.frame["source_row"] = rows
