"""ZIP, tar and gzip: the names of their members, and each member as a file. Nothing is unpacked to a disk."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, cast

from search.reading.encodings import decode
from search.reading.model import MIB, ReadingCode, ReadingError
from search.reading.open_xml import BROKEN_ZIP
from search.reading.writing import TextBuilder

_MEMBER_LIMIT_BYTES = 256 * MIB
_TOTAL_LIMIT_BYTES = 2048 * MIB
# Deflate packs at most 1,032 to 1; honest logs and empty tables come near it, but not with this many bytes.
_SUSPICIOUS_RATIO, _SUSPICIOUS_BYTES = 200, 16 * MIB
_MEMBERS_LIMIT = 100_000
_CHUNK_BYTES = 64 * 1024
_ENCRYPTED, _UTF8_NAME = 0x01, 0x800
_SYMBOLIC_LINK = 0o12
_UNICODE_PATH = 0x7075  # APPNOTE.TXT §4.6.9
_BROKEN_TAR = (tarfile.TarError, EOFError, ValueError, OSError, zlib.error)


@dataclass(frozen=True)
class _Member:
    name: str
    size_bytes: int | None
    refused: ReadingCode | None


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """The text of an archive is the list of its files' names; folders are no files.

    Raises: ReadingError ("unreadable", "too_large").
    """
    members = _MEMBERS[kind_code](content)
    for member in members:
        text.child(member.name, member.size_bytes, member.refused)
    for member in members:
        text.write(member.name.replace("\n", " ") + "\n")
    text.end("body")


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """Raises: ReadingError."""
    members = _MEMBERS[kind_code](content)
    if not 1 <= number <= len(members):
        raise ReadingError("unsupported", "there is no such member")
    member = members[number - 1]
    if member.refused:
        raise ReadingError(member.refused, "this member is not taken out")
    if member.size_bytes is not None and member.size_bytes > limit_bytes:
        raise ReadingError("too_large", f"the member is larger than {limit_bytes} bytes")
    try:
        with _opened(content, kind_code, number) as stream:
            return _whole(stream, limit_bytes)
    except (*BROKEN_ZIP, *_BROKEN_TAR) as error:
        raise ReadingError("unreadable", f"the member is damaged: {type(error).__name__}") from error


def _whole(stream: IO[bytes], limit_bytes: int) -> bytes:
    collected = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        collected += chunk
        if len(collected) > limit_bytes:
            raise ReadingError("too_large", f"the member unpacks to more than {limit_bytes} bytes")
    return bytes(collected)


def _opened(content: bytes, kind_code: str, number: int) -> IO[bytes]:
    if kind_code == "gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=io.BytesIO(content)))
    if kind_code == "tar":
        archive = tarfile.open(fileobj=io.BytesIO(content), mode="r:", encoding="utf-8")  # noqa: SIM115  it lives as long as the process
        stream = archive.extractfile(_tar_files(archive)[number - 1])
        if stream is None:
            raise ReadingError("unsupported", "this member has no content")
        return stream
    package = zipfile.ZipFile(io.BytesIO(content))
    return package.open(_zip_files(package)[number - 1])


# --- ZIP -------------------------------------------------------------------------------------------------------------


def _zip_members(content: bytes) -> list[_Member]:
    try:
        files = _zip_files(zipfile.ZipFile(io.BytesIO(content)))
    except BROKEN_ZIP as error:
        raise ReadingError("unreadable", f"the archive is damaged: {type(error).__name__}") from error
    names = decoded_names(files)
    overlapping = _overlapping(files)
    total, members = 0, []
    for file, name in zip(files, names, strict=True):
        refused = "too_large" if file.header_offset in overlapping else _zip_refusal(file)
        if refused is None:
            total += file.file_size
            refused = "too_large" if total > _TOTAL_LIMIT_BYTES else None
        members.append(_Member(name, file.file_size, refused))
    return members


def _zip_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    files = [file for file in archive.infolist() if not file.is_dir()]
    if len(files) > _MEMBERS_LIMIT:
        raise _too_many()
    return files


def _zip_refusal(file: zipfile.ZipInfo) -> ReadingCode | None:
    if file.flag_bits & _ENCRYPTED:
        return "encrypted"
    if file.external_attr >> 28 == _SYMBOLIC_LINK:
        return "unsupported"
    if file.file_size > _MEMBER_LIMIT_BYTES:
        return "too_large"
    if file.file_size > _SUSPICIOUS_BYTES and file.file_size > _SUSPICIOUS_RATIO * max(1, file.compress_size):
        return "too_large"
    return None if file.compress_type in {0, 8, 12, 14} else "unsupported"  # stored, deflated, BZIP2, LZMA


def _overlapping(files: list[zipfile.ZipInfo]) -> frozenset[int]:
    """Where members begin that share bytes with the next one: one kernel of data, given out thousands of times."""
    places = sorted(files, key=lambda file: file.header_offset)
    return frozenset(
        offset
        for before, after in pairwise(places)
        if before.header_offset + 30 + before.compress_size > after.header_offset
        for offset in (before.header_offset, after.header_offset)
    )


def decoded_names(files: list[zipfile.ZipInfo]) -> list[str]:
    """The names of ZIP members, by flag, by their Unicode field, or by the encoding that fits all others together.

    One short name says little about its encoding; Chinese programs write GBK without any flag.
    """
    raw = {file.header_offset: _raw_name(file) for file in files}
    unmarked = b"\n".join(name for name in raw.values() if name is not None and not name.isascii())
    together = decode(unmarked) if unmarked else None
    return [_decoded_name(file, raw[file.header_offset], together.encoding if together else "cp437") for file in files]


def _decoded_name(file: zipfile.ZipInfo, raw: bytes | None, encoding: str) -> str:
    if raw is None:
        return file.filename
    return _unicode_path(file.extra, raw) or raw.decode(encoding, "replace")


def _raw_name(file: zipfile.ZipInfo) -> bytes | None:
    """The name's bytes where nothing says what they are; Python took them for code page 437."""
    if file.flag_bits & _UTF8_NAME:
        return None
    try:
        return file.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return None


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + size]
        if tag == _UNICODE_PATH and len(body) > 5 and body[1:5] == struct.pack("<I", zlib.crc32(raw)):  # noqa: PLR2004
            return body[5:].decode("utf-8", "replace")
        at += 4 + size
    return None


