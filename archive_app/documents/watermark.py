"""The mark on pictures: who sees them, when and what for, drawn into the bytes themselves on their way out.

The picture that is kept stays without; each answer is drawn anew, so that its moment is right.
"""

import io
import textwrap
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from archive_app.kernel.fonts import can_draw, font_of
from archive_app.kernel.marks import Mark

_PIXELS = 45_000_000
"""A little more than the sandbox draws at most; what claims more is none of our pictures."""
_TILT = 24
_ALPHA = 74
_EDGE_ALPHA = 52
_LINE_CHARACTERS = 34
_MOST_LINES = 4


def lines_of(mark: Mark) -> tuple[str, ...]:
    """What is drawn: name and organisation, moment, purpose and reference number.

    Without a font for one of the characters it is what is certain in ASCII: login, person, moment and grant.
    """
    lines = page_lines(mark)
    if all(map(can_draw, lines)):
        return lines
    login = mark.login.encode("ascii", "backslashreplace").decode()
    return (login, mark.person_id, f"{mark.moment:%Y-%m-%d %H:%M %z}", f"grant {mark.grant_id}")


def page_lines(mark: Mark) -> tuple[str, ...]:
    """The same for a page, which the reader's own fonts draw."""
    return (
        *_wrapped(f"{mark.person} · {mark.organisation}"),
        *_wrapped(f"{mark.moment:%Y-%m-%d %H:%M} · {mark.login}"),
        *_wrapped(f"{mark.purpose} {mark.reference}"),
    )


def stamped(picture: bytes, mark: Mark) -> bytes:
    """The picture (WebP), with the mark all over it, as WebP."""
    return _encoded(draw_mark(open_own(picture), lines_of(mark)))


def open_own(picture: bytes) -> Image.Image:
    """A picture that the sandbox drew, in colour. Raises: ValueError for one that it cannot have drawn."""
    opened = Image.open(io.BytesIO(picture), formats=["WEBP"])
    if opened.width * opened.height > _PIXELS:
        raise ValueError("a kept picture is larger than any that is drawn")
    return opened.convert("RGB")


def draw_mark(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """The picture with these lines all over it, tilted and pale, dark on light places and light on dark ones.

    What is smaller than one mark gets a white margin, so that the mark is whole.
    """
    size_px = max(11, min(30, picture.width // 52))
    tile = _tile(tuple(lines), size_px)
    small = picture.width < 1.5 * tile.width or picture.height < 1.5 * tile.height
    size = (max(picture.width, tile.width), max(picture.height, tile.height))
    under = Image.new("RGB", size, "white")
    under.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    for row, top in enumerate(range(0 if small else -tile.height // 2, size[1], tile.height)):
        stagger = 0 if small else -tile.width // 2 - (row % 2) * tile.width // 2
        for left in range(stagger, size[0], tile.width):
            # One mark after the other: a cover as large as a long page would take several times the page's memory.
            under.paste(tile, (left, top), tile)
    return under


@lru_cache(maxsize=8)
def _tile(lines: tuple[str, ...], size_px: int) -> Image.Image:
    """One mark, tilted, with air around it."""
    font = font_of(size_px)
    step = round(size_px * 1.45)
    width = max(1, round(max(font.getlength(line) for line in lines)))
    words = Image.new("RGBA", (width + 4 * size_px, step * len(lines) + 3 * size_px), (0, 0, 0, 0))
    pen = ImageDraw.Draw(words)
    for number, line in enumerate(lines):
        place = (2 * size_px, size_px + number * step)
        # A light edge keeps the words readable on dark photographs.
        pen.text(
            place,
            line,
            font=font,  # type: ignore[arg-type]  # ours is the protocol of Pillow's
            fill=(140, 24, 18, _ALPHA),
            stroke_width=1,
            stroke_fill=(255, 255, 255, _EDGE_ALPHA),
        )
    return words.rotate(_TILT, expand=True, resample=Image.Resampling.BICUBIC)


def _wrapped(text: str) -> list[str]:
    # Chinese has no blanks to break at, and a width in characters is all that a mark needs.
    lines = textwrap.wrap(text, _LINE_CHARACTERS)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][:-1] + "…"]


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=2)
    return buffer.getvalue()
