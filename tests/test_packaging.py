"""The surface of the package and what an installed copy holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import drgengine

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCHEMES = {"beijing-2022", "chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0"}
IMPORTED_AS = {"scikit_learn": "sklearn"}
SCHEME_FILES = {"scheme.toml", "rules.toml", "diagnoses.txt", "procedures.txt"}
PUBLIC = [
    "DrgEngineError",
    "IssueLog",
    "__version__",
    "explain",
    "group",
    "group_file",
    "load_scheme",
    "read_front_page",
    "read_settlement",
]
HEAVY = ("click", "llvmlite", "numba", "numpy", "pandas", "polars", "pyarrow", "rich", "scipy", "sklearn", "xlsxwriter")


def test_the_version_is_written_once() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "drgengine/__init__.py"
    assert "version" not in PROJECT["project"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", drgengine.__version__)


def test_the_installed_version_is_that_of_the_code() -> None:
    try:
        installed = version("drgengine")
    except PackageNotFoundError:
        pytest.skip("drgengine is used from its source folder, not installed")
    assert installed == drgengine.__version__


def test_the_changelog_knows_the_version() -> None:
    assert re.search(rf"^## .*{re.escape(drgengine.__version__)}", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)


def test_public_names_are_these() -> None:
    assert dir(drgengine) == PUBLIC
    assert sorted(drgengine.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(drgengine, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'grouper_of_dreams'"):
        _ = drgengine.grouper_of_dreams


def test_importing_the_package_loads_nothing_heavy() -> None:
    asked = f"import sys, drgengine; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_the_command_leads_to_the_package() -> None:
    assert PROJECT["project"]["scripts"] == {"drgengine": "drgengine.cli:main"}


def test_the_package_is_typed() -> None:
    assert resources.files(drgengine).joinpath("py.typed").is_file()


def test_packaged_schemes_are_complete() -> None:
    folder = resources.files(drgengine) / "schemes"
    found = {item.name: {file.name for file in item.iterdir()} for item in folder.iterdir() if item.is_dir()}
    assert found.pop("editions") == {"icd10-yb-2.0.txt", "icd9cm3-yb-2.0.txt"}
    assert found.pop("workbooks") == {"chs-drg-3.0.toml"}
    assert found == dict.fromkeys(SCHEMES, SCHEME_FILES)


def test_the_wheel_will_hold_every_file_of_the_package() -> None:
    """Asks the builder which files it would take, without building: .gitignore and settings can hide one."""
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed (extra: dev)")
    taken = {file.distribution_path for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "drgengine").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".nbi", ".nbc")
    }
    assert there - taken == set()
    assert all(path.startswith("drgengine/") for path in taken)
    assert {f"drgengine/schemes/{scheme}/{file}" for scheme in SCHEMES for file in SCHEME_FILES} <= taken


def modules(path: Path) -> set[str]:
    """Modules that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def imported(path: Path) -> set[str]:
    """Modules of the package itself that a file imports."""
    return {name for name in modules(path) if name.startswith("drgengine.")}


def test_every_library_used_is_declared() -> None:
    project = PROJECT["project"]
    stated = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    declared = {re.split(r"[<>=\[]", line)[0].replace("-", "_") for line in stated}
    used = {name.split(".")[0] for path in (ROOT / "drgengine").rglob("*.py") for name in modules(path)}
    declared |= {IMPORTED_AS[name] for name in declared & set(IMPORTED_AS)}
    assert used - declared - {"drgengine", "__future__"} - set(sys.stdlib_module_names) == set()


def test_imports_run_one_way() -> None:
    """Each layer may use itself and the layers before it."""
    layers = ["errors", "tomltable", "cases", "formats", "grouper", "costing", "evaluation", "quality"]
    layers += ["impact", "whatif", "spark", "synth", "commands", "cli"]
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for at, layer in enumerate(layers)
        for path in [*(ROOT / "drgengine" / layer).rglob("*.py"), *(ROOT / "drgengine").glob(f"{layer}.py")]
        for name in imported(path)
        if name.split(".")[1] in layers[at + 1 :]
    ]
    assert against == []


def test_kernel_and_twin_share_no_code() -> None:
    """A helper used by both would hide a mistake in both."""
    grouper = ROOT / "drgengine" / "grouper"
    assert imported(grouper / "kernel.py") == set()
    used = {name.split(".")[2] for name in imported(grouper / "reference.py")}
    assert used == {"conditions", "scheme"}
