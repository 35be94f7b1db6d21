"""Files of indicators, trees and targets: own ones work, broken ones say where, the page is in step with the data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import (
    compute_indicators,
    indicators_page,
    load_catalogue,
    load_identities,
    load_targets,
    load_trees,
    policy_lines,
    target_names,
)
from drgengine.evaluation.indicators.documents import check_source, cite, documents

ROOT = Path(__file__).parent.parent
OWN = """
of = "department"
[input.night_visits]
zh = "夜间门诊人次"
en = "visits at night"
unit = "visits"
table = "outpatient"
[indicator.night_share]
zh = "夜间门诊占比"
en = "Share of visits at night"
formula = "night_visits / visits * 100"
unit = "%"
direction = "up"
source = ["=院内文件 2026-3", "putuo 二"]
"""


def test_an_own_indicator(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    catalogue = load_catalogue(path)
    found = compute_indicators(pd.DataFrame({"night_visits": [5.0], "visits": [20.0]}), catalogue, ["night_share"])
    assert found.values.iat[0, 0] == 25.0
    assert catalogue["night_share"].of == "department"
    assert catalogue["night_share"].cited("zh") == "院内文件 2026-3；普陀区综合医改规划（2016—2020年），二"
    assert "night_share" not in load_catalogue().indicators
    assert "drug_share" in catalogue.indicators


BROKEN_CATALOGUE = {
    "unknown input": ('"night_visits / visits', '"night_visit / visits', ["formula", "'night_visit'", "night_visits"]),
    "formula": ("night_visits / visits * 100", "night_visits ** 2", ["own.toml", "[indicator.night_share]", "**"]),
    "no formula": ('formula = "night_visits / visits * 100"', "", ["has no formula", "evidence = true"]),
    "both": ('unit = "%"', 'unit = "%"\nevidence = true', ["has a formula and is an evidence slot"]),
    "direction": ('direction = "up"', 'direction = "higher"', ["'higher' is unknown", "up, down, target, monitor"]),
    "key": ('direction = "up"', 'directoin = "up"', ["'direction' is missing", "Rename 'directoin'"]),
    "extra key": ('direction = "up"', 'direction = "up"\nnotes = "x"', ["'notes' has no meaning", "'note'"]),
    "source": ('"putuo 二"', '"pudong 二"', ["'pudong 二' names no known document", "putuo"]),
    "no source": ('["=院内文件 2026-3", "putuo 二"]', "[]", ["no source"]),
    "empty source": ('"=院内文件 2026-3"', '"= "', ["is no text"]),
    "bounds": ('direction = "up"', 'direction = "up"\nbounds = [100, 0]', ["bounds", "[100, 0] is no range"]),
    "lines": ('direction = "up"', 'direction = "up"\nlines = [1]', ["lines", "1 is not a text"]),
    "table": ('table = "outpatient"', 'table = "clinic"', ["[input.night_visits]", "'clinic' is unknown"]),
    "kind": ('table = "outpatient"', 'table = "outpatient"\nkind = "sum"', ["'sum' is unknown", "flow"]),
    "name taken": ("indicator.night_share", "indicator.drug_share", ["[indicator.drug_share]", "exists already"]),
    "input taken": ("input.night_visits", "input.visits", ["[input.visits]", "exists already"]),
    "name": ("[input.night_visits]", "[input.night-visits]", ["night-visits", "cannot name it"]),
    "beside": ('direction = "up"', 'direction = "up"\nbeside = ["cmj"]', ["'cmj'", "not in the catalogue"]),
    "of": ('of = "department"', 'of = "ward"', ["own.toml", "'ward' is unknown"]),
    "no table": ("[indicator.night_share]", "[indicators.night_share]", ["'indicators' has no meaning"]),
    "toml": ('zh = "夜间门诊占比"', 'zh = "夜间门诊占比', ["own.toml", "not valid TOML"]),
}


@pytest.mark.parametrize("case", BROKEN_CATALOGUE)
def test_a_broken_catalogue_says_where(case: str, tmp_path: Path) -> None:
    old, new, words = BROKEN_CATALOGUE[case]
    assert old in OWN
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError) as caught:
        load_catalogue(path)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"missing\. Check the path"):
        load_catalogue(tmp_path / "none.toml")
    with pytest.raises(EvaluationError, match=r"missing\. Check the path"):
        load_targets(tmp_path / "none.toml")
    with pytest.raises(EvaluationError, match=r"'none'.*dehui"):
        load_targets("none")


TREE = """
[own]
zh = "自定义"
en = "own"
source = ["=院内文件"]
provenance = "expert table 2026"
[[own.dimension]]
id = "one"
zh = "一"
en = "one"
weight = 3
indicators = [{ id = "cmi", weight = 2 }, { id = "time_index" }]
[[own.dimension]]
id = "two"
zh = "二"
en = "two"
indicators = [{ id = "debt_ratio", direction = "down" }]
"""
BROKEN_TREE = {
    "unknown": ('"cmi"', '"cmj"', ["no indicator is called 'cmj'"]),
    "twice": ('"debt_ratio"', '"cmi"', ["'cmi'", "stands also in 'one'", "counts once"]),
    "monitored": (', direction = "down"', "", ["debt_ratio", "monitor", 'direction = "up" or "down"']),
    "weight": ("weight = 2", "weight = 0", ["weight 0", "above 0"]),
    "infinite": ("weight = 3", "weight = inf", ["inf"]),
    "empty": ('[{ id = "debt_ratio", direction = "down" }]', "[]", ["'two' has no indicator"]),
    "same id": ('id = "two"', 'id = "one"', ["one id twice"]),
    "text": ('{ id = "time_index" }', '"time_index"', ["dimension 1 indicator 2", "expected a table"]),
    "key": ("weight = 3", "weigth = 3", ["'weigth' has no meaning"]),
}


def test_an_own_tree(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TREE, encoding="utf-8")
    table = load_trees(path)["own"].table()
    assert table["weight"].to_dict() == pytest.approx({"cmi": 0.5, "time_index": 0.25, "debt_ratio": 0.25})
    assert table["direction"].to_dict() == {"cmi": 1, "time_index": -1, "debt_ratio": -1}


@pytest.mark.parametrize("case", BROKEN_TREE)
def test_a_broken_tree_says_where(case: str, tmp_path: Path) -> None:
    old, new, words = BROKEN_TREE[case]
    assert old in TREE
    path = tmp_path / "own.toml"
    path.write_text(TREE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError) as caught:
        load_trees(path)
    assert all(word in str(caught.value) for word in ["own.toml" if case != "unknown" else "", *words]), caught.value


TARGETS = """
zh = "目标"
en = "targets"
[defaults]
source = ["putuo 二"]
[counts.2020]
beds = 10
[[target]]
indicator = "drug_share"
word = "左右"
value = 30
base = 40
base_year = 2020
year = 2025
"""
BROKEN_TARGETS = {
    "unknown": ('"drug_share"', '"drug_shares"', ["Did you mean drug_share"]),
    "word": ('"左右"', '"大概"', ["target 1", "'大概' is no known word", "左右"]),
    "no value": ("value = 30", "", ["either value = a number or limit"]),
    "two limits": ("value = 30", 'value = 30\nlimit = "cmi"', ["either value = a number or limit"]),
    "range": ("value = 30", "value = 30\nlow = 1\nhigh = 2", ["with other numbers"]),
    "range order": ("value = 30", 'direction = "range"\nlow = 3\nhigh = 2', ["range 3.0 to 2.0"]),
    "half range": ("value = 30", 'direction = "range"\nlow = 3', ["range 3.0 to nan"]),
    "trend value": ('"左右"', '"逐步"', ["'falling' with other numbers", "no number"]),
    "trend word": ("value = 30", 'value = 30\ndirection = "falling"', ["does not go with strictness 'soft'"]),
    "equal limit": ("value = 30", 'limit = "cmi"\ndirection = "equal"', ["equal to another indicator"]),
    "limit": ("value = 30", 'limit = "cmj"', ["'cmj'"]),
    "band": ("value = 30", "value = 30\nband = 1.5", ["band 1.5"]),
    "decimals": ("value = 30", "value = 30\ndecimals = -1", ["decimals -1"]),
    "infinite": ("value = 30", "value = inf", ["inf is not finite"]),
    "base year": ("base_year = 2020", "base_year = 2025", ["base of 2025 with a target of 2025"]),
    "nature": ("value = 30", 'value = 30\nnature = "约束性"', ["'约束性' is unknown", "binding, expected"]),
    "source": ('source = ["putuo 二"]', "", ["'source' is missing"]),
    "count": ("beds = 10", "bets = 10", ["[counts.2020]", "'bets' is no input"]),
    "count text": ("beds = 10", 'beds = "ten"', ["'ten' is not a number"]),
    "count year": ("counts.2020", "counts.base", ["'base' is no year"]),
    "no target": ("[[target]]", "[[targets]]", ["'target' is missing", "Rename 'targets'"]),
    "stated": ("[[target]]", '[[stated]]\nindicator = "cmi"\n[[target]]', ["stated 1", "'value' is missing"]),
}


@pytest.mark.parametrize("case", BROKEN_TARGETS)
def test_broken_targets_say_where(case: str, tmp_path: Path) -> None:
    old, new, words = BROKEN_TARGETS[case]
    assert old in TARGETS
    path = tmp_path / "own.toml"
    path.write_text(TARGETS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError) as caught:
        load_targets(path)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_own_targets(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TARGETS, encoding="utf-8")
    found = load_targets(path)
    assert [(one.direction, one.strictness, one.band, one.nature) for one in found] == [
        ("at_most", "soft", 0.1, "binding")
    ]
    assert (len(found), found.counts, found.name) == (1, {2020: {"beds": 10.0}}, "own")


def test_the_shipped_files_load_and_cite() -> None:
    assert target_names() == ("dehui", "dehui_hospitals", "jingan", "jingmen", "putuo", "shandong", "yuncheng")
    lines = {line.id for line in policy_lines()}
    for name in target_names():
        for one in load_targets(name):
            assert one.line in lines
            assert one.cited("zh")
    for one in load_catalogue().indicators.values():
        assert one.cited("en")
        assert set(one.lines) <= lines
    assert load_identities()
    assert cite(["putuo"], "en") == documents()["putuo"].en
    assert check_source(["putuo 二"], "x") == ("putuo 二",)
    for language, name in (("zh", "药占比（不含中药饮片）"), ("en", "Drug share without decoction pieces")):
        assert load_catalogue().table(language).at["drug_share", "name"] == name


def test_every_line_is_answered() -> None:
    lines = {line.id: line for line in policy_lines()}
    wanted = [*(f"A{n:02d}" for n in range(1, 37)), *(f"B{n:02d}" for n in range(1, 34))]
    assert [name for name in lines if name[0] in "AB"] == wanted
    for line in lines.values():
        if line.status in ("computed", "evidence"):
            kinds = {load_catalogue()[name].evidence for name in line.indicators}
            assert (line.status == "evidence") in kinds, line.id
        else:
            assert line.how, line.id
            assert not line.indicators, line.id


def test_every_line_with_a_number_has_a_target() -> None:
    given = {one.line for name in target_names() for one in load_targets(name)}
    stated = {one.line for one in load_targets("dehui").stated}
    assert {f"B{n:02d}" for n in range(1, 32)} <= given | stated
    assert {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A18", "A22", "A35"} <= given


def test_the_page_is_in_step_with_the_data() -> None:
    page = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
    assert page == indicators_page(), "write docs/indicators.md again as its first paragraph says"
