"""What is said to have changed between two schemes, and which cases move: one edit at a time, then 1.1 and 2.0."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from drawn import make_scheme, schemes
from hypothesis import HealthCheck, given, settings
from smallschemes import GROUPS, PLAIN, rule, small, told

import drgengine
from drgengine.cases.editions import load_edition
from drgengine.errors import CaseTableError, InputFileError, SchemeError
from drgengine.grouper.codechange import CancelChange, CodeChange, LevelChange
from drgengine.grouper.diff import Change, SchemeDiff, diff_schemes
from drgengine.grouper.expression import parse
from drgengine.grouper.movement import CaseMovement, diff_cases
from drgengine.grouper.scheme import Mdc, Rule, Scheme
from drgengine.grouper.schemefile import SCHEME_FOLDER

# --- one edit at a time ------------------------------------------------------------------------------------------


def swapped(at: int, other: Rule) -> tuple[Rule, ...]:
    """PLAIN with another rule in one place."""
    return (*PLAIN[:at], other, *PLAIN[at + 1 :])


ALWAYS = (("AR19", "all", "always"),)
EDITS = {
    "a gate": (small(gate="pdx in a"), {"mdcs": [Change("gate", "A", "", "pdx in a or pdx in b", "pdx in a")]}),
    "a rule that is new": (
        small(*PLAIN, rule("AV1", groups=())),
        {"rules": [Change("added", "AV1", "AR1", new="stroke")]},
    ),
    "a rule that is gone": (
        small(*PLAIN[:-1]),
        {
            "rules": [Change("removed", "AU1", "AR1", old="stroke")],
            "groups": [
                Change("removed", "AU1 AR11", "AR1", old="with MCC"),
                Change("removed", "AU1 AR15", "AR1", old="without"),
            ],
        },
    ),
    "a rule that stands elsewhere": (
        small(PLAIN[3], *PLAIN[:3]),
        {"rules": [Change("moved", "AU1", "AR1", "after AT1", "first")]},
    ),
    "a condition": (
        small(*swapped(1, rule("AS1", "pdx in b and mcc"))),
        {"rules": [Change("condition", "AS1", "AR1", "pdx in b", "pdx in b and mcc")]},
    ),
    "a condition in other words": (
        small(*swapped(2, rule("AT1", "has_proc and (first_proc in p or never)"))),
        {},
    ),
    "a kind": (
        small(*swapped(0, rule("AR1", kind="surgical"))),
        {"rules": [Change("kind", "AR1", "AR1", "medical", "surgical")]},
    ),
    "what happens otherwise, where it cannot happen": (small(*swapped(0, rule("AR1", otherwise="AR1"))), {}),
    "what happens otherwise": (
        small(*swapped(0, rule("AR1", groups=GROUPS[:1], otherwise="AR1"))),
        {
            "rules": [Change("otherwise", "AR1", "AR1", "next", "AR1")],
            "groups": [Change("removed", "AR1 AR15", "AR1", old="without")],
        },
    ),
    "an ADRG": (small(*swapped(0, rule("AR1", adrg="AR9"))), {
        "answers": [CodeChange("ADRG", ("AR9",), ())],
        "rules": [Change("adrg", "AR1", "AR1", "AR1", "AR9")],
    }),
    "a group": (
        small(rule("AR1", groups=ALWAYS), rule("AS1", "pdx in b", groups=ALWAYS), *PLAIN[2:]),
        {
            "answers": [CodeChange("DRG", ("AR19",), ())],
            "groups": [
                change
                for name in ("AR1", "AS1")
                for change in (
                    Change("removed", f"{name} AR11", "AR1", old="with MCC"),
                    Change("removed", f"{name} AR15", "AR1", old="without"),
                    Change("added", f"{name} AR19", "AR1", new="all"),
                )
            ],
        },
    ),
    "the condition and name of a group, and the order": (
        small(*swapped(0, rule("AR1", groups=(GROUPS[1], ("AR11", "severe", "mcc or cc"))))),
        {
            "groups": [
                Change("moved", "AR1 AR15", "AR1", "after AR1 AR11", "first"),
                Change("condition", "AR1 AR11", "AR1", "mcc", "mcc or cc"),
                Change("name", "AR1 AR11", "AR1", "with MCC", "severe"),
            ]
        },
    ),
    "a list": (small(a="A00 -A00.1 A02"), {"lists": [CodeChange("a", ("A02.0",), ("A00.1",))]}),
    "a list in other words": (small(a="A00.0 =A00 A00.1"), {}),
    "a list that is new": (small(c="B"), {"lists": [CodeChange("c", ("B00.0",), (), "b")]}),
    "severity": (
        small(mcc__1="B00.0", cc__2=""),
        {"levels": [LevelChange("CC", "MCC", ("B00.0",)), LevelChange("MCC", "none", ("A02.0",))]},
    ),
    "exclusion lists under other numbers": (
        small(mcc__1="", cc__2="", mcc__8="A02.0", cc__9="B00.0", excluded__8="A01", excluded__9="A01"),
        {},
    ),
    "exclusions of two lists alike": (
        small(excluded__1="A01 -A01.0x1", excluded__2="A01.0 -A01.0x1"),
        {"cancels": [CancelChange(("A02.0", "B00.0"), (), ("A01.0x1",))]},
    ),
    "an exclusion": (small(excluded__2="A01 A00.00"), {"cancels": [CancelChange(("B00.0",), ("A00.00",), ())]}),
    "an edition": (
        small(diagnoses=("A00", "A00.0", "A00.00", "A00.1", "A01.0", "A01.0x1", "A02.0", "B00.0", "C00.0")),
        {"editions": [CodeChange("diagnoses", ("C00.0",), ())]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_told_and_nothing_else(what: str) -> None:
    edited, expected = EDITS[what]
    diff = diff_schemes(small(), edited)
    assert told(diff) == expected
    assert diff.is_empty == (not expected)
    assert json.loads(json.dumps(diff.to_dict()))["a"] == "drawn"
    assert bool(diff.lines()[1:]) == bool(expected)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(schemes())
def test_a_scheme_does_not_differ_from_itself(scheme: Scheme) -> None:
    assert diff_schemes(scheme, scheme).is_empty


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(schemes(), schemes())
def test_the_way_back_tells_the_same_changes(one: Scheme, other: Scheme) -> None:
    there, back = diff_schemes(one, other), diff_schemes(other, one)
    assert {(c.key, c.added, c.removed) for c in there.lists} == {(c.key, c.removed, c.added) for c in back.lists}
    assert {(c.old, c.new, c.codes) for c in there.levels} == {(c.new, c.old, c.codes) for c in back.levels}
    assert {(c.codes, c.added, c.removed) for c in there.cancels} == {
        (c.codes, c.removed, c.added) for c in back.cancels
    }
    assert Counter(c.kind for c in there.groups)["added"] == Counter(c.kind for c in back.groups)["removed"]


def test_mdcs_that_change_places() -> None:
    mdcs = [Mdc(code, "", parse("pdx in a"), ()) for code in "ABCD"]
    lists: dict[str, tuple[str, ...]] = {"a": ("A00",)}
    diff = diff_schemes(make_scheme(mdcs, lists, {}), make_scheme([mdcs[3], *mdcs[:2]], lists, {}))
    assert diff.mdcs == (Change("removed", "C"), Change("moved", "D", "", "after B", "first"))


# --- published schemes -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published() -> SchemeDiff:
    return diff_schemes("chs-drg-1.1", "chs-drg-2.0")


def test_from_1_1_to_2_0(published: SchemeDiff) -> None:
    assert Change("moved", "O", "", "after L", "after N") in published.mdcs
    assert [change.key for change in published.mdcs if change.kind == "gate"] == ["A", "P", "Y", "O"]
    levels = {(level.old, level.new): len(level.codes) for level in published.levels}
    # 1.1 has 4,678 MCC and 16,568 CC, 2.0 has 4,477 and 8,009.
    assert sum(n * ((new == "MCC") - (old == "MCC")) for (old, new), n in levels.items()) == 4477 - 4678
    assert sum(n * ((new == "CC") - (old == "CC")) for (old, new), n in levels.items()) == 8009 - 16568
    operations = next(change for change in published.lists if change.key == "operations")
    assert len(operations.added) - len(operations.removed) == 12502 - 10251
    drgs = next(change for change in published.answers if change.key == "DRG")
    assert len(drgs.added) - len(drgs.removed) == 634 - 628


def test_the_text_begins_with_the_summary_and_keeps_to_its_limit(published: SchemeDiff) -> None:
    lines = published.lines(limit=3)
    assert lines[0] == "chs-drg-1.1 -> chs-drg-2.0"
    assert "  version: 1.1 -> 2.0" in lines
    rules = lines[lines.index("Rules of ADRGs that both schemes have, those that changed most first (274)") :]
    assert sum(line.startswith("  ") and line[2] not in " ." for line in rules) == 3
    assert any(line.startswith("  ADRGs: 376 -> 409 (53 new, 20 gone, 7 of the new ones") for line in lines)
    assert any(line.startswith("  DRGs: 628 -> 634 (226 new, 220 gone, 316 renamed") for line in lines)
    assert {"  ambiguous groups: 26 -> 20 (6 gone)", "  split differently: 132 of the 356 ADRGs in both"} <= set(lines)
    assert lines[lines.index("") :].count("  ... and 43 more") == 1  # of 46 new ADRGs
    assert len(published.lines(limit=None)) > len(lines)
    assert published.lines() == diff_schemes("chs-drg-1.1", "chs-drg-2.0").lines()


def test_an_edited_folder(tmp_path: Path) -> None:
    shutil.copytree(SCHEME_FOLDER / "chs-drg-2.0", tmp_path / "ours")
    rules = tmp_path / "ours" / "rules.toml"
    text = rules.read_text(encoding="utf-8")
    assert "birth_weight_g < 1500" in text
    rules.write_text(text.replace("birth_weight_g < 1500", "birth_weight_g < 1400"), encoding="utf-8")
    diff = diff_schemes("chs-drg-2.0", tmp_path / "ours")
    assert [(change.kind, change.key) for change in diff.rules] == [("condition", "PS1")]
    assert list(told(diff)) == ["rules"]
    assert any(line.startswith("    rule PS1 asks: any diagnosis in @dx and") for line in diff.lines())


def test_a_scheme_that_does_not_load_is_an_error() -> None:
    with pytest.raises(SchemeError, match="no-such"):
        diff_schemes("chs-drg-2.0", "no-such")


# --- cases -------------------------------------------------------------------------------------------------------


def discharges(count: int, seed: int) -> pa.Table:
    """Discharges of random codes; some lack the sex, which makes them invalid."""
    draw = random.Random(seed)
    dx, proc = load_edition("icd10-yb-2.0").codes, load_edition("icd9cm3-yb-2.0").codes
    return pa.table(
        {
            "dx": [draw.choices(dx, k=draw.randint(1, 4)) for _ in range(count)],
            "proc": [draw.choices(proc, k=draw.choice((0, 0, 1, 2))) for _ in range(count)],
            "sex": [draw.choice((1, 1, 1, 2, 2, 2, None)) for _ in range(count)],
            "age_years": [draw.randint(1, 90) for _ in range(count)],
        }
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.parquet"
    pq.write_table(discharges(600, seed=20250101), path, row_group_size=250)
    return path


@pytest.fixture(scope="module")
def movement(cases: Path) -> CaseMovement:
    return diff_cases(cases, "chs-drg-1.1", "chs-drg-2.0")


def test_flows_are_what_grouping_twice_gives(cases: Path, movement: CaseMovement) -> None:
    table = pq.read_table(cases)
    old, new = (drgengine.group(table, scheme) for scheme in ("chs-drg-1.1", "chs-drg-2.0"))
    pairs = list(zip(old["drg"].to_pylist(), new["drg"].to_pylist(), strict=True))
    assert {(flow.old, flow.new): flow.n for flow in movement.flows} == Counter(pairs)
    for flow in movement.flows:
        assert list(flow.example_rows) == [n for n, pair in enumerate(pairs, 1) if pair == (flow.old, flow.new)][:3]
    assert [flow.n for flow in movement.flows] == sorted((flow.n for flow in movement.flows), reverse=True)
    statuses = Counter(zip(old["status"].to_pylist(), new["status"].to_pylist(), strict=True))
    assert movement.status == statuses
    assert len({pair for pair in statuses if pair[0] != pair[1]}) > 2
    for column, count in (("drg", movement.moved), ("adrg", movement.moved_adrg), ("mdc", movement.moved_mdc)):
        assert count == sum(a != b for a, b in zip(old[column].to_pylist(), new[column].to_pylist(), strict=True))


def test_nothing_is_lost(movement: CaseMovement) -> None:
    assert movement.rows == 600
    assert sum(flow.n for flow in movement.flows) == sum(movement.status.values()) == 600
    table = movement.to_table()
    assert pc.sum(table["n"]).as_py() == 600
    assert table.schema.names == ["from", "to", "n", "example_rows"]
    assert json.loads(json.dumps(movement.to_dict()))["moved"] == movement.moved


@pytest.mark.parametrize("batch_rows", [1, 7, 250])
def test_the_size_of_batches_does_not_matter(cases: Path, movement: CaseMovement, batch_rows: int) -> None:
    assert diff_cases(cases, "chs-drg-1.1", "chs-drg-2.0", batch_rows=batch_rows) == movement


def test_a_folder_is_counted_through_its_files(cases: Path, movement: CaseMovement, tmp_path: Path) -> None:
    table = pq.read_table(cases)
    for n, start in enumerate((0, 123, 400)):
        pq.write_table(table.slice(start, (123, 277, 200)[n]), tmp_path / f"part-{n}.parquet")
    assert diff_cases(tmp_path, "chs-drg-1.1", "chs-drg-2.0") == movement


def test_a_scheme_moves_no_case_to_itself(cases: Path) -> None:
    told_rows: list[tuple[int, int | None]] = []
    same = diff_cases(cases, "chs-drg-2.0", "chs-drg-2.0", progress=lambda *rows: told_rows.append(rows))
    assert (same.moved, same.moved_adrg, same.moved_mdc) == (0, 0, 0)
    assert same.lines() == [
        "chs-drg-2.0 -> chs-drg-2.0: 600 cases, 0 (0.0%) with another answer",
        "  another MDC 0, another ADRG 0",
    ]
    assert told_rows[-1] == (600, 600)


def test_the_text_shows_the_largest_flows(movement: CaseMovement) -> None:
    lines = movement.lines(limit=2)
    assert lines[0].startswith("chs-drg-1.1 -> chs-drg-2.0: 600 cases, ")
    largest = [flow for flow in movement.flows if flow.old != flow.new][:2]
    assert [line.split(":")[0] for line in lines[-3:-1]] == [f"{flow.old} -> {flow.new}" for flow in largest]
    assert lines[-1].startswith("... and ")


def test_columns_can_be_named(tmp_path: Path, cases: Path, movement: CaseMovement) -> None:
    table = pq.read_table(cases).rename_columns(["codes", "proc", "sex", "age_years"])
    pq.write_table(table, tmp_path / "other.parquet")
    named = diff_cases(tmp_path / "other.parquet", "chs-drg-1.1", "chs-drg-2.0", columns={"codes": "dx"})
    assert named == movement
    with pytest.raises(CaseTableError):
        diff_cases(tmp_path / "other.parquet", "chs-drg-1.1", "chs-drg-2.0")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"gone\.parquet"):
        diff_cases(tmp_path / "gone.parquet", "chs-drg-1.1", "chs-drg-2.0")


def test_an_empty_table(tmp_path: Path) -> None:
    pq.write_table(discharges(1, 1).slice(0, 0), tmp_path / "empty.parquet")
    movement = diff_cases(tmp_path / "empty.parquet", "chs-drg-1.1", "chs-drg-2.0")
    assert (movement.rows, movement.flows, movement.status) == (0, (), {})
    assert movement.lines()[0] == "chs-drg-1.1 -> chs-drg-2.0: 0 cases, 0 with another answer"


def test_golden_cases_of_2_0_under_both_schemes(shared: Path) -> None:
    path = shared / "golden" / "chs_drg_20_dev.parquet"
    movement = diff_cases(path, "chs-drg-1.1", "chs-drg-2.0")
    expected = Counter(pq.read_table(path, columns=["exp_drg"])["exp_drg"].to_pylist())
    under_new: Counter[str | None] = Counter()
    for flow in movement.flows:
        under_new[flow.new] += flow.n
    assert under_new[None] == movement.status["invalid", "invalid"]
    under_new["0000"] += under_new.pop(None)  # the golden set gives invalid records the code of no group
    assert under_new == expected
