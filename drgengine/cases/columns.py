"""Which columns of a table feed which columns of the case table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from drgengine.cases.shown import look_like_values, shown_name, shown_names
from drgengine.cases.vocabulary import Role, build_schema, column_data, fold, is_personal, role_of
from drgengine.errors import CaseTableError

CASE_SCHEMA: pa.Schema = build_schema()
EXTRA = "extra"

_ALWAYS_NEEDED = ("sex", "age_years")
_REMEDY_MAP = 'Name the column in a mapping file (--columns map.toml) with a line such as "{column}" = "{role}"'
_UNNAMED = "THEIR HEADER"


@dataclass(frozen=True, slots=True)
class CodeColumns:
    """Where a code list comes from: single-code columns by place, and at most one column holding several.

    slots : (place, column), place 0 = principal, ascending; a missing place is an empty code
    rest : a list column or a text column with separators; it follows the slots
    rest_is_list : True when `rest` is a list column
    """

    slots: tuple[tuple[int, str], ...] = ()
    rest: str | None = None
    rest_is_list: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All input columns of the list, in the order of their places.

        >>> CodeColumns(((0, "JBDM"),), "other_dx").names
        ('JBDM', 'other_dx')
        """
        slots = tuple(column for _, column in self.slots)
        return slots if self.rest is None else (*slots, self.rest)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The input columns behind the case table.

    source : name of the table, for messages
    scalars : canonical name -> input column, e.g. {"sex": "XB"}; only the columns found
    dx, proc : where the code lists come from; proc is None when the table has no procedures
    extras : all other columns, which pass through
    """

    source: str
    scalars: Mapping[str, str]
    dx: CodeColumns
    proc: CodeColumns | None = None
    extras: tuple[str, ...] = ()


def resolve_columns(schema: pa.Schema, mapping: Mapping[str, str] | None = None, source: str = "cases") -> ColumnMap:
    """Find the canonical columns (规范列) of a table by its headers.

    schema : of the table; headers may be canonical names, Chinese titles or HQMS / N041 codes
    mapping : {column of the table: canonical name}; beside the names of CASE_SCHEMA also dx_principal,
        dx_other, dx3, dx_other3 (the same for proc) and "extra" (pass the column through)
    source : name of the table, for messages

    Slots are ordered by their number, never by position; a missing number stays an empty place. A code column of
    a number type passes here, as readers give an empty column one; pack refuses it when a number stands in it.
    Raises CaseTableError: no principal diagnosis, two columns for one purpose, a type that cannot serve, a
    wrong mapping.

    >>> text = pa.string()
    >>> found = resolve_columns(pa.schema([("性别", text), ("JBDM", text), ("JBDM2", text)]))
    >>> found.scalars["sex"], found.dx.slots
    ('性别', ((0, 'JBDM'), (2, 'JBDM2')))
    """
    mapped = _mapped_roles(schema, {} if mapping is None else mapping, source)
    claims = _claims(schema, mapped, source)
    scalars: dict[str, str] = {}
    parts: dict[str, dict[Role, str]] = {name: {} for name in column_data()["codes"]}
    for role, column in claims.items():
        if role.part:
            parts[role.name][role] = column
        else:
            scalars[role.name] = column
    for name, column in scalars.items():
        _check_scalar(schema, name, column, source)
    unknown = [name for name in schema.names if name not in mapped and role_of(name) is None]
    dx = _code_columns("dx", parts["dx"], schema, unknown, source)
    proc = _code_columns("proc", parts["proc"], schema, unknown, source)
    if dx is None:
        raise _no_principal("dx", schema, unknown, source)
    used = {*scalars.values(), *(c for part in parts.values() for c in part.values())}
    extras = tuple(name for name in schema.names if name not in used)
    return ColumnMap(source, scalars, dx, proc, extras)


def missing_required(columns: ColumnMap) -> tuple[str, ...]:
    """Canonical names of columns that every case needs (sex, age_years) and no input column feeds.

    >>> missing_required(resolve_columns(pa.schema([("XB", pa.string()), ("dx1", pa.string())])))
    ('age_years',)
    """
    return tuple(name for name in _ALWAYS_NEEDED if name not in columns.scalars)


def numbers_as_codes(source: str, column: str, kind: pa.DataType) -> CaseTableError:
    """The error for a code column in which numbers stand."""
    return CaseTableError(
        source,
        f"the column {column!r} holds numbers ({kind}) where codes are needed; numbers lose leading and trailing zeros",
        f'Read the codes as text (pandas: dtype=str), or set "{column}" = "{EXTRA}" in a mapping file '
        "(--columns map.toml)",
    )


def drop_personal(schema: pa.Schema) -> tuple[str, ...]:
    """Columns that hold names, identity numbers, addresses or phones (个人信息), by header.

    A struct column counts when one of its fields, at any depth, does.

    >>> drop_personal(pa.schema([("姓名", pa.string()), ("dx", pa.string()), ("patient_phone", pa.string())]))
    ('姓名', 'patient_phone')
    """
    return tuple(field.name for field in schema if is_personal(field.name) or _holds_personal(field))


def _holds_personal(field: pa.Field) -> bool:
    role = role_of(field.name)
    if role is not None and role.part:
        return False  # the name beside a code is that of a disease; the type is refused later
    return any(is_personal(name) for name in _field_names(field.type))


def _field_names(kind: pa.DataType) -> Iterator[str]:
    """Names of the struct fields inside a type; those of list elements and map entries say nothing."""
    for position in range(kind.num_fields):
        inner = kind.field(position)
        if pt.is_struct(kind):
            yield inner.name
        yield from _field_names(inner.type)


def _mapped_roles(schema: pa.Schema, mapping: object, source: str) -> dict[str, Role | None]:
    if not isinstance(mapping, Mapping):
        problem = f"the mapping of columns is a {type(mapping).__name__}, not a dict"
        raise CaseTableError(source, problem, "Pass {column of the table: canonical name}")
    roles: dict[str, Role | None] = {}
    for column, target in mapping.items():
        if column not in schema.names:
            raise CaseTableError(
                source,
                f"the mapping names the column {column!r}, which the table does not have",
                f"Correct the mapping; {_nearest(str(column), schema.names)}",
            )
        roles[column] = _role_of_target(column, target, source)
    return roles


def _role_of_target(column: str, target: str, source: str) -> Role | None:
    if target == EXTRA:
        return None
    role = role_of(target) if isinstance(target, str) else None
    # Only canonical names are targets: an alias there is more likely a swapped line than an intention.
    if role is None or fold(role.label) != fold(target):
        known = [*CASE_SCHEMA.names, "dx_principal", "dx_other", "proc_principal", "proc_other", EXTRA]
        raise CaseTableError(
            source,
            f"the mapping sends the column {column!r} to {target!r}, which is no column of the case table",
            f"Correct the mapping; {_nearest(str(target), known)}",
        )
    return role


def _claims(schema: pa.Schema, mapped: Mapping[str, Role | None], source: str) -> dict[Role, str]:
    claims: dict[Role, str] = {}
    explicit = [(column, role) for column, role in mapped.items() if role is not None]
    taken = {role for _, role in explicit}
    by_header = [(name, role_of(name)) for name in schema.names if name not in mapped]
    # A mapped column silences headers that would claim the same purpose, a canonical one those that say more of it.
    found = explicit + [(name, role) for name, role in by_header if role is not None and role not in taken]
    canonical = {name for name, role in by_header if role is not None and role.name == name}
    giving_way = column_data()["giving_way"]
    found = [(name, role) for name, role in found if giving_way.get(name) not in canonical or (name, role) in explicit]
    for column, role in found:
        if role in claims:
            raise _two_claims(source, role.label, claims[role], column)
        if schema.names.count(column) > 1:
            raise CaseTableError(
                source,
                f"two columns are named {column!r}, and the case table needs {role.label}",
                "Rename one of them",
            )
        claims[role] = column
    return claims


def _two_claims(source: str, label: str, first: str, second: str) -> CaseTableError:
    return CaseTableError(
        source,
        f"the columns {first!r} and {second!r} both hold {label}",
        f'Set one of them to "{EXTRA}" in a mapping file (--columns map.toml): "{second}" = "{EXTRA}"',
    )


def _code_columns(
    name: str, parts: Mapping[Role, str], schema: pa.Schema, unknown: Sequence[str], source: str
) -> CodeColumns | None:
    if not parts:
        return None
    slots, rest = _places(name, parts, source)
    if rest and slots and (rest[0].part == "list" or len(slots) > 1):
        raise _two_claims(source, rest[0].label, slots[-1][1], rest[1])
    if not slots and (rest is None or rest[0].part == "other"):
        raise _no_principal(name, schema, unknown, source)
    if slots and slots[0][0] != 0:
        raise _no_principal(name, schema, unknown, source)
    for _, column in slots:
        kind = schema.field(column).type
        if not (_is_text(kind) or is_number(kind)):
            raise _wrong_type(source, column, schema, "one code per case", "Write the codes as text")
    if rest is None:
        return CodeColumns(slots)
    kind = schema.field(rest[1]).type
    is_list = _is_list(kind)
    if not (_is_text(kind.value_type) if is_list else _is_text(kind) or is_number(kind)):
        raise _wrong_type(source, rest[1], schema, "codes", "Write the codes as text or as a list of texts")
    return CodeColumns(slots, rest[1], is_list)


def _places(
    name: str, parts: Mapping[Role, str], source: str
) -> tuple[tuple[tuple[int, str], ...], tuple[Role, str] | None]:
    """Places of the single-code columns (0 = principal), and the column that holds several codes."""
    places: dict[int, str] = {}
    rest: tuple[Role, str] | None = None
    zero_based = {role.part for role in parts if role.slot == 0}
    for role, column in parts.items():
        if role.part != "principal" and role.slot is None:
            if rest is not None:
                raise _two_claims(source, name, rest[1], column)
            rest = (role, column)
            continue
        first_place = {"principal": 0, "list": 0, "other": 1}[role.part]
        place = first_place if role.slot is None else first_place + role.slot - (role.part not in zero_based)
        if place in places:
            label = f"{name}_principal" if place == 0 else f"{name}{place + 1}"
            raise _two_claims(source, label, places[place], column)
        places[place] = column
    return tuple(sorted(places.items())), rest


def _no_principal(name: str, schema: pa.Schema, unknown: Sequence[str], source: str) -> CaseTableError:
    what = {"dx": "principal diagnosis (主要诊断编码)", "proc": "first procedure (主要手术编码)"}[name]
    if look_like_values(schema.names):
        problem = f"no column holds the {what}; the column names look like the values of a case"
        return CaseTableError(source, problem, f"Put the column names first, e.g. {name}_principal, sex, age_years")
    others = f"Headers that were not recognised: {shown_names(unknown)}"
    if not unknown:
        others = f"Every header has another meaning: {shown_names(schema.names)}"
    # A header that is not shown whole would make a line that names no column.
    near = [header for header in _nearest_headers(name, unknown) if header == shown_name(header)]
    return CaseTableError(
        source,
        f"no column holds the {what}. {others}",
        _REMEDY_MAP.format(column=near[0] if near else _UNNAMED, role=f"{name}_principal"),
    )


def _nearest_headers(name: str, headers: Iterable[str]) -> list[str]:
    """Headers that may mean the first code of the list `name`, best first; none that is nearer to another list."""
    known = {(code, part): aliases for code, parts in column_data()["codes"].items() for part, aliases in parts.items()}
    wanted = [fold(alias) for key in ("list", "principal") for alias in known.pop((name, key))]
    rest = [fold(alias) for (_, part), aliases in known.items() if part != "title" for alias in aliases]
    scored = []
    for header in headers:
        folded = fold(header)
        if is_personal(header) or "名称" in folded or "name" in folded:
            continue
        score = _likeness(folded, wanted)
        if score >= 0.6 and score >= _likeness(folded, rest):
            scored.append((-score, header))
    return [header for _, header in sorted(scored)]


def _likeness(word: str, known: Iterable[str]) -> float:
    return max(difflib.SequenceMatcher(None, word, other).ratio() for other in known)


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"nearest: {shown_names(near)}" if near else f"known: {shown_names(known)}"


def _check_scalar(schema: pa.Schema, name: str, column: str, source: str) -> None:
    kind = schema.field(column).type
    plain = kind.value_type if pt.is_dictionary(kind) else kind
    entry = column_data()["column"][name]["type"]
    if entry == "date32":
        if not (pt.is_date(plain) or pt.is_timestamp(plain) or _is_text(plain)):
            raise _wrong_type(source, column, schema, f"{name} (a date)", "Write dates, or text as YYYY-MM-DD")
    elif entry == "string":
        if pt.is_nested(plain):
            raise _wrong_type(source, column, schema, name, "Write one text per case")
    elif not (is_number(plain) or _is_text(plain)):
        raise _wrong_type(source, column, schema, f"{name} (a number)", "Write numbers, or numbers as text")


def _wrong_type(source: str, column: str, schema: pa.Schema, use: str, remedy: str) -> CaseTableError:
    return CaseTableError(
        source,
        f"the column {column!r} has the type {schema.field(column).type}, which cannot serve as {use}",
        f'{remedy}, or set "{column}" = "{EXTRA}" in a mapping file (--columns map.toml)',
    )


def is_number(kind: pa.DataType) -> bool:
    """True for integers, floating-point and decimal numbers."""
    return pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)


def _is_text(kind: pa.DataType) -> bool:
    if pt.is_dictionary(kind):
        kind = kind.value_type
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind) or pt.is_null(kind)


def _is_list(kind: pa.DataType) -> bool:
    return (
        pt.is_list(kind)
        or pt.is_large_list(kind)
        or pt.is_fixed_size_list(kind)
        or pt.is_list_view(kind)
        or pt.is_large_list_view(kind)
    )
