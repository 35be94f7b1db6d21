"""A complete cost model folder (成本核算模型) of an invented hospital, made around grouped discharges."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq

from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.synth import hospitalsupport as support
from drgengine.synth.chargelines import Lines, Shelves, stay_lines
from drgengine.synth.costledger import Ledger, make_ledger
from drgengine.synth.hospitalcases import HospitalCases, read_cases
from drgengine.synth.hospitaldepartments import CATEGORIES, Departments, make_departments
from drgengine.synth.hospitalitems import FEE_CLASSES, Items, make_items
from drgengine.synth.linetally import MONTHS, Tally
from drgengine.synth.modelfolder import CHARGES, DISCHARGES, MODEL, ChargeFile, discharge_table, model_text, write_table
from drgengine.synth.outpatientlines import outpatient_lines
from drgengine.synth.settings import data

_BLOCK_LINES = 500_000
_TAG = 9001


@dataclass(frozen=True, slots=True)
class HospitalModelSummary:
    """What was made.

    cases : discharges of the year; in_hospital : patients still there at its end; left_out : rows of other years
    charge_lines, reversals, ledger_lines : numbers
    income, inpatient_income, cost : yuan; cost is the total of the ledger; departments : by category
    files : name -> bytes; seconds : time taken
    """

    folder: Path
    hospital: str
    year: int
    seed: int
    cases: int
    in_hospital: int
    left_out: int
    departments: dict[str, int]
    charge_lines: int
    reversals: int
    ledger_lines: int
    income: float
    inpatient_income: float
    cost: float
    files: dict[str, int]
    seconds: float

    def text(self) -> str:
        """The summary for a reader, several lines."""
        kinds = ", ".join(f"{number} {name}" for name, number in self.departments.items())
        left = f", {self.left_out:,} cases of other years left out" if self.left_out else ""
        return "\n".join(
            [
                f"synthetic cost model of hospital {self.hospital}, {self.year}, in {self.folder} "
                f"({sum(self.files.values()) / 1e6:,.1f} MB, seed {self.seed}, {self.seconds:.1f} s)",
                f"  {self.cases:,} discharges and {self.in_hospital:,} patients in hospital at the end{left}",
                f"  departments: {kinds}",
                f"  {self.charge_lines:,} charge lines, {self.reversals:,} of them reversals; "
                f"{self.ledger_lines:,} ledger lines",
                f"  income {self.income:,.2f} yuan, of it inpatients {self.inpatient_income:,.2f}; "
                f"cost {self.cost:,.2f} yuan ({self.cost / self.income:.1%})",
            ]
        )


def hospital_model(
    folder: str | Path,
    cases: Any,
    *,
    hospital: str | None = None,
    seed: int = 2025,
    lines_per_case: float = 60.0,
    form: Literal["csv", "parquet"] = "csv",
    progress: Callable[[int, int], None] | None = None,
) -> HospitalModelSummary:
    """Write an invented cost model (模拟成本核算模型): model.toml and all its tables, tied to no hospital.

    Every charge of a case is split into lines of its fee class that sum to it to the fen; clinics, costs, staff, assets
    and workload are invented to fit. The same arguments give the same files.

    folder : made if it is missing; files of the same names are replaced when all are complete
    cases : Parquet file or Arrow table of grouped cases: case_id, department_id, admission_date, discharge_date,
        los_days, total_charge, the charge_* columns; kept where they are there: physician_id, dx, status, adrg, drg
    hospital : hospital_id to take; None: the one with most discharges. Period: the year of most of its discharges
    seed : >= 0; lines_per_case : charge lines per case on average, 1 to 2000
    form : of the small tables, "csv" (UTF-8 with byte order mark) or "parquet"; charges and discharges are Parquet
    progress : called with (cases done, cases in all) now and then

    Raises DrgEngineError for an argument out of range, CaseTableError for cases that cannot be used, OutputFileError.

    >>> hospital_model("model", "grouped.parquet", lines_per_case=30).cases  # doctest: +SKIP
    3782
    """
    started = time.perf_counter()
    _check(seed, lines_per_case, form)
    target = Path(folder)
    streams = [np.random.default_rng(np.random.SeedSequence([seed, _TAG, n])) for n in range(5)]
    people = read_cases(cases, hospital, streams[0])
    counts = dict(zip(people.wards, np.bincount(people.ward).tolist(), strict=True))
    departments = make_departments(people.wards, counts, bool(people.intensive_days.any()), streams[1])
    items = make_items(departments, streams[2])
    temporary = _temporary(target)
    try:
        tally = _write_charges(
            temporary / CHARGES, people, departments, items, lines_per_case, seed, streams[3], progress
        )
        ledger = make_ledger(departments, tally, streams[4])
        ledger_lines = _write_tables(temporary, people, departments, items, tally, ledger, form)
        files = _move(temporary, target)
    except OSError as error:
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", "Choose another place") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return HospitalModelSummary(
        folder=target,
        hospital=people.hospital,
        year=people.year,
        seed=seed,
        cases=len(people.ward) - people.in_hospital,
        in_hospital=people.in_hospital,
        left_out=people.left_out,
        departments={name: int(departments.of(name).size) for name in CATEGORIES},
        charge_lines=tally.lines,
        reversals=tally.reversals,
        ledger_lines=ledger_lines,
        income=float(tally.amount.sum()) / 100,
        inpatient_income=tally.inpatient / 100,
        cost=ledger.total / 100,
        files=files,
        seconds=time.perf_counter() - started,
    )


def _check(seed: int, lines_per_case: float, form: str) -> None:
    for name, value, low, high in (("seed", seed, 0, 2**63), ("lines_per_case", lines_per_case, 1, 2000)):
        if not low <= value <= high:
            raise DrgEngineError(f"argument {name}", f"{value} is out of range", f"Give a number from {low} to {high}")
    if form not in ("csv", "parquet"):
        raise DrgEngineError("argument form", f"{form!r} is not known", 'Give "csv" or "parquet"')


def _write_charges(
    path: Path,
    cases: HospitalCases,
    departments: Departments,
    items: Items,
    per_case: float,
    seed: int,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None,
) -> Tally:
    first_days = np.array([np.datetime64(f"{cases.year:04d}-{m + 1:02d}-01", "D") for m in range(MONTHS)])
    tally = Tally(departments, items, first_days.astype(np.int64))
    file = ChargeFile(path, cases, departments, items)
    try:

        def put(lines: Lines) -> None:
            tally.add(lines)
            file.write(lines)

        shelves = Shelves(items, cases.wards)
        count = len(cases.ward)
        step = max(int(_BLOCK_LINES / per_case), 1)
        for number, first in enumerate(range(0, count, step)):
            rows = np.arange(first, min(first + step, count))
            block_rng = np.random.default_rng(np.random.SeedSequence([seed, _TAG + 1, number]))
            put(stay_lines(cases, rows, departments, shelves, per_case, block_rng))
            if progress is not None:
                progress(int(rows[-1]) + 1, count)
        level = data("hospital_ledger")["level"]["outpatient"]
        put(outpatient_lines(departments, items, round(tally.inpatient * level), cases.year, rng))
    finally:
        file.close()
    return tally


def _write_tables(
    folder: Path,
    cases: HospitalCases,
    departments: Departments,
    items: Items,
    tally: Tally,
    ledger: Ledger,
    form: str,
) -> int:
    """Everything but the charge lines; returns the number of ledger lines."""
    ids = cases.texts["case_id"].to_pylist()
    booked = _ledger_rows(ledger, cases.year)
    tables: dict[str, support.Rows] = {
        "departments": _department_rows(departments),
        "dept_map": support.shared_codes(),
        "ledger": booked,
        "staff": support.staff(departments, ledger, tally),
        "assets": support.assets(departments, ledger),
        "drivers": support.drivers(departments, ledger, tally),
        "workload": support.workload(departments, cases, tally),
        "orders": support.orders(departments, tally),
        "items": support.item_rows(items, False, FEE_CLASSES),
        "goods": support.item_rows(items, True, FEE_CLASSES),
        "stays": [(ids[case], dept, days, hours) for dept, case, days, hours in support.stays(cases)],
        "service_units": support.service_units(departments, tally),
    }
    for name, rows in tables.items():
        write_table(folder, name, rows, form)
    pq.write_table(discharge_table(cases), folder / DISCHARGES, compression="zstd")
    text = model_text(
        f"模拟医院{cases.hospital}成本核算", f"模拟医院{cases.hospital}", cases.year, ledger.total, form, tables
    )
    (folder / MODEL).write_text(text, encoding="utf-8", newline="\n")
    return len(booked)


def _department_rows(departments: Departments) -> support.Rows:
    rows: support.Rows = []
    for n, code in enumerate(departments.codes):
        clinical = CATEGORIES[departments.category[n]] == "clinical"
        setting = ("inpatient" if departments.inpatient[n] else "outpatient") if clinical else None
        category = CATEGORIES[departments.category[n]]
        unit, basis = departments.unit[n] or None, departments.basis[n] or None
        rows.append((code, departments.names[n], category, setting, unit, basis))
    return rows


def _ledger_rows(ledger: Ledger, year: int) -> support.Rows:
    facts = data("hospital_ledger")["line"]
    rows: support.Rows = []
    for line in ledger.lines:
        entry: dict[str, Any] = facts[line.line]
        tags = (
            line.fund_source,
            "computed" if entry.get("computed") else "direct",
            entry["behaviour"],
            entry["controllable"],
            entry.get("charged", False),
        )
        for month in np.flatnonzero(line.fen):
            fen = int(line.fen[month])
            amount = f"{fen // 100}.{fen % 100:02d}"
            head = (f"{year}-{month + 1:02d}", line.dept_code, line.account, entry["item"], entry.get("detail"), amount)
            rows.append((*head, *tags))
    return rows


def _temporary(target: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.resolve().parent))
    except OSError as error:
        remedy = "Create the folder it shall lie in first, or choose another place"
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", remedy) from None


def _move(made: Path, target: Path) -> dict[str, int]:
    """Move complete files into the folder; their names and bytes."""
    # mkdtemp makes folders for the owner alone; give the rights any new folder would have.
    target.mkdir(exist_ok=True)
    files = {}
    for path in sorted(made.iterdir()):
        files[path.name] = path.stat().st_size
        path.replace(target / path.name)
    return files
