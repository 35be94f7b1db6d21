"""Small workbooks drawn at random, through the file and the importer: the kernel answers as its twin does."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_kernel_twin import by_group, by_reference, run_kernel, without_zero_weights

from drgengine.grouper.compile import compile_scheme
from drgengine.grouper.reference import Case
from drgengine.grouper.schemefile import load_scheme
from drgengine.synth.workbook import HEADERS
from drgengine.synth.workbookcontent import SheetContent, WorkbookContent, write_workbook
from drgengine.synth.workbookdefects import plant

pytest.importorskip("python_calamine")
pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("error")]
draw_some = settings(
    deadline=None, max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)

DIAGNOSES = ("I21.000", "I21.001", "I21.100", "J18.000", "J18.900", "J96.000", "O80.000", "P07.200")
UNKNOWN_DIAGNOSES = ("I21.0", "X99.999")
PROCEDURES = ("36.0600", "36.0700", "17.4100", "81.5100", "81.5400", "93.9000")
UNKNOWN_PROCEDURES = ("36.06", "00.0000x999")
DX_SETS, PROC_SETS = ("DI_A", "DI_B", "DI1_B"), ("OP_ALL", "OP_P", "OP2_P", "OP_ARB")
LEVELS = ("MCC", "CC", "{MCC, CC}")
EDITION = """
[identity]
id = "drawn"
version = "1"
title = { zh = "虚构", en = "invented" }
authority = { zh = "虚构", en = "invented" }
[options]
retry_each_other_procedure = RETRY
OPTIONS
[codes]
[variables]
NL = "age_years"
XB = "sex"
XSRTL = "age_days"
XSRTZ = "admission_weight_g"
[sets]
operations = "OP_ALL"
for_grouping = ["OP_ARB"]
[repairs]
operation_test_before_ambiguous = TEST
"""


# --- rule texts ---------------------------------------------------------------------------------------------------


def _fields(names: tuple[str, str]) -> st.SearchStrategy[str]:
    one, two = names
    return st.sampled_from((one, two, f"{{{one}, {two}}}", f"{{{two},{one}}}"))


def _sets(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    several = st.lists(st.sampled_from(names), min_size=1, max_size=3).map(lambda chosen: f"{{{', '.join(chosen)}}}")
    return st.one_of(st.sampled_from(names), several)


def _member(fields: tuple[str, str], names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds("{} {} {}".format, _fields(fields), st.sampled_from(("in", "IN", "not in")), _sets(names))


def _compare(name: str, values: tuple[int, ...]) -> st.SearchStrategy[str]:
    sign = st.sampled_from((">=", "<=", ">", "<", "=", " = "))
    return st.builds("{}{}{}".format, st.just(name), sign, st.sampled_from(values))


atom_texts = st.one_of(
    _member(("ZYZD", "QTZD"), DX_SETS),
    _member(("ZYSS", "QTSS"), PROC_SETS),
    _member(("ZYSS", "QTSS"), PROC_SETS),
    st.builds("QTZD {} {}".format, st.sampled_from(("in", "not in")), st.sampled_from(LEVELS)),
    _compare("NL", (0, 6, 7, 69, 70)),
    _compare("XSRTL", (28, 29, 365, 366)),
    _compare("XSRTZ", (999, 1000, 2500)),
    st.sampled_from(("XB=1", "XB = 2", "1", "0")),
    st.builds(
        "length({} ∩ {}){}{}".format,
        st.sampled_from(PROC_SETS),
        _fields(("ZYSS", "QTSS")),
        st.sampled_from((">=", "=", "<")),
        st.sampled_from((1, 2)),
    ),
)


def rule_texts(depth: int = 2) -> st.SearchStrategy[str]:
    """Rule texts with at most `depth` levels of and, or, not."""
    if depth == 0:
        return atom_texts
    below = rule_texts(depth - 1)
    word = st.sampled_from((" and ", " or ", " OR ", " And\n"))
    joined = st.builds("({}){}({})".format, below, word, below)
    return st.one_of(atom_texts, joined, below.map("not ({})".format), joined)


# --- workbooks ----------------------------------------------------------------------------------------------------


@st.composite
def workbooks(draw: st.DrawFn) -> WorkbookContent:
    """The six sheets, one to three MDCs, with ambiguous and fall-back rows, numbers in any order and equal ones."""
    order = st.integers(1, 4)
    rows: dict[str, list[Any]] = {name: [] for name in HEADERS}
    for letter in draw(st.permutations("ABC"))[: draw(st.integers(1, 3))]:
        mdc = f"MDC{letter}"
        rows["MDC"].append([mdc, "", draw(st.one_of(rule_texts(), st.just("ZYZD in DI_A"), st.just(""))), draw(order)])
        for number in range(draw(st.integers(1, 4))):
            adrg = f"{letter}A{number}"
            rows["ADRG"].append([adrg, "", draw(st.one_of(rule_texts(), st.just(""))), mdc, draw(order)])
            for tier in draw(st.lists(st.sampled_from("0135"), min_size=1, max_size=3, unique=True)):
                text = draw(st.one_of(st.sampled_from(LEVELS).map("QTZD in {}".format), st.just(""), rule_texts(1)))
                rows["DRG"].append([adrg + tier, "", text, adrg, mdc, draw(order)])
        if draw(st.booleans()):
            rows["ADRG"].append([f"{letter}QY", "", "ZYSS in OP_ALL", mdc, draw(order)])
            rows["DRG"].append([f"{letter}QY", "", "", f"{letter}QY", mdc, 1])
        if draw(st.booleans()):
            rows["ADRG"].append([f"{letter}00", "", "", mdc, draw(order)])
            rows["DRG"].append([f"{letter}000", "", "", f"{letter}00", mdc, 1])
    rows["MDC"].append(["0000", "", "", 27])
    rows["ADRG"].append(["000", "", "", "0000", 1])
    rows["DRG"].append(["0000", "", "", "000", "0000", 1])
    for names, codes in ((DX_SETS, DIAGNOSES), (PROC_SETS, PROCEDURES)):
        for name in names:
            members = draw(st.lists(st.sampled_from(codes), min_size=1, max_size=5))
            rows["集合"] += [[name, code, "", name[:2]] for code in members]
    levels = st.tuples(st.sampled_from(("MCC", "CC")), st.sampled_from(("EX_1", "EX_2", "")))
    for code, (level, table) in draw(st.dictionaries(st.sampled_from(DIAGNOSES), levels, max_size=6)).items():
        rows["CC"].append([code, "", table, level])
    for table in ("EX_1", "EX_2"):
        rows["排除表"] += [[table, code, ""] for code in draw(st.lists(st.sampled_from(DIAGNOSES), min_size=1))]
    return WorkbookContent([SheetContent(name, header, rows[name]) for name, header in HEADERS.items()])


@st.composite
def editions(draw: st.DrawFn) -> str:
    """An edition file with any options."""
    options = []
    if draw(st.booleans()):
        options.append('checks = ["sex_invalid", "principal_diagnosis_missing"]')
    refused = draw(st.lists(st.sampled_from(("unknown", "not_allowed")), unique=True))
    options.append(f"refused_principals = [{', '.join(f'{chr(34)}{word}{chr(34)}' for word in refused)}]")
    options.append(f"day_age_of_infants_only = {draw(st.sampled_from(('true', 'false')))}")
    text = EDITION.replace("OPTIONS", "\n".join(options)).replace("RETRY", draw(st.sampled_from(("true", "false"))))
    return text.replace("TEST", draw(st.sampled_from(("true", "false"))))


def many_cases(seed: int, count: int = 60) -> list[Case]:
    """Discharges from few codes, with ages, days and weights at the limits of the rules."""
    draw = random.Random(seed)
    numbers = {
        "age_years": (0, 0, 6, 7, 69, 70),
        "age_days": (0, 28, 29, 365, 366),
        "admission_weight_g": (999, 1000, 2499, 2500),
        "birth_weight_g": (3000,),
    }
    return [
        Case(
            tuple(draw.choices((*DIAGNOSES * 4, *UNKNOWN_DIAGNOSES), k=draw.choice((1, 2, 3, 4)))),
            tuple(draw.choices((*PROCEDURES * 4, *UNKNOWN_PROCEDURES, ""), k=draw.choice((0, 0, 1, 2, 3)))),
            draw.choice((1, 2)),
            {name: float(draw.choice(values)) for name, values in numbers.items() if draw.random() < 0.9},
        )
        for _ in range(count)
    ]


def imported(content: WorkbookContent, edition: str, place: Path, **options: Any) -> Path:
    """The scheme folder that the importer makes of a workbook."""
    from drgengine.grouper.workbook.importer import import_workbook

    write_workbook(content, place / "official.xlsx")
    (place / "edition.toml").write_text(edition, encoding="utf-8")
    import_workbook(place / "official.xlsx", place / "made", edition=place / "edition.toml", overwrite=True, **options)
    return place / "made"


@draw_some
@given(content=workbooks(), edition=editions(), seed=st.integers(0, 2**20), gray=st.booleans())
def test_kernel_equals_twin_on_drawn_workbooks(
    content: WorkbookContent, edition: str, seed: int, gray: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("drawn")
    options: dict[str, Any] = {}
    if gray:
        (place / "gray.txt").write_text("17.4100\n93.9000\n", encoding="utf-8")
        (place / "barred.txt").write_text("J18.900\n", encoding="utf-8")
        options = {"not_for_grouping": place / "gray.txt", "not_principal": place / "barred.txt"}
    scheme = load_scheme(imported(content, edition, place, **options))
    cases = many_cases(seed)
    wanted = by_reference(scheme, cases)
    assert run_kernel(compile_scheme(scheme), cases) == wanted
    assert by_group(scheme, cases) == by_reference(scheme, [without_zero_weights(case) for case in cases])


@draw_some
@given(content=workbooks(), edition=editions(), seed=st.integers(0, 2**20))
def test_defects_change_no_group_of_a_drawn_workbook(
    content: WorkbookContent, edition: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("twin")
    dirty = plant(content, random.Random(seed), empty_first_column=bool(seed % 2))
    cases = many_cases(seed)
    (place / "clean").mkdir()
    (place / "dirty").mkdir()
    clean = by_reference(load_scheme(imported(content, edition, place / "clean")), cases)
    assert by_reference(load_scheme(imported(dirty, edition, place / "dirty")), cases) == clean


def test_the_draws_are_worth_their_name(tmp_path: Path) -> None:
    """Drawn workbooks lead to groups, ambiguous groups and fall-backs, not only to nothing."""
    found: set[tuple[str | None, str | None]] = set()

    @settings(draw_some, max_examples=12)
    @given(content=workbooks(), seed=st.integers(0, 2**20))
    def look(content: WorkbookContent, seed: int) -> None:
        place = tmp_path / "".join(random.Random(seed).choices(string.ascii_letters, k=12))
        place.mkdir(exist_ok=True)
        edition = EDITION.replace("OPTIONS", 'checks = ["sex_invalid", "principal_diagnosis_missing"]')
        scheme = load_scheme(imported(content, edition.replace("RETRY", "false").replace("TEST", "false"), place))
        found.update((answer[0], answer[5]) for answer in by_reference(scheme, many_cases(seed)))

    look()
    assert {("grouped", None), ("ambiguous", "operation_outside_mdc"), ("ungroupable", "fallback_group")} <= found
