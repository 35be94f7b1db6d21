"""What an import finds on its way: remarks for the report, and errors that are told together, not one per attempt."""

from __future__ import annotations

from dataclasses import dataclass, field

from drgengine.errors import SchemeError
from drgengine.grouper.workbook.rows import Remark
from drgengine.grouper.workbook.sentences import Sentence, Value, said, some

__all__ = ["IMPORTANCE", "LEVELS", "SPELLINGS", "Findings", "rank", "some"]

LEVELS = ("repair", "warning", "note")
SPELLINGS = (
    "letter_form", "line_continuation", "escaped_character", "line_break", "zero_width", "odd_blank", "extra_blank",
)  # fmt: skip
"""Kinds of remarks on blanks and spellings, which change nothing that is meant."""
IMPORTANCE = (
    # What changes how cases are grouped.
    "amendment", "operation_test_added", "ambiguous_always", "order_moved", "kept_for_grouping",
    "name_corrected", "mended_code", "error_in_name",
    # What may be a fault of the file.
    "counts_differ", "unusable_code", "adrg_always", "never_reached", "ambiguous_groups", "fallback_rule",
    "mdc_differs", "order_missing", "set_name_and_type", "table_without_rows", "unusual_code",
    "amendment_without_table", "duplicate_member",
    # What is good to know.
    "list_not_given", "list_added", "gate_always", "equal_order", "code_not_in_edition", "several_names",
    "set_not_used", "table_not_used", "unknown_column", "sheet_name",
    *SPELLINGS,
)  # fmt: skip
"""Kinds of remarks in the order in which a reader should see them."""
SHOWN_OF_A_KIND = 10


@dataclass
class Findings:
    """Remarks and errors of one import.

    path : the workbook; remarks : in the order in which they were found; problems : kind -> errors
    """

    path: str
    remarks: list[Remark] = field(default_factory=list)
    problems: dict[str, list[SchemeError]] = field(default_factory=dict)

    def error(self, kind: str, place: Sentence | str, problem: str, remedy: str) -> None:
        """Keep an error; `stop` raises what was kept."""
        self.problems.setdefault(kind, []).append(SchemeError(str(place), problem, remedy))

    def repair(self, kind: str, place: Sentence, sentence: str = "", /, **values: Value) -> None:
        """The file is read otherwise than it is written. sentence : its name where it is not that of the kind."""
        self.remarks.append(Remark("repair", kind, place, said(sentence or kind, **values)))

    def warning(self, kind: str, place: Sentence, sentence: str = "", /, **values: Value) -> None:
        """Hardly meant so, and taken as it is."""
        self.remarks.append(Remark("warning", kind, place, said(sentence or kind, **values)))

    def note(self, kind: str, place: Sentence, sentence: str = "", /, **values: Value) -> None:
        """Worth knowing."""
        self.remarks.append(Remark("note", kind, place, said(sentence or kind, **values)))

    def by_weight(self) -> tuple[Remark, ...]:
        """The remarks: what changes the grouping first, blanks last (see IMPORTANCE); of a kind as they were found."""
        return tuple(sorted(self.remarks, key=lambda remark: rank(remark.kind)))

    def stop(self) -> None:
        """Raise SchemeError if there are errors: a single one as it is, several as a list, at most ten of a kind."""
        every = [error for errors in self.problems.values() for error in errors]
        if len(every) == 1:
            raise SchemeError(f"{self.path}, {every[0].place}", every[0].problem, every[0].remedy)
        if every:
            lines = ["Mend them in a copy of the file, or ask for the file again:"]
            for errors in self.problems.values():
                lines += [f"  {error}" for error in errors[:SHOWN_OF_A_KIND]]
                if len(errors) > SHOWN_OF_A_KIND:
                    lines.append(f"  and {len(errors) - SHOWN_OF_A_KIND} more of this kind.")
            raise SchemeError(self.path, f"{len(every)} errors, nothing was written", "\n".join(lines))


def rank(kind: str) -> int:
    """The place of a kind of remark among all kinds, from 0; unknown ones come last.

    >>> rank("amendment"), rank("order_moved") < rank("extra_blank") < rank("something else")
    (0, True)
    """
    return IMPORTANCE.index(kind) if kind in IMPORTANCE else len(IMPORTANCE)
