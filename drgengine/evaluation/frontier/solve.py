"""Programs in, certified solutions out: the kernel in threads, its certificate, and HiGHS where it fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from drgengine.evaluation.frontier import highs
from drgengine.evaluation.frontier.certificatekernel import infeasible_kernel, optimal_kernel
from drgengine.evaluation.frontier.programs import Programs
from drgengine.evaluation.frontier.simplexkernel import INFEASIBLE as _NO_SOLUTION
from drgengine.evaluation.frontier.simplexkernel import OPTIMAL as _SOLVED
from drgengine.evaluation.frontier.simplexkernel import solve_kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OPTIMAL, INFEASIBLE, FALLBACK, FAILED = "optimal", "infeasible", "fallback", "failed"
CHUNK = 64  # programs per task
STEPS = 2_000  # per program and stage; about 30 are usual
PROOF = 1e-9  # largest residual, gap and negative reduced cost of a certificate, relative to the terms
ZERO_PRICE = 1e-10


@dataclass(frozen=True, slots=True)
class Solutions:
    """Solutions of p programs.

    value (p, e): own columns, NaN unless solved; intensities: (p, n) sparse; status (p,): optimal, infeasible,
    fallback (solved by HiGHS) or failed; residual (p,): worst of the certificate, NaN where there is none
    """

    value: Floats
    intensities: Any
    status: tuple[str, ...]
    residual: Floats
    steps: Ints

    @property
    def solved(self) -> npt.NDArray[np.bool_]:
        """Which programs have a solution."""
        return np.array([status in (OPTIMAL, FALLBACK) for status in self.status], np.bool_)


def solve(programs: Programs, threads: int | None = None, steps: int = STEPS) -> Solutions:
    """Solve all programs. The result depends on each program alone, not on threads or neighbours.

    threads: default all cores; steps: limit of the simplex method before HiGHS takes over
    A program without certificate is tried again with rows scaled half as much and not at all, then with HiGHS.
    """
    count, rows = programs.rhs.shape
    stages = programs.cost.shape[1]
    answer = _Answer.empty(count, stages, rows)
    run_in_threads(lambda first: _work(programs, slice(first, first + CHUNK), steps, answer), count, CHUNK, threads)
    for power in (0.5, 0.0):
        again = np.flatnonzero(answer.proof > PROOF)
        if again.size == 0:
            break
        scale = np.exp2(np.rint(np.log2(programs.scale[again]) * power))
        part = replace(programs.some(again), scale=scale)
        second = _Answer.empty(again.size, stages, rows)
        _work(part, slice(None), steps, second)
        answer.take(again, second)
    return _collect(programs, answer)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the kernel wrote for p programs, and the worst of each certificate (inf: none)."""

    basis: Ints
    value: Floats
    dual: Floats
    state: Ints
    steps: Ints
    proof: Floats

    @classmethod
    def empty(cls, count: int, stages: int, rows: int) -> _Answer:
        return cls(
            np.zeros((count, rows), np.int64), np.zeros((count, rows)), np.zeros((count, stages, rows)),
            np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, np.inf),
        )  # fmt: skip

    def take(self, at: Ints, other: _Answer) -> None:
        """Take over the answers of the programs `at` that have a certificate now."""
        good = other.proof <= PROOF
        for mine, theirs in (
            (self.basis, other.basis), (self.value, other.value), (self.dual, other.dual),
            (self.state, other.state), (self.steps, other.steps), (self.proof, other.proof),
        ):  # fmt: skip
            mine[at[good]] = theirs[good]


def _work(programs: Programs, part: slice, steps: int, answer: _Answer) -> None:
    solve_kernel(
        programs.tech, programs.extra[part], programs.cost[part], programs.rhs[part], programs.scale[part],
        programs.fixed, programs.start[part], programs.repair, programs.exclude[part], steps,
        answer.basis[part], answer.value[part], answer.dual[part], answer.state[part], answer.steps[part],
    )  # fmt: skip
    answer.proof[part] = _prove(programs, part, answer)


def _prove(programs: Programs, part: slice, answer: _Answer) -> Floats:
    """The worst of each certificate; inf where the kernel gave up."""
    state, basis, value, dual = answer.state[part], answer.basis[part], answer.value[part], answer.dual[part]
    worst = np.full(state.size, np.inf)
    solved, without = np.flatnonzero(state == _SOLVED), np.flatnonzero(state == _NO_SOLUTION)
    extra, cost, rhs = programs.extra[part], programs.cost[part], programs.rhs[part]
    exclude = programs.exclude[part]
    if solved.size:
        found = np.empty((solved.size, 3))
        optimal_kernel(
            programs.tech, extra[solved], cost[solved], rhs[solved], programs.fixed, exclude[solved], basis[solved],
            value[solved], dual[solved], ZERO_PRICE, found,
        )  # fmt: skip
        worst[solved] = found.max(axis=1)
    if without.size:
        lack = np.empty(without.size)
        infeasible_kernel(
            programs.tech, extra[without], rhs[without], programs.fixed, exclude[without],
            np.ascontiguousarray(dual[without, 0]), lack,
        )  # fmt: skip
        worst[without] = lack
    worst[~np.isfinite(worst)] = np.inf
    return worst


def _collect(programs: Programs, answer: _Answer) -> Solutions:
    count, n = answer.state.size, programs.tech.shape[1]
    own = np.full((count, programs.cost.shape[2]), np.nan)
    proof = np.where(answer.proof <= PROOF, answer.proof, np.nan)
    status = [""] * count
    entries: list[tuple[int, Ints, Floats]] = []
    for p in range(count):
        if np.isnan(proof[p]):
            status[p], columns, amounts = highs.solve_one(programs, p)
        else:
            status[p] = OPTIMAL if answer.state[p] == _SOLVED else INFEASIBLE
            columns, amounts = answer.basis[p], answer.value[p]
        if status[p] in (OPTIMAL, FALLBACK):
            own[p] = 0.0
            of_tech = columns < n
            own[p, columns[~of_tech] - n] = amounts[~of_tech]
            entries.append((p, columns[of_tech], amounts[of_tech]))
    return Solutions(own, _sparse(entries, (count, n)), tuple(status), proof, answer.steps)


def run_in_threads(work: Callable[[int], None], count: int, step: int, threads: int | None) -> None:
    """Call work(0), work(step), ... below count; each call writes to its own place."""
    tasks = range(0, count, step)
    workers = min(threads or os.cpu_count() or 1, len(tasks))
    if workers <= 1:
        for task in tasks:
            work(task)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, tasks):
            pass


def _sparse(entries: list[tuple[int, Ints, Floats]], shape: tuple[int, int]) -> Any:
    rows = np.repeat([p for p, _, _ in entries], [columns.size for _, columns, _ in entries]).astype(np.int64)
    columns = np.concatenate([part for _, part, _ in entries]) if entries else np.empty(0, np.int64)
    amounts = np.concatenate([part for _, _, part in entries]) if entries else np.empty(0)
    matrix = sparse.csr_matrix((amounts, (rows, columns)), shape=shape)
    matrix.eliminate_zeros()
    return matrix
