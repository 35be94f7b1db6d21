"""Sentences of the import report without a language: a name, and what is filled in; the words stand as data."""

from __future__ import annotations

from dataclasses import dataclass

from drgengine.grouper.workbook.reportwords import report_words, sentence_words


@dataclass(frozen=True, slots=True)
class Few:
    """The first of some names, and how many there are in all.

    >>> str(Few(("A", "B"), 7)), Few(("A", "B"), 7).told("zh"), str(Few(("A", "B"), 2))
    ('A B and 5 more', 'A B 等，另有 5 个', 'A B')
    """

    names: tuple[str, ...]
    total: int

    def told(self, language: str) -> str:
        """The names in a language; names with blanks in them are kept apart by semicolons."""
        words = report_words(language)
        between: str = words["between"] if any(" " in name for name in self.names) else " "
        shown, more = between.join(self.names), self.total - len(self.names)
        return str(words["few"]).format(names=shown, more=f"{more:,}") if more > 0 else shown

    def __str__(self) -> str:
        return self.told("en")


def some(names: list[str], most: int = 5) -> Few:
    """The first few names, and how many more there are.

    >>> str(some(["A", "B"])), str(some(list("ABCDEFG")))
    ('A B', 'A B C D E and 2 more')
    """
    return Few(tuple(names[:most]), len(names))


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the report: of a table of words (counts, data) the one with this key.

    >>> Word("counts", "sets").told("zh")
    '集合'
    """

    table: str
    key: str

    def told(self, language: str) -> str:
        """The word in a language; the key where there is none."""
        return str(report_words(language)[self.table].get(self.key, self.key))


@dataclass(frozen=True, slots=True)
class Both:
    """A text that comes in both languages, such as the source of an amendment."""

    zh: str
    en: str

    def told(self, language: str) -> str:
        """The text in a language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or a place in the workbook.

    name : of the sentence in workbook_report.toml; values : (name, value) for what is filled in

    >>> place = said("at_cell_of", sheet="ADRG", cell="C39", code="ZZ1")
    >>> str(place), place.told("zh")
    ('sheet ADRG, cell C39 (ZZ1)', '工作表 ADRG 单元格 C39（ZZ1）')
    """

    name: str
    values: tuple[tuple[str, Value], ...] = ()

    def told(self, language: str) -> str:
        """The sentence in a language, "zh" or "en". Whole numbers get commas."""
        return sentence_words(self.name, language).format(
            **{name: _shown(value, language) for name, value in self.values}
        )

    def __str__(self) -> str:
        return self.told("en")


Value = str | int | Few | Word | Both | Sentence | tuple[Sentence, ...]
"""What can be filled in."""


def said(name: str, /, **values: Value) -> Sentence:
    """A sentence with its values."""
    return Sentence(name, tuple(values.items()))


def joined(sentences: tuple[Sentence, ...], language: str) -> str:
    """Several sentences in a language, one after the other."""
    between: str = report_words(language)["between"]
    return between.join(sentence.told(language) for sentence in sentences)


def _shown(value: Value, language: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return joined(value, language) if isinstance(value, tuple) else value.told(language)
