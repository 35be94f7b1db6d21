"""The annual report without a browser: whole, escaped, deterministic, in both languages, no network, of a fair size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from report_example import report_example

from drgengine.errors import EvaluationError, OutputFileError
from drgengine.evaluation.indicators.targetfile import target_words
from drgengine.evaluation.report import write_books, write_report
from drgengine.evaluation.report.figures import BASE
from drgengine.evaluation.report.labelplacing import place_labels
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.targetwords import target_in_words
from drgengine.evaluation.report.words import LANGUAGES, Words, entries
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.formats.sink import write_whole

VOID = {"meta", "br", "link", "img", "input", "hr"}
# Variants of the example: hospitals, with a previous period, whole.
VARIANTS = {
    "whole": (12, True, True),
    "first year": (9, False, True),
    "bare": (7, False, False),
    "one": (1, True, True),
}

Report = Callable[[str, str], str]


@pytest.fixture(scope="module")
def evaluations() -> dict[str, Evaluation]:
    return {name: report_example(count, previous, whole=whole) for name, (count, previous, whole) in VARIANTS.items()}


@pytest.fixture(scope="module")
def report(evaluations: dict[str, Evaluation], tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("reports")
    made: dict[tuple[str, str], str] = {}

    def text(variant: str, language: str) -> str:
        if (variant, language) not in made:
            path = write_report(evaluations[variant], folder / f"{variant}-{language}.html", language)
            made[variant, language] = path.read_text(encoding="utf-8")
        return made[variant, language]

    return text


class Balance(HTMLParser):
    """Every element that opens is closed, in order; collects addresses, ids and links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "data", "action", "srcset", "poster"):
                (self.links if (value or "").startswith("#") else self.addresses).append(value or "")
            if name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on"), (tag, name)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def parsed(text: str) -> Balance:
    found = Balance()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_page_is_whole_and_stands_alone(report: Report, variant: str, language: str) -> None:
    text = report(variant, language)
    page = parsed(text)
    assert page.addresses == []
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert not page.elements & {"link", "img", "iframe", "object", "embed", "base"}
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles
    shown = " ".join(page.texts)
    for wrong in ("nan", "NaN", "None", "inf", "{", "}"):
        assert not re.search(rf"(?<![\w<])({re.escape(wrong)})(?![\w>])", shown), wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_chapters_and_every_hospital_are_there(
    report: Report, evaluations: dict[str, Evaluation], language: str
) -> None:
    page = parsed(report("whole", language))
    chapters = ("summary", "league", "charts", "hospitals", "policy", "efficiency", "decisions", "method")
    assert set(chapters) <= set(page.ids)
    count = len(evaluations["whole"].hospitals)
    assert {f"h{at + 1}" for at in range(count)} <= set(page.ids)
    # The page of a hospital is reached from its league table.
    league = report("whole", language).split('id="league"')[1].split('id="charts"')[0]
    assert set(re.findall(r'href="#(h\d+)"', league)) == {f"h{at + 1}" for at in range(count)}
    for line in evaluations["whole"].lines["line"].unique():
        assert line in page.texts, line


def test_names_cannot_break_out(report: Report) -> None:
    for variant in VARIANTS:
        text = report(variant, "zh")
        assert "东区</script>" not in text
        assert "<b>&" not in text
        assert "东区&lt;/script&gt;&lt;b&gt;&amp;" in text
        assert text.count("</script>") == text.count("<script")


def test_figures_are_what_plotly_takes(report: Report) -> None:
    text = report("whole", "en")
    figures = re.findall(r'<script type="application/json" data-for="([^"]+)">(.*?)</script>', text, re.DOTALL)
    assert len(figures) == text.count('class="chart"') > 30
    kinds = set()
    for name, found in figures:
        value = json.loads(found)
        figure = go.Figure({"data": value["data"], "layout": {**BASE["layout"], **value["layout"]}})
        assert figure.layout.width <= 700, name
        assert len(figure.data) > 0, name
        kinds.add(name.split("-")[0])
    ranks = {"ranks", "shrunk", "scatter", "funnel", "changes", "drift"}
    assert kinds == ranks | {"heat", "dimensions", "radar", "waterfall"}
    go.layout.XAxis(BASE["axis"])


