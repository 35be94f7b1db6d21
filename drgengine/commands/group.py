"""`drgengine group`."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from drgengine.commands.options import (
    code_edition_option,
    columns_option,
    grey_option,
    language_option,
    map_options,
    read_columns,
    scheme_option,
)
from drgengine.errors import DrgEngineError


@click.command(short_help="Group a file of discharges.")
@click.argument("input_path", metavar="IN")
@click.option(
    "-o", "--output", "output_path", required=True, metavar="OUT", help="Output file, or folder when IN is a folder."
)
@scheme_option
@click.option("--threads", type=click.IntRange(1), help="Default: all cores.")
@columns_option
@click.option(
    "--profile",
    metavar="NAME|FILE.TOML",
    help="IN is an export of front pages: auto, hqms, n041, n042, hn041, hqms_p, opendrg, or an own profile file.",
)
@code_edition_option(required=False)
@map_options
@grey_option
@click.option(
    "--resume",
    is_flag=True,
    help="IN is a folder of Parquet files: take up an interrupted run where it stopped; OUT gets a journal.",
)
@click.option("--prefix", default="", help="Put before the names of the result columns.")
@click.option("--encoding", default="auto", show_default=True, help="Of a CSV file: auto, utf-8, gb18030, ...")
@click.option("--keep-personal", is_flag=True, help="Keep columns with names, ID numbers, addresses and phones.")
@click.option("--issues", metavar="FILE", help="Write every remark on a value to this .csv or .parquet file.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def command(
    input_path: str,
    output_path: str,
    scheme: str,
    threads: int | None,
    columns: str | None,
    profile: str | None,
    code_edition: str | None,
    dx_map: str | None,
    proc_map: str | None,
    grey: str | None,
    resume: bool,
    prefix: str,
    encoding: str,
    keep_personal: bool,
    issues: str | None,
    language: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Group the discharges in IN (.parquet, .csv, .csv.gz, .xlsx, or a folder of Parquet files).

    All rows and columns are kept in order; six columns are added: status, mdc, adrg, drg, severity, reason. With
    --profile IN is a hospital's own export of front pages, which is cleaned first, and --code-edition is needed.
    Exit code 1 means that some records are invalid; they are in the output with their reason.

    \b
    Examples:
      drgengine group discharges.parquet -o grouped.parquet
      drgengine group 出院病案.csv -o grouped.csv --scheme chs-drg-1.1 --lang zh
      drgengine group 病案首页.csv -o grouped.parquet --profile auto --code-edition clinical
      drgengine group shards -o results --resume
    """
    from drgengine.commands.screen import RowProgress, print_summary, warm_up
    from drgengine.formats.sink import keep_apart
    from drgengine.grouper.stream import group_file

    keep_apart({"groups": output_path, "remarks": issues}, {"--columns": columns})
    mapping = read_columns(columns)
    front_page = _front_page(profile, code_edition, dx_map, proc_map, grey)
    if resume:
        _refuse_beside_resume(
            {
                "--profile": front_page is not None,
                "--prefix": bool(prefix),
                "--issues": bool(issues),
                "--encoding": encoding != "auto",
            }
        )
        return _resumable(input_path, output_path, scheme, mapping, threads, keep_personal, language, quiet, as_json)
    with RowProgress(language, show=not quiet) as progress:
        warm_up(scheme, language, quiet)
        summary = group_file(
            input_path,
            output_path,
            scheme,
            columns=mapping,
            front_page=front_page,
            prefix=prefix,
            threads=threads,
            encoding=encoding,
            keep_personal=keep_personal,
            issues=issues,
            language=language,
            progress=progress.update,
        )
    if not quiet:
        print_summary(summary, output_path, language)
    if as_json:
        json.dump(summary.as_dict(), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    return 1 if summary.rejected else 0


def _refuse_beside_resume(given: dict[str, bool]) -> None:
    for option, stated in given.items():
        if stated:
            raise DrgEngineError(option, "a run with --resume does not do this", "Leave it out, or leave out --resume")


def _resumable(
    input_path: str,
    output_path: str,
    scheme: str,
    columns: dict[str, str] | None,
    threads: int | None,
    keep_personal: bool,
    language: str,
    quiet: bool,
    as_json: bool,
) -> int:
    """Shard by shard with a journal: grouped shards, and statistics per hospital and group beside them."""
    from drgengine.commands import pandasgate
    from drgengine.commands.screen import RowProgress, warm_up, words

    pandasgate.reopen()
    from drgengine.evaluation.shards import ShardProgress, group_shards

    done = 0
    with RowProgress(language, show=not quiet) as progress:
        warm_up(scheme, language, quiet)

        def step(event: ShardProgress) -> None:
            nonlocal done
            if event.stage == "finished":
                done += event.rows
                progress.update(done, None)

        run = group_shards(
            input_path,
            output_path,
            scheme,
            columns=columns,
            keep_personal=keep_personal,
            threads=threads,
            progress=step,
        )
    text = words(language)
    if not quiet:
        counts = ", ".join(f"{count:,} {text[status]}" for status, count in run.status.items())
        shown = text["shards"].format(rows=f"{run.rows:,}", shards=len(run.shards), now=len(run.worked), counts=counts)
        click.echo(shown, err=True)
        for shard, why in run.damaged:
            click.echo(text["shard_again"].format(shard=shard, why=why), err=True)
        click.echo(text["written"].format(path=run.folder), err=True)
    if as_json:
        content: dict[str, Any] = {"rows": run.rows, "status": run.status, "reasons": run.reasons}
        content |= {"shards": len(run.shards), "worked": list(run.worked), "digest": run.digest}
        json.dump(content, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    return 1 if run.status.get("invalid") else 0


def _front_page(
    profile: str | None, code_edition: str | None, dx_map: str | None, proc_map: str | None, grey: str | None
) -> dict[str, Any] | None:
    """Options of reading front pages; None for a table of cases."""
    if profile is None:
        stated = {"--code-edition": code_edition, "--dx-map": dx_map, "--proc-map": proc_map, "--grey": grey}
        for option, value in stated.items():
            if value is not None:
                raise DrgEngineError(option, "it is for exports of front pages", "Add --profile auto, or leave it out")
        return None
    if code_edition is None:
        raise DrgEngineError(
            "--profile",
            "the edition of the codes is not stated",
            "Add --code-edition clinical (国家临床版) or insurance (国家医保版)",
        )
    return {"profile": profile, "code_edition": code_edition, "dx_map": dx_map, "proc_map": proc_map, "grey": grey}
