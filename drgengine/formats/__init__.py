"""Files in and out (文件读写): Parquet, delimited text, Excel; no knowledge of grouping."""

from drgengine.formats.sink import Sink, open_sink, refuse_same
from drgengine.formats.source import Source, list_parts, open_source

__all__ = ["Sink", "Source", "list_parts", "open_sink", "open_source", "refuse_same"]
