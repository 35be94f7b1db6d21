"""Which codes of the edition the lists of a scheme hold, as bool arrays worked out once per list."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from drgengine.grouper.compile import expand
from drgengine.grouper.conditions import DIAGNOSIS_SCOPES, InCodes, InList, StartsWith
from drgengine.grouper.scheme import Scheme

Membership = InList | InCodes | StartsWith


class ListedCodes:
    """The lists of one scheme over its editions: bool arrays, shape (codes of the edition,)."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._member: dict[str | Membership, np.ndarray] = {}

    def edition(self, name: str) -> tuple[str, ...]:
        """The codes over which a list is stated: diagnoses or procedures."""
        scheme = self.scheme
        return scheme.diagnoses.codes if name in scheme.diagnosis_patterns else scheme.procedures.codes

    def member(self, name: str) -> np.ndarray:
        """Which codes a named list holds."""
        if name not in self._member:
            patterns = self.scheme.diagnosis_patterns.get(name) or self.scheme.procedure_patterns.get(name, ())
            self._member[name] = expand(patterns, self.edition(name))
        return self._member[name]

    def codes(self, name: str) -> list[str]:
        """The codes of a named list, sorted."""
        edition = self.edition(name)
        return [edition[at] for at in np.flatnonzero(self.member(name)).tolist()]

    def side(self, scope: str) -> tuple[str, ...]:
        """The codes that can stand in a scope."""
        return self.scheme.diagnoses.codes if scope in DIAGNOSIS_SCOPES else self.scheme.procedures.codes

    def held(self, atom: Membership) -> np.ndarray:
        """Which codes make a membership atom true."""
        if isinstance(atom, InList):
            return self.member(atom.list)
        if atom not in self._member:
            codes = self.side(atom.scope)
            held = np.zeros(len(codes), bool)
            if isinstance(atom, StartsWith):
                held = expand(atom.prefixes, codes)
            else:
                for code in atom.codes:
                    at = bisect_left(codes, code)
                    if at < len(codes) and codes[at] == code:
                        held[at] = True
            self._member[atom] = held
        return self._member[atom]

    def within(self, inner: Membership, outer: Membership) -> bool:
        """Whether every code that makes `inner` true is one that makes `outer` true.

        A prefix also speaks of codes that the edition does not know: it lies only within itself or a shorter one.
        """
        if isinstance(inner, StartsWith):
            return isinstance(outer, StartsWith) and all(p.startswith(outer.prefixes) for p in inner.prefixes)
        if isinstance(inner, InCodes) and isinstance(outer, StartsWith):
            return all(code.startswith(outer.prefixes) for code in inner.codes)
        return not bool((self.held(inner) & ~self.held(outer)).any())
