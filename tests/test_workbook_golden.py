"""CHS-DRG 1.1 written as a configuration workbook and imported again answers every record as the packaged scheme."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine
from drgengine.errors import SchemeError
from drgengine.grouper.interchange import import_scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.synth import sample
from drgengine.synth.schemeworkbook import scheme_as_workbook

pytest.importorskip("python_calamine")
SCHEME = "chs-drg-1.1"
RESULTS = ["status", "mdc", "adrg", "drg", "severity", "reason"]


@pytest.fixture(scope="module")
def by_workbook(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The scheme folder made of the workbook of a packaged scheme, imported once."""
    from drgengine.grouper.workbook.importer import import_workbook

    folder = tmp_path_factory.mktemp("workbooks")

    def made(scheme: str) -> Path:
        if not (folder / scheme).exists():
            book, edition = folder / f"{scheme}.xlsx", folder / f"{scheme}.toml"
            scheme_as_workbook(load_scheme(scheme), book, edition_path=edition)
            import_workbook(book, folder / scheme, edition=edition)
        return folder / scheme

    return made


def differences(cases: pa.Table, one: str | Path, other: str | Path) -> list[tuple[str, int, object, object]]:
    """The first few (column, row, answer of one, answer of the other)."""
    first, second = (drgengine.group(cases, scheme=scheme) for scheme in (one, other))
    assert first.num_rows == second.num_rows == cases.num_rows
    found: list[tuple[str, int, object, object]] = []
    for column in RESULTS:
        pairs = zip(first[column].to_pylist(), second[column].to_pylist(), strict=True)
        found += [(column, row, a, b) for row, (a, b) in enumerate(pairs) if a != b][:3]
    return found


def test_the_golden_set_through_the_workbook(shared: Path, by_workbook: Callable[[str], Path], tmp_path: Path) -> None:
    table = pq.read_table(shared / "golden" / "chs_drg_11_dev.parquet")
    cases = table.drop_columns([name for name in table.schema.names if name.startswith("exp_")])
    assert differences(cases, SCHEME, by_workbook(SCHEME)) == []
    import_scheme(shared / "reference" / "schemes" / "chs_drg_11", tmp_path / "tables")
    assert differences(cases, tmp_path / "tables", by_workbook(SCHEME)) == []


@pytest.mark.parametrize("scheme", [SCHEME, "chs-drg-1.0"])
def test_invented_cases_through_the_workbook(scheme: str, by_workbook: Callable[[str], Path]) -> None:
    cases, _ = sample(20_000, seed=11, dirty_share=0.02, scheme=scheme)
    assert differences(cases, scheme, by_workbook(scheme)) == []


def test_all_that_the_packaged_scheme_can_answer_is_there(by_workbook: Callable[[str], Path]) -> None:
    packaged, made = load_scheme(SCHEME), load_scheme(by_workbook(SCHEME))
    answers = [
        [(mdc.code, rule.adrg, group.drg) for mdc, rule in scheme.rules for group in rule.groups]
        for scheme in (packaged, made)
    ]
    assert answers[0] == [answer for answer in answers[1] if answer in set(answers[0])]
    assert made.checks == packaged.checks
    assert made.identity.authority == packaged.identity.authority


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("chs-drg-2.0", ["gate of MDC P", "StartsWith"]),
        ("beijing-2022", ["rule RC1", "where no group holds"]),
    ],
)
def test_what_a_workbook_cannot_say_is_named(scheme: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SchemeError) as caught:
        scheme_as_workbook(load_scheme(scheme), tmp_path / "book.xlsx", edition_path=tmp_path / "edition.toml")
    assert all(word in str(caught.value) for word in words)
    assert list(tmp_path.iterdir()) == []


def test_without_an_edition_file_a_birth_weight_cannot_be_said() -> None:
    with pytest.raises(SchemeError, match=r"rule PS1: .*birth_weight_g"):
        scheme_as_workbook(load_scheme(SCHEME), None)
