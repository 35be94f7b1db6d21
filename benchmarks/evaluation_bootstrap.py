"""Bootstrap of the whole chain - weights, indices, scores, ranks - against the same draw in plain numpy.

    python benchmarks/evaluation_bootstrap.py                     200 hospitals x 600 DRGs, 1,000 draws
    python benchmarks/evaluation_bootstrap.py --hospitals 50 --numpy-draws 100
    python benchmarks/evaluation_bootstrap.py --mix drawn         the cases of a cell are drawn too

The statistics are invented; charge, cost and stay are known. The chain gives all columns of casemix(), twelve of which
become indicators of a score by efficacy points, and the scores are ranked in four peer groups. The numpy draw does the
same with bincount and fancy indexing, one draw after the other, on fewer draws; its time is scaled up. Both are run in
turns and the least time counts; the spread of the mean index over the draws is printed for both as a check. The numpy
draw keeps the cases of a cell: with --mix drawn it is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.mix import UnitStatistics, statistics_of_table
from drgengine.evaluation.mix.cellarrays import pack_cells
from drgengine.evaluation.uncertainty import bootstrap_chain, rank_intervals, score_draws
from drgengine.evaluation.uncertainty.chaindraws import Mix
from drgengine.evaluation.uncertainty.spread import square_variation

Floats = npt.NDArray[np.float64]
INDICATORS = (
    "total_weight", "cmi", "cmi_surgical", "cmi_medical", "high_weight_share", "drg_count", "charge_index",
    "cost_index", "time_index", "mean_charge", "mean_stay", "smr",
)  # fmt: skip
AMOUNTS = ("charge", "cost", "los")
HIGH_WEIGHT, SHRINKAGE, PRIOR = 2.0, 20.0, 0.5


def invented(hospitals: int, groups: int, seed: int = 1) -> UnitStatistics:
    """Every hospital has every DRG: hospitals x groups cells of 1 to some hundred cases."""
    rng = np.random.default_rng(seed)
    codes = [f"{chr(65 + k % 20)}{'BKR'[k // 20 % 3]}{k // 180 + 1}{'135'[k // 60 % 3]}" for k in range(groups)]
    cells = hospitals * groups
    n = rng.poisson(rng.lognormal(2.5, 1.0, cells)) + 1
    mean = np.tile(rng.lognormal(9.0, 0.6, groups), hospitals) * np.repeat(rng.lognormal(0, 0.05, hospitals), groups)
    frame = {
        "hospital_id": np.repeat([f"H{k:04d}" for k in range(hospitals)], groups),
        "drg": np.tile(codes, hospitals),
    }
    frame |= {"cases": n, "deaths": rng.binomial(n, np.tile(rng.beta(0.5, 40.0, groups), hospitals))}
    for name, of in (("charge", mean), ("cost", 0.9 * mean), ("los", np.rint(4.0 + mean / 3000.0))):
        frame |= {f"{name}_mean": of, f"{name}_sumsq": np.rint(n * of**2 * (1.0 + 0.8 * (n - 1) / n))}
    return statistics_of_table(pd.DataFrame(frame))


def anchors(values: Floats) -> tuple[Floats, Floats]:
    """The 10th and 90th percentile over hospitals, moved apart where they are equal."""
    bad, good = np.nanpercentile(values, [10, 90], axis=0)
    return bad, np.where(good == bad, bad + 1.0, good)


class Ours:
    """bootstrap_chain, score_draws and rank_intervals."""

    def __init__(self, statistics: UnitStatistics, peers: list[str], threads: int, mix: Mix) -> None:
        self.statistics, self.peers, self.threads, self.mix = statistics, peers, threads, mix

    def run(self, draws: int) -> tuple[dict[str, float], Floats]:
        """Seconds by step, and the draws of the charge index."""
        start = time.perf_counter()
        chain = bootstrap_chain(self.statistics, draws=draws, threads=self.threads, mix=self.mix)
        after = time.perf_counter()
        bad, good = anchors(np.column_stack([chain.observed[name] for name in INDICATORS]))
        values = np.stack([chain.columns[name] for name in INDICATORS], axis=2)
        weights = np.full(len(INDICATORS), 1.0 / len(INDICATORS))
        scores = score_draws(values, bad, good, weights, dimensions=[k // 3 for k in range(len(INDICATORS))]).scores
        scored = time.perf_counter()
        rank_intervals(scores.mean(axis=0), draws=scores, groups=self.peers)
        spent = {"chain": after - start, "scores": scored - after, "ranks": time.perf_counter() - scored}
        return spent, chain.columns["charge_index"]


class Numpy:
    """A draw as one would write it with numpy: arrays of cells, bincount, no kernel."""

    def __init__(self, statistics: UnitStatistics, peers: list[str]) -> None:
        cells = self.cells = pack_cells(statistics)
        self.peers = np.unique(peers, return_inverse=True)[1]
        self.n = cells.n
        self.sums = {name: cells.amount(name)[1] for name in AMOUNTS}
        known = {name: cells.amount(name)[0] for name in AMOUNTS}
        self.sigma = {name: np.sqrt(np.log1p(square_variation(cells, name)[0] / known[name])) for name in AMOUNTS}
        self.known = known
        self.lower = np.linalg.cholesky(np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.6], [0.6, 0.6, 1.0]]))
        self.kind = np.array([{"B": 0, "K": 1, "R": 2}[group[1]] for group in cells.groups])[cells.group]
        self.deaths = cells.per_unit(cells.counts["deaths"])
        rate = cells.per_group(cells.counts["deaths"]) / cells.per_group(self.n)
        self.expected = cells.per_unit(self.n * rate[cells.group])

    def draw(self, rng: np.random.Generator) -> dict[str, Floats]:
        """One draw: the columns of the indicators and the other forms of the indices."""
        cells, n = self.cells, self.n
        z = self.lower @ rng.standard_normal((3, n.size))
        sums = {}
        for row, name in enumerate(AMOUNTS):
            sums[name] = self.sums[name] * np.exp(self.sigma[name] * z[row] - 0.5 * self.sigma[name] ** 2)
        all_n = cells.per_group(n)
        mean = cells.per_group(sums["charge"]) / cells.per_group(self.known["charge"])
        weight = (mean / ((all_n * mean).sum() / all_n.sum()))[cells.group]
        cases = cells.per_unit(n)
        found = {"total_weight": cells.per_unit(n * weight)}
        found["cmi"] = found["total_weight"] / cases
        for number, name in enumerate(("surgical", "procedure", "medical")):
            some = np.where(self.kind == number, n, 0.0)
            found[f"cmi_{name}"] = cells.per_unit(some * weight) / cells.per_unit(some)
        found["high_weight_share"] = cells.per_unit(np.where(weight >= HIGH_WEIGHT, n, 0.0)) / cases
        found["drg_count"] = cells.per_unit(np.ones(n.size))
        names = {"charge": ("mean_charge", "charge_index"), "cost": ("mean_cost", "cost_index")}
        for amount in AMOUNTS:
            known, total = self.known[amount], sums[amount]
            of_group, in_group = cells.per_group(total), cells.per_group(known)
            family = np.bincount(cells.adrg_of, of_group) / np.bincount(cells.adrg_of, in_group)
            plain = (of_group / in_group)[cells.group]
            shrunk = ((of_group + SHRINKAGE * family[cells.adrg_of]) / (in_group + SHRINKAGE))[cells.group]
            column, index = names.get(amount, ("mean_stay", "time_index"))
            found[column] = cells.per_unit(total) / cells.per_unit(known)
            found[index] = cells.per_unit(total / plain) / cells.per_unit(known)
            found[f"{index}_oe"] = cells.per_unit(total) / cells.per_unit(known * plain)
            found[f"{index}_shrunk"] = cells.per_unit(total / shrunk) / cells.per_unit(known)
        found["smr"] = rng.standard_gamma(np.maximum(self.deaths, PRIOR)) / self.expected
        return found

    def run(self, draws: int) -> tuple[float, Floats]:
        """Seconds, and the draws of the charge index."""
        start = time.perf_counter()
        kept, index = [], []
        weights = np.full(len(INDICATORS), 1.0 / len(INDICATORS))
        bad = good = np.zeros(0)
        for draw in range(draws):
            found = self.draw(np.random.default_rng(draw))
            values = np.column_stack([found[name] for name in INDICATORS])
            if not draw:
                bad, good = anchors(values)
            score = np.clip(60.0 + 40.0 * (values - bad) / (good - bad), 0.0, 100.0) @ weights
            ranks = np.empty(score.size)
            for peer in range(self.peers.max() + 1):
                mine = self.peers == peer
                ranks[mine] = pd.Series(-score[mine]).rank(method="min")
            kept.append(ranks)
            index.append(found["charge_index"])
        np.quantile(kept, [0.025, 0.975], axis=0)
        return time.perf_counter() - start, np.array(index)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hospitals", type=int, default=200)
    parser.add_argument("--groups", type=int, default=600)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--numpy-draws", type=int, default=40)
    parser.add_argument("--mix", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument("--runs", type=int, default=2)
    given = parser.parse_args()
    statistics = invented(given.hospitals, given.groups)
    peers = [f"group {k % 4}" for k in range(given.hospitals)]
    plain = Numpy(statistics, peers)
    least: dict[int, dict[str, float]] = {}
    slow = np.inf
    drawn: Any = None
    other: Any = None
    compared = given.mix == "fixed"
    bootstrap_chain(statistics, draws=2, mix=given.mix)
    for _ in range(given.runs):
        for threads in sorted({1, os.cpu_count() or 1}):
            spent, drawn = Ours(statistics, peers, threads, given.mix).run(given.draws)
            if threads not in least or sum(spent.values()) < sum(least[threads].values()):
                least[threads] = spent
        if compared:
            spent_plain, other = plain.run(given.numpy_draws)
            slow = min(slow, spent_plain * given.draws / given.numpy_draws)
    size = f"{given.hospitals} hospitals x {given.groups} DRGs = {plain.n.size} cells"
    print(f"{size}, {given.draws} draws, mix {given.mix}")
    print(f"{'':18}{'chain':>9}{'scores':>9}{'ranks':>9}{'all, s':>9}{'numpy / ours':>14}")
    for threads, spent in least.items():
        whole = sum(spent.values())
        cells = "".join(f"{spent[step]:9.2f}" for step in ("chain", "scores", "ranks"))
        faster = f"{slow / whole:14.1f}" if compared else ""
        print(f"{f'{threads} thread(s)':18}{cells}{whole:9.2f}{faster}")
    spread = f"mean standard error of the charge index: {float(drawn.std(axis=0, ddof=1).mean()):.6f}"
    if compared:
        print(f"{'numpy, 1 thread':18}{'':27}{slow:9.2f}   (scaled up from {given.numpy_draws} draws)")
        spread += f", numpy {float(other.std(axis=0, ddof=1).mean()):.6f}"
    print(spread)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest memory {memory:.0f} MB, load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
