"""A complete evaluation plan folder (评价方案) of an invented region: two years of several hospitals with a story."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.synth.regioncases import draw_cases
from drgengine.synth.regionhospitals import Region, least_hospitals, make_region
from drgengine.synth.regioninputs import Values, evidence_rows, hospital_inputs, region_inputs
from drgengine.synth.regiontables import write_anchors, write_evidence, write_hospitals, write_inputs, write_region
from drgengine.synth.settings import data

PLAN, TARGETS = "plan.toml", "targets_region.toml"
_TEXTS = {PLAN: "region_plan.toml", TARGETS: "region_targets.toml"}
_LEVEL = 19
_PLAIN = ("case_id", "patient_id", "total_charge")
_LIST_PATHS = {"dx": "dx.list.element", "proc": "proc.list.element"}


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """What was made.

    cases : hospital -> discharges of both years   patients : different ones; both_years : of them in both years
    across_new_year : stays of one year followed within 31 days in the next by the same patient
    stories : hospital -> what was planted   missing : cells left empty on purpose   files : name -> bytes
    """

    folder: Path
    region: str
    years: tuple[int, int]
    seed: int
    cases: dict[str, tuple[int, int]]
    patients: int
    both_years: int
    across_new_year: int
    stories: dict[str, str]
    missing: int
    files: dict[str, int]
    seconds: float

    def text(self) -> str:
        """The summary for a reader, several lines."""
        old, new = (sum(numbers[year] for numbers in self.cases.values()) for year in (0, 1))
        lines = [
            f"invented region {self.region} in {self.folder} "
            f"({sum(self.files.values()) / 1e6:,.1f} MB, seed {self.seed}, {self.seconds:.1f} s)",
            f"  {len(self.cases)} hospitals, {old:,} discharges of {self.years[0]} and {new:,} of {self.years[1]}",
            f"  {self.patients:,} patients, {self.both_years:,} of them in both years; "
            f"{self.across_new_year} came back across the New Year; {self.missing} inputs left empty",
        ]
        told = data("region")["story"]
        for hospital, (before, after) in self.cases.items():
            story = self.stories.get(hospital, "")
            words = told[story]["en"] if story else "changes by chance only"
            lines.append(f"  {hospital}  {before:>6,}  {after:>6,}  {words}")
        return "\n".join(lines)


def region_sample(
    folder: str | Path,
    *,
    hospitals: int = 12,
    cases_per_year: int = 14_400,
    seed: int = 5,
    scheme: str = "chs-drg-2.0",
) -> RegionSummary:
    """Write an evaluation plan of an invented region (虚构区域评价方案): plan.toml and its tables, tied to no place.

    Two years of discharges (ungrouped Parquet), inputs of hospitals and region that fit them, evidence and targets.
    What happens to single hospitals is planted (data/region.toml); the others change by chance. The same arguments
    give the same files.

    folder : made if it is missing; files of the same names are replaced when all are complete
    hospitals : 10 to 12   cases_per_year : discharges of the first year in all hospitals together, at least 1,000
    seed : >= 0   scheme : packaged name or folder

    Raises DrgEngineError for an argument out of range, OutputFileError if it cannot write.

    >>> region_sample("region").cases["R01"]  # doctest: +SKIP
    (1788, 1893)
    """
    started = time.perf_counter()
    _check(hospitals, cases_per_year, seed)
    target = Path(folder)
    region = make_region(hospitals)
    cases = draw_cases(region, scheme, cases_per_year, seed)
    inputs = hospital_inputs(region, cases, seed)
    counts = region_inputs(region, inputs, cases, seed)
    temporary = _temporary(target)
    try:
        for year, table in zip(region.years, cases.tables, strict=True):
            _write_cases(temporary / f"cases_{year}.parquet", table)
        _write_small(temporary, region, inputs, counts, seed)
        files = _move(temporary, target)
    except OSError as error:
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", "Choose another place") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return _summary(target, region, cases.tables, inputs, seed, files, time.perf_counter() - started)


def _check(hospitals: int, cases_per_year: int, seed: int) -> None:
    limits = {
        "hospitals": (hospitals, least_hospitals(), len(data("region")["hospital"])),
        "cases_per_year": (cases_per_year, 1_000, 10_000_000),
        "seed": (seed, 0, 2**63),
    }
    for name, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise DrgEngineError(f"argument {name}", f"{value} is out of range", f"Give a number from {low} to {high}")


def _temporary(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", "Choose another place") from None


def _write_cases(path: Path, table: pa.Table) -> None:
    dictionary = [
        _LIST_PATHS.get(name, name)
        for name in table.schema.names
        if name not in _PLAIN and not name.startswith("charge_")
    ]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=dictionary,
        row_group_size=max(table.num_rows, 1),
    )


def _write_small(
    folder: Path, region: Region, inputs: tuple[Values, Values], counts: tuple[Values, Values], seed: int
) -> None:
    # The catalogue brings pandas, which nothing else here needs.
    from drgengine.evaluation.indicators import load_catalogue

    known = load_catalogue().inputs
    write_hospitals(folder / "hospitals.csv", region)
    for place, year in enumerate(region.years):
        write_inputs(folder / f"inputs_{year}.csv", region, inputs[place], known)
        write_region(folder / f"region_{year}.csv", counts[place])
    write_anchors(folder / "anchors.csv")
    write_evidence(folder / f"evidence_{region.years[1]}.csv", evidence_rows(region, seed))
    for name, source in _TEXTS.items():
        text = (resources.files("drgengine.synth") / "data" / source).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _move(temporary: Path, target: Path) -> dict[str, int]:
    target.mkdir(exist_ok=True)
    sizes = {}
    for path in sorted(temporary.iterdir()):
        sizes[path.name] = path.stat().st_size
        path.replace(target / path.name)
    return sizes


def _summary(
    folder: Path,
    region: Region,
    tables: tuple[pa.Table, pa.Table],
    inputs: tuple[Values, Values],
    seed: int,
    files: dict[str, int],
    seconds: float,
) -> RegionSummary:
    counts = [dict.fromkeys(region.ids, 0) for _ in tables]
    for table, count in zip(tables, counts, strict=True):
        for name in table["hospital_id"].to_pylist():
            count[name] += 1
    patients = [set(table["patient_id"].to_pylist()) for table in tables]
    return RegionSummary(
        folder=folder,
        region=data("region")["en"],
        years=region.years,
        seed=seed,
        cases={name: (counts[0][name], counts[1][name]) for name in region.ids},
        patients=len(patients[0] | patients[1]),
        both_years=len(patients[0] & patients[1]),
        across_new_year=_across(tables),
        stories={name: story for name, story in zip(region.ids, region.stories, strict=True) if story},
        missing=sum(int((values != values).sum()) for year in inputs for values in year.values()),
        files=files,
        seconds=seconds,
    )


def _across(tables: tuple[pa.Table, pa.Table]) -> int:
    last: dict[str, int] = {}
    for name, day in zip(
        tables[0]["patient_id"].to_pylist(), tables[0]["discharge_date"].cast(pa.int32()).to_pylist(), strict=True
    ):
        last[name] = max(day, last.get(name, day))
    first: dict[str, int] = {}
    for name, day in zip(
        tables[1]["patient_id"].to_pylist(), tables[1]["admission_date"].cast(pa.int32()).to_pylist(), strict=True
    ):
        first[name] = min(day, first.get(name, day))
    return sum(1 for name, day in first.items() if name in last and 0 <= day - last[name] <= 31)
