"""Make the sample cost model again: python sample_cases/make_hospital.py (same files every time)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from drgengine.grouper.stream import group_file
from drgengine.synth.hospitalmodel import HospitalModelSummary, hospital_model

HERE = Path(__file__).parent
SCHEME = "chs-drg-2.0"
SEED = 2025
LINES_PER_CASE = 27


def make(folder: Path) -> HospitalModelSummary:
    """Group the demonstration data and build the model of its largest hospital."""
    with tempfile.TemporaryDirectory() as scratch:
        grouped = Path(scratch) / "grouped.parquet"
        group_file(HERE / "demo" / "discharges.parquet", grouped, SCHEME)
        return hospital_model(folder, grouped, seed=SEED, lines_per_case=LINES_PER_CASE)


if __name__ == "__main__":
    print(make(HERE / "hospital").text())
