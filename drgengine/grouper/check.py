"""Is a scheme sound? What would not work, what is hardly meant so, and what is worth a look."""

from __future__ import annotations

from pathlib import Path

from drgengine.grouper import checklists, checkrules
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.remark import LEVELS, SchemeRemark
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme

__all__ = ["SchemeRemark", "check_scheme"]

_CHECKS = (
    checklists.sizes,
    checklists.severity,
    checklists.use,
    checklists.patterns,
    checkrules.unknown_in_rules,
    checkrules.never_holds,
    checkrules.never_reached,
    checkrules.drg_codes,
    checkrules.falls_through,
    checklists.operations,
    checkrules.diagnoses_outside_mdc,
    checkrules.procedures_no_operations,
    checkrules.mdc_lists,
)


def check_scheme(scheme: str | Path | Scheme) -> list[SchemeRemark]:
    """Everything odd about a scheme (方案检查).

    scheme : packaged name, path of a scheme folder, or a loaded Scheme
    returns remarks: errors, then warnings, then notes; within a level by kind of check, then in the order of the
        scheme, so that the same scheme always gives the same list. Published schemes have many notes and some warnings
    raises SchemeError when the scheme cannot be loaded at all

    What is never reached is told from the conditions, by parts: what is said is sure, but a rule that several
    earlier rules take only together in ways of their own may go unnoticed.

    >>> remarks = check_scheme("chs-drg-2.0")
    >>> [remark.kind for remark in remarks if remark.level == "error"]
    []
    >>> next(remark.detail for remark in remarks if remark.place == "rules.toml MDC M rule MZ1")
    '1 of 268 principal diagnoses cannot pass the gate: N99.800x007'
    """
    lists = ListedCodes(load_scheme(scheme))
    remarks = [remark for check in _CHECKS for remark in check(lists)]
    return sorted(remarks, key=lambda remark: LEVELS.index(remark.level))
