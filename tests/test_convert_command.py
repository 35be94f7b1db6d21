"""`drgengine convert` from the outside: places that must not be overwritten, the report, repeated uploads."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from drgengine.commands.convert import command as convert
from drgengine.commands.group import command as group
from drgengine.errors import DrgEngineError, OutputFileError

HEADER = "A01,A48,A49,A12C,A14,B12,B15,B16C,C03C,D01"
STAY = "H1,{record},1,1,63,2025-01-02,{day},03.01,I21.001,100.5"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Three records, the first of which is uploaded again at the end."""
    path = tmp_path / "export.csv"
    rows = [("7", "2025-01-05"), ("8", "2025-01-06"), ("7", "2025-01-09")]
    path.write_text("\n".join([HEADER, *(STAY.format(record=r, day=d) for r, d in rows)]) + "\n", encoding="gb18030")
    (tmp_path / "map.csv").write_text("国临版编码,医保版编码\nI21.001,I21.001\n", encoding="utf-8")
    (tmp_path / "salt.txt").write_text("sixteen letters or more", encoding="utf-8")
    return path


def run(command: object, *words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "cases.parquet", "--issues", "map.csv", "--dx-map", "map.csv"),
        ("-o", "map.csv", "--dx-map", "map.csv"),
        ("-o", "salt.txt.csv", "--issues", "salt.txt", "--salt-file", "salt.txt"),
        ("-o", "cases.parquet", "--report", "cases.superseded.parquet"),
        ("-o", "cases.parquet", "--report", "cases.parquet"),
        ("-o", "cases.parquet", "--report", "issues.csv", "--issues", "issues.csv"),
        ("-o", "cases.parquet", "--report", "export.csv"),
        ("-o", "cases.parquet", "--report", "map.csv", "--dx-map", "map.csv"),
    ],
)
def test_nothing_that_is_read_or_written_is_overwritten(
    export: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(export.parent)
    before = {path.name: path.read_bytes() for path in export.parent.iterdir()}
    done = run(convert, "export.csv", "--code-edition", "clinical", *words)
    assert isinstance(done.exception, DrgEngineError)
    assert {path.name: path.read_bytes() for path in export.parent.iterdir()} == before


def test_group_does_not_overwrite_the_map(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(export.parent)
    words = ("export.csv", "-o", "map.csv", "--profile", "auto", "--code-edition", "clinical", "--dx-map", "map.csv")
    assert isinstance(run(group, *words).exception, OutputFileError)


def test_repeated_uploads_are_set_aside_by_convert_and_told_by_group(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(export.parent)
    done = run(convert, "export.csv", "-o", "cases.parquet", "--code-edition", "insurance", "--report", "q.html")
    assert done.exception is None
    assert pq.read_table("cases.parquet")["source_row"].to_pylist() == [2, 3]
    assert pq.read_table("cases.superseded.parquet")["source_row"].to_pylist() == [1]
    assert "3 read = 3 grouped" in done.stderr
    assert "balances" in Path("q.html").read_text(encoding="utf-8")
    told = run(
        group, "export.csv", "-o", "g.parquet", "--profile", "auto", "--code-edition", "insurance", "--lang", "en"
    )
    assert "1 records are uploads of a stay that comes again later" in told.stderr
    assert pq.read_table("g.parquet").num_rows == 3


def test_group_tells_what_the_file_lacks(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export without procedures groups operations as medical cases: that must be seen."""
    monkeypatch.chdir(export.parent)
    words = ("-o", "g.parquet", "--profile", "auto", "--code-edition", "insurance", "--lang", "en")
    assert "procedure" in run(group, "export.csv", *words).stderr.partition("Grouping result")[0]
