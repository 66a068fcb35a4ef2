"""The text of a mail (RFC 5322, MIME) and its children: what is attached, forwarded mails, pictures in its body."""

from __future__ import annotations

import email
import email.errors
import email.generator
import email.header
import email.parser
import email.policy
import io
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from search.reading.encodings import decode
from search.reading.markup import decoded_markup, words_of
from search.reading.model import ReadingError
from search.reading.plain import doubts
from search.reading.writing import TextBuilder

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_HEADER_BYTES = 256 * 1024
_PARTS_LIMIT = 5000
_BODIES = frozenset({"text/plain", "text/html"})

# Of the older policy (compat32), which leaves the headers as they came. The newer one replaces the raw GB 18030 that
# mail programs do write by question marks, and its address parser fails on some malformed headers.
_Mail = Message
_POLICY = email.policy.compat32


@dataclass(frozen=True)
class _Parts:
    """The bodies that a person reads, and everything else, each in the mail's order."""

    bodies: list[_Mail]
    attached: list[_Mail]


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Decoded headers, the bodies (of alternatives the plain one), and a line "[name]" for each child."""
    del kind_code
    # The headers first, by themselves: they are found even where the rest is too large or too deep.
    headers = email.parser.BytesHeaderParser(policy=_POLICY).parsebytes(content[:_HEADER_BYTES])
    text.add("mail", "\n".join(_header_lines(headers)))
    try:
        parts = _parts(content)
    except RecursionError:
        text.truncated = True
        text.warn("the parts of the mail are nested too deeply")
        return
    for body in parts.bodies:
        text.add("body", _body(body, text))
    names = [_name(part, number) for number, part in enumerate(parts.attached, 1)]
    for name, part in zip(names, parts.attached, strict=True):
        text.child(name, _size_bytes(part))
    text.add("mail", "\n".join(f"[{name}]" for name in names))


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """What is attached under this number, decoded; a forwarded mail as a mail of its own.

    Raises: ReadingError ("unsupported", "unreadable").
    """
    del kind_code, limit_bytes  # it cannot be larger than the mail
    try:
        attached = _parts(content).attached
    except RecursionError as error:
        raise ReadingError("unreadable", "the parts of the mail are nested too deeply") from error
    if not 1 <= number <= len(attached):
        raise ReadingError("unsupported", "there is no such attachment")
    return _content(attached[number - 1])


def _parts(content: bytes) -> _Parts:
    found = _Parts([], [])
    for number, part in enumerate(_leaves(email.message_from_bytes(content, policy=_POLICY))):
        if number == _PARTS_LIMIT:
            break
        is_body = part.get_content_type() in _BODIES and not _file_name(part) and not _is_attachment(part)
        (found.bodies if is_body else found.attached).append(part)
    return found


def _leaves(part: _Mail) -> Iterator[_Mail]:
    """The parts without parts, of which a forwarded mail is one."""
    children = _children(part)
    if not children or part.get_content_type() == "message/rfc822":
        yield part
        return
    plain = part.get_content_type() == "multipart/alternative" and any(
        child.get_content_type() == "text/plain" and _content(child).strip() for child in children
    )
    for child in children:
        # The same words in another form; pictures beside them are still somebody's evidence.
        leaves = (leaf for leaf in _leaves(child) if not (plain and leaf.get_content_type() == "text/html"))
        yield from leaves


def _children(part: _Mail) -> list[_Mail]:
    payload = part.get_payload() if part.is_multipart() else ()
    return [child for child in payload if isinstance(child, Message)]


def _is_attachment(part: _Mail) -> bool:
    return str(part.get("content-disposition", "")).strip().lower().startswith("attachment")


def _name(part: _Mail, number: int) -> str:
    name = _file_name(part)
    if name:
        return _decoded_header(name)
    if part.get_content_type() == "message/rfc822":
        subject = next((_raw_header(inner, "subject") for inner in _children(part)), "")
        return f"{_decoded_header(subject) or number}.eml"
    return f"{number}{mimetypes.guess_extension(part.get_content_type()) or '.bin'}"


def _file_name(part: _Mail) -> str | None:
    """The name as the standard library finds it in headers whose raw bytes it would have replaced by question marks."""
    readable = Message(policy=_POLICY)
    for header in ("content-disposition", "content-type"):
        raw = _raw_header(part, header)
        if raw:
            readable[header] = raw if raw.isascii() else _decoded(raw)
    return readable.get_filename()


def _raw_header(part: _Mail, name: str) -> str:
    return next((str(value) for found, value in part.raw_items() if found.lower() == name), "")


def _decoded(raw: str) -> str:
    """Raw bytes, which the parser keeps as surrogates, as text."""
    decoded = decode(raw.encode("utf-8", "surrogateescape"))
    return decoded.text if decoded else raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _size_bytes(part: _Mail) -> int | None:
    return None if part.is_multipart() else len(_content(part))


def _content(part: _Mail) -> bytes:
    if part.is_multipart():
        buffer = io.BytesIO()
        for inner in _children(part)[:1]:
            # Lines of headers are not folded anew, nor is a line that begins with "From" changed.
            email.generator.BytesGenerator(buffer, mangle_from_=False, maxheaderlen=0, policy=_POLICY).flatten(inner)
        return buffer.getvalue()
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header_lines(mail: _Mail) -> Iterator[str]:
    wanted = {name.lower(): name for name in _HEADERS}
    found = [(wanted[name.lower()], value) for name, value in mail.raw_items() if name.lower() in wanted]
    for name, value in sorted(found, key=lambda item: _HEADERS.index(item[0])):
        yield f"{name}: {_decoded_header(str(value))}"


def _decoded_header(value: str) -> str:
    """Encoded words (RFC 2047) and raw bytes, which the parser keeps as surrogates, as text on one line."""
    value = re.sub(r"\s+", " ", value).strip()
    if not value.isascii():
        return _decoded(value)
    try:
        pieces = email.header.decode_header(value)
    except email.errors.HeaderParseError:
        return value
    return "".join(_word(piece, charset) for piece, charset in pieces)


def _word(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    decoded = decode(piece, charset or "ascii")
    return decoded.text if decoded else ""


def _body(part: _Mail, text: TextBuilder) -> str:
    payload, declared = _content(part), part.get_content_charset()
    is_html = part.get_content_subtype() == "html"
    decoded = decoded_markup(payload, declared) if is_html else decode(payload, declared)
    if decoded is None:
        if payload.strip():
            text.warn("a body of the mail is no text in any known encoding")
        return ""
    for doubt in doubts(decoded):
        text.warn(doubt)
    return words_of(decoded.text, text.room)[0] if is_html else decoded.text
