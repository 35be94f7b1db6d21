"""What the report claims: no more than draws, bases and numbers of hospitals allow, and nothing counted twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from report_example import report_example

from drgengine.evaluation.report import write_report
from drgengine.evaluation.report.drawnshare import drawn_share
from drgengine.evaluation.report.methodtables import settings_table
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.redflags import Flag, flags_by_hospital
from drgengine.evaluation.report.words import LANGUAGES, Words, entries
from drgengine.evaluation.yearly.result import Evaluation

Report = Callable[[str, str], str]


@pytest.fixture(scope="module")
def evaluations() -> dict[str, Evaluation]:
    return {"whole": report_example(12), "bare": report_example(7, False, whole=False)}


@pytest.fixture(scope="module")
def report(evaluations: dict[str, Evaluation], tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("claims")
    made = {language: written(evaluations["whole"], folder, language) for language in LANGUAGES}
    return lambda _, language: made[language]


def written(found: Evaluation, folder: Path, language: str = "en") -> str:
    return write_report(found, folder / "written.html", language).read_text(encoding="utf-8")


def flags_of(found: Evaluation) -> dict[str, list[Flag]]:
    return dict(flags_by_hospital(Reading(found, Words("en"))))


def test_classes_come_with_their_probability(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    league = found.league.copy()
    key = next(key for key in league.index if league.at[key, "rank"] == 1)
    league.loc[key, ["class", "class_before_veto", "veto", "class_probability"]] = ["A", "A", "", 0.88]
    text = written(replace(found, league=league), tmp_path)
    summary = text.split('id="summary"')[1].split('id="contents"')[0]
    ahead = summary.split("Probably ahead of their peers (class A")[1].split("Probably behind")[0]
    assert f">{found.hospitals.at[key, 'name_en']}</a> ({league.at[key, 'peer_group']}, 88%)" in ahead
    assert "Hospitals with a class (P ≥ 80%)" in summary
    assert not re.search("[Cc]learly|[Rr]eally|certain|sure", summary)


def test_intervals_say_what_was_drawn(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    table = found.scores.contributions.assign(weight=0.0)
    table.loc[table["indicator"] == "charge_index", "weight"] = 0.25
    table.loc[table["indicator"] == "drug_share", "weight"] = 0.75
    found = replace(found, scores=replace(found.scores, contributions=table))
    assert drawn_share(Reading(found, Words("en"))) is None
    assert written(found, tmp_path).count("only indicators from discharges are drawn") == 2
    found = replace(found, details={**found.details, "drawn_indicators": ("charge_index", "cmi")})
    assert drawn_share(Reading(found, Words("en"))) == pytest.approx(0.25)
    assert written(found, tmp_path).count("indicators from discharges, 25% of the score weight, are drawn") == 2


def test_ratios_of_two_bases_are_not_set_side_by_side(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    assert found.previous is not None
    parts = []
    for period in (found.current, found.previous):
        values = period.indicators.values.assign(smr=[1.0 + at / 1000 for at in range(len(found.hospitals))])
        parts.append(replace(period, indicators=replace(period.indicators, values=values)))
    one = replace(next(iter(found.funnels.values())), id="smr")
    text = written(replace(found, current=parts[0], previous=parts[1], funnels={"smr": one}), tmp_path)
    assert text.count("is set against other base rates: the two do not compare") == len(found.hospitals)
    assert "Funnel: Standardised mortality, adjusted for risk" in text
    bare = replace(parts[0], adjusted_mortality=None)
    assert "adjusted for risk" not in written(replace(found, current=bare, funnels={"smr": one}), tmp_path)


def test_a_thin_frontier_has_no_conclusion(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]  # 12 hospitals, 4 inputs and 2 outputs: 18 are needed
    thin = written(found, tmp_path)
    assert "4 inputs and 2 outputs need at least 18; and it pools all peer groups" in thin
    assert "the median efficiency is" not in thin
    setting = replace(found.plan.frontier, inputs=("beds",), outputs=("visits",))
    wide = replace(found, plan=replace(found.plan, frontier=setting))
    assert "one frontier pools all peer groups): for" in written(wide, tmp_path)
    said = replace(wide, details={**found.details, "frontier_thin": True})
    assert "the median efficiency is" not in written(said, tmp_path)


def test_quadrants_are_no_verdicts() -> None:
    for entry in entries()["quadrant"].values():
        assert not re.search(r"[()（）]|整改|控费|标杆", entry["zh"] + entry["en"])


@pytest.mark.parametrize(("phi", "told"), [(4.9, False), (27.0, True)])
def test_funnel_far_wider_than_chance_says_so(
    evaluations: dict[str, Evaluation], tmp_path: Path, phi: float, told: bool
) -> None:
    found = evaluations["bare"]
    name, one = next(iter(found.funnels.items()))
    text = written(replace(found, funnels={name: replace(one, phi=phi)}), tmp_path)
    assert ("differ far more than by chance" in text) is told


def test_one_indicator_is_one_flag(evaluations: dict[str, Evaluation]) -> None:
    found = evaluations["whole"]
    row = found.targets[found.targets["unit"] == "H001"].iloc[0].to_dict()
    row |= {"indicator": "drug_share", "actual": 31.0, "status": "missed", "fails": True, "direction": "at_most"}
    rows = [row | {"target": target, "word": "不高于", "strictness": "hard"} for target in (30.0, 28.0, 30.0)]
    rows.insert(0, rows[1] | {"word": "左右", "strictness": "soft"})
    flags = flags_of(replace(found, targets=pd.DataFrame(rows), funnels={}))["H001"]
    told = [str(flag.text) for flag in flags if "target missed" in flag.text]
    assert len(told) == 1
    assert "target missed: at most 28.0%. (also missed: about 28.0%, at most 30.0%)" in told[0]


def test_mortality_beside_its_funnel_is_one_flag(evaluations: dict[str, Evaluation]) -> None:
    found = evaluations["whole"]
    assert found.current.adjusted_mortality is not None
    table = found.current.adjusted_mortality.assign(smr=1.0, low=0.9, high=1.1)
    table.loc[["H001", "H003"], ["smr", "low", "high"]] = [1.5, 1.2, 1.8]
    one = next(iter(found.funnels.values()))
    points = one.points.assign(flag="")
    points.loc[["H001", "H002"], "flag"] = "above 99.8"
    funnel = replace(one, id="smr", points=points)
    found = replace(found, funnels={"smr": funnel}, current=replace(found.current, adjusted_mortality=table))
    flags = flags_of(replace(found, targets=found.targets.iloc[:0]))
    told = {key: [str(f.text) for f in flags[key] if "mortality" in f.text.lower()] for key in ("H001", "H002", "H003")}
    assert [len(texts) for texts in told.values()] == [1, 1, 1]
    assert "and above the 99.8% limit" in told["H001"][0]
    assert "outside the 99.8% limit" in told["H002"][0]
    assert "99.8" not in told["H003"][0]


def test_gaps_of_shares_are_points(report: Report) -> None:
    for language, unit in (("en", "pp"), ("zh", "个百分点")):
        chapter = report("whole", language).split('<section id="policy">')[1].split("</section>")[0]
        cells = re.findall(r"<td>([+−][\d.,]+)([^<]*)</td>", chapter)
        assert unit in {rest.strip() for _, rest in cells}
        assert not any("%" in rest for _, rest in cells)


def test_last_rank_stands_beside_the_one_it_compares_with(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    league = found.league.copy()
    league.loc["H001", ["rank", "comparable_rank", "previous_rank"]] = [3, 1, 2]
    text = written(replace(found, league=league), tmp_path)
    assert "Comparable rank 2024 → 2025</th>" in text
    assert re.search(r"<td[^>]*>2 → 1 ↑<small>", text)


def test_rate_of_the_region_is_no_expectation(report: Report) -> None:
    league = report("whole", "en").split('id="league"')[1].split('id="charts"')[0]
    assert "region&#39;s rate" in league or "region's rate" in league
    assert "exp. " not in league
    assert league.count("is crude, not adjusted") == 1


def test_conflicts_speak_one_language(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    row = found.consistency.iloc[0].to_dict() | {"verdict": "contradiction", "stated": "30; at_most"}
    for text in ("No value meets both 左右 30 and 以下 20.5", "没有数值能同时满足“左右 30”和“以下 20.5”"):
        table = pd.DataFrame([row | {"text": text}])
        shown = written(replace(found, consistency=table), tmp_path)
        assert "No value meets both “about 30” and “at most 20.5”" in shown
        assert "30; falling" in shown
        shown = written(replace(found, consistency=table), tmp_path, "zh")
        assert "没有数值能同时满足“30左右”和“20.5以下”" in shown


def test_groups_of_weights_are_counted_once(evaluations: dict[str, Evaluation]) -> None:
    found = evaluations["bare"]
    weights = found.current.mix.weights
    count = len(weights.weights)
    for source, told in ((f"own cases, {count} groups, {count}9 cases", 1), (f"{count}9 cases", 1)):
        mix = replace(found.current.mix, weights=replace(weights, source=source))
        table = settings_table(Reading(replace(found, current=replace(found.current, mix=mix)), Words("en")))
        text = next(str(row[1].text) for row in table.rows if row[0].text == "DRG weights")
        assert len(re.findall(rf"\b{count} groups", text)) == told
