"""The command line: parses, calls one library function, prints. Data to files or stdout, remarks to stderr.

Exit codes: 0 fine, 1 done but some records were rejected, 2 could not run.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Any

import click

from drgengine import __version__
from drgengine.commands import pandasgate
from drgengine.errors import DrgEngineError

_COMMANDS = {
    "group": "Group a file of discharges.",
    "convert": "Clean an export of front pages or settlement lists into one table of cases.",
    "explain": "Explain how one case is grouped.",
    "whatif": "Try other principal diagnoses of a case; find audit clues in a file.",
    "scheme": "List, show, check, import and compare schemes.",
    "impact": "Say what a new scheme changes: cases that move, severity, weight, by department.",
    "cost": "Cost departments, items, cases and DRGs from a model folder.",
    "evaluate": "Evaluate hospitals: indicators, scores, ranks with intervals, the annual report.",
    "synth": "Make synthetic discharges for trials and benchmarks.",
    "demo": "Group, cost and evaluate small synthetic data and show the results.",
}


# Costing, evaluation and readmissions work on pandas tables; the other commands start faster without it.
_WITH_PANDAS = ("convert", "cost", "evaluate", "demo")


class _LazyCommands(click.Group):
    """Loads a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        if name in _WITH_PANDAS:
            pandasgate.reopen()
        command: click.Command = import_module(f"drgengine.commands.{name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from difflib import get_close_matches

        if args and args[0] not in _COMMANDS:
            near = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(_COMMANDS)}"
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="drgengine")
def app() -> None:
    """drgengine groups hospital discharges into DRGs (疾病诊断相关分组), says what each case cost (成本核算)
    and evaluates hospitals (医疗服务产出评价).

    \b
    Example:
      drgengine group discharges.parquet -o grouped.parquet
    """


def main() -> None:
    """Entry point of the command `drgengine`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    pandasgate.shut()
    gc.freeze()
    gc.set_threshold(200_000)  # loading a scheme makes many objects that all stay
    try:
        code = app.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        click.echo("stopped; no output was written", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DrgEngineError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(2)


if __name__ == "__main__":
    main()
