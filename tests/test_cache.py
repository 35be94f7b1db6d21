"""Compiled schemes on disk: found again, replaced when damaged or outdated, never an obstacle."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import drgengine
from drgengine.grouper import cache
from drgengine.grouper.cache import cache_folder, compiled
from drgengine.grouper.compile import Compiled, compile_scheme
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import folder_digest, load_scheme

SCHEME = """\
id = "tiny"
title = { zh = "小", en = "Tiny" }
authority = { zh = "局", en = "Bureau" }
version = "1"
[codes]
diagnosis_edition = "icd10-yb-2.0"
procedure_edition = "icd9cm3-yb-2.0"
"""
RULES = """\
[[mdc]]
code = "F"
gate = "pdx in @dx"
[[mdc.rule]]
adrg = "FR2"
kind = "medical"
when = 'age_years >= 18 and not department == "ICU" and not any_dx starts {Q.}'
groups = [ { drg = "FR21", when = "mcc" }, { drg = "FR25", when = "always" } ]
"""
CASES = {"dx": [["I21.000"], ["I21.100", "J96.000"], ["A00.000"]], "sex": [1, 2, 1], "age_years": [63, 70, 20]}
EXPECTED = ["FR25", "FR21", "0000"]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "scheme.toml").write_text(SCHEME, encoding="utf-8")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    (folder / "diagnoses.txt").write_text("[MDCF.dx]\nI21\n[mcc.1]\nJ96\n", encoding="utf-8")
    (folder / "procedures.txt").write_text("[operations]\n37\n", encoding="utf-8")
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own, and nothing remembered from before."""
    monkeypatch.setenv("DRGENGINE_CACHE", str(tmp_path / "kept"))
    compiled.cache_clear()
    return tmp_path / "kept"


def group(folder: Path) -> list[str]:
    compiled.cache_clear()
    return drgengine.group(CASES, scheme=folder)["drg"].to_pylist()


def assert_same(one: Compiled, other: Compiled) -> None:
    for part in fields(Compiled):
        mine, theirs = getattr(one, part.name), getattr(other, part.name)
        if isinstance(mine, tuple) and hasattr(mine, "_fields"):
            for name, array in mine._asdict().items():
                np.testing.assert_array_equal(array, getattr(theirs, name), err_msg=f"{part.name}.{name}")
                assert array.dtype == getattr(theirs, name).dtype
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, err_msg=part.name)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs, part.name


def no_compilation(scheme: Scheme) -> Compiled:
    raise AssertionError(f"{scheme.id} was compiled although its compiled form is kept")


def test_the_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRGENGINE_CACHE", str(tmp_path / "there"))
    assert cache_folder() == tmp_path / "there"
    monkeypatch.delenv("DRGENGINE_CACHE")
    assert "drgengine" in str(cache_folder())


def test_a_kept_scheme_is_the_one_that_was_compiled(tiny: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert group(tiny) == EXPECTED
    assert [path.suffix for path in kept.iterdir()] == [".npz"]
    made = compile_scheme(load_scheme(tiny))
    monkeypatch.setattr(cache, "compile_scheme", no_compilation)
    compiled.cache_clear()
    assert_same(compiled(load_scheme(tiny)), made)
    assert group(tiny) == EXPECTED


def test_the_packaged_default_is_kept_as_it_was_compiled(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = compiled(load_scheme())
    monkeypatch.setattr(cache, "compile_scheme", no_compilation)
    compiled.cache_clear()
    assert_same(compiled(load_scheme()), made)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a cache file", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x93NUMPY" + bytes(100), bytes(1000)],
)
def test_a_damaged_file_is_made_anew(content: bytes, tiny: Path, kept: Path) -> None:
    group(tiny)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert group(tiny) == EXPECTED
    assert file.read_bytes() == whole


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_made_anew(share: float, tiny: Path, kept: Path) -> None:
    group(tiny)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    assert group(tiny) == EXPECTED
    assert file.read_bytes() == whole


