"""Mending of codes: what is mended, and that nothing else is."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.cases.codes import mend_code, mend_codes
from drgengine.cases.issues import issue_rules

CASES = [
    ("I21.900x003", "I21.900x003", ()),
    ("A18.808+I32.0*", "A18.808+I32.0*", ()),
    ("37.3402", "37.3402", ()),
    ("M80000/3", "M80000/3", ()),
    (" I10.x00\t", "I10.x00", ("code_blanks",)),
    ("\u3000I10.x00\u00a0\u200b", "I10.x00", ("code_blanks",)),
    ("Ｉ１０．ｘ００", "I10.x00", ("code_full_width",)),
    ("A18.808＋I32.0＊", "A18.808+I32.0*", ("code_full_width",)),
    ("A18.808†I32.0*", "A18.808+I32.0*", ("code_dagger",)),
    ("A18.808†+I32.0*", "A18.808+I32.0*", ("code_dagger",)),
    ("A18.808†", "A18.808", ("code_dagger",)),
    ("i10.x00", "I10.x00", ("code_lower_case",)),
    ("I10.X00", "I10.x00", ("code_capital_x",)),
    ("A18.8X8+X32.0*", "A18.8x8+X32.0*", ("code_capital_x",)),
    ("X59.X00", "X59.x00", ("code_capital_x",)),
    ("x59.x00", "X59.x00", ("code_lower_case",)),
    ("33.6X00", "33.6x00", ("code_capital_x",)),
    ("B01+X32.0*", "B01+X32.0*", ()),
    ("I10.xAB", "I10.xAB", ()),
    ("I 10", "I 10", ()),
    ("  ", "", ()),
    ("", "", ()),
    *[(word, "", ("code_placeholder",)) for word in ("null", "NULL", "None", "-", "--", "nan", " - ")],
]


@pytest.mark.parametrize(("raw", "mended", "rules"), CASES)
def test_mend_code(raw, mended, rules):
    assert mend_code(raw) == (mended, rules)


@given(st.lists(st.sampled_from([raw for raw, _, _ in CASES]) | st.text(alphabet="AxX+.019† -Ｉn", max_size=8)))
def test_the_quick_look_misses_nothing(raws):
    array = pa.array(["skipped", *raws], pa.string()).slice(1)
    mended = mend_codes(array)
    expected = [mend_code(raw) for raw in raws]
    assert mended.texts == [text for text, _ in expected]
    assert mended.empty.tolist() == [text == "" for text, _ in expected]
    for position, (text, rules) in enumerate(expected):
        assert {rule for rule, touched in mended.touched.items() if touched[position]} == set(rules)
        assert (position in mended.raw) == (text != raws[position])


def test_every_rule_has_a_remedy_in_both_languages():
    for rule, entry in issue_rules().items():
        assert {"severity", "en", "zh"} <= set(entry) <= {"severity", "en", "zh", "kind", "of", "listed"}, rule
        assert entry["severity"] in ("info", "warning", "error")


def test_long_blanks_behind_a_dagger_take_no_time() -> None:
    """Twenty thousand blanks: hours with a pattern that tries every start."""
    assert mend_code("A18.808†I32.0*" + " " * 20_000 + "x")[0].startswith("A18.808+I32.0*")
    assert mend_code("A18.808 + † +" + " " * 20_000 + "I32.0*")[0] == "A18.808+I32.0*"


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        ("a18.808†i32.0＊", "A18.808+I32.0*"),
        ("a17.000+g01*", "A17.000+G01*"),
        ("E11.X00+G63.X00*", "E11.x00+G63.x00*"),
        ("A18.808+text", "A18.808+text"),
    ],
)
def test_both_codes_of_a_pair_are_mended(raw, mended):
    assert mend_code(raw)[0] == mended
    assert mend_codes(pa.array([raw])).texts == [mended]
