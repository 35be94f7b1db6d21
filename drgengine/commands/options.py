"""Options that several commands share."""

from __future__ import annotations

import locale
import os
import tomllib
from pathlib import Path
from typing import Any

import click

from drgengine.errors import InputFileError

DEFAULT_SCHEME = "chs-drg-2.0"


def default_language() -> str:
    """Chinese where the system speaks Chinese, else English."""
    stated = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if (stated or (locale.getlocale()[0] or "")).lower().startswith(("zh", "chinese")) else "en"


scheme_option = click.option(
    "--scheme",
    default=DEFAULT_SCHEME,
    show_default=True,
    metavar="NAME|FOLDER",
    help="A packaged scheme (see `drgengine scheme list`) or a scheme folder.",
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
