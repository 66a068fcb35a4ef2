"""Making a page ready for recognition, by Pillow: upright colours to grey, even light, no seals, no rules of tables."""

from __future__ import annotations

from typing import Any

from search.reading.pages import opened_page, pdf_page

DOTS_PER_INCH = 200
"""What PDF pages are drawn at: at more, recognition is slower and no better."""
_LONGEST_SIDE_PX, _SHORTEST_SIDE_PX = 5000, 1000
_ENLARGED_SIDE_PX = 2000
_A4_LONG_INCHES = 11.7
_PIECE_PX = 600
_EVEN_GROUND = 225
_COLOURED, _COLOURED_SHARE = 70, 0.0008
_RULE_PX, _DARK, _FEWEST_PIECES = 160, 150, 12


def page_of(content: bytes, kind_code: str, page_index: int) -> tuple[Any, int]:
    """The page in colour at a size that recognition likes, and the number of pages. Raises: ReadingError."""
    if kind_code == "pdf":
        picture, pages = pdf_page(content, page_index, DOTS_PER_INCH)
    else:
        picture, pages = opened_page(content, kind_code, page_index)
    longest, shortest = max(picture.size), min(picture.size)
    if longest > _LONGEST_SIDE_PX:
        picture = _scaled(picture, _LONGEST_SIDE_PX / longest)
    elif shortest < _SHORTEST_SIDE_PX and longest < _ENLARGED_SIDE_PX:
        picture = _scaled(picture, min(2.0, _ENLARGED_SIDE_PX / longest))
    return picture, pages


def resolution(picture: Any) -> int:
    """The dots per inch of a picture whose long side is taken for that of an A4 sheet."""
    longest: int = max(picture.size)
    return max(70, min(600, round(longest / _A4_LONG_INCHES)))


def grey(picture: Any) -> Any:
    """One channel, with shadows and a dark ground taken out where there are any."""
    return _even(picture.convert("L"))


def without_red(picture: Any) -> Any | None:
    """What is left when red ink is taken for paper, or None where there is next to none.

    A seal lies over words. In the red channel it is as light as the paper, and black ink stays black.
    """
    from PIL import ImageChops, ImageStat

    red, green, blue = picture.split()
    inked = ImageChops.subtract(red, ImageChops.lighter(green, blue)).point(lambda value: 255 * (value > _COLOURED))
    if ImageStat.Stat(inked).mean[0] / 255 < _COLOURED_SHARE:
        return None
    return _even(red)


def without_rules(picture: Any) -> Any:
    """The grey, level picture without the rules of tables, which would be taken for strokes; what they cross stays."""
    from PIL import Image, ImageChops, ImageFilter, ImageStat

    ink = ImageChops.invert(picture)
    width, height = picture.size
    # No stroke of a character is so long: where the mean along such a stretch is dark, there is a piece of a rule.
    shapes = ((max(1, width // _RULE_PX), height), (width, max(1, height // _RULE_PX)))
    pieces = [ink.resize(shape, Image.Resampling.BOX).point(lambda value: 255 * (value > _DARK)) for shape in shapes]
    if sum(ImageStat.Stat(piece).sum[0] for piece in pieces) < 255 * _FEWEST_PIECES:
        return picture
    mask = ImageChops.lighter(*(piece.resize(picture.size, Image.Resampling.NEAREST) for piece in pieces))
    cleared = picture.copy()
    cleared.paste(255, mask=mask.filter(ImageFilter.MaxFilter(5)).point(lambda value: 255 * (value > _DARK)))
    return cleared


def softened(picture: Any) -> Any:
    """A grainy picture with its grain smoothed."""
    from PIL import ImageFilter

    return picture.filter(ImageFilter.GaussianBlur(1.4))


def levelled(picture: Any, degrees: float) -> Any:
    """The grey picture turned by a few degrees clockwise about its middle; its size stays."""
    from PIL import Image

    return picture.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)


def densest_piece(picture: Any) -> Any:
    """The part of a grey picture with the most ink, of a size that is read in an instant."""
    from PIL import Image, ImageChops

    side = min(_PIECE_PX, *picture.size)
    columns, rows = max(1, picture.width // side), max(1, picture.height // side)
    ink = ImageChops.invert(picture.crop((0, 0, columns * side, rows * side))).resize(
        (columns, rows), Image.Resampling.BOX
    )
    _, column, row = max((ink.getpixel((x, y)), x, y) for x in range(columns) for y in range(rows))
    return picture.crop((column * side, row * side, (column + 1) * side, (row + 1) * side))


def turned(picture: Any, degrees: int) -> Any:
    """The picture turned clockwise by a multiple of 90 degrees."""
    from PIL import Image

    ways = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    return picture.transpose(ways[degrees]) if degrees else picture


def _even(picture: Any) -> Any:
    from PIL import Image, ImageFilter, ImageMath

    small = picture.resize((max(1, picture.width // 12), max(1, picture.height // 12)), Image.Resampling.BOX)
    # The lightest nearby is the paper; the median keeps one light speck from standing for it.
    ground = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.BoxBlur(2))
    if ground.getextrema()[0] >= _EVEN_GROUND:
        return picture
    ground = ground.resize(picture.size, Image.Resampling.BICUBIC)
    return ImageMath.lambda_eval(
        lambda names: names["convert"](
            names["min"](names["picture"] * 250 / names["max"](names["ground"], 32), 255), "L"
        ),
        picture=picture,
        ground=ground,
    )


def _scaled(picture: Any, factor: float) -> Any:
    from PIL import Image

    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)
