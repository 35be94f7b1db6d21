"""What a caller of the front page reader may ask for, checked and made ready."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from drgengine.cases.editions import load_edition
from drgengine.cases.vocabulary import is_personal
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats.cleaning.codecell import Plus
from drgengine.formats.codemaps import CodeMap, load_code_map, load_grey_codes
from drgengine.formats.codemaps.signs import CodeEdition
from drgengine.formats.frontpage.codelists import CodeOptions
from drgengine.formats.frontpage.identity import salt_key
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.formats.profiles import DaysUnit, Profile

CODE_EDITIONS = ("clinical", "insurance")
_EDITION_OF = {"dx": "icd10-yb-2.0", "proc": "icd9cm3-yb-2.0"}
_PLUS = ("auto", "join", "separate")
_UNITS = ("days", "months", "unknown")
MapGiven = str | os.PathLike[str] | CodeMap | None
GreyGiven = str | os.PathLike[str] | Iterable[str] | None


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """DrgEngineError when an argument is not one of a few."""
    if value not in choices:
        raise DrgEngineError(f"argument {name}", f"{value!r} is unknown", f"Use {' or '.join(choices)}")


def code_options(
    profile: Profile,
    code_edition: CodeEdition,
    dx_map: MapGiven,
    proc_map: MapGiven,
    grey: GreyGiven,
    separators: str,
    plus: Plus,
) -> CodeOptions:
    """The options of codes; separators "auto" are those of the profile. Raises as edition_options does."""
    chosen = profile.separators if separators == "auto" else separators
    return edition_options(code_edition, dx_map, proc_map, grey, chosen, plus)


def edition_options(
    code_edition: CodeEdition, dx_map: MapGiven, proc_map: MapGiven, grey: GreyGiven, separators: str, plus: Plus
) -> CodeOptions:
    """Codes to check against, mapping tables and grey codes, of front pages and settlement lists.

    Raises DrgEngineError: an unknown choice, or a mapping table for codes of the insurance edition, which some of
    would change their meaning; InputFileError: a table that cannot be read.
    """
    check_choice("code_edition", code_edition, CODE_EDITIONS)
    check_choice("plus", plus, _PLUS)
    if code_edition == "insurance" and (dx_map is not None or proc_map is not None):
        raise DrgEngineError(
            "argument code_edition",
            "a mapping table was given for codes of the insurance edition, which are the target of mapping",
            "Leave the mapping tables out, or state code_edition='clinical' (--code-edition clinical)",
        )
    maps: dict[str, CodeMap | None] = {"dx": _code_map(dx_map, "dx"), "proc": _code_map(proc_map, "proc")}
    edition = {kind: load_edition(name).known for kind, name in _EDITION_OF.items()}
    # A clinical code that the insurance edition lacks is unknown only to a mapping table.
    told = code_edition == "insurance"
    return CodeOptions(
        known={kind: edition[kind] | (table.sources if table else frozenset()) for kind, table in maps.items()},
        targets={kind: edition[kind] if told or maps[kind] else frozenset() for kind in maps},
        maps=maps,
        grey=_grey(grey),
        separators=separators,
        plus=plus,
    )


def _code_map(given: MapGiven, kind: Literal["dx", "proc"]) -> CodeMap | None:
    if given is None or isinstance(given, CodeMap):
        return given
    return load_code_map(given, kind=kind)


def _grey(given: GreyGiven) -> frozenset[str]:
    if given is None:
        return frozenset()
    if isinstance(given, str | os.PathLike):
        return load_grey_codes(given)
    return frozenset(given)


def days_unit_of(profile: Profile, stated: DaysUnit | None) -> DaysUnit:
    """The unit of the age below one year: as stated, else that of the profile."""
    if stated is None:
        return profile.age_days_unit
    check_choice("days_unit", stated, _UNITS)
    return stated


def pseudonym_key(salt: str | bytes | None) -> bytes | None:
    """The key of the pseudonyms. Raises DrgEngineError when the salt is too short."""
    if salt is None:
        return None
    try:
        return salt_key(salt)
    except ValueError as error:
        raise DrgEngineError("argument salt", str(error), "Write at least 16 random characters to the file") from None


def kept_columns(path: Path, headers: Sequence[str], keep: Sequence[str], drop_pii: bool) -> tuple[str, ...]:
    """Columns of the input to pass through. Raises InputFileError: absent, personal, or named like a canonical one."""
    for name in keep:
        if name not in headers:
            raise InputFileError(str(path), f"there is no column {name!r} to keep", "Check the name given to keep")
        if drop_pii and is_personal(name):
            raise InputFileError(
                str(path),
                f"the column {name!r} holds personal data (个人信息) and is left out",
                "Do not keep it; in Python drop_pii=False lets it through, where you may",
            )
        if name in FRONT_PAGE_SCHEMA.names:
            raise InputFileError(
                str(path), f"the column {name!r} has the name of a canonical column", "Rename it in the export"
            )
    return tuple(dict.fromkeys(keep))
