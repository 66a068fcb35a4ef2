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
        else _opened_picture(content, _PICTURE_FORMATS[kind_code], page_index, width_px)
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


def _scale(width: float, height: float, width_px: int) -> float:
    """Pixels per unit for the wanted width, less where the page is so long that its picture would be too large."""
    if width < 1 or height < 1:
        raise ReadingError("unreadable", "the page has no area")
    # PDFium rounds up; the hair less keeps a rounding error from becoming a pixel.
    return min((width_px - 0.001) / width, _WEBP_SIDE / height, math.sqrt(_TARGET_PIXELS / (width * height)))


def _opened_picture(content: bytes, form: str, page_index: int, width_px: int) -> tuple[Any, int]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _SOURCE_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        # Only the decoder of the identified format: the others are not offered to the file.
        opened = Image.open(io.BytesIO(content), formats=[form])
        page_count = int(getattr(opened, "n_frames", 1)) if form == "TIFF" else 1
        _require_page(page_index, page_count)
        if page_index:
            opened.seek(page_index)
            if opened.width * opened.height > _SOURCE_PIXELS:
                raise ReadingError("too_large", "the page has too many pixels")
        opened.draft("RGB", (width_px, width_px))
        picture = ImageOps.exif_transpose(_flat(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ReadingError("too_large", "the picture has too many pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ReadingError("unreadable", f"the picture is damaged: {type(error).__name__}") from error
    scale = min(1.0, _scale(picture.width, picture.height, width_px))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS), page_count


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
