"""The report in a real browser: every chart drawn, no error, no request, readable Chinese, pages on A4."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_example import report_example

from drgengine.evaluation.report import write_books, write_report
from drgengine.evaluation.yearly.result import Evaluation

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium, chromium-browser or google-chrome")
DRAWN = "() => document.documentElement.dataset.drawn === document.documentElement.dataset.charts"
# What an A4 page holds between its margins, in pixels of 1/96 inch.
PAGE = (round(182 / 25.4 * 96), 267 / 25.4 * 96)


def with_many_flags(found: Evaluation) -> Evaluation:
    """Eight long alerts of the first hospital: more than its first page shows."""
    pairs = found.details["pair_alerts"].loc[[found.details["pair_alerts"].index[0]] * 8].assign(hospital_id="H001")
    pairs["en"] = [f"Alert {at}: " + "short stays beside many readmissions, " * 4 for at in range(8)]
    pairs["zh"] = [f"提醒{at}：" + "住院日短而再住院率高于控制限，" * 5 for at in range(8)]
    return replace(found, details={**found.details, "pair_alerts": pairs})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("browser")
    found = with_many_flags(report_example(9))
    made = {language: write_report(found, folder / f"{language}.html", language) for language in ("zh", "en")}
    return made | {"book": write_books(found, folder / "books", "zh")[0]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Opens a file and gives the page, with what it complained of and asked for."""
    contexts = []

    def go(path: Path) -> tuple[Any, list[str], list[str]]:
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, offline=True)
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page, complaints, [url for url in requests if not url.startswith(("data:", "blob:"))]

    yield go
    for context in contexts:
        context.close()


def wait_until_drawn(page: Any, seconds: float = 180.0) -> None:
    """Asks again and again: wait_for_function would need a policy that lets texts be run as scripts."""
    end = time.monotonic() + seconds
    while not page.evaluate(DRAWN):
        assert time.monotonic() < end, page.evaluate("() => ({...document.documentElement.dataset})")
        time.sleep(0.05)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_chart_is_drawn(opened: Any, files: dict[str, Path], language: str) -> None:
    page, complaints, requests = opened(files[language])
    wait_until_drawn(page)
    data = page.evaluate("() => ({...document.documentElement.dataset})")
    assert int(data["drawn"]) == int(data["charts"]) > 30
    assert page.evaluate("() => document.querySelectorAll('.chart .main-svg').length") >= int(data["charts"])
    assert page.evaluate("() => window.__errors") == []
    assert complaints == []
    assert requests == [files[language].as_uri()]
    wide = page.evaluate("() => Math.max(...[...document.querySelectorAll('.chart')].map(e => e.offsetWidth))")
    assert wide <= 700
    # A label of an axis or legend that leaves its figure would be cut.
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.chart')].filter(chart => {
            const box = chart.getBoundingClientRect();
            return [...chart.querySelectorAll('.ytick text, .legendtext, .gtitle, .ytitle, .xtitle')].some(text => {
                const own = text.getBoundingClientRect();
                const beside = own.left < box.left - 2 || own.right > box.right + 2;
                return own.width && (beside || own.bottom > box.bottom + 2);
            });
        }).map(chart => chart.id)"""
    )
    assert cut == []


def test_a_chinese_font_is_there(opened: Any, files: dict[str, Path]) -> None:
    """Boxes for missing letters are all alike: different letters must look different."""
    page, _, _ = opened(files["zh"])
    drawings = page.evaluate(
        """() => ["医", "院", "费"].map(letter => {
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d");
            pen.font = "40px " + getComputedStyle(document.body).fontFamily;
            pen.fillText(letter, 10, 60);
            return canvas.toDataURL();
        })"""
    )
    assert len(set(drawings)) == 3


def test_league_table_sorts(opened: Any, files: dict[str, Path]) -> None:
    page, _, _ = opened(files["en"])
    column = """() => [...document.querySelectorAll('table.league')].reduce(
        (a, b) => a.rows.length < b.rows.length ? b : a).querySelectorAll('tbody td:nth-child(4)')"""
    texts = f"() => [...({column})()].map(cell => parseFloat(cell.firstChild.textContent)).filter(x => !isNaN(x))"
    before = page.evaluate(texts)
    assert before == sorted(before, reverse=True)
    assert len(before) > 2
    page.evaluate(f"() => ({column})()[0].closest('table').querySelectorAll('th')[3].click()")
    assert page.evaluate(texts) == sorted(before)
    first = "() => document.querySelector('table.league tbody td small').textContent"
    assert re.search(r"\[\d+–\d+\]|no score", page.evaluate(first))


def test_prints_on_a4(opened: Any, files: dict[str, Path], tmp_path: Path) -> None:
    """Printing at once draws all charts, also those never seen; the league table lies across."""
    page, complaints, _ = opened(files["zh"])
    page.emulate_media(media="print")
    path = tmp_path / "report.pdf"
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    text = path.read_bytes().decode("latin-1")
    boxes = set(re.findall(r"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", text))
    sizes = {(round(float(width)), round(float(height))) for width, height in boxes}
    assert {(595, 842), (842, 595)} == sizes
    assert text.count("/Type /Page\n") + text.count("/Type /Page ") > 20
    wait_until_drawn(page)
    assert complaints == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_first_page_of_a_hospital_fits_a4(opened: Any, files: dict[str, Path], language: str) -> None:
    """Score, figures, best and worst, six flags and data quality stand on one page; the rest begins a new one."""
    page, _, _ = opened(files[language])
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAGE[0], "height": 1000})
    wait_until_drawn(page)
    heights = page.evaluate("() => [...document.querySelectorAll('.facts')].map(e => e.getBoundingClientRect().height)")
    flags = page.evaluate(
        "() => [...document.querySelectorAll('.facts')].map(e => e.querySelectorAll('.flags li').length)"
    )
    assert len(heights) == 9
    assert max(flags) == 6
    # The first one stands below the heading of the chapter.
    assert max(heights) < PAGE[1] - 90
    breaks = "() => [...document.querySelectorAll('.figures')].map(e => getComputedStyle(e).breakBefore)"
    assert set(page.evaluate(breaks)) == {"page"}


CONTRAST = """() => {
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const weak = new Set();
    document.querySelectorAll("main *:not(svg *):not(script)").forEach(e => {
        if (e.closest(".chart") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) return;
        const pair = [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => b - a);
        if ((pair[0] + 0.05) / (pair[1] + 0.05) < 4.5) weak.add(e.tagName + "." + e.className);
    });
    return [...weak];
}"""


def test_texts_stand_out_from_their_ground(opened: Any, files: dict[str, Path]) -> None:
    """Contrast of at least 4.5, as WCAG AA asks for."""
    page, _, _ = opened(files["zh"])
    assert page.evaluate(CONTRAST) == []


def test_names_in_figures_are_whole(opened: Any, files: dict[str, Path]) -> None:
    page, _, _ = opened(files["en"])
    wait_until_drawn(page)
    texts = page.evaluate(
        "() => [...document.querySelectorAll('#ranks-0-0 .ytick text, #heat-0-0 .ytick text')].map(e => e.textContent)"
    )
    assert texts
    assert not [text for text in texts if "…" in text]


def test_book_opens(opened: Any, files: dict[str, Path]) -> None:
    page, complaints, requests = opened(files["book"])
    assert page.evaluate("() => document.querySelectorAll('table.sortable').length") == 2
    assert complaints == []
    assert requests == [files["book"].as_uri()]
