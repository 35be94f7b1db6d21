"""Numbers as a reader expects them (数字格式): by unit, with thousands, never NaN."""

from __future__ import annotations

import math
from typing import Any

DASH = "—"
_DECIMALS = {"index": 3, "weight per case": 3, "ratio": 3, "points": 1, "share": 1}
_WHOLE_FROM = 1000.0


def number(value: Any, unit: str = "") -> str:
    """A value in its unit; "—" for None and NaN.

    unit : of the catalogue; "%" values are per cent already

    >>> number(29.54, "%"), number(0.0712, "%"), number(1.0234, "index"), number(23456.7, "yuan"), number(float("nan"))
    ('29.5%', '0.071%', '1.023', '23,457', '—')
    """
    found = finite(value)
    if found is None:
        return DASH
    size = abs(found)
    if unit == "%":
        text = f"{size:.{1 if size >= 1 or size == 0 else 2 if size >= 0.1 else 3}f}%"
    elif unit in _DECIMALS:
        text = f"{size:,.{_DECIMALS[unit]}f}"
    else:
        text = f"{size:,.0f}" if size >= _WHOLE_FROM or size == int(size) else f"{size:.2f}"
    return f"−{text}" if found < 0 and any(letter in "123456789" for letter in text) else text


def share(value: Any, decimals: int = 1) -> str:
    """A share of 0 to 1 as per cent.

    >>> share(0.9234), share(None)
    ('92.3%', '—')
    """
    found = finite(value)
    return DASH if found is None else f"{100.0 * found:.{decimals}f}%"


def chance(value: Any) -> str:
    """A probability; one drawn by simulation is never quite 0 or 1.

    >>> chance(0.82), chance(0.9991), chance(0.001)
    ('82%', '>99%', '<1%')
    """
    found = finite(value)
    if found is None:
        return DASH
    return ">99%" if found > 0.995 else "<1%" if found < 0.005 else f"{100.0 * found:.0f}%"


def signed(value: Any, decimals: int = 1) -> str:
    """With its sign; a true minus, so that it lines up.

    >>> signed(1.25), signed(-0.04), signed(-3)
    ('+1.2', '0.0', '−3.0')
    """
    found = finite(value)
    if found is None:
        return DASH
    text = f"{abs(found):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return text
    return f"{'+' if found > 0 else '−'}{text}"


def span(low: Any, high: Any, decimals: int = 1) -> str:
    """An interval, "—" where an end is lacking.

    >>> span(1.0, 4.0, 0), span(None, 2)
    ('1–4', '—')
    """
    ends = finite(low), finite(high)
    return DASH if None in ends else "–".join(f"{end:,.{decimals}f}" for end in ends)


def finite(value: Any) -> float | None:
    """The number, or None for None, NaN, infinity and what is no number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
