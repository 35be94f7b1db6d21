"""Coverage-guided inputs for what reads one text or one header in pure Python (覆盖率引导的变异测试); needs atheris.

    pip install atheris && python benchmarks/fuzz_coverage.py                        200,000 inputs
    python benchmarks/fuzz_coverage.py -runs=2000000 -seed=7                         libFuzzer's options

Dates, hours, ages, code cells, header forms, encodings and DBF headers. Nothing but DrgEngineError may escape, codes
come out without outer blanks, no input takes ten seconds; else libFuzzer keeps the input (crash-...) and the exit code
is not 0. atheris is no dependency of the project; `fuzz_inputs.py` does without it.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("atheris is not installed; fuzz_inputs.py does without it")

with atheris.instrument_imports(include=["drgengine.cases", "drgengine.formats"]):
    from drgengine.cases.codes import mend_code
    from drgengine.cases.shown import shown_name
    from drgengine.errors import DrgEngineError
    from drgengine.formats.cleaning.agetexts import read_days_text, read_years_text
    from drgengine.formats.cleaning.codecell import CellOptions, read_cell
    from drgengine.formats.cleaning.datetexts import read_date_text, read_hour_text
    from drgengine.formats.cleaning.texts import mend_text
    from drgengine.formats.dbf_header import read_dbf_header
    from drgengine.formats.profiles.headers import header_forms
    from drgengine.formats.textencoding import decode_sample, find_delimiter, find_encoding, read_header

_KNOWN = frozenset({"I10.x00", "A18.808+I32.0*", "E11.900", "36.0600"})
_OPTIONS = [CellOptions(kind, _KNOWN, "auto", plus) for kind in ("dx", "proc") for plus in ("auto", "join", "separate")]
_SCRATCH = Path(tempfile.mkdtemp(), "a.dbf")


def one_text(text: str) -> None:
    """Everything that reads one cell or one header."""
    read_date_text(text)
    read_hour_text(text)
    read_years_text(text)
    read_days_text(text)
    mend_text(text)
    mend_text(text, identifier=True)
    header_forms(text)
    assert "\n" not in shown_name(text)
    code, _ = mend_code(text)
    assert code == code.strip()
    for options in _OPTIONS:
        assert all(code == code.strip() and code for code in read_cell(text, options).codes)


def one_file(data: bytes) -> None:
    """What looks at the beginning of a file."""
    path = _SCRATCH
    with suppress(DrgEngineError):
        encoding = find_encoding(path, data)
        text = decode_sample(path, data, encoding, True)
        read_header(path, text, find_delimiter(path, text), True)
    path.write_bytes(data or b"\x03")
    with suppress(DrgEngineError):
        read_dbf_header(path)


def test_one(data: bytes) -> None:
    """One input of libFuzzer."""
    if data[:1] < b"\xd0":
        one_text(data[1:].decode("utf-8", errors="ignore"))
    else:
        one_file(data[1:])


def main() -> None:
    """Run for a stated number of inputs."""
    options = sys.argv[1:]
    if not any(option.startswith("-runs=") for option in options):
        options.append("-runs=200000")
    if not any(option.startswith("-seed=") for option in options):
        options.append("-seed=1")
    atheris.Setup([sys.argv[0], *options, "-timeout=10"], test_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
