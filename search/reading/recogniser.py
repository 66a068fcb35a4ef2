"""Recognition of one page, run inside the sandbox: a picture in, lines with confidence and box out.

Which layouts and preparations are tried, and in what order, was measured on generated pages (tests/bench): one pass for
what is clean, further ones only where the first is doubtful.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from search.reading import scans
from search.reading.model import ReadingError
from search.reading.passages import clean

_CJK = "\u2e80-\u2fdf\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_LATIN_SIDE = re.compile(rf"[^{_CJK}\s]")
_CHINESE = re.compile("[\u3400-\u9fff]")
_COLUMN_GAP = 1.6
"""From this gap on, in heights of the line, two words are in two columns."""
_SURE, _GARBAGE = 86, 70
_SKEW_DEGREES = 0.3
_FEW_CHARACTERS = 12


@dataclass(frozen=True)
class Line:
    """A recognised line; the box is left, top, width and height as fractions of the page."""

    text: str
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Reading:
    """What one pass found."""

    lines: tuple[Line, ...] = ()

    @property
    def confidence(self) -> float:
        """The mean by characters."""
        characters = sum(len(line.text) for line in self.lines)
        return sum(line.confidence * len(line.text) for line in self.lines) / characters if characters else 0.0

    @property
    def worth(self) -> float:
        """How much was found, counting only what is better than guessing."""
        return sum(max(0.0, line.confidence - 45) * len(line.text) for line in self.lines)


def recognised_page(
    content: bytes, *, kind_code: str, page_index: int, engine: str, tessdata: str, languages: Sequence[str]
) -> tuple[dict[str, Any], bytes]:
    """Facts (confidence, engine, turned, page_count) and the lines as JSON: [text, confidence, box].

    Raises: ReadingError.
    """
    picture, page_count = scans.page_of(content, kind_code, page_index)
    if engine == "tesseract":
        reading, turned, name = _by_tesseract(picture, tessdata, languages)
    else:
        from search.reading.rapid import recognise

        reading, turned, name = recognise(picture)
    lines = [
        [line.text, round(line.confidence), [round(value, 4) for value in line.box]]
        for line in reading.lines
        if line.text
    ]
    facts = {"confidence": round(reading.confidence), "engine": name, "turned": turned, "page_count": page_count}
    return facts, json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()


def describe(content: bytes, *, tessdata: str) -> tuple[dict[str, Any], bytes]:
    """The name and version of the engine that this machine has; empty where it has none. `content` is nothing."""
    del content
    return {"engine": _tesseract_version() if tessdata else _rapid_version()}, b""


def _tesseract_version() -> str:
    from search.reading import tesseract

    try:
        return f"tesseract/{tesseract.version()}"
    except OSError:
        return ""


def _rapid_version() -> str:
    from importlib import metadata

    try:
        return f"rapidocr/{metadata.version('rapidocr')}"
    except metadata.PackageNotFoundError:
        return ""


def _by_tesseract(picture: Any, folder: str, languages: Sequence[str]) -> tuple[Reading, int, str]:
    from search.reading import tesseract

    try:
        name = f"tesseract/{tesseract.version()}"
        main = [language for language in languages if language != "eng"] or ["eng"]
        with tesseract.opened(folder, "+".join(main)) as engine:
            reading, turned = _Page(engine, picture).read()
        if "eng" in languages and main != ["eng"] and _mostly_latin(reading):
            # The models of Chinese know Latin letters, but not English words.
            with tesseract.opened(folder, "eng") as engine:
                english, turned_english = _Page(engine, picture).read()
            if english.worth > reading.worth:
                reading, turned = english, turned_english
    except OSError as error:
        raise ReadingError("unsupported", "Tesseract is not installed") from error
    return reading, turned, name


@dataclass(frozen=True)
class _Look:
    """A page in grey, the same without red ink (`red`: there is some), its skew, and what the first pass found."""

    plain: Any
    black: Any
    red: bool
    skew: float
    found: Reading


class _Page:
    """One page in the hands of Tesseract, pass after pass."""

    def __init__(self, engine: Any, picture: Any) -> None:
        self._engine, self._picture = engine, picture

    def read(self) -> tuple[Reading, int]:
        """The best reading found, and by how many degrees clockwise the page was turned for it."""
        first = self._look(self._picture)
        degrees = 0 if first.found.confidence >= _GARBAGE else self._orientation()
        if not degrees:
            return self._refined(first), 0
        other = self._look(scans.turned(self._picture, degrees))
        if other.found.worth <= first.found.worth:
            return self._refined(first), 0
        return _turned_back(self._refined(other), degrees), degrees

    def _orientation(self) -> int:
        """By how many degrees clockwise the page must be turned: that at which its densest piece reads best.

        (Tesseract's own detection of the orientation is unsure of Chinese.)
        """
        from search.reading.tesseract import ONE_BLOCK

        piece = scans.densest_piece(scans.grey(self._picture))
        read = {degrees: self._pass(scans.turned(piece, degrees), 0.0, ONE_BLOCK) for degrees in (0, 90, 180, 270)}
        best = max(read, key=lambda degrees: read[degrees].worth)
        # Cut lines end in broken characters, so that even the right way is not read well.
        return best if read[best].worth > 2 * read[0].worth else 0

    def _look(self, picture: Any) -> _Look:
        """The first pass, over black ink alone."""
        from search.reading.tesseract import ONE_BLOCK

        plain = scans.grey(picture)
        skew = self._engine.skew(_bytes(plain))
        skew = skew if abs(skew) >= _SKEW_DEGREES else 0.0
        black = scans.without_red(picture)
        shown = plain if black is None else black
        return _Look(plain, shown, black is not None, skew, self._pass(shown, skew, ONE_BLOCK))

    def _refined(self, look: _Look) -> Reading:
        """Further passes where the first is doubtful, and one for red words where there is red ink."""
        from search.reading.tesseract import BLOCKS, ONE_BLOCK

        best = look.found
        if best.confidence < _SURE:
            soft = scans.softened(look.black)
            best = max(best, self._pass(soft, look.skew, ONE_BLOCK), key=_worth)
        if best.confidence < _SURE:
            best = max(best, self._pass(look.black, look.skew, BLOCKS), key=_worth)
        return _together(best, self._pass(look.plain, look.skew, ONE_BLOCK)) if look.red else best

    def _pass(self, picture: Any, skew: float, layout: int) -> Reading:
        shown = scans.without_rules(scans.levelled(picture, skew) if skew else picture)
        lines = list(_lines(self._engine.words(_bytes(shown), layout), shown.width, shown.height))
        return Reading(tuple(_tilted_back(line, skew, shown.size) if skew else line for line in lines))


def _worth(reading: Reading) -> float:
    return reading.worth


def _bytes(picture: Any) -> Any:
    from search.reading.tesseract import Grey

    return Grey(picture.tobytes(), picture.width, picture.height, scans.resolution(picture))


def _lines(words: Iterable[Any], width: int, height: int) -> Iterator[Line]:
    for _, group in groupby(words, key=lambda word: word.line):
        line = list(group)
        characters = sum(len(word.text) for word in line)
        left, top = min(word.left for word in line), min(word.top for word in line)
        right, bottom = max(word.left + word.width for word in line), max(word.top + word.height for word in line)
        yield Line(
            clean(_joined(line)),
            sum(word.confidence * len(word.text) for word in line) / characters,
            (left / width, top / height, (right - left) / width, (bottom - top) / height),
        )


def _joined(words: Sequence[Any]) -> str:
    """The words of a line: a space where both sides are Latin or two columns meet, nothing between Chinese ones."""
    pieces = [words[0].text]
    typical = sorted(word.height for word in words)[len(words) // 2]
    for before, word in pairwise(words):
        gap = word.left - before.left - before.width
        latin = _LATIN_SIDE.match(before.text[-1]) and _LATIN_SIDE.match(word.text[0])
        pieces += [" " if latin or gap > _COLUMN_GAP * typical else "", word.text]
    return "".join(pieces)


def _together(best: Reading, other: Reading) -> Reading:
    """`best`, and those lines of `other` that stand where it has none: red words, such as a red heading."""
    added = [
        line
        for line in other.lines
        if line.confidence > _GARBAGE and not any(_meet(line.box, one.box) for one in best.lines)
    ]
    return Reading(tuple(sorted((*best.lines, *added), key=lambda line: line.box[1]))) if added else best


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def _mostly_latin(reading: Reading) -> bool:
    text = "".join(line.text for line in reading.lines)
    return len(text) > _FEW_CHARACTERS and len(_CHINESE.findall(text)) < len(text) / 10


def _tilted_back(line: Line, degrees: float, size: tuple[int, int]) -> Line:
    """The box around the line on the page as it was before it was levelled."""
    width, height = size
    angle = math.radians(-degrees)
    left, top, w, h = line.box
    corners = [
        ((x - 0.5) * width, (y - 0.5) * height)
        for x, y in ((left, top), (left + w, top), (left, top + h), (left + w, top + h))
    ]
    xs = [(x * math.cos(angle) - y * math.sin(angle)) / width + 0.5 for x, y in corners]
    ys = [(x * math.sin(angle) + y * math.cos(angle)) / height + 0.5 for x, y in corners]
    return replace(line, box=_inside(min(xs), min(ys), max(xs), max(ys)))


def _turned_back(reading: Reading, degrees: int) -> Reading:
    return Reading(tuple(replace(line, box=_box_before(line.box, degrees)) for line in reading.lines))


def _box_before(box: tuple[float, float, float, float], degrees: int) -> tuple[float, float, float, float]:
    """Where a box of the page turned clockwise by `degrees` stands on the page as it is."""
    left, top, width, height = box
    if degrees == 90:  # noqa: PLR2004  # a quarter turn
        return (top, 1 - left - width, height, width)
    if degrees == 180:  # noqa: PLR2004  # a half turn
        return (1 - left - width, 1 - top - height, width, height)
    return (1 - top - height, left, height, width)


def _inside(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    left, top = max(0.0, left), max(0.0, top)
    return (left, top, min(1.0, right) - left, min(1.0, bottom) - top)
