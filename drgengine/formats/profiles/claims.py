"""Which header of a file feeds which column, by a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drgengine.cases.shown import shown_name
from drgengine.errors import InputFileError
from drgengine.formats.profiles.headers import header_forms
from drgengine.formats.profiles.profilefile import Profile, Target


@dataclass(frozen=True, slots=True)
class Found:
    """The columns of one file.

    scalars : canonical column -> header
    slots : "dx.code", "proc.date", "icu.in", ... -> {place: header}, places ascending; place 0 is the principal
    added : charge -> headers that are added to it
    own : headers that the profile itself knows (without Chinese names)
    typical : number of Chinese names that not all dialects share
    beside : header that is not read -> header that holds the same and is read instead
    """

    scalars: dict[str, str] = field(default_factory=dict)
    slots: dict[str, dict[int, str]] = field(default_factory=dict)
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    typical: int = 0
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def principal(self) -> str | None:
        """The header of the principal diagnosis, or of the list that begins with it."""
        return self.slots.get("dx.code", {}).get(0) or self.slots.get("dx.list", {}).get(0)

    @property
    def headers(self) -> tuple[str, ...]:
        """All headers that are needed."""
        slots = [header for places in self.slots.values() for header in places.values()]
        added = [header for headers in self.added.values() for header in headers]
        return tuple(dict.fromkeys([*self.scalars.values(), *slots, *added]))


def claim_columns(headers: Sequence[str], profile: Profile, source: str = "file") -> Found:
    """Find the columns of a file by its headers, never by their position.

    Raises InputFileError when two headers claim one column on equal terms, naming both.

    >>> from drgengine.formats.profiles import load_profile
    >>> found = claim_columns(["C06X02C", "主要诊断编码（C03C）", "a12c"], load_profile("hqms"))
    >>> found.scalars, found.slots
    ({'sex': 'a12c'}, {'dx.code': {0: '主要诊断编码（C03C）', 2: 'C06X02C'}})
    """
    claims: dict[Target, tuple[int, str]] = {}
    losing: list[tuple[Target, str]] = []
    for header in headers:
        reading = read_header(header, profile)
        if reading is None:
            continue
        target, depth = reading
        held = claims.get(target)
        if held is not None and held[0] == depth:
            raise _two_claims(source, target, held[1], header)
        if held is None or depth < held[0]:
            losing += [(target, held[1])] if held else []
            claims[target] = (depth, header)
        else:
            losing.append((target, header))
    return _sorted(claims, profile, {header: claims[target][1] for target, header in losing})


def read_header(header: str, profile: Profile) -> tuple[Target, int] | None:
    """What a header feeds by a profile, and the layer that knows it; None for one it does not know."""
    forms = header_forms(header)
    for depth, layer in enumerate(profile.layers):
        for form in forms:
            target = layer.target(form)
            if target is not None:
                return target, depth
    return None


def _sorted(claims: dict[Target, tuple[int, str]], profile: Profile, beside: dict[str, str]) -> Found:
    scalars: dict[str, str] = {}
    slots: dict[str, dict[int, str]] = {}
    added: dict[str, list[str]] = {}
    for (key, place), (_, header) in sorted(claims.items()):
        if key.startswith("added."):
            added.setdefault(key.removeprefix("added."), []).append(header)
        elif "." in key:
            slots.setdefault(key, {})[place] = header
        else:
            scalars[key] = header
    own = tuple(sorted(header for depth, header in claims.values() if not profile.layers[depth].shared))
    last = len(profile.layers) - 1
    typical = sum(profile.layers[depth].shared and depth < last for depth, _ in claims.values())
    return Found(scalars, slots, {key: tuple(headers) for key, headers in added.items()}, own, typical, beside)


def _two_claims(source: str, target: Target, first: str, second: str) -> InputFileError:
    key, place = target
    what = f"{key}, place {place}" if "." in key else key
    return InputFileError(
        source,
        f"the columns {shown_name(first)!r} and {shown_name(second)!r} both hold {what}",
        "Rename or remove one of them, or give an own profile (--profile my.toml)",
    )
