"""How the cost of a department is divided among service units (服务单元)."""

from __future__ import annotations

from typing import Any

from drgengine.costing.bilingual import phrase
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CostModel, Finding
from drgengine.errors import CostingError


def unit_shares(model: CostModel, table: Any) -> tuple[dict[str, dict[str, float]], tuple[Finding, ...]]:
    """Share of each service unit in the cost of each department, adding up to 1.

    table : departments, index dept_code, with service_unit
    """
    shares: dict[str, dict[str, float]] = {code: {unit: 1.0} for code, unit in table["service_unit"].items()}
    findings: list[Finding] = []
    given = model.tables.get("service_units")
    if given is None or not len(given):
        return shares, ()
    place = model.settings.tables.get("service_units", table_word("service_units"))
    for code, rows in given.groupby("dept_code", sort=False):
        if code not in shares:
            raise CostingError(place, f"department {code} is not in the table of departments", "Add it, or take it out")
        by_unit = rows.groupby("service_unit", sort=False)["share"].sum()
        total = float(by_unit.sum())
        negative = bool((by_unit < 0).any())
        if negative or not total > 0 or (abs(total - 1) > 1e-6 and model.settings.policies.share_sum == "refuse"):
            raise CostingError(
                f"{place}, department {code}",
                "a share is negative" if negative else f"the shares add up to {total:.6f}",
                'Make them add up to 1, or set policies.share_sum = "normalise"',
            )
        if abs(total - 1) > 1e-6:
            where = phrase("file_department", file=place, code=str(code))
            findings.append(finding("warning", "share_sum.service_units", where, total=total))
        shares[code] = {str(unit): float(share) / total for unit, share in by_unit.items()}
    return shares, tuple(findings)
