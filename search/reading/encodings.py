"""Which encoding a text is in: strict trials in a fixed order. Statistics guess wrong on short Chinese texts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from search.reading.common_characters import COMMON

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
_PUNCTUATION = frozenset("，。、：；？！（）《》〈〉【】「」『』“”‘’…—·～％＋－／＝　①②③④⑤⑥⑦⑧⑨⑩㎡℃")
# Of genuine texts at least three quarters are common, of misread ones a tenth: the borders lie far from both.
_CLEARLY_COMMON, _CLEARLY_MORE = 0.4, 0.25
_BEFORE_BYTES, _JUDGED_BYTES, _SHORT_BYTES = 2 * 1024, 64 * 1024, 64


_LABELS = {
    "gb18030": "GB 18030", "big5hkscs": "Big5", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252",
}  # fmt: skip


@dataclass(frozen=True)
class Decoded:
    """`damaged` counts the characters that had to be replaced by U+FFFD.

    `guessed` says that neither a mark nor a declaration nor the strict form of UTF-8 proves the encoding.
    """

    text: str
    encoding: str
    damaged: int
    guessed: bool = False

    @property
    def label(self) -> str:
        """The encoding as people call it."""
        return _LABELS.get(self.encoding, self.encoding)


def sniff_encoding(sample: bytes, *, whole: bool) -> str | None:
    """The Python codec of a text that begins with `sample`, or None where it is no text.

    `whole` says that nothing follows, so that a character cut off at the end counts as an error. Promised for UTF-8,
    UTF-16, UTF-32 with mark, GB18030 and its subsets, Big5 and, as last resort, Windows-1252. One limit is in the
    matter itself: two or three characters alone may be good Chinese in more than one of them.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return codec
    if _trial(sample, "utf-8", whole=whole) is not None:
        return "gb18030" if _is_short_chinese(sample, whole=whole) else "utf-8"
    judged, ends = _judged(sample, whole=whole)
    if _is_damaged_utf8(judged):
        return "utf-8"
    likely = _common_chinese(judged, whole=ends) or _utf16_without_mark(judged)
    if likely and _trial(sample, likely, whole=whole) is not None:
        return likely
    return _legacy(sample, judged, whole=whole) or _damaged_or_western(sample, judged)


def decode(content: bytes, declared: str | None = None, *, whole: bool = True) -> Decoded | None:
    """The text of `content`, by the `declared` codec where it fits strictly, else by `sniff_encoding`.

    Where it is not the `whole`, half a character at its end is left out. None where it is no text.
    """
    codec = _known(declared)
    marked = any(content.startswith(mark) for mark, _ in _BYTE_ORDER_MARKS)
    if codec and not marked and (text := _trial(content, codec, whole=whole)) is not None:
        return Decoded(text, codec, 0)
    sniffed = sniff_encoding(content, whole=whole)
    if sniffed is None:
        return None
    text = codecs.getincrementaldecoder(sniffed)("replace").decode(content, final=whole)
    proved = marked or sniffed == "utf-8"
    return Decoded(text.removeprefix("\ufeff"), sniffed, text.count("\ufffd"), guessed=not proved)


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


def _is_short_chinese(sample: bytes, *, whole: bool) -> bool:
    """Whether what is valid UTF-8 by chance is a few words of GB 18030, such as a file's name.

    Only where all of it are pairs, which UTF-8 has for Greek, Cyrillic and the like (lead bytes C4 to DF); western
    accents alone (C2 and C3) are left as they are.
    """
    leads = re.findall(rb"[\x80-\xff]{2}", sample) if len(sample) <= _SHORT_BYTES else []
    if len(leads) < 2 or any(pair[0] > 0xDF for pair in leads) or all(pair[0] < 0xC4 for pair in leads):  # noqa: PLR2004
        return False
    text = _trial(sample, "gb18030", whole=whole)
    return text is not None and _commonness(text) == 1


def _judged(sample: bytes, *, whole: bool) -> tuple[bytes, bool]:
    """The piece that is looked at closely, and whether nothing follows it: from where the foreign characters begin.

    It begins at an even place, so that no encoding begins with half a character.
    """
    first = re.search(rb"[\x80-\xff]", sample)
    start = max(0, first.start() - _BEFORE_BYTES if first else 0) // 2 * 2
    return sample[start : start + _JUDGED_BYTES], whole and start + _JUDGED_BYTES >= len(sample)


def _common_chinese(judged: bytes, *, whole: bool) -> str | None:
    """The encoding in which the text is clearly the most common Chinese, or None where none is."""
    scores = []
    for codec in ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be"):
        text = _trial(judged, codec, whole=whole)
        scores.append((_commonness(text) if text else 0.0, codec))
    (best, codec), (second, _) = sorted(scores, reverse=True)[:2]
    return codec if best >= _CLEARLY_COMMON and best >= second + _CLEARLY_MORE else None


def _commonness(text: str) -> float:
    """The share of common Chinese characters and punctuation among all that are not ASCII."""
    foreign = [character for character in text if character > "\x7f"]
    return sum(character in COMMON or character in _PUNCTUATION for character in foreign) / max(1, len(foreign))


def _utf16_without_mark(sample: bytes) -> str | None:
    even = sample[: len(sample) // 2 * 2]
    for codec in ("utf-16-le", "utf-16-be"):
        text = _trial(even, codec, whole=False)
        if text and _PROOF_OF_UTF16.search(text) and len(_EXPECTED_IN_UTF16.findall(text)) > 0.97 * len(text):
            return codec
    return None


def _legacy(sample: bytes, judged: bytes, *, whole: bool) -> str | None:
    chinese, big5 = (_trial(sample, codec, whole=whole) is not None for codec in ("gb18030", "big5hkscs"))
    if not chinese and not big5:
        return None
    share = _gb2312_share(judged)
    # In Big5 two fifths of a text have the second byte below 0x7F, which in GB 18030 only rare characters have.
    if big5 and share <= _NEARLY_ALL and _big5_share(judged) > _NEARLY_ALL:
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


def _damaged_or_western(sample: bytes, judged: bytes) -> str | None:
    text = sample.decode("gb18030", "replace")
    if _BINARY.search(text):
        return None
    ascii_share = len(re.findall(rb"[\t\n\r -~]", judged)) / max(1, len(judged))
    if ascii_share > _MOST and _gb2312_share(judged) <= _MOST:
        return "cp1252"
    return "gb18030" if text.count("\ufffd") <= max(1, _DAMAGED * len(text)) else None
