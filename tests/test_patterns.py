"""Lists of codes as patterns: what they hold, the fewest that say it, and the files they and editions are kept in."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from drawn import DIAGNOSES, code_patterns
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.cases.editions import Edition, load_edition, read_codes, write_codes
from drgengine.errors import SchemeError
from drgengine.grouper.codelists import PATTERN, CodeList, ListFamily, read_lists, write_lists
from drgengine.grouper.compile import expand
from drgengine.grouper.patterns import PatternWriter

draw_many = settings(deadline=None, max_examples=200, derandomize=True)
# Few letters, so that codes are beginnings of one another and share categories.
codes = st.from_regex(r"[AB0][01](\.?[01x]{0,3})?(\+B0\*)?", fullmatch=True)
editions = st.sets(codes, min_size=1, max_size=12).map(lambda drawn: tuple(sorted(drawn)))


@st.composite
def edition_and_part(draw: st.DrawFn) -> tuple[tuple[str, ...], set[str]]:
    edition = draw(editions)
    return edition, draw(st.sets(st.sampled_from(edition)))


def expanded(patterns: list[str] | tuple[str, ...], edition: tuple[str, ...]) -> set[str]:
    held = expand(patterns, edition)
    assert held.dtype == np.bool_
    assert held.shape == (len(edition),)
    return {code for code, inside in zip(edition, held, strict=True) if inside}


def by_the_book(patterns: tuple[str, ...] | list[str], code: str) -> bool:
    """The longest pattern that matches decides, an exact one goes first: the rule as it is written."""
    decisive = (0, False)
    for pattern in patterns:
        text = pattern.lstrip("-=")
        exact = pattern.lstrip("-").startswith("=")
        if (exact and code == text) or (not exact and code.startswith(text)):
            weight = 1000 if exact else len(text)
            decisive = max(decisive, (weight, not pattern.startswith("-")))
    return decisive[1]


# --- reading patterns -------------------------------------------------------------------------------------------


@draw_many
@given(patterns=code_patterns(DIAGNOSES))
def test_expansion_and_membership_agree_with_the_rule(patterns: tuple[str, ...]) -> None:
    wanted = {code for code in DIAGNOSES if by_the_book(patterns, code)}
    a_list = CodeList("a", patterns, frozenset(DIAGNOSES))
    assert expanded(patterns, DIAGNOSES) == wanted
    assert {code for code in DIAGNOSES if code in a_list} == wanted


@draw_many
@given(patterns=code_patterns(DIAGNOSES), order=st.randoms(use_true_random=False))
def test_the_order_of_patterns_does_not_matter(patterns: tuple[str, ...], order: object) -> None:
    shuffled = list(patterns)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert expanded(shuffled, DIAGNOSES) == expanded(patterns, DIAGNOSES)
    again = CodeList("a", tuple(shuffled), frozenset(DIAGNOSES))
    assert {code for code in DIAGNOSES if code in again} == expanded(patterns, DIAGNOSES)


@draw_many
@given(one=code_patterns(DIAGNOSES), other=code_patterns(DIAGNOSES))
def test_a_family_asks_its_lists_one_by_one(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    family = ListFamily({"one": one, "other": other}, frozenset(DIAGNOSES))
    for code in DIAGNOSES:
        wanted = {name for name, patterns in (("one", one), ("other", other)) if by_the_book(patterns, code)}
        assert set(family.holding(code)) == wanted
        assert len(family.holding(code)) == len(wanted)


@pytest.mark.parametrize("strange", ["A00.2", "A0", "", "a00.0", "A00.0 ", 7, None])
def test_what_the_edition_does_not_know_stands_in_no_list(strange: object) -> None:
    assert strange not in CodeList("a", ("A", "B"), frozenset(DIAGNOSES))


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (("A00",), {"A00", "A00.0", "A00.00", "A00.1"}),
        (("=A00",), {"A00"}),
        (("A00", "-=A00"), {"A00.0", "A00.00", "A00.1"}),
        (("A00", "-A00.0", "A00.00"), {"A00", "A00.00", "A00.1"}),
        (("A00", "-A00.0", "=A00.0"), {"A00", "A00.0", "A00.1"}),
        (("A00.00", "-=A00.00"), set()),
        (("A", "B"), set(DIAGNOSES)),
        (("C", "=C00"), set()),
        ((), set()),
    ],
)
def test_small_lists(patterns: tuple[str, ...], wanted: set[str]) -> None:
    assert expanded(patterns, DIAGNOSES) == wanted


# --- writing patterns -------------------------------------------------------------------------------------------


@draw_many
@given(drawn=edition_and_part())
def test_written_patterns_hold_exactly_the_wanted_codes(drawn: tuple[tuple[str, ...], set[str]]) -> None:
    edition, wanted = drawn
    patterns = PatternWriter(edition).write(wanted)
    a_list = CodeList("a", tuple(patterns), frozenset(edition))
    assert expanded(patterns, edition) == wanted
    assert {code for code in edition if code in a_list} == wanted
    assert all(PATTERN.fullmatch(pattern) for pattern in patterns)
    assert len(set(patterns)) == len(patterns)


@draw_many
@given(drawn=edition_and_part())
def test_the_writing_depends_on_the_codes_alone(drawn: tuple[tuple[str, ...], set[str]]) -> None:
    edition, wanted = drawn
    writer = PatternWriter(edition)
    assert writer.write(wanted) == writer.write(sorted(wanted, reverse=True)) == PatternWriter(edition).write(wanted)


def fewest(edition: tuple[str, ...], wanted: set[str], below: int) -> int:
    """The least number of patterns that hold the wanted codes, by trying every set of fewer than `below`."""
    beginnings = sorted({code[:length] for code in edition for length in range(1, len(code) + 1)})
    every = [sign + text for text in [*beginnings, *("=" + code for code in edition)] for sign in ("", "-")]
    for size in range(below):
        for some in combinations(every, size):
            if {code for code in edition if by_the_book(some, code)} == wanted:
                return size
    return below


@settings(draw_many, max_examples=80)
@given(drawn=edition_and_part().filter(lambda pair: len(pair[0]) <= 6))
def test_no_smaller_writing_exists(drawn: tuple[tuple[str, ...], set[str]]) -> None:
    edition, wanted = drawn
    written = len(PatternWriter(edition).write(wanted))
    assert fewest(edition, wanted, written) == written


@pytest.mark.parametrize(
    ("edition", "wanted", "patterns"),
    [
        (("A00", "A00.0", "A00.1"), {"A00"}, ["=A00"]),
        (("A00", "A00.0", "A00.1"), {"A00.0", "A00.1"}, ["A00."]),
        (("A00.0", "A00.1", "A01.0", "A01.1", "A01.2"), {"A00.0", "A00.1", "A01.0", "A01.1"}, ["A0", "-A01.2"]),
        (("A00.0",), {"A00.0"}, ["A00.0"]),
        (("A00.0", "A00.1"), set(), []),
        (("A00.0", "A00.1", "B00.0"), {"A00.0", "A00.1", "B00.0"}, ["A00", "B00.0"]),
    ],
)
def test_how_small_lists_are_written(edition: tuple[str, ...], wanted: set[str], patterns: list[str]) -> None:
    assert PatternWriter(edition).write(wanted) == patterns


def test_a_code_outside_the_edition_cannot_be_written() -> None:
    with pytest.raises(KeyError, match="A09"):
        PatternWriter(("A00.0",)).write(["A09"])


def test_a_large_list_of_a_packaged_edition() -> None:
    edition = load_edition("icd10-yb-2.0").codes
    wanted = {code for at, code in enumerate(edition) if at % 7 and not code.startswith(("B", "I2"))}
    assert expanded(PatternWriter(edition).write(wanted), edition) == wanted


# --- list files -------------------------------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9.:/_\u4e00-\u4e10]{1,8}", fullmatch=True)


@draw_many
@given(lists=st.dictionaries(names, code_patterns(DIAGNOSES), max_size=4))
def test_a_list_file_keeps_names_order_and_patterns(lists: dict[str, tuple[str, ...]]) -> None:
    again = read_lists(write_lists(dict(lists), "drawn lists"), "drawn.txt")
    assert list(again) == list(lists)
    assert {name: set(patterns) for name, patterns in again.items()} == {n: set(p) for n, p in lists.items()}
    assert all(len(again[name]) == len(lists[name]) for name in lists)
    assert write_lists(dict(again), "drawn lists") == write_lists(
        dict(read_lists(write_lists(dict(again), ""), "")), "drawn lists"
    )


def test_comments_and_blank_lines_say_nothing() -> None:
    text = "# title\n\n[a]  # first\n  A00 -A00.1  # cholera\n\n=B00.0\n[b]\n"
    assert read_lists(text, "lists.txt") == {"a": ("A00", "-A00.1", "=B00.0"), "b": ()}


def test_windows_line_ends() -> None:
    assert read_lists("[a]\r\nA00 B\r\n", "lists.txt") == {"a": ("A00", "B")}


BROKEN = {
    "A00\n[a]\n": ["lists.txt line 1", "'A00'", "before the first section", "[NAME]"],
    "[a]\nA00\n[a]\nB\n": ["lists.txt line 3", "[a]", "twice", "Join"],
    "[a\nA00\n": ["lists.txt line 1", "'[a'", "section head", "[NAME]"],
    "[a b]\nA00\n": ["lists.txt line 1", "'[a b]'", "without blanks"],
    "[]\nA00\n": ["lists.txt line 1", "'[]'"],
    "[a]\nA00 ^Z56.4\n": ["lists.txt line 2", "'^Z56.4'", "no code pattern", "- or ="],
    "[a]\n--A00\n": ["lists.txt line 2", "'--A00'"],
    "[a]\n=-A00\n": ["lists.txt line 2", "'=-A00'"],
    "[a]\n-\n": ["lists.txt line 2", "'-'"],
    "[a]\nA00, A01\n": ["lists.txt line 2", "'A00,'"],
    "[a]\nA00 B\nA00\n": ["lists.txt", "[a]", "'A00'", "twice", "Keep"],
    "[a]\nA00\n-A00\n": ["lists.txt", "[a]", "'A00'", "twice", "Keep"],
    "[a]\n=A00 -=A00\n": ["lists.txt", "[a]", "'=A00'", "twice"],
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_list_file_says_where(text: str) -> None:
    with pytest.raises(SchemeError) as caught:
        read_lists(text, "lists.txt")
    assert [word for word in BROKEN[text] if word not in str(caught.value)] == [], str(caught.value)


def test_a_pattern_that_stands_twice_is_reported_with_its_line() -> None:
    with pytest.raises(SchemeError, match=r"lists\.txt line 3"):
        read_lists("[a]\nA00 B\n-A00\n", "lists.txt")


# --- edition files ----------------------------------------------------------------------------------------------


@draw_many
@given(edition=editions)
def test_an_edition_file_keeps_its_codes(edition: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "edition.txt"
    path.write_text(write_codes(reversed(edition), {"name": "drawn"}), encoding="utf-8")
    assert read_codes(path) == edition


def test_an_edition_file_is_written_compactly() -> None:
    text = write_codes(["A00.100", "A00", "A00.000x001", "M80000/3"], {"name": "tiny", "made of": "nothing"})
    assert text == "# name: tiny\n# made of: nothing\nA00 -\nA00. 000x001 100\nM80000/3 -\n"


@pytest.mark.parametrize("name", ["icd10-yb-2.0", "icd9cm3-yb-2.0"])
def test_packaged_editions_come_back_the_same(name: str, tmp_path: Path) -> None:
    edition = load_edition(name)
    (tmp_path / "again.txt").write_text(write_codes(edition.codes, {}), encoding="utf-8")
    assert read_codes(tmp_path / "again.txt") == edition.codes
    assert list(edition.codes) == sorted(edition.known)


def test_more_codes_for_an_edition() -> None:
    edition = Edition("tiny", ("A00.0", "B00.0"))
    more = edition.with_codes(["A00.1", "B00.0"])
    assert more.codes == ("A00.0", "A00.1", "B00.0")
    assert more.digest != edition.digest
    assert edition.with_codes(["B00.0"]) is edition


def test_an_edition_that_is_not_there() -> None:
    with pytest.raises(SchemeError, match=r"'icd10'.*Use one of: icd10-yb-2\.0, icd9cm3-yb-2\.0"):
        load_edition("icd10")
