"""The invented configuration workbook: the same for the same seed, of full size, and its defects change no group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from test_kernel_twin import as_table

import drgengine
from drgengine.errors import OutputFileError
from drgengine.grouper.reference import Case
from drgengine.synth import sample
from drgengine.synth.workbook import full_size_workbook, invent, workbook_of
from drgengine.synth.workbookcases import aimed_cases
from drgengine.synth.workbookcontent import SheetContent, WorkbookContent, write_workbook
from drgengine.synth.workbookdefects import SHEET_ORDER
from drgengine.synth.workbookgroups import ROBOT_ADRGS, TIERS, groups_of, tier_rule
from drgengine.synth.workbooklists import AMENDED
from drgengine.synth.workbookscheme import FALLBACK, Invented

AMBIGUOUS_MDCS = "BCDEFGHIJKLMNOPQRUVWZ"
SMALL: dict[str, Any] = {"adrg": 150, "drg": 260, "members": 5_000}
RESULTS = ["status", "mdc", "adrg", "drg", "severity", "reason"]
Run = Callable[..., tuple[Any, str, str]]


@pytest.fixture(scope="module")
def invented() -> Invented:
    return invent(Random(1))


@pytest.fixture(scope="module")
def clean() -> WorkbookContent:
    return full_size_workbook(None, seed=1, defects=False)


@pytest.fixture(scope="module")
def dirty() -> WorkbookContent:
    return full_size_workbook(None, seed=1)


def rules(content: WorkbookContent) -> dict[str, str]:
    return {str(row[0]): str(row[2] or "") for name in ("MDC", "ADRG", "DRG") for row in content.sheet(name).rows}


def imported(content: WorkbookContent, folder: Path, **options: Any) -> Path:
    pytest.importorskip("python_calamine")
    from drgengine.grouper.workbook.importer import import_workbook

    folder.mkdir(exist_ok=True)
    write_workbook(content, folder / "official.xlsx")
    import_workbook(folder / "official.xlsx", folder / "scheme", **options)
    return folder / "scheme"


@pytest.fixture(scope="module")
def folders(
    clean: WorkbookContent, dirty: WorkbookContent, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The scheme folders made of the clean and of the defective workbook of full size."""
    place = tmp_path_factory.mktemp("full")
    return {name: imported(book, place / name) for name, book in (("clean", clean), ("dirty", dirty))}


# --- the file -----------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes_other_seed_other_rules(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        full_size_workbook(tmp_path / f"{name}.xlsx", seed=seed, **SMALL)
    first, second, third = ((tmp_path / f"{name}.xlsx").read_bytes() for name in "abc")
    assert first == second
    assert first != third


