"""A scheme, or a part of it, as text for people, in Chinese or English."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from drgengine.errors import SchemeError
from drgengine.grouper.conditions import Condition, Count, InList, atoms
from drgengine.grouper.expression import unparse
from drgengine.grouper.scheme import SHARED, Mdc, Rule, Scheme
from drgengine.grouper.schemefile import relative


@cache
def _words(language: str) -> Mapping[str, str]:
    path = Path(__file__).parent.parent / "data" / "schemetext.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


def scheme_lines(
    scheme: Scheme, what: str | None = None, *, codes: bool = False, language: str = "en"
) -> Iterator[str]:
    """Lines about a scheme, one of its MDCs, ADRGs, DRGs, rules or lists.

    what : MDC (`F` or `MDCF`), ADRG, rule, DRG or list name, in any letter case; None for the scheme as a whole
    codes : write out codes instead of patterns
    language : en or zh
    raises SchemeError offering the nearest names
    """
    words = _words(language)
    if what is None:
        yield from _overview(scheme, language)
        return
    name = what.upper()
    for mdc in scheme.mdcs:
        if name in (mdc.code.upper(), f"MDC{mdc.code}".upper()):
            yield from _mdc_lines(scheme, mdc, codes, language)
            return
    found = [(m, r) for m, r in scheme.rules if name in [n.upper() for n in (r.id, r.adrg, *(g.drg for g in r.groups))]]
    for mdc, rule in found:
        yield from _rule_lines(scheme, mdc, rule, codes, language)
    if found:
        return
    patterns = {**scheme.diagnosis_patterns, **scheme.procedure_patterns}
    if what in patterns:
        yield from _list_lines(scheme, what, codes, words)
        return
    names = [*(r.id for _, r in scheme.rules), *(g.drg for _, r in scheme.rules for g in r.groups), *patterns]
    near = get_close_matches(name, names, n=5) or get_close_matches(what, names, n=5)
    raise SchemeError(
        f"scheme {scheme.id}",
        f"{what!r} is no MDC, ADRG, DRG or list of it",
        f"Nearest names: {', '.join(near) or 'none'}",
    )


def _overview(scheme: Scheme, language: str) -> Iterator[str]:
    words, identity = _words(language), scheme.identity
    yield f"{scheme.id}: {identity.title[language]}"
    yield words["issued"].format(authority=identity.authority[language])
    if identity.version:
        yield words["version"].format(version=identity.version)
    if identity.published:
        yield words["published"].format(published=identity.published)
    if identity.effective_from:
        end = identity.effective_to or words["now"]
        yield words["force"].format(begin=identity.effective_from, end=end)
    yield words["editions"].format(
        diagnoses=scheme.diagnoses.name,
        dx=f"{len(scheme.diagnoses.codes):,}",
        procedures=scheme.procedures.name,
        proc=f"{len(scheme.procedures.codes):,}",
    )
    yield words["folder"].format(folder=scheme.source)
    if identity.note:
        yield identity.note
    yield ""
    for mdc in scheme.mdcs:
        groups = {group.drg for rule in mdc.rules for group in rule.groups}
        yield words["mdc"].format(code=mdc.code, name=mdc.named(language), rules=len(mdc.rules), groups=len(groups))
    if scheme.oddities:
        yield ""
        yield words["oddities"]
        yield from (f"- {oddity.kind}: {oddity.detail}" for oddity in scheme.oddities)


def _kind(rule: Rule, words: Mapping[str, str]) -> str:
    return words["ambiguous_kind" if rule.kind == "ambiguous" else rule.kind]


def _mdc_lines(scheme: Scheme, mdc: Mdc, codes: bool, language: str) -> Iterator[str]:
    words = _words(language)
    yield f"MDC {mdc.code} {mdc.named(language)}".rstrip()
    yield words["gate"] + relative(unparse(mdc.gate), f"MDC{mdc.code}")
    for rule in mdc.rules:
        yield f"  {rule.id:8}[{_kind(rule, words)}] {relative(unparse(rule.when), rule.id)}  {rule.name}".rstrip()
    yield from _asked_lists(scheme, [mdc.gate], codes, words)


def _rule_lines(scheme: Scheme, mdc: Mdc, rule: Rule, codes: bool, language: str) -> Iterator[str]:
    words = _words(language)
    title = f"{rule.id} {rule.name}".rstrip()
    yield f"{title} [{_kind(rule, words)}], MDC {mdc.code} {mdc.named(language)}".rstrip()
    yield words["when"] + relative(unparse(rule.when), rule.id)
    for group in rule.groups:
        yield f"  {f'{group.drg} {group.name}'.rstrip()}  {words['when']}{relative(unparse(group.when), rule.id)}"
    yield words["otherwise"].format(what=words.get(rule.otherwise, rule.otherwise))
    yield from _asked_lists(scheme, [rule.when, *(group.when for group in rule.groups)], codes, words)


def _asked_lists(scheme: Scheme, conditions: list[Condition], codes: bool, words: Mapping[str, str]) -> Iterator[str]:
    asked = [a.list for c in conditions for a in atoms(c) if isinstance(a, InList | Count) and a.list not in SHARED]
    for name in dict.fromkeys(asked):
        yield from _list_lines(scheme, name, codes, words)
    if asked and not codes:
        yield words["legend"]


def _list_lines(scheme: Scheme, name: str, codes: bool, words: Mapping[str, str]) -> Iterator[str]:
    diagnoses = name in scheme.diagnosis_patterns
    patterns = (scheme.diagnosis_patterns if diagnoses else scheme.procedure_patterns)[name]
    edition = scheme.diagnoses if diagnoses else scheme.procedures
    code_list = scheme.lists[name]
    held = [code for code in edition.codes if code in code_list]
    yield f"[{name}] {words['codes'].format(n=f'{len(held):,}')}"
    if not codes:
        yield f"  {' '.join(patterns)}"
        return
    for code in held:
        yield f"  {code}  {scheme.code_names.get(code, '')}".rstrip()
