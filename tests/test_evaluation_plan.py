"""plan.toml: what it means, and that every mistake is told at once with place, value and remedy."""

from __future__ import annotations

import datetime
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from evaluation_region import PLAN, write_region

from drgengine.errors import OutputFileError
from drgengine.evaluation.plan import PlanError, check_plan, load_plan, new_plan, plan_page, plan_text
from drgengine.evaluation.plan.keywords import KINDS, key_words

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("plan") / "region", count=3, drgs=5).parent


def plan_with(region: Path, tmp_path: Path, text: str) -> Path:
    """A plan of the region's files with another text."""
    for file in region.iterdir():
        if file.name != "plan.toml":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    return tmp_path / "plan.toml"


def test_a_plan_is_read_with_its_defaults(region: Path) -> None:
    plan = load_plan(region)
    assert (plan.title, plan.current, plan.previous, plan.base) == ("试评", "2025", "2024", "2024")
    assert plan.periods["2025"].start == datetime.date(2025, 1, 1)
    assert plan.uncertainty.draws == 200
    assert plan.classes.names == ("A", "B", "C")
    assert plan.files[0] == plan.path
    assert {path.name for path in plan.files} >= {"hospitals.csv", "statistics_2024.csv", "inputs_2025.csv"}


def test_patterns_are_expanded_and_sorted(region: Path, tmp_path: Path) -> None:
    text = PLAN.replace('"statistics_2025.csv"', '["statistics_*.csv"]')
    plan = load_plan(plan_with(region, tmp_path, text))
    assert [path.name for path in plan.periods["2025"].statistics] == ["statistics_2024.csv", "statistics_2025.csv"]


def test_every_key_of_every_section_is_read(region: Path, tmp_path: Path) -> None:
    text = PLAN.split("[uncertainty]")[0] + (
        "[case_mix]\nmax_stay_days = 90\nlow_risk_scores = [0, 1]\nshrinkage = 5\nminimum = 10\n"
        '[scores]\nhow = "geometric"\nfloor = 40\nweights = "critic"\nexpert_share = 0.5\ncap = [0.25, 3]\n'
        'missing = "median"\ncross_checks = ["rsr"]\n'
        '[[scores.veto]]\nindicator = "cmi"\ncondition = "<"\nlimit = 0.5\ncap = "B"\nsource = "s"\n'
        '[classes]\nnames = ["甲", "B"]\nshares = [0.4, 0.6]\nprobability = 0.9\n'
        '[uncertainty]\nmix = "drawn"\nseed = 7\n[frontier]\ninputs = ["beds"]\noutputs = ["visits"]\n'
        '[targets]\nsets = []\nplan = "dehui"\n[privacy]\nsmallest_cell = 11\n[decisions.budget]\nlow = 0.9\n'
    )
    plan = load_plan(plan_with(region, tmp_path, text))
    assert (plan.mix.max_stay_days, plan.mix.low_risk_scores, plan.mix.shrinkage) == (90, (0, 1), 5.0)
    assert (plan.scores.how, plan.scores.weights, plan.scores.cap) == ("geometric", "critic", (0.25, 3.0))
    assert plan.scores.vetoes[0].cap == "B"
    assert (plan.classes.names, plan.classes.shares) == (("甲", "B"), (0.4, 0.6))
    assert (plan.uncertainty.mix, plan.uncertainty.seed) == ("drawn", 7)
    assert (plan.frontier.inputs, plan.targets.plan, plan.privacy.smallest_cell) == (("beds",), "dehui", 11)
    assert plan.decisions == {"budget": {"low": 0.9}}


