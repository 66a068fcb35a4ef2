"""Pictures of pages, made inside the sandbox: nothing of the file itself reaches a browser."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

from search.reading.model import ReadingError
from search.reading.pdf import open_pdf

_PICTURE_FORMATS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF"}
_SOURCE_PIXELS = 100_000_000
_TARGET_PIXELS = 40_000_000
_WEBP_SIDE = 16_383
_QUALITY = 82


def page_picture(content: bytes, *, kind_code: str, page_index: int, width_px: int) -> tuple[dict[str, int], bytes]:
    """Facts (width, height, page_count) and WebP bytes of one page. A picture is never enlarged.

    Raises: ReadingError.
    """
    picture, page_count = (
        _pdf_page(content, page_index, width_px)
        if kind_code == "pdf"
        else _opened_picture(content, kind_code, page_index, width_px)
    )
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_QUALITY, method=2)
    return {"width": picture.width, "height": picture.height, "page_count": page_count}, buffer.getvalue()


def _pdf_page(content: bytes, page_index: int, width_px: int) -> tuple[Any, int]:
    import pypdfium2

    with open_pdf(content) as document:
        page_count = len(document)
        _require_page(page_index, page_count)
        try:
            page = document[page_index]
            width, height = page.get_size()
            picture = page.render(scale=_scale(width, height, width_px)).to_pil()
        except pypdfium2.PdfiumError as error:
            raise ReadingError("unreadable", "PDFium cannot show this page") from error
        return picture.convert("RGB"), page_count


def pdf_page(content: bytes, page_index: int, dots_per_inch: int) -> tuple[Any, int]:
    """A page in colour at this resolution, less where it would have too many pixels, and the number of pages.

    Raises: ReadingError.
    """
    import pypdfium2

    with open_pdf(content) as document:
        page_count = len(document)
        _require_page(page_index, page_count)
        try:
            page = document[page_index]
            width, height = page.get_size()
            _require_area(width, height)
            scale = min(dots_per_inch / 72, math.sqrt(_TARGET_PIXELS / (width * height)))
            return page.render(scale=scale).to_pil().convert("RGB"), page_count
        except pypdfium2.PdfiumError as error:
            raise ReadingError("unreadable", "PDFium cannot show this page") from error


def _require_area(width: float, height: float) -> None:
    if width < 1 or height < 1:
        raise ReadingError("unreadable", "the page has no area")


def _scale(width: float, height: float, width_px: int) -> float:
    """Pixels per unit for the wanted width, less where the page is so long that its picture would be too large."""
    _require_area(width, height)
    # PDFium rounds up; the hair less keeps a rounding error from becoming a pixel.
    return min((width_px - 0.001) / width, _WEBP_SIDE / height, math.sqrt(_TARGET_PIXELS / (width * height)))


def _opened_picture(content: bytes, form: str, page_index: int, width_px: int) -> tuple[Any, int]:
    from PIL import Image

    picture, page_count = opened_page(content, form, page_index, draft_px=width_px)
    scale = min(1.0, _scale(picture.width, picture.height, width_px))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS), page_count


def opened_page(content: bytes, kind_code: str, page_index: int, *, draft_px: int | None = None) -> tuple[Any, int]:
    """A picture in colour, upright and on white, and the number of pages; `draft_px` allows a smaller one.

    Raises: ReadingError.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _SOURCE_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        # Only the decoder of the identified format: the others are not offered to the file.
        opened = Image.open(io.BytesIO(content), formats=[_PICTURE_FORMATS[kind_code]])
        page_count = int(getattr(opened, "n_frames", 1)) if kind_code == "tiff" else 1
        _require_page(page_index, page_count)
        if page_index:
            opened.seek(page_index)
            if opened.width * opened.height > _SOURCE_PIXELS:
                raise ReadingError("too_large", "the page has too many pixels")
        if draft_px is not None:
            opened.draft("RGB", (draft_px, draft_px))
        return ImageOps.exif_transpose(_flat(opened)), page_count
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ReadingError("too_large", "the picture has too many pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ReadingError("unreadable", f"the picture is damaged: {type(error).__name__}") from error


def _flat(picture: Any) -> Any:
    """RGB on white, for whatever is transparent. The orientation tag stays with the picture."""
    from PIL import Image

    exif = picture.getexif()
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bit greys: their range is not 0 to 255
        low, high = picture.getextrema()
        picture = picture.convert("F").point(lambda value: (value - low) * (255 / ((high - low) or 1)))
    picture.load()
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        picture = Image.new("RGB", layered.size, "white")
        picture.paste(layered, mask=layered.getchannel("A"))
    flat = picture.convert("RGB")
    flat.getexif().update(exif)
    return flat


def _require_page(page_index: int, page_count: int) -> None:
    if not 0 <= page_index < page_count:
        raise ReadingError("unsupported", f"there is no page {page_index}: the file has {page_count}")
