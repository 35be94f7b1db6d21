"""The packaged schemes state exactly the facts of the published tables.

With the reference data (fixture `shared`) every list is expanded over its code edition and held against the
interchange tables, which are read here with nothing but `csv` and `json`. Without it, counts that the authorities
published and sizes that were proved once are held against the package.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drgengine.cases.editions import load_edition
from drgengine.grouper.codelists import CodeList
from drgengine.grouper.conditions import InList, atoms
from drgengine.grouper.expression import unparse
from drgengine.grouper.jsoncondition import read_condition
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import SCHEME_FOLDER, absolute, load_scheme, packaged_schemes

TABLES = {
    "chs-drg-2.0": "chs_drg_20",
    "chs-drg-1.1": "chs_drg_11",
    "chs-drg-1.0": "chs_drg_10",
    "beijing-2022": "beijing_2022",
}
MOST_BYTES = 1_500_000
WELL_FORMED = re.compile(r"[0-9A-Z][0-9A-Za-z.+*/]*")
PLAIN_TABLES = {
    "dx_not_principal": "not_principal",
    "operations": "operations",
    "not_operation": "not_operations",
}
SEVERITY = ("mcc.", "cc.", "excluded.")
COUNT_NAMES = (
    "mdcs", "rules", "adrgs", "ambiguous", "drgs", "mdc_dx", "mcc", "cc", "excluded", "exclusion_lists",
    "operations", "not_operations", "not_principal",
)  # fmt: skip
# exclusion_lists: numbers in use; list 999 (1.1, Beijing) and two of 2.0 have no principal diagnosis.
COUNTS = {
    name: dict(zip(COUNT_NAMES, counts, strict=True))
    for name, counts in {
        "chs-drg-2.0": (26, 439, 409, 20, 634, 29596, 4477, 8009, 27160, 211, 12502, 1822, 1849),
        "chs-drg-1.1": (26, 402, 376, 26, 628, 29541, 4678, 16568, 28302, 224, 10251, 0, 0),
        "chs-drg-1.0": (26, 403, 376, 26, 618, 29458, 2379, 7918, 27017, 198, 10254, 0, 0),
        "beijing-2022": (26, 407, 376, 26, 696, 29602, 4676, 16568, 28295, 224, 10112, 0, 0),
    }.items()
}
EDITIONS = [("icd10-yb-2.0", 33630, "f17e84b6b7352bec"), ("icd9cm3-yb-2.0", 14393, "a4c5b3349ae3d934")]
PROVED = {
    "chs-drg-2.0": "cba7c155037f3812",
    "chs-drg-1.1": "ae87ebc319fd7efe",
    "chs-drg-1.0": "8e3ee02b16f4a83f",
    "beijing-2022": "7b7405b783f48f8f",
}

Row = dict[str, str]


# --- the facts, read from the tables -----------------------------------------------------------------------------


@cache
def rows(path: Path) -> tuple[Row, ...]:
    if not path.exists():
        return ()
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))


def coded(path: Path, column: str = "code") -> Iterator[tuple[Row, str]]:
    """Rows whose code is well formed; a code such as `^Z56.400` can match nothing."""
    return ((row, row[column]) for row in rows(path) if WELL_FORMED.fullmatch(row[column]))


def ordered(path: Path) -> list[Row]:
    return sorted(rows(path), key=lambda row: int(row["order"]))


def mdc_lists(folder: Path) -> dict[str, set[str]]:
    """Principal diagnoses per MDC; body regions, where the last region of a code counts."""
    lists: dict[str, set[str]] = {}
    region: dict[str, str] = {}
    for row, code in coded(folder / "mdc_dx.csv"):
        lists.setdefault(f"MDC{row['mdc']}.dx", set()).add(code)
        if row["site"]:
            region[code] = row["site"]
    for code, site in region.items():
        lists.setdefault(f"site.{site}", set()).add(code)
    return lists


def rule_lists(folder: Path) -> dict[str, set[str]]:
    """Codes per rule and role, and per procedure group, where the first group of a code counts."""
    lists: dict[str, set[str]] = {}
    group_of: dict[tuple[str, str], str] = {}
    for row, code in coded(folder / "adrg_codes.csv"):
        name = f"{row['rule']}.{row['role']}"
        lists.setdefault(name, set()).add(code)
        if row["group"] and group_of.setdefault((name, code), row["group"]) == row["group"]:
            lists.setdefault(f"{name}/{row['group']}", set()).add(code)
    return lists


def severity_lists(folder: Path) -> dict[str, set[str]]:
    """MCC, CC and the principal diagnoses that cancel them, per number of the exclusion list."""
    lists: dict[str, set[str]] = {}
    for table, column, family in (
        ("mcc", "code", "mcc"),
        ("cc", "code", "cc"),
        ("exclusion", "principal_dx", "excluded"),
    ):
        number = {code: row["exclusion_list"] or "none" for row, code in coded(folder / f"{table}.csv", column)}
        for code, of in number.items():
            lists.setdefault(f"{family}.{of}", set()).add(code)
    return lists


def lists_in(tree: dict[str, Any], owner: str) -> Iterator[str]:
    """Names of the lists that a condition asks for."""
    for part in [*tree.get("all", ()), *tree.get("any", ()), *([tree["not"]] if "not" in tree else ())]:
        yield from lists_in(part, owner)
    if tree.get("atom") == "proc_group_hit":
        yield f"{owner}.proc/{tree['group']}"
    elif "list" in tree:
        yield f"{owner}.{tree['list']}"


def owned_conditions(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(what, owner of the lists, condition) of every MDC, rule and group."""
    for row in rows(folder / "mdc.csv"):
        yield f"gate of MDC {row['mdc']}", f"MDC{row['mdc']}", json.loads(row["condition"])
    for row in rows(folder / "adrg.csv"):
        yield f"rule {row['rule']}", row["rule"], json.loads(row["condition"])
    for row in rows(folder / "drg.csv"):
        yield f"group {row['rule']} {row['drg']}", row["rule"], json.loads(row["condition"])


