"""Code texts of charge lines -> numbers, once per distinct text, and what was found strange about them."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.unreadable import decoded

BLANK = -1
_NOT_SEEN = -(2**31)
_FILLERS = frozenset(("", "null", "none", "nan", "n/a", "-", "--"))
_WHOLE = re.compile(r"(\d+)\.0+")


class Strangers:
    """Numbers of codes the tables do not know: number k stands in the maps as -2 - k.

    codes : (role, code) by number; mended : (role, code as read, code taken)
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.codes: list[tuple[str, str]] = []
        self.mended: set[tuple[str, str, str]] = set()

    def number(self, role: str, code: str) -> int:
        """A new number; call with the lock held."""
        self.codes.append((role, code))
        return -1 - len(self.codes)


class CodeBook:
    """One kind of code (编码): text -> number of the tables, BLANK, or a stranger's number.

    known : code -> number >= 0. Outer blanks, full-width characters and a ".0" left by a spreadsheet are mended when
        the mended code is known
    zeros : codes that may lack their leading zeros; they are given back where exactly one of these codes has them
    meaning : for words instead of codes: text -> number, None when unknown
    """

    def __init__(
        self,
        role: str,
        known: Mapping[str, int],
        strangers: Strangers,
        zeros: Iterable[str] = (),
        meaning: Callable[[str], int | None] | None = None,
    ) -> None:
        self.role = role
        self.known = known
        self._strangers = strangers
        self._meaning = meaning
        self._bare: dict[str, list[str]] = {}
        for code in zeros:
            self._bare.setdefault(code.lstrip("0"), []).append(code)
        self._seen: dict[str | None, int] = {None: BLANK}
        self._seen.update(known.items())
        self._last = threading.local()

    def numbers(self, texts: list[str | None]) -> Any:
        """int32[len(texts)+1]; the last one is BLANK, for nulls."""
        seen = self._seen
        found = np.fromiter((seen.get(text, _NOT_SEEN) for text in texts), dtype=np.int32, count=len(texts))
        for at in np.flatnonzero(found == _NOT_SEEN):
            found[at] = self._look_up(texts[at])
        return np.append(found, np.int32(BLANK))

    def positions(self, values: pa.Array) -> tuple[Any, Any]:
        """Positions int32[n] of the values and int32[m+1] numbers there; the dictionary is read once while it stays."""
        if not pt.is_dictionary(values.type):
            values = values.dictionary_encode()
        dictionary, indices = values.dictionary, values.indices
        last = getattr(self._last, "dictionary", None)
        if last is None or last.type != dictionary.type or not last.equals(dictionary):
            self._last.numbers = self.numbers(_texts(dictionary))
            self._last.dictionary = dictionary
        numbers = self._last.numbers
        if indices.null_count:
            indices = pc.fill_null(indices, pa.scalar(len(numbers) - 1, indices.type))
        return indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), numbers

    def _look_up(self, text: str | None) -> int:
        assert text is not None
        with self._strangers.lock:
            if text not in self._seen:
                self._seen[text] = self._read(text)
            return self._seen[text]

    def _read(self, text: str) -> int:
        plain = _plain(text)
        if plain.casefold() in _FILLERS:
            return BLANK
        if self._meaning is not None:
            number = self._meaning(plain)
            return self._strangers.number(self.role, plain) if number is None else number
        whole = _WHOLE.fullmatch(plain)
        short = whole[1] if whole else plain
        near = self._bare.get(short.lstrip("0"), []) if short.strip("0") else []
        for candidate in (plain, short, *(near if len(near) == 1 else ())):
            if candidate in self.known:
                self._strangers.mended.add((self.role, text, candidate))
                return self.known[candidate]
        if plain != text:
            # The stranger is one, however it is spelt.
            if plain not in self._seen:
                self._seen[plain] = self._strangers.number(self.role, plain)
            return self._seen[plain]
        return self._strangers.number(self.role, plain)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().strip("\u200b\ufeff").strip()


def _texts(dictionary: pa.Array) -> list[str | None]:
    kind = dictionary.type
    if pt.is_floating(kind) or pt.is_decimal(kind):
        return [_number_text(value) for value in dictionary.to_pylist()]
    try:
        return dictionary.cast(pa.string()).to_pylist()
    except UnicodeDecodeError:
        missing = dictionary.is_null().to_pylist()
        texts = decoded(dictionary)[0].to_pylist()
        return [None if gone else text for gone, text in zip(missing, texts, strict=True)]


def _number_text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    return str(int(value)) + ".0" if value == int(value) else str(value)


def nearest_codes(code: str, known: Iterable[str]) -> list[str]:
    """Known codes that differ only by leading zeros, or look alike."""
    from difflib import get_close_matches

    known = list(known)
    bare = code.lstrip("0").removesuffix(".0")
    zeros = [other for other in known if bare and other.lstrip("0") == bare]
    return zeros or get_close_matches(code, known, n=1, cutoff=0.8)
