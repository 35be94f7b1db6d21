"""Writes a scheme folder: scheme.toml, rules.toml and the list files. The folder appears whole or not at all."""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drgengine.cases.editions import load_edition, write_codes
from drgengine.errors import OutputFileError
from drgengine.grouper.codelists import write_lists
from drgengine.grouper.conditions import Condition
from drgengine.grouper.expression import unparse
from drgengine.grouper.patterns import PatternWriter

HEAD_KEYS = ("id", "title", "authority", "version", "published", "effective_from", "effective_to", "note")


@dataclass(frozen=True, slots=True)
class RuleText:
    """An MDC (parts = rules), a rule (parts = groups) or a group, ready to be written."""

    code: str
    name: str
    owner: str
    when: Condition
    adrg: str = ""
    kind: str = ""
    otherwise: str = ""
    parts: list[RuleText] = field(default_factory=list)
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class FolderContent:
    """All that a scheme folder says.

    options : further keys of scheme.toml (checks, refused_principals, ...); files : name -> text of further files
    """

    header: dict[str, Any]
    retry: bool
    ungroupable: str
    editions: dict[str, str]
    extra: dict[str, set[str]]
    mdcs: list[RuleText]
    diagnoses: dict[str, list[str]]
    procedures: dict[str, list[str]]
    options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Raise OutputFileError where a scheme folder could not be written because of what stands there."""
    if folder.exists() and not folder.is_dir():
        raise OutputFileError(str(folder), "this is a file, a folder is needed", "Name a folder")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise OutputFileError(str(folder), "the folder exists already", "Name another one or allow --overwrite")
    if folder.exists() and not (folder / "scheme.toml").exists() and any(folder.iterdir()):
        raise OutputFileError(str(folder), "the folder holds something other than a scheme", "Name another folder")


def write_folder(
    content: FolderContent, folder: Path, *, overwrite: bool = False, look: Callable[[Path], object] | None = None
) -> None:
    """Write a scheme folder under a temporary name and rename it. Raises OutputFileError.

    look : called with the finished folder before it gets its name; what it raises leaves things as they were
    """
    check_folder(folder, overwrite=overwrite)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
            made = Path(temporary) / "scheme"
            made.mkdir()
            for name, text in (_files(content) | content.files).items():
                (made / name).write_text(text, encoding="utf-8", newline="\n")
            for names in ("diagnosis_names.csv", "procedure_names.csv"):
                if (folder / names).exists() and names not in content.files:
                    shutil.copy(folder / names, made / names)
            if look is not None:
                look(made)
            if folder.exists():
                folder.rename(Path(temporary) / "old")
            try:
                made.replace(folder)
            except OSError:
                if (Path(temporary) / "old").exists():
                    (Path(temporary) / "old").rename(folder)
                raise
    except OSError as error:
        raise OutputFileError(
            str(folder), f"cannot be written ({error.strerror})", "Check the path and its rights"
        ) from None


def _files(content: FolderContent) -> dict[str, str]:
    files = {"scheme.toml": _scheme_toml(content), "rules.toml": _rules_toml(content.mdcs)}
    for kind, lists, file in (
        ("diagnosis", content.diagnoses, "diagnoses.txt"),
        ("procedure", content.procedures, "procedures.txt"),
    ):
        edition = load_edition(content.editions[kind]).with_codes(content.extra[kind])
        writer = PatternWriter(edition.codes)
        patterns = {name: writer.write(codes) for name, codes in lists.items()}
        files[file] = write_lists(patterns, f"{kind} lists of {content.header['id']}; notation: see CONTRIBUTING")
        if content.extra[kind]:
            files[f"extra_{kind}_codes.txt"] = write_codes(
                content.extra[kind], {"made of": f"{kind} codes in lists of this scheme, unknown to {edition.name}"}
            )
    return files


def _toml(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _scheme_toml(content: FolderContent) -> str:
    header = content.header
    lines = [f"{key} = {_toml(header[key])}" for key in HEAD_KEYS if header.get(key) not in (None, "")]
    if "version" not in header or not header["version"]:
        lines.append('version = ""')
    lines += [f"retry_each_other_procedure = {_toml(content.retry)}", f"ungroupable = {_toml(content.ungroupable)}"]
    lines += [f"{key} = {_toml(value)}" for key, value in content.options.items()]
    lines += ["", "[codes]"]
    for kind, name in content.editions.items():
        lines += [f"{kind}_edition = {_toml(name)}", f"{kind}_digest = {_toml(load_edition(name).digest)}"]
    if header.get("site_names"):
        lines += ["", "[site_names]"]
        lines += [f"{_toml(region)} = {_toml(name)}" for region, name in header["site_names"].items()]
    for oddity in header.get("oddity", ()):
        lines += ["", "[[oddity]]", f"kind = {_toml(oddity['kind'])}", f"detail = {_toml(oddity['detail'])}"]
    return "\n".join(lines) + "\n"


def _rules_toml(mdcs: list[RuleText]) -> str:
    lines = ["# MDCs in the order in which they are tried, their rules in order, the groups of each rule in order."]
    for mdc in mdcs:
        lines += ["", "[[mdc]]", f"code = {_toml(mdc.code)}", *_named(mdc), f"gate = {_toml(unparse(mdc.when))}"]
        for rule in mdc.parts:
            lines += ["", "[[mdc.rule]]", *([f"id = {_toml(rule.code)}"] if rule.code != rule.adrg else [])]
            lines += [f"adrg = {_toml(rule.adrg)}", *_named(rule), f"kind = {_toml(rule.kind)}"]
            lines += [f"when = {_toml(unparse(rule.when))}"]
            if rule.parts:
                lines += ["groups = [", *(f"  {_group(group)}," for group in rule.parts), "]"]
            if rule.otherwise != "next":
                lines.append(f"otherwise = {_toml(rule.otherwise)}")
    return "\n".join(lines) + "\n"


def _named(item: RuleText) -> list[str]:
    names = {"name": item.name, "name_en": item.name_en}
    return [f"{key} = {_toml(name)}" for key, name in names.items() if name]


def _group(group: RuleText) -> str:
    name = {"name": group.name} if group.name else {}
    return _toml({"drg": group.code} | name | {"when": unparse(group.when)})
