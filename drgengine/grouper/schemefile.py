"""Scheme folders: from files to a Scheme, and from a scheme's name to its folder.

A folder holds `scheme.toml` (identity, options, oddities), `rules.toml` (MDCs, rules, groups),
`diagnoses.txt` and `procedures.txt` (lists as category patterns), and, if need be,
`extra_diagnosis_codes.txt`, `extra_procedure_codes.txt` (codes the packaged edition does not have) and
`diagnosis_names.csv`, `procedure_names.csv` (columns code, name; used in explanations only).
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from drgengine.cases.editions import Edition, load_edition, read_codes
from drgengine.errors import SchemeError
from drgengine.grouper import expression
from drgengine.grouper.codelists import read_lists
from drgengine.grouper.conditions import (
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Condition,
    Count,
    InList,
    Not,
    atoms,
)
from drgengine.grouper.scheme import (
    CHECKS,
    KINDS,
    NOT_FOR_GROUPING,
    NOT_OPERATIONS,
    NOT_PRINCIPAL,
    OPERATIONS,
    REFUSALS,
    Group,
    Identity,
    Mdc,
    Oddity,
    Rule,
    Scheme,
)
from drgengine.tomltable import Table, read_toml

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
SCHEME_FOLDER = Path(__file__).parent.parent / "schemes"
DEFAULT_SCHEME = "chs-drg-2.0"
ANSWER = re.compile(r"[A-Z0-9][^\sa-z]*")
"""What may stand for an ADRG as an answer; lower-case letters are a slip of a word such as `ambiguous`."""
_NAME_TITLES = (("code", "编码", "代码"), ("name", "名称"))
_MEANING = (OPERATIONS, NOT_OPERATIONS, NOT_PRINCIPAL, NOT_FOR_GROUPING, "mcc", "cc", "excluded", "site")
_EXTRA = {"diagnosis": "extra_diagnosis_codes.txt", "procedure": "extra_procedure_codes.txt"}
_ALWAYS_THERE = {"diagnoses.txt": (NOT_PRINCIPAL,), "procedures.txt": (OPERATIONS, NOT_OPERATIONS)}
_NEEDED_CHECKS = (CHECKS[0], CHECKS[-1])
"""Checks that the compiled form rests on: a record without sex or principal diagnosis cannot be looked up."""

Resolver = Callable[[Condition, str], Condition]


def packaged_schemes() -> list[str]:
    """Names of the schemes that come with the package."""
    return sorted(p.parent.name for p in SCHEME_FOLDER.glob("*/scheme.toml"))


def find_scheme(name: str | Path) -> Path:
    """The folder of a packaged scheme, of a path, or of a workbook (imported into the cache when it is new).

    Raises SchemeError offering the nearest names.
    """
    if not isinstance(name, str | Path):
        raise SchemeError(
            f"scheme {name!r}", f"a {type(name).__name__} is no scheme", "Pass a name, a folder or a Scheme"
        )
    packaged = SCHEME_FOLDER / str(name)
    if str(name) in packaged_schemes():
        return packaged
    folder = Path(name)
    if (folder / "scheme.toml").is_file():
        return folder
    if folder.suffix.lower() in WORKBOOK_SUFFIXES and folder.is_file():
        from drgengine.grouper.workbook.cachedfolder import folder_of_workbook

        return folder_of_workbook(folder)
    if (folder / "adrg_codes.csv").is_file():
        raise SchemeError(
            str(name),
            "these are interchange tables, not a scheme folder",
            f"Run `drgengine scheme import {name} -o FOLDER` first and use FOLDER",
        )
    if folder.is_dir():
        raise SchemeError(str(name), "the folder has no scheme.toml", "Name a scheme folder or a packaged scheme")
    near = get_close_matches(str(name).lower().replace("_", "-"), packaged_schemes(), n=3, cutoff=0.3)
    there = ", ".join(near or packaged_schemes())
    raise SchemeError(
        f"scheme {str(name)!r}", "neither a packaged scheme nor a folder or workbook", f"Nearest names: {there}"
    )


def load_scheme(name: str | Path | Scheme = DEFAULT_SCHEME) -> Scheme:
    """Load a scheme by packaged name, folder path or the authority's workbook; a Scheme passes through.

    name : such as `chs-drg-2.0`, the path of a scheme folder, or of a configuration workbook (.xlsx)
    returns Scheme; the same unchanged folder gives the same object again
    raises SchemeError naming file, key, value and remedy

    >>> load_scheme("chs-drg-2.0").identity.version
    '2.0'
    """
    if isinstance(name, Scheme):
        return name
    folder = find_scheme(name)
    return _load(folder, folder_digest(folder))


def folder_digest(folder: Path) -> str:
    """A fingerprint of all files that decide what a scheme folder means, code editions included."""
    digest = hashlib.sha256()
    files = sorted(p for p in folder.iterdir() if p.suffix in (".toml", ".txt", ".csv"))
    for path in [*files, *sorted((SCHEME_FOLDER / "editions").glob("*.txt"))]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SchemeError(str(path), f"cannot be read ({error.strerror})", "Check its rights") from None
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _load(folder: Path, digest: str) -> Scheme:
    head = Table(str(folder / "scheme.toml"), read_toml(folder / "scheme.toml"))
    identity = _identity(head)
    codes = Table(f"{head.place} [codes]", head.take("codes", dict))
    diagnoses, procedures = (_edition(folder, codes, kind) for kind in ("diagnosis", "procedure"))
    codes.done()
    retry = head.take("retry_each_other_procedure", bool, False)
    ungroupable = head.take("ungroupable", str, "0000")
    checks = _some_of(head, "checks", CHECKS, CHECKS)
    for check in _NEEDED_CHECKS:
        if check not in checks:
            raise SchemeError(f"{head.place}, key 'checks'", f"{check!r} is missing", "Add it: it is always asked")
    refused = _some_of(head, "refused_principals", REFUSALS, ())
    infants_only = head.take("day_age_of_infants_only", bool, False)
    site_names = {region: str(name) for region, name in head.take("site_names", dict, {}).items()}
    oddities = tuple(_oddity(f"{head.place} oddity[{n}]", row) for n, row in enumerate(head.take("oddity", list, [])))
    head.done()
    lists = {file: _lists(folder / file, always) for file, always in _ALWAYS_THERE.items()}
    mdcs = _mdcs(folder / "rules.toml", lists["diagnoses.txt"], lists["procedures.txt"])
    for file, sections in lists.items():
        _refuse_slips(folder / file, sections, mdcs)
    return Scheme(
        identity=identity,
        mdcs=mdcs,
        diagnoses=diagnoses,
        procedures=procedures,
        diagnosis_patterns=lists["diagnoses.txt"],
        procedure_patterns=lists["procedures.txt"],
        retry_each_other_procedure=retry,
        ungroupable=ungroupable,
        oddities=oddities,
        digest=digest,
        checks=checks,
        refused_principals=refused,
        day_age_of_infants_only=infants_only,
        source=str(folder),
        site_names=site_names,
        code_names=_names(folder),
    )


def _some_of(head: Table, key: str, known: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    """Some words of a fixed list, in the order of that list."""
    words = head.take(key, list, list(default))
    for word in words:
        if word not in known:
            raise SchemeError(f"{head.place}, key {key!r}", f"{word!r} is unknown", f"Use some of {', '.join(known)}")
    return tuple(word for word in known if word in words)


def _identity(head: Table) -> Identity:
    def both(key: str) -> dict[str, str]:
        table = Table(f"{head.place} [{key}]", head.take(key, dict))
        pair = {"zh": table.take("zh", str), "en": table.take("en", str)}
        table.done()
        return pair

    identity = Identity(
        id=head.take("id", str),
        title=both("title"),
        authority=both("authority"),
        version=head.take("version", str),
        published=head.take("published", str, ""),
        effective_from=head.take("effective_from", datetime.date | None, None),  # type: ignore[arg-type]
        effective_to=head.take("effective_to", datetime.date | None, None),  # type: ignore[arg-type]
        note=head.take("note", str, ""),
    )
    begin, end = identity.effective_from, identity.effective_to
    if begin and end and end < begin:
        raise SchemeError(f"{head.place}, key 'effective_to'", f"{end} lies before {begin}", "Swap the two dates")
    return identity


def _edition(folder: Path, codes: Table, kind: str) -> Edition:
    name = codes.take(f"{kind}_edition", str)
    try:
        edition = load_edition(name)
    except SchemeError as error:
        raise SchemeError(f"{codes.place}, key '{kind}_edition'", f"{name!r}: {error.problem}", error.remedy) from None
    stated = codes.take(f"{kind}_digest", str, edition.digest)
    if stated != edition.digest:
        raise SchemeError(
            f"{codes.place}, key '{kind}_digest'",
            f"the scheme was written for another state of {edition.name} ({stated}, here {edition.digest})",
            "Import the scheme again from its tables",
        )
    extra = folder / _EXTRA[kind]
    return edition.with_codes(read_codes(extra)) if extra.exists() else edition


def _oddity(place: str, row: object) -> Oddity:
    table = Table(place, row)
    oddity = Oddity(table.take("kind", str), table.take("detail", str))
    table.done()
    return oddity


def _lists(path: Path, always: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SchemeError(str(path), "the file is missing", "Restore it, or import the scheme again") from None
    except UnicodeDecodeError as error:
        raise SchemeError(str(path), f"not UTF-8 ({error.reason} at byte {error.start})", "Save it as UTF-8") from None
    return dict.fromkeys(always, ()) | read_lists(text, str(path))


def _refuse_slips(path: Path, sections: dict[str, tuple[str, ...]], mdcs: tuple[Mdc, ...]) -> None:
    """Refuse a section that no rule asks for and whose name is nearly one that has a meaning of its own."""
    conditions = [mdc.gate for mdc in mdcs]
    conditions += [c for mdc in mdcs for rule in mdc.rules for c in (rule.when, *(group.when for group in rule.groups))]
    asked = {atom.list for condition in conditions for atom in atoms(condition) if isinstance(atom, InList | Count)}
    for name in sections:
        family = name.partition(".")[0]
        if name not in asked and family not in _MEANING:
            near = get_close_matches(family, _MEANING, n=1, cutoff=0.75)
            if near:
                raise SchemeError(
                    f"{path} [{name}]",
                    "no rule asks for this list",
                    f"Did you mean [{name.replace(family, near[0], 1)}]? If not, give it another name",
                )


def _mdcs(path: Path, dx_lists: dict[str, tuple[str, ...]], proc_lists: dict[str, tuple[str, ...]]) -> tuple[Mdc, ...]:
    def resolve(text: str, owner: str, place: str) -> Condition:
        try:
            condition = absolute(_parse(text), owner)
        except expression.ExpressionError as error:
            raise SchemeError(
                f"{place}, {text!r}, character {error.position}", error.problem, error.remedy.rstrip(".")
            ) from None
        for atom in atoms(condition):
            if isinstance(atom, InList | Count):
                file, there = (
                    ("procedures.txt", proc_lists) if atom.scope in PROCEDURE_SCOPES else ("diagnoses.txt", dx_lists)
                )
                if atom.list not in there:
                    near = get_close_matches(atom.list, there, n=1)
                    hint = f"Did you mean [{near[0]}]? If not, add" if near else "Add"
                    raise SchemeError(
                        f"{place}, {text!r}", f"list {atom.list!r} is unknown", f"{hint} [{atom.list}] to {file}"
                    )
        return condition

    head = Table(str(path), read_toml(path))
    mdcs = tuple(_mdc(Table(f"{path} mdc[{n}]", row), resolve) for n, row in enumerate(head.take("mdc", list)))
    head.done()
    _refuse_repeats(path, "MDC", [mdc.code for mdc in mdcs])
    _refuse_repeats(path, "rule", [rule.id for mdc in mdcs for rule in mdc.rules])
    return mdcs


@lru_cache(maxsize=4096)
def _parse(text: str) -> Condition:
    return expression.parse(text)


def absolute(condition: Condition, owner: str) -> Condition:
    """The condition with `@name` lists written out as `OWNER.name`."""
    match condition:
        case All(parts):
            return All(tuple(absolute(part, owner) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(absolute(part, owner) for part in parts))
        case Not(part):
            return Not(absolute(part, owner))
        case InList(scope, name) if name.startswith("@"):
            return InList(scope, f"{owner}.{name[1:]}")
        case Count(scope, name, op, value) if name.startswith("@"):
            return Count(scope, f"{owner}.{name[1:]}", op, value)
    return condition


def relative(text: str, owner: str) -> str:
    """Rule text with the owner's lists written `@name` again."""
    return text.replace(f" in {owner}.", " in @")