def facts(folder: Path) -> dict[str, set[str]]:
    """Every list a packaged scheme has to hold: lists that conditions ask for, and those of the whole scheme."""
    asked = {name for _, owner, tree in owned_conditions(folder) for name in lists_in(tree, owner)}
    owned = mdc_lists(folder) | rule_lists(folder)
    whole = {name: {code for _, code in coded(folder / f"{table}.csv")} for table, name in PLAIN_TABLES.items()}
    sites = {name: codes for name, codes in owned.items() if name.startswith("site.")}
    return {name: owned.get(name, set()) for name in asked} | whole | sites | severity_lists(folder)


# --- the package, expanded ---------------------------------------------------------------------------------------


def expansion(code_list: CodeList, edition: tuple[str, ...]) -> set[str]:
    """All codes of the edition in the list, asking only about codes that start like one of its patterns."""
    held = set()
    for pattern in code_list.patterns:
        start = pattern.lstrip("-=")
        at = bisect_left(edition, start)
        while at < len(edition) and edition[at].startswith(start):
            if edition[at] in code_list:
                held.add(edition[at])
            at += 1
    return held


@cache
def expanded(name: str) -> dict[str, set[str]]:
    """List name -> its codes, for every list of a packaged scheme."""
    scheme = load_scheme(name)
    diagnoses, procedures = scheme.diagnoses.codes, scheme.procedures.codes
    return {
        listed: expansion(code_list, diagnoses if listed in scheme.diagnosis_patterns else procedures)
        for listed, code_list in scheme.lists.items()
    }


@pytest.fixture(params=TABLES)
def pair(request: pytest.FixtureRequest, shared: Path) -> tuple[Scheme, Path]:
    """A packaged scheme and the folder of tables it was made from."""
    return load_scheme(request.param), shared / "reference" / "schemes" / TABLES[request.param]


