"""Make the sample region again: python sample_cases/make_region.py (same files every time)."""

from __future__ import annotations

from pathlib import Path

from drgengine.synth.region import RegionSummary, region_sample

HERE = Path(__file__).parent
SEED = 5
CASES_PER_YEAR = 14_400


def make(folder: Path) -> RegionSummary:
    """Write the evaluation plan of the invented region with all its tables."""
    return region_sample(folder, cases_per_year=CASES_PER_YEAR, seed=SEED)


if __name__ == "__main__":
    print(make(HERE / "region").text())