def test_a_flipped_byte_anywhere_changes_no_answer(tiny: Path, kept: Path) -> None:
    """Whatever a damaged byte does to the container, the result is the compiled scheme or a new compilation."""
    scheme = load_scheme(tiny)
    made = compiled(scheme)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    rng = np.random.default_rng(20240701)
    directory = whole.rindex(b"PK\x01\x02")
    heads = [at for at in range(len(whole)) if whole[at : at + 4] in (b"PK\x03\x04", b"PK\x01\x02")][:6]
    places = {*rng.integers(0, len(whole), 60), *rng.integers(directory, len(whole), 40)}
    places |= {head + step for head in heads for step in range(46)}
    for at in sorted(int(place) for place in places if place < len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        file.write_bytes(damaged)
        compiled.cache_clear()
        assert_same(compiled(scheme), made)


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"leaf_drg": None}, {"numbers": None}])
def test_words_that_do_not_fit_are_not_believed(change: dict[str, str | None], tiny: Path, kept: Path) -> None:
    group(tiny)
    (file,) = kept.iterdir()
    with np.load(io.BytesIO(file.read_bytes()[32:])) as stored:
        arrays = dict(stored)
    words = json.loads(arrays["words"].tobytes()) | change
    arrays["words"] = np.frombuffer(json.dumps({k: v for k, v in words.items() if v is not None}).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)
    file.write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    assert group(tiny) == EXPECTED


def test_a_folder_that_cannot_be_written_is_no_obstacle(tiny: Path, kept: Path) -> None:
    kept.write_text("a file where the folder should be", encoding="utf-8")
    assert group(tiny) == EXPECTED
    assert kept.is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_folder_without_the_right_to_write(tiny: Path, kept: Path) -> None:
    kept.mkdir(mode=0o500)
    assert group(tiny) == EXPECTED
    assert list(kept.iterdir()) == []


def test_a_full_disk_leaves_no_half_file(tiny: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    assert group(tiny) == EXPECTED
    assert list(kept.iterdir()) == []


# --- what a scheme's fingerprint depends on -------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["scheme.toml", "rules.toml", "diagnoses.txt", "procedures.txt"])
def test_a_changed_file_is_another_scheme(file: str, tiny: Path, kept: Path) -> None:
    before, first = folder_digest(tiny), load_scheme(tiny)
    group(tiny)
    (tiny / file).write_text((tiny / file).read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    assert folder_digest(tiny) != before
    assert load_scheme(tiny) is not first
    group(tiny)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("file", ["extra_diagnosis_codes.txt", "diagnosis_names.csv"])
def test_a_file_that_comes_or_goes_counts_too(file: str, tiny: Path) -> None:
    before = folder_digest(tiny)
    (tiny / file).write_text("code,name\nA00. 7x7\n", encoding="utf-8")
    assert folder_digest(tiny) != before
    (tiny / file).unlink()
    assert folder_digest(tiny) == before


def test_an_unchanged_folder_gives_the_same_object(tiny: Path) -> None:
    assert load_scheme(tiny) is load_scheme(str(tiny))


def test_a_changed_rule_changes_the_answer(tiny: Path, kept: Path) -> None:
    assert group(tiny) == EXPECTED
    (tiny / "rules.toml").write_text(RULES.replace(">= 18", ">= 65"), encoding="utf-8")
    assert group(tiny) == ["0000", "FR21", "0000"]


# --- several processes ------------------------------------------------------------------------------------------


def _group_in_a_process(folder: str) -> list[str]:
    return group(Path(folder))


def test_several_processes_at_once(tiny: Path, kept: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.map(_group_in_a_process, [str(tiny)] * 8, chunksize=1)
    assert answers == [EXPECTED] * 8
    assert [path.suffix for path in kept.iterdir()] == [".npz"]
