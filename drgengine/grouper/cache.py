"""Compiled schemes kept on disk under a fingerprint of everything that went into them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from drgengine.grouper.compile import Compiled, compile_scheme
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.tables import KernelTables

FORMAT = 6
"""Raised whenever the compiled form changes its meaning; older files are then left alone and written anew."""
_CHECK_BYTES = hashlib.sha256().digest_size
_ARRAYS = ("dx_signature", "proc_signature")
_FROM_SCHEME = ("tables", "gate_tables", "dx_codes", "proc_codes")


def cache_folder() -> Path:
    """Where compiled schemes are kept: $DRGENGINE_CACHE, or the user's cache folder."""
    stated = os.environ.get("DRGENGINE_CACHE")
    return Path(stated) if stated else user_cache_path("drgengine")


@lru_cache(maxsize=8)
def compiled(scheme: Scheme) -> Compiled:
    """The compiled form of a scheme, from memory, from disk, or made now and kept.

    A cache file that is damaged or cannot be written is no error: the scheme is compiled again.
    Several processes may do this at once; each writes under a name of its own and renames.
    """
    path = cache_folder() / f"{scheme.digest[:32]}-{FORMAT}.npz"
    try:
        return _read(path, scheme)
    except (OSError, ValueError, KeyError, TypeError):
        made = compile_scheme(scheme)
        with contextlib.suppress(OSError):
            _write(path, made)
        return made


def _write(path: Path, made: Compiled) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    words = {f.name: getattr(made, f.name) for f in fields(made) if f.name not in (*_ARRAYS, *_FROM_SCHEME)}
    arrays = made.tables._asdict() | {f"of_{name}": getattr(made, name) for name in _ARRAYS}
    arrays |= {f"gate_{name}": array for name, array in made.gate_tables._asdict().items()}
    content = io.BytesIO()
    np.savez(content, words=np.frombuffer(json.dumps(words).encode(), np.uint8), **arrays)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content.getbuffer()).digest())
            file.write(content.getbuffer())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path, scheme: Scheme) -> Compiled:
    raw = path.read_bytes()
    if hashlib.sha256(raw[_CHECK_BYTES:]).digest() != raw[:_CHECK_BYTES]:
        raise ValueError("damaged")
    with np.load(io.BytesIO(raw[_CHECK_BYTES:]), allow_pickle=False) as stored:
        words = json.loads(stored["words"].tobytes())
        tables = KernelTables(**{name: stored[name] for name in KernelTables._fields})
        gates = KernelTables(**{name: stored[f"gate_{name}"] for name in KernelTables._fields})
        arrays = {name: stored[f"of_{name}"] for name in _ARRAYS}
    if words["digest"] != scheme.digest:
        raise ValueError("made from another scheme")
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
    plain |= {"dx_codes": scheme.diagnoses.codes, "proc_codes": scheme.procedures.codes, **arrays}
    return Compiled(tables=tables, gate_tables=gates, **plain)
