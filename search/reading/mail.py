"""The text of a mail (RFC 5322, MIME): headers, body, and the names of what is attached."""

from __future__ import annotations

import email
import email.errors
import email.header
import email.policy
import re
from collections.abc import Iterator
from email.message import Message

from search.reading.encodings import decode
from search.reading.markup import words_of

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_PARTS_LIMIT = 1000

# Of the older policy (compat32), which leaves the headers as they came. The newer one replaces the raw GB 18030 that
# mail programs do write by question marks, and its address parser fails on some malformed headers.
_Mail = Message


def mail_text(content: bytes, limit_characters: int) -> str:
    """Decoded headers, then the bodies (of alternatives the plain one), and a line "[name]" for each attachment."""
    mail = email.message_from_bytes(content, policy=email.policy.compat32)
    lines = [*_header_lines(mail), ""]
    for number, part in enumerate(_leaves(mail)):
        if number == _PARTS_LIMIT:
            break
        lines += _part_lines(part, limit_characters)
    return "\n".join(lines)


def _part_lines(part: _Mail, limit_characters: int) -> Iterator[str]:
    if part.get_content_type() == "message/rfc822":
        for inner in _children(part):
            yield from _header_lines(inner)
        return
    name = part.get_filename()
    if name:
        yield f"[{_decoded_header(name)}]"
    elif part.get_content_maintype() == "text":
        yield _body(part, limit_characters)


def _header_lines(mail: _Mail) -> Iterator[str]:
    wanted = {name.lower(): name for name in _HEADERS}
    found = [(wanted[name.lower()], value) for name, value in mail.raw_items() if name.lower() in wanted]
    for name, value in sorted(found, key=lambda item: _HEADERS.index(item[0])):
        yield f"{name}: {_decoded_header(str(value))}"


def _decoded_header(value: str) -> str:
    """Encoded words (RFC 2047) and raw bytes, which the parser keeps as surrogates, as text on one line."""
    value = re.sub(r"\s+", " ", value).strip()
    raw = value.encode("utf-8", "surrogateescape")
    if not value.isascii():
        decoded = decode(raw)
        return decoded.text if decoded else value
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


def _leaves(part: _Mail) -> Iterator[_Mail]:
    """The parts that are text, attachment or a forwarded mail (itself, then its parts)."""
    if part.get_content_type() == "message/rfc822":
        yield part
    children = _children(part)
    if not children:
        yield part
        return
    kinds = {child.get_content_type() for child in children}
    if part.get_content_type() == "multipart/alternative" and "text/plain" in kinds:
        children = [child for child in children if child.get_content_type() not in {"text/html", "multipart/related"}]
    for child in children:
        yield from _leaves(child)


def _children(part: _Mail) -> list[_Mail]:
    payload = part.get_payload() if part.is_multipart() else ()
    return [child for child in payload if isinstance(child, Message)]


def _body(part: _Mail, limit_characters: int) -> str:
    payload = part.get_payload(decode=True)
    decoded = decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else None
    if decoded is None:
        return ""
    return words_of(decoded.text, limit_characters)[0] if part.get_content_subtype() == "html" else decoded.text
