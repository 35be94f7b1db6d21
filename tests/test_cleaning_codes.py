"""Cleaning of code lists: every kind of dirt, and a plain restatement of splitting, joining and holes."""

from __future__ import annotations

import re
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.cases.editions import load_edition
from drgengine.cases.issues import issue_rules
from drgengine.formats.cleaning.cleancodes import clean_code_list, clean_codes
from drgengine.formats.cleaning.codecell import CellOptions, is_filler, read_cell
from drgengine.formats.cleaning.codeflat import CodeSlot
from drgengine.formats.cleaning.result import CleanedCodes
from drgengine.formats.frontpage.codelists import clean_single_code

DX = load_edition("icd10-yb-2.0").known
PROC = load_edition("icd9cm3-yb-2.0").known
MORPHOLOGY = re.compile(r"[Mm][0-9]{4,5}/[0-9]")

# raw, codes, rules (those of mending first)
DX_CELLS = [
    ("I10.x00x002", ["I10.x00x002"], []),
    ("A18.808+I32.0*", ["A18.808+I32.0*"], []),
    ("M8140/3", ["M8140/3"], []),
    ("D77*", ["D77*"], []),
    ("I10.x05", ["I10.x05"], []),
    ("I10.X00", ["I10.x00"], ["code_capital_x"]),
    ("i10.X00", ["I10.x00"], ["code_lower_case", "code_capital_x"]),
    ("\xa0I10.x00\t", ["I10.x00"], ["code_blanks"]),
    ("I10\r\n.x00", ["I10.x00"], ["code_blanks"]),
    ("Ｉ10．x00", ["I10.x00"], ["code_full_width"]),
    ("A18.808＋I32.0＊", ["A18.808+I32.0*"], ["code_full_width"]),
    ("A18.808†I32.0*", ["A18.808+I32.0*"], ["code_dagger"]),
    ("A18.808 + I32.0*", ["A18.808+I32.0*"], ["code_blanks"]),
    ("null", [], ["filler"]),
    ("——", [], ["filler"]),
    ("\\", [], ["filler"]),
    ("无", [], ["filler"]),
    ("I10.x00+E11.900", ["I10.x00+E11.900"], ["code_plus_ambiguous"]),
    ("C34.900+M8140/3", ["C34.900+M8140/3"], ["code_plus_ambiguous"]),
    ("A17.000+", ["A17.000"], ["code_affix"]),
    ("I10x00x002", ["I10.x00x002"], ["code_dot_missing"]),
    ("E11900", ["E11.900"], ["code_dot_missing"]),
    ("E11977", ["E11977"], ["code_malformed"]),
    ("I219", ["I219"], ["code_short"]),
    ("E11.9", ["E11.9"], ["code_short"]),
    ("I10", ["I10"], ["code_short"]),
    ("高血压", ["高血压"], ["code_is_name"]),
    ("维生素B12缺乏", ["维生素B12缺乏"], ["code_is_name"]),
    ("T12 压缩骨折", ["T12 压缩骨折"], ["code_is_name"]),
    ("COPD", ["COPD"], ["code_is_name"]),
    ("诊断:I10.x00x002", ["I10.x00x002"], ["code_affix"]),
    ("I10.x00x002(高血压)", ["I10.x00x002"], ["code_affix"]),
    ("I10.x00x002 高血压病", ["I10.x00x002"], ["code_affix"]),
    ("诊断：i10.x00", ["I10.x00"], ["code_lower_case", "code_affix"]),
    ("诊断：Ｉ10.x00", ["I10.x00"], ["code_full_width", "code_affix"]),
    ("《I10.x00》", ["I10.x00"], ["code_affix"]),
    ("I10.x00x002待查", ["I10.x00x002"], ["code_affix"]),
    ("结核性脑膜炎A18.808+I32.0*", ["A18.808+I32.0*"], ["code_affix"]),
    ("I10.x00;", ["I10.x00"], ["code_affix"]),
    ("I10.x00;E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("I10.x00、E11.900,C34.900|X59.900", ["I10.x00", "E11.900", "C34.900", "X59.900"], ["code_several"]),
    ("I10.x00；E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("I10.x00 E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("I10.x00/E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("M8140/3/M8000/3", ["M8140/3", "M8000/3"], ["code_several"]),
    ("I10.x00 高血压;E11.900 糖尿病", ["I10.x00", "E11.900"], ["code_several"]),
    ("E11.900;X59.900", ["E11.900", "X59.900"], ["code_several"]),
]
DX_CELLS += [
    (raw, [raw], ["code_malformed"]) for raw in ("I21.900.", "I21..900", "I21.900/", "1", "00.6600", "I21,900")
]
DX_CELLS += [
    ("I10.x00,E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("I10.x00，E11.900", ["I10.x00", "E11.900"], ["code_several"]),
    ("I10.x00，", ["I10.x00"], ["code_affix"]),
    ("I21,900;E11.900", ["I21,900", "E11.900"], ["code_several"]),
    ("#N/A", [], ["spreadsheet_error"]),
    (" #value! ", [], ["spreadsheet_error"]),
]
PROC_CELLS = [
    ("96.0800x005", ["96.0800x005"], []),
    ("33.6X00", ["33.6x00"], ["code_capital_x"]),
    ("605x02", ["60.5x02"], ["code_dot_missing"]),
    ("81.51", ["81.51"], ["code_short"]),
    ("手术:81.5100", ["81.5100"], ["code_affix"]),
    ("96.0800x005/38.9301", ["96.0800x005", "38.9301"], ["code_several"]),
    ("38.9301 96.0400", ["38.9301", "96.0400"], ["code_several"]),
    ("切除10.5cm", ["切除10.5cm"], ["code_is_name"]),
    ("0.1800", ["00.1800"], ["code_zero_lost"]),
    ("3.09", ["3.09"], ["code_malformed"]),
    ("36.0600.0", ["36.0600.0"], ["code_malformed"]),
]


@pytest.mark.parametrize(
    ("kind", "raw", "codes", "rules"),
    [("dx", *cell) for cell in DX_CELLS] + [("proc", *cell) for cell in PROC_CELLS],
)
def test_each_kind_of_dirt(kind, raw, codes, rules):
    cleaned = clean_codes([CodeSlot(1, "COL", pa.array([raw]))], kind, 7, known=DX if kind == "dx" else PROC)
    met = {issue.rule: issue for issue in cleaned.issues if issue.rule not in ("principal_missing",)}
    assert [code for code in cleaned.codes.to_pylist()[0] if code] == codes
    assert sorted(met) == sorted(rule for rule in rules if rule != "filler")
    assert cleaned.counted == ({"filler": 1} if "filler" in rules else {})
    for issue in met.values():
        assert (issue.column, issue.rows.tolist(), issue.values) == ("COL", [7], [raw])
        assert issue.cleaned in (None, ["|".join(codes)])
        assert issue.rule in issue_rules()


def test_short_codes_get_at_most_five_candidates_and_no_padding():
    cleaned = clean_codes([CodeSlot(0, "JBDM", pa.array(["I10", "E11.9", "Z99.9"]))], known=DX)
    issue = cleaned.issues[0]
    assert cleaned.codes.to_pylist() == [["I10"], ["E11.9"], ["Z99.9"]]
    assert issue.hints is not None
    assert [len(hint.split()) for hint in issue.hints] == [5, 1, 1]
    assert all(code.startswith("I10") and code in DX for code in issue.hints[0].split())


def test_plus_as_asked():
    cell = pa.array(["I10.x00+E11.900+I32.0*"])
    parted = clean_codes([CodeSlot(0, "JBDM", cell)], known=DX, plus="separate")
    assert parted.codes.to_pylist() == [["I10.x00", "E11.900+I32.0*"]]
    assert [issue.rule for issue in parted.issues] == ["code_plus_separated"]
    joined = clean_codes([CodeSlot(0, "JBDM", cell)], known=DX, plus="join")
    assert (joined.codes.to_pylist(), joined.issues) == ([["I10.x00+E11.900+I32.0*"]], [])


def test_separators_as_asked():
    cell = pa.array(["I10.x00#E11.900", "I10.x00 E11.900"])
    cleaned = clean_codes([CodeSlot(0, "JBDM", cell)], known=DX, separators="#")
    assert cleaned.codes.to_pylist()[0] == ["I10.x00", "E11.900"]


def test_dagger_and_asterisk_in_neighbouring_slots():
    slots = [
        CodeSlot(0, "P", pa.array(["A18.808", "A18.808+I32.0*", "A18.808", "", "M8140/3", "A18.808"])),
        CodeSlot(1, "S1", pa.array(["I32.0*", "I32.0*", "M8140/3", "I32.0*", "I32.0*", "-"])),
        CodeSlot(2, "S2", pa.array(["G01*", "E11.900", "E11.900", "", "", "I32.0*"])),
    ]
    cleaned = clean_codes(slots, known=DX)
    assert cleaned.codes.to_pylist() == [
        ["A18.808+I32.0*", "G01*"],
        ["A18.808+I32.0*", "I32.0*", "E11.900"],
        ["A18.808", "M8140/3", "E11.900"],
        ["", "I32.0*"],
        ["M8140/3", "I32.0*"],
        ["A18.808", "", "I32.0*"],
    ]
    assert cleaned.slots.to_pylist() == [[0, 2], [0, 1, 2], [0, 1, 2], [0, 1], [0, 1], [0, 1, 2]]
    joined = [issue for issue in cleaned.issues if issue.rule == "code_dagger_joined"]
    assert [(i.column, i.rows.tolist(), i.values, i.cleaned) for i in joined] == [
        ("P", [1], ["A18.808"], ["A18.808+I32.0*"])
    ]
    procedures = clean_codes(
        [CodeSlot(0, "P", pa.array(["33.6x00"])), CodeSlot(1, "Q", pa.array(["96*"]))], "proc", known=PROC
    )
    assert procedures.codes.to_pylist() == [["33.6x00", "96*"]]


def test_added_column_joins_or_follows_and_leaves_no_hole():
    slots = [
        CodeSlot(0, "P", pa.array(["A18.808", "C34.900", ""]), None, pa.array(["I32.0*", "M8140/3", "I32.0*"]), "PA"),
        CodeSlot(1, "S1", pa.array(["E11.900", "", ""]), None, pa.array(["-", "", None]), "S1A"),
    ]
    cleaned = clean_codes(slots, known=DX)
    assert cleaned.codes.to_pylist() == [["A18.808+I32.0*", "E11.900"], ["C34.900", "M8140/3"], ["", "I32.0*"]]
    assert cleaned.slots.to_pylist() == [[0, 1], [0, 0], [0, 0]]
    assert [(i.column, i.rule) for i in cleaned.issues] == [("P", "code_dagger_joined"), ("P", "principal_missing")]
    assert cleaned.counted == {"filler": 1}


def test_name_and_code_that_changed_places():
    codes, names = pa.array(["高血压", "糖尿病", "I10.x00"]), pa.array(["i10.X00", "2型", "E11.900"])
    cleaned = clean_codes([CodeSlot(0, "JBDM", codes, names)], known=DX)
    assert cleaned.codes.to_pylist() == [["I10.x00"], ["糖尿病"], ["I10.x00"]]
    assert [(i.rule, i.rows.tolist(), i.cleaned) for i in cleaned.issues] == [
        ("code_is_name", [2], None),
        ("code_name_swapped", [1], ["I10.x00"]),
    ]


def test_holes_and_the_principal_diagnosis():
    slots = [
        CodeSlot(3, "S3", pa.array(["E11.900", "", "", "I10.X00"])),
        CodeSlot(0, "P", pa.array(["", "I10.x00", None, "I10.x00"])),
        CodeSlot(1, "S1", pa.array(["-", "E11.900", "", "I10.x00"])),
    ]
    cleaned = clean_codes(slots, first_row=1, known=DX)
    assert cleaned.codes.to_pylist()[0] == ["", "", "", "E11.900"]
    assert cleaned.codes.to_pylist()[1:3] == [["I10.x00", "E11.900"], []]
    assert [(i.column, i.rule, i.rows.tolist()) for i in cleaned.issues] == [
        ("P", "principal_missing", [1, 3]),
        ("S1", "code_hole", [1]),
        ("S1", "principal_repeated", [4]),
        ("S3", "code_capital_x", [4]),
        ("S3", "principal_repeated", [4]),
    ]
    procedures = clean_codes(
        [CodeSlot(0, "M", pa.array(["", ""])), CodeSlot(1, "O", pa.array(["33.6x00", ""]))], "proc", known=PROC
    )
    assert procedures.codes.to_pylist() == [["", "33.6x00"], []]
    assert [(i.column, i.rule, i.rows.tolist()) for i in procedures.issues] == [("M", "code_hole", [1])]


def test_lists_of_either_form():
    expected = [["I10.x00", "", "E11.900"], [], ["M8140/3", "C34.900"]]
    as_text = pa.array(["I10.x00||E11.900|", None, "M8140/3 C34.900"])
    as_list = pa.array([["I10.x00", "", "E11.900", ""], None, ["M8140/3", "C34.900"]])
    for values in (as_text, as_list, as_list.cast(pa.large_list(pa.string())), as_text.dictionary_encode()):
        cleaned = clean_code_list(values, "dx", known=DX)
        assert cleaned.codes.to_pylist() == expected
        assert [(i.rule, i.rows.tolist()) for i in cleaned.issues] == [("code_hole", [1]), ("principal_missing", [2])]


@pytest.mark.parametrize(
    "values", [pa.nulls(2), pa.array([b"\xff\xfe", None]), pa.array([1.5, 2]), pa.array([], pa.string())]
)
def test_any_type_of_column(values):
    cleaned = clean_codes([CodeSlot(0, "a", values), CodeSlot(1, "b", values)], known=DX)
    assert len(cleaned.codes) == len(values)


PIECES = st.sampled_from(
    ["I10.x00", "E11.900", "A18.808", "I32.0*", "G01*", "M8140/3", "高血压", "I10", "i10.X00", "X59.900", "-", "", "无"]
)
MARKS = st.sampled_from(["", ";", "；", "、", " ", "/", "+", "†", "|", "(", ")", ":", "\n"])
CELLS = st.one_of(
    PIECES,
    st.lists(st.tuples(PIECES, MARKS), max_size=3).map(lambda found: "".join(map("".join, found))),
    st.text(max_size=12),
    st.none(),
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=6)


def _slots(rows):
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return [
        CodeSlot(0, "P", columns[0], added=columns[1], added_column="A"),
        CodeSlot(1, "S1", columns[2]),
        CodeSlot(2, "S2", columns[3]),
    ]


def _listed(cleaned: CleanedCodes) -> Counter:
    return Counter(
        (issue.column, issue.rule, row, value, new, hint)
        for issue in cleaned.issues
        for row, value, new, hint in zip(
            issue.rows.tolist(),
            issue.values,
            issue.cleaned or [None] * len(issue.values),
            issue.hints or [None] * len(issue.values),
            strict=True,
        )
    )


@given(ROWS, st.sampled_from(["dx", "proc"]), st.sampled_from(["auto", "join", "separate"]), st.integers(0, 6))
@settings(max_examples=50)
def test_any_text_passes_and_the_cut_into_batches_does_not_matter(rows, kind, plus, cut):
    known = DX if kind == "dx" else PROC
    whole = clean_codes(_slots(rows), kind, 1, known=known, plus=plus)
    parts = [(rows[:cut], 1), (rows[cut:], 1 + min(cut, len(rows)))]
    cleaned = [clean_codes(_slots(part), kind, first, known=known, plus=plus) for part, first in parts if part]
    assert [codes for part in cleaned for codes in part.codes.to_pylist()] == whole.codes.to_pylist()
    assert [slots for part in cleaned for slots in part.slots.to_pylist()] == whole.slots.to_pylist()
    assert sum(map(_listed, cleaned), Counter()) == _listed(whole)
    assert sum((Counter(part.counted) for part in cleaned), Counter()) == Counter(whole.counted)


@given(ROWS)
@settings(max_examples=50)
def test_against_a_plain_restatement(rows):
    """Lists, slots, holes and joins worked out cell by cell, the way the rules are told."""
    cleaned = clean_codes(_slots(rows), known=DX)
    options = CellOptions("dx", DX)
    met: Counter = Counter()
    for number, row in enumerate(rows):
        placed = [[0, 0, c] for c in read_cell(row[0] or "", options).codes or ("",)]
        placed += [[0, 1, c] for c in read_cell(row[1] or "", options).codes]
        for place in (1, 2):
            placed += [[place, place + 1, c] for c in read_cell(row[place + 1] or "", options).codes or ("",)]
        while placed and not placed[-1][2]:
            placed.pop()
        if not placed or not placed[0][2]:
            met["principal_missing"] += 1
        met["code_hole"] += sum(not code for place, _, code in placed if place)
        at = 1
        while at < len(placed):
            before, code = placed[at - 1][2], placed[at][2]
            lone = re.fullmatch(r"[^+]*\*", code) and not MORPHOLOGY.match(code)
            if lone and re.fullmatch("[A-Z][0-9][0-9][0-9A-Za-z.+/]*", before) and not MORPHOLOGY.match(before):
                placed[at - 1][2] = f"{before}+{code}"
                met["code_dagger_joined"] += placed[at - 1][1] != placed[at][1]
                del placed[at]
            else:
                at += 1
        assert cleaned.codes[number].as_py() == [code for _, _, code in placed]
        assert cleaned.slots[number].as_py() == [place for place, _, _ in placed]
        again = {column for place, column, code in placed if place and code and code == placed[0][2]}
        met["principal_repeated"] += len(again)
    counts = Counter()
    for issue in cleaned.issues:
        counts[issue.rule] += issue.rows.size
    assert {rule: counts[rule] for rule in met} == dict(met)


@given(ROWS, st.sampled_from(["auto", "separate"]))
@settings(max_examples=50)
def test_no_code_is_lost_silently(rows, plus):
    cleaned = clean_codes(_slots(rows), known=DX, plus=plus)
    filled = sum(bool(cell and read_cell(cell, CellOptions("dx", DX)).codes) for row in rows for cell in row)
    left = sum(bool(code) for codes in cleaned.codes.to_pylist() for code in codes)
    joined = sum(i.rows.size for i in cleaned.issues if i.rule in ("code_dagger_joined", "code_affix", "code_several"))
    assert left >= filled - joined
    # A cell that is neither empty nor a filler gives a code, unless nothing but signs stands in it.
    for cell in (cell for row in rows for cell in row if cell):
        found = read_cell(cell, CellOptions("dx", DX, plus=plus))
        assert found.codes or found.filler or not cell.replace("†", "").strip() or not any(map(str.isalnum, cell))


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_reading_is_stable(text):
    """What cleaning gives for a single code is a clean cell: it reads as itself."""
    options = CellOptions("dx", DX)
    found = read_cell(text, options)
    if len(found.codes) == 1 and not is_filler(found.codes[0]) and found.rule in ("", "code_dot_missing"):
        assert read_cell(found.codes[0], options).codes == found.codes


def test_a_long_cell_of_blanks_and_daggers_is_read_at_once():
    assert read_cell("†" + " " * 4000 + "x", CellOptions("dx", DX)).codes
    assert read_cell("I10.x00 " * 400, CellOptions("dx", DX)).codes == ("I10.x00",) * 400
    assert read_cell("9" * 10_000_000, CellOptions("dx", DX)).rule == "code_too_long"


@pytest.mark.parametrize("mark", ["*", "**"])
def test_lone_asterisks_are_fillers_and_join_nothing(mark: str) -> None:
    """Some senders write * for no value; glued to the principal it would make a code that nothing knows."""
    slots = [CodeSlot(0, "C03C", pa.array(["I21.001"])), CodeSlot(1, "C06x01C", pa.array([mark]))]
    found = clean_codes(slots, "dx", 1, known=frozenset({"I21.001"}))
    assert found.codes.to_pylist() == [["I21.001"]]
    assert found.issues == []
    assert found.counted == {"filler": 1}


def test_text_that_ends_with_an_asterisk_joins_nothing() -> None:
    slots = [CodeSlot(0, "C03C", pa.array(["I21.001"])), CodeSlot(1, "C06x01C", pa.array(["待查*"]))]
    found = clean_codes(slots, "dx", 1, known=frozenset({"I21.001"}))
    assert found.codes.to_pylist()[0][0] == "I21.001"
    assert [issue.rule for issue in found.issues] == ["code_is_name"]


@pytest.mark.parametrize(
    ("kind", "raw", "hint"),
    [
        ("dx", "I21..900", "I21.900"),
        ("dx", "I21,900", "I21.900"),
        ("dx", "Z97977x009", "Z97.977x009"),
        ("dx", "00.6600", ""),
        ("proc", "36.0600.0", "36.0600"),
    ],
)
def test_a_malformed_code_says_what_it_may_be(kind, raw, hint):
    known = frozenset({"I21.900", "36.0600"})
    issue = clean_codes([CodeSlot(1, "COL", pa.array([raw]))], kind, known=known).issues[-1]
    assert (issue.rule, issue.hints) == ("code_malformed", [hint])


def test_a_lost_zero_is_set_only_where_one_code_reads_so():
    slot = CodeSlot(0, "COL", pa.array(["0.1800", "8.51", "3.09"]))
    known = frozenset({"00.1800", "00.1800x001", "08.5100", "08.5100x001", "03.0900"})
    cleaned = clean_codes([slot], "proc", known=known)
    assert cleaned.codes.to_pylist() == [["00.1800"], ["8.51"], ["03.0900"]]
    assert [(i.rule, i.rows.tolist(), i.cleaned, i.hints) for i in cleaned.issues] == [
        ("code_malformed", [2], None, ["08.5100 08.5100x001"]),
        ("code_zero_lost", [1, 3], ["00.1800", "03.0900"], None),
    ]


@pytest.mark.parametrize("raw", ["110101199003071233", "11010119900307123X", "13912345678", "高血压 139 1234 5678"])
def test_numbers_of_persons_leave_neither_as_codes_nor_in_issues(raw):
    for kind in ("dx", "proc"):
        cleaned = clean_codes([CodeSlot(0, "COL", pa.array([raw]))], kind, known=DX)
        number = raw.split(" ", 1)[-1]
        assert cleaned.codes.to_pylist() == [[raw.replace(number, "?")]]
        assert [(i.rule, i.values) for i in cleaned.issues] == [("code_is_name", [raw.replace(number, "…")])]
    alone = clean_single_code(pa.array([raw, "#REF!", "M8140/3"]), "COL", 1)
    assert alone.values.to_pylist() == [cleaned.codes.to_pylist()[0][0], None, "M8140/3"]
    assert [(i.rule, i.rows.tolist()) for i in alone.issues] == [("code_is_name", [1]), ("spreadsheet_error", [2])]
    assert raw not in str(alone.issues)


def test_the_error_of_a_spreadsheet_is_told_at_the_end_of_a_list_too():
    cells = [["#N/A", "I10.x00"], ["I10.x00", "E11.900"], ["#REF!", "#NAME?"]]
    columns = [CodeSlot(at, name, pa.array(column)) for at, (name, column) in enumerate(zip("PSE", cells, strict=True))]
    for cleaned in (
        clean_codes(columns, known=DX),
        clean_code_list(pa.array(list(zip(*cells, strict=True))), "P", known=DX),
    ):
        assert cleaned.codes.to_pylist() == [["", "I10.x00"], ["I10.x00", "E11.900"]]
        lost = [
            (value, row)
            for i in cleaned.issues
            if i.rule == "spreadsheet_error"
            for value, row in zip(i.values, i.rows, strict=True)
        ]
        assert sorted(lost) == [("#N/A", 1), ("#NAME?", 2), ("#REF!", 1)]
        assert [i.rows.tolist() for i in cleaned.issues if i.rule == "principal_missing"] == [[1]]


def test_a_code_in_the_name_column_beside_an_empty_cell():
    codes, names = (
        pa.array(["", "-", "", "", None]),
        pa.array(["I21.900", "i10.X00", "维生素B12缺乏", "高血压 I10.x00", "B12"]),
    )
    slots = [CodeSlot(0, "C03C", codes, names), CodeSlot(1, "C06x01C", pa.array(["E11.900"] * 5))]
    cleaned = clean_codes(slots, known=DX)
    assert [row[0] for row in cleaned.codes.to_pylist()] == ["I21.900", "I10.x00", "", "", ""]
    assert [(i.rule, i.rows.tolist(), i.hints) for i in cleaned.issues] == [
        ("code_name_swapped", [1, 2], None),
        ("principal_missing", [3, 5], None),
        ("principal_missing", [4], ["I10.x00"]),
    ]


def test_a_thousand_codes_in_one_cell_are_taken_apart_and_quoted_short():
    cleaned = clean_codes([CodeSlot(0, "COL", pa.array([";".join(["I10.x00"] * 1000)]))], known=DX)
    assert len(cleaned.codes.to_pylist()[0]) == 1000
    assert [(i.rule, len(i.values[0]), len(i.cleaned[0])) for i in cleaned.issues] == [("code_several", 201, 201)]


def test_a_list_is_cut_at_commas_unless_one_stands_for_a_dot():
    cleaned = clean_code_list(pa.array(["I10.x00,高血压，,E11.900", "I21,900|E11.900"]), "dx", known=DX)
    assert cleaned.codes.to_pylist() == [["I10.x00", "高血压", "", "E11.900"], ["I21,900", "E11.900"]]