MISTAKES = {
    "unknown key": ('[scores]\ntre = "putuo"', ["'tre'", "tree"]),
    "unknown tree": ('[scores]\ntree = "putou"', ["'putou'", "putuo"]),
    "wrong kind": ('[classes]\nprobability = "high"', ["probability", "'high'"]),
    "outside limits": ("[classes]\nprobability = 1.5", ["1.5", "0.5 to 1"]),
    "shares": ("[classes]\nshares = [0.5, 0.3, 0.3]", ["1.1", "add up to 1"]),
    "share count": ("[classes]\nshares = [0.5, 0.5]", ["3 names and 2 shares"]),
    "unknown choice": ('[scores]\nhow = "summ"', ["'summ'", "Did you mean 'sum'"]),
    "unknown input": ('[frontier]\ninputs = ["bed"]', ["'bed'", "'beds'"]),
    "input and output": ('[frontier]\ninputs = ["beds"]\noutputs = ["beds"]', ["'beds' is input and output"]),
    "unknown method": ('[scores]\ncross_checks = ["topsi"]', ["'topsi'", "'topsis'"]),
    "unknown target set": ('[targets]\nsets = ["puto"]', ["'puto'", "'putuo'"]),
    "missing file": ('[scores]\nanchors = "anchor.csv"', ["anchor.csv", "no such file"]),
    "no match": ('[targets]\nfiles = ["t_*.toml"]', ["t_*.toml", "no file fits"]),
    "veto key": ('[[scores.veto]]\nindicator = "cmi"\ncondition = "<"\nlimi = 1\ncap = "B"', ["'limi'"]),
    "veto indicator": (
        '[[scores.veto]]\nindicator = "cmii"\ncondition = "<"\nlimit = 1\ncap = "B"',
        ["'cmii'", "'cmi'"],
    ),
    "veto class": ('[[scores.veto]]\nindicator = "cmi"\ncondition = "<"\nlimit = 1\ncap = "D"', ["'D'", "A, B, C"]),
    "veto limit": ('[[scores.veto]]\nindicator = "smr"\ncondition = ">"\nlimit = "smr_hi"\ncap = "B"', ["smr_hi"]),
    "percentiles": ("[scores]\nbad_percentile = 90", ["bad_percentile", "90"]),
    "cap": ("[scores]\ncap = [2.0, 3.0]", ["cap", "1, the mean weight"]),
    "decision": ("[decisions.budgte]\nlow = 0.9", ["budgte"]),
    "draws": ("[uncertainty]\ndraws = 5", ["5", "100"]),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_key_value_and_remedy(region: Path, tmp_path: Path, text: str, words: list[str]) -> None:
    path = plan_with(region, tmp_path, PLAN.split("[uncertainty]")[0] + text + "\n")
    with pytest.raises(PlanError) as caught:
        load_plan(path)
    said = str(caught.value)
    assert all(word in said for word in [*words, "plan.toml"]), said


def test_all_mistakes_are_told_at_once(region: Path, tmp_path: Path) -> None:
    broken = [text for name, (text, _) in MISTAKES.items() if name in ("unknown method", "shares", "unknown input")]
    text = PLAN.split("[uncertainty]")[0] + "\n".join(broken)
    text = text.replace('previous = "2024"', 'previous = "2023"\ncolour = 1').replace(
        "end = 2025-12-31", 'end = "2025"'
    )
    with pytest.raises(PlanError) as caught:
        load_plan(plan_with(region, tmp_path, text))
    assert len(caught.value.problems) == 6
    said = str(caught.value)
    for word in ("2023", "colour", "quotation marks", "'bed'", "topsi", "add up"):
        assert word in said


PERIODS = {
    "dates in the wrong order": ("end = 2025-12-31", "end = 2024-12-31", "before the start"),
    "overlap": ("end = 2024-12-31", "end = 2025-06-30", "after the current one begins"),
    "no data": ('statistics = "statistics_2025.csv"\n', "", "neither cases nor statistics"),
    "costs without cases": (
        'statistics = "statistics_2025.csv"',
        'statistics = "statistics_2025.csv"\ncosts = "inputs_2025.csv"',
        "costs are joined to cases",
    ),
    "no current": ('current = "2025"\n', "", "'current' is missing"),
    "current unknown": ('current = "2025"', 'current = "2052"', "no [period.2052]"),
    "no units": ('units = "hospitals.csv"\n', "", "'units' is missing"),
    "units twice": ('units = "hospitals.csv"', 'units = "*s*.csv"', "files fit the pattern"),
}


@pytest.mark.parametrize(("old", "new", "word"), PERIODS.values(), ids=PERIODS)
def test_periods_and_units_are_checked(region: Path, tmp_path: Path, old: str, new: str, word: str) -> None:
    assert old in PLAN
    with pytest.raises(PlanError, match=r"plan\.toml") as caught:
        load_plan(plan_with(region, tmp_path, PLAN.replace(old, new)))
    assert word in str(caught.value)


def test_no_plan_and_no_toml(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="evaluate new"):
        load_plan(tmp_path)
    (tmp_path / "plan.toml").write_text("title = ", encoding="utf-8")
    with pytest.raises(PlanError, match="not valid TOML"):
        load_plan(tmp_path / "plan.toml")


def test_the_check_reads_the_tables_too(region: Path, tmp_path: Path) -> None:
    path = plan_with(region, tmp_path, PLAN)
    assert check_plan(path) == ()
    units = pd.read_csv(tmp_path / "hospitals.csv", encoding="gb18030")
    units.loc[1, "机构代码"] = units.loc[0, "机构代码"]
    units.to_csv(tmp_path / "hospitals.csv", index=False)
    table = pd.read_csv(tmp_path / "inputs_2025.csv", dtype=object)
    table.to_csv(tmp_path / "inputs_2025.csv", index=False)
    assert ["stands in rows 2, 3" in one.problem for one in check_plan(path)] == [True]
    units.loc[1, "机构代码"] = "H002"
    units.to_csv(tmp_path / "hospitals.csv", index=False)
    table.loc[2, "beds"] = "1,200"
    table.to_csv(tmp_path / "inputs_2025.csv", index=False)
    (found,) = check_plan(path)
    assert "row 4" in found.place
    assert "'1,200'" in found.problem


def test_a_new_plan_is_sound_and_shows_every_key(tmp_path: Path) -> None:
    written = new_plan(tmp_path / "new")
    assert check_plan(tmp_path / "new") == ()
    assert load_plan(tmp_path / "new").periods["2025"].statistics
    text = written[0].read_text(encoding="utf-8")
    assert text == plan_text()
    for section, words in key_words().items():
        for key in words["key"]:
            assert f"{key} = " in text or key == "vetoes", (section, key)
    with pytest.raises(OutputFileError, match="not empty"):
        new_plan(tmp_path / "new")


def test_commented_defaults_are_the_true_ones(tmp_path: Path) -> None:
    """The plan with every comment that shows a default taken off means the same."""
    new_plan(tmp_path / "new")
    plain = load_plan(tmp_path / "new")
    sections = ("case_mix", "classes", "uncertainty", "frontier", "privacy")
    lines, inside = [], ""
    for line in plan_text().splitlines():
        if line.removeprefix("# ").startswith("["):
            inside = line.strip("# []")
        bare = line.removeprefix("# ")
        shown = inside in sections and line.startswith("# ") and " = " in bare and bare.split(" = ")[0].isidentifier()
        lines.append(bare if shown and not bare.endswith('= ""') else line)
    (tmp_path / "new" / "plan.toml").write_text("\n".join(lines), encoding="utf-8")
    again = load_plan(tmp_path / "new")
    for field in ("mix", "classes", "uncertainty", "frontier", "privacy"):
        assert getattr(again, field) == getattr(plain, field)


def test_every_field_of_the_settings_has_its_words_and_no_others() -> None:
    skipped = {"plan": {"path", "periods", "files", "decisions", "mix", "scores", "classes", "uncertainty"}}
    skipped["plan"] |= {"frontier", "targets", "privacy"}
    skipped["period"] = {"id"}
    for section, kind in KINDS.items():
        expected = {entry.name for entry in fields(kind)} - skipped.get(section, set())
        assert set(key_words()[section]["key"]) == expected, section


def test_the_page_is_in_step_with_the_code() -> None:
    page = (ROOT / "docs" / "evaluation-plan.md").read_text(encoding="utf-8")
    assert page == plan_page(), "write it again: see its second paragraph"
