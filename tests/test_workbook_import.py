"""Workbook rows -> scheme folder: order, repairs, remarks, collected errors, and a folder whole or not at all."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from smallworkbook import Content, as_workbook, content, edition_file, replaced

from drgengine.errors import InputFileError, OutputFileError, SchemeError
from drgengine.grouper.expression import unparse
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.workbook.editionfile import load_edition_file
from drgengine.grouper.workbook.importer import import_workbook
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.rows import Remark, at_cell
from drgengine.grouper.workbook.sentences import said


def imported(sheets: Content, tmp_path: Path, **options: Any) -> LoadReport:
    if "edition" not in options:
        options["edition"] = edition_file(tmp_path)
    return import_workbook(as_workbook(sheets), tmp_path / "scheme", overwrite=True, **options)


def texts(report: LoadReport, kind: str) -> list[str]:
    return [f"{remark.place}: {remark.text}" for remark in report.remarks if remark.kind == kind]


def order(folder: Path, mdc: str) -> list[str]:
    return [rule.id for of, rule in load_scheme(folder).rules if of.code == mdc]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what is written ---------------------------------------------------------------------------------------------


def test_the_folder_says_what_the_rows_say(tmp_path: Path) -> None:
    report = imported(content(), tmp_path)
    scheme = load_scheme(tmp_path / "scheme")
    assert [mdc.code for mdc in scheme.mdcs] == list("APZBCFGILMNOWY")
    assert scheme.ungroupable == "0000"
    rules = {rule.id: rule for _, rule in scheme.rules}
    assert {rule.kind for rule in rules.values()} == {
        "surgical", "non_or_procedure", "medical", "ambiguous", "fallback",
    }  # fmt: skip
    kinds = {name: rules[name].kind for name in ("BB2", "AH2", "BT1", "IC2", "BQY", "B00", "ZZ1")}
    assert kinds == {
        "BB2": "surgical", "AH2": "non_or_procedure", "BT1": "medical", "IC2": "surgical", "BQY": "ambiguous",
        "B00": "fallback", "ZZ1": "medical",
    }  # fmt: skip
    assert unparse(rules["IC2"].when) == "count any_proc in OP_IC2 >= 2 and first_proc in OP_IC2"
    assert unparse(rules["BQY"].when) == "first_proc in operations"
    assert (rules["BQY"].groups, rules["BQY"].otherwise) == ((), "ambiguous")
    assert [(group.drg, unparse(group.when)) for group in rules["BD1"].groups] == [
        ("BD13", "mcc or cc"),
        ("BD15", "always"),
    ]
    assert "OP_ALL" not in scheme.procedure_patterns
    assert scheme.mcc.holding("A19.000x012") == ["EX_1"]
    assert scheme.mcc.holding("J96.000") == ["none"]
    assert sorted(scheme.excluded.holding("G40.200")) == ["EX_1", "EX_2"]  # a principal may stand in several tables
    assert (scheme.checks, scheme.refused_principals) == (
        ("sex_invalid", "principal_diagnosis_missing"),
        ("unknown", "not_allowed"),
    )
    assert report.scheme_id == "small"


def test_names_of_the_users_own_file_are_kept_for_explanations(tmp_path: Path) -> None:
    sheets = content()
    sheets["集合"] = [(s, c, "外生殖器挤压伤建" if c == "S38.000" else n, k) for s, c, n, k in sheets["集合"]]
    sheets["集合"][0] = (*sheets["集合"][0][:2], '=1+1, "甲"', "DI")
    report = imported(sheets, tmp_path)
    names = load_scheme(tmp_path / "scheme").code_names
    assert names["S38.000"] == "外生殖器挤压伤"
    assert names["D33.404"] == '=1+1, "甲"'
    assert len(texts(report, "name_corrected")) == 1


def test_the_report_has_every_line(tmp_path: Path) -> None:
    sheets = content()
    report = imported(sheets, tmp_path)
    assert len(report.rules) == sum(len(sheets[name]) for name in ("MDC", "ADRG", "DRG"))
    line = next(line for line in report.rules if line.code == "BV1E")
    assert (line.sheet, line.mdc, line.text, line.meaning, line.place, line.became) == (
        "DRG", "MDCB", "QTZD in MCC and NL>=70", "mcc and age_years >= 70", 1, "group",
    )  # fmt: skip
    became = {line.code: line.became for line in report.rules}
    assert [became[code] for code in ("MDCA", "0000", "000", "B00", "B000", "BQY")] == [
        "gate", "ungrouped", "ungrouped", "fallback", "fallback", "ambiguous",
    ]  # fmt: skip
    robot = next(line for line in report.sets if line.name == "OP_ARB")
    assert (robot.kind, robot.codes, robot.used_by) == ("OP", 5, ("GB40", "IC30", "LA20", "MB10", "NC10"))
    assert next(line for line in report.sets if line.name == "EX_2").used_by == ("CC 1",)


def test_twice_gives_the_same_bytes_and_says_what_it_was_made_of(tmp_path: Path) -> None:
    imported(content(), tmp_path)
    first = files(tmp_path / "scheme")
    imported(content(), tmp_path)
    assert files(tmp_path / "scheme") == first
    made_of = json.loads(first["import.json"])
    assert (made_of["workbook_sha256"], made_of["edition"]) == ("ab" * 32, "small-edition.toml")
    assert "ab" * 32 in load_scheme(tmp_path / "scheme").identity.note


def test_the_header_given_goes_before_that_of_the_edition(tmp_path: Path) -> None:
    report = imported(content(), tmp_path, header={"id": "mine", "title": {"zh": "我的", "en": "mine"}})
    assert report.scheme_id == load_scheme(tmp_path / "scheme").id == "mine"


# --- order -------------------------------------------------------------------------------------------------------


def obstetric() -> Content:
    """MDC O whose fall-back row has a number before two rows that are meant to come first."""
    sheets = content()
    for code, rule, number in (("O00", "", "18"), ("OT1", "ZYZD in DI_O00", "19"), ("OZ1", "ZYZD in DI_OBD", "20.0")):
        sheets["ADRG"].append((code, "", rule, "MDCO", number))
        drg = "O000" if code == "O00" else f"{code}9"
        sheets["DRG"].append((drg, "", "", code, "MDCO", "1"))
    return sheets


def test_a_fall_back_row_comes_last_whatever_its_number(tmp_path: Path) -> None:
    report = imported(obstetric(), tmp_path)
    assert order(tmp_path / "scheme", "O") == ["OB1", "OB2", "OT1", "OZ1", "O00"]
    (moved,) = texts(report, "order_moved")
    assert "O00 (18 -> 21)" in moved
    assert next(line.remark for line in report.rules if line.code == "O00") == "O00 (18 -> 21)"


def test_an_empty_mdc_rule_keeps_its_place_and_0000_goes_last(tmp_path: Path) -> None:
    sheets = content()
    sheets["MDC"] = replaced(sheets["MDC"], "0000", c3="0")
    report = imported(sheets, tmp_path)
    assert [mdc.code for mdc in load_scheme(tmp_path / "scheme").mdcs][:2] == ["A", "P"]
    assert next(line.place for line in report.rules if line.code == "MDCA") == 1
    assert next(line.place for line in report.rules if line.code == "0000" and line.sheet == "MDC") == 15


def test_an_empty_group_rule_is_an_ordinary_group_that_comes_last(tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = replaced(sheets["DRG"], "BB25", c5="0")
    report = imported(sheets, tmp_path)
    rule = next(rule for _, rule in load_scheme(tmp_path / "scheme").rules if rule.id == "BB2")
    assert [group.drg for group in rule.groups] == ["BB21", "BB23", "BB25"]
    assert "BB25 (0 -> 3)" in texts(report, "order_moved")[0]


def test_equal_numbers_keep_the_order_of_the_sheet(tmp_path: Path) -> None:
    sheets = content()
    sheets["ADRG"] = replaced(replaced(sheets["ADRG"], "BD1", c4="1"), "BT1", c4="")
    report = imported(sheets, tmp_path)
    assert order(tmp_path / "scheme", "B")[:2] == ["BB2", "BD1"]
    assert order(tmp_path / "scheme", "B")[-2:] == ["BT1", "B00"]  # no number: behind those with one
    assert "BB2 BD1 have the number 1" in texts(report, "equal_order")[0]
    assert len(texts(report, "order_missing")) == 1


def test_an_adrg_without_rule_is_told_and_comes_before_the_fall_back_only(tmp_path: Path) -> None:
    sheets = content()
    sheets["ADRG"] = replaced(sheets["ADRG"], "BB2", c2="")
    report = imported(sheets, tmp_path)
    assert order(tmp_path / "scheme", "B")[-2:] == ["BB2", "B00"]
    assert len(texts(report, "adrg_always")) == len(texts(report, "order_moved")) == 1


def test_what_is_never_reached_is_told(tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = replaced(sheets["DRG"], "BB23", c2="1")
    sheets["ADRG"] = replaced(sheets["ADRG"], "FU1", c2="1")
    sheets["ADRG"].append(("FZ1", "", "NL>3", "MDCF", "9"))
    sheets["DRG"].append(("FZ19", "", "", "FZ1", "MDCF", "1"))
    assert [text.partition("): ")[2][:4] for text in texts(imported(sheets, tmp_path), "never_reached")] == [
        "BB25",
        "FU1 ",
    ]


def test_a_fall_back_row_with_a_rule_is_told_and_taken_as_written(tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = replaced(sheets["DRG"], "B000", c2="NL>=70")
    (told,) = texts(imported(sheets, tmp_path), "fallback_rule")
    assert "B000" in told
    rule = next(rule for _, rule in load_scheme(tmp_path / "scheme").rules if rule.id == "B00")
    assert (rule.kind, [unparse(group.when) for group in rule.groups]) == ("fallback", ["age_years >= 70"])


def test_an_ambiguous_row_without_rule_means_an_operation(tmp_path: Path) -> None:
    sheets = content()
    sheets["ADRG"] = replaced(sheets["ADRG"], "BQY", c2="")
    report = imported(sheets, tmp_path)
    rule = next(rule for _, rule in load_scheme(tmp_path / "scheme").rules if rule.id == "BQY")
    assert unparse(rule.when) == "first_proc in operations"
    assert order(tmp_path / "scheme", "B")[-2:] == ["BQY", "B00"]
    assert len(texts(report, "ambiguous_always")) == 1


# --- sets, severity, amendments ----------------------------------------------------------------------------------


def test_repeated_rows_count_once_and_are_told(tmp_path: Path) -> None:
    sheets = content()
    sheets["集合"] += [
        ("DI_B00", "D33.404", "", "DI"),
        ("di_b00", "d33.404", "", "di"),
        ("OP_BB2", "38.4000", "", "OP"),
    ]
    sheets["CC"].append(("B05.801", "", "EX_2", "CC"))
    sheets["排除表"].append(("EX_1", "G40.200", ""))
    found = texts(imported(sheets, tmp_path), "duplicate_member")
    assert [text.partition(": ")[2].partition(", each")[0] for text in found] == [
        "DI_B00: codes that stand there already, 2 x",
        "OP_BB2: codes that stand there already, 1 x",
        "EX_1: codes that stand there already, 1 x",
        "CC: codes that stand there already, 1 x",
    ]


def test_letter_case_of_x_and_odd_codes(tmp_path: Path) -> None:
    sheets = content()
    sheets["集合"] += [("OP_AA1", "33.6X01", "", "OP"), ("OP_AA1", "86.700x0013", "", "OP"),
                     ("OP_AA1", "not a code", "", "OP"), ("OP_AA1", "", "", "OP")]  # fmt: skip
    report = imported(sheets, tmp_path)
    scheme = load_scheme(tmp_path / "scheme")
    assert all(code in scheme.lists["OP_AA1"] for code in ("33.6x00", "33.6x01", "86.700x0013"))
    assert all(texts(report, kind) for kind in ("mended_code", "unusual_code", "unusable_code", "code_not_in_edition"))


def test_amendments_are_added_once_and_can_be_left_out(tmp_path: Path) -> None:
    report = imported(content(), tmp_path)
    assert [text.partition(": ")[2] for text in texts(report, "amendment")] == ["P22.100 added to EX_3 (table 3)"]
    assert load_scheme(tmp_path / "scheme").excluded.holding("P22.100") == ["EX_3"]
    sheets = content()
    sheets["排除表"].append(("EX_3", "P22.100", ""))
    assert texts(imported(sheets, tmp_path), "amendment") == []
    assert texts(imported(content(), tmp_path, amendments=False), "amendment") == []
    assert load_scheme(tmp_path / "scheme").excluded.holding("P22.100") == []


def test_lists_that_nothing_uses_are_kept_and_told(tmp_path: Path) -> None:
    sheets = content()
    sheets["集合"].append(("DI_SPARE", "A00.000", "", "DI"))
    sheets["CC"].append(("E10.000", "", "EX_77", "CC"))
    report = imported(sheets, tmp_path)
    assert "A00.000" in load_scheme(tmp_path / "scheme").lists["DI_SPARE"]
    assert "DI_SPARE" in texts(report, "set_not_used")[0]
    assert "EX_77" in texts(report, "table_without_rows")[0]
    assert "EX_3" in texts(report, "table_not_used")[0]


def test_without_the_lists_of_elsewhere_a_note_says_what_is_not_enforced(tmp_path: Path) -> None:
    notes = texts(imported(content(), tmp_path), "list_not_given")
    assert ["--not-principal FILE" in notes[0], "--not-for-grouping FILE" in notes[1]] == [True, True]
    with pytest.raises(InputFileError, match=r"nowhere\.csv"):
        imported(content(), tmp_path, not_principal=tmp_path / "nowhere.csv")


def test_counts_that_differ_are_a_warning(tmp_path: Path) -> None:
    edition = edition_file(tmp_path, "\n[counts]\nsets = 46\nmdc_rows = 15\nset_members = 85\n")
    report = imported(content(), tmp_path, edition=edition)
    assert [text.partition("missing: ")[2] for text in texts(report, "counts_differ")] == ["code sets 45 (expected 46)"]
    assert ("mdc_rows", 15, 15) in report.counts


def test_what_changes_the_grouping_comes_first_and_blanks_last(tmp_path: Path) -> None:
    blank = Remark("repair", "odd_blank", at_cell("ADRG", "C2"), said("odd_blank"))
    sheets = obstetric()
    sheets["集合"].append(("DI_B00", "D33.404", "", "DI"))
    report = import_workbook(as_workbook(sheets, (blank,)), tmp_path / "s", edition=edition_file(tmp_path))
    kinds = list(dict.fromkeys(remark.kind for remark in report.remarks))
    assert kinds[:3] == ["amendment", "operation_test_added", "order_moved"]
    assert kinds.index("duplicate_member") > 2
    assert report.remarks[-1] == blank
    assert str(blank).startswith("repair: sheet ADRG, cell C2: blanks other than the common one")


def test_remarks_and_changes_are_told_in_chinese(tmp_path: Path) -> None:
    report = imported(obstetric(), tmp_path)
    told = {remark.kind: (remark.place.told("zh"), remark.text.told("zh")) for remark in report.remarks}
    assert told["amendment"] == ("工作表 排除表", "EX_3 补充 P22.100（依据：table 3）")
    place, text = told["operation_test_added"]
    assert place == "工作表 ADRG 单元格 C12（ZZ1）"
    assert text.startswith("ZZ1 的规则未提手术操作，且排在 ZQY 之前；加读“且首个手术操作不属于有效手术”")
    assert told["order_moved"][1] == "O00（18 -> 21）：收纳其余病例的行，移到同级最后"
    lines = {line.code: line for line in report.rules}
    assert lines["ZZ1"].changed("zh") == "加读“且首个手术操作不属于有效手术”"
    assert lines["ZZ1"].remark == lines["ZZ1"].changed("en") == "read with: first procedure is no operation"
    assert lines["BB2"].changed("zh") == ""


def test_the_source_of_an_amendment_may_come_in_both_languages(tmp_path: Path) -> None:
    edition = edition_file(tmp_path)
    text = edition.read_text(encoding="utf-8").replace('"table 3"', '{ zh = "表 3", en = "table 3" }')
    edition.write_text(text, encoding="utf-8")
    (remark,) = (r for r in imported(content(), tmp_path, edition=edition).remarks if r.kind == "amendment")
    assert (remark.text.told("zh"), str(remark.text)) == (
        "EX_3 补充 P22.100（依据：表 3）",
        "P22.100 added to EX_3 (table 3)",
    )
    edition.write_text(text.replace('zh = "表 3", ', ""), encoding="utf-8")
    with pytest.raises(SchemeError, match=r"amendment\[0\].*'zh' is missing"):
        imported(content(), tmp_path, edition=edition)


# --- errors ------------------------------------------------------------------------------------------------------

Change = Callable[[Content], object]


def rule_of(sheet: str, code: str, text: str) -> Change:
    return lambda sheets: sheets.update({sheet: replaced(sheets[sheet], code, c2=text)})


def cell(sheet: str, code: str, place: int, text: str) -> Change:
    return lambda sheets: sheets.update({sheet: replaced(sheets[sheet], code, **{f"c{place}": text})})


def more(sheet: str, *row: str) -> Change:
    return lambda sheets: sheets[sheet].append(row)


def without(sheet: str, code: str) -> Change:
    return lambda sheets: sheets.update({sheet: [row for row in sheets[sheet] if row[0] != code]})


BROKEN: dict[str, tuple[Change, list[str]]] = {
    "rule text": (rule_of("ADRG", "BB2", "ZYSS in OP_BB2 and ZYY in OP_ALL"),
                  ["small.xlsx, sheet ADRG, cell C14 (BB2), character 20", "ZYY"]),
    "open bracket": (rule_of("DRG", "BD13", "(QTZD in MCC"), ["sheet DRG, cell C", "(BD13), character"]),
    "severity of the principal": (rule_of("DRG", "BD13", "ZYZD in MCC"), ["(BD13), character"]),
    "sex compared": (rule_of("MDC", "MDCM", "XB > 1"), ["(MDCM), character"]),
    "two kinds of fields": (rule_of("MDC", "MDCM", "{ZYZD, ZYSS} in DI_M00"), ["(MDCM), character"]),
    "set missing": (rule_of("ADRG", "BB2", "ZYSS in OP_BB3"), ["C14 (BB2)", "OP_BB3", "Did you mean OP_"]),
    "robot set missing": (without("集合", "OP_ARB"), ["OP_ARB", "IC30", "Add its rows to 集合"]),
    "operations missing": (without("集合", "OP_ALL"), ["cell C3 (MDCP)", "OP_ALL, the operations,", "PQY and 10 more"]),
    "set of procedures for diagnoses": (rule_of("ADRG", "BT1", "ZYZD in OP_BB2"), ["(BT1)", "character 9", "OP_BB2"]),
    "the same under another name": (lambda sheets: (rule_of("ADRG", "BT1", "ZYZD in BB2")(sheets),
                                                    more("集合", "BB2", "38.4000", "", "OP")(sheets)),
                                    ["(BT1)", "diagnoses are looked up in BB2, a set of procedures"]),
    "set of two kinds": (more("集合", "DI_B00", "38.4000", "", "OP"), ["D87", "DI_B00 holds both DI and OP"]),
    "set kind": (more("集合", "DI_NEW", "A00.000", "", "XX"), ["D87", "'XX' is neither DI nor OP"]),
    "set name": (more("集合", "DI NEW", "A00.000", "", "DI"), ["A87", "'DI NEW' cannot name a set"]),
    "set name empty": (more("集合", "", "A00.000", "", "DI"), ["A87", "an empty cell cannot name a set"]),
    "code twice": (more("ADRG", "BB2", "", "1", "MDCB", "9"), ["sheet ADRG, cell A39", "BB2 stands in row 14"]),
    "MDC twice": (more("MDC", "MDCB", "", "", "9"), ["sheet MDC, cell A17", "MDCB stands in row 5"]),
    "name read as code": (more("DRG", "阑尾切除术", "", "", "BB2", "MDCB", "9"),
                          ["'阑尾切除术' is no DRG code", "columns"]),
    "parent unknown": (cell("ADRG", "BB2", 3, "MDCX"), ["cell D14 (BB2)", "'MDCX' does not stand in the sheet MDC"]),
    "ADRG unknown": (more("DRG", "BX19", "", "", "BX1", "MDCB", "1"), ["cell D69 (BX19)", "'BX1'", "sheet ADRG"]),
    "DRG of another ADRG": (cell("DRG", "BB21", 3, "BD1"), ["cell D", "BB21 does not start with its ADRG BD1"]),
    "ADRG without DRG": (without("DRG", "CV1H"), []),
    "ambiguous letter": (cell("ADRG", "BQY", 3, "MDCC"), ["BQY stands under MDCC, whose letter is C"]),
    "order": (cell("ADRG", "BB2", 4, "first"), ["cell E14 (BB2)", "'first' in 排序 is no number"]),
    "two severities": (more("CC", "B05.801", "", "EX_2", "MCC"),
                       ["D5", "B05.801 is MCC", "CC with table EX_2 in row 3"]),
    "two tables": (more("CC", "B05.801", "", "EX_1", "CC"), ["C5", "B05.801 is CC with table EX_1 here"]),
    "severity kind": (more("CC", "E10.000", "", "EX_1", "CCC"), ["D5", "'CCC' of E10.000 is neither MCC nor CC"]),
    "table name": (more("排除表", "", "E10.000", ""), ["A7", "an empty cell cannot name an exclusion table"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_says_where_and_writes_nothing(name: str, tmp_path: Path) -> None:
    change, words = BROKEN[name]
    sheets = content()
    change(sheets)
    if not words:
        sheets["DRG"] = [row for row in sheets["DRG"] if row[3] != "CV1"]
        words = ["sheet ADRG, cell A", "(CV1)", "no DRG belongs to this ADRG"]
    with pytest.raises(SchemeError) as caught:
        imported(sheets, tmp_path)
    assert [word for word in words if word not in str(caught.value)] == []
    assert [path.name for path in tmp_path.iterdir()] == ["small-edition.toml"]


def test_errors_are_told_together_ten_of_a_kind(tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = [(*row[:2], "QTZD on MCC" if "MCC" in row[2] else row[2], *row[3:]) for row in sheets["DRG"]]
    broken = sum(row[2] == "QTZD on MCC" for row in sheets["DRG"])
    assert broken > 10
    sheets["ADRG"] = replaced(sheets["ADRG"], "BB2", c2="ZYSS in OP_NONE", c4="x")
    with pytest.raises(SchemeError) as caught:
        imported(sheets, tmp_path)
    text = str(caught.value)
    assert text.startswith(f"small.xlsx: {broken + 2} errors, nothing was written. Mend them")
    assert text.count("sheet DRG") == 10
    assert f"and {broken - 10} more of this kind" in text
    assert "OP_NONE" in text
    assert "'x' in 排序" in text


def test_what_cannot_be_loaded_is_not_put_in_place(tmp_path: Path) -> None:
    imported(content(), tmp_path)
    before = files(tmp_path / "scheme")
    dates = {"effective_from": datetime.date(2027, 1, 1), "effective_to": datetime.date(2026, 1, 1)}
    with pytest.raises(SchemeError, match="effective_to"):
        imported(content(), tmp_path, header=dates)
    assert files(tmp_path / "scheme") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scheme", "small-edition.toml"]


def test_an_older_folder_stays_when_the_new_file_is_broken(tmp_path: Path) -> None:
    imported(content(), tmp_path)
    before = files(tmp_path / "scheme")
    sheets = content()
    sheets["ADRG"] = replaced(sheets["ADRG"], "BB2", c2="(")
    with pytest.raises(SchemeError):
        imported(sheets, tmp_path)
    assert files(tmp_path / "scheme") == before
    with pytest.raises(OutputFileError, match="allow --overwrite"):
        import_workbook(as_workbook(content()), tmp_path / "scheme", edition=edition_file(tmp_path))


# --- edition files -----------------------------------------------------------------------------------------------


def test_the_packaged_edition(tmp_path: Path) -> None:
    edition = load_edition_file("chs-drg-3.0")
    assert sum(len(amendment.codes) for amendment in edition.amendments) == 7
    assert {key: edition.counts[key] for key in ("mdc_rows", "adrg_rows", "drg_rows", "set_rows", "sets")} == {
        "mdc_rows": 27, "adrg_rows": 538, "drg_rows": 871, "set_rows": 106_837, "sets": 634,
    }  # fmt: skip
    assert "国家医疗保障局" in edition.identity["authority"]["zh"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('id = "small"', 'idd = "small"', ["[identity]", "'id' is missing"]),
        ("[sets]", "[set]", ["'set' has no meaning here", "sets"]),
        ('operations = "OP_ALL"', "operations = 3", ["[sets], key 'operations'", "3 is not a text"]),
        ("[sets]", '[codes]\nambiguous_adrg = "["\n[sets]', ["key 'ambiguous_adrg'", "is no pattern"]),
        ("[sets]", '[variables]\nNL = "age"\n[sets]', ["[variables], key 'NL'", "'age' is unknown"]),
        ('"sex_invalid"', '"sex"', ["[options], key 'checks'", "'sex' is unknown"]),
        ('version = "1"', 'version = "1"\neffective_from = "soon"', ["'effective_from'", "'soon' is not a date"]),
        ('codes = ["P24.100"]', "", ["amendment[1]", "'codes' is missing"]),
    ],
)
def test_a_broken_edition_file_says_where(before: str, after: str, words: list[str], tmp_path: Path) -> None:
    path = edition_file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(SchemeError) as caught:
        load_edition_file(path)
    assert [word for word in [str(path), *words] if word not in str(caught.value)] == []


def test_an_unknown_edition_names_the_packaged_ones() -> None:
    with pytest.raises(SchemeError, match=r"Packaged: .*chs-drg-3\.0"):
        load_edition_file("chs-drg-9.9")


def test_ambiguous_rows_need_the_operations_even_where_no_rule_names_them(tmp_path: Path) -> None:
    sheets = content()
    for name in ("MDC", "ADRG"):
        sheets[name] = [(*row[:2], "" if "OP_ALL" in row[2] else row[2], *row[3:]) for row in sheets[name]]
    sheets["集合"] = [row for row in sheets["集合"] if row[0] != "OP_ALL"]
    with pytest.raises(
        SchemeError, match="the set OP_ALL, the operations, is missing and the ambiguous groups need it"
    ):
        imported(sheets, tmp_path)
