"""What a file is, by its content.

Its name is a hint only between kinds that no content tells apart: md, csv and txt; wps and doc.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath
from threading import Lock
from typing import Any

from search.reading.encodings import sniff_encoding
from search.reading.kinds import KINDS, UNKNOWN, Kind
from search.reading.zip_members import ReadAt, member_names

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 64 * 1024

_SAMPLE_BYTES = 64 * 1024  # all that libmagic's rules for these kinds look at; more only costs time
_magic_lock = Lock()  # one libmagic handle may not be used by two threads, and each costs 8 MB

_BY_MEDIA_TYPE = {
    "image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp",
    "image/x-ms-bmp": "bmp", "image/tiff": "tiff", "text/rtf": "rtf", "application/rtf": "rtf",
    "application/x-7z-compressed": "7z", "application/x-rar": "rar", "application/vnd.rar": "rar",
    "application/gzip": "gz",
    "application/x-tar": "tar", "audio/mpeg": "mp3", "audio/x-wav": "wav", "video/mp4": "mp4",
}  # fmt: skip
_OLE_MEDIA_TYPES = {
    "application/msword": "doc", "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.ms-outlook": "msg",
}  # fmt: skip
# The packages' first member, stored as it is (OpenDocument 1.3, part 2 §3.3); templates are read like documents.
_OPEN_DOCUMENT = re.compile(rb"mimetypeapplication/vnd\.oasis\.opendocument\.([a-z]+)")
_OPEN_DOCUMENTS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
# Names of streams and storages in an OLE directory; the first that is there decides.
_OLE_STREAMS = (
    ("EncryptedPackage", "office-encrypted"), ("__nameid_version1.0", "msg"), ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"), ("Workbook", "xls"),
)  # fmt: skip
# The Chinese office suite writes the same streams as the other one under its own endings.
_SUITE_ENDINGS = {("doc", "wps"): "wps", ("xls", "et"): "et", ("ppt", "dps"): "dps"}
_OLE_ENDINGS = frozenset({"doc", "xls", "ppt", "msg", "wps", "et", "dps"})
_TEXT_ENDINGS = {"md": "md", "markdown": "md", "csv": "csv", "tsv": "csv"}

# ContentInfo of CMS (RFC 5652 §3): signedData, envelopedData, and their counterparts in GM/T 0010.
_CMS_TYPES = b"|".join(
    re.escape(bytes.fromhex(oid))
    for oid in (
        "06092a864886f70d010702",
        "06092a864886f70d010703",
        "060a2a811ccf550601040202",
        "060a2a811ccf550601040203",
    )
)
_LENGTH = rb"(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
_CMS = re.compile(rb"\x30" + _LENGTH + rb"(?:" + _CMS_TYPES + rb")", re.DOTALL)
# TimeStampResp (RFC 3161 §2.4.2): a status, then such a ContentInfo.
_TIMESTAMP = re.compile(rb"\x30" + _LENGTH + rb"\x30[\x03-\x7f]\x02\x01[\x00\x01].{0,122}?" + _CMS.pattern, re.DOTALL)

# The groups are atomic: without that, a page of comments would be tried in exponentially many ways.
_HTML = re.compile(
    r"(?><!--.*?-->|\s)*+<(?:!doctype\s+html|html|head|body|script|iframe|style|title|table|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(
    r"(?><\?.*?\?>|<!--.*?-->|<!doctype[^\[>]*(?:\[.*?\])?\s*>|\s)*+<(?:\w+:)?svg\b", re.IGNORECASE | re.DOTALL
)
_XHTML = re.compile(r"(?><\?.*?\?>|<!--.*?-->|<!doctype[^\[>]*>|\s)*+<(?:\w+:)?html\b", re.IGNORECASE | re.DOTALL)
_PEM_CMS = re.compile(r"\s*-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS)-----")

# RFC 5322 §2.2: lines of a header block up to an empty line; continued lines begin with white space.
_HEADER_BLOCK = re.compile(rb"(?:[!-9;-~]{1,70}:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n)+(?=\r?\n|\Z)")
_HEADER_NAME = re.compile(rb"^([!-9;-~]{1,70}):", re.MULTILINE)
_SENDERS = {b"from", b"sender", b"received", b"return-path"}
_MARKS_OF_MAIL = {b"date", b"subject", b"message-id", b"mime-version", b"to", b"received"}


def identify(head: bytes, *, tail: bytes = b"", name: str = "", read_at: ReadAt | None = None) -> Kind:
    """The kind of a file from its first `HEAD_BYTES`, and where there are more, its last `TAIL_BYTES`.

    A file that fits in `head` needs no `tail`. `read_at(offset, size_bytes)` may give access to the rest. Never raises
    on any content; what is not recognised is `KINDS["unknown"]`. Safe to call from several threads.
    """
    ending = PurePosixPath(name.lower()).suffix.lstrip(".")
    return KINDS.get(_code(head, tail, ending, read_at), UNKNOWN)


def _code(head: bytes, tail: bytes, ending: str, read_at: ReadAt | None) -> str:
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_code(head, tail, read_at)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_code(head, tail, ending)
    if _TIMESTAMP.match(head[:512]):
        return "tsr"
    if _CMS.match(head[:64]):
        return "p7m"
    media_type = _media_type(head)
    return _BY_MEDIA_TYPE.get(media_type) or _text_code(head, tail, ending, media_type)


def _media_type(head: bytes) -> str:
    with _magic_lock:
        return str(_magic().from_buffer(head[:_SAMPLE_BYTES]))


@cache
def _magic() -> Any:
    import pylibmagic  # noqa: F401  it puts its library where `magic` looks for one, so it comes first

    import magic  # isort: skip

    return magic.Magic(mime=True)


def _zip_code(head: bytes, tail: bytes, read_at: ReadAt | None) -> str:
    names = member_names(head, tail, read_at)
    if "OFD.xml" in names:
        return "ofd"
    if "[Content_Types].xml" in names:
        for folder, code in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            if any(member.startswith(folder) for member in names):
                return code
        # The main part may begin beyond what we have; libmagic reads the order of the first members.
        media_type = _media_type(head)
        return next((code for code in ("docx", "xlsx", "pptx") if KINDS[code].media_type == media_type), "zip")
    if "mimetype" in names and (found := _OPEN_DOCUMENT.search(head[:128])):
        return _OPEN_DOCUMENTS.get(found[1].decode(), "odf")
    return "zip"


def _ole_code(head: bytes, tail: bytes, ending: str) -> str:
    around = head + tail
    streams = (code for stream, code in _OLE_STREAMS if _entry_name(stream) in around)
    code = next(streams, None) or _OLE_MEDIA_TYPES.get(_media_type(head))
    if code is None and _directory_place(head) >= len(head) and ending in _OLE_ENDINGS:
        return ending  # the directory lies in the middle, which we do not have: the reader will see
    code = code or "ole"
    return _SUITE_ENDINGS.get((code, ending), code)


def _directory_place(head: bytes) -> int:
    """Where an OLE file has its directory (MS-CFB §2.2): a sector's number; sectors are a power of 2 long."""
    return (int.from_bytes(head[48:52], "little") + 1) << min(int.from_bytes(head[30:32], "little"), 12)


