"""Files in, files out: the same answer however a file is laid out, nothing lost, nothing half-written."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.cases import IssueLog
from drgengine.errors import CaseTableError, DrgEngineError, InputFileError
from drgengine.formats.parquet_source import ParquetSource
from drgengine.synth import sample

ROOT = Path(__file__).resolve().parent.parent
ANSWER = ["status", "mdc", "adrg", "drg", "severity", "reason"]
ROWS = 400


@pytest.fixture(scope="module")
def cases() -> pa.Table:
    """Invented discharges, a fifth of them dirty, with columns the case table does not know."""
    table, _ = sample(ROWS, seed=11, dirty_share=0.2)
    return table.append_column("ward note", pa.array([f"备注 {n}" for n in range(ROWS)])).append_column(
        "row", pa.array(range(ROWS))
    )


@pytest.fixture(scope="module")
def path(cases: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("stream") / "cases.parquet"
    pq.write_table(cases, file, row_group_size=90)
    return file


@pytest.fixture(scope="module")
def expected(cases: pa.Table) -> list[dict[str, Any]]:
    """The answers of the call in memory."""
    return de.group(cases).select(ANSWER).to_pylist()


def answers(file: Path) -> list[dict[str, Any]]:
    """The six columns of an output file, empty cells of a CSV as nulls."""
    if file.suffix == ".parquet":
        return pq.read_table(file).select(ANSWER).to_pylist()
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(ANSWER, pa.string()), strings_can_be_null=True)
    return pacsv.read_csv(file, convert_options=options).select(ANSWER).to_pylist()


def names_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def counts(summary: Any) -> dict[str, Any]:
    return {key: value for key, value in summary.as_dict().items() if key != "seconds"}


# ------------------------------------------------------------------------------- the same answer however laid out


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("batch_rows", [7, 1000, 10**6])
def test_batches_and_threads_change_nothing(
    path: Path, tmp_path: Path, expected: list[dict[str, Any]], batch_rows: int, threads: int
) -> None:
    reference = de.group_file(path, tmp_path / "reference.parquet", threads=1)
    summary = de.group_file(path, tmp_path / "out.parquet", batch_rows=batch_rows, threads=threads)
    assert answers(tmp_path / "out.parquet") == expected
    assert counts(summary) == counts(reference)
    assert summary.issues.examples == reference.issues.examples


def test_batches_of_one_row(cases: pa.Table, tmp_path: Path, expected: list[dict[str, Any]]) -> None:
    pq.write_table(cases.slice(0, 60), tmp_path / "in.parquet")
    de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet", batch_rows=1, threads=2)
    assert answers(tmp_path / "out.parquet") == expected[:60]


@pytest.mark.parametrize(
    "layout",
    [
        {"row_group_size": 1},
        {"row_group_size": 33},
        {"row_group_size": ROWS},
        {"row_group_size": 50, "use_dictionary": False, "compression": "none"},
        {"row_group_size": 50, "data_page_version": "2.0", "data_page_size": 100, "compression": "gzip"},
        {"row_group_size": 50, "use_compliant_nested_type": False, "compression": "zstd"},
    ],
    ids=lambda layout: "-".join(f"{value}" for value in layout.values()),
)
def test_file_layout_changes_nothing(
    cases: pa.Table, tmp_path: Path, expected: list[dict[str, Any]], layout: dict[str, Any]
) -> None:
    pq.write_table(cases, tmp_path / "in.parquet", **layout)
    de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet", batch_rows=70)
    assert answers(tmp_path / "out.parquet") == expected
    assert pq.read_table(tmp_path / "out.parquet").select(cases.column_names).equals(cases)


def lists_as(cases: pa.Table, form: str) -> pa.Table:
    """dx and proc as numbered columns, as one text, or as a principal column and the rest in one text."""
    table = cases
    for name in ("dx", "proc"):
        rows = [[code or "" for code in row or []] for row in cases[name].to_pylist()]
        table = table.drop_columns([name])
        if form == "numbered":
            for place in range(max(map(len, rows))):
                column = pa.array([row[place] if place < len(row) else None for row in rows], pa.string())
                table = table.append_column(f"{name}{place + 1}", column)
        elif form == "text":
            table = table.append_column(name, pa.array(["|".join(row) for row in rows]))
        else:
            table = table.append_column(f"{name}_principal", pa.array([row[0] if row else None for row in rows]))
            table = table.append_column(f"{name}_other", pa.array([";".join(row[1:]) for row in rows]))
    return table


@pytest.mark.parametrize("form", ["numbered", "text", "principal and rest"])
@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
def test_code_columns_and_formats_change_nothing(
    cases: pa.Table, tmp_path: Path, expected: list[dict[str, Any]], form: str, ending: str
) -> None:
    source, target = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    table = lists_as(cases, form)
    if ending == ".parquet":
        pq.write_table(table, source, row_group_size=64)
    else:
        pacsv.write_csv(table, tmp_path / "in.csv")
        if ending == ".csv.gz":
            source.write_bytes(gzip.compress((tmp_path / "in.csv").read_bytes()))
    de.group_file(source, target, batch_rows=90)
    assert answers(target) == expected


def test_chinese_headers_in_gb18030(cases: pa.Table, tmp_path: Path, expected: list[dict[str, Any]]) -> None:
    titles = {"sex": "性别", "age_years": "年龄（岁）", "age_days": "年龄不足1周岁的年龄（天）"}
    titles |= {"birth_weight_g": "新生儿出生体重（克）", "dx": "诊断编码", "proc": "手术操作编码", "ward note": "备注"}
    table = lists_as(cases.select([*titles]), "text")
    pacsv.write_csv(table.rename_columns([titles[name] for name in table.column_names]), tmp_path / "utf8.csv")
    text = (tmp_path / "utf8.csv").read_text(encoding="utf-8")
    (tmp_path / "出院.csv").write_bytes(text.encode("gb18030"))
    for encoding in ("auto", "gbk"):
        de.group_file(tmp_path / "出院.csv", tmp_path / "out.csv", encoding=encoding)
        assert answers(tmp_path / "out.csv") == de.group(table).select(ANSWER).to_pylist()
        assert "备注 399" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert [row["status"] for row in answers(tmp_path / "out.csv")].count("grouped") > ROWS / 2


# ------------------------------------------------------------------------------------------- nothing is lost


def test_rows_columns_and_types_are_kept(tmp_path: Path) -> None:
    n = 5
    kept = {
        "id": pa.array([5, 1, None, 2, 9], pa.int64()),
        "unsigned": pa.array([2**64 - 1] * n, pa.uint64()),
        "price": pa.array([decimal.Decimal("1.20"), None, *[decimal.Decimal("-3.00")] * 3], pa.decimal128(12, 2)),
        "seconds": pa.array([dt.datetime(2024, 1, 1)] * n, pa.timestamp("ms")),
        "nanoseconds": pa.array([1] * n, pa.timestamp("ns")),
        "zoned": pa.array([1] * n, pa.timestamp("us", "Asia/Shanghai")),
        "took": pa.array([1] * n, pa.duration("us")),
        "nested": pa.array([{"a": 1, "b": [{"c": "x"}]}] * n),
        "map": pa.array([[("k", 1)]] * n, pa.map_(pa.string(), pa.int32())),
        "category": pa.array(["a", "b", "a", None, "b"]).dictionary_encode(),
        "large": pa.array(["x"] * n, pa.large_string()),
        "bytes": pa.array([b"\x00\xff"] * n),
        "fixed": pa.array([b"ab"] * n, pa.binary(2)),
        "flag": pa.array([True, None, False, True, True]),
        "nothing": pa.nulls(n),
        "pair": pa.array([[1, 2]] * n, pa.list_(pa.int8(), 2)),
    }
    table = pa.table({"dx": [["I10.x00x002"]] * n, "sex": [1] * n, "age_years": [63] * n, **kept})
    table = table.replace_schema_metadata({"made by": "a hospital"})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    before = pq.read_table(tmp_path / "in.parquet")
    de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet", batch_rows=2)
    after = pq.read_table(tmp_path / "out.parquet")
    assert after.column_names == [*before.column_names, *ANSWER]
    assert after.select(before.column_names).schema.equals(before.schema, check_metadata=False)
    assert after.schema.metadata[b"made by"] == b"a hospital"
    assert after.select(before.column_names).equals(before)


def test_a_folder_is_mirrored(cases: pa.Table, tmp_path: Path, expected: list[dict[str, Any]]) -> None:
    source = tmp_path / "in"
    parts = {
        "year=2024/month=01/a.parquet": (0, 100),
        "year=2024/b.parquet": (100, 50),
        "year=2025/a.parquet": (150, 250),
    }
    for name, (start, count) in parts.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        part = cases.slice(start, count)
        part = part.select(part.column_names[::-1]) if start == 100 else part
        pq.write_table(part, source / name)
    (source / "_SUCCESS").touch()
    (source / "year=2024" / ".hidden.parquet").write_bytes(b"not for readers")
    summary = de.group_file(source, tmp_path / "out", batch_rows=60)
    assert names_in(tmp_path / "out") == sorted(parts)
    assert (summary.files, summary.rows) == (3, ROWS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    for name, (start, count) in parts.items():
        out = pq.ParquetFile(tmp_path / "out" / name).read()
        assert out.column_names[:-6] == pq.ParquetFile(source / name).schema_arrow.names
        assert out.select(ANSWER).to_pylist() == expected[start : start + count]


def test_a_folder_with_a_part_that_cannot_be_read_leaves_nothing(cases: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(cases, tmp_path / "in" / "a.parquet")
    (tmp_path / "in" / "b.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputFileError, match=r"b\.parquet.*cut off or damaged"):
        de.group_file(tmp_path / "in", tmp_path / "out", issues=tmp_path / "issues.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_no_rows_in_no_rows_out(cases: pa.Table, tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    if ending == ".csv":
        source.write_text("dx,sex,age_years\n")
    else:
        pq.write_table(cases.slice(0, 0), source)
    summary = de.group_file(source, target, issues=tmp_path / "issues.csv")
    assert (summary.rows, set(summary.status.values()), summary.issues.total) == (0, {0}, 0)
    assert answers(target) == []
    assert counts(summary)["share"] == dict.fromkeys(summary.status)


# -------------------------------------------------------------------------------------------- what is reported


def test_summary_counts_are_those_of_the_columns(path: Path, tmp_path: Path) -> None:
    summary = de.group_file(path, tmp_path / "out.parquet", batch_rows=64)
    rows = answers(tmp_path / "out.parquet")
    assert summary.rows == ROWS == sum(summary.status.values())
    assert {k: v for k, v in summary.status.items() if v} == Counter(row["status"] for row in rows)
    assert summary.reasons == Counter(row["reason"] for row in rows if row["reason"])
    assert list(summary.reasons.values()) == sorted(summary.reasons.values(), reverse=True)
    assert summary.groups == Counter(row["drg"] for row in rows if row["status"] == "grouped")
    assert summary.rejected == summary.status["invalid"] > 0
    for reason, shown in summary.example_rows.items():
        assert shown == [n for n, row in enumerate(rows, 1) if row["reason"] == reason][:3]


def test_progress_rises_to_the_end(path: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    de.group_file(path, tmp_path / "out.parquet", batch_rows=50, progress=lambda *at: seen.append(at))
    done = [rows for rows, _ in seen]
    assert done == sorted(set(done))
    assert len(done) > 4
    assert seen[-1] == (ROWS, ROWS)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_issues_file_holds_every_remark(path: Path, tmp_path: Path, ending: str, cases: pa.Table) -> None:
    file = tmp_path / f"issues{ending}"
    summary = de.group_file(path, tmp_path / "out.parquet", issues=file, batch_rows=64)
    table = pq.read_table(file) if ending == ".parquet" else pacsv.read_csv(file)
    assert table.column_names == ["row", "column", "raw", "cleaned", "rule", "severity", "remedy", "hint"]
    found = table.to_pylist()
    assert Counter((line["column"], line["rule"]) for line in found) == summary.issues.counts
    log = IssueLog()
    de.group(cases, issues=log)
    assert log.counts == summary.issues.counts
    assert log.examples == summary.issues.examples
    for line in found:
        if line["rule"] == "code_unknown_diagnosis":
            codes = [code.strip() for code in cases["dx"][line["row"] - 1].as_py() if code]
            assert line["raw"] in codes
    assert {line["severity"] for line in found} <= {"info", "warning", "error"}


def test_the_issues_file_does_not_depend_on_batches(path: Path, tmp_path: Path) -> None:
    tables = []
    for batch_rows in (17, 10**6):
        de.group_file(path, tmp_path / "out.parquet", issues=tmp_path / "i.parquet", batch_rows=batch_rows)
        tables.append(pq.read_table(tmp_path / "i.parquet").to_pylist())
    assert tables[0] == tables[1]


def test_personal_columns_are_dropped_unless_asked_for(tmp_path: Path) -> None:
    table = pa.table({"姓名": ["张三"], "dx": [["I10.x00x002"]], "sex": [1], "age_years": [63], "phone": ["139"]})
    pq.write_table(table, tmp_path / "in.parquet")
    summary = de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert pq.read_schema(tmp_path / "out.parquet").names == ["dx", "sex", "age_years", *ANSWER]
    assert summary.dropped == ("姓名", "phone")
    assert "张三".encode() not in (tmp_path / "out.parquet").read_bytes()
    summary = de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet", keep_personal=True)
    assert pq.read_schema(tmp_path / "out.parquet").names == [*table.column_names, *ANSWER]
    assert summary.dropped == ()


def test_an_output_can_be_grouped_again_under_a_prefix(path: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    de.group_file(path, first, "chs-drg-1.1")
    with pytest.raises(CaseTableError, match=r"first\.parquet.*status, mdc, adrg.*--prefix"):
        de.group_file(first, second)
    assert not second.exists()
    de.group_file(first, second, prefix="new_")
    assert pq.read_schema(second).names[-6:] == [f"new_{name}" for name in ANSWER]


# ----------------------------------------------------------------------------------------- whole or not at all


def interrupt(rows: int, total: int | None) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
@pytest.mark.parametrize("older", [None, b"an older result"])
@pytest.mark.parametrize("cause", ["interrupt", "reading", "defect"])
def test_a_broken_run_leaves_no_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, older: bytes | None, cause: str
) -> None:
    source = tmp_path / "in.parquet"
    pq.write_table(lists_as(pq.read_table(path), "text"), source, row_group_size=50)
    target, progress = tmp_path / f"out{ending}", None
    if older:
        target.write_bytes(older)
    real = ParquetSource.batches

    def stop_reading(self: ParquetSource) -> Any:
        for number, batch in enumerate(real(self)):
            if number == 5:
                raise MemoryError if cause == "defect" else InputFileError(str(self.path), "gone", "Look for it")
            yield batch

    if cause == "interrupt":
        progress = interrupt
    else:
        monkeypatch.setattr(ParquetSource, "batches", stop_reading)
    wanted = {"interrupt": KeyboardInterrupt, "reading": InputFileError, "defect": MemoryError}[cause]
    with pytest.raises(wanted):
        de.group_file(source, target, batch_rows=20, progress=progress, issues=tmp_path / "issues.csv")
    assert names_in(tmp_path) == (["in.parquet", target.name] if older else ["in.parquet"])
    assert not older or target.read_bytes() == older


def test_an_interrupted_folder_leaves_nothing(cases: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(cases, tmp_path / "in" / "a.parquet")
    with pytest.raises(KeyboardInterrupt):
        de.group_file(tmp_path / "in", tmp_path / "out", progress=interrupt)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_the_unfinished_file_is_hidden(path: Path, tmp_path: Path) -> None:
    seen: set[str] = set()
    de.group_file(path, tmp_path / "out.parquet", progress=lambda *at: seen.update(names_in(tmp_path)))
    assert seen
    assert all(name.startswith(".out.parquet") and name.endswith(".part") for name in seen)


@pytest.mark.parametrize("where", [0.55, 0.7, 0.85])
def test_damage_in_the_second_half(cases: pa.Table, tmp_path: Path, where: float) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(cases, source, row_group_size=40, compression="zstd")
    raw = bytearray(source.read_bytes())
    at = int(len(raw) * where)
    raw[at : at + 4000] = b"\xa5" * min(4000, len(raw) - at)
    source.write_bytes(raw)
    target.write_bytes(b"an older result")
    with pytest.raises(InputFileError, match=r"in\.parquet.*(damaged|cut off)"):
        de.group_file(source, target, batch_rows=20)
    assert names_in(tmp_path) == ["in.parquet", "out.parquet"]
    assert target.read_bytes() == b"an older result"


def test_a_killed_run_leaves_the_older_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    target.write_bytes(b"an older result")
    script = """
