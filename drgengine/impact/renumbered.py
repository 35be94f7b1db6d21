"""Groups that only got another code: told by their names (改编码)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

_SIGNS = r"[^\w<>=≤≥±+%]|_"
# Between two figures a sign counts: 1.5 is not 15, and 3-5 is not 35.
_MEANS_NOTHING = re.compile(rf"(?<!\d)(?:{_SIGNS})|(?:{_SIGNS})(?!\d)")


def folded(name: str) -> str:
    """A name without what may be written in several ways: width of characters, blanks, slashes, punctuation.

    >>> folded("冠状动脉粥样硬化／血栓／闭塞") == folded("冠状动脉粥样硬化/血栓/闭塞")
    True
    >>> folded("烧伤面积＜30%") == folded("烧伤面积≥30%"), folded("体重 1.5 kg") == folded("体重 15 kg")
    (False, False)
    """
    return _MEANS_NOTHING.sub("", unicodedata.normalize("NFKC", name)).lower()


def renumbered_groups(old: Mapping[str, str], new: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """(old code, new code) of groups whose name stands once on each side, under another code.

    old, new : code -> name of the groups of both schemes; groups without a name are left out

    >>> sorted(renumbered_groups({"FM19": "支架植入", "FM29": "其他"}, {"FM39": "支架植入", "FM29": "其他"}))
    [('FM19', 'FM39')]
    """
    sides = []
    for names in (old, new):
        told = {code: folded(name) for code, name in names.items() if name and folded(name)}
        once = {name for name, times in Counter(told.values()).items() if times == 1}
        sides.append({name: code for code, name in told.items() if name in once})
    pairs = ((code, sides[1][name]) for name, code in sides[0].items() if name in sides[1])
    return frozenset((one, other) for one, other in pairs if one != other)
