"""What an import finds on its way: remarks for the report, and errors that are told together, not one per attempt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from drgengine.errors import SchemeError
from drgengine.grouper.workbook.rows import Remark

LEVELS = ("repair", "warning", "note")
SHOWN_OF_A_KIND = 10


@dataclass
class Findings:
    """Remarks and errors of one import.

    path : the workbook; remarks : in the order in which they were found; problems : kind -> errors
    """

    path: str
    remarks: list[Remark] = field(default_factory=list)
    problems: dict[str, list[SchemeError]] = field(default_factory=dict)

    def error(self, kind: str, place: str, problem: str, remedy: str) -> None:
        """Keep an error; `stop` raises what was kept."""
        self.problems.setdefault(kind, []).append(SchemeError(place, problem, remedy))

    def repair(self, kind: str, place: str, text: str) -> None:
        """The file is read otherwise than it is written."""
        self.remarks.append(Remark("repair", kind, place, text))

    def warning(self, kind: str, place: str, text: str) -> None:
        """Hardly meant so, and taken as it is."""
        self.remarks.append(Remark("warning", kind, place, text))

    def note(self, kind: str, place: str, text: str) -> None:
        """Worth knowing."""
        self.remarks.append(Remark("note", kind, place, text))

    def by_weight(self) -> tuple[Remark, ...]:
        """The remarks: repairs, warnings, notes; of each first the kinds that are rare, as they say the most."""
        times = Counter(remark.kind for remark in self.remarks)
        return tuple(sorted(self.remarks, key=lambda remark: (LEVELS.index(remark.level), times[remark.kind])))

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


def some(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are.

    >>> some(["A", "B"]), some(list("ABCDEFG"))
    ('A B', 'A B C D E and 2 more')
    """
    shown = " ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
