"""Interchange tables -> scheme folder: meaning, remarks, errors, and a folder that appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from drawn import TRUE, Tables, first, pdx, rule, small_tables, write_tables

import drgengine
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.grouper.interchange import ImportRemark, import_scheme
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.schemefile import load_scheme


def imported(tables: Tables, tmp_path: Path, meta: Any = None) -> list[ImportRemark]:
    return import_scheme(write_tables(tables, tmp_path / "tables", meta), tmp_path / "scheme", overwrite=True)


def answer(folder: Path, dx: list[str], proc: list[str] | None = None, **facts: Any) -> tuple[str, str | None]:
    """(status, drg) of one case, the same by kernel and by reference."""
    row = {"dx": [dx], "proc": [proc or []], "sex": [facts.pop("sex", 1)], "age_years": [facts.pop("age_years", 40)]}
    department = facts.pop("department", "")
    table = row | {"department_id": [department]} | {name: [value] for name, value in facts.items()}
    result = drgengine.group(table, scheme=folder).select(["status", "drg"]).to_pylist()[0]
    numbers = {name: float(value) for name, value in facts.items()} | {"age_years": float(row["age_years"][0])}
    found = decide(load_scheme(folder), Case(tuple(dx), tuple(proc or []), row["sex"][0], numbers, department))
    assert (found.status, found.drg) == (result["status"], result["drg"])
    return result["status"], result["drg"]


# --- meaning ----------------------------------------------------------------------------------------------------


def test_the_small_scheme_groups_as_by_hand(tmp_path: Path) -> None:
    assert imported(small_tables(), tmp_path) == []
    folder = tmp_path / "scheme"
    assert answer(folder, ["I21.000", "J96.000"], ["37.2200"]) == ("grouped", "AR11")
    assert answer(folder, ["I21.100", "J96.000"], ["37.2200"]) == ("grouped", "AR15")  # same exclusion list
    assert answer(folder, ["I21.000"], ["37.2200"]) == ("grouped", "AR15")
    assert answer(folder, ["I21.200"], ["37.2200"]) == ("ungroupable", "0000")  # not in the rule's list
    assert answer(folder, ["I21.000"]) == ("ungroupable", "0000")
    scheme = load_scheme(folder)
    assert (scheme.id, scheme.mdcs[0].name, scheme.mdcs[0].rules[0].groups[0].name) == ("small", "循环", "重")


# Every atom: its JSON, facts of a case that meets it, facts of one that does not.
Facts = dict[str, Any]
ATOMS: list[tuple[Any, Facts, Facts]] = [
    ({"atom": "true"}, {}, {"sex": 0}),
    ({"not": {"atom": "false"}}, {}, {"age_years": None}),
    ({"atom": "any_dx_in", "list": "dx1"}, {"dx": ["E10.000"]}, {"dx": ["E11.000"]}),
    ({"atom": "sdx_in", "list": "dx_sec"}, {"dx": ["", "E11.000"]}, {"dx": ["E10.000"]}),
    ({"atom": "any_dx_prefix", "prefix": "P07."}, {"dx": ["P07.xyz"]}, {"dx": ["P08.000"]}),
    ({"atom": "first_proc_in", "list": "proc"}, {"proc": ["37.2200", "38.0000"]}, {"proc": ["38.0000", "37.2200"]}),
    ({"atom": "any_proc_in", "list": "proc1"}, {"proc": ["01.0100", "38.0000"]}, {"proc": ["37.2200"]}),
    ({"atom": "other_proc_in", "list": "proc2"}, {"proc": ["01.0100", "37.2200"]}, {"proc": ["37.2200", "01.0100"]}),
    ({"atom": "first_proc_in", "codes": ["96.0400"]}, {"proc": ["96.0400"]}, {"proc": ["01.0100", "96.0400"]}),
    ({"atom": "any_proc_in", "codes": ["96.0400"]}, {"proc": ["01.0100", "96.0400"]}, {"proc": ["96.7201"]}),
    ({"atom": "other_proc_in", "codes": ["96.0400"]}, {"proc": ["01.0100", "96.0400"]}, {"proc": ["96.0400"]}),
    ({"atom": "proc_group_hit", "group": 2}, {"proc": ["01.0100", "39.0000"]}, {"proc": ["38.0000"]}),
    ({"atom": "has_proc"}, {"proc": ["99.zzz"]}, {"proc": [""]}),
    ({"atom": "has_other_proc"}, {"proc": ["", "99.zzz"]}, {"proc": ["37.2200", ""]}),
    ({"atom": "has_sdx"}, {"dx": ["", "Z98.zzz"]}, {"dx": [""]}),
    ({"atom": "first_proc_is_operation"}, {"proc": ["37.2200"]}, {"proc": ["01.0100", "37.2200"]}),
    ({"atom": "any_proc_is_operation"}, {"proc": ["01.0100", "37.2200"]}, {"proc": ["01.0100"]}),
    ({"atom": "sex", "value": 2}, {"sex": 2}, {"sex": 1}),
    ({"atom": "dept", "op": "eq", "value": "ICU"}, {"department": "ICU"}, {"department": "NICU"}),
    ({"atom": "dept", "op": "ne", "value": "ICU"}, {"department": ""}, {"department": "ICU"}),
    ({"atom": "age_years", "op": "lt", "value": 17}, {"age_years": 16}, {"age_years": 17}),
    ({"atom": "age_days", "op": "le", "value": 28}, {"age_days": 28}, {"age_days": 29}),
    ({"atom": "birth_weight_g", "op": "ge", "value": 1500}, {"birth_weight_g": 1500}, {"birth_weight_g": 1499}),
    ({"atom": "los_days", "op": "gt", "value": 60}, {"los_days": 61}, {"los_days": 60}),
    ({"atom": "icu_hours", "op": "eq", "value": 24}, {"icu_hours": 24}, {"icu_hours": 25}),
    ({"atom": "icu_hours", "op": "lt", "value": 24}, {"icu_hours": 0}, {}),
    ({"atom": "age_days_present"}, {"age_days": 0}, {}),
    ({"atom": "birth_weight_present"}, {"birth_weight_g": 1}, {"birth_weight_g": 0}),
    ({"atom": "discharge_disposition_in", "values": [4, "5"]}, {"discharge_disposition": 5},
     {"discharge_disposition": 1}),
    ({"atom": "trauma_sites", "op": "ge", "value": 2}, {"dx": ["S00.000", "S40.000"]}, {"dx": ["S00.000", "S00.100"]}),
    ({"atom": "has_mcc"}, {"dx": ["J96.000"]}, {"dx": ["I10.x00"]}),
    ({"atom": "has_cc"}, {"dx": ["I10.x00"]}, {"dx": ["J96.000"]}),
    ({"any": [{"atom": "sex", "value": 2}, {"atom": "has_cc"}]}, {"sex": 2}, {"sex": 1}),
    ({"all": [{"atom": "sex", "value": 2}, {"not": {"atom": "has_cc"}}]}, {"sex": 2}, {"sex": 2, "dx": ["I10.x00"]}),
    ({"all": []}, {}, {"sex": 0}),
    ({"any": [{"any": []}, {"atom": "has_cc"}]}, {"dx": ["I10.x00"]}, {}),
]  # fmt: skip


def every_atom() -> Tables:
    """A rule for each atom, told apart by the principal diagnosis T00.000, T01.000, ..."""
    tables = small_tables()
    tables["mdc.csv"] = [{"mdc": "A", "order": "1", "condition": json.dumps(TRUE)}]
    sites = {"S00.000": "head", "S00.100": "head", "S40.000": "arm"}
    tables["mdc_dx.csv"] = [{"mdc": "A", "code": code, "site": site} for code, site in sites.items()]
    tables["adrg.csv"], tables["drg.csv"], tables["adrg_codes.csv"] = [], [], []
    for number, (atom, _, _) in enumerate(ATOMS):
        name = f"R{number:02d}"
        tables["adrg.csv"].append(rule(name, {"all": [pdx(), atom]}, order=number))
        row = {"drg": f"{name}9", "rule": name, "order": "1", "name": "", "condition": json.dumps(TRUE)}
        tables["drg.csv"].append(row)
        lists = [("dx", "", f"T{number:02d}.000"), ("dx1", "", "E10.000"), ("dx_sec", "", "E11.000")]
        lists += [
            ("proc", "1", "37.2200"),
            ("proc1", "", "38.0000"),
            ("proc2", "", "37.2200"),
            ("proc", "2", "39.0000"),
        ]
        tables["adrg_codes.csv"] += [{"rule": name, "role": r, "group": g, "code": c} for r, g, c in lists]
    return tables


@pytest.fixture(scope="module")
def atoms_scheme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atoms")
    remarks = imported(every_atom(), folder)
    assert {remark.kind for remark in remarks} == {"list_not_used", "code_not_in_edition"}
    return folder / "scheme"


@pytest.mark.parametrize("number", range(len(ATOMS)), ids=lambda n: json.dumps(ATOMS[n][0]))
def test_every_atom_of_the_notation(number: int, atoms_scheme: Path) -> None:
    _, meets, misses = ATOMS[number]
    for facts, holds in ((meets, True), (misses, False)):
        given = dict(facts)
        secondary, proc = given.pop("dx", []), given.pop("proc", [])
        if given.get("age_years", 1) is None or given.get("sex") == 0:
            continue
        found = answer(atoms_scheme, [f"T{number:02d}.000", *secondary], proc, **given)
        assert found == (("grouped", f"R{number:02d}9") if holds else ("ungroupable", "0000")), facts


def test_lists_of_single_groups(tmp_path: Path) -> None:
    tables = small_tables()
    for drg, code in (("AR11", "38.0000"), ("AR15", "00.4500")):
        tables["adrg_codes.csv"].append({"rule": "AR1", "role": f"{drg}:proc", "group": "", "code": code})
        row = next(row for row in tables["drg.csv"] if row["drg"] == drg)
        row["condition"] = json.dumps({"atom": "other_proc_in", "list": f"{drg}:proc"})
    assert imported(tables, tmp_path) == []
    assert answer(tmp_path / "scheme", ["I21.000"], ["37.2200", "00.4500"]) == ("grouped", "AR15")
    assert answer(tmp_path / "scheme", ["I21.000"], ["37.2200", "38.0000", "00.4500"]) == ("grouped", "AR11")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("fallthrough", ("grouped", "AR29")), ("return", ("ambiguous", "AR1")), ("return_adrg", ("grouped", "AR1")),
     ("return_adrg:AQ7", ("grouped", "AQ7"))],
)  # fmt: skip
def test_what_follows_when_no_group_holds(stated: str, expected: tuple[str, str], tmp_path: Path) -> None:
    tables = small_tables()
    tables["adrg.csv"] = [rule("AR1", pdx(), on_no_drg=stated), rule("AR2", TRUE, order=2)]
    tables["drg.csv"][1] = {"drg": "AR29", "rule": "AR2", "order": "1", "name": "", "condition": json.dumps(TRUE)}
    imported(tables, tmp_path)
    assert answer(tmp_path / "scheme", ["I21.000"]) == expected


def test_order_is_a_number_not_a_text(tmp_path: Path) -> None:
    tables = small_tables()
    tables["adrg.csv"] = [
        rule("AR10", TRUE, order=10, on_no_drg="return_adrg"),
        rule("AR9", TRUE, order=9, on_no_drg="return_adrg"),
    ]
    tables["adrg_codes.csv"], tables["drg.csv"] = (
        [tables["adrg_codes.csv"][0] | {"rule": "AR9"}],
        [tables["drg.csv"][0] | {"rule": "AR9"}],
    )
    imported(tables, tmp_path)
    assert answer(tmp_path / "scheme", ["I21.000"]) == ("grouped", "AR9")


# --- remarks ----------------------------------------------------------------------------------------------------


def remarked(tables: Tables, tmp_path: Path, kind: str) -> ImportRemark:
    found = [remark for remark in imported(tables, tmp_path) if remark.kind == kind]
    assert len(found) == 1, found
    assert str(found[0]).startswith(f"{kind}: ")
    load_scheme(tmp_path / "scheme")
    return found[0]


@pytest.mark.parametrize(
    ("table", "row", "kind", "words"),
    [
        ("mdc_dx.csv", {"mdc": "A", "code": "^Z56.400", "site": ""},
         "malformed_code", ["mdc_dx.csv line 5", "'^Z56.400'"]),
        ("adrg_codes.csv", {"rule": "AR1", "role": "dx", "group": "", "code": ""}, "malformed_code", ["line 5", "''"]),
        ("operations.csv", {"code": "37.22 00"}, "malformed_code", ["operations.csv line 3", "'37.22 00'"]),
        ("mdc_dx.csv", {"mdc": "A", "code": "I21.200", "site": ""},
         "duplicate_code", ["mdc_dx.csv", "[MDCA.dx]", "I21.200"]),
        ("mcc.csv", {"code": "J96.000", "exclusion_list": "2"},
         "two_exclusion_lists", ["mcc.csv J96.000", "1 and 2", "last"]),
        ("exclusion.csv", {"principal_dx": "I21.100", "exclusion_list": "7"},
         "two_exclusion_lists", ["exclusion.csv I21.100"]),
        ("adrg_codes.csv", {"rule": "AR1", "role": "proc2", "group": "", "code": "38.0000"},
         "list_not_used", ["AR1.proc2", "1 codes"]),
        ("mdc_dx.csv", {"mdc": "Q", "code": "I21.000", "site": ""}, "list_not_used", ["MDCQ.dx"]),
        ("mdc_dx.csv", {"mdc": "A", "code": "I21.x7x7", "site": ""},
         "code_not_in_edition", ["1 diagnosis", "I21.x7x7", "extra"]),
        ("operations.csv", {"code": "37.x7x7"}, "code_not_in_edition", ["1 procedure", "37.x7x7", "extra"]),
        ("drg.csv", {"drg": "AX1", "rule": "AX", "order": "1", "name": "", "condition": "{\"atom\": \"true\"}"},
         "group_without_rule", ["drg.csv AX", "1 groups"]),
    ],
)  # fmt: skip
def test_what_import_remarks(table: str, row: dict[str, str], kind: str, words: list[str], tmp_path: Path) -> None:
    tables = small_tables()
    tables[table].append(row)
    text = str(remarked(tables, tmp_path, kind))
    assert [word for word in words if word not in text] == [], text


def test_a_list_without_codes_matches_nothing(tmp_path: Path) -> None:
    tables = small_tables()
    tables["adrg.csv"][0]["condition"] = json.dumps({"all": [pdx(), first("proc1")]})
    assert "AR1.proc1" in str(remarked(tables, tmp_path, "empty_list"))
    assert answer(tmp_path / "scheme", ["I21.000"], ["37.2200"]) == ("ungroupable", "0000")


def test_of_two_body_regions_the_last_counts(tmp_path: Path) -> None:
    tables = small_tables()
    tables["mdc_dx.csv"] += [{"mdc": "A", "code": "S00.000", "site": site} for site in ("head", "arm")]
    text = str(remarked(tables, tmp_path, "two_body_regions"))
    assert [word for word in ("S00.000", "head and arm", "last") if word not in text] == []
    assert load_scheme(tmp_path / "scheme").sites.holding("S00.000") == ["arm"]


def test_of_two_procedure_groups_the_first_counts(tmp_path: Path) -> None:
    tables = small_tables()
    tables["adrg_codes.csv"] += [
        {"rule": "AR1", "role": "proc1", "group": group, "code": code}
        for group, code in (("1", "38.0000"), ("2", "38.0000"), ("2", "39.0000"))
    ]
    tables["adrg.csv"][0]["condition"] = json.dumps({"atom": "any_proc_in", "list": "proc1/2"})
    assert "group 1 only" in str(remarked(tables, tmp_path, "two_procedure_groups"))
    held = load_scheme(tmp_path / "scheme").lists["AR1.proc1/2"]
    assert ("38.0000" in held, "39.0000" in held) == (False, True)


def test_of_two_exclusion_lists_the_last_counts(tmp_path: Path) -> None:
    tables = small_tables()
    tables["mcc.csv"].append({"code": "J96.000", "exclusion_list": "2"})
    imported(tables, tmp_path)
    assert load_scheme(tmp_path / "scheme").mcc.holding("J96.000") == ["2"]
    assert answer(tmp_path / "scheme", ["I21.100", "J96.000"], ["37.2200"]) == ("grouped", "AR11")


def test_the_line_named_is_the_line_of_the_file(tmp_path: Path) -> None:
    """Blank lines are skipped but counted."""
    folder = write_tables(small_tables(), tmp_path / "tables")
    (folder / "operations.csv").write_text("code\n\n37.2200\n\n?\n", encoding="utf-8")
    assert [str(r) for r in import_scheme(folder, tmp_path / "scheme") if "operations.csv line 5" in str(r)]


def test_body_regions_whose_names_differ_only_in_blanks_stay_apart(tmp_path: Path) -> None:
    tables = small_tables()
    regions = {"S00.000": "upper arm", "S40.000": "upper_arm"}
    tables["mdc_dx.csv"] += [{"mdc": "A", "code": code, "site": site} for code, site in regions.items()]
    imported(tables, tmp_path)
    sites = load_scheme(tmp_path / "scheme").sites
    assert sites.holding("S00.000")
    assert sites.holding("S40.000")


@pytest.mark.parametrize(
    ("value", "wanted"), [(True, True), (False, False), ("false", False), (0, False), (None, False)]
)
def test_the_retry_option(value: Any, wanted: bool, tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables", {"scheme": "small", "retry_each_other_procedure": value})
    if not isinstance(value, bool | None):
        assert "retry_each_other_procedure" in refused(source, tmp_path / "scheme")
    else:
        import_scheme(source, tmp_path / "scheme")
        assert load_scheme(tmp_path / "scheme").retry_each_other_procedure is wanted


# --- errors -----------------------------------------------------------------------------------------------------


def refused(source: Path, folder: Path) -> str:
    with pytest.raises(DrgEngineError) as caught:
        import_scheme(source, folder)
    assert not folder.exists(), "a refused import left a folder"
    assert list(folder.parent.glob(".*")) == []
    assert caught.value.remedy.strip()
    return str(caught.value)


@pytest.mark.parametrize("table", small_tables())
def test_a_missing_table_or_column(table: str, tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    lines = (source / table).read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",")[0]
    (source / table).write_text("\n".join([lines[0].replace(column, "other", 1), *lines[1:]]), encoding="utf-8")
    message = refused(source, tmp_path / "scheme")
    assert [word for word in (str(source / table), f"lack {column}", "Name the columns") if word not in message] == []
    (source / table).unlink()
    message = refused(source, tmp_path / "scheme")
    assert [word for word in (str(source / table), "missing", column) if word not in message] == []


@pytest.mark.parametrize("row", ["37.2200,extra", '"37.2200","x"'])
def test_a_ragged_row(row: str, tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    (source / "operations.csv").write_text(f"code\n37.2200\n{row}\n", encoding="utf-8")
    assert "operations.csv line 3" in refused(source, tmp_path / "scheme")
    (source / "mcc.csv").write_text("code,exclusion_list\nJ96.000\n", encoding="utf-8")
    assert "mcc.csv line 2" in refused(source, tmp_path / "scheme")


CHANGES: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "bad_json": ("adrg.csv", {"condition": "{"}, ["adrg.csv", "AR1", "condition", "'{'"]),
    "no_json": ("mdc.csv", {"condition": ""}, ["mdc.csv", "A", "condition", "''"]),
    "unknown_atom": ("drg.csv", {"condition": '{"atom": "has_ccc"}'}, ["drg.csv", "AR11", "'has_ccc' is unknown"]),
    "unknown_op": ("mdc.csv", {"condition": '{"atom":"los_days","op":"ne","value":1}'}, ["mdc.csv", "'ne' is unknown"]),
    "not_a_number": ("mdc.csv", {"condition": '{"atom":"sex","value":NaN}'}, ["mdc.csv", "condition", "NaN"]),
    "endless": ("mdc.csv", {"condition": '{"atom":"sex","value":1e999}'}, ["mdc.csv", "condition", "1e999"]),
    "quoted": ("drg.csv", {"condition": json.dumps({"atom": "dept", "value": 'a "b"'})}, ["drg.csv", "AR11", "dept"]),
    "empty_prefix": ("mdc.csv", {"condition": '{"atom":"any_dx_prefix","prefix":""}'}, ["mdc.csv", "prefix"]),
    "bad_order": ("mdc.csv", {"order": "first"}, ["mdc.csv line 2", "column order", "'first'", "whole number"]),
    "fraction": ("adrg.csv", {"order": "1.5"}, ["adrg.csv line 2", "column order", "'1.5'"]),
    "two_signs": ("drg.csv", {"order": "--1"}, ["drg.csv line 2", "column order", "'--1'"]),
    "raised_digit": ("drg.csv", {"order": "²"}, ["drg.csv line 2", "column order", "'²'"]),
    "unknown_role": ("adrg_codes.csv", {"role": "ops"}, ["adrg_codes.csv", "'ops' is unknown", "dx"]),
    "on_no_drg": ("adrg.csv", {"on_no_drg": "stop"}, ["adrg.csv", "AR1", "on_no_drg", "'stop'", "fallthrough"]),
    "on_no_drg_slip": ("adrg.csv", {"on_no_drg": "return_adgr"}, ["on_no_drg", "'return_adgr'"]),
    "on_no_drg_tail": ("adrg.csv", {"on_no_drg": "return_adrgs"}, ["on_no_drg", "'return_adrgs'"]),
    "unknown_kind": ("adrg.csv", {"kind": "internal"}, ["adrg.csv", "'internal'", "medical"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_cell_without_meaning(name: str, tmp_path: Path) -> None:
    table, change, words = CHANGES[name]
    tables = small_tables()
    tables[table][0] |= change
    message = refused(write_tables(tables, tmp_path / "tables"), tmp_path / "scheme")
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(("table", "words"), [("mdc.csv", ["mdc.csv", "'A'"]), ("adrg.csv", ["adrg.csv", "'AR1'"])])
def test_an_mdc_or_rule_that_stands_twice(table: str, words: list[str], tmp_path: Path) -> None:
    tables = small_tables()
    tables[table].append(dict(tables[table][0]))
    message = refused(write_tables(tables, tmp_path / "tables"), tmp_path / "scheme")
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b""])
def test_a_damaged_meta_file(content: bytes, tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    (source / "meta.json").write_bytes(content)
    assert str(source / "meta.json") in refused(source, tmp_path / "scheme")


def test_a_table_that_is_not_utf8(tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    (source / "mdc.csv").write_bytes((source / "mdc.csv").read_text(encoding="utf-8").encode("gb18030"))
    assert "UTF-8" in refused(source, tmp_path / "scheme")


def test_no_folder_of_tables(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refused(tmp_path / "none", tmp_path / "scheme")


# --- the folder that is written -----------------------------------------------------------------------------------


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_importing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_tables(every_atom(), tmp_path / "tables")
    for name in ("one", "two"):
        import_scheme(source, tmp_path / name)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert {"extra_diagnosis_codes.txt", "rules.toml"} <= set(content(tmp_path / "one"))


def test_a_folder_that_exists_is_replaced_only_when_asked(tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    import_scheme(source, tmp_path / "scheme")
    before = content(tmp_path / "scheme")
    (source / "operations.csv").write_text("code\n38.0000\n", encoding="utf-8")
    with pytest.raises(OutputFileError, match=r"exists already.*overwrite"):
        import_scheme(source, tmp_path / "scheme")
    assert content(tmp_path / "scheme") == before
    import_scheme(source, tmp_path / "scheme", overwrite=True)
    assert content(tmp_path / "scheme") != before


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    with pytest.raises(OutputFileError, match="other than a scheme"):
        import_scheme(source, source, overwrite=True)
    assert (source / "mdc.csv").exists()


@pytest.mark.parametrize("step", ["write_text", "replace"])
@pytest.mark.parametrize("there", [False, True])
def test_a_failing_write_leaves_what_was_there(
    step: str, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    if there:
        import_scheme(source, tmp_path / "scheme")
    before = content(tmp_path / "scheme") if there else None

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, step, fail)
        with pytest.raises(OutputFileError, match="No space left"):
            import_scheme(source, tmp_path / "scheme", overwrite=there)
    assert (content(tmp_path / "scheme") if there else None) == before
    assert (tmp_path / "scheme").exists() == there
    assert sorted(path.name for path in tmp_path.iterdir()) == (["scheme", "tables"] if there else ["tables"])


def test_rows_that_nothing_can_reach_are_remarked(tmp_path: Path) -> None:
    tables = small_tables()
    tables["adrg_codes.csv"].append({"rule": "ZZ9", "role": "dx", "group": "", "code": "I21.000"})
    tables["adrg.csv"].append({**tables["adrg.csv"][0], "rule": "QR1", "adrg": "QR1", "mdc": "Q"})
    remarks = import_scheme(write_tables(tables, tmp_path / "tables"), tmp_path / "scheme")
    assert {remark.kind for remark in remarks} >= {"codes_without_rule", "rule_without_mdc"}
    assert "Q" not in [mdc.code for mdc in load_scheme(tmp_path / "scheme").mdcs]


@pytest.mark.parametrize("raw", ["I21.X00", " i21.x00", "I21.x00", "Ｉ21.x00"])
def test_codes_of_tables_are_mended_as_codes_of_records(raw: str, tmp_path: Path) -> None:
    tables = small_tables()
    tables["mdc_dx.csv"].append({"mdc": "A", "code": raw, "site": ""})
    import_scheme(write_tables(tables, tmp_path / "tables"), tmp_path / "scheme")
    assert "I21.x00" in load_scheme(tmp_path / "scheme").lists["MDCA.dx"]


def test_an_empty_folder_may_be_written_to_and_a_file_may_not(tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    (tmp_path / "scheme").mkdir()
    import_scheme(source, tmp_path / "scheme")
    assert load_scheme(tmp_path / "scheme").mdcs
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputFileError, match="a folder is needed"):
        import_scheme(source, tmp_path / "file", overwrite=True)


def test_an_unclosed_quote_names_its_line(tmp_path: Path) -> None:
    source = write_tables(small_tables(), tmp_path / "tables")
    with (source / "operations.csv").open("a", encoding="utf-8") as file:
        file.write('"39.0000\n')
    assert "operations.csv line" in refused(source, tmp_path / "scheme")
