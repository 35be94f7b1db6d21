"""Every way to break a scheme folder, and the words its error has to contain: file, key or line, value, remedy."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drgengine.errors import SchemeError
from drgengine.grouper.compile import compile_scheme
from drgengine.grouper.schemefile import SCHEME_FOLDER, load_scheme, packaged_schemes, read_names

SCHEME = """\
id = "tiny"
title = { zh = "小方案", en = "Tiny scheme" }
authority = { zh = "某局", en = "Some bureau" }
version = "1"
effective_from = 2024-01-01
effective_to = 2025-12-31
retry_each_other_procedure = false
ungroupable = "0000"

[codes]
diagnosis_edition = "icd10-yb-2.0"
procedure_edition = "icd9cm3-yb-2.0"

[[oddity]]
kind = "none"
detail = "nothing odd"
"""
RULES = """\
[[mdc]]
code = "A"
gate = "pdx in @dx"

[[mdc.rule]]
adrg = "AA1"
kind = "surgical"
when = "first_proc in @proc"
groups = [
  { drg = "AA11", when = "mcc" },
  { drg = "AA15", when = "always" },
]

[[mdc]]
code = "B"
gate = "any_dx in @dx"

[[mdc.rule]]
id = "BR1_1"
adrg = "BR1"
kind = "medical"
when = "pdx in @dx"
otherwise = "BR1"
"""
DIAGNOSES = "# diagnoses\n\n[MDCA.dx]\nA00 -A00.1\n\n[MDCB.dx]\nB\n\n[BR1_1.dx]\nB\n\n[mcc.1]\nI21\n\n[mcc.2]\nJ96\n"
PROCEDURES = "# procedures\n\n[AA1.proc]\n37.3\n\n[operations]\n37\n"
FILES = {"scheme.toml": SCHEME, "rules.toml": RULES, "diagnoses.txt": DIAGNOSES, "procedures.txt": PROCEDURES}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path | str) -> str:
    """The message a scheme is refused with, at loading or at compiling."""
    with pytest.raises(SchemeError) as caught:
        compile_scheme(load_scheme(folder))
    message = str(caught.value)
    assert "\n" not in message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message
    assert caught.value.remedy.strip()
    return message


def test_the_tiny_scheme_is_whole(tiny: Path) -> None:
    scheme = load_scheme(tiny)
    assert [mdc.code for mdc in scheme.mdcs] == ["A", "B"]
    assert [rule.id for _, rule in scheme.rules] == ["AA1", "BR1_1"]
    assert compile_scheme(scheme).scheme_id == "tiny"


# name of the case -> (file, text that is there, text instead, words of the message)
BROKEN: dict[str, tuple[str, str, str, list[str]]] = {
    "not_toml": ("scheme.toml", 'version = "1"', "version = 1.2.3", ["scheme.toml", "TOML", "line 4"]),
    "rules_not_toml": ("rules.toml", '[[mdc]]\ncode = "B"', '[[mdc\ncode = "B"', ["rules.toml", "TOML", "line 14"]),
    "key_twice": ("scheme.toml", 'version = "1"', 'version = "1"\nversion = "2"', ["scheme.toml", "TOML", "line 5"]),
    "unknown_key": (
        "scheme.toml",
        "effective_to",
        "effective_till",
        ["scheme.toml", "'effective_till'", "'effective_to'"],
    ),
    "unknown_key_far_off": ("scheme.toml", "ungroupable", "qqq", ["scheme.toml", "'qqq'", "remove"]),
    "unknown_key_in_title": ("scheme.toml", 'en = "Tiny scheme"', 'en = "T", fr = "T"', ["[title]", "'fr'", "zh"]),
    "unknown_key_in_codes": (
        "scheme.toml",
        "[codes]",
        "[codes]\nedition = 1",
        ["[codes]", "'edition'", "diagnosis_edition"],
    ),
    "unknown_key_in_oddity": ("scheme.toml", "detail = ", "why = 1\ndetail = ", ["oddity[0]", "'why'"]),
    "unknown_key_in_mdc": (
        "rules.toml",
        'code = "B"',
        'code = "B"\ngates = "x"',
        ["mdc[1]", "MDC B", "'gates'", "'gate'"],
    ),
    "unknown_key_in_rule": ("rules.toml", "otherwise", "othervise", ["rule[0]", "BR1_1", "'othervise'", "'otherwise'"]),
    "unknown_key_in_group": (
        "rules.toml",
        'drg = "AA11"',
        'drg = "AA11", nane = ""',
        ["groups[0]", "AA11", "'nane'", "'name'"],
    ),
    "unknown_top_key_in_rules": (
        "rules.toml",
        '[[mdc]]\ncode = "A"',
        'mcd = 1\n[[mdc]]\ncode = "A"',
        ["rules.toml", "'mcd'", "'mdc'"],
    ),
    "missing_id": ("scheme.toml", 'id = "tiny"\n', "", ["scheme.toml", "'id'", "missing", "Add id"]),
    "missing_title_en": ("scheme.toml", ', en = "Tiny scheme"', "", ["[title]", "'en'", "missing"]),
    "missing_codes": ("scheme.toml", "[codes]", "[code]", ["scheme.toml", "'codes'", "missing", "Rename 'code'"]),
    "missing_edition": (
        "scheme.toml",
        "procedure_edition",
        "procedures_edition",
        ["[codes]", "'procedure_edition'", "Rename"],
    ),
    "missing_gate": (
        "rules.toml",
        'gate = "any_dx in @dx"\n',
        "",
        ["rules.toml", "mdc[1]", "MDC B", "'gate'", "Add gate"],
    ),
    "missing_mdc_code": ("rules.toml", 'code = "B"\n', "", ["rules.toml", "mdc[1]", "'code'", "missing"]),
    "missing_adrg": ("rules.toml", 'adrg = "AA1"\n', "", ["mdc[0] (MDC A) rule[0]", "'adrg'", "missing"]),
    "missing_kind": ("rules.toml", 'kind = "medical"\n', "", ["BR1_1", "'kind'", "missing"]),
    "missing_when": ("rules.toml", 'when = "pdx in @dx"\n', "", ["BR1_1", "'when'", "missing"]),
    "missing_group_when": ("rules.toml", ', when = "always"', "", ["groups[1] (AA15)", "'when'", "missing"]),
    "missing_mdcs": ("rules.toml", RULES, "", ["rules.toml", "'mdc'", "missing"]),
    "wrong_type_text": (
        "scheme.toml",
        'id = "tiny"',
        "id = 7",
        ["scheme.toml", "'id'", "7 is not a text", "Write a text"],
    ),
    "wrong_type_bool": ("scheme.toml", "= false", '= "no"', ["'retry_each_other_procedure'", "'no'", "true or false"]),
    "wrong_type_table": (
        "scheme.toml",
        'title = { zh = "小方案", en = "Tiny scheme" }',
        'title = "Tiny"',
        ["'title'", "'Tiny'", "a table"],
    ),
    "wrong_type_date": (
        "scheme.toml",
        "2024-01-01",
        '"2024-01-01"',
        ["'effective_from'", "'2024-01-01'", "a date such as"],
    ),
    "wrong_type_list": ("rules.toml", "groups = [", "groups = 3\nother = [", ["AA1", "'groups'", "3 is not a list"]),
    "wrong_type_row": ("rules.toml", '{ drg = "AA11", when = "mcc" }', '"AA11"', ["groups[0]", "'AA11'", "a table"]),
    "wrong_type_mdc": ("rules.toml", RULES, "mdc = [1]", ["rules.toml mdc[0]", "1", "table"]),
    "unknown_kind": (
        "rules.toml",
        '"medical"',
        '"internal"',
        ["BR1_1", "'kind'", "'internal' is unknown", "surgical", "medical"],
    ),
    "bad_gate": (
        "rules.toml",
        "any_dx in @dx",
        "any_dx on @dx",
        ["MDC B", "'gate'", "any_dx on @dx", "character 8", "'in'"],
    ),
    "bad_when": (
        "rules.toml",
        '"pdx in @dx"\notherwise',
        '"pdxx in @dx"\notherwise',
        ["BR1_1", "'when'", "pdxx", "character 1", "'pdx'"],
    ),
    "bad_group_when": ("rules.toml", '"mcc"', '"mccc"', ["AA11", "'when'", "'mccc'", "Did you mean 'mcc'"]),
    "unknown_list": (
        "rules.toml",
        "first_proc in @proc",
        "first_proc in @prok",
        ["AA1", "'when'", "'AA1.prok'", "[AA1.proc]", "procedures.txt"],
    ),
    "unknown_scheme_list": (
        "rules.toml",
        '"mcc"',
        '"first_proc in operation"',
        ["AA11", "'operation'", "[operations]"],
    ),
    "list_of_the_other_side": (
        "rules.toml",
        "first_proc in @proc",
        "pdx in AA1.proc",
        ["'AA1.proc' is unknown", "diagnoses.txt"],
    ),
    "list_removed": ("diagnoses.txt", "[BR1_1.dx]\nB\n", "", ["BR1_1", "'BR1_1.dx' is unknown", "diagnoses.txt"]),
    "section_twice": (
        "diagnoses.txt",
        "[MDCB.dx]",
        "[MDCA.dx]",
        ["diagnoses.txt line 6", "[MDCA.dx]", "twice", "Join"],
    ),
    "section_head": (
        "procedures.txt",
        "[operations]",
        "[operations",
        ["procedures.txt line 6", "'[operations'", "[NAME]"],
    ),
    "before_section": ("diagnoses.txt", "# diagnoses\n", "A00\n", ["diagnoses.txt line 1", "'A00'", "[NAME]"]),
    "pattern_malformed": (
        "diagnoses.txt",
        "A00 -A00.1",
        "A00 -A00.1, A02",
        ["diagnoses.txt line 4", "'-A00.1,'", "- or ="],
    ),
    "pattern_twice": (
        "diagnoses.txt",
        "A00 -A00.1",
        "A00 -A00",
        ["diagnoses.txt", "[MDCA.dx]", "'A00'", "twice", "Keep"],
    ),
    "two_mcc_lists": (
        "diagnoses.txt",
        "J96",
        "J96 I21.0",
        ["diagnoses.txt", "[mcc.2]", "I21.0", "two lists of mcc", "Leave it in one"],
    ),
    "mdc_twice": ("rules.toml", 'code = "B"', 'code = "A"', ["rules.toml", "MDC 'A'", "twice"]),
    "rule_twice": ("rules.toml", '"BR1_1"', '"AA1"', ["rules.toml", "'AA1'", "twice", "id of its own"]),
    "dates_swapped": (
        "scheme.toml",
        "2025-12-31",
        "2023-12-31",
        ["'effective_to'", "2023-12-31", "2024-01-01", "Swap"],
    ),
    "unknown_edition": (
        "scheme.toml",
        '"icd10-yb-2.0"',
        '"icd10-yb-3.0"',
        ["'icd10-yb-3.0'", "no such", "icd10-yb-2.0"],
    ),
    "stale_digest": (
        "scheme.toml",
        "[codes]",
        '[codes]\ndiagnosis_digest = "0123"',
        ["[codes]", "'diagnosis_digest'", "0123", "Import"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scheme_says_where_and_what_to_do(name: str, tiny: Path) -> None:
    file, there, instead, words = BROKEN[name]
    assert there in FILES[file]
    changed = FILES[file].replace(there, instead)
    if name == "rule_twice":
        changed = changed.replace('@dx"\notherwise', 'MDCB.dx"\notherwise')
    if name == "mdc_twice":
        changed = changed.replace("any_dx in @dx", "any_dx in MDCB.dx")
    (tiny / file).write_text(changed, encoding="utf-8")
    message = refused(tiny)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    "name", ["wrong_type_text", "unknown_kind", "pattern_twice", "unknown_edition", "two_mcc_lists"]
)
def test_the_file_at_fault_is_named_with_its_folder(name: str, tiny: Path) -> None:
    file, there, instead, _ = BROKEN[name]
    (tiny / file).write_text(FILES[file].replace(there, instead), encoding="utf-8")
    assert str(tiny / file) in refused(tiny)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file(file: str, tiny: Path) -> None:
    (tiny / file).unlink()
    message = refused(tiny)
    assert file in message
    assert str(tiny) in message


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_not_utf8(file: str, tiny: Path) -> None:
    (tiny / file).write_bytes(FILES[file].encode() + "# 病例\n".encode("gb18030"))
    message = refused(tiny)
    assert [word for word in (str(tiny / file), "UTF-8", "byte") if word not in message] == [], message


@pytest.mark.parametrize("file", [*FILES, "extra_diagnosis_codes.txt"])
def test_a_folder_where_a_file_should_be(file: str, tiny: Path) -> None:
    (tiny / file).unlink(missing_ok=True)
    (tiny / file).mkdir()
    assert file in refused(tiny)


def test_extra_codes_that_are_not_utf8(tiny: Path) -> None:
    (tiny / "extra_diagnosis_codes.txt").write_bytes(b"Z99. 0\xff\n")
    message = refused(tiny)
    assert str(tiny / "extra_diagnosis_codes.txt") in message
    assert "utf-8" in message.lower()


def test_extra_codes_join_the_edition(tiny: Path) -> None:
    (tiny / "extra_diagnosis_codes.txt").write_text("A00. 7x7\n", encoding="utf-8")
    scheme = load_scheme(tiny)
    assert "A00.7x7" in scheme.lists["MDCA.dx"]
    assert "A00.7x8" not in scheme.lists["MDCA.dx"]


def test_a_date_with_a_time_is_no_traceback(tiny: Path) -> None:
    """TOML knows dates with times; one of them against a plain date cannot be compared."""
    text = SCHEME.replace("2024-01-01", "2024-01-01T00:00:00")
    (tiny / "scheme.toml").write_text(text, encoding="utf-8")
    assert "effective_from" in refused(tiny)


def test_an_answer_that_is_no_adrg_is_refused(tiny: Path) -> None:
    """A slip such as `ambigous` would otherwise become the DRG of cases."""
    (tiny / "rules.toml").write_text(RULES.replace('otherwise = "BR1"', 'otherwise = "ambigous"'), encoding="utf-8")
    message = refused(tiny)
    assert [word for word in ("BR1_1", "'otherwise'", "ambigous", "ambiguous", "next") if word not in message] == []


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("chs-drg-2", "chs-drg-2.0"),
        ("chs_drg_1.1", "chs-drg-1.1"),
        ("CHS-DRG-1.0", "chs-drg-1.0"),
        ("beijing", "beijing-2022"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    message = refused(name)
    assert f"'{name}'" in message
    assert nearest in message.split("Nearest names: ")[1]


def test_a_name_like_no_other_is_answered_with_all() -> None:
    message = refused("qqq")
    assert all(name in message for name in packaged_schemes())


def test_a_folder_of_tables_is_told_from_a_scheme_folder(tmp_path: Path) -> None:
    (tmp_path / "adrg_codes.csv").write_text("rule,role,group,code\n", encoding="utf-8")
    message = refused(tmp_path)
    assert [word for word in (str(tmp_path), "interchange tables", "scheme import") if word not in message] == []


def test_a_folder_without_a_scheme(tmp_path: Path) -> None:
    message = refused(tmp_path)
    assert str(tmp_path) in message
    assert "scheme.toml" in message


def test_a_path_into_nothing(tmp_path: Path) -> None:
    assert str(tmp_path / "nothing") in refused(tmp_path / "nothing")


# --- copies of a packaged scheme ---------------------------------------------------------------------------------


def drop_first_line_with(text: str) -> Callable[[str], str]:
    def edit(content: str) -> str:
        lines = content.splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if text in line)
        return "".join(lines[:at] + lines[at + 1 :])

    return edit


PACKAGED: list[tuple[str, Callable[[str], str], list[str]]] = [
    ("scheme.toml", drop_first_line_with("version ="), ["scheme.toml", "'version'", "missing"]),
    ("rules.toml", drop_first_line_with("adrg ="), ["rules.toml", "mdc[0] (MDC A) rule[0]", "'adrg'"]),
    ("diagnoses.txt", drop_first_line_with("[MDCB.dx]"), ["MDC B", "'gate'", "'MDCB.dx' is unknown", "diagnoses.txt"]),
    (
        "procedures.txt",
        drop_first_line_with("[AA1.proc]"),
        ["(AA1)", "'when'", "'AA1.proc' is unknown", "procedures.txt"],
    ),
    ("scheme.toml", lambda text: text.replace('digest = "', 'digest = "0'), ["'diagnosis_digest'", "Import"]),
    ("rules.toml", lambda text: text.replace("pdx in @dx", "pdx in @dxx", 1), [".dxx' is unknown", ".dx]"]),
]


@pytest.mark.parametrize(("file", "edit", "words"), PACKAGED)
def test_a_damaged_copy_of_a_packaged_scheme(
    file: str, edit: Callable[[str], str], words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(SCHEME_FOLDER / "chs-drg-1.1", folder)
    (folder / file).write_text(edit((folder / file).read_text(encoding="utf-8")), encoding="utf-8")
    message = refused(folder)
    assert [word for word in words if word not in message] == [], message


def test_an_unchanged_copy_means_the_same(tmp_path: Path) -> None:
    shutil.copytree(SCHEME_FOLDER / "chs-drg-1.1", tmp_path / "copy")
    assert load_scheme(tmp_path / "copy").digest == load_scheme("chs-drg-1.1").digest


# --- files of names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "words"), [(b"a,b\n1,2\n", ["lack code or name"]), (b"", ["lack code or name"])])
def test_names_without_their_columns(content: bytes, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_bytes(content)
    with pytest.raises(SchemeError) as caught:
        read_names(tmp_path / "names.csv")
    assert [word for word in [*words, "names.csv"] if word not in str(caught.value)] == []


def test_names_in_either_encoding(tmp_path: Path) -> None:
    text = "code,name\nA00.000,霍乱\n"
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        (tmp_path / "names.csv").write_text(text, encoding=encoding)
        assert read_names(tmp_path / "names.csv") == {"A00.000": "霍乱"}
