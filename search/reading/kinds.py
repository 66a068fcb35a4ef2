"""The kinds of files the archive tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """`text_readable`: `extract_text` takes it. `page_images`: `render_page` takes it.

    `children`: it may hold files, which `extract_text` lists and `extract_child` gives out.
    `hostile_inline`: a browser that shows the file itself may run code from it, whatever its label says.
    """

    code: str
    media_type: str
    text_readable: bool = False
    page_images: bool = False
    children: bool = False
    hostile_inline: bool = False


_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."

UNKNOWN = Kind("unknown", "application/octet-stream", hostile_inline=True)

KINDS: Mapping[str, Kind] = MappingProxyType({
    kind.code: kind
    for kind in (
        UNKNOWN,
        Kind("txt", "text/plain", text_readable=True),
        Kind("md", "text/markdown", text_readable=True),
        Kind("csv", "text/csv", text_readable=True),
        Kind("json", "application/json", text_readable=True),
        Kind("html", "text/html", text_readable=True, hostile_inline=True),
        Kind("xml", "application/xml", text_readable=True, hostile_inline=True),
        Kind("svg", "image/svg+xml", text_readable=True, hostile_inline=True),
        Kind("eml", "message/rfc822", text_readable=True, children=True, hostile_inline=True),
        Kind("pdf", "application/pdf", text_readable=True, page_images=True, children=True),
        Kind("docx", f"{_OPEN_XML}wordprocessingml.document", text_readable=True, children=True),
        Kind("xlsx", f"{_OPEN_XML}spreadsheetml.sheet", text_readable=True, children=True),
        Kind("pptx", f"{_OPEN_XML}presentationml.presentation", text_readable=True, children=True),
        Kind("doc", "application/msword", text_readable=True),
        Kind("xls", "application/vnd.ms-excel", text_readable=True),
        Kind("ppt", "application/vnd.ms-powerpoint", text_readable=True),
        Kind("msg", "application/vnd.ms-outlook", text_readable=True, children=True),
        Kind("wps", "application/vnd.ms-works", text_readable=True),
        Kind("et", "application/vnd.ms-excel", text_readable=True),
        Kind("dps", "application/vnd.ms-powerpoint", text_readable=True),
        Kind("ole", "application/x-ole-storage"),
        Kind("office-encrypted", "application/x-ole-storage"),
        Kind("ofd", "application/ofd", text_readable=True, children=True),
        Kind("odt", f"{_OPEN_DOCUMENT}text", text_readable=True),
        Kind("ods", f"{_OPEN_DOCUMENT}spreadsheet", text_readable=True),
        Kind("odp", f"{_OPEN_DOCUMENT}presentation", text_readable=True),
        Kind("odf", f"{_OPEN_DOCUMENT}graphics", text_readable=True),
        Kind("rtf", "application/rtf", text_readable=True),
        Kind("png", "image/png", page_images=True),
        Kind("jpeg", "image/jpeg", page_images=True),
        Kind("gif", "image/gif", page_images=True),
        Kind("webp", "image/webp", page_images=True),
        Kind("bmp", "image/bmp", page_images=True),
        Kind("tiff", "image/tiff", page_images=True),
        Kind("p7m", "application/pkcs7-mime"),
        Kind("tsr", "application/timestamp-reply"),
        Kind("zip", "application/zip", text_readable=True, children=True),
        Kind("7z", "application/x-7z-compressed"),
        Kind("rar", "application/vnd.rar"),
        Kind("gz", "application/gzip", text_readable=True, children=True),
        Kind("tar", "application/x-tar", text_readable=True, children=True),
        Kind("mp3", "audio/mpeg"),
        Kind("wav", "audio/wav"),
        Kind("mp4", "video/mp4"),
    )
})  # fmt: skip
