"""Department categories (科室分类) as the tables of hospitals write them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from drgengine.costing.model import CATEGORIES, Category
from drgengine.errors import CostingError

CHINESE: dict[Category, str] = {
    "administration": "行政后勤",
    "auxiliary": "医疗辅助",
    "technology": "医疗技术",
    "clinical": "临床服务",
}

_WORDS: dict[str, Category] = {
    **{name: name for name in CATEGORIES},
    **{word + ending: name for name, word in CHINESE.items() for ending in ("", "类", "科室", "类科室")},
}


def category_of(word: object) -> Category | None:
    """The category a word means, English or Chinese, with or without 类; None for any other word.

    >>> category_of("医疗辅助类"), category_of("Technology"), category_of("后勤")
    ('auxiliary', 'technology', None)
    """
    return _WORDS.get(str(word).strip().lower())


def category_words(category: Any) -> dict[Hashable, object]:
    """Department -> word of a mapping or a Series. CostingError for anything else, and for two categories."""
    if not hasattr(category, "items"):
        raise CostingError("category", f"is a {type(category).__name__}", "Pass a mapping department -> category")
    words: dict[Hashable, object] = {}
    for code, word in category.items():
        if words.setdefault(code, word) is not word and words[code] != word:
            raise CostingError(f"category, department {code!r}", f"is {words[code]!r} and {word!r}", "Keep one of them")
    return words