def _mdc(table: Table, resolve: Callable[[str, str, str], Condition]) -> Mdc:
    code = table.take("code", str)
    table.place += f" (MDC {code})"
    mdc = Mdc(
        code=code,
        name=table.take("name", str, ""),
        gate=resolve(table.take("gate", str), f"MDC{code}", f"{table.place}, key 'gate'"),
        rules=tuple(
            _rule(Table(f"{table.place} rule[{n}]", row), resolve) for n, row in enumerate(table.take("rule", list, []))
        ),
        name_en=table.take("name_en", str, ""),
    )
    table.done()
    return mdc


def _rule(table: Table, resolve: Callable[[str, str, str], Condition]) -> Rule:
    adrg = table.take("adrg", str)
    rule_id = table.take("id", str, adrg)
    table.place += f" ({rule_id})"
    otherwise = table.take("otherwise", str, "next")
    if otherwise not in ("next", "ambiguous") and not ANSWER.fullmatch(otherwise):
        raise SchemeError(
            f"{table.place}, key 'otherwise'", f"{otherwise!r} is no ADRG code", "Write next, ambiguous or an ADRG code"
        )
    rule = Rule(
        id=rule_id,
        adrg=adrg,
        name=table.take("name", str, ""),
        kind=table.choice("kind", KINDS),
        when=resolve(table.take("when", str), rule_id, f"{table.place}, key 'when'"),
        groups=tuple(
            _group(Table(f"{table.place} groups[{n}]", row), rule_id, resolve)
            for n, row in enumerate(table.take("groups", list, []))
        ),
        otherwise=otherwise,
    )
    table.done()
    return rule


