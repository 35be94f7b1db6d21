"""Code columns that a reader took for numbers: empty ones are fine, others are refused."""

import math
from decimal import Decimal

import pyarrow as pa
import pytest
from test_cases_pack import lists, packed

from drgengine.errors import CaseTableError

EMPTY = [pa.null(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(5, 1), pa.string()]


@pytest.mark.parametrize("kind", EMPTY, ids=str)
def test_an_empty_code_column_may_have_any_type(kind):
    empty = pa.nulls(2, kind)
    for columns in ({"dx1": ["A", "B"], "dx2": empty}, {"dx_principal": ["A", "B"], "dx_other": empty}):
        cases = packed({**columns, "proc": empty, "extra": empty})
        assert lists(cases.dx) == [["A"], ["B"]]
        assert lists(cases.proc) == [[], []]
    assert lists(packed({"dx1": empty}).dx) == [[], []]
    assert lists(packed({"dx1": ["A"], "dx2": pa.array([math.nan])}).dx) == [["A"]]
    assert packed({"dx1": pa.nulls(0, kind)}).n == 0


@pytest.mark.parametrize("values", [[None, 89.54], [0, 1], [Decimal("39.6")]], ids=str)
@pytest.mark.parametrize("column", ["proc2", "proc", "dx_other"])
def test_codes_read_as_numbers_are_refused(column, values):
    columns = {"dx_principal": ["A"] * len(values), column: values}
    columns |= {"proc1": ["B"] * len(values)} if column == "proc2" else {}
    with pytest.raises(CaseTableError) as caught:
        packed(columns)
    words = (f"'{column}'", "lose leading and trailing zeros", "pandas: dtype=str", f'"{column}" = "extra"')
    assert [word for word in words if word not in str(caught.value)] == []
