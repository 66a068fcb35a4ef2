"""A font that has Chinese, for what the archive draws itself: watermarks, cover sheets, forms.

It comes from the system's own folders, or from a package that is installed beside the archive (the extra `fonts`).
Where there is none, callers draw ASCII only and the health page says so: Chinese is never transliterated.
"""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from PIL import ImageFont

PACKAGES = ("pylopdf_fonts_zh_cn", "noto_cjk_sans_sc_regular")
"""Packages that hold nothing but fonts under the Open Font License; they are looked into and never imported."""
PREFERRED = (
    "NotoSansCJK-Regular",
    "NotoSansCJKsc-Regular",
    "NotoSansSC",
    "SourceHanSansSC",
    "SourceHanSansCN",
    "wqy-microhei",
    "wqy-zenhei",
    "DroidSansFallback",
    "PingFang",
    "msyh",
    "simhei",
    "simsun",
)
"""The beginnings of file names of fonts of even strokes, which stay readable when they are small and pale."""
_ENDINGS = frozenset({".ttf", ".ttc", ".otf"})
_SAMPLE = "兰台核查监督员"
_MOST_FACES = 16
_ABSENT = "\U0010ffff"


class Font(Protocol):
    """What is asked of a font at one size, in pixels."""

    def getbbox(self, text: str) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a line."""

    def getlength(self, text: str) -> float:
        """The width of a line."""


def folders() -> Iterator[Path]:
    """Where fonts are, the system's own before those of packages."""
    if sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"))
    elif sys.platform == "win32":
        yield Path("C:/Windows/Fonts")
    yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        for place in (found.submodule_search_locations or ()) if found else ():
            yield Path(place)


@cache
def chinese_font_file() -> tuple[Path, int] | None:
    """The file of a font that has simplified Chinese and the number of its face in it; None where none is found."""
    return find_chinese(tuple(folders()))


def find_chinese(places: Sequence[Path]) -> tuple[Path, int] | None:
    """The same, among the files below `places`: preferred names first, then whatever has the characters."""
    files = [path for place in places for path in sorted(place.rglob("*")) if path.suffix.lower() in _ENDINGS]
    for path in sorted(files, key=_rank):
        face = _chinese_face(path)
        if face is not None:
            return path, face
    return None


@cache
def font_of(size_px: int) -> Font:
    """The font for Chinese at this size, or where there is none the one that Pillow brings, for ASCII."""
    found = chinese_font_file()
    if found is None:
        return cast("Font", ImageFont.load_default(size_px))
    return cast("Font", ImageFont.truetype(str(found[0]), size_px, index=found[1]))


def can_draw(text: str) -> bool:
    """Whether every character of `text` is in the font that is at hand."""
    found = chinese_font_file()
    if found is None:
        return text.isascii()
    return _covers(ImageFont.truetype(str(found[0]), 16, index=found[1]), text)


def _rank(path: Path) -> int:
    beginnings = [place for place, name in enumerate(PREFERRED) if path.name.lower().startswith(name.lower())]
    return beginnings[0] if beginnings else len(PREFERRED)


def _chinese_face(path: Path) -> int | None:
    """The face of a file that has the sample; of several the one made for simplified Chinese."""
    fitting = []
    for index in range(_MOST_FACES if path.suffix.lower() == ".ttc" else 1):
        # Not every file that calls itself a font is one, and a collection ends where its next face cannot be opened.
        with suppress(OSError, ValueError):
            font = ImageFont.truetype(str(path), 16, index=index)
            if _covers(font, _SAMPLE):
                fitting.append((index, font.getname()[0] or ""))
            continue
        break
    made_for_it = [index for index, name in fitting if "SC" in name.split()]
    return next(iter(made_for_it or [index for index, _ in fitting]), None)


def _covers(font: ImageFont.FreeTypeFont, text: str) -> bool:
    # A font draws what it lacks as one and the same sign; what it really has looks otherwise.
    absent = bytes(font.getmask(_ABSENT))
    return all(letter.isspace() or bytes(font.getmask(letter)) != absent for letter in set(text))