def test_what_is_lacking_is_said_in_a_sentence(report: Report) -> None:
    words = entries()
    first, bare = report("first year", "zh"), report("bare", "en")
    assert words["chart"]["changes_empty"]["zh"] in first
    assert words["hospital"]["no_previous"]["zh"] in first
    assert words["unsaid"]["previous"]["zh"] in first
    for section, key in (
        ("frontier", "empty"),
        ("malmquist", "no_previous"),
        ("decision", "empty"),
        ("policy", "no_plan"),
        ("policy", "no_consistency"),
        ("method", "no_mortality"),
        ("unsaid", "region"),
    ):
        assert words[section][key]["en"] in bare, (section, key)
    assert "waterfall-" not in bare
    assert words["chart"]["ranks_empty"]["zh"] in report("one", "zh")


def test_missing_values_say_why(report: Report) -> None:
    assert re.search(r'<td title="[^"]*缺“[^"]*">—</td>', report("whole", "zh"))
    assert re.search(r'<td title="[^"]*is missing[^"]*">—</td>', report("whole", "en"))


def test_no_class_without_separation(report: Report, evaluations: dict[str, Evaluation]) -> None:
    text, league = report("whole", "en"), evaluations["whole"].league
    open_ = int(((league["class"] == "") & (league["excluded"] == "")).sum())
    table = text.split('id="league"')[1].split('id="charts"')[0]
    assert table.count(">not separable<") == open_ > 0
    for key in league.index[league["rank"].notna()]:
        low, high = (int(league.at[key, name]) for name in ("rank_low", "rank_high"))
        assert f"[{low}–{high}]" in table


