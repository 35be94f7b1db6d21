"""The journal of a shard run (运行日志): what was begun, what is finished, with sizes and hashes of the files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JOURNAL_FILE = "journal.jsonl"
_CHECK = "check"


class Journal:
    """Events of a run, one line of JSON each with a check sum; a line is in the file when `append` returns.

    events : those read at opening, in order
    damaged : lines that disagree with their check sum. They are removed from the file, as is a last line without an
        end, which a killed run leaves
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[dict[str, Any]] = []
        self.damaged = 0
        unfinished = path.with_name(f".{path.name}.tmp")
        unfinished.unlink(missing_ok=True)
        if not path.exists():
            return
        content = path.read_bytes()
        lines = content.split(b"\n")
        for line in lines[:-1]:
            event = _event(line)
            if event is None:
                self.damaged += 1
            else:
                self.events.append(event)
        if self.damaged or lines[-1]:
            kept = b"".join(_line(event) for event in self.events)
            unfinished.write_bytes(kept)
            settle(unfinished, path)

    def append(self, event: Mapping[str, Any], *, sync: bool = False) -> None:
        """Add an event; sync : it must outlive a power cut too."""
        new = not self.path.exists()
        with self.path.open("ab") as file:
            file.write(_line(event))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if new:
            sync_folder(self.path.parent)


def finished_shards(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Shard -> its last event `finished`, without those found damaged afterwards."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["event"] == "finished":
            found[event["shard"]] = event
        elif event["event"] == "damaged":
            found.pop(event["shard"], None)
    return found


def file_facts(path: Path) -> dict[str, Any]:
    """Size and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": file.tell(), "sha256": digest}


def settle(unfinished: Path, target: Path) -> None:
    """Move a complete file to its place, so that name and content outlive a power cut."""
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _text(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _sum(event: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(event).encode()).hexdigest()[:16]


def _line(event: Mapping[str, Any]) -> bytes:
    return (_text({**event, _CHECK: _sum(event)}) + "\n").encode()


def _event(line: bytes) -> dict[str, Any] | None:
    """The event of a line, None when it does not agree with its check sum."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or "event" not in event or event.pop(_CHECK, None) != _sum(event):
        return None
    return event
