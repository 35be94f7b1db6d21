"""Arrangements and audit clues by the kernel against plain twins, on drawn schemes and cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from drawn import case_lists, schemes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_kernel_twin import as_table, without_zero_weights

from drgengine.cases.editions import Edition
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.scheme import Scheme
from drgengine.whatif import alternatives_table, audit_clues, variants
from drgengine.whatif.definitions import clue_ids
from drgengine.whatif.listkernel import left_out_kernel, marks_kernel, moved_kernel
from drgengine.whatif.reference_clues import reference_clues

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("error")]
draw_some = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
records = case_lists()
ANSWER = ("status", "mdc", "adrg", "drg", "severity", "reason")


@pytest.fixture(autouse=True)
def _no_cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """All drawn schemes bear one digest, so none of them may be kept: the folder lies below a file."""
    file = tmp_path_factory.getbasetemp() / "no-folder"
    file.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("DRGENGINE_CACHE", str(file / "cache"))


# --- the kernels that write out lists ---------------------------------------------------------------------------


def packed(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    flat = np.array([code for codes in lists for code in codes], np.int32)
    return np.cumsum([0, *map(len, lists)]).astype(np.int32), flat


@draw_some
@given(lists=st.lists(st.lists(st.integers(-1, 3), max_size=6), max_size=6))
def test_the_kernels_of_lists(lists: list[list[int]]) -> None:
    offsets, number = packed(lists)
    first, leaves = np.empty(number.size, np.bool_), np.empty(number.size, np.bool_)
    marks_kernel(offsets, number, first, leaves)
    expect_first, expect_leaves = [], []
    for codes in lists:
        for at, code in enumerate(codes):
            expect_first.append(at == 0 or (code >= 0 and code not in codes[:at]))
            expect_leaves.append(at > 0 and code >= 0 and code not in codes[1:at])
    assert (first.tolist(), leaves.tolist()) == (expect_first, expect_leaves)
    wanted = [(r, p) for r, codes in enumerate(lists) for p in range(-1, len(codes)) if p < 1 or codes[p] >= 0]
    case, place = np.array([r for r, _ in wanted], np.int64), np.array([p for _, p in wanted], np.int32)
    index = np.arange(number.size, dtype=np.uint32)
    whole = np.cumsum([0, *(len(lists[r]) for r in case.tolist())]).astype(np.int32)
    out = np.empty(int(whole[-1]), np.uint32)
    moved_kernel(case, place, offsets, index, whole, out)
    cut, left = np.zeros(case.size + 1, np.int32), np.empty(int(whole[-1]), np.uint32)
    left_out_kernel(case, place, offsets, index, number, cut, left)
    for at, (r, p) in enumerate(wanted):
        own = list(range(offsets[r], offsets[r + 1]))
        moved = own if p <= 0 else [own[p], *own[:p], *own[p + 1 :]]
        assert out[whole[at] : whole[at + 1]].tolist() == moved
        kept = own if p <= 0 else [k for k in own if k == own[0] or number[k] != number[own[p]]]
        assert left[cut[at] : cut[at + 1]].tolist() == kept


# --- arrangements -----------------------------------------------------------------------------------------------


def arrangements(scheme: Scheme, case: Case) -> Iterator[tuple[Any, ...]]:
    """(principal place, procedure place, answer) of every arrangement, in words."""
    if decide(scheme, case).status == "invalid":
        return
    for i, code in enumerate(case.dx):
        if i and (not code or code in case.dx[:i]):
            continue
        dx = (code, *case.dx[:i], *case.dx[i + 1 :])
        for j in range(max(len(case.proc), 1)):
            if j and (not case.proc[j] or case.proc[j] in case.proc[:j]):
                continue
            proc = (case.proc[j], *case.proc[:j], *case.proc[j + 1 :]) if case.proc else ()
            found = decide(scheme, Case(dx, proc, case.sex, case.numbers, case.department))
            yield i + 1, j + 1 if case.proc else None, *(getattr(found, name) for name in ANSWER)


def check_arrangements(scheme: Scheme, cases: list[Case], table: pa.Table) -> None:
    found = alternatives_table(table, scheme, threads=2)
    expected = [(row, *one) for row, case in enumerate(cases, 1) for one in arrangements(scheme, case)]
    assert list(zip(*(found[name].to_pylist() for name in found.schema.names), strict=True)) == expected


@draw_some
@given(scheme=schemes(), drawn=records)
def test_arrangements_of_drawn_cases(scheme: Scheme, drawn: list[Case]) -> None:
    check_arrangements(scheme, [without_zero_weights(case) for case in drawn], as_table(drawn))


# --- clues ------------------------------------------------------------------------------------------------------


def check_clues(scheme: Scheme, cases: list[Case], table: pa.Table) -> set[str]:
    """The clues by both ways agree; returns those that occurred."""
    found = audit_clues(table, scheme, threads=2)
    assert found.table["row"].to_pylist() == list(range(1, len(cases) + 1))
    seen: set[str] = set()
    for case, row in zip(cases, found.table.to_pylist(), strict=True):
        twin = reference_clues(scheme, case)
        assert {name for name in clue_ids() if row[name]} == twin.flags, case
        codes = [(c["clue"], c["kind"], c["place"], c["code"], c["status"], c["drg"], c["doubt"]) for c in row["codes"]]
        assert codes == [(*code[:-1], " ".join(code.doubt)) for code in twin.codes], case
        seen |= twin.flags
    counts = {name: sum(found.table[name].to_pylist()) for name in clue_ids()}
    assert dict(found.counts.clues) == counts
    return seen


_SPEAKING = {"A00.1": "A00.9", "A01.0": "R01.9", "A01.0x1": "O80.0", "A02.0": "A00.x00", "01.1": "74.1"}


def speaking(scheme: Scheme, cases: list[Case]) -> tuple[Scheme, list[Case]]:
    """The same drawn scheme and cases over codes that say something: unspecified, a symptom, of one sex and age."""

    def renamed(code: str) -> str:
        return _SPEAKING.get(code, code)

    def lists(of: dict[str, tuple[str, ...]], edition: Edition) -> dict[str, tuple[str, ...]]:
        held = {name: tuple(code for code in edition.codes if code in scheme.lists[name]) for name in of}
        return {name: tuple(f"={renamed(code)}" for code in codes) for name, codes in held.items()}

    made = replace(
        scheme,
        diagnoses=Edition("spoken-dx", tuple(sorted(map(renamed, scheme.diagnoses.codes)))),
        procedures=Edition("spoken-proc", tuple(sorted(map(renamed, scheme.procedures.codes)))),
        diagnosis_patterns=lists(dict(scheme.diagnosis_patterns), scheme.diagnoses),
        procedure_patterns=lists(dict(scheme.procedure_patterns), scheme.procedures),
    )
    return made, [replace(case, dx=tuple(map(renamed, case.dx)), proc=tuple(map(renamed, case.proc))) for case in cases]


@draw_some
@given(scheme=schemes(), drawn=records)
def test_clues_of_drawn_cases(scheme: Scheme, drawn: list[Case]) -> None:
    check_clues(scheme, [without_zero_weights(case) for case in drawn], as_table(drawn))


@draw_some
@given(scheme=schemes(), drawn=records)
def test_clues_of_drawn_cases_with_speaking_codes(scheme: Scheme, drawn: list[Case]) -> None:
    made, cases = speaking(scheme, drawn)
    check_clues(made, [without_zero_weights(case) for case in cases], as_table(cases))


@pytest.mark.parametrize("codes", [1, 50])
def test_pieces_do_not_show(codes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variants are worked off in pieces; their size changes nothing."""
    cases = {
        "dx": [["I10.x00x002", "J96.000", "I63.900"], ["I21.001"], ["I50.900", "J96.000"]],
        "proc": [["36.0700x004", "38.9301"], [], ["38.9301"]],
        "sex": [1, 2, 1],
        "age_years": [60, 70, 80],
    }
    expected = alternatives_table(cases), audit_clues(cases).table
    monkeypatch.setattr(variants, "PIECE_CODES", codes)
    assert alternatives_table(cases).equals(expected[0])
    assert audit_clues(cases).table.equals(expected[1])
