"""Searching bytes for phrases as somebody would who took the disk: in many encodings, and inside packed parts."""

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_PDF_STREAM = re.compile(rb"stream\r?\n(.*?)~>\s*endstream", re.DOTALL)
_OCTAL = re.compile(rb"\\([0-7]{3})")
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_LIMIT_BYTES = 64 * 2**20
_DEPTH = 3
"""A mail, with a document, with a packed member."""


def spellings(phrase: str) -> list[bytes]:
    """The byte strings by which `phrase` would be recognised."""
    encoded = [phrase.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")]
    in_base64 = [middle for text in encoded for middle in _base64_middles(text)]
    escaped = [json.dumps(phrase)[1:-1].encode(), quote(phrase).encode(), phrase.encode().hex().encode()]
    references = [phrase.encode("ascii", "xmlcharrefreplace"), b"".join(b"&#x%x;" % ord(letter) for letter in phrase)]
    return [*dict.fromkeys(encoded + in_base64 + escaped + references)]


def find_phrases(content: bytes, phrases: Mapping[str, Sequence[bytes]]) -> set[str]:
    """Which of `phrases` (each with its spellings) stand in `content` or in anything packed inside it."""
    found: set[str] = set()
    for layer in _layers(content):
        found |= {phrase for phrase, spelled in phrases.items() if any(text in layer for text in spelled)}
    return found


def search_folder(folder: Path, phrases: Mapping[str, Sequence[bytes]]) -> dict[Path, set[str]]:
    """Every file below `folder` that holds one of `phrases`, and which."""
    # A running service takes files away while they are being listed.
    found: dict[Path, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):
            if path.is_file() and (held := find_phrases(path.read_bytes(), phrases)):
                found[path] = held
    return found


def _base64_middles(text: bytes) -> Iterator[bytes]:
    # What comes before shifts the groups of three; the first and last characters depend on the neighbours.
    for shift in range(3):
        yield base64.b64encode(bytes(shift) + text)[4 if shift else 0 : -4]


def _layers(content: bytes, depth: int = 0) -> Iterator[bytes]:
    yield content
    yield content.replace(b"\r\n", b"").replace(b"\n", b"")
    if depth == _DEPTH:
        return
    for part in _parts(content):
        yield from _layers(part, depth + 1)


def _parts(content: bytes) -> Iterator[bytes]:
    damaged = suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError)
    with damaged, zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            yield packed.read(name)
    for stream in _PDF_STREAM.finditer(content):
        with suppress(ValueError, zlib.error):
            unpacked = zlib.decompress(base64.a85decode(stream[1].strip()))
            yield _OCTAL.sub(lambda octal: bytes([int(octal[1], 8) & 255]), unpacked)
    for start in _ZLIB.finditer(content):
        with suppress(zlib.error):
            if unpacked := zlib.decompressobj(_GZIP_OR_ZLIB).decompress(content[start.start() :], _LIMIT_BYTES):
                yield unpacked
