"""A PDF file that is nothing but pictures, one a page (ISO 32000-1): written by ourselves because it is forty lines.

Nothing of a file from outside goes into it but what was drawn.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

_QUALITY = 82
_PAGE_WIDTH_POINTS = 595.0
"""The width of A4: how wide every page is shown, whatever the number of its pixels."""


@dataclass(frozen=True)
class PicturePage:
    """A page: its JPEG bytes and their size in pixels."""

    jpeg: bytes
    width: int
    height: int


def page_of(picture: Image.Image) -> PicturePage:
    """The picture (RGB) as a page."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return PicturePage(buffer.getvalue(), picture.width, picture.height)


def write_pdf(pages: Iterable[PicturePage]) -> bytes:
    """The pages as one file."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids: list[str] = []
    for page in pages:
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        width, height = _PAGE_WIDTH_POINTS, _PAGE_WIDTH_POINTS * page.height / page.width
        shown = f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /P Do Q".encode()
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}] "
                f"/Resources << /XObject << /P {number + 1} 0 R >> >> /Contents {number + 2} 0 R >>"
            ).encode(),
            _stream(
                f"/Type /XObject /Subtype /Image /Width {page.width} /Height {page.height} "
                "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
                page.jpeg,
            ),
            _stream("", shown),
        ]
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    return _file(objects)


def _stream(entries: str, content: bytes) -> bytes:
    return f"<< {entries} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + content + b"\nendobj\n")
    table = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for place in places:
        out.write(f"{place:010d} 00000 n \n".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode())
    return out.getvalue()
