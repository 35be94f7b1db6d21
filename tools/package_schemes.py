"""Rebuild the packaged code editions and schemes from interchange tables and lists of code names.

    python tools/package_schemes.py REFERENCE

REFERENCE holds `schemes/NAME/*.csv` (interchange tables) and `codes/dx_names.csv`, `codes/proc_names.csv`.
What a scheme is, who issued it and what is odd about it stands in `tools/scheme_headers.toml`.
"""

from __future__ import annotations

import csv
import re
import sys
import tomllib
from pathlib import Path

from drgengine.cases.editions import EDITION_FOLDER, write_codes
from drgengine.grouper.interchange import import_scheme
from drgengine.grouper.schemefile import SCHEME_FOLDER

CODE = re.compile(r"[0-9A-Z][0-9A-Za-z.+*/]*")
DIAGNOSIS_TABLES = {
    "mdc_dx": "code",
    "mcc": "code",
    "cc": "code",
    "exclusion": "principal_dx",
    "dx_not_principal": "code",
}
PROCEDURE_TABLES = {"operations": "code", "not_operation": "code"}
HEADERS = Path(__file__).with_name("scheme_headers.toml")


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV table, none when it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def edition_codes(reference: Path) -> tuple[set[str], set[str]]:
    """All diagnosis and all procedure codes that the names and any scheme's lists know."""
    diagnoses = {row["code"] for row in rows(reference / "codes" / "dx_names.csv")}
    procedures = {row["code"] for row in rows(reference / "codes" / "proc_names.csv")}
    for folder in sorted((reference / "schemes").iterdir()):
        for table, column in DIAGNOSIS_TABLES.items():
            diagnoses.update(row[column] for row in rows(folder / f"{table}.csv"))
        for table, column in PROCEDURE_TABLES.items():
            procedures.update(row[column] for row in rows(folder / f"{table}.csv"))
        for row in rows(folder / "adrg_codes.csv"):
            (diagnoses if row["role"].split(":")[-1].startswith("dx") else procedures).add(row["code"])
    return {c for c in diagnoses if CODE.fullmatch(c)}, {c for c in procedures if CODE.fullmatch(c)}


def main(reference: Path) -> None:
    """Write editions and schemes and print every remark of the import."""
    headers = tomllib.loads(HEADERS.read_text(encoding="utf-8"))
    for name, codes in zip(("icd10-yb-2.0", "icd9cm3-yb-2.0"), edition_codes(reference), strict=True):
        EDITION_FOLDER.mkdir(parents=True, exist_ok=True)
        text = write_codes(codes, headers["edition"][name])
        (EDITION_FOLDER / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {len(codes)} codes")
    for header in headers["scheme"]:
        tables = reference / "schemes" / header.pop("tables")
        mdc_names = headers["mdc_names"]
        header["site_names"] = headers["site_names"]
        remarks = import_scheme(
            tables, SCHEME_FOLDER / header["id"], overwrite=True, header=header, mdc_names=mdc_names
        )
        print(f"{header['id']}: {len(remarks)} remarks", *remarks, sep="\n  ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
