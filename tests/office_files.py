"""Documents in the older office formats, made on the spot: every function returns one file.

Each is the smallest file of its format that carries the given words in every place where that format has words. They
were compared with files of real office programs, of which some stand in `tests/fixtures`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from search.reading.compound_writing import written_compound
from tests.files import ENGLISH_PHRASE, PHRASE

HEADER, FOOTER, NOTE, REMARK = "页眉：内部资料", "页脚：编号甲零一七", "脚注：数据来自月度台账。", "批注：请补充凭证。"


# --- Word, Excel and PowerPoint before 2007, and the Chinese suite that writes the same -----------------------------


def doc(
    paragraphs: Sequence[str] = (PHRASE, ENGLISH_PHRASE),
    *,
    header: str = HEADER,
    footer: str = FOOTER,
    footnote: str = NOTE,
    comment: str = REMARK,
    encrypted: bool = False,
    narrow: str = "",
) -> bytes:
    """A Word 97 document; `narrow` is a codec for one more paragraph of one-byte units (PHRASE, or "café")."""
    body = "".join(f"{paragraph}\r" for paragraph in paragraphs)
    stories = {"footnotes": [f"\x02 {footnote}\r"]}
    # First what separates notes from the text, then the headers and footers of even, odd and first pages.
    stories["headers"] = ["\x03\r", "", "续注\r", "", "", "", "", f"{header}\r", "", f"{footer}\r", "", ""]
    stories["comments"] = [f"\x05{comment}\r"]
    wide = body + "".join("".join(stories[part]) for part in ("footnotes", "headers", "comments"))
    extra = ("café\r" if narrow == "cp1252" else f"{PHRASE}\r").encode(narrow) if narrow else b""
    text_at = 1024
    units, main_length = len(wide.encode("utf-16-le")) // 2, len(body.encode("utf-16-le")) // 2
    table, places = bytearray(b"\0" * 16), {}
    for part, pair in (("footnotes", 3), ("headers", 11), ("comments", 5)):
        positions, at = [0], 0
        for story in stories[part]:
            at += len(story.encode("utf-16-le")) // 2
            positions.append(at)
        places[pair] = (len(table), 4 * len(positions))
        table += struct.pack(f"<{len(positions)}I", *positions)
    # The extra paragraph comes first in the text and last in the file, as after a quick save.
    bounds = [0, len(extra), len(extra) + units]
    pieces = [struct.pack("<HIH", 0, 0x40000000 | 2 * (text_at + 2 * units), 0), struct.pack("<HIH", 0, text_at, 0)]
    if not extra:
        bounds, pieces = bounds[1:], pieces[1:]
    plc = struct.pack(f"<{len(bounds)}I", *bounds) + b"".join(pieces)
    clx = b"\x01" + struct.pack("<H", 4) + b"\0\0\0\0" + b"\x02" + struct.pack("<I", len(plc)) + plc
    places[33] = (len(table), len(clx))
    table += clx
    fib = bytearray(text_at)
    struct.pack_into("<HHHHHH", fib, 0, 0xA5EC, 0xC1, 0, 0x0804, 0, 0x1200 | (0x0100 if encrypted else 0))
    struct.pack_into("<H", fib, 32, 14)
    struct.pack_into("<H", fib, 60, 0x0804)
    struct.pack_into("<H", fib, 62, 22)
    lengths = [len("".join(stories[part]).encode("utf-16-le")) // 2 for part in ("footnotes", "headers", "comments")]
    struct.pack_into("<8i", fib, 76, main_length + len(extra), lengths[0], lengths[1], 0, lengths[2], 0, 0, 0)
    struct.pack_into("<H", fib, 152, 93)
    for pair, (offset, size) in places.items():
        struct.pack_into("<II", fib, 154 + 8 * pair, offset, size)
    main = bytes(fib) + wide.encode("utf-16-le") + extra
    return written_compound({("WordDocument",): main.ljust(4096, b"\0"), ("1Table",): bytes(table)})


def doc_of_word_95(text: str = PHRASE) -> bytes:
    """A document of Word 95, whose text is in the code page of a Chinese system."""
    raw = f"{text}\r{text}\r".encode("gbk")
    main = bytearray(768)
    struct.pack_into("<HHHHHH", main, 0, 0xA5DC, 104, 0, 0x0804, 0, 0)
    struct.pack_into("<II", main, 24, 768, 768 + len(raw))
    return written_compound({("WordDocument",): bytes(main) + raw})


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _wide(text: str, count: str = "<H") -> bytes:
    encoded = text.encode("utf-16-le")
    return struct.pack(count, len(encoded) // 2) + b"\x01" + encoded


def xls(
    sheets: Mapping[str, Sequence[Sequence[object]]] | None = None,
    *,
    header: str = HEADER,
    footer: str = FOOTER,
    comment: str = REMARK,
    encrypted: bool = False,
) -> bytes:
    """An Excel 97 workbook of texts and numbers."""
    chosen = sheets or {"排放汇总": (("设施", "排放量"), (), (PHRASE, 98765.25)), "Second": ((ENGLISH_PHRASE, 42),)}
    begin = _record(0x809, struct.pack("<HHHHII", 0x0600, 5, 0x0DBB, 0x07CC, 0, 6))
    front = begin + (_record(0x2F, bytes(54)) if encrypted else b"") + _record(0x42, struct.pack("<H", 1200))
    streams = [_sheet_stream(rows, header, footer, comment) for rows in chosen.values()]
    names = [_wide(name, "<B") for name in chosen]
    at = len(front) + sum(10 + len(name) for name in names) + 4
    for name, stream in zip(names, streams, strict=True):
        front += _record(0x85, struct.pack("<IH", at, 0) + name)
        at += len(stream)
    workbook = front + _record(0x0A, b"") + b"".join(streams)
    return written_compound({("Workbook",): workbook.ljust(4096, b"\0")})


def _sheet_stream(rows: Sequence[Sequence[object]], header: str, footer: str, comment: str) -> bytes:
    stream = _record(0x809, struct.pack("<HHHHII", 0x0600, 0x10, 0x0DBB, 0x07CC, 0, 6))
    stream += _record(0x14, _wide(f'&C&"宋体,Bold"&12{header}')) + _record(0x15, _wide(f"&L{footer}&R&P"))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(cell, int | float):
                stream += _record(0x203, place + struct.pack("<d", cell))
            elif cell:
                stream += _record(0x204, place + _wide(str(cell)))
    if comment:
        stream += _record(0x1B6, struct.pack("<10xHHI", len(comment), 0, 0)) + _record(
            0x3C, b"\x01" + comment.encode("utf-16-le")
        )
    return stream + _record(0x0A, b"")


def _atom(kind: int, body: bytes, instance: int = 0, version: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4 | version, kind, len(body)) + body


def _container(kind: int, *children: bytes, instance: int = 0) -> bytes:
    return _atom(kind, b"".join(children), instance, 0xF)


def ppt(
    texts: Sequence[str] = (PHRASE, ENGLISH_PHRASE),
    *,
    notes: str = "演讲者备注内容",
    footer: str = FOOTER,
    comment: str = REMARK,
    encrypted: bool = False,
    saved_again: str = "",
) -> bytes:
    """A PowerPoint 97 presentation: titles in the outline, a shape on each slide; `saved_again` replaces slide 1."""
    listed = b"".join(
        _atom(0x03F3, struct.pack("<IIIII", number + 1, 0, 1, 255 + number, 0))
        + _atom(0x0F9F, struct.pack("<I", 0))
        + _atom(0x0FA0, f"标题{number}".encode("utf-16-le"))
        for number in range(1, len(texts) + 1)
    )
    noted = _atom(0x03F3, struct.pack("<IIIII", 100, 0, 0, 999, 0))
    footers = _container(0x0FD9, _atom(0x0FBA, footer.encode("utf-16-le"), 2), instance=3)
    document = _container(
        0x03E8, _container(0x0FF0, listed), _container(0x0FF0, noted, instance=2), footers if footer else b""
    )
    parts = {1: document, 100: _container(0x03F0, _atom(0x03F1, struct.pack("<II", 256, 0)), _shape(notes))}
    for number, text in enumerate(texts, 1):
        remark = _container(
            0x2EE0, _atom(0x0FBA, "王五".encode("utf-16-le")), _atom(0x0FBA, comment.encode("utf-16-le"), 1)
        )
        tag = _container(0x1388, _container(0x138A, _atom(0x138B, remark if comment and number == 1 else b"")))
        parts[number + 1] = _container(0x03EE, _atom(0x03EF, bytes(24)), _shape(text, outline=True), tag)
    stream, edit = _edition(b"", parts, 0, encrypted=encrypted)
    if saved_again:
        stream, edit = _edition(stream, {2: _container(0x03EE, _shape(saved_again))}, edit, encrypted=encrypted)
    user = struct.pack("<HHIIII", 0, 0x0FF6, 24, 20, 0xE391C05F, edit) + bytes(12)
    return written_compound({("PowerPoint Document",): stream.ljust(4096, b"\0"), ("Current User",): user})


def _shape(text: str, *, outline: bool = False) -> bytes:
    narrow = text.isascii()
    words = _atom(0x0FA8 if narrow else 0x0FA0, text.encode("latin-1" if narrow else "utf-16-le"))
    title = _container(0xF004, _container(0xF00D, _atom(0x0F9E, struct.pack("<I", 0)))) if outline else b""
    return _container(
        0x040C, _container(0xF002, _container(0xF003, title, _container(0xF004, _container(0xF00D, words))))
    )


def _edition(stream: bytes, parts: Mapping[int, bytes], previous: int, *, encrypted: bool) -> tuple[bytes, int]:
    entries = b""
    for reference, part in parts.items():
        entries += struct.pack("<II", 1 << 20 | reference, len(stream))
        stream += part
    directory = len(stream)
    stream += _atom(0x1772, entries)
    edit = struct.pack("<IIIIIIHH", 0, 0, previous, directory, 1, 100, 1, 0) + (bytes(4) if encrypted else b"")
    return stream + _atom(0x0FF5, edit), len(stream)


# --- rich text and messages ------------------------------------------------------------------------------------------


def rtf(paragraphs: Sequence[str] = (PHRASE, ENGLISH_PHRASE), *, header: str = HEADER, note: str = NOTE) -> bytes:
    r"""Rich text of a Chinese system: the first paragraph as GBK bytes in a Chinese font, the others as \\u."""
    first, *others = paragraphs
    body = rf"\pard\f0 {_bytes_of(first)}{{\footnote\pard\f0 {_bytes_of(note)}}}\par "
    body += "".join(rf"\pard\f1\uc1 {_units_of(text)}\par " for text in others)
    fonts = r"{\fonttbl{\f0\fnil\fcharset134 " + _bytes_of("宋体") + r";}{\f1\fswiss\fcharset0 Arial;}}"
    hidden = r"{\*\generator Word;}{\info{\title hiddenword}}{\field{\*\fldinst HYPERLINK hiddenword}{\fldrslt }}"
    head = rf"{{\header\pard\f0 {_bytes_of(header)}\par}}"
    return rf"{{\rtf1\ansi\ansicpg936\deff1{fonts}{hidden}{head}{body}}}".encode("ascii")


def _bytes_of(text: str) -> str:
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\{}" else rf"\'{byte:02x}" for byte in text.encode("gbk")
    )


def _units_of(text: str) -> str:
    raw = text.encode("utf-16-le")
    units = (int.from_bytes(raw[at : at + 2], "little", signed=True) for at in range(0, len(raw), 2))
    return "".join(chr(unit) if 0x20 <= unit < 0x7F and chr(unit) not in "\\{}" else rf"\u{unit}?" for unit in units)


def msg(
    text: str = PHRASE,
    *,
    subject: str = "关于补充核查材料的函",
    attachments: Sequence[tuple[str, bytes]] = (("排放数据.csv", b"a,b\r\n1,2\r\n"),),
    inner: str = "",
    body: str = "plain",
    code_page: int = 0,
) -> bytes:
    """An Outlook message; `body` is plain, html or rtf; `inner` is the subject of a message attached to it.

    With a `code_page` its texts are bytes in that page, as of Outlook before 2003.
    """
    streams: dict[tuple[str, ...], bytes] = {("__nameid_version1.0", "__substg1.0_00020102"): b""}
    streams |= _message((), 32, text, subject, body, code_page)
    for number, (name, content) in enumerate(attachments):
        path = (f"__attach_version1.0_#{number:08X}",)
        streams |= _properties(path, 8, {0x3707: name, 0x3701: content}, code_page, long={0x3705: 1})
    if inner:
        path = (f"__attach_version1.0_#{len(attachments):08X}",)
        streams |= _properties(path, 8, {0x3001: inner}, code_page, long={0x3705: 5})
        streams |= _message((*path, "__substg1.0_3701000D"), 24, f"{text}（转发）", inner, "plain", code_page)
    return written_compound(streams)


def _message(
    path: tuple[str, ...], head: int, text: str, subject: str, body: str, code_page: int
) -> dict[tuple[str, ...], bytes]:
    values: dict[int, str | bytes] = {
        0x001A: "IPM.Note",
        0x0037: subject,
        0x0C1A: "张三",
        0x5D01: "zhang@example.invalid",
    }
    values |= {0x0E04: "李四; 王五", 0x0E03: "赵六"}
    if body == "plain":
        values[0x1000] = text
    elif body == "html":
        values[0x1013] = f"<html><body><p>{text}</p></body></html>".encode()
    else:
        packed = rtf((text,))
        literal = b"".join(b"\0" + packed[at : at + 8] for at in range(0, len(packed), 8))
        values[0x1009] = struct.pack("<IIII", len(literal) + 12, len(packed), 0x75465A4C, 0) + literal
    return _properties(path, head, values, code_page, long={0x3FFD: code_page} if code_page else {}, moment=True)


def _properties(
    path: tuple[str, ...],
    head: int,
    values: Mapping[int, str | bytes],
    code_page: int,
    *,
    long: Mapping[int, int],
    moment: bool = False,
) -> dict[tuple[str, ...], bytes]:
    """A stream for each text and content, and the list of all properties with the numbers and the time of sending."""
    kind, codec = (0x001E, f"cp{code_page}") if code_page else (0x001F, "utf-16-le")
    listed = struct.pack("<IIQ", 0x00390040, 6, 134_169_318_000_000_000) if moment else b""
    listed += b"".join(struct.pack("<IIQ", number << 16 | 3, 6, value) for number, value in long.items())
    streams = {}
    for number, value in values.items():
        tagged = number << 16 | (kind if isinstance(value, str) else 0x0102)
        content = value.encode(codec, "replace") if isinstance(value, str) else value
        streams[*path, f"__substg1.0_{tagged:08X}"] = content
        listed += struct.pack("<IIII", tagged, 6, len(content) + (2 if isinstance(value, str) else 0), 0)
    return streams | {(*path, "__properties_version1.0"): bytes(head) + listed}
