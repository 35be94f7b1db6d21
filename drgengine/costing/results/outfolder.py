"""A folder of results that appears whole or not at all (结果文件夹)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drgengine.costing.results.manifest import KINDS, MANIFEST, read_manifest
from drgengine.errors import OutputFileError
from drgengine.formats.sink import explain
from drgengine.formats.source import refuse_impossible

_NAME_CHARACTERS = 40


@contextmanager
def result_folder(out: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder to write into, which takes the place of OUT when everything went well.

    An OUT that exists is replaced only if it is empty, or if a manifest of this program names all of its files. After
    an exception or an interruption it is as it was before and nothing new stands beside it.
    Raises OutputFileError: OUT is a file or holds other files, its folder is missing, no permission, disk full.
    """
    path = Path(out)
    target = check_folder(path)
    _remove_leftovers(target)
    temporary = _beside(path, target, "part")
    try:
        yield temporary
        try:
            _refuse_again(path, target)
            _put(temporary, target)
        except OSError as error:
            raise explain(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_folder(out: str | os.PathLike[str]) -> Path:
    """The place of OUT (links followed); OutputFileError where no result folder can stand.

    Call it before a long run. A folder that a killed run had moved aside is put back first.
    """
    path = Path(out)
    refuse_impossible(path, OutputFileError)
    target = Path(os.path.realpath(path))
    file = next((folder for folder in target.parents if folder.exists()), target.parent)
    if not file.is_dir() and file.exists():
        raise OutputFileError(str(path), f"{str(file)!r} is a file, not a folder", "Name another output")
    if not target.parent.is_dir():
        raise OutputFileError(
            str(path), f"the folder {str(target.parent)!r} does not exist", "Create it, or name another output"
        )
    if not target.name:
        raise OutputFileError(str(path), "this is no place for results", "Name a new folder")
    if not target.exists():
        _restore(target)
    if not target.exists():
        return target
    if not target.is_dir():
        raise OutputFileError(str(path), "this is a file, a folder is needed", "Name a new folder")
    _refuse_others_files(path, target)
    return target


def _refuse_again(path: Path, target: Path) -> None:
    """Somebody may have put a file there while the run went on."""
    if target.exists():
        check_folder(path)


def _refuse_others_files(path: Path, target: Path) -> None:
    """A folder may only be replaced when nothing of anybody else is in it."""
    try:
        present = {file.relative_to(target).as_posix() for file in target.rglob("*") if not file.is_dir()}
    except OSError as error:
        raise explain(path, error) from error
    if not present:
        return
    content = read_manifest(target, KINDS)
    if content is None:
        raise OutputFileError(
            str(path), "the folder holds files and no manifest of drgengine", "Name a new folder, or empty this one"
        )
    listed = {MANIFEST, *(str(entry.get("name")) for entry in content.get("outputs", []) if isinstance(entry, dict))}
    others = sorted(present - listed)
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise OutputFileError(
            str(path),
            f"the folder holds files that drgengine did not write: {shown}",
            "Move them, or name a new folder",
        )


def _beside(path: Path, target: Path, ending: str) -> Path:
    for attempt in range(1000):
        folder = target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{os.getpid()}-{attempt}.{ending}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise explain(path, error) from error
        return folder
    raise OutputFileError(str(path), "1000 unfinished folders stand next to it", "Remove the .part folders")


def _remove_leftovers(target: Path) -> None:
    """Unfinished folders of runs that were killed: nobody else would ever remove them."""
    name = re.compile(rf"\.{re.escape(target.name[:_NAME_CHARACTERS])}\.(\d+)-\d+\.part")
    with suppress(OSError):
        for folder in list(target.parent.iterdir()):
            found = name.fullmatch(folder.name)
            if found and folder.is_dir() and not folder.is_symlink() and not _runs(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    """Whether a process of this number exists; where that cannot be asked, it may."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _put(temporary: Path, target: Path) -> None:
    """Move the new folder to its place; an older one stands aside until that is done."""
    if not target.exists():
        temporary.rename(target)
        return
    aside = target.with_name(_aside_name(target))
    shutil.rmtree(aside, ignore_errors=True)
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _restore(target: Path) -> None:
    """Put back what a run that was killed between two moves had set aside."""
    aside = target.with_name(_aside_name(target))
    if aside.is_dir() and read_manifest(aside, KINDS) is not None:
        with suppress(OSError):
            aside.rename(target)


def _aside_name(target: Path) -> str:
    return f".{target.name[:_NAME_CHARACTERS]}.replaced"
