"""Signs that a file is in the other code edition (编码版本核对) than the one stated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.editions import load_edition
from drgengine.formats.cleaning.codeshape import Kind, is_morphology, looks_like_code, short_form
from drgengine.formats.codemaps.maptable import CodeMap, code_key, edition_data

CodeEdition = Literal["clinical", "insurance"]
_EDITIONS = {"dx": "icd10-yb-2.0", "proc": "icd9cm3-yb-2.0"}
_NAMES = {"clinical": ("clinical", "国临版"), "insurance": ("insurance", "医保版")}


@dataclass(frozen=True, slots=True)
class EditionSigns:
    """How the codes of a file lie to the insurance edition (医保版).

    code_edition : as stated by the user
    distinct, occurrences : whole codes looked at (no short codes, no morphology, no other text)
    share_known_insurance : share of distinct codes that are in the insurance edition, 0..1; 1 when there are none
    share_known_occurrences : the same, weighted with occurrences
    source_only : share of distinct codes that are sources of the mapping table and not in the insurance edition;
        0 without a table
    looks_like : "clinical", "insurance" or "unclear"
    warning_en, warning_zh : what to tell when looks_like contradicts code_edition, "" otherwise
    """

    code_edition: CodeEdition
    distinct: int
    occurrences: int
    share_known_insurance: float
    share_known_occurrences: float
    source_only: float
    looks_like: str
    warning_en: str
    warning_zh: str


def edition_signs(
    codes: Mapping[str, int] | Iterable[str] | pa.Array,
    code_edition: CodeEdition,
    *,
    kind: Kind = "dx",
    code_map: CodeMap | None = None,
    insurance: frozenset[str] | None = None,
) -> EditionSigns:
    """Whether the codes of a whole file look like the edition that was stated.

    codes : cleaned codes before mapping; {code: occurrences}, or every occurrence one by one
    code_map : the user's table; its sources outside the insurance edition are a further sign
    insurance : codes of the insurance edition; the packaged one when not given

    A file looks clinical when, of at least 100 distinct whole codes, 3 % or more (and 0.5 % of occurrences) are not
    in the insurance edition, or 1 % or more are moreover sources of the table. It looks like the insurance edition
    when of at least 300 at most 0.5 % lie outside. Otherwise it is unclear. Reasons for these figures stand beside
    them in data/code_editions.toml. It is a sign, no proof: most codes are the same in both editions.

    >>> edition_signs({"I10.x00": 3, "E11.900": 1}, "clinical").looks_like
    'unclear'
    """
    edition = _packaged(kind) if insurance is None else insurance
    counts = {code: count for code, count in _counted(codes).items() if count > 0 and _is_whole(code, kind)}
    outside = {code: count for code, count in counts.items() if code not in edition}
    total = sum(counts.values())
    sources = frozenset() if code_map is None else frozenset(map(code_key, code_map.sources))
    source_only = sum(code_key(code) in sources for code in outside)
    shares = (_share(len(outside), len(counts)), _share(sum(outside.values()), total), _share(source_only, len(counts)))
    looks_like = _looks_like(len(counts), *shares)
    contradicts = looks_like not in ("unclear", code_edition)
    warning = _warning(code_edition, looks_like, len(counts), *shares) if contradicts else ("", "")
    return EditionSigns(
        code_edition, len(counts), total, 1 - shares[0], 1 - shares[1], shares[2], looks_like, warning[0], warning[1]
    )


def _looks_like(distinct: int, outside: float, outside_occurrences: float, source_only: float) -> str:
    limits = edition_data()["signs"]
    if distinct >= limits["distinct_at_least"]:
        often = outside_occurrences >= limits["outside_occurrences_at_least"]
        if outside >= limits["outside_distinct_at_least"] and often:
            return "clinical"
        if source_only >= limits["source_only_at_least"] and often:
            return "clinical"
    enough = distinct >= limits["insurance_distinct_at_least"]
    return "insurance" if enough and outside <= limits["outside_distinct_at_most"] else "unclear"


def _warning(
    stated: str, looks_like: str, distinct: int, outside: float, occurrences: float, source_only: float
) -> tuple[str, str]:
    (stated_en, stated_zh), (other_en, other_zh) = _NAMES[stated], _NAMES[looks_like]
    table = f"; {source_only:.1%} are sources of the mapping table only" if source_only else ""
    table_zh = f"；{source_only:.1%} 仅见于对照表源编码" if source_only else ""
    remedy = (
        "If so, state the clinical edition and give a mapping table"
        if looks_like == "clinical"
        else "If so, state the insurance edition; mapping would change codes that are right already"
    )
    remedy_zh = (
        "如属实，请声明国临版并提供对照表"
        if looks_like == "clinical"
        else "如属实，请声明医保版；再做对照会改动本已正确的编码"
    )
    return (
        f"The file is stated to be in the {stated_en} edition but looks like the {other_en} edition: of {distinct} "
        f"distinct codes {outside:.1%} ({occurrences:.1%} of occurrences) are not in the insurance edition{table}. "
        f"{remedy}.",
        f"文件声明为{stated_zh}，但看似{other_zh}：{distinct} 个不同编码中 {outside:.1%}"
        f"（按出现次数 {occurrences:.1%}）不在医保版编码库{table_zh}。{remedy_zh}。",
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _counted(codes: Mapping[str, int] | Iterable[str] | pa.Array) -> Mapping[str, int]:
    if isinstance(codes, Mapping):
        return codes
    if isinstance(codes, pa.Array | pa.ChunkedArray):
        pairs = pc.value_counts(codes.cast(pa.string())).to_pylist()
        return {pair["values"]: pair["counts"] for pair in pairs if pair["values"]}
    return Counter(code for code in codes if code)


def _is_whole(code: str, kind: Kind) -> bool:
    return looks_like_code(code, kind) and not is_morphology(code) and not short_form(code, kind)


@cache
def _packaged(kind: Kind) -> frozenset[str]:
    return load_edition(_EDITIONS[kind]).known
