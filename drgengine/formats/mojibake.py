"""Texts that were once read in a wrong encoding (乱码): told by the marks this leaves."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.errors import InputFileError

# The second and third byte of a UTF-8 character, as Latin-1 and as Windows-1252 show them.
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MARKS = re.compile(
    f"\ufffd|锟斤拷|烫烫烫|屯屯屯|[ÂÃ][\u0080-\u00bf]|[à-ï]{_TAIL}{{2}}",
)
# So many texts (and so large a share) must turn into Chinese when read anew: single words can do so by chance.
_TURNED = 3
_TURNED_SHARE = 0.2
_REMEDY = (
    "The file was saved in a wrong encoding, which loses characters: export it again, as UTF-8 or GB18030, "
    "or name the true encoding with --encoding"
)


def refuse_mojibake(place: str, texts: Iterable[str] | pa.Array | pa.ChunkedArray) -> None:
    """Stop when headers or texts are garbled (乱码): U+FFFD, 锟斤拷, Ã¥, æˆ‘, or 涓昏璇婃柇 for 主要诊断.

    place : file and column, for the message; the text itself is not quoted
    texts : headers, or a text column (also dictionary-encoded; null is skipped; other types pass)

    Raises InputFileError naming the remedy.

    >>> refuse_mojibake("a.csv", ["主要诊断", "入院时间（℃）"])
    >>> refuse_mojibake("a.csv", ["ä¸»è¦"])
    Traceback (most recent call last):
        ...
    drgengine.errors.InputFileError: a.csv: the text is garbled (UTF-8 that was read as Latin-1). The file was ...
    """
    distinct = _distinct(texts)
    if found := _MARKS.search("\n".join(distinct)):
        raise InputFileError(place, f"the text is garbled ({_kind(found.group())})", _REMEDY)
    foreign = [text for text in distinct if not text.isascii()]
    turned = sum(_turns_chinese(text) for text in foreign)
    if turned >= _TURNED and turned >= _TURNED_SHARE * len(foreign):
        raise InputFileError(place, "the text is garbled (UTF-8 that was read as GBK)", _REMEDY)


def _distinct(texts: Iterable[str] | pa.Array | pa.ChunkedArray) -> list[str]:
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        return list(dict.fromkeys(texts))
    if pt.is_dictionary(texts.type):
        chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
        return list(dict.fromkeys(t for chunk in chunks for t in _distinct(chunk.dictionary)))
    if not (pt.is_string(texts.type) or pt.is_large_string(texts.type) or pt.is_string_view(texts.type)):
        return []
    if pt.is_string_view(texts.type):
        texts = texts.cast(pa.string())
    # Bytes that are no UTF-8, as some exporters write them into Parquet, are garbled too.
    stored = pc.unique(texts).cast(pa.large_binary()).to_pylist()
    return [data.decode("utf-8", "replace") for data in stored if data]


def _kind(mark: str) -> str:
    if mark == "\ufffd":
        return "replacement characters U+FFFD"
    if mark in ("锟斤拷", "烫烫烫", "屯屯屯"):
        return f"it holds {mark}"
    return "UTF-8 that was read as Latin-1"


def _turns_chinese(text: str) -> bool:
    """Whether the text, written as GBK and read as UTF-8, is Chinese; the last character may have been cut."""
    try:
        stored = text.encode("gbk")
        anew = stored.rstrip(b"?").decode("utf-8", errors="strict")
    except UnicodeEncodeError:
        return False
    except UnicodeDecodeError as error:
        if error.start < len(stored) - 3 or error.reason != "unexpected end of data":
            return False
        anew = stored[: error.start].decode("utf-8")
    return sum("\u4e00" <= sign <= "\u9fff" for sign in anew) >= 2
