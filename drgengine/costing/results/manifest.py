"""The manifest of a run (运行清单): what went in, what came out, by which settings and which software."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from drgengine import __version__
from drgengine.costing.model import Finding, Settings
from drgengine.costing.reports.notes import policies_used, settings_values
from drgengine.errors import InputFileError

MANIFEST = "manifest.json"
KIND = "drgengine costing"
KINDS = (KIND, "drgengine evaluation")
"""All results of this program; a result folder may take the place of one of any kind."""
LIBRARIES = ("numpy", "pandas", "pyarrow", "numba", "xlsxwriter")


@dataclass(frozen=True, slots=True)
class FileSeen:
    """An input file as it was read.

    name : relative to the model folder, with /; or the whole path of a file outside it
    """

    name: str
    size: int
    sha256: str


class Hashing:
    """Hashes of input files, worked out in a thread while the run goes on (sha256; the file is read once, in pieces).

    >>> Hashing(Path("."), []).result()
    ()
    """

    def __init__(self, folder: Path, paths: Iterable[Path]) -> None:
        self._folder = folder
        files = sorted({file for path in paths for file in _files(path)})
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drgengine-hash")
        self._waiting: list[Future[FileSeen]] = [self._pool.submit(self._look, file) for file in files]

    def result(self) -> tuple[FileSeen, ...]:
        """The files in order of their names; InputFileError for one that can no longer be read."""
        try:
            return tuple(sorted((future.result() for future in self._waiting), key=lambda seen: seen.name))
        finally:
            self.stop()

    def stop(self) -> None:
        """Give up what has not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self, file: Path) -> FileSeen:
        try:
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
                size = opened.tell()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputFileError(str(file), f"it cannot be read for its hash ({reason})", "Check the file") from error
        return FileSeen(_relative(file, self._folder), size, digest)


def run_id(inputs: Sequence[FileSeen], settings: Settings) -> str:
    """sha256 over the input files, the settings and the version: the same for every repetition of a run."""
    said = {"inputs": [asdict(seen) for seen in inputs], "settings": settings_values(settings), "version": __version__}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def manifest(
    settings: Settings,
    inputs: Sequence[FileSeen],
    findings: Sequence[Finding],
    outputs: Sequence[Mapping[str, Any]],
    *,
    payment: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All there is to say about a run, as plain values for JSON.

    payment : `CaseValue.payment_used`: rate, where weights come from, how many cases were paid how
    outputs : file and rows of everything written, see `output_files`. `written` is the only entry that changes between
    repetitions of a run with the same software.
    """
    severities = ("error", "warning", "note")
    return {
        "kind": KIND,
        "run_id": run_id(inputs, settings),
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "period": {"start": settings.start.isoformat(), "end": settings.end.isoformat()},
        "software": software(),
        "settings": settings_values(settings),
        "policies": policies_used(settings, findings),
        "payment": None if payment is None else dict(payment),
        "findings": {name: sum(finding.severity == name for finding in findings) for name in severities},
        "inputs": [asdict(seen) for seen in inputs],
        "outputs": [dict(output) for output in outputs],
    }


def write_manifest(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write the manifest into a folder; the last file of a run."""
    path = folder / MANIFEST
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    return path


def read_manifest(folder: Path, kinds: Sequence[str] = (KIND,)) -> dict[str, Any] | None:
    """The manifest of an earlier run in a folder; None where there is none of these kinds."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("kind") in kinds else None


def output_files(folder: Path) -> list[dict[str, Any]]:
    """Every file below a folder with size and, of Parquet, rows and columns; the manifest itself left out."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name == MANIFEST:
            continue
        entry: dict[str, Any] = {"name": name, "size": file.stat().st_size}
        if file.suffix == ".parquet":
            seen = pq.read_metadata(file)
            entry |= {"rows": seen.num_rows, "columns": seen.num_columns}
        found.append(entry)
    return found


def software() -> dict[str, str]:
    """Versions of the program, of Python and of the libraries that make the numbers."""
    found = {"drgengine": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _relative(file: Path, folder: Path) -> str:
    whole, base = Path(os.path.realpath(file)), Path(os.path.realpath(folder))
    return whole.relative_to(base).as_posix() if base in whole.parents else whole.as_posix()
