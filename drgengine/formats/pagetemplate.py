"""Templates of HTML pages: text is escaped, a name that is not there is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def page_environment(folder: Path) -> Environment:
    """The environment of the templates in a folder, with the filter `thousands` (1,234).

    >>> page_environment(Path("templates")).from_string("{{ n | thousands }} {{ t }}").render(n=1234, t="<b>")
    '1,234 &lt;b&gt;'
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters["thousands"] = lambda value: f"{value:,}"
    return made
