r"""The text of Rich Text Format, and of mails that Outlook keeps in it.

Its text is bytes in the code page of the font in use (`\'d6\'d0` is 中 in a font of charset 134) or UTF-16 in decimals
(`\u20013?`). Read here because the libraries at hand lose headers and notes (striprtf), or text boxes and comments, and
write marks of their own into the text (kreuzberg 4.10).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from search.reading.model import ReadingError
from search.reading.writing import TextBuilder

_TOKEN = re.compile(
    rb"(?P<units>(?:\\u-?[0-9]{1,6} ?(?:\?|\\'[0-9a-fA-F]{2})[\r\n]*){2,5000})|(?P<bytes>(?:\\'[0-9a-fA-F]{2}){2,5000})"
    rb"|\\(?:'(?P<hex>[0-9a-fA-F]{2})|(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,10})?+ ?|(?P<symbol>[^a-zA-Z]))"
    rb"|(?P<open>\{)|(?P<close>\})|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_UNIT, _FALLBACK = re.compile(rb"\\u(-?[0-9]+)"), re.compile(rb"\?|\\'[0-9a-fA-F]{2}")
_TOKENS_BETWEEN_CHECKS = 5_000
_DEPTH_LIMIT = 5_000

# Character sets of fonts (RTF 1.9.1, \fcharset) and their codecs. 0 and 1 are absent: they mean the document's own.
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 255: "cp437",
}  # fmt: skip
_CODE_PAGES = {936: "gb18030", 54936: "gb18030", 65001: "utf-8", 10000: "mac_roman", 10008: "gb18030"}
_OLD_CODE_PAGES = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}

# Groups whose text stands on no page. Groups that begin with \* are left out as well, unless they are in _SHOWN.
_SILENT = frozenset({
    "aftncn", "aftnsep", "aftnsepc", "bkmkend", "bkmkstart", "colortbl", "filetbl", "fldinst", "fonttbl", "ftncn",
    "ftnsep", "ftnsepc", "info", "listtext", "nonesttables", "nonshppict", "objdata", "pict", "pntext", "pntxta",
    "pntxtb", "private", "revtbl", "shprslt", "sp", "stylesheet", "tc", "template", "xe",
})  # fmt: skip
_SHOWN = frozenset({"annotation", "footnote", "shpinst", "ud"})
# Groups that are passages of their own, and the kind of their place.
_ASIDE = {
    "footnote": "footnote", "annotation": "comment", "shptxt": "body",
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "footer"),
}  # fmt: skip
_NUMBERED = frozenset({"footnote", "comment"})
_WRITES = {
    "tab": "\t", "line": "\n", "lbr": "\n", "cell": "\t", "nestcell": "\t", "emdash": "—", "endash": "–",
    "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ",
    "qmspace": " ",
}  # fmt: skip
_ENDS_PARAGRAPH = frozenset({"par", "row", "nestrow", "sect", "page", "column"})


@dataclass(frozen=True)
class _State:
    """What a group inherits and its end restores. `aside` is the number of the passage that the group belongs to."""

    font: int | None = None
    fallback: int = 1  # how many characters behind \u are for readers without Unicode
    aside: int | None = None
    silent: bool = False
    superseded: bool = False  # inside \upr, whose text stands once more in \ud
    deleted: bool = False
    font_table: bool = False

    @property
    def shown(self) -> bool:
        return not (self.silent or self.superseded or self.deleted)


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Paragraphs, then headers, footers, notes, comments and text boxes. Field instructions and objects are left out.

    Raises: ReadingError ("unreadable"); Full.
    """
    del kind_code
    if not content[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        raise ReadingError("unreadable", "the content does not begin as rich text does")
    _Reader(content, text).read()


class _Reader:
    def __init__(self, content: bytes, text: TextBuilder) -> None:
        self._content, self._text = content, text
        self._state = _State()
        self._outer: list[_State] = []
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._defined_font: int | None = None  # of which the font table is speaking
        self._default_font: int | None = None
        self._bytes = bytearray()  # not yet decoded, because a character may be several of them
        self._surrogate = ""  # the first half of a character
        self._skip = 0  # characters that only repeat the last \u
        self._starred = False
        self._asides: list[tuple[str, list[str]]] = []
        self._paragraph = 1
        self._damaged = 0

    def read(self) -> None:
        at = count = 0
        while found := _TOKEN.match(self._content, at):
            at = found.end()
            count += 1
            if count % _TOKENS_BETWEEN_CHECKS == 0:
                self._text.check_time()
            at += self._take(found)
            if found.lastgroup == "close" and not self._outer:
                break
        self._decode()
        if self._outer:
            self._text.warn("the file ends in the middle: groups are not closed")
        self._end_paragraph()
        self._write_asides()
        if self._damaged:
            self._text.warn(f"{self._damaged} characters are damaged")

    def _take(self, found: re.Match[bytes]) -> int:
        """Obey one token. Returns how many bytes behind it are not rich text."""
        kind = found.lastgroup
        if kind == "text":
            self._take_bytes(found["text"])
        elif kind == "bytes":
            self._take_bytes(bytes.fromhex(found["bytes"].replace(b"\\'", b"").decode()))
        elif kind == "units":
            self._take_units(found["units"])
        elif kind == "hex":
            self._take_bytes(bytes.fromhex(found["hex"].decode()))
        elif kind in {"word", "number"}:
            return self._take_word(found["word"].decode(), int(found["number"]) if found["number"] else None)
        elif kind == "symbol":
            self._take_symbol(found["symbol"])
        elif kind == "open":
            self._decode()
            if len(self._outer) >= _DEPTH_LIMIT:
                raise ReadingError("unreadable", "the groups stand too deep inside each other")
            self._outer.append(self._state)
            self._skip, self._starred = 0, False
        elif kind == "close":
            self._decode()
            self._state = self._outer.pop() if self._outer else self._state
            self._skip, self._starred = 0, False
        return 0

    def _take_bytes(self, raw: bytes) -> None:
        skipped = min(self._skip, len(raw))
        self._skip -= skipped
        if self._state.shown:
            self._bytes += raw[skipped:]

    def _take_symbol(self, symbol: bytes) -> None:
        if symbol in b"\\{}":
            self._take_bytes(symbol)
        elif symbol == b"*":
            self._starred = True
        elif symbol in b"\r\n":
            self._end_paragraph()
        elif symbol in b"~_":
            self._write(" " if symbol == b"~" else "-")

    def _take_word(self, word: str, number: int | None) -> int:
        starred, self._starred = self._starred, False
        if word == "bin":
            return max(0, number or 0)
        if word == "u" and number is not None:
            self._take_unit(number)
        elif self._skip:
            self._skip -= 1
        elif word in _WRITES:
            self._write(_WRITES[word])
        elif word in _ENDS_PARAGRAPH:
            self._end_paragraph()
        else:
            self._decode()
            self._enter(word, starred=starred)
            self._set(word, number)
        return 0

    def _take_units(self, run: bytes) -> None:
        """Characters in a row, each with the one character that stands for it elsewhere: whole texts are written so."""
        numbers = [int(number) for number in _UNIT.findall(run)]
        if self._state.fallback != 1 or self._skip or self._surrogate:
            for number, fallback in zip(numbers, _FALLBACK.findall(run), strict=True):
                self._take_word("u", number)
                self._take_bytes(fallback if fallback == b"?" else bytes.fromhex(fallback[2:].decode()))
            return
        self._starred = False
        units = b"".join((number & 0xFFFF).to_bytes(2, "little") for number in numbers)
        written = units.decode("utf-16-le", "surrogatepass")  # halves of pairs are dropped with the controls
        self._surrogate = written[-1] if "\ud800" <= written[-1] <= "\udbff" else ""
        self._write(written.removesuffix(self._surrogate))

    def _take_unit(self, number: int) -> None:
        self._decode()
        self._skip = self._state.fallback
        if not self._state.shown:
            return
        unit = chr(number & 0xFFFF)
        if "\ud800" <= unit <= "\udbff":
            self._surrogate = unit
        else:
            pair, self._surrogate = self._surrogate + unit, ""
            self._write(pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))

    def _enter(self, word: str, *, starred: bool) -> None:
        """What a word does that gives its group a meaning."""
        state = self._state
        if word == "fonttbl":
            state = replace(state, font_table=True)
        if word == "upr":
            state = replace(state, superseded=True)
        elif word == "ud":
            state = replace(state, superseded=False)
        if word in _SILENT or (starred and word not in _SHOWN):
            state = replace(state, silent=True)
        elif word in _ASIDE and state.shown:
            self._asides.append((_ASIDE[word], []))
            state = replace(state, aside=len(self._asides) - 1)
        self._state = state

    def _set(self, word: str, number: int | None) -> None:
        """What a word does to the text behind it."""
        if word == "f":
            self._state = replace(self._state, font=number)
            self._defined_font = number
        elif word == "plain":
            self._state = replace(self._state, font=self._default_font, deleted=False)
        elif word == "uc" and number is not None:
            self._state = replace(self._state, fallback=max(0, number))
        elif word == "deleted":
            self._state = replace(self._state, deleted=number != 0)
        elif word == "deff":
            self._default_font = number
        elif word == "ansicpg" and number is not None:
            self._codec = _codec(number) or self._codec
        elif word in _OLD_CODE_PAGES and not self._fonts:
            self._codec = _OLD_CODE_PAGES[word]
        elif self._state.font_table and self._defined_font is not None and number is not None:
            codec = _CHARSETS.get(number) if word == "fcharset" else _codec(number) if word == "cpg" else None
            if codec:
                self._fonts[self._defined_font] = codec

    def _decode(self) -> None:
        """Write the bytes that are waiting, in the code page of the font they stand in."""
        if not self._bytes:
            return
        font = self._default_font if self._state.font is None else self._state.font
        decoded = self._bytes.decode(self._codec if font is None else self._fonts.get(font, self._codec), "replace")
        self._damaged += decoded.count("\ufffd")
        self._bytes.clear()
        self._put(decoded)

    def _write(self, written: str) -> None:
        self._decode()
        if self._state.shown:
            self._put(written)

    def _put(self, written: str) -> None:
        if self._state.aside is not None:
            self._asides[self._state.aside][1].append(written)
            return
        self._text.write(written)
        if not self._text.room:
            self._text.end(f"paragraph:{self._paragraph}")

    def _end_paragraph(self) -> None:
        self._decode()
        if self._state.aside is not None:
            self._asides[self._state.aside][1].append("\n")
        elif self._state.shown:
            self._text.end(f"paragraph:{self._paragraph}")
            self._paragraph += 1

    def _write_asides(self) -> None:
        """In the order of `_ASIDE`'s kinds; headers and footers repeat in every section and are kept once."""
        numbers = dict.fromkeys(_NUMBERED, 0)
        seen = set()
        for wanted in ("header", "footer", "footnote", "comment", "body"):
            for kind, pieces in self._asides:
                shown = "".join(pieces).strip()
                if kind != wanted or not shown or (kind not in _NUMBERED and (kind, shown) in seen):
                    continue
                seen.add((kind, shown))
                if kind in _NUMBERED:
                    numbers[kind] += 1
                self._text.add(f"{kind}:{numbers[kind]}" if kind in _NUMBERED else kind, shown)


def _codec(code_page: int) -> str | None:
    name = _CODE_PAGES.get(code_page, f"cp{code_page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
