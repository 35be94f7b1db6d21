"""The hospitals of the invented region (虚构区域), their stories, and the plan their discharges are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drgengine.synth.frequency import way_weights
from drgengine.synth.hospitals import make_hospitals
from drgengine.synth.plan import Plan, make_plan
from drgengine.synth.pools import Pools
from drgengine.synth.settings import data

YEARS = ("previous", "current")
NO_STORY = ""


@dataclass(frozen=True)
class Region:
    """Hospitals as in data/region.toml. years : previous and current calendar year; entries : one table each."""

    years: tuple[int, int]
    entries: tuple[Mapping[str, Any], ...]

    @property
    def ids(self) -> list[str]:
        """Codes of the hospitals."""
        return [entry["id"] for entry in self.entries]

    @property
    def kinds(self) -> list[str]:
        """Kinds of the hospitals, rows of the ratios of inputs."""
        return [entry["kind"] for entry in self.entries]

    @property
    def stories(self) -> list[str]:
        """Story of each hospital, "" for none."""
        return [entry.get("story", NO_STORY) for entry in self.entries]

    def effect(self, name: str, usual: float) -> np.ndarray:
        """float64[hospitals, years] of a factor of the stories, `usual` where none is planted."""
        stories = data("region")["story"]
        told = [stories.get(story, {}) for story in self.stories]
        return np.array([[one.get(year, {}).get(name, usual) for year in YEARS] for one in told], dtype=np.float64)


def least_hospitals() -> int:
    """Hospitals that are needed for two peer groups and all stories."""
    listed = data("region")["hospital"]
    return 1 + max(n for n, entry in enumerate(listed) if "story" in entry or entry["kind"] in ("tcm", "maternity"))


def make_region(hospitals: int) -> Region:
    """The first hospitals of data/region.toml."""
    facts = data("region")
    years = facts["years"]
    return Region((years["previous"], years["current"]), tuple(facts["hospital"][:hospitals]))


def region_plan(region: Region, scheme: str, seed: int) -> Plan:
    """A plan whose hospitals are those of the region."""
    facts = data("region")
    plan = make_plan(scheme, hospitals=1, departments=facts["departments"], seed=seed)
    usual = make_hospitals(len(region.ids), facts["departments"], plan.mdcs, seed)
    count = facts["physicians"]
    volume = _factors(region, "volume")
    mdc = [[entry["mdc"].get(m, entry["mdc"].get("other", 1.0)) for m in plan.mdcs] for entry in region.entries]
    hospitals = replace(
        usual,
        ids=tuple(region.ids),
        roles=tuple(region.kinds),
        volume=volume / volume.sum(),
        severity=_factors(region, "severity"),
        charge=_factors(region, "charge"),
        stay=_factors(region, "stay"),
        operative=_factors(region, "operative"),
        mdc=np.array(mdc),
        physicians=tuple(
            f"{h}-{d}-{n + 1:02d}" for h in region.ids for d in usual.department_ids for n in range(count)
        ),
        per_department=count,
    )
    base = way_weights(plan.ways, plan.kind)
    factor = np.where(plan.kind[None, :] > 0, hospitals.operative[:, None], 1.0) * hospitals.mdc[:, plan.mdc]
    return replace(plan, hospitals=hospitals, way_draw=_pools(base[None, :] * factor))


def _factors(region: Region, key: str) -> np.ndarray:
    return np.array([entry[key] for entry in region.entries], dtype=np.float64)


def _pools(rows: Sequence[np.ndarray] | np.ndarray) -> Pools:
    return Pools([(np.flatnonzero(row > 0), row[row > 0]) for row in rows])
