"""Reading TOML tables so that every mistake is reported with file, key, value and remedy."""

from __future__ import annotations

import datetime
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from drgengine.errors import SchemeError

T = TypeVar("T")
_KIND_NAMES = {str: "a text", bool: "true or false", list: "a list", dict: "a table", int: "a whole number"}
_REQUIRED: Any = object()


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; SchemeError with the line when it is no TOML or no UTF-8."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SchemeError(str(path), "the file is missing", "Restore it, or import the scheme again") from None
    except UnicodeDecodeError as error:
        raise SchemeError(str(path), f"not UTF-8 ({error.reason} at byte {error.start})", "Save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(str(path), f"not valid TOML: {error}", "Mend the line named") from None
    except OSError as error:
        raise SchemeError(str(path), f"cannot be read ({error.strerror})", "Check the path and its rights") from None


class Table:
    """One table of a TOML file. `take` reads keys; `done` refuses the keys nobody took."""

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, dict):
            raise SchemeError(place, f"expected a table, found {values!r}", "Write it as a table")
        self.place = place
        self.values = dict(values)
        self.taken: list[str] = []

    def take(self, key: str, kind: type[T], default: T = _REQUIRED) -> T:
        """The value of a key, of the kind asked for. Raises SchemeError when it is missing or of another kind."""
        self.taken.append(key)
        if key not in self.values:
            if default is _REQUIRED:
                near = get_close_matches(key, self.values, n=1)
                hint = f"Rename {near[0]!r} to {key!r}" if near else f"Add {key} = ..."
                raise SchemeError(self.place, f"key {key!r} is missing", hint)
            return default
        value = self.values[key]
        timed = isinstance(value, datetime.datetime)
        if not isinstance(value, kind) or timed or (kind is not bool and isinstance(value, bool)):
            raise SchemeError(f"{self.place}, key {key!r}", f"{value!r} is not {_name(kind)}", f"Write {_name(kind)}")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str = _REQUIRED) -> str:
        """A text that must be one of a few."""
        value = self.take(key, str, default)
        if value not in choices:
            raise SchemeError(f"{self.place}, key {key!r}", f"{value!r} is unknown", f"Use {', '.join(choices)}")
        return value

    def done(self) -> None:
        """Refuse keys that were not read, with the nearest key that has a meaning."""
        for key in self.values:
            if key not in self.taken:
                near = get_close_matches(key, self.taken, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(self.taken)}"
                raise SchemeError(self.place, f"key {key!r} has no meaning here", hint.rstrip("?") + " or remove it")


def _name(kind: type) -> str:
    return _KIND_NAMES.get(kind, "a date such as 2025-01-01")
