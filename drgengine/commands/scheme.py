"""`drgengine scheme ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from drgengine.commands.options import columns_option, language_option, read_columns


@click.group(short_help="List, show, check, import and compare schemes.")
def command() -> None:
    """List, show, check, import and compare DRG schemes (分组方案).

    \b
    Example:
      drgengine scheme show chs-drg-2.0 FM3
    """


@command.command("list")
@language_option
def list_schemes(language: str) -> int:
    """List the packaged schemes.

    \b
    Example:
      drgengine scheme list
    """
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from drgengine.grouper.schemefile import load_scheme, packaged_schemes

    table = Table(box=SIMPLE, pad_edge=False)
    for head in ("scheme", "from", "to", "MDC", "ADRG", "DRG", "title"):
        table.add_column(head, justify="right" if head.isupper() else "left", no_wrap=head != "title", overflow="fold")
    for name in packaged_schemes():
        scheme = load_scheme(name)
        identity = scheme.identity
        real = [rule for _, rule in scheme.rules if rule.kind not in ("ambiguous", "fallback")]
        table.add_row(
            name,
            str(identity.effective_from or ""),
            str(identity.effective_to or ""),
            str(len(scheme.mdcs)),
            str(len({rule.adrg for rule in real})),
            str(len({group.drg for rule in real for group in rule.groups})),
            f"{identity.title[language]} ({identity.authority[language]})",
        )
    Console().print(table)
    return 0


@command.command("show")
@click.argument("scheme")
@click.argument("what", required=False, metavar="[MDC|ADRG|DRG|LIST]")
@click.option("--codes", is_flag=True, help="Write out the codes of lists instead of their patterns.")
@language_option
def show(scheme: str, what: str | None, codes: bool, language: str) -> int:
    """Show a scheme: what it is, an MDC, the rules of an ADRG or DRG, or a list of codes.

    \b
    Examples:
      drgengine scheme show chs-drg-2.0
      drgengine scheme show chs-drg-2.0 FM3 --codes
      drgengine scheme show chs-drg-2.0 mcc.104
    """
    from drgengine.grouper.schemefile import load_scheme
    from drgengine.grouper.schemetext import scheme_lines

    for line in scheme_lines(load_scheme(scheme), what, codes=codes, language=language):
        click.echo(line)
    return 0


@command.command("check")
@click.argument("scheme")
@click.option("--all", "show_all", is_flag=True, help="Show every remark, not the first 20 of a kind.")
def check(scheme: str, show_all: bool) -> int:
    """Say what is wrong or odd in a scheme, and where. Exit code 1 when there are errors.

    \b
    Example:
      drgengine scheme check my-city-2026
    """
    from collections import Counter

    from drgengine.grouper.cache import compiled
    from drgengine.grouper.check import check_scheme
    from drgengine.grouper.schemefile import SCHEME_FOLDER, load_scheme, packaged_schemes

    loaded = load_scheme(scheme)
    remarks = check_scheme(loaded)
    if loaded.id in packaged_schemes() and Path(loaded.source).parent != SCHEME_FOLDER:
        click.echo(
            f"warning: scheme.toml: the id {loaded.id!r} is that of a packaged scheme; give yours its own", err=True
        )
    shown: Counter[str] = Counter()
    for remark in remarks:
        shown[remark.kind] += 1
        if show_all or shown[remark.kind] <= 20:
            click.echo(f"{remark.level:8}{remark.kind}  {remark.place}: {remark.detail}")
    for kind, count in shown.items():
        if not show_all and count > 20:
            click.echo(f"... {kind}: {count - 20} more, --all shows them")
    levels = Counter(remark.level for remark in remarks)
    if not levels["error"]:
        compiled(loaded)
    click.echo(f"{loaded.id}: {levels['error']} errors, {levels['warning']} warnings, {levels['note']} notes", err=True)
    return 1 if levels["error"] else 0


@command.command("import")
@click.argument("tables", metavar="OFFICIAL.xlsx|TABLES")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The scheme folder to write.")
@click.option("--overwrite", is_flag=True, help="Replace a scheme folder that is there.")
@click.option("--id", "scheme_id", help="Name of the scheme; default: as in the edition file or in meta.json.")
@click.option("--title", help="Title of the scheme.")
@click.option("--authority", help="Who issued it.")
@click.option("--version", help="Its version.")
@click.option("--edition", metavar="NAME|FILE", help="Workbook: edition file; default: chs-drg-3.0.")
@click.option("--not-principal", metavar="FILE", help="Workbook: diagnoses not allowed as principal, one column.")
@click.option("--not-for-grouping", metavar="FILE", help="Workbook: procedures not used for grouping, one column.")
@click.option("--no-amendments", is_flag=True, help="Workbook: do not add exclusion rows known to be missing.")
@click.option("--report", "reports", multiple=True, metavar="FILE", help="Workbook: full report, .html or .xlsx.")
@language_option
def import_(
    tables: str,
    output: str,
    overwrite: bool,
    edition: str | None,
    not_principal: str | None,
    not_for_grouping: str | None,
    no_amendments: bool,
    reports: tuple[str, ...],
    language: str,
    **header: str | None,
) -> int:
    """Build a scheme folder from the authority's configuration workbook, or from interchange tables (CSV).

    Everything repaired, dropped or odd is reported.

    \b
    Examples:
      drgengine scheme import 分组方案配置信息.xlsx -o chs-drg-3.0 --report report.html
      drgengine scheme import tables/my_city -o my-city-2026
      drgengine group discharges.parquet -o grouped.parquet --scheme my-city-2026
    """
    from drgengine.commands.importscreen import import_and_tell, import_tables, is_workbook, refuse_options

    given: dict[str, object] = {}
    for key, value in header.items():
        if value is not None:
            both = {"zh": value, "en": value}
            given["id" if key == "scheme_id" else key] = both if key in ("title", "authority") else value
    lists = {"not_principal": not_principal, "not_for_grouping": not_for_grouping}
    if is_workbook(tables):
        options: dict[str, Any] = {
            **lists,
            "amendments": not no_amendments,
            **({"edition": edition} if edition else {}),
        }
        import_and_tell(
            tables, output, reports=reports, language=language, overwrite=overwrite, header=given, **options
        )
        return 0
    refuse_options({"--edition": edition, "--no-amendments": no_amendments, "--report": reports, **lists})
    import_tables(tables, output, overwrite=overwrite, header=given)
    return 0


@command.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--cases", metavar="FILE", help="Also group these discharges under both and show which ones move.")
@columns_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Entries shown of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.option("--xlsx", metavar="FILE", help="Also write everything as a workbook to filter.")
@language_option
def diff(
    a: str,
    b: str,
    cases: str | None,
    columns: str | None,
    limit: int,
    as_json: bool,
    xlsx: str | None,
    language: str,
) -> int:
    """Say what changed from scheme A to scheme B and, with a case file, which cases move where.

    Groups that came, went, were renamed or are split differently; codes that moved, whatever the lists are called;
    severity and exclusions; rules in plain words.

    \b
    Examples:
      drgengine scheme diff chs-drg-1.1 chs-drg-2.0
      drgengine scheme diff chs-drg-1.1 chs-drg-2.0 --lang zh --xlsx changes.xlsx
      drgengine scheme diff chs-drg-1.1 chs-drg-2.0 --cases discharges.parquet
    """
    from drgengine.grouper.diff import diff_schemes

    changes = diff_schemes(a, b)
    movement = None
    if cases is not None:
        from drgengine.commands.screen import warm_up
        from drgengine.grouper.movement import diff_cases

        warm_up(a, language, quiet=False)
        movement = diff_cases(cases, a, b, columns=read_columns(columns))
    if xlsx is not None:
        from drgengine.grouper.diffxlsx import write_diff_xlsx

        click.echo(f"written to {write_diff_xlsx(changes, xlsx, language)}", err=True)
    if as_json:
        content = {"rules": changes.to_dict(), "cases": movement.to_dict() if movement else None}
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return 0
    for line in changes.lines(limit=limit, language=language):
        click.echo(line)
    if movement is not None:
        from drgengine.grouper.movementtext import movement_lines

        for line in ("", *movement_lines(movement, limit, language)):
            click.echo(line)
    return 0
