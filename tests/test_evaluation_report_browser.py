"""The report in a real browser: every chart drawn, no error, no request, readable Chinese, pages on A4."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_example import report_example

from drgengine.evaluation.report import write_books, write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium, chromium-browser or google-chrome")
DRAWN = "() => document.documentElement.dataset.drawn === document.documentElement.dataset.charts"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("browser")
    found = report_example(9)
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_chart_is_drawn(opened: Any, files: dict[str, Path], language: str) -> None:
    page, complaints, requests = opened(files[language])
    page.wait_for_function(DRAWN, timeout=30_000)
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
    page.wait_for_function(DRAWN, timeout=30_000)
    assert complaints == []


def test_book_opens(opened: Any, files: dict[str, Path]) -> None:
    page, complaints, requests = opened(files["book"])
    assert page.evaluate("() => document.querySelectorAll('table.sortable').length") == 2
    assert complaints == []
    assert requests == [files["book"].as_uri()]
