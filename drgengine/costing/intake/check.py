"""Everything wrong with a cost model before anything is computed (成本核算数据检查)."""

from __future__ import annotations

from pathlib import Path

from drgengine.costing.intake.checkcases import check_cases
from drgengine.costing.intake.checkdepartments import check_departments
from drgengine.costing.intake.checkdrivers import check_drivers
from drgengine.costing.intake.checking import Checking
from drgengine.costing.intake.checkledger import check_ledger
from drgengine.costing.intake.read import Loaded, load
from drgengine.costing.model import Finding

_SEVERITIES = ("error", "warning", "note")


def check_model(folder: str | Path) -> tuple[Finding, ...]:
    """Check a model folder without stopping at the first mistake; errors first, then warnings, then notes.

    Settings, headers, cells, codes, totals, drivers, cases and units are looked at; of charge lines only the header.
    Where a policy of model.toml permits something, the finding is a warning that says what will be done.
    Never raises for what stands in the files.
    """
    return examine(load(Path(folder)))


def examine(loaded: Loaded) -> tuple[Finding, ...]:
    """The findings of reading and of all checks."""
    found = list(loaded.findings)
    departments = loaded.tables.get("departments")
    if loaded.settings is not None and departments is not None:
        checking = Checking(loaded, loaded.settings)
        if len(checking.departments):
            for check in (check_departments, check_ledger, check_drivers, check_cases):
                check(checking)
        else:
            checking.add("error", "empty_table", checking.place("departments"))
        found += checking.findings
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))
