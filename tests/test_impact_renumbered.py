"""Groups that only got another code: told by their names, counted apart; movements on the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from drawn import make_scheme

from drgengine.grouper.expression import parse
from drgengine.grouper.scheme import Group, Mdc, Rule, Scheme
from drgengine.impact import impact
from drgengine.impact.renumbered import renumbered_groups

SAMPLE = Path(__file__).resolve().parent.parent / "sample_cases" / "demo" / "discharges.parquet"
LISTS = {"a": ("A00",), "mcc.1": (), "cc.2": (), "excluded.1": (), "excluded.2": ()}


def scheme(name: str, *rules: Rule) -> Scheme:
    made = make_scheme([Mdc("A", "all", parse("pdx in a"), rules)], dict(LISTS), {"p": ("01",)})
    return replace(made, identity=replace(made.identity, id=name), digest=name.ljust(64, "0"))


def test_groups_that_only_got_another_code() -> None:
    old = {
        "FM19": "经皮冠状动脉支架植入",
        "FR39": "心绞痛",
        "FR43": "其他",
        "FR45": "其他",
        "FZ19": "",
        "FA19": "甲/乙",
    }
    new = {
        "FM39": "经皮冠状动脉支架植入",
        "FR39": "心绞痛",
        "FR53": "其他",
        "FZ29": "",
        "FB19": "甲／乙",
        "FM19": "他组",
    }
    assert renumbered_groups(old, new) == {("FM19", "FM39"), ("FA19", "FB19")}
    assert renumbered_groups(dict.fromkeys(old, ""), new) == frozenset()
    assert renumbered_groups({"FA1": "甲／ 乙", "FB1": "甲/乙"}, {"FC1": "甲、乙"}) == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("冠状动脉粥样硬化／血栓／闭塞", "冠状动脉粥样硬化、血栓/ 闭塞", True),
        ("手术（除腔内）", "手术 (除腔内)", True),
        ("烧伤面积＜30%", "烧伤面积≥30%", False),
        ("体重1.5kg", "体重15kg", False),
        ("心绞痛，伴并发症或合并症", "心绞痛，伴合并症或并发症", False),
    ],
)
def test_signs_that_tell_groups_apart_are_kept(one: str, other: str, same: bool) -> None:
    assert (renumbered_groups({"FA19": one}, {"FB19": other}) == {("FA19", "FB19")}) is same


def test_another_code_within_the_same_adrg_is_no_renumbering() -> None:
    def named(name: str, adrg: str, drg: str) -> Scheme:
        made = Rule(adrg, adrg, "心绞痛", "medical", parse("pdx in a"), (Group(drg, "", parse("always")),), "next")
        return scheme(name, made)

    cases = {"dx": [["A00.0"]] * 3, "sex": [1] * 3, "age_years": [50] * 3}
    for adrg, drg, kind, n in (("AR1", "AR19", "drg", 0), ("AS1", "AS19", "renumbered", 3)):
        result = impact(cases, named("one", "AR1", "AR15"), named(f"other {drg}", adrg, drg))
        assert result.flows["kind"].to_pylist() == [kind]
        assert (result.moved, result.renumbered, result.moved_adrg) == (3, n, n)
        assert result.reconciled


def test_a_renumbered_group_is_found_in_the_new_table_under_its_new_code() -> None:
    """AR19 became AS19 with the same name; AR19 of the new table is another group and must not price it."""

    def made(name: str, *groups: tuple[str, str, str]) -> Scheme:
        rules = [
            Rule(code[:3], code[:3], called, "medical", parse(when), (Group(code, "", parse("always")),), "next")
            for code, called, when in groups
        ]
        return scheme(name, *rules)

    old = made("priced one", ("AR19", "心绞痛", "always"))
    new = made("priced two", ("AR19", "他组", "never"), ("AS19", "心绞痛", "always"))
    cases = {"dx": [["A00.0"]] * 4, "sex": [1] * 4, "age_years": [50] * 4}
    found = impact(cases, old, new, weights_a={"AR19": 1}, weights_b={"AR19": 9, "AS19": 1.5}).weights
    assert found is not None
    assert (found.price, found.mix, found.not_comparable, found.change) == (2, 0, 0, 2)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "named"), [(80, False), (100, True), (140, True)])
def test_a_movement_is_one_line_and_never_wider_than_the_terminal(language: str, width: int, named: bool) -> None:
    from rich.cells import cell_len
    from rich.console import Console

    from drgengine.commands.impactscreen import flow_table
    from drgengine.impact.words import words

    result = impact(SAMPLE, "chs-drg-1.1", "chs-drg-2.0")
    rows = [row for row in result.flows.to_pylist() if row["kind"] != "stays"][:50]
    console = Console(width=width, record=True, quiet=False, file=io.StringIO())
    console.print(flow_table(rows, words(language), False, width))
    lines = console.export_text().splitlines()
    assert max(map(cell_len, lines)) <= width
    told = [line for line in lines if line.split()[:1] == ["FR39"]]
    assert len(told) == 1
    assert ("心绞痛" in told[0]) is named
    assert "178" in told[0]
    assert len([line for line in lines if line.strip()]) <= 50 + 3


def test_renumbered_cases_are_counted_and_still_move() -> None:
    cases = {"dx": [["I20.000"], ["I21.001"]], "sex": [1, 1], "age_years": [60, 60]}
    found = impact(cases, "chs-drg-1.1", "chs-drg-2.0")
    rows = {(row["old"], row["new"]): row["kind"] for row in found.flows.to_pylist()}
    assert rows["FR39", "FR49"] == "renumbered"
    assert found.renumbered == 1
    assert found.moved == sum(row["cases"] for row in found.flows.to_pylist() if row["kind"] != "stays")
    assert found.reconciled
    assert found.to_dict()["moved"]["renumbered"] == 1
