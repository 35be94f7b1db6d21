"""The configuration workbook of full size: importing it, loading it again, and grouping by it, in one run.

    python benchmarks/workbook_import.py
    python benchmarks/workbook_import.py --rows 200000 --runs 3

The workbook is invented (`drgengine synth official.xlsx --as workbook`): 492 ADRG, 825 groups, 107,000 set members, all
known defects planted. Grouping by it takes turns with grouping the same discharges by CHS-DRG 2.0. Targets: import
within 20 s, loading from the cache within 0.5 s beyond `import drgengine`, grouping at the speed of the other scheme.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from side_by_side import least, machine, made

import drgengine as de
from drgengine.cases import resolve_columns
from drgengine.formats import open_source
from drgengine.grouper.group import Grouper
from drgengine.grouper.kernel import group_kernel
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.workbook.importer import import_workbook
from drgengine.synth.workbook import full_size_workbook

BASELINE = "chs-drg-2.0"
IMPORT_SECONDS, LOAD_SECONDS = 20.0, 0.5
_TIMED = "import time; {before}; began = time.perf_counter(); {measured}; print(time.perf_counter() - began)"
_IMPORT = _TIMED.format(before="pass", measured="import drgengine")


def _load(scheme: str) -> str:
    return _TIMED.format(before="import drgengine", measured=f"drgengine.load_scheme({scheme!r})")


def _answer(scheme: str) -> str:
    case = "{'dx': ['I21.000'], 'sex': 1, 'age_years': 60}"
    return _TIMED.format(before="import drgengine", measured=f"drgengine.explain({case}, scheme={scheme!r})")


class KernelOnly:
    """The kernel over batches that are read, packed and encoded beforehand; one core."""

    def __init__(self, source: Path, scheme: str | Path, most_batches: int = 4) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.rows = 0
        with open_source(source) as opened:
            grouper = Grouper(load_scheme(scheme), resolve_columns(opened.output_schema))
            for batch in opened.batches():
                if len(self.calls) == most_batches:
                    break
                self.calls.append(grouper.kernel_arguments(batch, 1))
                self.rows += batch.num_rows

    def __call__(self) -> None:
        for call in self.calls:
            group_kernel(*call)


def in_new_process(code: str, runs: int) -> float:
    """Least seconds that a piece of code reports from a process of its own."""
    return min(
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(runs)
    )


def importing(book: Path, folder: Path, runs: int) -> dict[str, object]:
    """Seconds from the file to a scheme folder, and what the report counted."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        report = import_workbook(book, folder, overwrite=True)
        seconds.append(time.perf_counter() - began)
    return {
        "seconds": round(min(seconds), 2),
        "first_seconds": round(seconds[0], 2),
        "target_seconds": IMPORT_SECONDS,
        "met": min(seconds) < IMPORT_SECONDS,
        "file_mb": round(book.stat().st_size / 1e6, 2),
        "counted": {what: found for what, found, _ in report.counts},
        "remarks": len(report.remarks),
    }


def loading(book: Path, runs: int) -> dict[str, object]:
    """Seconds of load_scheme(xlsx) and of the first answer in a new process, once the cache is filled."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _answer(str(book))], check=True, capture_output=True)
    first = time.perf_counter() - began
    load = in_new_process(_load(str(book)), runs)
    return {
        "first_use_seconds": round(first, 2),
        "import_drgengine": round(in_new_process(_IMPORT, runs), 3),
        "load_scheme_workbook": round(load, 3),
        f"load_scheme {BASELINE}": round(in_new_process(_load(BASELINE), runs), 3),
        "first_answer_workbook": round(in_new_process(_answer(str(book)), runs), 3),
        f"first_answer {BASELINE}": round(in_new_process(_answer(BASELINE), runs), 3),
        "target_seconds": LOAD_SECONDS,
        "met": load < LOAD_SECONDS,
    }


def grouping(book: Path, source: Path, rows: int, runs: int, folder: Path) -> dict[str, object]:
    """Seconds for a million discharges by the workbook and by the baseline, kernel alone and whole files."""
    kernels = {scheme: KernelOnly(source, scheme) for scheme in (BASELINE, str(book))}
    contestants: dict[str, dict[str, Callable[[], object]]] = {
        "kernel": dict(kernels),
        "group_file": {name: partial(de.group_file, source, folder / "out.parquet", name) for name in kernels},
    }
    found: dict[str, object] = {}
    for what, both in contestants.items():
        seconds = least(both, runs)
        counted = kernels[BASELINE].rows if what == "kernel" else rows
        per_million = {name: value / counted * 1e6 for name, value in seconds.items()}
        found[what] = {
            f"{BASELINE}_seconds_per_million": round(per_million[BASELINE], 4),
            "workbook_seconds_per_million": round(per_million[str(book)], 4),
            "ratio": round(per_million[str(book)] / per_million[BASELINE], 3),
        }
    return found


def measure(rows: int, seed: int, runs: int, folder: Path) -> dict[str, object]:
    """All figures of one run."""
    source = made(rows, 1, "narrow", folder)
    with tempfile.TemporaryDirectory() as place:
        os.environ["DRGENGINE_CACHE"] = str(Path(place) / "cache")
        book = Path(place) / "official.xlsx"
        began = time.perf_counter()
        full_size_workbook(book, seed=seed)
        writing = time.perf_counter() - began
        return {
            "machine": machine(),
            "rows": rows,
            "seed": seed,
            "inventing_and_writing_seconds": round(writing, 2),
            "import": importing(book, Path(place) / "scheme", min(runs, 3)),
            "load": loading(book, runs),
            "group": grouping(book, source, rows, runs, Path(place)),
        }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("bench_data"))
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, given.seed, given.runs, given.folder), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
