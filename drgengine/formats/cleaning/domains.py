"""Codes of value domains (值域代码): sex, disposition, payment and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from drgengine.formats.cleaning.cells import Reading, cells_of, read_cells
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.cleaning.texts import domain_data, has_tail, mend_text

_TYPES = {"int8": pa.int8(), "int32": pa.int32(), "string": pa.string()}
_CODE_AND_WORD = re.compile(r"([0-9]+)[-.、:_]?([^0-9].*)")
_NUMBER = re.compile(r"[0-9]+")


def clean_domain(values: pa.Array, column: str, first_row: int, domain: str) -> Cleaned:
    """Codes of one value domain (值域) out of codes, words and spreadsheet forms.

    domain : sex (int8: 0 unknown, 1, 2), disposition (int32), admission_condition, admission_route, payment (two
        digits), yes_no_plan (string); data/value_domains.toml names codes and words
    A value outside the domain is null (sex: 0) and reported. KeyError for an unknown domain.

    >>> clean_domain(pa.array(["男", "2", "1.0", "-", "x"]), "XB", 1, "sex").values.to_pylist()
    [1, 2, 1, None, 0]
    """
    entry = domain_data()["domain"][domain]
    kind = _TYPES[entry["type"]]
    whole = kind != pa.string()

    def read(raw: str) -> Reading:
        reading = _read_code(raw, entry)
        if whole and reading.value is not None:
            return reading._replace(value=int(reading.value))
        return reading

    return read_cells(cells_of(values), column, first_row, read, kind)


def _read_code(raw: str, entry: Mapping[str, Any]) -> Reading:
    cell = mend_text(raw)
    codes, text = entry["codes"], cell.text
    # 无 says "none" in most columns, but is a word of the domain in some.
    if cell.empty and text not in entry["words"]:
        return Reading(None, cell.rules, cell.filler)
    if text in codes:
        return Reading(codes[text], cell.rules)
    if cell.scientific:
        return Reading(entry.get("unknown"), cell.rules)
    code = _code_of_word(text.casefold(), entry)
    if code is not None:
        return Reading(code, (*cell.rules, "domain_word"))
    whole = text.partition(".")[0] if has_tail(text) else text
    if _NUMBER.fullmatch(whole):
        code = codes.get(whole, codes.get(whole.lstrip("0") or "0"))
        if code is not None:
            return Reading(code, (*cell.rules, "number_tail" if whole != text else "domain_leading_zero"))
    return Reading(entry.get("unknown"), (*cell.rules, entry["otherwise"]))


def _code_of_word(text: str, entry: Mapping[str, Any]) -> str | None:
    """The code of a word, or of a code with its own word behind it ("1男", "5-死亡")."""
    words, codes = entry["words"], entry["codes"]
    if text in words:
        return str(words[text])
    both = _CODE_AND_WORD.fullmatch(text)
    if both and both[1] in codes and words.get(both[2]) == codes[both[1]]:
        return str(codes[both[1]])
    return None
