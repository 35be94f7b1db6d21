"""Small schemes, conditions and cases for hypothesis, from so few codes that everything collides; small tables."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from drgengine.cases.editions import Edition
from drgengine.grouper.conditions import (
    COMPARISONS,
    DIAGNOSIS_SCOPES,
    NUMBERS,
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Department,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
)
from drgengine.grouper.reference import Case
from drgengine.grouper.scheme import CHECKS, REFUSALS, Group, Identity, Mdc, Rule, Scheme

DIAGNOSES = ("A00", "A00.0", "A00.00", "A00.1", "A01.0", "A01.0x1", "A02.0", "B00.0")
UNKNOWN_DIAGNOSES = ("A00.2", "A0", "A01.0x", "C00.0")
PROCEDURES = ("01", "01.0", "01.00", "01.1", "02.0", "02.0x1")
UNKNOWN_PROCEDURES = ("01.2", "02", "03.0")
DX_LISTS = ("a", "b", "c", "MDC.dx")
PROC_LISTS = ("p", "q", "operations")
DEPARTMENTS = ("ICU", "NICU")
VALUES = (0, 1, 2, 28, 29, 90)
"""Numbers of cases and of comparisons, all of them allowed for every numeric column."""

_PREFIXES = {"dx": ("A", "A0", "A00", "A00.0", "A01", "B", "C0"), "proc": ("0", "01", "01.0", "02", "03")}


def _some(texts: tuple[str, ...], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(texts), min_size=1, max_size=most, unique=True).map(tuple)


def _listed(scopes: tuple[str, ...], lists: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    return st.builds(InList, st.sampled_from(scopes), st.sampled_from(lists))


@cache
def _special() -> st.SearchStrategy[Condition]:
    """Every atom that is not about a list of the scheme."""
    dx, proc = st.sampled_from(DIAGNOSIS_SCOPES), st.sampled_from(PROCEDURE_SCOPES)
    value = st.sampled_from((*VALUES, 0.5, 28.5)).map(float)
    op = st.sampled_from(COMPARISONS)
    return st.one_of(
        st.builds(Constant, st.booleans()),
        st.builds(InCodes, dx, _some(DIAGNOSES + UNKNOWN_DIAGNOSES)),
        st.builds(InCodes, proc, _some(PROCEDURES + UNKNOWN_PROCEDURES)),
        st.builds(StartsWith, dx, _some(_PREFIXES["dx"], 2)),
        st.builds(StartsWith, proc, _some(_PREFIXES["proc"], 2)),
        st.builds(Count, dx, st.sampled_from(DX_LISTS), op, st.sampled_from((0.0, 1.0, 2.0, 3.0))),
        st.builds(Count, proc, st.sampled_from(PROC_LISTS), op, st.sampled_from((0.0, 1.0, 2.0, 3.0))),
        st.builds(Has, st.sampled_from(("sdx", "any_proc", "other_proc"))),
        st.builds(Compare, st.sampled_from(NUMBERS), op, value),
        st.builds(Compare, st.sampled_from(("sex", "trauma_sites")), op, st.sampled_from((0.0, 1.0, 2.0))),
        st.builds(Known, st.sampled_from(NUMBERS)),
        st.builds(OneOf, st.sampled_from(NUMBERS), st.lists(value, min_size=1, max_size=3).map(tuple)),
        st.builds(Department, st.sampled_from(DEPARTMENTS)),
        st.builds(Severity, st.sampled_from(("mcc", "cc"))),
    )


@cache
def atom_strategy() -> st.SearchStrategy[Condition]:
    """Any atom; lists of the scheme as often as all others together."""
    lists = st.one_of(_listed(DIAGNOSIS_SCOPES, DX_LISTS), _listed(PROCEDURE_SCOPES, PROC_LISTS))
    return st.one_of(lists, _special())


@cache
def conditions(depth: int = 3) -> st.SearchStrategy[Condition]:
    """Condition trees with at most `depth` levels of AND, OR, NOT above the atoms."""
    if depth == 0:
        return atom_strategy()
    below = conditions(depth - 1)
    parts = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.one_of(atom_strategy(), parts.map(All), parts.map(AnyOf), below.map(Not))


@st.composite
def code_patterns(draw: st.DrawFn, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns over an edition, taking codes in and leaving them out again, none of them contradicting another."""
    beginnings = sorted({code[:length] for code in codes for length in range(1, len(code) + 1)})
    bare = st.builds(str.__add__, st.sampled_from(("", "", "=")), st.sampled_from(beginnings))
    chosen = draw(st.lists(bare, min_size=1, max_size=6, unique=True))
    return tuple(draw(st.sampled_from(("", "", "", "-"))) + text for text in chosen)


