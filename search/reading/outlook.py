"""Messages as Outlook saves them (MS-OXMSG): properties as streams of a compound file, attachments as storages."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from search.reading import rich_text
from search.reading.compound import Compound, Path
from search.reading.compound_writing import written_compound
from search.reading.encodings import decode
from search.reading.markup import words_of
from search.reading.model import MIB, ReadingError
from search.reading.passages import CHILDREN_LIMIT
from search.reading.writing import TextBuilder

# Properties (MS-OXPROPS) by number.
_SUBJECT, _BODY, _HTML, _RICH_TEXT = 0x0037, 0x1000, 0x1013, 0x1009
_SENDERS, _ADDRESSES = (0x0C1A, 0x0042), (0x5D01, 0x5D02, 0x0C1F, 0x0065)
_RECEIVERS = (("To", 0x0E04), ("Cc", 0x0E03), ("Bcc", 0x0E02))
_TIMES = (0x0039, 0x0E06)
_CODE_PAGES = (0x3FDE, 0x3FFD)
_CODECS = {65001: "utf-8", 20936: "gb2312", 54936: "gb18030"}
_FILE_NAMES, _CONTENT = (0x3707, 0x3704, 0x3001), 0x3701
# Types of properties (MS-OXCDATA §2.11.1).
_WIDE, _NARROW, _BINARY, _OBJECT, _LONG, _TIME = 0x001F, 0x001E, 0x0102, 0x000D, 0x0003, 0x0040

_PROPERTIES, _NAMES = "__properties_version1.0", "__nameid_version1.0"
_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9A-F]{8}", re.IGNORECASE)
# The properties begin behind a head, which is longer in a message of its own than in one inside another (§2.4.1).
_HEAD_BYTES, _INNER_HEAD_BYTES, _ATTACHMENT_HEAD_BYTES = 32, 24, 8
_RICH_TEXT_LIMIT_BYTES = 64 * MIB


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Headers with the names of what is attached, then the body: the plain one, else that in HTML or rich text.

    Raises: ReadingError ("unreadable"); Full.
    """
    del kind_code
    compound = Compound(content)
    message = _Properties(compound, (), _HEAD_BYTES)
    text.add("mail", "\n".join(_header_lines(message)))
    _read_body(message, text)
    for storage in _attachments(compound)[: CHILDREN_LIMIT + 1]:  # the one beyond is warned of
        attachment = _Properties(compound, (storage,), _ATTACHMENT_HEAD_BYTES, message.code_page)
        name = attachment.words(*_FILE_NAMES) or "unnamed"
        if _embedded(compound, storage):
            text.child(f"{name}.msg", None)
        elif attachment.has(_CONTENT, _BINARY):
            text.child(name, attachment.size_bytes(_CONTENT))
        else:
            text.child(name, None, "unsupported")
        text.check_time()
    text.add("mail", "\n".join(f"[{child.name}]" for child in text.children))


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """Attachment `number`; a message inside a message becomes a message file of its own.

    Raises: ReadingError ("unsupported", "unreadable", "too_large").
    """
    del kind_code
    compound = Compound(content)
    attachments = _attachments(compound)
    if not 1 <= number <= len(attachments):
        raise ReadingError("unsupported", "there is no such attachment")
    storage = attachments[number - 1]
    embedded = _embedded(compound, storage)
    if embedded is not None:
        return _message_file(compound, embedded, limit_bytes)
    if not compound.has(storage, _stream(_CONTENT, _BINARY)):
        raise ReadingError("unsupported", "the attachment is a link or an object of another program")
    return compound.stream(storage, _stream(_CONTENT, _BINARY))


