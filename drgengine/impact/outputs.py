"""The files of an impact: page, workbook, Parquet tables, JSON (结果文件)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from drgengine.errors import OutputFileError
from drgengine.formats import open_sink
from drgengine.formats.sink import explain, keep_apart, refuse_same, write_whole
from drgengine.impact.result import Impact
from drgengine.impact.words import words

TOP = 50
FILES = {
    "page": "impact.html",
    "workbook": "impact.xlsx",
    "flows": "flows.parquet",
    "departments": "departments.parquet",
    "json": "impact.json",
}


def output_paths(folder: str | os.PathLike[str], inputs: Mapping[str, object] | None = None) -> dict[str, Path]:
    """Where the files go, by what they are; nothing is made yet. OutputFileError where one would harm an input.

    inputs : what is read -> path; no output takes the place of one or lies in a folder that is read
    """
    place = Path(folder)
    paths = {name: place / file for name, file in FILES.items()}
    keep_apart(paths, inputs or {})
    for given in (inputs or {}).values():
        if isinstance(given, str | os.PathLike):
            refuse_same(given, place)
    return paths


def write_impact(
    found: Impact, folder: str | os.PathLike[str], *, language: str = "zh", top: int = TOP
) -> dict[str, Path]:
    """Write impact.html, impact.xlsx, flows.parquet, departments.parquet and impact.json to a folder.

    language : "zh" or "en", of page and workbook; top : how many movements page and JSON list
    returns the paths; each file appears whole. Raises OutputFileError, DrgEngineError (language)
    """
    words(language)
    from drgengine.impact.page import page_html
    from drgengine.impact.workbook import write_workbook

    paths = output_paths(folder)
    if Path(folder).exists() and not Path(folder).is_dir():
        raise OutputFileError(str(folder), "this is a file, a folder is needed", "Name a new folder")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(Path(folder), error) from error
    for name, table in (("flows", found.flows), ("departments", found.departments)):
        with open_sink(paths[name], table.schema) as sink:
            for batch in table.to_batches():
                sink.write(batch)
    write_whole(paths["json"], json.dumps(found.to_dict(top), ensure_ascii=False, indent=2) + "\n")
    write_workbook(found, paths["workbook"], language, top)
    write_whole(paths["page"], page_html(found, language, top))
    return paths