def _group(table: Table, owner: str, resolve: Callable[[str, str, str], Condition]) -> Group:
    drg = table.take("drg", str)
    table.place += f" ({drg})"
    group = Group(
        drg, table.take("name", str, ""), resolve(table.take("when", str), owner, f"{table.place}, key 'when'")
    )
    table.done()
    return group


def _refuse_repeats(path: Path, what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SchemeError(str(path), f"{what} {name!r} stands twice", f"Give the second {what} an id of its own")
        seen.add(name)


def _names(folder: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for file in ("diagnosis_names.csv", "procedure_names.csv"):
        if (folder / file).is_file():
            names |= read_names(folder / file)
    return names


def read_names(path: str | Path) -> dict[str, str]:
    """Code -> name from a CSV with the columns code, name or 编码, 名称 (UTF-8 or GB18030). Raises SchemeError."""
    import csv

    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise SchemeError(str(path), f"cannot be read ({error.strerror})", "Check the path") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    rows = csv.reader(text.splitlines())
    head = [cell.strip().lower() for cell in next(rows, [])]
    places = [next((head.index(title) for title in titles if title in head), -1) for titles in _NAME_TITLES]
    if min(places) < 0:
        raise SchemeError(str(path), f"columns {head} lack code or name", "Name the columns code,name")
    code, name = places
    return {row[code]: row[name] for row in rows if len(row) > max(places) and row[code] and row[name]}
