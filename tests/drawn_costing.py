"""Small hospitals for hypothesis: departments, costs, drivers, from few numbers so that ties and zeros are frequent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
from hypothesis import strategies as st

LEVELS = ("administration", "auxiliary", "technology")
STATISTICS = st.one_of(st.sampled_from([0, 0, 0, 1, 1, 2, 7]), st.floats(0.001, 1000))
COSTS = st.one_of(st.just(0.0), st.integers(0, 10**9).map(lambda fen: fen / 100))


@dataclass(frozen=True)
class Hospital:
    """costs : departments x columns; drivers : giving x all departments; order : how the giving ones are closed."""

    costs: pd.DataFrame
    drivers: pd.DataFrame
    order: tuple[str, ...]
    category: dict[str, str]

    @property
    def final(self) -> list[str]:
        return [code for code in self.costs.index if code not in self.order]

    def shuffled(self, places: list[int]) -> Hospital:
        """The same hospital with its departments in another sequence."""
        codes = [self.costs.index[place] for place in places]
        giving = [code for code in codes if code in self.drivers.index]
        return replace(self, costs=self.costs.loc[codes], drivers=self.drivers.loc[giving, codes])


@st.composite
def hospitals(draw: st.DrawFn, *, every_way_out: bool = True, acyclic: bool = False) -> Hospital:
    """A hospital; with every_way_out each giving department has a statistic at some final one, so no method refuses it.

    acyclic : departments give to final ones and to giving ones behind them in `order` alone
    """
    services, finals = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    giving = [f"S{number}" for number in range(1, services + 1)]
    final = [f"F{number}" for number in range(1, finals + 1)]
    order = draw(st.permutations(giving))
    codes = draw(st.permutations([*giving, *final]))
    columns = ["personnel", "drugs", "other"][: draw(st.integers(1, 3))]
    costs = pd.DataFrame([[draw(COSTS) for _ in columns] for _ in codes], codes, columns)
    rows = {giver: {code: float(draw(STATISTICS)) for code in codes} for giver in giving}
    if acyclic:
        for at, giver in enumerate(order):
            rows[giver].update(dict.fromkeys(order[: at + 1], 0.0))
    if every_way_out:
        for giver in giving:
            way_out = draw(st.sampled_from(final))
            rows[giver][way_out] = rows[giver][way_out] or 1.0
    drivers = pd.DataFrame.from_dict(rows, orient="index", columns=codes)
    ranks = sorted(draw(st.lists(st.integers(0, 2), min_size=services, max_size=services)))
    category = {giver: LEVELS[rank] for giver, rank in zip(order, ranks, strict=True)}
    return Hospital(costs, drivers, tuple(order), category | dict.fromkeys(final, "clinical"))
