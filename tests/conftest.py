"""What several tests need: the folder of reference data, and how hypothesis draws."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from drgengine.evaluation.yearly.result import Evaluation

ROOT = Path(__file__).resolve().parent.parent

# Compilation of a kernel falls into the first example, so no example has a deadline.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "local"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled schemes go to a folder of the test run, commands started by tests included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRGENGINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Runs a command in this process: (exit code, standard output, standard error)."""
    from drgengine.cli import main

    def call(*words: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["drgengine", *map(str, words)])
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        with pytest.raises(SystemExit) as stopped:
            main()
        output = capsys.readouterr()
        return stopped.value.code, output.out, output.err

    return call


@pytest.fixture(scope="session")
def evaluated_sample(own_cache: None) -> Evaluation:
    """The sample region of sample_cases, evaluated once for all tests with few draws and without books."""
    from drgengine.evaluation import evaluate
    from drgengine.evaluation.plan import load_plan

    plan = load_plan(ROOT / "sample_cases" / "region")
    few = replace(plan.uncertainty, draws=200, weight_draws=50)
    return evaluate(replace(plan, books=False, uncertainty=few, frontier=replace(plan.frontier, replications=50)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with interchange tables and golden sets, which is not part of the repository.

    DRGENGINE_SHARED names it, otherwise it lies next to the repository; without it the test is skipped.
    """
    named = os.environ.get("DRGENGINE_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if (folder / "reference" / "schemes").is_dir():
        return folder
    if named:
        pytest.fail(f"DRGENGINE_SHARED={named}: no such folder, or it lacks reference/schemes", pytrace=False)
    pytest.skip("no reference data: no folder `shared` next to the repository and DRGENGINE_SHARED is not set")
