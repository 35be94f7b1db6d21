"""What is told of two schemes by content: groups, splits, codes that moved, whatever lists are called; the workbook."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from drawn import schemes
from hypothesis import HealthCheck, given, settings
from smallschemes import rule, small, told, with_lists_renamed

from drgengine.errors import OutputFileError
from drgengine.grouper.codemoves import CodeMove, Continued
from drgengine.grouper.diff import Change, SchemeDiff, diff_schemes
from drgengine.grouper.diffxlsx import diff_sheets, write_diff_xlsx
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.splits import Size, Split


@pytest.fixture(scope="module")
def published() -> SchemeDiff:
    return diff_schemes("chs-drg-1.1", "chs-drg-2.0")


# --- groups, splits and codes, whatever the lists are called ------------------------------------------------------


def test_a_published_scheme_with_other_names_of_lists_does_not_differ_for_grouping() -> None:
    scheme = load_scheme("chs-drg-2.0")
    diff = diff_schemes(scheme, with_lists_renamed(scheme))
    assert list(told(diff)) == []
    assert (diff.matters, diff.is_empty, diff.list_names_differ) == (False, False, True)
    assert (diff.moves, diff.splits, diff.continued, diff.renamed) == ((), (), (), ())
    assert ("FM3.proc", "DI_OP_FM3_proc") in {(one.old, one.new) for one in diff.renamed_lists}
    assert diff.lines()[1] == "  no difference that matters for grouping"
    assert len(diff.lines()) == 3


def test_the_names_of_lists_change_nothing_about_two_published_schemes(published: SchemeDiff) -> None:
    diff = diff_schemes("chs-drg-1.1", with_lists_renamed(load_scheme("chs-drg-2.0")))
    assert [(c.kind, c.key) for c in diff.rules] == [(c.kind, c.key) for c in published.rules]
    assert [(c.kind, c.key) for c in diff.groups] == [(c.kind, c.key) for c in published.groups]
    assert [(s.adrg, s.old) for s in diff.splits] == [(s.adrg, s.old) for s in published.splits]
    assert (diff.moves, diff.levels, diff.cancels) == (published.moves, published.levels, published.cancels)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(schemes())
def test_no_scheme_differs_for_grouping_when_lists_have_other_names(scheme: Scheme) -> None:
    diff = diff_schemes(scheme, with_lists_renamed(scheme))
    assert told(diff) == {}
    assert not diff.matters


def test_a_code_that_changes_list_is_told_whatever_the_lists_are_called() -> None:
    old = small(rule("AR1"), rule("AS1", "pdx in b", adrg="AS1"), a="A00", b="A01 B00.0")
    new = with_lists_renamed(small(rule("AR1"), rule("AS1", "pdx in b", adrg="AS1"), a="A00 =A01.0", b="A01.0x1 A02.0"))
    diff = diff_schemes(old, new)
    assert (diff.rules, diff.groups, diff.splits) == ((), (), ())
    assert diff.moves == (
        CodeMove("ADRG", "diagnosis", "moved", ("AS1",), ("AR1",), ("A01.0",)),
        CodeMove("ADRG", "diagnosis", "new", (), ("AS1",), ("A02.0",)),
        CodeMove("ADRG", "diagnosis", "gone", ("AS1",), (), ("B00.0",)),
        CodeMove("MDC", "diagnosis", "new", (), ("A",), ("A02.0",)),
        CodeMove("MDC", "diagnosis", "gone", ("A",), (), ("B00.0",)),
    )
    assert {(change.old_key, change.key, change.added) for change in diff.lists} == {
        ("a", "DI_OP_a", ("A01.0",)),
        ("b", "DI_OP_b", ("A02.0",)),
    }
    lines = diff.lines()
    assert "  AS1 -> AR1: 1 diagnosis (A01.0)" in lines
    assert any("share hardly any names of lists" in line for line in lines)
    assert not any("list [" in line for line in lines)


def test_codes_asked_for_with_not_or_counted_or_barred() -> None:
    old = small(rule("AR1", "any_dx in a and not any_proc in p"), gate="always")
    new = small(rule("AR1", "any_dx in a and (count any_proc in p >= 2 or not count any_dx in b >= 1)"), gate="always")
    diff = diff_schemes(old, new)
    assert [(move.what, move.kind, move.new) for move in diff.moves] == [("new", "procedure", ("AR1",))]
    text = "\n".join(diff.lines())
    assert "any procedure not in p" in text
    assert "any procedure: at least 2 different codes of p" in text


def test_injuries_of_regions_are_codes_of_the_gate() -> None:
    old, new = (small(gate="trauma_sites >= 2", site__head=head) for head in ("A00", "A00 B00.0"))
    assert diff_schemes(old, new).moves == (CodeMove("MDC", "diagnosis", "new", (), ("A",), ("B00.0",)),)


def test_an_adrg_under_another_code() -> None:
    old = small(rule("AR1"), rule("AS1", "pdx in b", adrg="AS1", title="shock"), a="A00 =A01.0")
    new = small(rule("AR5", adrg="AR5", title="stroke 2"), rule("AS1", "pdx in b", adrg="AS1", title="Shock"), a="A00")
    diff = diff_schemes(old, new)
    assert diff.continued == (Continued("AR1", "AR5", "stroke", "stroke 2", 0.8),)
    assert diff.renamed == (Change("ADRG", "AS1", "AS1", "shock", "Shock"),)
    moves = [move for move in diff.moves if move.level == "ADRG"]
    assert moves == [CodeMove("ADRG", "diagnosis", "left", ("AR5",), (), ("A01.0",))]
    assert "  AR1 stroke continues as AR5 stroke 2 (80% of the codes in common)" in diff.lines()
    fewer = diff_schemes(old, small(rule("AR5", adrg="AR5"), rule("AS1", "pdx in b", adrg="AS1"), a="A00.0"))
    assert fewer.continued == ()


def test_a_split_in_plain_words() -> None:
    many = (
        ("AR11", "", "mcc"),
        ("AR13", "", "cc and age_years >= 70"),
        ("AR1C", "", "age_years <= 6 and not pdx in b"),
        ("AR15", "", "always"),
    )
    diff = diff_schemes(small(rule("AR1")), small(rule("AR1", groups=many)))
    assert diff.splits == (
        Split(
            "AR1",
            "stroke",
            ("AR11 MCC", "AR15 rest"),
            (
                "AR11 MCC",
                "AR13 CC and age >= 70",
                "AR1C age <= 6 and principal diagnosis not in b (2 codes)",
                "AR15 rest",
            ),
        ),
    )
    at = diff.lines().index("ADRGs that are split differently (1)")
    assert diff.lines()[at + 1 : at + 3] == ["  AR1 stroke", "    AR11 MCC, AR15 rest"]


def test_what_a_group_before_takes_is_no_difference() -> None:
    old, new = (
        small(rule("AR1", groups=(("AR11", "", "mcc"), ("AR13", "", text), ("AR15", "", "always"))))
        for text in ("mcc or cc", "cc")
    )
    assert diff_schemes(old, new).is_empty
    assert diff_schemes(old, small(rule("AR1", groups=(("AR13", "", "cc"), ("AR15", "", "always"))))).splits


def test_one_rule_become_two_with_the_same_groups_is_no_other_split() -> None:
    diff = diff_schemes(small(rule("AR1", "pdx in a or pdx in b")), small(rule("AR1_1"), rule("AR1_2", "pdx in b")))
    assert (diff.splits, diff.moves) == ((), ())
    assert diff.matters


def test_options_in_plain_words() -> None:
    new = replace(
        small(rule("AR1", kind="fallback")),
        checks=("sex_invalid", "principal_diagnosis_missing"),
        refused_principals=("unknown",),
        day_age_of_infants_only=True,
    )
    diff = diff_schemes(small(rule("AR1")), new)
    assert {change.key for change in diff.identity} == {"checks", "refused_principals", "day_age_of_infants_only"}
    text = "\n".join(diff.lines())
    assert "a record is no longer invalid when age is missing" in text
    assert "a record is now ungroupable whatever the rules say when" in text
    assert "age in days counts for infants only: no -> yes" in text
    assert "kind: medical -> fall-back (what ends there is not grouped)" in text
    assert Size("fall-back groups", 0, 1) in diff.sizes
    assert diff_schemes(small(), replace(small(), day_age_of_infants_only=True)).matters


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(schemes(), schemes())
def test_the_way_back_swaps_codes_and_groups(one: Scheme, other: Scheme) -> None:
    there, back = diff_schemes(one, other), diff_schemes(other, one)
    swap = {"moved": "moved", "new": "gone", "gone": "new", "also": "left", "left": "also"}
    if not there.continued:
        assert {(m.level, m.kind, m.what, m.old, m.new, m.codes) for m in there.moves} == {
            (m.level, m.kind, swap[m.what], m.new, m.old, m.codes) for m in back.moves
        }
    assert {(c.key, c.added, c.removed) for c in there.answers} == {(c.key, c.removed, c.added) for c in back.answers}
    assert {(s.adrg, s.old, s.new) for s in there.splits} == {(s.adrg, s.new, s.old) for s in back.splits}
    assert [(s.old, s.new) for s in there.sizes] == [(s.new, s.old) for s in back.sizes]
    assert there.matters == back.matters


def test_names_of_codes_are_shown_where_a_scheme_knows_them() -> None:
    new = replace(small(a="A00 B00.0"), code_names={"B00.0": "herpes", "A00": "cholera"})
    diff = diff_schemes(small(), new)
    assert diff.names == {"B00.0": "herpes"}
    assert "  new in AR1: 1 diagnosis (B00.0 herpes)" in diff.lines()


def test_names_that_differ_in_blanks_only_are_the_same_name() -> None:
    old, new = (small(rule("AR1", title=title)) for title in ("stroke（<7）", "stroke (<7)"))
    diff = diff_schemes(old, new)
    assert diff.renamed == ()
    assert not diff.matters


# --- as a workbook -----------------------------------------------------------------------------------------------


def test_the_workbook_holds_everything(tmp_path: Path, published: SchemeDiff) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = write_diff_xlsx(published, tmp_path / "changes.xlsx")
    book = openpyxl.load_workbook(path, read_only=True)
    names = ["overview", "groups", "splits", "moved codes", "severity", "exclusions", "rules"]
    assert book.sheetnames == names
    rows = {name: sum(1 for _ in book[name].iter_rows()) - 1 for name in names}
    assert rows["severity"] == sum(len(level.codes) for level in published.levels)
    assert rows["moved codes"] == sum(len(move.codes) for move in published.moves)
    assert rows["splits"] == len(published.splits)
    first_bytes = path.read_bytes()
    assert write_diff_xlsx(published, path).read_bytes() == first_bytes
    assert [entry.name for entry in tmp_path.iterdir()] == ["changes.xlsx"]


def test_cells_are_no_formulas(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    diff = diff_schemes(small(rule("AR1", title="=1+1")), small(rule("AR1", title="@SUM(A1)")))
    assert any("=1+1" in row for _, _, rows in diff_sheets(diff) for row in rows)
    book = openpyxl.load_workbook(write_diff_xlsx(diff, tmp_path / "x.xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    assert "'=1+1" in {cell.value for cell in cells}


@pytest.mark.parametrize("name", ["changes.csv", "gone/changes.xlsx"])
def test_a_place_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputFileError):
        write_diff_xlsx(diff_schemes(small(), small(gate="always")), tmp_path / name)


def test_the_command(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from drgengine.commands.scheme import diff

    done = CliRunner().invoke(diff, ["chs-drg-1.1", "chs-drg-2.0", "--xlsx", str(tmp_path / "c.xlsx"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rules"]["splits"]
    assert (tmp_path / "c.xlsx").exists()
