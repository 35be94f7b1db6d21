"""What test_spark.py asks of a cluster, done in one process of its own: answers go to files of a folder.

One cluster serves all tests of a run, however many processes pytest uses; the warnings of Spark stay here, and
executors that are killed are nobody else's.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as f

from drgengine.errors import DrgEngineError
from drgengine.spark import group, local_cluster, register, unit_statistics

SETTINGS = {
    "spark.sql.session.timeZone": "Asia/Shanghai",
    "spark.sql.shuffle.partitions": "4",
    # Every file is a partition of its own, read in the order of the names.
    "spark.sql.files.openCostInBytes": str(1 << 30),
    "spark.sql.files.maxPartitionBytes": str(1 << 30),
    "spark.sql.execution.arrow.maxRecordsPerBatch": "700",
    "spark.task.maxFailures": "2",
    "spark.log.level": "ERROR",
}
TEXT_CHARGE = "CASE row % 4 WHEN 0 THEN '1,234.56元' WHEN 1 THEN 'dear' WHEN 2 THEN '-3' ELSE '20.5' END"
BY_PLACE = "dx, proc, sex, age_years, age_days, birth_weight_g, admission_weight_g, los_days, ventilator_hours"


class Scenarios:
    """Each method without underscore is a scenario; what it returns is written under its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spark = local_cluster(2, 1, 1024, settings=SETTINGS)
        self.cases = self.spark.read.parquet(str(folder / "cases"))

    def whole(self) -> pa.Table:
        return group(self.cases).toArrow()

    def own_scheme(self) -> pa.Table:
        """A folder of the driver alone, sent once; its second use and another scheme beside it."""
        few = self.cases.select("row", "dx", "sex", "age_years").limit(500)
        once = group(few, self.folder / "tiny", columns={"row": "extra"}, prefix="tiny_")
        return group(group(once, "chs-drg-1.1", prefix="old_"), self.folder / "tiny").toArrow()

    def sql(self) -> pa.Table:
        register(self.spark)
        self.cases.createOrReplaceTempView("cases")
        return self.spark.sql(
            f"""SELECT row, by_place.*, by_name.drg AS name_drg, whole.drg AS struct_drg FROM (
                SELECT row, drg_group({BY_PLACE}, department_id) AS by_place,
                       drg_group(age_years => age_years, dx => dx, sex => sex, proc => proc, `日龄` => age_days,
                                 birth_weight_g => birth_weight_g, los_days => los_days) AS by_name,
                       drg_group(struct(*)) AS whole
                FROM cases)"""
        ).toArrow()

    def types(self) -> dict[str, Any]:
        """Columns of every kind and rows of nulls come out as they went in, in partitions with and without rows."""
        day = dt.datetime(2024, 3, 1, 0, 30)
        rows = [
            (["I21.001"], None, "1", Decimal(63), Decimal("1.10"), day, day, dt.timedelta(1), {"a": 1}, b"", (1, [""])),
            ([], ["36.0700x004"], None, None, None, None, None, None, None, None, None),
            (None,) * 11,
            ([None, "I50.900"], [], "男", Decimal("70"), None, day, None, None, {}, b"", (None, None)),
        ]  # fmt: skip
        df = self.spark.createDataFrame(
            rows,
            "dx array<string>, proc array<string>, sex string, age_years decimal(5,0), money decimal(30,2),"
            "admission_date timestamp, local timestamp_ntz, span interval day to second, held map<string,int>,"
            "raw binary, inner struct<n:int,texts:array<string>>",
        ).selectExpr("*", "cast(null as void) AS nothing", "cast('x' as varchar(3)) AS short", "1Y AS byte")
        grouped = group(df.repartition(7))
        assert grouped.select(df.columns).schema == df.schema, (grouped.schema, df.schema)
        found = grouped.collect()
        # Maps have no order, so rows are compared as texts.
        assert sorted(repr(row[:-6]) for row in found) == sorted(repr(tuple(row)) for row in df.collect())
        return {
            "drg": sorted(str(row.drg) for row in found),
            "kinds": sorted({f.dataType.simpleString() for f in grouped.schema.fields[-6:]}),
            "empty": group(df.limit(0)).count(),
        }

    def names(self) -> dict[str, Any]:
        """Names that Spark reads as syntax, and two columns of one name."""
        df = self.spark.sql(
            "SELECT array('I21.001') dx, '1' sex, 63 age_years, 'w' `a.b c`, 2 x, 3 X, 4 x, 5 `*`, 6 `q``r`, 7 `c0`"
        )
        twice = group(group(df, prefix="x.y "))
        [row] = twice.collect()
        cells = unit_statistics(twice, "a.b c").cells
        return {
            "columns": twice.columns,
            "values": list(row)[3:10],
            "drg": [row[-3], row["x.y drg"]],
            "unit": cells["a.b c"].to_pylist() + cells["cases"].to_pylist(),
        }

    def statistics(self) -> list[str]:
        """Of rows dealt out anew, and of the files as they are; to be compared with one machine's."""
        dealt = group(self.cases).repartition(5)
        unit_statistics(dealt, "hospital_id", max_stay_days=60).save(self.folder / "hospitals.parquet")
        amounts = group(self.cases).withColumn("total_charge", f.expr(TEXT_CHARGE))
        unit_statistics(amounts, ["hospital_id", "department_id"]).save(self.folder / "departments.parquet")
        unit_statistics(dealt.limit(0), "mdc").save(self.folder / "none.parquet")
        return ["hospitals", "departments", "none"]

    def refused(self) -> dict[str, list[str]]:
        """What stops a call, and that no job ran for it."""
        tracker = self.spark.sparkContext.statusTracker()
        before = len(tracker.getJobIdsForGroup(None))
        odd = self.cases.selectExpr("*", "1 AS DRG", "make_interval(1) AS span")
        twins = self.cases.selectExpr("*", "'1' AS sex")
        function = register(self.spark)
        calls: dict[str, Callable[[], Any]] = {
            "taken": lambda: group(odd.drop("span")),
            "type": lambda: group(odd.drop("DRG")),
            "principal": lambda: group(self.cases.drop("dx")),
            "mapping": lambda: group(self.cases, columns={"nowhere": "sex"}),
            "scheme": lambda: group(self.cases, "chs-drg-9"),
            "table": lambda: group("cases"),
            "prefixed": lambda: group(odd.selectExpr("dx", "sex", "1 AS `x.y DRG`"), prefix="x.y "),
            "twins": lambda: group(twins),
            "both": lambda: group(self.cases.selectExpr("*", "sex AS XB")),
            "call": lambda: self.cases.select(function("dx", sexx="sex")),
            "undiagnosed": lambda: self.cases.select(function(sex="sex", age_years="age_years")),
            "column": lambda: unit_statistics(self.cases),
            "unit": lambda: unit_statistics(group(self.cases), "ward"),
            "unit twins": lambda: unit_statistics(group(self.cases.selectExpr("*", "1 AS ward", "2 AS ward")), "ward"),
            "unit type": lambda: unit_statistics(group(self.cases).selectExpr("*", "make_interval(1) AS span"), "span"),
            "no table": lambda: unit_statistics("cases"),
        }
        told = {name: _words(call) for name, call in calls.items()}
        assert len(tracker.getJobIdsForGroup(None)) == before
        wrong = group(self.cases).selectExpr("drg", "'unsure' AS status", "hospital_id")
        told["status"] = _words(lambda: unit_statistics(wrong))
        numbers = self.cases.selectExpr("3 AS dx1", "sex", "age_years")
        told["numbers"] = _words(lambda: group(numbers).count())
        told["arguments"] = _words(lambda: self.spark.sql("SELECT drg_group(dxx => 'I21.001', sex => '1')").collect())
        return told

    def page(self) -> dict[str, int]:
        """The examples of docs/spark.md in their order, in this session in place of the one they start."""
        text = (Path(__file__).parent.parent / "docs" / "spark.md").read_text(encoding="utf-8")
        start, *codes = re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
        assert "local_cluster(" in start
        names: dict[str, Any] = {"spark": self.spark}
        for code in codes:
            exec(code, names)
        return {"blocks": len(codes), "rows": self.spark.read.parquet("grouped").count()}

    def killed(self) -> dict[str, Any]:
        """An executor and, in another partition, a Python worker are killed by SIGKILL in mid-partition."""
        marks = self.folder / "marks"
        marks.mkdir()
        deadly = self.cases.mapInArrow(_killing(str(marks)), self.cases.schema)
        pq.write_table(group(deadly).toArrow(), self.folder / "survived.parquet")
        return {"marks": sorted(path.name for path in marks.iterdir())}


