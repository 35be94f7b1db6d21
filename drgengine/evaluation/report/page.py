"""write_report: the annual report (年度评价报告) as one HTML file that opens without a network and prints on A4."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from drgengine.evaluation.report.dimensionfigures import dimensions_by_group, points_by_hospital
from drgengine.evaluation.report.driftfigures import cmi_changes
from drgengine.evaluation.report.figures import BASE, Figure, script_json
from drgengine.evaluation.report.funnelfigures import funnels
from drgengine.evaluation.report.rankfigures import rank_changes, rank_intervals, shrunk_values
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.reportcontent import report_content
from drgengine.evaluation.report.scatterfigures import breadth_by_difficulty, difficulty_by_charges, time_by_charges
from drgengine.evaluation.report.words import Words
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.formats.sink import write_whole

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Charts of one kind. empty : the sentence that stands in their place when there are none"""

    anchor: str
    title: Markup
    intro: Markup
    figures: Sequence[Figure]
    empty: Markup


def write_report(evaluation: Evaluation, path: str | os.PathLike[str], language: str = "zh") -> Path:
    """Write the report of an evaluation (评价报告): one HTML file, no network, charts by plotly, for screen and A4.

    language : "zh" or "en"
    The same evaluation gives the same bytes. The file is written under another name and takes its place when it is
    complete. Raises EvaluationError for a language that is not known, OutputFileError where it cannot be written.
    """
    return write_whole(Path(path), report_html(evaluation, language))


def report_html(evaluation: Evaluation, language: str = "zh") -> str:
    """The text of the report."""
    reading = Reading(evaluation, Words(language))
    return render(
        "report.html.jinja",
        reading.words,
        page=report_content(reading),
        chart_groups=chart_groups(reading),
        base=script_json(BASE),
        plotly=plotly_script(),
    )


def chart_groups(reading: Reading) -> list[ChartGroup]:
    """The charts of chapter 3, in order."""
    scatters = {
        "difficulty": difficulty_by_charges(reading),
        "time": time_by_charges(reading),
        "breadth": breadth_by_difficulty(reading),
    }
    dimensions = dimensions_by_group(reading)
    found: dict[str, Sequence[Figure]] = {
        "ranks": rank_intervals(reading),
        "shrunk": shrunk_values(reading),
        **{name: [one] if one is not None else [] for name, one in scatters.items()},
        "funnels": funnels(reading),
        "changes": rank_changes(reading),
        "drift": cmi_changes(reading),
        "heat": points_by_hospital(reading),
        "dimensions": [dimensions] if dimensions is not None else [],
    }
    words = reading.words
    return [
        ChartGroup(
            f"c-{name}", words(f"chart.{name}"), words(f"chart.{name}_intro"), figures, words(f"chart.{name}_empty")
        )
        for name, figures in found.items()
    ]


def render(template: str, words: Words, **values: object) -> str:
    """A template of this package with the words of a language as `w`."""
    return _environment().get_template(template).render(w=words, language=words.language, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["asset"] = asset
    return environment


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of this package."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


@cache
def plotly_script() -> Markup:
    """plotly.js as the Python package ships it; nothing in it may end the script element early."""
    text = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return Markup(text.replace("</script", "<\\/script"))
