"""Reading TOML tables so that every mistake is reported with file, key, value and remedy."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from drgengine.errors import DrgEngineError, SchemeError

T = TypeVar("T")
_KIND_NAMES = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    int: "a whole number",
    float: "a number",
}
_REQUIRED: Any = object()
_RESTORE = "Restore it, or import the scheme again"


def read_toml(path: Path, error: type[DrgEngineError] = SchemeError, missing: str = _RESTORE) -> dict[str, Any]:
    """The content of a TOML file (UTF-8, with or without a byte order mark).

    error : class of the error raised, with the line, when it is no TOML or no UTF-8
    missing : remedy when there is no such file
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise error(str(path), "the file is missing", missing) from None
    except UnicodeDecodeError as cause:
        raise error(str(path), f"not UTF-8 ({cause.reason} at byte {cause.start})", "Save it as UTF-8") from None
    except tomllib.TOMLDecodeError as cause:
        raise error(str(path), f"not valid TOML: {cause}", "Mend the line named") from None
    except OSError as cause:
        raise error(str(path), f"cannot be read ({cause.strerror})", "Check the path and its rights") from None


class Table:
    """One table of a TOML file. `take` reads keys; `done` refuses the keys nobody took.

    error : class of the errors
    problems : where errors are collected; without it the first one is raised. After a collected error `take` and
        `choice` return the default, or None where there is none
    """

    def __init__(
        self,
        place: str,
        values: object,
        error: type[DrgEngineError] = SchemeError,
        problems: list[DrgEngineError] | None = None,
    ) -> None:
        self.place = place
        self.error = error
        self.problems = problems
        if not isinstance(values, dict):
            self.report(place, f"expected a table, found {values!r}", "Write it as a table")
            values = {}
        self.values = dict(values)
        self.taken: list[str] = []

    def report(self, place: str, problem: str, remedy: str) -> None:
        """Raise an error, or keep it when problems are collected."""
        found = self.error(place, problem, remedy)
        if self.problems is None:
            raise found
        self.problems.append(found)

    def at(self, key: str) -> str:
        """The place of a key, for messages."""
        return f"{self.place}, key {key!r}"

    def take(self, key: str, kind: type[T], default: T = _REQUIRED) -> T:
        """The value of a key, of the kind asked for. An error when it is missing or of another kind.

        A whole number serves where a number (float) is asked for.
        """
        self.taken.append(key)
        absent: Any = None if default is _REQUIRED else default
        if key not in self.values:
            if default is _REQUIRED:
                near = get_close_matches(key, self.values, n=1)
                self.report(
                    self.place,
                    f"key {key!r} is missing",
                    f"Rename {near[0]!r} to {key!r}" if near else f"Add {key} = ...",
                )
            return absent
        value = self.values[key]
        timed = isinstance(value, datetime.datetime)
        whole_for_float = kind is float and isinstance(value, int)
        fits = isinstance(value, kind) or whole_for_float
        if not fits or timed or (kind is not bool and isinstance(value, bool)):
            self.report(self.at(key), f"{value!r} is not {_name(kind)}", f"Write {_name(kind)}")
            return absent
        return kind(value) if whole_for_float else value  # type: ignore[call-arg]

    def choice(self, key: str, choices: tuple[str, ...], default: str = _REQUIRED) -> str:
        """A text that must be one of a few."""
        value = self.take(key, str, default)
        if value is not None and value not in choices:
            self.report(self.at(key), f"{value!r} is unknown", f"Use {', '.join(choices)}")
            return default if default is not _REQUIRED else value
        return value

    def done(self, others: Collection[str] = ()) -> None:
        """Refuse keys that were not read, with the nearest key that has a meaning.

        others : keys that have a meaning, but are absent on purpose
        """
        for key in self.values:
            if key not in self.taken and key not in others:
                known = [*self.taken, *others]
                near = get_close_matches(key, known, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(known)}"
                self.report(self.place, f"key {key!r} has no meaning here", hint.rstrip("?") + " or remove it")


def _name(kind: type) -> str:
    return _KIND_NAMES.get(kind, "a date such as 2025-01-01")
