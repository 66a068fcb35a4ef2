"""Which encoding a text is in: strict trials in a fixed order. Statistics guess wrong on short Chinese texts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Everything below the space but tab, line ends, form feed and escape: no text has these, most binaries do.
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_EXPECTED_IN_UTF16 = re.compile(r"[\t\n\r -~\u2010-\u2027\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
# Pairs of western letters look like Chinese characters; line ends and punctuation among them do not come by chance.
_PROOF_OF_UTF16 = re.compile(r"[\n\r -~\u3001\u3002\uff0c\uff1a]")
# Share of broken characters up to which a text in a known encoding is damaged rather than something else.
_DAMAGED = 0.01
_MOST, _NEARLY_ALL = 0.5, 0.9


@dataclass(frozen=True)
class Decoded:
    """`damaged` counts the characters that had to be replaced by U+FFFD."""

    text: str
    encoding: str
    damaged: int


def sniff_encoding(sample: bytes, *, whole: bool) -> str | None:
    """The Python codec of a text that begins with `sample`, or None where it is no text.

    `whole` says that nothing follows, so that a character cut off at the end counts as an error. Promised for UTF-8,
    UTF-16, UTF-32 with mark, GB18030 and its subsets, Big5 and, as last resort, Windows-1252. One limit is in the
    matter itself: about one character in eight is valid UTF-8 when written in GB 18030, so a text of two or three of
    them can be taken for that.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return codec
    if _trial(sample, "utf-8", whole=whole) is not None or _is_damaged_utf8(sample):
        return "utf-8"
    return _utf16_without_mark(sample) or _legacy(sample, whole=whole) or _damaged_or_western(sample)


def decode(content: bytes, declared: str | None = None) -> Decoded | None:
    """The text of `content`, by the `declared` codec where it fits strictly, else by `sniff_encoding`.

    None where it is no text.
    """
    codec = _known(declared)
    marked = any(content.startswith(mark) for mark, _ in _BYTE_ORDER_MARKS)
    if codec and not marked and (text := _trial(content, codec, whole=True)) is not None:
        return Decoded(text, codec, 0)
    sniffed = sniff_encoding(content, whole=True)
    if sniffed is None:
        return None
    text = content.decode(sniffed, "replace")
    return Decoded(text, sniffed, text.count("\ufffd"))


def _known(declared: str | None) -> str | None:
    try:
        name = codecs.lookup(declared or "").name
        b"ab".decode(name)
    except UnicodeError:
        return name
    except (LookupError, ValueError):  # unknown, or no text encoding
        return None
    if name in {"ascii", "iso8859-1", "cp1252"}:  # the defaults of careless programs, and nothing is ever wrong in them
        return None
    # What calls itself GB 2312 or GBK is often more than that; GB 18030 contains both.
    return "gb18030" if name in {"gb2312", "gbk"} else name


def _trial(content: bytes, codec: str, *, whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(codec)("strict").decode(content, final=whole)
    except (UnicodeError, LookupError):
        return None
    return None if _BINARY.search(text) else text


def _utf16_without_mark(sample: bytes) -> str | None:
    even = sample[: len(sample) // 2 * 2]
    for codec in ("utf-16-le", "utf-16-be"):
        text = _trial(even, codec, whole=False)
        if text and _PROOF_OF_UTF16.search(text) and len(_EXPECTED_IN_UTF16.findall(text)) > 0.97 * len(text):
            return codec
    return None


def _legacy(sample: bytes, *, whole: bool) -> str | None:
    chinese, big5 = (_trial(sample, codec, whole=whole) is not None for codec in ("gb18030", "big5hkscs"))
    if not chinese and not big5:
        return None
    share = _gb2312_share(sample)
    # In Big5 two fifths of a text have the second byte below 0x7F, which in GB 18030 only rare characters have.
    if big5 and share <= _NEARLY_ALL and _big5_share(sample) > _NEARLY_ALL:
        return "big5hkscs"
    return "gb18030" if chinese and share > _MOST else None


def _gb2312_share(sample: bytes) -> float:
    """The share of two-byte characters that stand in GB 2312, the common ones."""
    pairs = re.findall(rb"[\x81-\xfe]([\x40-\xfe])", sample)
    return sum(second >= b"\xa1" for second in pairs) / len(pairs) if pairs else 0.0


def _big5_share(sample: bytes) -> float:
    """The share of two-byte characters that are punctuation or among the common ones of Big5."""
    pairs = re.findall(rb"([\x81-\xfe])[\x40-\x7e\xa1-\xfe]", sample)
    return sum(b"\xa1" <= first <= b"\xc6" for first in pairs) / len(pairs) if pairs else 0.0


def _is_damaged_utf8(sample: bytes) -> bool:
    # Asked before GB 18030, in which damaged UTF-8 may be valid. No other text has many whole sequences by chance.
    text = sample.decode("utf-8", "replace")
    if _BINARY.search(text):
        return False
    damaged = text.count("\ufffd")
    whole_sequences = len(re.findall(r"[^\x00-\x7f]", text)) - damaged
    return whole_sequences > 10 * damaged


def _damaged_or_western(sample: bytes) -> str | None:
    text = sample.decode("gb18030", "replace")
    if _BINARY.search(text):
        return None
    ascii_share = len(re.findall(rb"[\t\n\r -~]", sample)) / max(1, len(sample))
    if ascii_share > _MOST and _gb2312_share(sample) <= _MOST:
        return "cp1252"
    return "gb18030" if text.count("\ufffd") <= max(1, _DAMAGED * len(text)) else None