def test_summary_says_the_numbers(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    league = found.league.copy()
    found = replace(found, league=league)
    league["p_improved"] = 0.5
    league.loc[["H002", "H003"], "p_improved"] = [0.95, 0.04]
    text = write_report(found, tmp_path / "r.html", "en").read_text(encoding="utf-8")
    summary = text.split('id="summary"')[1].split('id="contents"')[0]
    names = found.hospitals["name_en"]
    improved = f'1 hospital improved beyond the chance of cases (P ≥ 90%): <a href="#h2">{names["H002"]}</a>'
    assert improved in summary
    assert f'1 worsened likewise: <a href="#h3">{names["H003"]}</a>' in summary
    assert "12 hospitals in" in summary
    assert "1 hospital has no score" in summary


def test_pairs_are_read_together(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = replace(evaluations["whole"], details={})
    values, group = found.current.indicators.values.copy(), found.league["peer_group"]
    indicators = replace(found.current.indicators, values=values)
    found = replace(found, current=replace(found.current, indicators=indicators))
    peers = values.index[group == group.iloc[0]]
    values.loc[peers, ["charge_index", "readmission_unplanned_31"]] = [1.0, 3.0]
    values.loc["H001", ["charge_index", "readmission_unplanned_31"]] = [0.7, 6.0]
    text = write_report(found, tmp_path / "r.html", "en").read_text(encoding="utf-8")
    assert text.count("look for early discharge") == 1
    values.loc["H001", "readmission_unplanned_31"] = 3.1
    assert "look for early discharge" not in write_report(found, tmp_path / "r.html", "en").read_text(encoding="utf-8")


def test_alerts_of_the_evaluation_are_told_first(
    report: Report, evaluations: dict[str, Evaluation], tmp_path: Path
) -> None:
    text = report("whole", "en")
    summary = text.split('id="summary"')[1].split('id="contents"')[0]
    told = re.findall(r"<li>(.*?)</li>", summary)
    assert "check records before any reward" in told[4]
    assert '<a href="#h1">' in told[4]
    assert "short stays or low charges go with many readmissions" in told[3]
    first = text.split('id="h1"')[1].split("</article>")[0]
    assert "comes from coding &lt;check&gt;." in first.split('class="figures"')[0]
    # Without such tables the report looks for itself; with empty ones there is nothing to tell.
    found = evaluations["whole"]
    bare = {name: table.iloc[:0] for name, table in found.details.items()}
    again = write_report(replace(found, details=bare), tmp_path / "r.html", "en").read_text(encoding="utf-8")
    assert "check records before any reward" not in again


def test_policy_lines_are_blocks(report: Report, evaluations: dict[str, Evaluation]) -> None:
    chapter = report("whole", "en").split('<section id="policy">')[1].split("</section>")[0]
    lines = evaluations["whole"].lines
    assert re.findall(r'<tbody id="line-(\w+)"', chapter) == list(lines["line"].unique())
    counts = {int(n) for n in re.findall(r"<b>(\d+)</b> [●▲■○]", chapter)}
    assert counts == set(lines["status"].value_counts())
    assert "Actual is the median" not in chapter
    assert "about 30" in chapter
    tables = chapter.split(entries()["policy"]["conflict_title"]["en"])[0]
    assert not re.search("左右|以下|逐步|规划值|不低于|不高于", tables)


def test_every_word_of_a_target_is_known() -> None:
    assert set(target_words()) == set(entries()["target_word"])


@pytest.mark.parametrize(
    ("text", "unit", "zh", "en"),
    [
        ("左右 30", "drug_share", "30%左右", "about 30%"),
        ("≤ 20 以下", "drug_share", "20%以下", "at most 20%"),
        ("↓ 逐步", "drug_share", "逐步下降（上期 9.8%）", "gradually falling from 9.8%"),
        (
            "5.6 → ≥ 6.2 规划值 (2025)",
            "beds_per_1000",
            "规划值≥ 6.2（2025 年，基期 5.6）",
            "planned ≥ 6.2 (2025, from 5.6)",
        ),
        ("free text", "drug_share", "free text", "free text"),
    ],
)
def test_targets_in_words(evaluations: dict[str, Evaluation], text: str, unit: str, zh: str, en: str) -> None:
    row = pd.Series({"target_text": text, "indicator": unit, "target": 9.8})
    found = [target_in_words(Reading(evaluations["bare"], Words(language)), row) for language in ("zh", "en")]
    assert found == [zh, en]


def test_run_is_short_but_for_the_annex(report: Report) -> None:
    text = report("whole", "zh")
    assert "运行编号 2026-example<" in text
    assert text.count("2026-example-0001") == 1


def test_names_lose_their_parenthesis_only_where_they_stay_different(evaluations: dict[str, Evaluation]) -> None:
    found = evaluations["bare"]
    hospitals = found.hospitals.copy()
    hospitals["name"] = ["甲院（虚构）", "乙院（东区）", "乙院（西区）", *hospitals["name"].iloc[3:]]
    labels = list(Reading(replace(found, hospitals=hospitals), Words("zh")).labels.values())
    assert labels[:3] == ["甲院", "乙院（东区）", "乙院（西区）"]


def test_decisions_without_amounts_are_a_sentence(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["whole"]
    table = found.decisions.assign(note="no base is named", basis="score=83.123456; slope=0.1; beds=512.25")
    table.loc[table["kind"] == "posts", "formula"] = "1 + slope * score / beds"
    text = write_report(replace(found, decisions=table), tmp_path / "r.html", "en").read_text(encoding="utf-8")
    chapter = text.split('<section id="decisions">')[1].split("</section>")[0]
    assert chapter.count("<table") == 1
    assert "No amounts: no base is named." in chapter
    assert chapter.count("All hospitals: no base is named.") == 1
    assert "1 + slope × score ÷ " in chapter
    assert "83.123456" not in text


def test_funnel_says_overdispersion_once(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["bare"]
    name, one = next(iter(found.funnels.items()))
    note = "Units differ (phi 1.26): limits widened by tau2 = 9.15e-06.; Flags are exact; limits are not."
    funnels = {name: replace(one, phi=1.2617, tau2=9.15e-6, note_en=note)}
    text = write_report(replace(found, funnels=funnels), tmp_path / "r.html", "en").read_text(encoding="utf-8")
    assert "Limits widened by overdispersion, φ = 1.26. Flags are exact; limits are not." in text
    assert "e-06" not in text


def test_same_evaluation_same_bytes(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    write_report(evaluations["bare"], tmp_path / "d.html")
    again = write_report(report_example(7, False, whole=False), tmp_path / "c.html")
    assert again.read_bytes() == write_report(evaluations["bare"], tmp_path / "d.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.html", "d.html"]


def test_words_are_there_in_both_languages() -> None:
    places = re.compile(r"{(\w+)}")
    for section, words in entries().items():
        for key, entry in words.items():
            assert set(entry) in ({"zh", "en"}, {"zh", "en", "one"}), (section, key)
            assert all(text.strip() for text in entry.values()), (section, key)
            assert set(places.findall(entry["zh"])) == set(places.findall(entry["en"])), (section, key)
            assert not re.search("[\u4e00-\u9fff]", entry["en"]), (section, key)


def test_every_unit_has_its_word(evaluations: dict[str, Evaluation]) -> None:
    units = {one.unit for one in evaluations["whole"].current.indicators.catalogue.indicators.values()}
    assert units <= set(entries()["unit"])


def test_size_grows_little(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    """At the bytes of each further hospital, 200 of them stay below 15 MB; plotly.js (4.8 MB) is there once."""
    few = write_report(evaluations["whole"], tmp_path / "few.html").stat().st_size
    many = write_report(report_example(24), tmp_path / "many.html").stat().st_size
    assert (many - few) / 12 > 10_000
    assert few + (many - few) / 12 * 188 < 15_000_000


def test_books_are_small_and_masked(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    for language in LANGUAGES:
        folder = tmp_path / language
        files = write_books(evaluations["whole"], folder, language)
        assert [path.name for path in files] == ["H001.html", "H002.html", "H003.html"]
        for path in files:
            text = path.read_text(encoding="utf-8")
            assert parsed(text).addresses == []
            assert "Plotly" not in text
            assert path.stat().st_size < 80_000
            assert str(entries()["book"]["suppressed"][language]).format(n=4) in text
            assert "东区</script>" not in text
    assert write_books(evaluations["bare"], tmp_path / "none") == []


def test_book_shows_interval_remark_and_peers(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    book = evaluations["whole"].books["H001"]
    table = book.departments.rename(index={"D08": "(others)"})
    table["cmi_low"], table["cmi_high"] = 0.25, 4.75
    table["remark"], table["remark_zh"] = "few cases <5", "病例少于5"
    found = replace(evaluations["whole"], books={"H001": replace(book, departments=table)})
    text = write_books(found, tmp_path, "zh")[0].read_text(encoding="utf-8")
    assert "[0.25–4.75]" in text
    assert "病例少于5" in text
    assert "few cases" not in text
    assert "（其余合并）" in text
    assert "同行费用指数" in text


def test_refusals(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="'fr' is not known"):
        write_report(evaluations["bare"], tmp_path / "r.html", "fr")
    with pytest.raises(OutputFileError, match="does not exist"):
        write_report(evaluations["bare"], tmp_path / "no" / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_labels_never_touch() -> None:
    points = [(20.0 + 7 * at, 30.0 + 5 * (at % 4), 4.0) for at in range(12)]
    placed = place_labels(points, ["医院"] * 12, range(12), (300, 120))
    assert 2 <= len(placed) < 12


def test_empty_tables_do_not_stop_the_page(evaluations: dict[str, Evaluation], tmp_path: Path) -> None:
    found = evaluations["bare"]
    found = replace(
        found,
        funnels={},
        shrunk=pd.DataFrame(),
        lines=pd.DataFrame(),
        targets=pd.DataFrame(),
        agreement=pd.DataFrame(),
        method_ranks=pd.DataFrame(),
        weight_sensitivity=pd.DataFrame(index=found.hospitals.index),
        hashes={},
        notes=(),
        frontier_notes=(),
    )
    parsed(write_report(found, tmp_path / "r.html", "en").read_text(encoding="utf-8"))


def test_a_name_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="name"):
        write_whole(tmp_path / f"{'n' * 300}.html", "text")