import sys, time, drgengine
def halt(rows, total):
    print("halfway", flush=True)
    time.sleep(60)
drgengine.group_file(sys.argv[1], sys.argv[2], batch_rows=100, progress=halt)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(target)], stdout=subprocess.PIPE, cwd=ROOT
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"halfway\n"
        run.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    assert target.read_bytes() == b"an older result"
    assert all(name.startswith(".") and name.endswith(".part") for name in names_in(tmp_path) if name != target.name)
    de.group_file(path, target)
    assert pq.read_metadata(target).num_rows == ROWS


# ------------------------------------------------------------------------------------------------------- memory

MEASURE = """
import sys, drgengine
rows = drgengine.group_file(sys.argv[1], sys.argv[2], threads=2).rows
# VmHWM, because ru_maxrss of a child also counts what its parent held when it was started.
print(rows, int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    block, _ = sample(30_000, seed=5)
    block = block.select(["case_id", "sex", "age_years", "age_days", "birth_weight_g", "los_days", "dx", "proc"])
    peak = {}
    for blocks in (10, 50):
        source, target = tmp_path / f"{blocks}.parquet", tmp_path / f"{blocks}_out.parquet"
        with pq.ParquetWriter(source, block.schema, compression="lz4") as writer:
            for _ in range(blocks):
                writer.write_table(block)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(source), str(target)], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        rows, peak[blocks] = map(int, done.stdout.split())
        assert rows == blocks * 30_000
        assert pq.read_metadata(target).num_rows == rows
    assert peak[50] - peak[10] < 250
    assert peak[50] < 1024


@pytest.mark.parametrize("clash", ["input", "output"])
@pytest.mark.parametrize("spell", [lambda p: p, lambda p: p.parent / "." / p.name], ids=["same", "other spelling"])
def test_the_issues_file_may_not_be_input_or_output(
    path: Path, tmp_path: Path, clash: str, spell: Callable[[Path], Path]
) -> None:
    files = {"input": tmp_path / "in.parquet", "output": tmp_path / "out.parquet"}
    content = path.read_bytes()
    files["input"].write_bytes(content)
    with pytest.raises(DrgEngineError):
        de.group_file(files["input"], files["output"], issues=spell(files[clash]))
    assert files["input"].read_bytes() == content
    assert not files["output"].exists()
