"""Which dialect a file is written in, by its headers alone."""

from __future__ import annotations

from collections.abc import Sequence

from drgengine.cases.shown import look_like_title, look_like_values, shown_name, shown_names
from drgengine.errors import InputFileError
from drgengine.formats.mojibake import refuse_mojibake
from drgengine.formats.profiles.claims import Found, claim_columns
from drgengine.formats.profiles.headers import header_forms
from drgengine.formats.profiles.profilefile import Profile, load_profile, profile_names

# Of the columns two dialects that fit differ by: N041 and N042 share all but the diagnoses.
CLEAR_LEAD = 3
_UNIT_WORDS = ("天", "日")


def choose_profile(headers: Sequence[str], profile: str = "auto", source: str = "file") -> tuple[Profile, Found]:
    """The profile to read a file by and the columns found (识别首页方言).

    profile : "auto", a packaged name, or the path of an own profile file
    "auto" counts for each dialect the headers that only dialects of its kind have (not the Chinese names they share).
    A dialect stands when its column of the principal diagnosis is there; it wins when it stands alone or leads by
    CLEAR_LEAD headers. A file with Chinese headers only is read as the dialect that knows most of them, as HQMS when
    several know all alike.
    Raises InputFileError: misread headers, no dialect, several that fit alike (with their scores), no column of the
    principal diagnosis, a column claimed twice.

    >>> choose_profile(["BAH", "XB", "JBDM", "JBDM1"])[0].name
    'n041'
    """
    refuse_mojibake(f"{source}, headers", headers)
    if profile != "auto":
        chosen = load_profile(profile)
        found = claim_columns(headers, chosen, source)
        if found.principal is None:
            raise _no_principal(headers, chosen, source)
        return chosen, found
    return _detect(headers, source)


def _detect(headers: Sequence[str], source: str) -> tuple[Profile, Found]:
    scores: dict[str, int] = {}
    standing: list[tuple[int, str]] = []
    for name in profile_names():
        found, clash = _tried(headers, name, source)
        scores[name] = len(found.own) if found else 0
        if (found is None and clash) or (found and found.principal in found.own):
            standing.append((scores[name], name))
    standing.sort(reverse=True)
    if not standing:
        named = _by_names(headers, source)
        if named is not None:
            return named
        raise _no_dialect(headers, scores, source)
    if len(standing) > 1 and standing[0][0] - standing[1][0] < CLEAR_LEAD:
        raise InputFileError(
            source,
            f"the headers fit several dialects of the front page ({_listed(scores)})",
            f"Name the dialect: --profile {standing[0][1]} (profile={standing[0][1]!r})",
        )
    chosen = load_profile(standing[0][1])
    return chosen, claim_columns(headers, chosen, source)


def _by_names(headers: Sequence[str], source: str) -> tuple[Profile, Found] | None:
    """The dialect of a file with Chinese headers; a dialect stands before those that extend it."""
    fitting: list[tuple[tuple[int, int, int], Profile, Found]] = []
    for name in profile_names():
        profile, (found, _) = load_profile(name), _tried(headers, name, source)
        if found is not None and found.principal is not None:
            fitting.append(((len(found.headers), found.typical, -len(profile.layers)), profile, found))
    best = max((score for score, _, _ in fitting), default=None)
    alike = [(profile, found) for score, profile, found in fitting if score == best]
    if len(alike) < 2:
        return alike[0] if alike else None
    age = alike[0][1].scalars.get("age_days")
    told = age is None or any(unit in age for unit in _UNIT_WORDS) or len({p.age_days_unit for p, _ in alike}) == 1
    standing = [(profile, found) for profile, found in alike if profile.names_stand_for]
    if standing and told and all(found.slots == standing[0][1].slots for _, found in alike):
        return standing[0]
    open_to = "" if told else f", and the unit of {shown_name(age or '')!r} depends on it"
    raise InputFileError(
        source,
        f"the Chinese headers fit several dialects of the front page alike{open_to}",
        f"Name the dialect with --profile: {', '.join(profile.name for profile, _ in alike)}",
    )


def _tried(headers: Sequence[str], name: str, source: str) -> tuple[Found | None, bool]:
    """The columns by a profile; when one is claimed twice None, and whether its own principal diagnosis is there."""
    profile = load_profile(name)
    try:
        return claim_columns(headers, profile, source), False
    except InputFileError:
        alone = [header for header in headers if _is_own_principal(header, profile)]
        return None, bool(alone)


def _is_own_principal(header: str, profile: Profile) -> bool:
    targets = [layer.target(form) for layer in profile.layers if not layer.shared for form in header_forms(header)]
    return ("dx.code", 0) in targets or ("dx.list", 0) in targets


def _no_dialect(headers: Sequence[str], scores: dict[str, int], source: str) -> InputFileError:
    if look_like_values(list(headers)):
        return InputFileError(source, "the first row holds values, not headers", "Put the headers in the first row")
    if look_like_title(headers) and len(headers) > 1:
        return InputFileError(source, "the first row holds a title, not headers", "Remove the rows above the headers")
    return InputFileError(
        source,
        f"the headers fit no dialect of the front page, or the principal diagnosis has no column ({_listed(scores)}; "
        f"columns: {shown_names(list(headers))})",
        "Name the dialect with --profile, or write an own profile file that extends one",
    )


def _no_principal(headers: Sequence[str], profile: Profile, source: str) -> InputFileError:
    return InputFileError(
        source,
        f"no column holds the principal diagnosis by profile {profile.name} (columns: {shown_names(list(headers))})",
        "Check --profile, or name the column in an own profile file, table [dx.principal], key code",
    )


def _listed(scores: dict[str, int]) -> str:
    return "headers known: " + ", ".join(f"{name} {score}" for name, score in scores.items())
