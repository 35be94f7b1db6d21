"""How often the intervals of dea_bootstrap hold the true efficiency, in a simulation with a known frontier.

Run: python benchmarks/evaluation_dea_coverage.py [units in thousands per row, default 2]

Frontiers: y = x (1x1 crs), y = sqrt(x1 x2) (2x1 crs), y = sqrt(x) (1x1 vrs), y = (x1 x2)^0.3 (2x1 vrs); x uniform on
1..10, efficiency exp(-|N(0, 0.25)|); intervals of 95 %, input orientation, seed 1. Every row repeats the simulation
until about that many units are counted; 400 units are repeated 4 times at least.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.frontier import dea_bootstrap

Floats = npt.NDArray[np.float64]
SHAPES = ((1, "crs"), (2, "crs"), (1, "vrs"), (2, "vrs"))
SIZES = (25, 100, 400)
REPLICATIONS = 400
SEED = 1
WAYS = (("smoothed", "difference"), ("smoothed", "shifted"), ("subsampling", "difference"))


def producers(rng: np.random.Generator, n: int, columns: int, returns: str) -> tuple[Floats, Floats, Floats]:
    """Inputs (n, columns), outputs (n, 1) and true efficiency (n,)."""
    best = rng.uniform(1.0, 10.0, (n, columns))
    truth = np.exp(-np.abs(rng.normal(0.0, 0.25, n)))
    power = 1.0 / columns if returns == "crs" else {1: 0.5, 2: 0.3}[columns]
    return best / truth[:, None], np.prod(best, axis=1, keepdims=True) ** power, truth


def coverage(n: int, columns: int, returns: str, method: str, interval: str, wanted: int) -> tuple[float, ...]:
    """Share of true scores inside; of those below, above; mean width; mean error of the score, and corrected."""
    rng = np.random.default_rng([SEED, n, columns])
    rounds = max(wanted // n, 4)
    rows = []
    for b in range(rounds):
        x, y, truth = producers(rng, n, columns, returns)
        found = dea_bootstrap(x, y, returns, method=method, interval=interval, replications=REPLICATIONS, seed=b)
        below, above = (truth < found.low).mean(), (truth > found.high).mean()
        error = np.abs(found.score - truth).mean(), np.abs(found.corrected - truth).mean()
        rows.append((1.0 - below - above, below, above, (found.high - found.low).mean(), *error))
    return tuple(np.mean(rows, axis=0))


def main() -> None:
    wanted = int(float(sys.argv[1]) * 1000) if len(sys.argv) > 1 else 2000
    print("columns returns n method/interval covered below above width error corrected seconds")
    for columns, returns in SHAPES:
        for n in SIZES:
            for method, interval in WAYS:
                begin = time.perf_counter()
                found = coverage(n, columns, returns, method, interval, wanted)
                numbers = " ".join(f"{value:.3f}" for value in found)
                seconds = time.perf_counter() - begin
                print(f"{columns}x1 {returns} {n} {method}/{interval} {numbers} {seconds:.0f}", flush=True)


if __name__ == "__main__":
    main()