def _killing(marks: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Passes batches on; kills once the executor at row 9000 and once its own process at row 4000."""

    def passed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            first, last = batch.column("row")[0].as_py(), batch.column("row")[-1].as_py()
            for name, row in (("executor", 9000), ("worker", 4000)):
                mark = Path(marks, name)
                if first <= row <= last and not mark.exists():
                    with Path("/proc", str(os.getppid()), "stat").open() as file:
                        executor = int(file.read().rpartition(")")[2].split()[1])
                    command = Path("/proc", str(executor), "cmdline").read_text()
                    assert "CoarseGrainedExecutorBackend" in command, command
                    mark.write_text(str(executor))
                    os.kill(executor if name == "executor" else os.getpid(), signal.SIGKILL)

    return passed


def _words(call: Callable[[], Any]) -> list[str]:
    try:
        call()
    except DrgEngineError as error:
        return [type(error).__name__, str(error)]
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["nothing was raised", ""]


def main(folder: Path) -> None:
    """Run all scenarios; <name>.json or <name>.parquet is the answer, <name>.error a trace."""
    scenarios = Scenarios(folder)
    try:
        for name in [n for n, f in vars(Scenarios).items() if callable(f) and not n.startswith("_")]:
            started = time.perf_counter()
            try:
                found = getattr(scenarios, name)()
            except Exception:
                (folder / f"{name}.error").write_text(traceback.format_exc(), encoding="utf-8")
                continue
            print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
            if isinstance(found, pa.Table):
                pq.write_table(found, folder / f"{name}.parquet")
            else:
                (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    finally:
        scenarios.spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