def test_texts_and_numbers_arrive_as_written(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    rows: list[list[Any]] = [["=1+1", 18, "18.0"], ["a_x000D_b", None, "\u3000x\u200b"], [], ["+", 2.5]]
    write_workbook(
        WorkbookContent([SheetContent("集合", ("A", "B", "C"), rows, above=[["title"], []], shift=1)]),
        tmp_path / "b.xlsx",
    )
    found = [list(row)[1:] for row in openpyxl.load_workbook(tmp_path / "b.xlsx")["集合"].iter_rows(values_only=True)]
    assert found[:4] == [["title", None, None], [None] * 3, ["A", "B", "C"], ["=1+1", 18, "18.0"]]
    assert found[4][1:] == [None, "\u3000x\u200b"]
    assert found[4][0] in ("a_x000D_b", "a_x005F_x000D_b")  # readers differ in what they undo
    assert found[6] == ["+", 2.5, None]


def test_a_text_too_long_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    book = WorkbookContent([SheetContent("MDC", ("MDC规则",), [["x" * 40_000]])])
    with pytest.raises(OutputFileError, match="40,000 characters"):
        write_workbook(book, tmp_path / "book.xlsx")
    with pytest.raises(OutputFileError):
        write_workbook(WorkbookContent([SheetContent("MDC", ("A",), [])]), tmp_path / "none" / "book.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", [1, 2, 9])
def test_the_full_size_is_that_of_the_official_file(seed: int) -> None:
    book = full_size_workbook(None, seed=seed, defects=False)
    assert [len(book.sheet(name).rows) for name in ("MDC", "ADRG", "DRG")] == [27, 538, 871]
    assert [len(book.sheet(name).rows) for name in ("集合", "CC", "排除表")] == [106_837, 7_904, 21_034]
    assert len({row[0] for row in book.sheet("集合").rows}) == 634
    assert len({row[0] for row in book.sheet("排除表").rows}) == 148
    real = [str(row[0]) for row in book.sheet("ADRG").rows if not str(row[0]).endswith(("00", "QY"))]
    assert len(real) == 492
    assert sum(str(row[3]) in set(real) for row in book.sheet("DRG").rows) == 825


def test_every_construct_is_there(clean: WorkbookContent, invented: Invented) -> None:
    texts = rules(clean)
    assert [code for code in texts if code.endswith("QY")] == [
        f"{mdc.code[-1]}QY" for mdc in invented.mdcs if mdc.code[-1] in AMBIGUOUS_MDCS
    ]
    assert sum(adrg.kind == FALLBACK for mdc in invented.mdcs for adrg in mdc.adrgs) == 24
    assert sum(text.startswith("ZYSS in OP1_") and "{ZYSS, QTSS} in OP2_" in text for text in texts.values()) == 110
    assert texts["IC2"] == "length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2"
    assert texts["OB11"] == texts["OB21"] == "ZYZD in DI_OBD or QTZD in MCC"
    assert texts["ZZ1"] == "1"
    assert texts["MDCZ"].count("QTZD in") == 9
    assert {adrg.code for adrg in invented.adrgs if adrg.tiers[0] == "0"} == set(ROBOT_ADRGS)
    assert {tier for adrg in invented.adrgs for tier in adrg.tiers} == set("01359CDEFGH")
    assert set(TIERS) <= {adrg.code for adrg in invented.adrgs}


def test_two_lists_of_one_rule_share_no_code(invented: Invented) -> None:
    for adrg in invented.adrgs:
        if adrg.rule.startswith("ZYSS in OP1_"):
            one, two = (word for word in adrg.rule.replace("ZYSS in", "").split() if word.startswith("OP"))
            assert not set(invented.sets[one]) & set(invented.sets[two]), adrg.code


def test_tiers_by_what_is_tried_before() -> None:
    assert [tier_rule("035", at) for at in range(3)] == ["{ZYSS, QTSS} in OP_ARB", "QTZD in {MCC, CC}", ""]
    assert [tier_rule("135", at) for at in range(3)] == ["QTZD in MCC", "QTZD in CC", ""]


# --- what is planted ----------------------------------------------------------------------------------------------


def test_every_defect_is_planted(dirty: WorkbookContent) -> None:
    assert [sheet.name for sheet in dirty.sheets] == list(SHEET_ORDER)
    assert sorted({sheet.header_row for sheet in dirty.sheets}) == [1, 2, 3]
    assert len(dirty.planted["missing_exclusion"]) == sum(map(len, AMENDED.values())) == 7
    assert dirty.planted["fallback_in_the_middle"] == ["O00"]
    assert dirty.planted["always_before_ambiguous"] == ["ZZ1"]
    assert len(dirty.planted["equal_order"]) == 3
    assert [len(dirty.planted[f"duplicate {name}"]) for name in ("集合", "CC", "排除表")] == [163, 14, 9]
    assert all(dirty.planted.values())
    cells = Counter(type(row[4]).__name__ for row in dirty.sheet("ADRG").rows if len(row) == 5)
    assert cells["int"] > 0
    assert cells["str"] > 0
    everything = "".join(str(cell) for sheet in dirty.sheets for row in sheet.rows for cell in row)
    assert all(sign in everything for sign in ("_x000D_", "\u00a0", "\u3000", "\u200b", "\t", "\\\n", " OR "))
    assert any(row[:2] == ["OP_DC1", "86.700x0013"] for row in dirty.sheet("集合").rows)


def test_rows_with_defects_are_those_of_the_official_file(dirty: WorkbookContent) -> None:
    counts = {
        sheet.name: sum(any(str(cell or "").strip() for cell in row) for row in sheet.rows) for sheet in dirty.sheets
    }
    assert counts == {"MDC": 27, "ADRG": 538, "DRG": 871, "集合": 107_000, "CC": 7_918, "排除表": 21_036}


# --- through the importer -----------------------------------------------------------------------------------------


def aimed(invented: Invented, seed: int, tries: int, targets: set[str] | None = None) -> list[tuple[str, Case]]:
    return aimed_cases(invented, Random(seed), tries, targets)


def test_every_group_is_reached(invented: Invented, folders: dict[str, Path]) -> None:
    wanted = {
        drg for mdc in invented.mdcs for adrg in mdc.adrgs if adrg.kind != FALLBACK for drg, _, _ in groups_of(adrg)
    }
    assert len(wanted) == 825 + 21
    missing = set(wanted)
    for turn in range(8):
        cases = aimed(invented, turn, 12 * (1 + 6 * turn), missing if turn else None)
        missing -= set(
            drgengine.group(as_table([case for _, case in cases]), scheme=folders["clean"])["drg"].to_pylist()
        )
        if not missing:
            break
    assert missing == set()


def test_defects_change_no_group(invented: Invented, folders: dict[str, Path]) -> None:
    cases = as_table([case for _, case in aimed(invented, 3, 8)])
    discharges = sample(20_000, seed=4, dirty_share=0.02)[0]
    for table in (cases, discharges):
        one, other = (drgengine.group(table, scheme=folders[name]).select(RESULTS) for name in ("clean", "dirty"))
        assert one.to_pylist() == other.to_pylist()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shift", [False, True])
def test_defects_change_no_group_of_small_workbooks(seed: int, shift: bool, tmp_path: Path) -> None:
    scheme = invent(Random(seed), **SMALL)
    one = imported(workbook_of(scheme), tmp_path / "clean")
    book = full_size_workbook(None, seed=seed, empty_first_column=shift, **SMALL)
    other = imported(book, tmp_path / "dirty")
    cases = as_table([case for _, case in aimed(scheme, seed, 6)])
    answers = [drgengine.group(cases, scheme=folder).select(RESULTS).to_pylist() for folder in (one, other)]
    assert answers[0] == answers[1]
    assert len({answer["drg"] for answer in answers[0]}) > 200


def test_invented_discharges_group_sensibly(folders: dict[str, Path]) -> None:
    table = drgengine.group(sample(20_000, seed=3, dirty_share=0.0)[0], scheme=folders["dirty"])
    status = Counter(table["status"].to_pylist())
    assert status["grouped"] > 0.85 * table.num_rows
    assert 0 < status["ambiguous"] < 0.15 * table.num_rows
    assert len(set(table["drg"].to_pylist())) > 450


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_says_that_it_is_invented(run: Run, tmp_path: Path) -> None:
    code, _, err = run("synth", tmp_path / "official.xlsx", "--as", "workbook", "--seed", 2)
    assert code == 0
    assert "INVENTED" in err
    assert "集合 107,000" in err
    full_size_workbook(tmp_path / "again.xlsx", seed=2)
    assert (tmp_path / "official.xlsx").read_bytes() == (tmp_path / "again.xlsx").read_bytes()
    code, _, err = run("synth", tmp_path / "official.xlsx", "--as", "workbook")
    assert code == 2
    assert "exists already" in err


def test_the_command_writes_a_scheme_as_a_workbook(run: Run, tmp_path: Path) -> None:
    code, _, err = run("synth", tmp_path / "mine.xlsx", "--as", "workbook", "--scheme", "chs-drg-1.0")
    assert (code, "edition file" in err) == (0, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "mine.xlsx"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("book.csv", "--as", "workbook"), ".xlsx"),
        (("book.xlsx", "--as", "workbook", "--truth", "t.csv"), "--truth"),
        (("book.xlsx", "--as", "workbook", "--scheme", "chs-drg-2.0"), "MDC P"),
    ],
)
def test_the_command_refuses(words: tuple[str, ...], message: str, run: Run, tmp_path: Path) -> None:
    code, _, err = run("synth", tmp_path / words[0], *words[1:])
    assert code == 2
    assert message in err
    assert list(tmp_path.iterdir()) == []
