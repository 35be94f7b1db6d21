"""One run at a time in a folder. The lock is the operating system's, so that it goes with the process that held it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from drgengine.errors import OutputFileError

LOCK_FILE = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder. OutputFileError names the process that holds it already; that of a dead process is free."""
    with (folder / LOCK_FILE).open("a+b") as file:
        if not _taken(file):
            file.seek(0)
            holder = file.read().decode("utf-8", "replace").strip() or "another process"
            remedy = "Wait until it ends, or name another output folder"
            raise OutputFileError(str(folder), f"{holder} is working in it", remedy)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n".encode())
        file.flush()
        yield


def _taken(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 20)  # a place beyond the text, which others may thus read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
