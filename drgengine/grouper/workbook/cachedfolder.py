"""Scheme folders made of workbooks, kept in the user's cache so that a workbook can be named like a scheme."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from drgengine.cases.editions import EDITION_FOLDER
from drgengine.errors import InputFileError, OutputFileError
from drgengine.grouper.cache import cache_folder
from drgengine.grouper.workbook.editionfile import DEFAULT_EDITION, edition_path
from drgengine.grouper.workbook.importer import FORMAT, import_workbook

_WHOLE = "whole.json"
"""Written last; holds a digest of the other files. Its ending keeps it out of the scheme's own digest."""
_of_this_process: dict[str, Path] = {}


def folder_of_workbook(path: Path) -> Path:
    """The scheme folder of a workbook, made now or earlier.

    path : the .xlsx; the packaged edition file is used, no lists beside the workbook
    returns a folder in the user's cache, under a digest of the file, the edition file, the code editions and the
        importer's format; where nothing can be kept there, a temporary folder of this process
    raises what import_workbook raises, and InputFileError when the file cannot be read

    Written under another name and renamed, so that several processes may ask at once. A damaged folder is made anew.
    """
    digest = _digest(path)
    target = cache_folder() / "workbooks" / digest
    for folder in (target, _of_this_process.get(digest)):
        if folder is not None and _is_whole(folder):
            return folder
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{digest}.", suffix=".part", dir=target.parent))
    except OSError:
        return _temporary(path, digest)
    try:
        _make(path, made / digest)
        return _put(made / digest, target)
    except (OSError, OutputFileError):
        return _temporary(path, digest)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _digest(path: Path) -> str:
    digest = hashlib.sha256(f"format {FORMAT}\n".encode())
    try:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    except OSError as error:
        raise InputFileError(str(path), f"cannot be read ({error.strerror})", "Check the path and its rights") from None
    for file in (edition_path(DEFAULT_EDITION), *sorted(EDITION_FOLDER.glob("*.txt"))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _make(path: Path, folder: Path) -> None:
    import_workbook(path, folder)
    (folder / _WHOLE).write_text(_fingerprint(folder), encoding="utf-8")


def _put(made: Path, target: Path) -> Path:
    """Rename a finished folder to its place; one that stands there whole is as good, a damaged one goes."""
    for _ in range(3):
        try:
            made.rename(target)
            return target
        except OSError:
            if _is_whole(target):
                return target
            with contextlib.suppress(OSError):
                target.rename(made.parent / f"damaged-{os.urandom(4).hex()}")
    raise OutputFileError(str(target), "the folder cannot be replaced", "Remove it")


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.name != _WHOLE:
            digest.update(f"{file.name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / _WHOLE).read_text(encoding="utf-8") == _fingerprint(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _temporary(path: Path, digest: str) -> Path:
    """A folder for this process alone, removed at its end."""
    place = Path(tempfile.mkdtemp(prefix="drgengine-workbook-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    _make(path, place / digest)
    _of_this_process[digest] = place / digest
    return place / digest
