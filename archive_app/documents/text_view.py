"""A stored text as its page shows it: a portion around one place, divided by what stands where; and boxes on a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive_app.documents.places import Place, Places, Words, prefix_of
from search import QueryError, highlight

PORTION_CHARACTERS = 60_000
"""How much of a text one page shows; a reader in a browser does not want a megabyte at once."""
_LEAD_CHARACTERS = 2_000
_SILENT = frozenset({"paragraph", "line"})


@dataclass(frozen=True)
class Spot:
    """Where somebody wants to look: a page, slide or row (`<sheet>!<row>`), a part, or a character of the text.

    `query` is what they searched for; lines of a recognised page that hold it are marked on its picture.
    """

    page: int | None = None
    slide: int | None = None
    row: str = ""
    part: str = ""
    at: int | None = None
    query: str = ""

    @property
    def code(self) -> str:
        """The place as passages name it; empty where only a character or nothing is asked for."""
        prefix = prefix_of(self.part) if self.part else ""
        for kind, value in (("row", self.row), ("slide", self.slide), ("page", self.page)):
            if value:
                return f"{prefix}{kind}:{value}"
        return prefix.rstrip("/")


NOWHERE = Spot()


@dataclass(frozen=True)
class Stretch:
    """A passage as it is shown; `mark` is said where the place is another one than before."""

    anchor: int
    text: str
    mark: tuple[Words, ...]
    here: bool


@dataclass(frozen=True)
class TextView:
    """A portion of a text; `before` and `after` are characters to go on from, where there is more."""

    stretches: Sequence[Stretch]
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Box:
    """A recognised line on the picture of its page, in fractions of it."""

    left: float
    top: float
    width: float
    height: float
    text: str


def offset_of(spot: Spot, places: Places) -> int | None:
    """The character that the spot leads to; None where it leads nowhere."""
    if spot.at is not None:
        return max(0, spot.at)
    found = places.find(spot.code) if spot.code else None
    return None if found is None else found.start


def page_of(spot: Spot, places: Places) -> int | None:
    """The page (from 1) whose picture belongs to the spot."""
    if spot.page is not None or spot.at is None:
        return spot.page
    place = places.at(spot.at)
    return int(place.value) if place is not None and place.kind == "page" and place.value.isdecimal() else None


def view_text(text: str, places: Places, offset: int | None) -> TextView:
    """The portion of the text around `offset`, from its beginning where there is none."""
    # A character that is not there leads nowhere: the text may have been read anew since the link was made.
    offset = None if offset is None or offset >= len(text) else offset
    start = 0 if offset is None or offset < PORTION_CHARACTERS else offset - _LEAD_CHARACTERS
    end = min(len(text), start + PORTION_CHARACTERS)
    before = max(0, start - PORTION_CHARACTERS + _LEAD_CHARACTERS) if start else None
    return TextView(list(_stretches(text, places, start, end, offset)), before, end if end < len(text) else None)


def boxes_on(text: str, places: Places, code: str, query: str) -> list[Box]:
    """The lines of a recognised page that hold what was searched for."""
    return [
        Box(*place.box, text=line)
        for place in places.of(code)
        if place.box is not None
        and (line := text[place.start : min(place.end, len(text))].strip())
        and _holds(line, query)
    ]


def _holds(line: str, query: str) -> bool:
    try:
        return any(piece.marked for fragment in highlight(line, query) for piece in fragment.pieces)
    except QueryError:
        return False


def _stretches(text: str, places: Places, start: int, end: int, offset: int | None) -> Iterator[Stretch]:
    if not len(places):
        yield Stretch(start, text[start:end], (), here=offset is not None)
        return
    index = places.index_at(start)
    first = places[index]
    if first.start > start:
        yield Stretch(start, text[start : first.start], (), here=False)
    said = ""
    arrived = offset is None
    while index < len(places):
        place = places[index]
        if place.start >= end:
            return
        here = not arrived and offset is not None and place.start <= offset < place.end
        arrived = arrived or here
        mark = place.label if _says(place, said) else ()
        yield Stretch(place.start, text[max(start, place.start) : min(end, place.end)], mark, here=here)
        said = place.code
        index += 1


def _says(place: Place, said: str) -> bool:
    return place.code != said and place.kind not in _SILENT