def test_every_list_expands_exactly_to_the_facts(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    wanted, held = facts(folder), expanded(scheme.id)
    assert sorted(held) == sorted(wanted)
    differences = {
        name: {"missing": sorted(wanted[name] - held[name])[:5], "too many": sorted(held[name] - wanted[name])[:5]}
        for name in wanted
        if held[name] != wanted[name]
    }
    assert not differences


def test_asking_every_code_gives_what_the_expansion_gives(pair: tuple[Scheme, Path]) -> None:
    """The short way of `expansion` overlooks nothing: three large lists, every code of the edition."""
    scheme, _ = pair
    for name in ("MDCB.dx", "MDCX.dx"):
        every = {code for code in scheme.diagnoses.codes if code in scheme.lists[name]}
        assert every == expansion(scheme.lists[name], scheme.diagnoses.codes)
    every = {code for code in scheme.procedures.codes if code in scheme.lists["operations"]}
    assert every == expansion(scheme.lists["operations"], scheme.procedures.codes)


def test_severity_by_code_agrees_with_the_tables(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    for table, column, family in (
        ("mcc", "code", scheme.mcc),
        ("cc", "code", scheme.cc),
        ("exclusion", "principal_dx", scheme.excluded),
    ):
        number = {code: row["exclusion_list"] or "none" for row, code in coded(folder / f"{table}.csv", column)}
        wrong = [
            code
            for code in scheme.diagnoses.codes
            if family.holding(code) != ([number[code]] if code in number else [])
        ]
        assert not wrong, f"{table}: {wrong[:5]}"


def test_trauma_regions_agree_with_the_tables(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    region = {code: row["site"] for row, code in coded(folder / "mdc_dx.csv") if row["site"]}
    assert region
    assert {code: scheme.sites.holding(code) for code in region} == {code: [site] for code, site in region.items()}


def test_mdcs_rules_and_groups_stand_in_the_published_order(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    assert [mdc.code for mdc in scheme.mdcs] == [row["mdc"] for row in ordered(folder / "mdc.csv")]
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in ordered(folder / "drg.csv"):
        groups.setdefault(row["rule"], []).append((row["drg"], row["name"]))
    for mdc in scheme.mdcs:
        wanted = [row for row in ordered(folder / "adrg.csv") if row["mdc"] == mdc.code]
        assert [(rule.id, rule.adrg, rule.kind) for rule in mdc.rules] == [
            (row["rule"], row["adrg"], row["kind"]) for row in wanted
        ]
        for rule, row in zip(mdc.rules, wanted, strict=True):
            assert rule.name == row.get("name", "")
            assert [(group.drg, group.name) for group in rule.groups] == groups.pop(rule.id, []), rule.id
            stated, _, other = row["on_no_drg"].partition(":")
            expected = {"fallthrough": "next", "return": "ambiguous", "return_adrg": other or rule.adrg}[stated]
            assert rule.otherwise == expected, rule.id
    assert not groups, "groups of the tables that the package lacks"


def test_conditions_survive_being_written_as_rule_text(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    packaged = {f"gate of MDC {mdc.code}": mdc.gate for mdc in scheme.mdcs}
    for _, rule in scheme.rules:
        packaged[f"rule {rule.id}"] = rule.when
        packaged |= {f"group {rule.id} {group.drg}": group.when for group in rule.groups}
    stated = {what: unparse(absolute(read_condition(tree), owner)) for what, owner, tree in owned_conditions(folder)}
    assert {what: unparse(condition) for what, condition in packaged.items()} == stated


def test_options_agree_with_the_tables(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    assert scheme.retry_each_other_procedure == meta["retry_each_other_procedure"]
    assert scheme.ungroupable == meta["fail_drg"]


def test_malformed_codes_are_listed_as_an_oddity(pair: tuple[Scheme, Path]) -> None:
    scheme, folder = pair
    malformed = {
        row[column]
        for path in sorted(folder.glob("*.csv"))
        for row in rows(path)
        for column in ("code", "principal_dx")
        if column in row and not path.stem.startswith(("anomalies", "adrg_verification"))
        if not WELL_FORMED.fullmatch(row[column])
    }
    details = " ".join(oddity.detail for oddity in scheme.oddities if oddity.kind == "malformed_codes")
    assert bool(malformed) == bool(details)
    without_stray = {re.sub(r"^[^0-9A-Z]+", "", code) for code in malformed}
    assert {code for code in without_stray if code not in details} == set()


def test_editions_are_the_union_of_named_and_listed_codes(shared: Path) -> None:
    reference = shared / "reference"
    diagnoses = {code for _, code in coded(reference / "codes" / "dx_names.csv")}
    procedures = {code for _, code in coded(reference / "codes" / "proc_names.csv")}
    for folder in (reference / "schemes").iterdir():
        for table, column in (("mdc_dx", "code"), ("mcc", "code"), ("cc", "code"), ("exclusion", "principal_dx")):
            diagnoses |= {code for _, code in coded(folder / f"{table}.csv", column)}
        diagnoses |= {code for _, code in coded(folder / "dx_not_principal.csv")}
        for table in ("operations", "not_operation"):
            procedures |= {code for _, code in coded(folder / f"{table}.csv")}
        for row, code in coded(folder / "adrg_codes.csv"):
            (procedures if "proc" in row["role"] else diagnoses).add(code)
    assert load_edition("icd10-yb-2.0").codes == tuple(sorted(diagnoses))
    assert load_edition("icd9cm3-yb-2.0").codes == tuple(sorted(procedures))


# --- what can be said without the tables -------------------------------------------------------------------------


def test_the_packaged_schemes_are_these() -> None:
    assert packaged_schemes() == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_scheme_takes_no_more_than_its_share(name: str) -> None:
    files = [path for path in (SCHEME_FOLDER / name).rglob("*") if path.is_file()]
    editions = list((SCHEME_FOLDER / "editions").iterdir())
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert sum(path.stat().st_size for path in editions) <= MOST_BYTES


@pytest.mark.parametrize("name", TABLES)
def test_no_scheme_needs_codes_of_its_own(name: str) -> None:
    assert not list((SCHEME_FOLDER / name).glob("extra_*"))


@pytest.mark.parametrize("name", TABLES)
def test_every_list_is_asked_for_or_belongs_to_the_whole_scheme(name: str) -> None:
    scheme = load_scheme(name)
    conditions = [mdc.gate for mdc in scheme.mdcs]
    for _, rule in scheme.rules:
        conditions += [rule.when, *(group.when for group in rule.groups)]
    asked = {atom.list for condition in conditions for atom in atoms(condition) if isinstance(atom, InList)}
    whole = {listed for listed in scheme.lists if listed.startswith((*SEVERITY, "site."))}
    assert set(scheme.lists) == asked | whole | set(PLAIN_TABLES.values())


@pytest.mark.parametrize("name", TABLES)
def test_counts_are_the_published_ones(name: str) -> None:
    """ADRGs, groups, MCC, CC of the schemes as their authorities count them; the rest as the tables count."""
    scheme, held = load_scheme(name), expanded(name)
    rules = [rule for _, rule in scheme.rules]

    def entries(prefix: str) -> int:
        return sum(len(codes) for listed, codes in held.items() if listed.startswith(prefix))

    assert {
        "mdcs": len(scheme.mdcs),
        "rules": len(rules),
        "adrgs": len({rule.adrg for rule in rules if rule.kind != "ambiguous"}),
        "ambiguous": sum(rule.kind == "ambiguous" for rule in rules),
        "drgs": len({group.drg for rule in rules for group in rule.groups}),
        "mdc_dx": entries("MDC"),
        "mcc": entries("mcc."),
        "cc": entries("cc."),
        "excluded": entries("excluded."),
        "exclusion_lists": len({listed.partition(".")[2] for listed in held if listed.startswith(SEVERITY)}),
        "operations": len(held["operations"]),
        "not_operations": len(held["not_operations"]),
        "not_principal": len(held["not_principal"]),
    } == COUNTS[name]


@pytest.mark.parametrize("name", TABLES)
def test_mdcs_are_tried_in_this_order(name: str) -> None:
    late_obstetrics = "APYZMNBCDEFGHIJKLOQRSTUVWX"
    order = {"chs-drg-2.0": "APYZMNOBCDEFGHIJKLQRSTUVWX"}.get(name, late_obstetrics)
    assert "".join(mdc.code for mdc in load_scheme(name).mdcs) == order


@pytest.mark.parametrize(("name", "size", "digest"), EDITIONS)
def test_editions_are_the_pinned_ones(name: str, size: int, digest: str) -> None:
    edition = load_edition(name)
    assert (len(edition.codes), edition.digest) == (size, digest)
    assert all(WELL_FORMED.fullmatch(code) for code in edition.codes)


@pytest.mark.parametrize("name", TABLES)
def test_every_list_expands_to_what_was_proved(name: str) -> None:
    """Pinned when the lists were last equal to the tables; after a change of data, prove them again with `shared`."""
    lines = [f"{listed} {' '.join(sorted(codes))}\n" for listed, codes in sorted(expanded(name).items())]
    assert hashlib.sha256("".join(lines).encode()).hexdigest()[:16] == PROVED[name]


def test_a_few_lists_hold_what_a_coder_expects() -> None:
    lists = load_scheme("chs-drg-2.0").lists
    assert "I21.900" in lists["MDCF.dx"]  # acute myocardial infarction: circulation
    assert "I21.900" not in lists["MDCB.dx"]
    assert "37.5100" in lists["AA2.proc"]  # heart transplantation
    assert "37.5100" in lists["operations"]
    assert "I21.9" not in lists["MDCF.dx"]  # not a code of the edition
