"""The mark and the stamp on pictures, drawn into the bytes themselves on their way out: who sees them, when and what
for; that what they show is not in force any more. The mark is small and everywhere, the stamp large and in the middle.

The picture that is kept stays without; each answer is drawn anew, so that its moment is right.
"""

import io
import textwrap
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from archive_app.kernel.fonts import can_draw, font_of
from archive_app.kernel.marks import Mark, Stamp

_PIXELS = 45_000_000
"""A little more than the sandbox draws at most; what claims more is none of our pictures."""
_TILT = 24
_ALPHA = 74
_EDGE_ALPHA = 52
_STAMP_ALPHA = 150
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


def stamped(picture: bytes, mark: Mark | None, stamp: Stamp | None = None) -> bytes:
    """The picture (WebP), with what it calls for over it, as WebP."""
    return _encoded(drawn_over(open_own(picture), mark, stamp))


def drawn_over(picture: Image.Image, mark: Mark | None, stamp: Stamp | None) -> Image.Image:
    """The picture with the mark, the stamp, or both over it; the stamp lies below, so that neither hides the other."""
    if stamp is not None:
        picture = draw_stamp(picture, stamp_lines(stamp))
    return picture if mark is None else draw_mark(picture, lines_of(mark))


def stamp_lines(stamp: Stamp) -> tuple[str, ...]:
    """What is drawn of a stamp: without a font for one of its characters, the lines in ASCII."""
    return stamp.lines if all(map(can_draw, stamp.lines)) else stamp.plain


def draw_stamp(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """The picture (RGB) with these lines in a frame over its middle and once more in its upper right corner, so that a
    cut-out of either half says what it is of."""
    under = picture.copy()
    for share, place in ((0.62, "middle"), (0.24, "corner")):
        cover = _stamp(tuple(lines), max(9, round(under.width * share)))
        cover.thumbnail((under.width, under.height))
        left, top = (under.width - cover.width) // 2, (under.height - cover.height) // 2
        if place == "corner":
            left, top = under.width - cover.width, 0
        under.paste(cover, (left, top), cover)
    return under


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


@lru_cache(maxsize=8)
def _stamp(lines: tuple[str, ...], width_px: int) -> Image.Image:
    """A stamp about as wide as asked for: the first line large, a frame around all of them, tilted."""
    first, others = lines[0], lines[1:]
    # In a size that is known, and scaled from there: the width of words grows with their size.
    large, small = font_of(64), font_of(26)
    inner = max([large.getlength(first), *(small.getlength(line) for line in others)])
    gap = 24
    size = (round(inner) + 4 * gap, 96 + 40 * len(others) + 2 * gap)
    words = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(words)
    colour, edge = (176, 22, 22, _STAMP_ALPHA), (255, 255, 255, _EDGE_ALPHA)
    pen.rounded_rectangle((4, 4, size[0] - 5, size[1] - 5), radius=14, outline=colour, width=7)
    for number, line in enumerate(lines):
        font, top = (small, gap + 92 + 40 * (number - 1)) if number else (large, gap)
        left = (size[0] - font.getlength(line)) / 2
        pen.text((left, top), line, font=font, fill=colour, stroke_width=1, stroke_fill=edge)  # type: ignore[arg-type]  # as below
    words = words.resize((width_px, max(1, round(size[1] * width_px / size[0]))), Image.Resampling.LANCZOS)
    return words.rotate(_TILT, expand=True, resample=Image.Resampling.BICUBIC)


def _wrapped(text: str) -> list[str]:
    # Chinese has no blanks to break at, and a width in characters is all that a mark needs.
    lines = textwrap.wrap(text, _LINE_CHARACTERS)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][:-1] + "…"]


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=2)
    return buffer.getvalue()
