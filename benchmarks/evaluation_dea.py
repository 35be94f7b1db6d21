"""DEA against a loop over scipy.optimize.linprog(method="highs"), side by side in one run.

    python benchmarks/evaluation_dea.py                    1,000 units: CCR and BCC; 3,000 units: CCR
    python benchmarks/evaluation_dea.py --units 500

`dea` does more than the loop: it also maximises the slacks, checks a certificate for every unit and builds the result.
Both see the same log-normal data of 5 inputs and 4 outputs; the loop gets its columns divided by their means and one
matrix in which only the unit's own column changes. Times of `dea` are the least of several runs after a warm-up; the
loop runs once, between them.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from drgengine.evaluation.frontier import Frontier, dea, dea_bootstrap

Floats = npt.NDArray[np.float64]


def units(count: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Log-normal inputs (n, 5) and outputs (n, 4)."""
    rng = np.random.default_rng(seed)
    return rng.lognormal(size=(count, 5)), rng.lognormal(size=(count, 4))


def highs_loop(x: Floats, y: Floats, model: str, rows: range) -> Floats:
    """Input-oriented scores of the units in rows, one linprog call each."""
    x, y = x / x.mean(axis=0), y / y.mean(axis=0)
    n, m, s = len(x), x.shape[1], y.shape[1]
    upper = np.zeros((m + s, n + 1))
    upper[:m, 1:], upper[m:, 1:] = x.T, -y.T
    cost = np.zeros(n + 1)
    cost[0] = 1.0
    equal = {"A_eq": np.append(0.0, np.ones(n))[None], "b_eq": [1.0]} if model == "bcc" else {}
    scores = []
    for unit in rows:
        upper[:m, 0] = -x[unit]
        right = np.concatenate([np.zeros(m), -y[unit]])
        scores.append(linprog(cost, A_ub=upper, b_ub=right, method="highs", **equal).fun)
    return np.array(scores)


def timed(x: Floats, y: Floats, model: str, threads: int, runs: int) -> tuple[float, Frontier]:
    """Least time of several runs, and the answer."""
    least, answer = np.inf, dea(x, y, model, threads=threads)
    for _ in range(runs):
        start = time.perf_counter()
        answer = dea(x, y, model, threads=threads)
        least = min(least, time.perf_counter() - start)
    return least, answer


def compare(count: int, model: str, runs: int, every: int = 1) -> None:
    """One line per number of threads; `every`: the loop takes only each such unit and its time is scaled up."""
    x, y = units(count)
    rows = range(0, count, every)
    cores = os.cpu_count() or 1
    before = {threads: timed(x, y, model, threads, runs) for threads in sorted({1, cores})}
    start = time.perf_counter()
    scores = highs_loop(x, y, model, rows)
    loop = (time.perf_counter() - start) * every
    for threads, (first, answer) in before.items():
        least = min(first, timed(x, y, model, threads, runs)[0])
        gap = np.abs(answer.score[::every] - scores).max()
        words = {word: answer.status.count(word) for word in sorted(set(answer.status))}
        print(
            f"{count:6} units  {model}  {threads} thread(s)  dea {least:7.3f} s  HiGHS loop {loop:7.2f} s"
            f"{'*' if every > 1 else ' '} ratio {loop / least:6.1f}  largest difference {gap:.1e}  "
            f"certificate {np.nanmax(answer.residual):.1e}  {words}"
        )


def bootstrap(count: int, replications: int) -> None:
    """Time of the smoothed bootstrap."""
    x, y = units(count)
    dea_bootstrap(x, y, replications=2, seed=1)
    start = time.perf_counter()
    dea_bootstrap(x, y, replications=replications, seed=1)
    spent = time.perf_counter() - start
    print(f"{count:6} units  bootstrap of {replications} replications  {spent:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", type=int, default=3000, help="0: leave out; the loop takes every tenth unit")
    parser.add_argument("--replications", type=int, default=100)
    arguments = parser.parse_args()
    for model in ("ccr", "bcc"):
        compare(arguments.units, model, arguments.runs)
    if arguments.large:
        compare(arguments.large, "ccr", 2, every=10)
        print("* scaled up from every tenth unit")
    bootstrap(200, arguments.replications)


if __name__ == "__main__":
    main()
