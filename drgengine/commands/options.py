"""Options that several commands share."""

from __future__ import annotations

import locale
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from drgengine.errors import InputFileError

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_SCHEME = "chs-drg-2.0"


def default_language() -> str:
    """Chinese where the system speaks Chinese, else English."""
    stated = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if (stated or (locale.getlocale()[0] or "")).lower().startswith(("zh", "chinese")) else "en"


scheme_option = click.option(
    "--scheme",
    default=DEFAULT_SCHEME,
    show_default=True,
    metavar="NAME|FOLDER|XLSX",
    help="A packaged scheme (see `drgengine scheme list`), a scheme folder or the authority's workbook (.xlsx).",
)
language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(["zh", "en"]),
    default=default_language,
    help="Language of the text; default: that of the system.",
)
columns_option = click.option(
    "--columns",
    metavar="MAP.TOML",
    help='Names of columns that are not recognised: lines such as "ZYZD" = "dx_principal".',
)


def code_edition_option(required: bool) -> Callable[[Command], Command]:
    """The edition of the codes, which nobody guesses."""
    return click.option(
        "--code-edition",
        type=click.Choice(["clinical", "insurance"]),
        required=required,
        help="Edition the codes are in: clinical (国家临床版) or insurance (国家医保版).",
    )


grey_option = click.option("--grey", metavar="FILE", help="Grey codes (灰码), one column.")
salt_option = click.option(
    "--salt-file", metavar="FILE", help="Secret text from which patients get pseudonyms; keep it safe and out of reach."
)


def map_options(command: Command) -> Command:
    """Mapping tables from the clinical to the insurance edition."""
    for option, what in (("--proc-map", "procedures"), ("--dx-map", "diagnoses")):
        text = f"Mapping table of {what}, clinical to insurance edition: two columns, CSV or XLSX."
        command = click.option(option, metavar="FILE", help=text)(command)
    return command


def read_salt(path: str | None) -> str | None:
    """The secret of a --salt-file without blanks around it. Raises InputFileError."""
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputFileError(
            path, f"the salt cannot be read ({reason})", "Check the name given to --salt-file"
        ) from None


def read_columns(path: str | None) -> dict[str, str] | None:
    """The mapping {column of the file: canonical name} of a --columns file. Raises InputFileError."""
    if path is None:
        return None
    try:
        content: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputFileError(path, "there is no such file", "Check the name given to --columns") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputFileError(path, f"not readable as TOML ({error})", 'Write lines such as "XB" = "sex"') from None
    inner = content.get("columns")
    content = inner if isinstance(inner, dict) else content
    for column, name in content.items():
        if not isinstance(name, str):
            raise InputFileError(f"{path}, key {column!r}", f"{name!r} is no text", 'Write "THEIR COLUMN" = "sex"')
    return content
