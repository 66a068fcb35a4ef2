"""The names inside a ZIP of which only the beginning and the end are at hand (APPNOTE.TXT §4.3)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

ReadAt = Callable[[int, int], bytes]

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_DIRECTORY_BYTES = 4 * 2**20
_HAS_DESCRIPTOR = 0x08
_DEFLATED = 8


def member_names(head: bytes, tail: bytes, read_at: ReadAt | None) -> frozenset[str]:
    """Names by the central directory where it can be reached, else of the members that begin in `head`.

    Members are walked, never searched for by signature: an archive that merely contains a docx is not a docx.
    """
    directory = _directory(tail, read_at) or (_directory(head, read_at) if not tail else b"")
    return frozenset(_central_names(directory) if directory else _local_names(head))


def _directory(tail: bytes, read_at: ReadAt | None) -> bytes:
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return b""
    size, offset = struct.unpack_from("<II", tail, at + 12)
    if size <= at and tail[at - size : at - size + 4] == _CENTRAL:
        return tail[at - size : at]
    return read_at(offset, min(size, _DIRECTORY_BYTES)) if read_at else b""


def _central_names(directory: bytes) -> Iterator[str]:
    at = 0
    while directory[at : at + 4] == _CENTRAL and at + 46 <= len(directory):
        name, extra, comment = struct.unpack_from("<HHH", directory, at + 28)
        yield directory[at + 46 : at + 46 + name].decode("utf-8", "replace")
        at += 46 + name + extra + comment


def _local_names(head: bytes) -> Iterator[str]:
    at = 0
    while head[at : at + 4] == _LOCAL and at + 30 <= len(head):
        flags, method = struct.unpack_from("<HH", head, at + 6)
        packed, _, name, extra = struct.unpack_from("<IIHH", head, at + 18)
        yield head[at + 30 : at + 30 + name].decode("utf-8", "replace")
        at += 30 + name + extra
        if not flags & _HAS_DESCRIPTOR:
            at += packed
        elif method != _DEFLATED or (after := _after_deflated(head, at)) is None:
            return
        else:  # the signature of the descriptor is optional
            at = after + (16 if head[after : after + 4] == b"PK\x07\x08" else 12)


def _after_deflated(head: bytes, start: int) -> int | None:
    """Where the compressed data that begins at `start` ends, in constant memory; None if not within `head`."""
    inflate = zlib.decompressobj(-15)
    rest = head[start:]
    try:
        while rest and not inflate.eof:
            inflate.decompress(rest, 2**20)
            rest = inflate.unconsumed_tail
    except zlib.error:
        return None
    return len(head) - len(inflate.unused_data) if inflate.eof else None