# --- tar and gzip ----------------------------------------------------------------------------------------------------


def _tar_members(content: bytes) -> list[_Member]:
    try:
        with tarfile.open(
            fileobj=io.BytesIO(content), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            files = _tar_files(archive)
    except _BROKEN_TAR as error:
        raise ReadingError("unreadable", f"the archive is damaged: {type(error).__name__}") from error
    raw = [file.name.encode("utf-8", "surrogateescape") for file in files]
    together = decode(b"\n".join(name for name in raw if not name.isascii()))
    encoding = together.encoding if together else "utf-8"
    return [
        _Member(name.decode(encoding, "replace"), file.size, _tar_refusal(file))
        for file, name in zip(files, raw, strict=True)
    ]


def _tar_files(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    files: list[tarfile.TarInfo] = []
    for member in archive:
        if not member.isdir():
            files.append(member)
        if len(files) > _MEMBERS_LIMIT:
            raise _too_many()
    return files


def _tar_refusal(file: tarfile.TarInfo) -> ReadingCode | None:
    if not file.isreg() or file.issparse():  # links and devices; a sparse file claims any size
        return "unsupported"
    return "too_large" if file.size > _MEMBER_LIMIT_BYTES else None


def _gzip_members(content: bytes) -> list[_Member]:
    if len(content) < 18 or content[:3] != b"\x1f\x8b\x08":  # noqa: PLR2004  header and trailer, RFC 1952 §2.3
        raise ReadingError("unreadable", "the content is no gzip file")
    return [_Member(_gzip_name(content), None, None)]


def _gzip_name(content: bytes) -> str:
    """The original name (RFC 1952 §2.3), which stands behind the extra field; "content" where there is none."""
    flags, at = content[3], 10
    if flags & 0x04:
        at += 2 + int.from_bytes(content[10:12], "little")
    if not flags & 0x08:
        return "content"
    raw = content[at : at + 1024].partition(b"\0")[0]
    decoded = decode(raw)
    return decoded.text if decoded else raw.decode("latin-1")


def _too_many() -> ReadingError:
    return ReadingError("too_large", f"the archive has more than {_MEMBERS_LIMIT} members")


_MEMBERS = {"zip": _zip_members, "tar": _tar_members, "gz": _gzip_members}
