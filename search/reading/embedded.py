"""Files embedded in office documents: workbooks behind tables, attached objects (ISO/IEC 29500-1 §15.2.10)."""

from __future__ import annotations

import posixpath
import re
import struct

from search.reading.compound import Compound
from search.reading.encodings import decode
from search.reading.model import MIB, ReadingError
from search.reading.open_xml import Package
from search.reading.writing import TextBuilder

_EMBEDDED = re.compile(r"(?:word|xl|ppt)/embeddings/[^/]+")
_NATIVE, _PACKAGE = "\x01Ole10Native", "Package"
_OBJECT_LIMIT_BYTES = 64 * MIB


def tell(package: Package, text: TextBuilder) -> None:
    """Tell `text` of every embedded file, under the name it had where that was kept."""
    for name in _names(package):
        size = package.size_bytes(name)
        if size > _OBJECT_LIMIT_BYTES:
            text.child(posixpath.basename(name), size, "too_large")
            continue
        try:
            native = _native(package.content(name, _OBJECT_LIMIT_BYTES)) if name.endswith(".bin") else None
        except ReadingError as error:
            text.child(posixpath.basename(name), size, error.code)
            continue
        text.check_time()
        if native:
            text.child(native[0] or posixpath.basename(name), len(native[1]))
        else:
            text.child(posixpath.basename(name), size)


def take(package: Package, number: int, limit_bytes: int) -> bytes:
    """The bytes of embedded file `number`. Raises: ReadingError ("unsupported", "unreadable", "too_large")."""
    names = _names(package)
    if not 1 <= number <= len(names):
        raise ReadingError("unsupported", "there is no such embedded file")
    name = names[number - 1]
    content = package.content(name, min(limit_bytes + MIB, _OBJECT_LIMIT_BYTES))
    native = _native(content) if name.endswith(".bin") else None
    return native[1] if native else content


def _names(package: Package) -> list[str]:
    return sorted(filter(_EMBEDDED.fullmatch, package.names))


def _native(content: bytes) -> tuple[str, bytes] | None:
    """Name and content of a file that was inserted as an object (MS-OLEDS §2.3.6), or None for another object."""
    try:
        container = Compound(content)
        if container.has(_PACKAGE):  # a document of the newer formats, whole
            return "", container.stream(_PACKAGE)
        return _native_parts(container.stream(_NATIVE)) if container.has(_NATIVE) else None
    except (ReadingError, ValueError, struct.error):
        return None  # damaged or another object: it is given out as it is


def _native_parts(stream: bytes) -> tuple[str, bytes]:
    # Size, two flags, label, source path, two numbers, length and text of the temporary path, length and content.
    label_end = stream.index(b"\0", 6)
    source_end = stream.index(b"\0", label_end + 1)
    at = source_end + 1 + 4
    (path_bytes,) = struct.unpack_from("<I", stream, at)
    at += 4 + path_bytes
    (size,) = struct.unpack_from("<I", stream, at)
    content = stream[at + 4 : at + 4 + size]
    if len(content) != size:
        raise ValueError
    label = decode(stream[6:label_end])
    return (label.text if label else ""), content
