"""A folder for copies of patient data while an evaluation runs, which nothing is left of (临时病例文件)."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_NAME = "drgengine-evaluation"
_ENDINGS = tuple(one for name in ("SIGTERM", "SIGHUP") if (one := getattr(signal, name, None)) is not None)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in the system's place for temporary files that only this user may read (0700), removed at the end.

    Also after an exception, Ctrl-C and SIGTERM. What a run left that could not end itself (SIGKILL, loss of power)
    is removed by the next one: the name says machine and process.
    """
    remove_leftovers(Path(tempfile.gettempdir()))
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix=f"{_NAME}-{_machine()}-{os.getpid()}-") as made:
        yield Path(made)


def remove_leftovers(place: Path) -> None:
    """Remove the folders of processes of this machine that are no more."""
    name = re.compile(rf"{_NAME}-{_machine()}-(\d+)-\w+")
    with suppress(OSError):
        for folder in list(place.iterdir()):
            found = name.fullmatch(folder.name)
            if found and folder.is_dir() and not folder.is_symlink() and not _runs(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program as an exception does, so that what is temporary is removed.

    Only in the main thread, where signals arrive, and only those that nobody else handles.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    mine = [one for one in _ENDINGS if signal.getsignal(one) == signal.SIG_DFL]
    for one in mine:
        signal.signal(one, _end)
    try:
        yield
    finally:
        for one in mine:
            signal.signal(one, signal.SIG_DFL)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _machine() -> str:
    """Two machines or containers that share a place number their processes alike."""
    return f"{zlib.crc32(platform.node().encode('utf-8', 'replace')):08x}"


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
