"""Texts that are English and know their Chinese (中英文), made from the templates of data/costing_findings.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any


class Bilingual(str):
    """An English text with the same in Chinese as `zh`.

    It is an ordinary str otherwise; what is made of it by +, f-strings or join is English only, so that longer texts
    are made by `phrase`, `sentences` and `listed`.

    >>> text = Bilingual("department D1", "科室 D1")
    >>> text, text.zh, in_language(text, "zh"), in_language("ledger.csv", "zh")
    ('department D1', '科室 D1', '科室 D1', 'ledger.csv')
    """

    __slots__ = ("zh",)
    zh: str

    def __new__(cls, en: str, zh: str) -> Bilingual:
        text = super().__new__(cls, en)
        text.zh = zh
        return text

    def __reduce__(self) -> tuple[type[Bilingual], tuple[str, str]]:
        return Bilingual, (str(self), self.zh)


def in_language(text: str, language: str) -> str:
    """The text in a language; a plain text is itself in both."""
    return text.zh if language == "zh" and isinstance(text, Bilingual) else str(text)


@cache
def templates() -> Mapping[str, Any]:
    """The whole of data/costing_findings.toml."""
    path = Path(__file__).parents[1] / "data" / "costing_findings.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def phrase(name: str, /, **values: object) -> Bilingual:
    """A part of a sentence by its name in [phrases], e.g. "department".

    values : for the placeholders; one that is Bilingual is put into each text in its language

    >>> phrase("department", code="D1").zh
    '科室 D1'
    """
    entry = templates()["phrases"][name]
    return _filled(entry["en"], entry["zh"], values)


def sentences(path: str, /, **values: object) -> tuple[Bilingual, Bilingual]:
    """What is wrong and what to do about it, by the name of a table such as "findings.share_sum.scaled"."""
    entry: Any = templates()
    for name in path.split("."):
        entry = entry[name]
    return (
        _filled(entry["problem"], entry["problem_zh"], values),
        _filled(entry["remedy"], entry["remedy_zh"], values),
    )


def word(name: str) -> Bilingual:
    """A word of the engine such as "ward", Chinese as in [words]; one that is not there stands for itself."""
    return Bilingual(name, templates()["words"].get(name, name))


def listed(texts: Iterable[str], most: int = 6, count: int | None = None) -> Bilingual:
    """Texts in a sentence, the first ones and how many more.

    count : how many there are in all, where texts holds only the first ones

    >>> listed(["A", "B"]), listed(map(str, range(9)), 2), listed("AB", count=9).zh
    ('A, B', '0, 1 and 7 more', 'A、B 等共 9 项')
    """
    every = list(texts)
    shown, count = every[:most], len(every) if count is None else count
    en, zh = ", ".join(shown), "、".join(in_language(text, "zh") for text in shown)
    return (
        phrase("more", shown=Bilingual(en, zh), rest=count - len(shown), count=count)
        if count > len(shown)
        else Bilingual(en, zh)
    )


def yuan(amount: float) -> Bilingual:
    """An amount in a sentence.

    >>> yuan(-1234.5), yuan(0.5).zh
    ('-1,234.50 yuan', '0.50 元')
    """
    return phrase("yuan", amount=amount)


def translated(text: str) -> Bilingual:
    """A text of another part of the program, which may know English alone: its Chinese then says so."""
    return text if isinstance(text, Bilingual) else phrase("english", text=text)


def _filled(en: str, zh: str, values: Mapping[str, object]) -> Bilingual:
    chinese = {name: in_language(value, "zh") if isinstance(value, str) else value for name, value in values.items()}
    return Bilingual(en.format_map(values), zh.format_map(chinese))
