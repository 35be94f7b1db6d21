"""Headers -> canonical columns."""

import pickle

import pyarrow as pa
import pytest

from drgengine.cases import CASE_SCHEMA, CodeColumns, drop_personal, resolve_columns
from drgengine.cases.vocabulary import column_data, fold, role_of
from drgengine.errors import CaseTableError

TEXT = pa.string()
CODES = pa.list_(pa.string())


def schema(*names, **typed):
    return pa.schema([(name, TEXT) for name in names] + list(typed.items()))


def test_case_schema_has_all_columns():
    assert len([name for name in CASE_SCHEMA.names if name.startswith("charge_")]) == 24
    assert CASE_SCHEMA.field("dx").type == CODES
    assert CASE_SCHEMA.names[:4] == ["case_id", "patient_id", "hospital_id", "department_id"]


def test_no_header_stands_for_two_columns():
    seen = {}
    entries = [(n, [n, *e["aliases"]]) for n, e in column_data()["column"].items()]
    entries += [(n + p, e[p]) for n, e in column_data()["codes"].items() for p in ("list", "principal", "other")]
    for owner, headers in entries:
        for header in headers:
            assert seen.setdefault(fold(header), owner) == owner, header


@pytest.mark.parametrize("name", CASE_SCHEMA.names)
def test_canonical_names_and_titles_are_known(name):
    assert role_of(name).name == name
    title = CASE_SCHEMA.field(name).metadata[b"title"].decode()
    if title not in ("患者标识（假名）",):
        assert role_of(title).name == name


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("Ａge_Years", "age_years"),
        ("年龄(A14)", "age_years"),
        ("出院主要诊断编码（C03C）", "dx_principal"),
        ("C06X07C", "dx_other7"),
        ("JBDM15", "dx_other15"),
        ("SSJCZBM3", "proc3"),
        ("其他诊断编码 2", "dx_other2"),
        ("dept", "department_id"),
        ("年龄（岁）", "age_years"),
        ("年龄（天）", "age_days"),
        ("出生体重(克)", "birth_weight_g"),
    ],
)
def test_known_headers(header, label):
    assert role_of(header).label == label


@pytest.mark.parametrize("header", ["年龄(月)", "出生体重(kg)", "主要诊断", "ward", "dx_name"])
def test_other_units_and_names_are_not_taken(header):
    assert role_of(header) is None


def test_list_columns():
    found = resolve_columns(schema("sex", "ward", dx=CODES, proc=pa.large_list(TEXT)))
    assert found.dx == CodeColumns(rest="dx", rest_is_list=True)
    assert found.proc.rest_is_list
    assert found.extras == ("ward",)


def test_slots_follow_the_number_not_the_position():
    found = resolve_columns(schema("dx10", "dx2", "dx1"))
    assert found.dx.slots == ((0, "dx1"), (1, "dx2"), (9, "dx10"))
    assert found.proc is None


def test_slots_may_count_from_zero():
    assert resolve_columns(schema("dx_0", "dx_1")).dx.slots == ((0, "dx_0"), (1, "dx_1"))


def test_n041_page():
    found = resolve_columns(schema("XB", "NL", "BAH", "JBDM", "JBDM1", "JBDM2", "SSJCZBM1", "SSJCZBM2", "LYFS"))
    assert found.dx.slots == ((0, "JBDM"), (1, "JBDM1"), (2, "JBDM2"))
    assert found.proc.slots == ((0, "SSJCZBM1"), (1, "SSJCZBM2"))
    assert found.scalars == {
        "sex": "XB",
        "age_years": "NL",
        "case_id": "BAH",
        "discharge_disposition": "LYFS",
    }


def test_principal_and_secondary_list():
    found = resolve_columns(schema("主要诊断编码", 其他诊断编码=CODES))
    assert found.dx == CodeColumns(((0, "主要诊断编码"),), "其他诊断编码", True)


def test_mapping_beats_headers_and_extra_frees_a_column():
    names = schema("A14", "my age", "dx")
    assert resolve_columns(names, {"my age": "age_years"}).scalars == {"age_years": "my age"}
    assert resolve_columns(names, {"A14": "extra"}).scalars == {}
    assert resolve_columns(schema("a", "b", "c"), {"b": "dx1", "a": "dx2"}).dx.slots == ((0, "b"), (1, "a"))


BROKEN = [
    (
        schema("sex", "diagnose"),
        {},
        ["principal diagnosis", "sex, diagnose", "nearest: diagnose", "--columns"],
    ),
    (schema("sex", "其他诊断编码1"), {}, ["principal diagnosis", "其他诊断编码1"]),
    (schema("dx2", "dx3"), {}, ["principal diagnosis"]),
    (schema("dx", "proc2"), {}, ["first procedure", "proc2"]),
    (schema("age", "NL", "dx"), {}, ["'age'", "'NL'", "both", "age_years", "extra"]),
    (schema("dx_principal", dx=CODES), {}, ["'dx_principal'", "'dx'", "both"]),
    (schema("dx_principal", "dx1"), {}, ["both", "dx_principal"]),
    (schema("dx", proc=pa.list_(pa.float64())), {}, ["'proc'", "double", "text"]),
    (schema("dx1", dx2=pa.float64()), {}, ["'dx2'", "double"]),
    (schema("dx", age=CODES), {}, ["'age'", "list", "number"]),
    (schema("dx"), {"dy": "dx"}, ["'dy'", "nearest: dx"]),
    (schema("dx", "w"), {"w": "birth_weight"}, ["'birth_weight'", "nearest: birth_weight_g"]),
    (pa.schema([("dx", TEXT), ("dx", TEXT)]), {}, ["two columns", "'dx'"]),
]


@pytest.mark.parametrize(("columns", "mapping", "words"), BROKEN)
def test_unusable_tables_say_why(columns, mapping, words):
    with pytest.raises(CaseTableError) as caught:
        resolve_columns(columns, mapping, source="may.csv")
    assert all(word in str(caught.value) for word in ["may.csv", *words]), str(caught.value)


def test_column_map_survives_pickling():
    found = resolve_columns(schema("sex", "dx1", "dx2"))
    assert pickle.loads(pickle.dumps(found)) == found


def test_personal_columns():
    names = [
        "XM",
        "姓名(A11)",
        "身份证号",
        "现住址",
        "联系人电话",
        "patient_name",
        "Phone No",
        "A20",
        "C18x01",
    ]
    kept = ["dx", "sex", "hospital_name", "BAH", "XB", "A14", "C03C", "诊断名称", "ward"]
    assert drop_personal(schema(*names, *kept)) == tuple(names)


def test_no_column_of_the_case_table_is_personal():
    headers = [h for e in column_data()["column"].values() for h in e["aliases"]]
    headers += [
        h.replace("#", "1") for e in column_data()["codes"].values() for h in e["list"] + e["principal"] + e["other"]
    ]
    assert drop_personal(schema(*CASE_SCHEMA.names, *headers)) == ()
