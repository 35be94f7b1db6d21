"""Headers -> canonical columns."""

import pickle

import pyarrow as pa
import pytest

from drgengine.cases import CASE_SCHEMA, CodeColumns, drop_personal, missing_required, resolve_columns
from drgengine.cases.vocabulary import column_data, fold, role_of
from drgengine.errors import CaseTableError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA

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
        ["principal diagnosis", "not recognised: diagnose.", '"diagnose" = "dx_principal"', "--columns"],
    ),
    (schema("sex", "其他诊断编码1"), {}, ["principal diagnosis", "another meaning: sex, 其他诊断编码1"]),
    (schema("dx2", "dx3"), {}, ["principal diagnosis"]),
    (schema("dx", "proc2"), {}, ["first procedure", "proc2"]),
    (schema("age", "NL", "dx"), {}, ["'age'", "'NL'", "both", "age_years", "extra"]),
    (schema("dx_principal", dx=CODES), {}, ["'dx_principal'", "'dx'", "both"]),
    (schema("dx_principal", "dx1"), {}, ["both", "dx_principal"]),
    (schema("dx", proc=pa.list_(pa.float64())), {}, ["'proc'", "double", "text"]),
    (schema("dx1", dx2=pa.bool_()), {}, ["'dx2'", "bool"]),
    (schema("dx1", dx2=pa.dictionary(pa.int8(), pa.int64())), {}, ["'dx2'", "int64"]),
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


def refusal(columns, mapping=None):
    with pytest.raises(CaseTableError) as caught:
        resolve_columns(columns, mapping, source="may.csv")
    return str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        ["张三", "110101199003071233", "13912345678", "I10.x00x002", "1", "63"],
        ["李四", "139-1234-5678", "column_3", "column_4", "1958-03-01", "A01"],
        ["王五", "2", "I10.x00", "column_4", "column_5"],
    ],
)
def test_a_first_case_in_place_of_headers_is_not_quoted(row):
    message = refusal(schema(*row))
    assert "look like the values of a case" in message
    assert "dx_principal" in message
    assert not [value for value in row if value in message and len(value) > 1]


def test_shown_names_are_short_and_hold_no_numbers_of_persons():
    names = [
        "ward",
        "zyzd\n\x1b[31m",
        "tel 139 1234 5678",
        "１１０１０１１９９０",
        "x" * 50,
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
    ]
    message = refusal(schema(*names, "last"))
    shown = f"not recognised: ward, zyzd [31m, …, …, {'x' * 40}…, a, b, c, d, e, f, g and 1 more"
    assert shown in message
    assert "\n" not in message
    assert "nearest: m 1" not in refusal(schema("ward", "m 139123456"), {"m 13912345": "dx"})


def test_a_near_header_is_named_as_a_line_to_copy_only_when_shown_whole():
    assert '"diagnose" = "dx_principal"' in refusal(schema("diagnose", "ward"))
    assert '"THEIR HEADER" = "dx_principal"' in refusal(schema("main\ndiagnose", "ward"))


def test_only_headers_that_were_not_recognised_are_listed():
    message = refusal(schema("XBB", "NL1", "sex", "其他诊断编码1", "bed", "SSBM"), {"bed": "extra"})
    assert "no column holds the principal diagnosis (主要诊断编码). Headers that were not recognised: " in message
    assert "not recognised: XBB, NL1, SSBM. Name the column in a mapping file (--columns map.toml)" in message
    assert message.endswith('with a line such as "THEIR HEADER" = "dx_principal".')
    assert "another meaning: sex, 其他诊断编码1." in refusal(schema("sex", "其他诊断编码1"))


@pytest.mark.parametrize(
    "header", ["主要诊断名称", "main_diagnosis_name", "主要手术编码S", "其他诊断编", "患者诊断姓名"]
)
def test_names_and_other_codes_are_not_offered_as_principal_diagnosis(header):
    assert '"THEIR HEADER"' in refusal(schema("sex", header))
    assert '"主要诊断" = "dx_principal"' in refusal(schema("sex", header, "主要诊断"))


def test_required_columns_that_no_header_feeds():
    assert missing_required(resolve_columns(schema("dx1"))) == ("sex", "age_years")
    assert missing_required(resolve_columns(schema("dx1", "XB", "years"), {"years": "age_years"})) == ()


@pytest.mark.parametrize("mapping", [["a", "dx"], [], "dx", 5, {("a", "b")}])
def test_a_mapping_that_is_none(mapping):
    assert f"is a {type(mapping).__name__}, not a dict" in refusal(schema("dx"), mapping)


def test_a_mapping_of_no_text():
    assert "names the column 5" in refusal(schema("dx"), {5: "dx"})


def test_personal_fields_inside_a_struct():
    person = pa.struct([("name", TEXT), ("phone", TEXT)])
    columns = schema(
        "ward",
        contact=person,
        family=pa.list_(person),
        deep=pa.struct([("rest", pa.list_(pa.struct([("联系电话", TEXT)])))]),
        by_kin=pa.map_(TEXT, person),
        patient=person,
        bed=pa.struct([("floor", TEXT), ("number", pa.int8())]),
        tags=pa.list_(TEXT),
        dx=pa.list_(pa.struct([("code", TEXT), ("name", TEXT)])),
    )
    assert drop_personal(columns) == ("contact", "family", "deep", "by_kin", "patient")
    assert "list" in refusal(columns.remove(columns.get_field_index("patient")))


def test_converted_front_pages_need_no_mapping() -> None:
    """record_no and the times say more of case_id and the dates, and pass through beside them."""
    found = resolve_columns(FRONT_PAGE_SCHEMA)
    assert found.scalars["case_id"] == "case_id"
    assert found.scalars["discharge_date"] == "discharge_date"
    assert {"record_no", "admission_time", "discharge_time", "dx_status"} <= set(found.extras)
    alone = resolve_columns(pa.schema([("record_no", pa.string()), ("dx", CODES)]))
    assert alone.scalars["case_id"] == "record_no"
    with pytest.raises(CaseTableError, match="both hold case_id"):
        resolve_columns(pa.schema([("case_id", pa.string()), ("BAH", pa.string()), ("dx", CODES)]))
