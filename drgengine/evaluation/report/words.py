"""Words and sentences of the report (报告用语) in Chinese and English, from data/evaluation/report_words.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from drgengine.errors import EvaluationError

LANGUAGES = ("zh", "en")
FILE = Path(__file__).parents[2] / "data" / "evaluation" / "report_words.toml"


@cache
def entries() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Section -> key -> zh, en and, where an English sentence differs for n = 1, one."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language.

    >>> Words("zh")("summary.hospitals", n=1), Words("en")("summary.hospitals", n=1)
    (Markup('1 家医院'), Markup('1 hospital'))
    """

    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise EvaluationError("language", f"{self.language!r} is not known", "Say zh or en")

    def __call__(self, path: str, /, **values: object) -> Markup:
        """The sentence "section.key" with its values, which are escaped unless they are Markup."""
        section, _, key = path.partition(".")
        entry = entries()[section][key]
        form = "one" if self.language == "en" and str(values.get("n")) == "1" and "one" in entry else self.language
        return Markup(entry[form]).format(**values) if values else Markup(entry[form])

    def word(self, section: str, key: str) -> str:
        """A word of the engine such as a status; one that is not in the file stands for itself."""
        entry = entries()[section].get(key)
        return key if entry is None else entry[self.language]

    def text(self, zh: str, en: str) -> str:
        """The text in the language, or the other one where it is lacking."""
        return (zh or en) if self.language == "zh" else (en or zh)

    def listed(self, texts: Iterable[str], most: int = 8) -> Markup:
        """Texts in a sentence: the first ones and how many more.

        >>> Words("en").listed(["A", "B<", "C"], 2), Words("zh").listed("AB")
        (Markup('A, B&lt; and 1 more'), Markup('A、B'))
        """
        every = list(texts)
        comma = "、" if self.language == "zh" else ", "
        shown = Markup(comma).join(escape(text) for text in every[:most])
        rest = len(every) - most
        return self("page.more", shown=shown, rest=rest) if rest > 0 else shown
