"""Problems of one input, collected so that a user mends them all at once."""

from __future__ import annotations

from collections.abc import Iterator

from drgengine.errors import CostingError

_SHOWN = 8


class Problems:
    """Everything wrong with the input of one call; `stop` raises what has come together, if anything."""

    def __init__(self) -> None:
        self._shown: list[tuple[str, str, str]] = []
        self._count = 0

    def add(self, place: str, problem: str, remedy: str) -> None:
        """Note one problem; place, problem and remedy as in CostingError."""
        self.add_many(iter([(place, problem, remedy)]), 1)

    def add_many(self, found: Iterator[tuple[str, str, str]], count: int) -> None:
        """Note `count` problems; only as many are asked for as will be shown."""
        self._count += count
        while len(self._shown) < _SHOWN and (one := next(found, None)) is not None:
            self._shown.append(one)

    def stop(self, what: str) -> None:
        """Raise a CostingError if there is any problem; `what` is the place that holds them all."""
        if not self._count:
            return
        if self._count == 1:
            raise CostingError(*self._shown[0])
        lines = [f"({at}) {place}: {problem}. {remedy}" for at, (place, problem, remedy) in enumerate(self._shown, 1)]
        if self._count > len(lines):
            lines.append(f"and {self._count - len(lines)} more")
        raise CostingError(what, f"{self._count} problems: " + "; ".join(lines), "Mend them all and allocate again")
