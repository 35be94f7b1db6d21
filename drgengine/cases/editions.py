"""Code editions: which diagnosis and procedure codes exist, in a compact file of our own.

A line holds a category and the rest of each of its codes: `A00. 000 000x001 100` stands for A00.000,
A00.000x001 and A00.100. Lines starting with `#` carry `key: value` facts about the edition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from drgengine.errors import SchemeError

EDITION_FOLDER = Path(__file__).parent.parent / "schemes" / "editions"


@dataclass(frozen=True)
class Edition:
    """The codes of one code edition (编码版本), sorted as text and without repeats."""

    name: str
    codes: tuple[str, ...]

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.codes)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.codes).encode()).hexdigest()[:16]

    def with_codes(self, more: Iterable[str]) -> Edition:
        """The edition and some further codes, under the same name."""
        extra = set(more) - self.known
        return Edition(self.name, tuple(sorted(self.known | extra))) if extra else self


def read_codes(path: Path) -> tuple[str, ...]:
    """The codes of an edition file, sorted. Raises SchemeError when the file cannot be read as such."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemeError(str(path), f"the code list cannot be read ({error})", "Restore the file") from None
    codes: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            category, *rests = line.split()
            codes += [category + rest for rest in rests] if "-" not in rests else _with_bare(category, rests)
    return tuple(sorted(dict.fromkeys(codes)))  # the file is sorted but for the bare categories


def _with_bare(category: str, rests: list[str]) -> list[str]:
    return [category + ("" if rest == "-" else rest) for rest in rests]


def write_codes(codes: Iterable[str], facts: dict[str, str]) -> str:
    """The text of an edition file; `-` stands for the bare category."""
    lines = [f"# {key}: {value}" for key, value in facts.items()]
    by_category: dict[str, list[str]] = {}
    for code in sorted(set(codes)):
        cut = code.find(".") + 1 or len(code)
        by_category.setdefault(code[:cut], []).append(code[cut:] or "-")
    lines += [f"{category} {' '.join(rests)}" for category, rests in sorted(by_category.items())]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=8)
def load_edition(name: str) -> Edition:
    """A packaged edition by name, such as `icd10-yb-2.0`. Raises SchemeError naming the editions there are."""
    path = EDITION_FOLDER / f"{name}.txt"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in EDITION_FOLDER.glob("*.txt")))
        raise SchemeError(f"edition {name!r}", "there is no such code edition", f"Use one of: {there}")
    return Edition(name, read_codes(path))