class _Properties:
    """The properties of a message or attachment, which stand in the storage `path`."""

    def __init__(self, compound: Compound, path: Path, head_bytes: int, code_page: str = "") -> None:
        self.path = path
        self._compound = compound
        raw = compound.stream_if_any(*path, _PROPERTIES)[head_bytes:]
        self._fixed = dict(struct.iter_unpack("<I4x8s", raw[: len(raw) // 16 * 16]))
        number = next(filter(None, (self.long(page) for page in _CODE_PAGES)), 0)
        # Attachments do not say theirs: it is the message's.
        self.code_page = _CODECS.get(number, f"cp{number}") if number else code_page

    def has(self, number: int, kind: int) -> bool:
        return self._compound.has(*self.path, _stream(number, kind))

    def words(self, *numbers: int) -> str:
        """The first of these properties that is a text and not empty, else an empty one."""
        return next(filter(None, (self._words(number) for number in numbers)), "")

    def binary(self, number: int) -> bytes:
        return self._compound.stream_if_any(*self.path, _stream(number, _BINARY))

    def size_bytes(self, number: int) -> int:
        return self._compound.size_bytes(*self.path, _stream(number, _BINARY))

    def long(self, number: int) -> int | None:
        raw = self._fixed.get(number << 16 | _LONG)
        return None if raw is None else int.from_bytes(raw[:4], "little")

    def moment(self, *numbers: int) -> datetime | None:
        """The first of these properties that is a time: 100 nanoseconds since 1601, UTC."""
        raw = next(filter(None, (self._fixed.get(number << 16 | _TIME) for number in numbers)), None)
        try:
            return raw and datetime(1601, 1, 1, tzinfo=UTC) + timedelta(
                microseconds=int.from_bytes(raw, "little") // 10
            )
        except OverflowError:
            return None

    def decoded(self, raw: bytes) -> str:
        found = decode(raw, self.code_page)
        return found.text if found else ""

    def _words(self, number: int) -> str:
        if self.has(number, _WIDE):
            wide = self._compound.stream(*self.path, _stream(number, _WIDE))
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._compound.stream_if_any(*self.path, _stream(number, _NARROW))
        return self.decoded(narrow.rstrip(b"\0")) if narrow else ""


def _stream(number: int, kind: int) -> str:
    return f"__substg1.0_{number:04X}{kind:04X}"


def _header_lines(message: _Properties) -> Iterator[str]:
    yield f"Subject: {message.words(_SUBJECT)}"
    address = message.words(*_ADDRESSES)
    shown = f"<{address}>" if "@" in address else ""  # inside an organisation the address is a path in its directory
    yield f"From: {message.words(*_SENDERS)} {shown}"
    for label, number in _RECEIVERS:
        if receivers := message.words(number):
            yield f"{label}: {receivers}"
    if moment := message.moment(*_TIMES):
        yield f"Date: {moment:%Y-%m-%d %H:%M:%S} UTC"


def _read_body(message: _Properties, text: TextBuilder) -> None:
    body = message.words(_BODY)
    if not body.strip() and (html := message.binary(_HTML) or message.words(_HTML).encode()):
        body, cut = words_of(message.decoded(html), text.room)
        text.truncated |= cut
    if not body.strip() and (packed := message.binary(_RICH_TEXT)):
        rich_text.read(_unpacked_rich_text(packed), "rtf", text)
        return
    text.add("body", body)


def _attachments(compound: Compound) -> list[str]:
    """The storages of the attachments, in their order."""
    names = {path[0].lower(): path[0] for path in compound.paths() if _ATTACHMENT.fullmatch(path[0])}
    return [names[name] for name in sorted(names)]


def _embedded(compound: Compound, storage: str) -> Path | None:
    """The storage of a message inside the message."""
    inner = (storage, _stream(_CONTENT, _OBJECT))
    return inner if compound.has(*inner, _PROPERTIES) else None


def _message_file(compound: Compound, storage: Path, limit_bytes: int) -> bytes:
    streams: dict[Path, bytes] = {}
    lowered = tuple(part.lower() for part in storage)
    for path in compound.paths():
        inside = tuple(part.lower() for part in path[: len(storage)]) == lowered
        if inside or path[0].lower() == _NAMES:  # the names of properties stand once, in the outermost message
            streams[path[len(storage) :] if inside else path] = compound.stream(*path)
        if sum(map(len, streams.values())) > limit_bytes:
            raise ReadingError("too_large", f"the message inside is larger than {limit_bytes} bytes")
    properties = streams[_PROPERTIES,]
    head = properties[:_INNER_HEAD_BYTES].ljust(_HEAD_BYTES, b"\0")
    return written_compound(streams | {(_PROPERTIES,): head + properties[_INNER_HEAD_BYTES:]})


# --- rich text as Outlook packs it (MS-OXRTFCP): references into the last 4,096 bytes, which begin with these --------

_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
    rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_PACKED, _NOT_PACKED = 0x75465A4C, 0x414C454D
_WINDOW = 4096


def _unpacked_rich_text(packed: bytes) -> bytes:
    """Raises: ReadingError ("unreadable", "too_large")."""
    if len(packed) < 16:  # noqa: PLR2004  the head
        raise ReadingError("unreadable", "the rich text of the message is cut off")
    _, size, kind = struct.unpack_from("<III", packed)
    if kind == _NOT_PACKED:
        return packed[16 : 16 + size]
    if kind != _PACKED:
        raise ReadingError("unreadable", "the rich text of the message is packed in an unknown way")
    if size > _RICH_TEXT_LIMIT_BYTES:
        raise ReadingError("too_large", f"the rich text of the message is larger than {_RICH_TEXT_LIMIT_BYTES} bytes")
    return bytes(_unpacked(packed[16:], size))


def _unpacked(packed: bytes, size: int) -> bytearray:
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0"))
    write, at = len(_DICTIONARY), 0
    out = bytearray()
    while at < len(packed) and len(out) < size:
        control = packed[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                piece = bytearray(packed[at : at + 1])
                at += 1
            else:
                reference = int.from_bytes(packed[at : at + 2], "big")
                at += 2
                offset, length = reference >> 4, (reference & 0xF) + 2
                if offset == write % _WINDOW or at > len(packed):
                    return out[:size]
                # A reference may reach into what it is writing itself.
                piece = bytearray()
                for step in range(length):
                    source = offset + step
                    distance = (source - write) % _WINDOW
                    piece.append(piece[distance] if distance < len(piece) else window[source % _WINDOW])
            for byte in piece:
                window[write % _WINDOW] = byte
                write += 1
            out += piece
    return out[:size]
