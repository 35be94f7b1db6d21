"""Hashes of the inputs and the number of a run (运行标识): the same for every repetition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from drgengine import __version__
from drgengine.costing.results.manifest import Hashing
from drgengine.evaluation.plan.settings import Plan


def start_hashing(plan: Plan) -> Hashing:
    """Hash the files of a plan while the evaluation goes on."""
    return Hashing(plan.path.parent, plan.files)


def run_number(hashes: Mapping[str, str]) -> str:
    """sha256 over the input files (the plan is one of them) and the version of the program.

    >>> run_number({"plan.toml": "00"}) == run_number({"plan.toml": "00"})
    True
    """
    said = {"inputs": dict(sorted(hashes.items())), "version": __version__}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