def _entry_name(stream: str) -> bytes:
    """The name as a directory entry holds it (MS-CFB §2.6.1): 64 bytes, padded with zeros, then its length."""
    encoded = stream.encode("utf-16-le")
    return encoded.ljust(64, b"\0") + (len(encoded) + 2).to_bytes(2, "little")


def _text_code(head: bytes, tail: bytes, ending: str, media_type: str) -> str:
    sample = head[:_SAMPLE_BYTES]
    whole = not tail and len(head) < HEAD_BYTES and len(sample) == len(head)
    encoding = sniff_encoding(sample, whole=whole) if sample else None
    if encoding is None:
        return "unknown"
    if _is_mail(head):
        return "eml"
    text = sample.decode(encoding, "replace")
    markup = _markup_code(text)
    if markup:
        return markup
    if _PEM_CMS.match(text):
        return "p7m"
    if media_type == "application/json":
        return "json"
    # libmagic's own verdict on CSV is not asked: it takes UTF-16 prose for a table.
    return _TEXT_ENDINGS.get(ending, "txt")


def _markup_code(text: str) -> str | None:
    beginning = text[:8192].lstrip("\ufeff")
    for pattern, code in ((_SVG, "svg"), (_XHTML, "html"), (_HTML, "html")):
        if pattern.match(beginning):
            return code
    return "xml" if beginning.lstrip().startswith("<?xml") else None


def _is_mail(head: bytes) -> bool:
    block = _HEADER_BLOCK.match(head)
    if not block:
        return False
    names = {found.lower() for found in _HEADER_NAME.findall(block[0])}
    return bool(names & _SENDERS) and len(names & _MARKS_OF_MAIL) > 1
