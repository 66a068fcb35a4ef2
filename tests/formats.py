"""One honest file for each kind that the archive tells apart, with the planted phrases wherever the kind has words."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import wave
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tests import files, office_files, package_files
from tests.files import ENGLISH_PHRASE, PHRASE

INSIDE = ("排放数据.csv", f"{PHRASE},1\r\n".encode())
"""Name and content of the file that stands inside every file that can hold one."""


def written_picture(form: str = "PNG", text: str = ENGLISH_PHRASE) -> bytes:
    """Words in black on white, large enough for every recogniser."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (1000, 160), "white")
    ImageDraw.Draw(picture).text((40, 50), text, fill="black", font=ImageFont.load_default(size=48))
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"resolution": 200} if form == "PDF" else {}))
    return buffer.getvalue()


def scanned_pdf() -> bytes:
    return written_picture("PDF")


def _pdf() -> bytes:
    import pypdfium2

    with pypdfium2.PdfDocument(files.pdf()) as document:
        document.new_attachment(INSIDE[0]).set_data(INSIDE[1])
        buffer = io.BytesIO()
        document.save(buffer)
    return buffer.getvalue()


def _with_embedded(package: bytes, folder: str) -> bytes:
    buffer = io.BytesIO(package)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(f"{folder}/embeddings/{INSIDE[0]}", INSIDE[1])
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(INSIDE[0])
        member.size = len(INSIDE[1])
        archive.addfile(member, io.BytesIO(INSIDE[1]))
    return buffer.getvalue()


def _wave() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(800))
    return buffer.getvalue()


def _both(pattern: str) -> bytes:
    return pattern.replace("%", f"{PHRASE} {ENGLISH_PHRASE}").encode()


FORMATS: Mapping[str, Callable[[], bytes]] = MappingProxyType({
    "txt": files.plain_text,
    "md": lambda: files.markdown(f"{PHRASE} {ENGLISH_PHRASE}"),
    "csv": lambda: files.csv_table(((PHRASE, ENGLISH_PHRASE), ("一号锅炉", 1234.5))),
    "json": lambda: _both('{"a": "%"}'),
    "html": lambda: files.html(f"<p>{PHRASE}<br>{ENGLISH_PHRASE}</p>"),
    "xml": lambda: _both('<?xml version="1.0"?><a>%</a>'),
    "svg": lambda: files.svg(f"{PHRASE} {ENGLISH_PHRASE}"),
    "eml": lambda: files.eml(f"{PHRASE}\n{ENGLISH_PHRASE}", attachments=(INSIDE,)),
    "msg": lambda: office_files.msg(f"{PHRASE}\n{ENGLISH_PHRASE}", attachments=(INSIDE,)),
    "pdf": _pdf,
    "ofd": lambda: package_files.ofd(attachments=(INSIDE,)),
    "docx": lambda: _with_embedded(files.docx(header="页眉"), "word"),
    "xlsx": lambda: _with_embedded(files.xlsx(), "xl"),
    "pptx": lambda: _with_embedded(files.pptx(), "ppt"),
    "doc": office_files.doc,
    "xls": office_files.xls,
    "ppt": office_files.ppt,
    "wps": office_files.doc,
    "et": office_files.xls,
    "dps": office_files.ppt,
    "odt": package_files.odt,
    "ods": package_files.ods,
    "odp": package_files.odp,
    "odf": package_files.odg,
    "rtf": office_files.rtf,
    "png": lambda: written_picture("PNG"),
    "jpeg": lambda: written_picture("JPEG"),
    "gif": lambda: written_picture("GIF"),
    "webp": lambda: written_picture("WEBP"),
    "bmp": lambda: written_picture("BMP"),
    "tiff": lambda: written_picture("TIFF"),
    "zip": lambda: files.zip_of({INSIDE[0]: INSIDE[1]}),
    "tar": _tar,
    "gz": lambda: gzip.compress(INSIDE[1], mtime=0),
    "7z": lambda: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(64),
    "rar": lambda: b"Rar!\x1a\x07\x01\0" + bytes(64),
    "ole": lambda: files.ole_container("Contents"),
    "office-encrypted": lambda: files.ole_container("EncryptedPackage"),
    "p7m": files.signed_data,
    "tsr": files.timestamp_reply,
    "mp3": lambda: b"ID3\x03\0\0\0\0\0\0" + b"\xff\xfb\x90\x64" + bytes(413),
    "wav": _wave,
    "mp4": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64),
    "unknown": lambda: bz2.compress(PHRASE.encode()),
})  # fmt: skip
