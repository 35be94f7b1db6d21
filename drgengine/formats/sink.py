"""Writing a table so that the output file exists only when it is complete."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from drgengine.errors import InputFileError, OutputFileError
from drgengine.formats.source import PARQUET_ENDINGS, refuse_impossible

# Of the target, in the temporary name: file systems take 255 bytes, and a character may have four.
_NAME_CHARACTERS = 40
_ENDINGS = ".parquet, .csv or .csv.gz"


PathGiven = str | os.PathLike[str] | None


class Sink(ABC):
    """A file written under a temporary name next to its place; commit() puts it there, abort() removes it.

    As a context manager it commits at the end and aborts on an exception.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = check_output(path)
        self._temporary = _create_temporary(self._target)
        self._open = True

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch."""
        with self.failing():
            self._write(batch)

    def commit(self) -> None:
        """Finish the file and move it to its place, replacing an older file there."""
        if self._open:
            with self.failing():
                self._finish()
                self._temporary.replace(self._target)
            self._open = False

    def abort(self) -> None:
        """Remove the unfinished file; the place stays as it was."""
        if self._open:
            self._open = False
            try:
                self._discard()
            except (pa.ArrowException, OSError):
                pass  # closing may need to write the last bytes, which are not wanted
            finally:
                self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    @contextmanager
    def failing(self) -> Iterator[None]:
        """A failure removes the unfinished file; one of the place becomes OutputFileError."""
        try:
            yield
        except OSError as error:
            self.abort()
            raise explain(self.path, error) from error
        except BaseException:
            self.abort()
            raise

    @abstractmethod
    def _write(self, batch: pa.RecordBatch) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...

    @abstractmethod
    def _discard(self) -> None: ...


def open_sink(
    path: str | os.PathLike[str],
    schema: pa.Schema,
    *,
    output_schema: pa.Schema | None = None,
    compression: str = "zstd",
) -> Sink:
    """Open an output table (结果文件): .parquet, .csv or .csv.gz by its ending.

    schema : of the batches to come
    output_schema : types a reader of the Parquet file sees (same columns; default: schema). Dictionary
        batches of a text column are thus read back as text.
    compression : of Parquet

    Raises OutputFileError: missing folder, no permission, disk full, unknown ending, a type CSV cannot hold.
    """
    file = Path(path)
    check_output(file)
    name = file.name.lower()
    if name.endswith(PARQUET_ENDINGS):
        from drgengine.formats.parquet_sink import ParquetSink

        return ParquetSink(file, schema, output_schema or schema, compression)
    if name.endswith((".csv", ".csv.gz")):
        from drgengine.formats.text_sink import TextSink

        return TextSink(file, schema)
    problem = f"the ending {file.suffix!r} is not known" if file.suffix else "the name has no ending"
    raise OutputFileError(str(file), problem, f"Give the output the ending {_ENDINGS}")


def refuse_same(input_path: str | os.PathLike[str], output_path: str | os.PathLike[str]) -> None:
    """OutputFileError when the output is the input, also through links, or lies in the input folder."""
    source, target = Path(input_path), Path(output_path)
    refuse_impossible(source, InputFileError)
    refuse_impossible(target, OutputFileError)
    same = os.path.realpath(source) == os.path.realpath(target)
    if not same and source.exists() and target.exists():
        same = source.samefile(target)
    if same:
        raise OutputFileError(str(target), "the output is the input file", "Name another output file")
    if source.is_dir() and Path(os.path.realpath(source)) in Path(os.path.realpath(target)).parents:
        raise OutputFileError(str(target), "the output lies in the input folder", "Put the output in another folder")


def keep_apart(outputs: Mapping[str, PathGiven], inputs: Mapping[str, object]) -> None:
    """OutputFileError when two outputs are one file, or an output is a file that is read (maps, salt, profile ...).

    outputs, inputs : what it is -> path; None and values that are no paths are passed over

    >>> keep_apart({"cases": "cases.parquet", "issues": None}, {"--dx-map": "map.csv"})
    >>> keep_apart({"cases": "map.csv"}, {"--dx-map": "map.csv"})
    Traceback (most recent call last):
    drgengine.errors.OutputFileError: map.csv: the cases would overwrite --dx-map. Name another output file.
    """
    placed = {name: Path(path) for name, path in outputs.items() if path is not None}
    seen: dict[str, str] = {}
    for name, place in placed.items():
        refuse_impossible(place, OutputFileError)
        for what, given in inputs.items():
            if isinstance(given, str | os.PathLike) and _one_file(Path(given), place):
                raise OutputFileError(str(place), f"the {name} would overwrite {what}", "Name another output file")
        real = os.path.realpath(place)
        if real in seen:
            raise OutputFileError(str(place), f"{seen[real]} and {name} would go to the same file", "Name another file")
        seen[real] = name


def _one_file(first: Path, second: Path) -> bool:
    try:
        return os.path.realpath(first) == os.path.realpath(second) or (
            first.exists() and second.exists() and first.samefile(second)
        )
    except (OSError, ValueError):
        return False  # what cannot be looked at is told when it is opened


def check_output(path: Path) -> Path:
    """The place to write to (links followed); OutputFileError when nothing can be written there."""
    refuse_impossible(path, OutputFileError)
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputFileError(str(path), "this is a folder, a file is needed", f"Add a file name ending in {_ENDINGS}")
    if target.exists() and not target.is_file():
        raise OutputFileError(str(path), "this is no ordinary file", "Name a file")
    if not target.parent.is_dir():
        raise OutputFileError(
            str(path),
            f"the folder {str(target.parent)!r} does not exist",
            "Create it, or name another output",
        )
    return target


def explain(path: Path, error: OSError) -> OutputFileError:
    """A failure of the place in the user's words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "no space left" in str(error).lower():
        return OutputFileError(str(path), "the disk is full", "Free some space, or write to another disk")
    if isinstance(error, PermissionError) or error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputFileError(str(path), "no permission to write there", "Write to a folder of your own")
    reason = error.strerror or str(error).strip().splitlines()[0]
    return OutputFileError(str(path), f"writing failed ({reason})", "Check the disk, or write to another place")


def _create_temporary(target: Path) -> Path:
    for attempt in range(1000):
        temporary = target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{os.getpid()}-{attempt}.part")
        try:
            temporary.open("xb").close()
        except FileExistsError:
            continue
        except OSError as error:
            raise explain(target, error) from error
        return temporary
    raise OutputFileError(str(target), "1000 unfinished files stand next to it", "Remove the .part files")


def write_whole(path: Path, text: str) -> Path:
    """Write a text file, UTF-8, under a temporary name beside it and rename it. Raises OutputFileError."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        if not path.parent.is_dir():
            problem = f"the folder {str(path.parent)!r} does not exist"
            raise OutputFileError(str(path), problem, "Create it, or name another output")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError as error:
        raise explain(path, error) from error
    finally:
        # What cannot be removed must not hide why it could not be written.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path
