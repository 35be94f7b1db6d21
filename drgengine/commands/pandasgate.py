"""pandas is loaded only by the commands that work with it: it takes half a second."""

from __future__ import annotations

import sys


class _WithoutPandas:
    """pyarrow loads pandas only to recognise its objects, which most commands never hand it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ImportError("this command works without pandas")


def shut() -> None:
    """From now on pandas cannot be imported."""
    sys.meta_path.insert(0, _WithoutPandas())


def reopen() -> None:
    """pandas can be imported again."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _WithoutPandas)]
