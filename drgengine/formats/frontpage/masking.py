"""Identity and phone numbers in the texts that issues quote (证件号、手机号脱敏): a number may stand in any column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from drgengine.cases.issues import BatchIssue
from drgengine.cases.shown import MASK

_SHORTEST = 11
# Identity numbers of 18 and 15 digits and mobile numbers, also in groups; the digits behind a dot are a fraction.
_NUMBER = re.compile(
    r"(?<!\d)(?<!\d\.)(?:\d(?:[\s-]?\d){16}[\s-]?[\dXxＸｘ]|\d(?:[\s-]?\d){14}|[1１][\s-]?[3-9３-９](?:[\s-]?\d){9})(?!\d)"
)


def mask_numbers(issues: Iterable[BatchIssue]) -> list[BatchIssue]:
    """The issues with identity numbers (15 or 18 digits) and mobile numbers (11 digits) masked in every quoted text.

    >>> import numpy as np
    >>> found = mask_numbers([BatchIssue("B34C", "domain_unknown", np.array([1]), ["电话13912345678。"])])
    >>> found[0].values
    ['电话…。']
    """
    return [_masked(issue) for issue in issues]


def _masked(issue: BatchIssue) -> BatchIssue:
    values, cleaned, hints = (_texts(texts) for texts in (issue.values, issue.cleaned, issue.hints))
    if values is None and cleaned is None and hints is None:
        return issue
    return replace(issue, values=values or issue.values, cleaned=cleaned or issue.cleaned, hints=hints or issue.hints)


def _texts(texts: list[str] | None) -> list[str] | None:
    """The texts with their numbers masked; None when there is nothing to mask."""
    long = {text for text in texts or () if text and len(text) >= _SHORTEST}
    told = {text: shown for text in long if (shown := _NUMBER.sub(MASK, text)) != text}
    return [told.get(text, text) for text in texts] if texts and told else None
