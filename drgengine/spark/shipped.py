"""How a scheme reaches the executors: a packaged one by its name, any other once per executor as a broadcast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from drgengine.errors import DrgEngineError, SchemeError
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import SCHEME_FOLDER, load_scheme, packaged_schemes

_sent: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
_held: dict[str, Scheme] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """A few bytes that travel with every task and lead to the scheme.

    digest : fingerprint of the scheme's content; name : of a packaged scheme, else None
    content : the broadcast that holds the Scheme, None for a packaged one
    """

    digest: str
    name: str | None
    content: Any = None

    def scheme(self) -> Scheme:
        """The scheme, loaded at the first call in this process.

        Raises SchemeError when this machine's package holds another scheme under the name.
        """
        if self.digest not in _held:
            _held[self.digest] = self._load()
        return _held[self.digest]

    def _load(self) -> Scheme:
        if self.name is None:
            content: Scheme = self.content.value
            return content
        scheme = load_scheme(self.name)
        if scheme.digest != self.digest:
            raise SchemeError(
                f"scheme {self.name!r}",
                "an executor has another state of it than the driver",
                "Install the same version of drgengine on all machines",
            )
        return scheme


def ship(spark: Any, scheme: str | Path | Scheme) -> Shipped:
    """Make a scheme ready for the executors of a session; sent once, however often it is asked for.

    Raises SchemeError, and DrgEngineError for an own scheme under Spark Connect, which has no broadcasts.
    """
    loaded = load_scheme(scheme)
    for name in packaged_schemes():
        if loaded.source == str(SCHEME_FOLDER / name) and load_scheme(name) is loaded:
            return Shipped(loaded.digest, name)
    return Shipped(loaded.digest, None, _broadcast(spark, loaded))


def _broadcast(spark: Any, scheme: Scheme) -> Any:
    from pyspark.errors import PySparkException

    try:
        context = spark.sparkContext
    except (PySparkException, AttributeError):
        raise DrgEngineError(
            f"scheme {scheme.id}",
            "Spark Connect cannot send a scheme of your own to the executors",
            "Use a packaged scheme, or a session that is not a Connect session",
        ) from None
    sent = _sent.setdefault(context, {})
    if scheme.digest not in sent:
        # A copy without the lists worked out so far: they are large and soon made again.
        sent[scheme.digest] = context.broadcast(replace(scheme))
    return sent[scheme.digest]
