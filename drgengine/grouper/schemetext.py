"""A scheme, or a part of it, as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from drgengine.errors import SchemeError
from drgengine.grouper.conditions import InList, atoms
from drgengine.grouper.expression import unparse
from drgengine.grouper.scheme import Mdc, Rule, Scheme
from drgengine.grouper.schemefile import relative


def scheme_lines(
    scheme: Scheme, what: str | None = None, *, codes: bool = False, language: str = "en"
) -> Iterator[str]:
    """Lines about a scheme, one of its MDCs, ADRGs, DRGs, rules or lists.

    what : MDC (`F` or `MDCF`), ADRG, rule, DRG or list name; None for the scheme as a whole
    codes : write out codes instead of patterns
    raises SchemeError offering the nearest names
    """
    if what is None:
        yield from _overview(scheme, language)
        return
    for mdc in scheme.mdcs:
        if what in (mdc.code, f"MDC{mdc.code}"):
            yield from _mdc_lines(scheme, mdc, codes, language)
            return
    found = [(m, r) for m, r in scheme.rules if what in (r.id, r.adrg) or what in [g.drg for g in r.groups]]
    for mdc, rule in found:
        yield from _rule_lines(scheme, mdc, rule, codes, language)
    if found:
        return
    patterns = {**scheme.diagnosis_patterns, **scheme.procedure_patterns}
    if what in patterns:
        yield from _list_lines(scheme, what, codes)
        return
    names = [*(r.id for _, r in scheme.rules), *(g.drg for _, r in scheme.rules for g in r.groups), *patterns]
    near = get_close_matches(what, names, n=5)
    raise SchemeError(
        f"scheme {scheme.id}",
        f"{what!r} is no MDC, ADRG, DRG or list of it",
        f"Nearest names: {', '.join(near) or 'none'}",
    )


def _overview(scheme: Scheme, language: str) -> Iterator[str]:
    identity = scheme.identity
    yield f"{scheme.id}: {identity.title[language]}"
    yield f"issued by {identity.authority[language]}, version {identity.version}, published {identity.published or '?'}"
    yield f"in force from {identity.effective_from or '?'} to {identity.effective_to or 'now'}"
    yield f"code editions: {scheme.diagnoses.name} ({len(scheme.diagnoses.codes):,} codes), " \
        f"{scheme.procedures.name} ({len(scheme.procedures.codes):,} codes)"  # fmt: skip
    if identity.note:
        yield identity.note
    yield ""
    for mdc in scheme.mdcs:
        groups = {group.drg for rule in mdc.rules for group in rule.groups}
        yield f"MDC {mdc.code} {mdc.named(language)}: {len(mdc.rules)} rules, {len(groups)} groups"
    if scheme.oddities:
        yield ""
        yield "Known oddities, kept as they are:"
        yield from (f"- {oddity.kind}: {oddity.detail}" for oddity in scheme.oddities)


def _mdc_lines(scheme: Scheme, mdc: Mdc, codes: bool, language: str) -> Iterator[str]:
    yield f"MDC {mdc.code} {mdc.named(language)}"
    yield f"gate: {relative(unparse(mdc.gate), f'MDC{mdc.code}')}"
    for rule in mdc.rules:
        yield f"  {rule.id:8}{rule.kind:18}{relative(unparse(rule.when), rule.id)}  {rule.name}"
    for name in dict.fromkeys(a.list for a in atoms(mdc.gate) if isinstance(a, InList) and "." in a.list):
        yield from _list_lines(scheme, name, codes)


def _rule_lines(scheme: Scheme, mdc: Mdc, rule: Rule, codes: bool, language: str) -> Iterator[str]:
    yield f"{rule.id} {rule.name} [{rule.kind}], MDC {mdc.code} {mdc.named(language)}"
    yield f"when: {relative(unparse(rule.when), rule.id)}"
    for group in rule.groups:
        yield f"  {group.drg}  {group.name}  when: {relative(unparse(group.when), rule.id)}"
    yield f"otherwise: {rule.otherwise}"
    asked = [rule.when, *(group.when for group in rule.groups)]
    for name in dict.fromkeys(a.list for c in asked for a in atoms(c) if isinstance(a, InList) and "." in a.list):
        yield from _list_lines(scheme, name, codes)


def _list_lines(scheme: Scheme, name: str, codes: bool) -> Iterator[str]:
    diagnoses = name in scheme.diagnosis_patterns
    patterns = (scheme.diagnosis_patterns if diagnoses else scheme.procedure_patterns)[name]
    edition = scheme.diagnoses if diagnoses else scheme.procedures
    code_list = scheme.lists[name]
    held = [code for code in edition.codes if code in code_list]
    yield f"[{name}] {len(held):,} codes"
    if not codes:
        yield f"  {' '.join(patterns)}"
        return
    for code in held:
        yield f"  {code}  {scheme.code_names.get(code, '')}".rstrip()
