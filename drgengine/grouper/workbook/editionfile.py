"""What is known of an edition of the workbook beyond the file: identity, options, expected counts, amendments."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drgengine.errors import SchemeError
from drgengine.grouper.conditions import NUMBERS
from drgengine.grouper.scheme import CHECKS, REFUSALS
from drgengine.grouper.workbook.sentences import Both
from drgengine.tomltable import Table, read_toml

WORKBOOK_FOLDER = Path(__file__).parent.parent.parent / "schemes" / "workbooks"
DEFAULT_EDITION = "chs-drg-3.0"
_COMPARED = (*NUMBERS, "sex")


@dataclass(frozen=True, slots=True)
class CodeShapes:
    """How codes of the sheets are built.

    mdc_prefix : what stands before the letter of an MDC (MDCB); ungrouped_mdc, ungrouped_adrg, ungrouped_drg : the rows
        that say "no group"; fallback_adrg, ambiguous_adrg : patterns of the codes of fall-back and ambiguous rows
    """

    mdc_prefix: str
    ungrouped_mdc: str
    ungrouped_adrg: str
    ungrouped_drg: str
    fallback_adrg: re.Pattern[str]
    ambiguous_adrg: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Amendment:
    """Principal diagnoses of an exclusion table that the workbook lacks, and where they are published.

    source : a text, or a table with zh and en
    """

    table: str
    codes: tuple[str, ...]
    source: Both


@dataclass(frozen=True, slots=True)
class NameCorrection:
    """A misprint of a name; applied only where the name is written as said."""

    code: str
    written: str
    name: str


@dataclass(frozen=True, slots=True)
class WorkbookEdition:
    """An edition file.

    name : as it was asked for; identity : keys of scheme.toml; editions : kind -> code edition
    counts : what -> rows or codes expected; options : further keys of scheme.toml; retry : retry_each_other_procedure
    variables : name in the rules -> fact of a case; operations : set of the procedures that count as operations
    for_grouping : sets whose members are never taken as not for grouping
    operation_test : add "no operation" to rows without procedures that stand before the ambiguous row
    """

    name: str
    identity: dict[str, Any]
    editions: dict[str, str]
    counts: dict[str, int]
    retry: bool
    options: dict[str, Any]
    codes: CodeShapes
    variables: dict[str, str]
    operations: str
    for_grouping: tuple[str, ...]
    operation_test: bool
    amendments: tuple[Amendment, ...]
    names: tuple[NameCorrection, ...]
    oddities: tuple[dict[str, str], ...]


def packaged_editions() -> list[str]:
    """Names of the edition files that come with the package."""
    return sorted(path.stem for path in WORKBOOK_FOLDER.glob("*.toml"))


def edition_path(name_or_path: str | Path) -> Path:
    """The file of a packaged edition, or the path itself. Raises SchemeError naming the editions there are."""
    packaged = WORKBOOK_FOLDER / f"{name_or_path}.toml"
    if str(name_or_path) in packaged_editions():
        return packaged
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise SchemeError(
        f"edition {str(name_or_path)!r}",
        "neither a packaged edition of the workbook nor a file",
        f"Packaged: {', '.join(packaged_editions())}; or name a file such as my-edition.toml",
    )


def load_edition_file(name_or_path: str | Path = DEFAULT_EDITION) -> WorkbookEdition:
    """An edition file by packaged name or path. Raises SchemeError naming file, key, value and remedy.

    >>> load_edition_file("chs-drg-3.0").counts["sets"]
    634
    """
    path = edition_path(name_or_path)
    head = Table(str(path), read_toml(path))
    edition = WorkbookEdition(
        name=str(name_or_path) if path.parent == WORKBOOK_FOLDER else path.name,
        identity=_identity(head),
        editions=_texts(head, "editions", {"diagnosis": "icd10-yb-2.0", "procedure": "icd9cm3-yb-2.0"}),
        counts=_counts(head),
        **_options(head),
        codes=_shapes(head),
        variables=_variables(head),
        **_sets(head),
        operation_test=_repairs(head),
        amendments=tuple(_amendment(table) for table in _tables(head, "amendment")),
        names=tuple(NameCorrection(**_taken(table, "code", "written", "name")) for table in _tables(head, "name")),
        oddities=tuple(_taken(table, "kind", "detail") for table in _tables(head, "oddity")),
    )
    head.done()
    return edition


def _inner(head: Table, key: str) -> Table:
    return Table(f"{head.place} [{key}]", head.take(key, dict, {}))


def _tables(head: Table, key: str) -> list[Table]:
    return [Table(f"{head.place} {key}[{n}]", row) for n, row in enumerate(head.take(key, list, []))]


def _taken(table: Table, *keys: str) -> dict[str, str]:
    found = {key: table.take(key, str) for key in keys}
    table.done()
    return found


def _texts(head: Table, key: str, defaults: dict[str, str]) -> dict[str, str]:
    table = _inner(head, key)
    found = {name: table.take(name, str, value) for name, value in defaults.items()}
    table.done()
    return found


def _identity(head: Table) -> dict[str, Any]:
    table = _inner(head, "identity")
    for key in ("id", "version"):
        table.take(key, str)
    for key in ("title", "authority"):
        both = Table(table.at(key), table.take(key, dict))
        _taken(both, "zh", "en")
    for key in ("published", "note"):
        table.take(key, str, "")
    for key in ("effective_from", "effective_to"):
        if key in table.values:
            table.take(key, datetime.date)
    table.done(("effective_from", "effective_to"))
    return {key: table.values[key] for key in table.values}


def _counts(head: Table) -> dict[str, int]:
    table = _inner(head, "counts")
    return {key: table.take(key, int) for key in list(table.values)}


def _options(head: Table) -> dict[str, Any]:
    table = _inner(head, "options")
    retry = table.take("retry_each_other_procedure", bool, False)
    kinds: dict[str, type] = {"checks": list, "refused_principals": list, "day_age_of_infants_only": bool}
    options: dict[str, Any] = {key: table.take(key, kind) for key, kind in kinds.items() if key in table.values}
    table.done(tuple(kinds))
    for key, known in (("checks", CHECKS), ("refused_principals", REFUSALS)):
        for word in options.get(key, ()):
            if word not in known:
                raise SchemeError(table.at(key), f"{word!r} is unknown", f"Use some of {', '.join(known)}")
    return {"retry": retry, "options": options}


def _shapes(head: Table) -> CodeShapes:
    table = _inner(head, "codes")
    shapes = CodeShapes(
        mdc_prefix=table.take("mdc_prefix", str, "MDC"),
        ungrouped_mdc=table.take("ungrouped_mdc", str, "0000"),
        ungrouped_adrg=table.take("ungrouped_adrg", str, "000"),
        ungrouped_drg=table.take("ungrouped_drg", str, "0000"),
        fallback_adrg=_pattern(table, "fallback_adrg", "[A-Z]00"),
        ambiguous_adrg=_pattern(table, "ambiguous_adrg", "[A-Z]QY"),
    )
    table.done()
    return shapes


def _pattern(table: Table, key: str, default: str) -> re.Pattern[str]:
    text = table.take(key, str, default)
    try:
        return re.compile(text)
    except re.error as error:
        raise SchemeError(
            table.at(key), f"{text!r} is no pattern ({error})", "Write a regular expression such as [A-Z]00"
        ) from None


def _variables(head: Table) -> dict[str, str]:
    from drgengine.grouper.workbook.ruletext import VARIABLES

    table = _inner(head, "variables")
    if not table.values:
        return dict(VARIABLES)
    return {name.upper(): table.choice(name, _COMPARED) for name in list(table.values)}


def _sets(head: Table) -> dict[str, Any]:
    table = _inner(head, "sets")
    operations = table.take("operations", str, "OP_ALL").upper()
    kept = tuple(str(name).upper() for name in table.take("for_grouping", list, []))
    table.done()
    return {"operations": operations, "for_grouping": kept}


def _repairs(head: Table) -> bool:
    table = _inner(head, "repairs")
    wanted = table.take("operation_test_before_ambiguous", bool, False)
    table.done()
    return wanted


def _amendment(table: Table) -> Amendment:
    name = table.take("table", str).upper()
    if isinstance(table.values.get("source"), dict):
        both = Table(table.at("source"), table.take("source", dict))
        source = Both(**_taken(both, "zh", "en"))
    else:
        text = table.take("source", str)
        source = Both(text, text)
    codes = tuple(str(code) for code in table.take("codes", list))
    table.done()
    return Amendment(name, codes, source)
