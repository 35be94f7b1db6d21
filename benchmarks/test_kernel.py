"""pytest-benchmark of the kernel and of one batch from Arrow to Arrow: pytest benchmarks."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import drgengine as de
from drgengine.cases import resolve_columns
from drgengine.grouper.group import Grouper
from drgengine.grouper.kernel import group_kernel
from drgengine.synth import sample

ROWS = 131_072


@pytest.fixture(scope="module")
def batch() -> pa.RecordBatch:
    table, _ = sample(ROWS, seed=1)
    return table.combine_chunks().to_batches()[0]


@pytest.mark.parametrize("scheme", ["chs-drg-2.0", "chs-drg-1.1", "beijing-2022"])
def test_kernel(benchmark: BenchmarkFixture, batch: pa.RecordBatch, scheme: str) -> None:
    """The kernel alone, one core, over one batch."""
    arguments = Grouper(de.load_scheme(scheme), resolve_columns(batch.schema)).kernel_arguments(batch, 1)
    benchmark.extra_info["rows"] = ROWS
    benchmark(group_kernel, *arguments)
    leaf = arguments[-3]
    assert (leaf >= 2).mean() > 0.5


def test_batch(benchmark: BenchmarkFixture, batch: pa.RecordBatch) -> None:
    """Packing, kernel and result columns of one batch, one core."""
    grouper = Grouper(de.load_scheme("chs-drg-2.0"), resolve_columns(batch.schema))
    answer = benchmark(grouper.answer, batch, 1)
    assert len(answer.columns[0]) == ROWS
