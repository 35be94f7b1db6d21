"""The same stays as the tables of a settlement list (医疗保障基金结算清单, 国家医疗保障局 interface 4101)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from drgengine.errors import OutputFileError
from drgengine.synth.exportcells import moment_text, yuan
from drgengine.synth.exportlayout import Column, settlement_tables
from drgengine.synth.exportstay import Cells, Stay, invented_title

Write = Callable[[Path, list[str], list[list[str]]], None]


def write_settlement(
    folder: Path, stays: list[Stay], header: str, rng: np.random.Generator, write: Write, ending: str = ".csv"
) -> None:
    """One file per table; the rows of diagnoses and procedures are shuffled, as their order is not part of the list.

    write : writes one table, given path, headers and rows; ending : of the files' names
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFileError(
            str(folder), f"cannot be made ({error.strerror})", "Name a folder that can be made"
        ) from None
    makers = {
        "setlinfo": _settlements,
        "diseinfo": _diagnoses,
        "oprninfo": _procedures,
        "icuinfo": _intensive_care,
        "iteminfo": _items,
    }
    for name, columns in settlement_tables().items():
        cells = [row for at, stay in enumerate(stays, 1) for row in makers[name](stay, _identifiers(at))]
        if name != "setlinfo":
            cells = [cells[at] for at in rng.permutation(len(cells)).tolist()]
        rows = [[_text(column, row) for column in columns] for row in cells]
        write(folder / f"{name}{ending}", [column.header(header) for column in columns], rows)


def _text(column: Column, row: Cells) -> str:
    return column.constant if column.key is None else row.get(column.key, "")


def _identifiers(at: int) -> Cells:
    return {"settlement.id": f"S{at:010d}", "settlement.visit": f"V{at:010d}"}


def _settlements(stay: Stay, keys: Cells) -> Iterator[Cells]:
    truth = stay.truth
    counts = {"count.dx": str(len(truth["dx"])), "count.proc": str(len(truth["proc"]))}
    hours = int(truth["ventilator_hours"] or 0)
    infant = truth["age_days"] is not None
    # The list wants years from one year on, and days before.
    ages = {"age_years": "" if infant else stay.cells["age_years"]}
    codes = {"physician_id": truth["physician_id"], "ventilator_duration": f"{hours // 24}/{hours % 24}/0"}
    yield stay.cells | keys | counts | ages | codes


def _diagnoses(stay: Stay, keys: Cells) -> Iterator[Cells]:
    truth = stay.truth
    for at, (code, condition) in enumerate(zip(truth["dx"], truth["dx_condition"], strict=True)):
        yield keys | {"code": code, "name": invented_title(code), "cond": condition, "main": "0" if at else "1"}


def _procedures(stay: Stay, keys: Cells) -> Iterator[Cells]:
    truth = stay.truth
    for at, (code, when) in enumerate(zip(truth["proc"], truth["proc_date"], strict=True)):
        row = {"code": code, "name": invented_title(code), "date": moment_text(when), "main": "2" if at else "1"}
        yield keys | row | {"surgeon": stay.cells.get("staff.attending", "")}


def _intensive_care(stay: Stay, keys: Cells) -> Iterator[Cells]:
    hours = int(stay.truth["icu_hours"] or 0)
    if hours:
        start = stay.truth["admission_time"]
        end = start + datetime.timedelta(hours=hours)
        duration = f"{hours // 24}/{hours % 24}/0"
        yield keys | {"in": moment_text(start), "out": moment_text(end), "duration": duration}


def _items(stay: Stay, keys: Cells) -> Iterator[Cells]:
    """Three of the list's classes of charges, which add up to the total."""
    truth = stay.truth
    drugs, material = truth["charge_western_drug"], truth["charge_surgical_material"]
    rest = round(truth["total_charge"] - drugs - material, 2)
    for item, amount in (("09", drugs), ("08", material), ("14", rest)):
        yield keys | {"item": item, "amount": yuan(amount)}