@st.composite
def _numbered(draw: st.DrawFn, family: str, numbers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Lists of a family that share no code, such as mcc.1 and mcc.2."""
    place = draw(st.dictionaries(st.sampled_from(DIAGNOSES), st.sampled_from(numbers), max_size=6))
    used = sorted(set(place.values()))
    return {f"{family}.{n}": tuple(f"={code}" for code in sorted(place) if place[code] == n) for n in used}


@st.composite
def diagnosis_lists(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """All diagnosis lists of a scheme: those of rules, severity, exclusions, body regions, barred codes."""
    lists = {name: draw(code_patterns(DIAGNOSES)) for name in (*DX_LISTS, "not_principal")}
    lists |= draw(_numbered("mcc", ("1", "2", "none")))
    lists |= draw(_numbered("cc", ("1", "2", "none")))
    lists |= {f"excluded.{n}": draw(code_patterns(DIAGNOSES)) for n in draw(_some(("1", "2", "3")))}
    return lists | {f"site.{n}": draw(code_patterns(DIAGNOSES)) for n in ("head", "arm", "leg")}


@st.composite
def _rules(draw: st.DrawFn, mdc: str) -> tuple[Rule, ...]:
    rules = []
    levels = st.builds(Severity, st.sampled_from(("mcc", "cc")))
    for number in range(draw(st.integers(1, 4))):
        adrg = f"{mdc}A{number}"
        groups = draw(st.lists(st.one_of(levels, st.just(Constant(True)), conditions(1)), max_size=3))
        rules.append(
            Rule(
                id=f"{adrg}_{number}",
                adrg=adrg,
                name="",
                kind=draw(st.sampled_from(("surgical", "surgical", "surgical", "fallback"))),
                when=draw(conditions()),
                groups=tuple(Group(f"{adrg}{n}", "", when) for n, when in enumerate(groups)),
                otherwise=draw(st.sampled_from(("next", "next", "ambiguous", adrg, "ZZ9"))),
            )
        )
    return tuple(rules)


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """A scheme of one to four MDCs over the tiny editions."""
    mdcs = []
    for code in "ABCD"[: draw(st.integers(1, 4))]:
        gate = draw(st.one_of(_listed(("pdx", "any_dx"), DX_LISTS), conditions(2), st.just(Constant(True))))
        mdcs.append(Mdc(code, "", gate, draw(_rules(code))))
    return make_scheme(
        mdcs,
        draw(diagnosis_lists()),
        {name: draw(code_patterns(PROCEDURES)) for name in PROC_LISTS}
        | {"not_for_grouping": draw(st.one_of(st.just(()), code_patterns(PROCEDURES)))},
        retry=draw(st.booleans()),
        options=draw(_options()),
    )


@st.composite
def _options(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a scheme; half of the time those of the older national schemes."""
    if draw(st.booleans()):
        return {}
    optional = [check for check in CHECKS[1:-1] if draw(st.booleans())]
    return {
        "checks": (CHECKS[0], *optional, CHECKS[-1]),
        "refused_principals": tuple(word for word in REFUSALS if draw(st.booleans())),
        "day_age_of_infants_only": draw(st.booleans()),
    }


def make_scheme(
    mdcs: list[Mdc],
    dx_lists: dict[str, tuple[str, ...]],
    proc_lists: dict[str, tuple[str, ...]],
    *,
    retry: bool = False,
    options: Mapping[str, Any] = MappingProxyType({}),
    diagnoses: tuple[str, ...] = DIAGNOSES,
    procedures: tuple[str, ...] = PROCEDURES,
) -> Scheme:
    """A scheme object of the parts that matter for grouping."""
    identity = Identity("drawn", {}, {}, "", "", None, None, "")
    return Scheme(
        identity=identity,
        mdcs=tuple(mdcs),
        diagnoses=Edition("drawn-dx", tuple(sorted(diagnoses))),
        procedures=Edition("drawn-proc", tuple(sorted(procedures))),
        diagnosis_patterns={"not_principal": ()} | dx_lists,
        procedure_patterns={"operations": (), "not_operations": ()} | proc_lists,
        retry_each_other_procedure=retry,
        ungroupable="0000",
        oddities=(),
        digest="0" * 64,
        **options,
    )


def many_cases(seed: int, count: int = 40) -> list[Case]:
    """Discharges, most of them valid. Empty texts are missing codes; a weight of 0 g, a missing number occur."""
    draw = random.Random(seed)
    dx_texts = (*DIAGNOSES * 3, *UNKNOWN_DIAGNOSES, "")
    proc_texts = (*PROCEDURES * 3, *UNKNOWN_PROCEDURES, "")
    drawn = []
    for _ in range(count):
        numbers = {name: float(draw.choice(VALUES)) for name in NUMBERS if draw.random() < 0.6}
        dx = draw.choices(dx_texts, k=draw.choice((1, 2, 2, 3, 5)))
        if draw.random() < 0.8:
            numbers["age_years"] = float(draw.choice((0, 1, 2, 28)))
            numbers.setdefault("age_days", 28.0)
            numbers.setdefault("birth_weight_g", 2.0)
            dx[0] = dx[0] or "A00"
        proc = draw.choices(proc_texts, k=draw.choice((0, 1, 1, 2, 3)))
        sex = draw.choice((1, 2)) if draw.random() < 0.95 else 0
        drawn.append(
            Case(
                tuple(dx) if draw.random() < 0.98 else (),
                tuple(proc),
                sex,
                numbers,
                draw.choice(("", "Ward", *DEPARTMENTS)),
            )
        )
    return drawn


def case_lists() -> st.SearchStrategy[list[Case]]:
    """Forty cases at a time, from a seed: drawn one by one, too few of them would get as far as a rule."""
    return st.integers(0, 2**20).map(many_cases)


# --- small interchange tables, made by hand ---

Tables = dict[str, list[dict[str, str]]]
TRUE = {"atom": "true"}


def pdx(role: str = "dx") -> dict[str, str]:
    return {"atom": "pdx_in", "list": role}


def first(role: str = "proc") -> dict[str, str]:
    return {"atom": "first_proc_in", "list": role}


def rule(
    name: str, condition: Any, *, mdc: str = "A", order: int = 1, on_no_drg: str = "fallthrough"
) -> dict[str, str]:
    return {
        "rule": name, "adrg": name, "mdc": mdc, "order": str(order), "kind": "medical",
        "condition": json.dumps(condition), "on_no_drg": on_no_drg,
    }  # fmt: skip


def small_tables() -> Tables:
    """One MDC, one rule with a procedure, split by MCC."""
    codes = [("dx", "", "I21.000"), ("dx", "", "I21.100"), ("proc", "", "37.2200")]
    return {
        "mdc.csv": [{"mdc": "A", "order": "1", "condition": json.dumps(pdx()), "name": "循环"}],
        "mdc_dx.csv": [{"mdc": "A", "code": code, "site": ""} for code in ("I21.000", "I21.100", "I21.200")],
        "adrg.csv": [rule("AR1", {"all": [pdx(), first()]})],
        "adrg_codes.csv": [{"rule": "AR1", "role": role, "group": group, "code": code} for role, group, code in codes],
        "drg.csv": [
            {"drg": "AR11", "rule": "AR1", "order": "1", "name": "重", "condition": json.dumps({"atom": "has_mcc"})},
            {"drg": "AR15", "rule": "AR1", "order": "2", "name": "轻", "condition": json.dumps(TRUE)},
        ],
        "mcc.csv": [{"code": "J96.000", "exclusion_list": "1"}],
        "cc.csv": [{"code": "I10.x00", "exclusion_list": ""}],
        "exclusion.csv": [{"principal_dx": "I21.100", "exclusion_list": "1"}],
        "operations.csv": [{"code": "37.2200"}],
    }


def write_tables(tables: Tables, folder: Path, meta: Any = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        (folder / name).write_text(text.getvalue(), encoding="utf-8", newline="")
    (folder / "meta.json").write_text(json.dumps({"scheme": "small"} if meta is None else meta), encoding="utf-8")
    return folder
