"""`drgengine convert`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drgengine.commands.options import (
    code_edition_option,
    grey_option,
    language_option,
    map_options,
    read_salt,
    salt_option,
    scheme_option,
)
from drgengine.errors import DrgEngineError

if TYPE_CHECKING:
    from drgengine.formats.frontpage.summary import ConvertSummary
    from drgengine.quality import QualityCollector


@click.command(short_help="Clean an export of front pages or settlement lists into one table of cases.")
@click.argument("input_path", metavar="IN")
@click.option("-o", "--output", "output_path", required=True, metavar="OUT", help="Output file: .parquet or .csv.")
@click.option(
    "--profile",
    default="auto",
    show_default=True,
    metavar="NAME|FILE.TOML",
    help="Dialect: auto, hqms, n041, n042, hn041, hqms_p, opendrg, or an own profile file.",
)
@code_edition_option(required=True)
@map_options
@grey_option
@click.option("--issues", metavar="FILE", help="Write every remark on a value to this .csv or .parquet file.")
@click.option("--report", metavar="FILE.HTML", help="Write a one-page data quality report and show it in short.")
@scheme_option
@click.option(
    "--duplicates",
    type=click.Choice(["last", "keep"]),
    default="last",
    show_default=True,
    help="Of a stay uploaded again: keep the last and set the others aside, or keep all.",
)
@click.option("--keep", multiple=True, metavar="COLUMN", help="Pass a further column through; may be repeated.")
@salt_option
@click.option("--encoding", default="auto", show_default=True, help="Of a CSV or DBF file: auto, utf-8, gb18030, ...")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def command(
    input_path: str,
    output_path: str,
    profile: str,
    code_edition: str,
    dx_map: str | None,
    proc_map: str | None,
    grey: str | None,
    issues: str | None,
    report: str | None,
    scheme: str,
    duplicates: str,
    keep: tuple[str, ...],
    salt_file: str | None,
    encoding: str,
    language: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Clean the discharge front pages in IN (.csv, .tsv, .xlsx, .xls, .ods, .dbf, .parquet; any dialect, found by its
    headers), or the settlement lists in the folder IN (tables of interface 4101), into one table of cases.

    Names, ID numbers, addresses and phones are not read. What was changed, doubted or lost is counted and, with
    --issues, written row by row. With --report the cases are also grouped (by --scheme), for the grouping rate of every
    department and the problems that cost most. Exit code 1 means that some remarks are errors: a value was lost.

    \b
    Examples:
      drgengine convert 病案首页.csv -o cases.parquet --code-edition clinical
      drgengine convert 病案首页.csv -o cases.parquet --code-edition clinical --issues issues.csv --lang zh
      drgengine convert 病案首页.csv -o cases.parquet --code-edition clinical --report quality.html
    """
    from drgengine.commands.convertscreen import print_conversion
    from drgengine.commands.screen import RowProgress
    from drgengine.formats.frontpage.convertfile import superseded_path
    from drgengine.formats.frontpage.summary import convert_words
    from drgengine.formats.sink import keep_apart

    shared: dict[str, Any] = {
        "code_edition": code_edition,
        "dx_map": dx_map,
        "proc_map": proc_map,
        "grey": grey,
        "issues": issues,
        "duplicates": duplicates,
        "language": language,
    }
    aside = superseded_path(output_path)
    keep_apart(
        {"cases": output_path, "superseded uploads": aside, "issues": issues, "report": report},
        {"--dx-map": dx_map, "--proc-map": proc_map, "--grey": grey, "--salt-file": salt_file, "--profile": profile},
    )
    quality = _quality(report, input_path, scheme, language, quiet)
    with RowProgress(language, show=not quiet, name=convert_words(language)["progress"]) as progress:
        shared["progress"] = progress.update
        if quality is not None:
            shared["on_batch"] = quality.add
        if Path(input_path).is_dir():
            from drgengine.formats.convertfolder import convert_folder

            _refuse_for_folders(profile, keep, salt_file)
            summary = convert_folder(input_path, output_path, **shared)
        else:
            from drgengine.formats import convert_file

            salt = read_salt(salt_file)
            summary = convert_file(input_path, output_path, profile, keep=keep, salt=salt, encoding=encoding, **shared)
    if not quiet:
        print_conversion(summary, language, brief=quality is not None)
    if quality is not None and report is not None:
        _report(quality, summary, report, Path(input_path).name, language, quiet)
    if as_json:
        json.dump(summary.as_dict(), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    return 1 if summary.by_severity["error"] else 0


def _quality(report: str | None, input_path: str, scheme: str, language: str, quiet: bool) -> QualityCollector | None:
    """What takes in the batches for the report, None when none is wanted; its place is checked before the work."""
    if report is None:
        return None
    from drgengine.commands.screen import warm_up
    from drgengine.formats.sink import check_output, refuse_same
    from drgengine.grouper.schemefile import load_scheme
    from drgengine.quality import QualityCollector

    check_output(Path(report))
    refuse_same(input_path, report)
    warm_up(scheme, language, quiet)
    return QualityCollector(load_scheme(scheme))


def _report(
    quality: QualityCollector, summary: ConvertSummary, report: str, source: str, language: str, quiet: bool
) -> None:
    from drgengine.commands.qualityscreen import print_quality
    from drgengine.formats.frontpage.summary import convert_words
    from drgengine.quality import write_page

    counted: dict[str, int] = {}
    for (_, rule), count in summary.counted.items():
        counted[rule] = counted.get(rule, 0) + count
    made = quality.report(
        source=source,
        profile=summary.profile,
        code_edition=summary.code_edition,
        superseded=summary.rows_superseded,
        counted=counted,
        signs={name: summary.warning(name) for name in ("en", "zh")},
    )
    write_page(made, report, language)
    if not quiet:
        print_quality(made, language)
        click.echo(convert_words(language)["report"].format(path=report), err=True)


def _refuse_for_folders(profile: str, keep: tuple[str, ...], salt_file: str | None) -> None:
    """Options of front pages that say nothing about settlement tables."""
    given = {"--profile": profile not in ("auto", "settlement"), "--keep": bool(keep), "--salt-file": bool(salt_file)}
    for option, stated in given.items():
        if stated:
            raise DrgEngineError(
                option, "this is for a file of front pages, and IN is a folder of settlement tables", "Leave it out"
            )
