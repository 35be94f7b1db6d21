"""What-if (换主诊断模拟): other principal diagnoses and first procedures of a record, and audit clues (审核线索)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.whatif.alternativetable import alternatives_file as alternatives_file
    from drgengine.whatif.alternativetable import alternatives_table as alternatives_table
    from drgengine.whatif.audit import Clues as Clues
    from drgengine.whatif.audit import audit_clues as audit_clues
    from drgengine.whatif.audit import audit_file as audit_file
    from drgengine.whatif.cluecounts import ClueCounts as ClueCounts
    from drgengine.whatif.onecase import Alternative as Alternative
    from drgengine.whatif.onecase import Alternatives as Alternatives
    from drgengine.whatif.onecase import alternatives as alternatives

_HOME = {
    "Alternative": "onecase",
    "Alternatives": "onecase",
    "ClueCounts": "cluecounts",
    "Clues": "audit",
    "alternatives": "onecase",
    "alternatives_file": "alternativetable",
    "alternatives_table": "alternativetable",
    "audit_clues": "audit",
    "audit_file": "audit",
}
__all__ = [
    "Alternative",
    "Alternatives",
    "ClueCounts",
    "Clues",
    "alternatives",
    "alternatives_file",
    "alternatives_table",
    "audit_clues",
    "audit_file",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used: one case needs no kernel."""
    if name in _HOME:
        return getattr(import_module(f"drgengine.whatif.{_HOME[name]}"), name)
    raise AttributeError(f"module 'drgengine.whatif' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
