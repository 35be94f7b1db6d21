"""From a plain list of codes to the fewest category patterns that say the same (used when a scheme is imported)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

_CATEGORY = 3


class PatternWriter:
    """Writes sets of codes as patterns over one edition. The tree of the edition is built once.

    codes : the codes of the edition, sorted as text
    """

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = codes
        self.place = {code: at for at, code in enumerate(codes)}
        self.children: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.prefix: dict[tuple[int, int], str] = {}
        self.roots = self._split(0, len(codes), 0)

    def _split(self, low: int, high: int, depth: int) -> list[tuple[int, int]]:
        """Cut a run of codes that share `depth` characters into runs that also share the next one."""
        runs, start = [], low
        for at in range(low + 1, high + 1):
            if at == high or self.codes[at][depth] != self.codes[start][depth]:
                runs.append((start, at))
                self._describe(start, at, depth + 1)
                start = at
        return runs

    def _describe(self, low: int, high: int, depth: int) -> None:
        first, last = self.codes[low], self.codes[high - 1]
        self.prefix[low, high] = first
        if high - low > 1:
            common = depth
            while common < len(first) and first[common] == last[common]:
                common += 1
            self.prefix[low, high] = first[: min(max(depth, _CATEGORY), common)]
            own = low + (len(first) == common)
            self.children[low, high] = self._split(own, high, common)
            if own > low:
                self.children[low, high].insert(0, (low, low))  # an empty run marks the code that ends here

    def write(self, wanted: Iterable[str]) -> list[str]:
        """The fewest patterns whose expansion over the edition is exactly the wanted codes.

        wanted : codes, all of them in the edition
        returns patterns in the order of the codes they speak of

        >>> PatternWriter(["A00.0", "A00.1", "A00.2", "A00.3", "B01.0"]).write(["A00.0", "A00.2", "A00.3"])
        ['A00', '-A00.1']
        """
        member = [0] * len(self.codes)
        for code in wanted:
            member[self.place[code]] = 1
        counts = [0, *accumulate(member)]
        memo: dict[tuple[int, int, int], tuple[int, int]] = {}

        def cost(low: int, high: int, inherited: int) -> tuple[int, int]:
            """(number of patterns, own colour) of the cheapest way to write a run under an inherited colour."""
            inside = counts[high] - counts[low]
            if inside in (0, high - low):
                colour = int(inside > 0)
                return int(colour != inherited), colour
            key = (low, high, inherited)
            if key not in memo:
                memo[key] = min(
                    ((colour != inherited) + below(low, high, colour), colour != inherited, colour) for colour in (0, 1)
                )[::2]
            return memo[key]

        def below(low: int, high: int, colour: int) -> int:
            return sum(
                int(member[a] != colour) if a == b else cost(a, b, colour)[0] for a, b in self.children[low, high]
            )

        def emit(low: int, high: int, inherited: int) -> None:
            _, colour = cost(low, high, inherited)
            if colour != inherited:
                out.append(("" if colour else "-") + self.prefix[low, high])
            if counts[high] - counts[low] not in (0, high - low):
                for a, b in self.children[low, high]:
                    if a < b:
                        emit(a, b, colour)
                    elif member[a] != colour:
                        out.append(("=" if member[a] else "-=") + self.codes[a])

        out: list[str] = []
        for low, high in self.roots:
            emit(low, high, 0)
        return out
