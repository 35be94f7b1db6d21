"""What Spark needs on a machine: PySpark and Java 17 or newer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from drgengine.errors import DrgEngineError

OLDEST_JAVA = 17
_REMEDY = 'Install it with: pip install "drgengine[spark]"; Spark also needs Java 17 or newer'


def require_pyspark() -> None:
    """Raise DrgEngineError naming the extra when PySpark is not installed."""
    if find_spec("pyspark") is None:
        raise DrgEngineError("drgengine.spark", "PySpark is not installed", _REMEDY)


def require_java() -> None:
    """Raise DrgEngineError when no Java is found (JAVA_HOME, then PATH) or one that is too old."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home, "bin", "java")) if home else shutil.which("java")
    remedy = "Install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless) and set JAVA_HOME to it"
    if command is None or shutil.which(command) is None:
        where = f"in JAVA_HOME={home}" if home else "on the PATH, and JAVA_HOME is not set"
        raise DrgEngineError("drgengine.spark", f"there is no Java {where}", remedy)
    told = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    version = java_version(told.stderr + told.stdout)
    if version is None or version < OLDEST_JAVA:
        raise DrgEngineError(command, f"Spark 4 does not run on Java {version or 'of an unknown version'}", remedy)


def java_version(told: str) -> int | None:
    """The main version in what `java -version` prints, or None.

    >>> java_version('openjdk version "17.0.15" 2025-04-15'), java_version('java version "1.8.0_381"')
    (17, 8)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None
