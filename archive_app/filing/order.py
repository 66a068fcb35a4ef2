"""In which order documents stand in case files, and where one case file ends and the next begins. Pure reckoning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LAST = 10_000
"""The rank of what no stage of the scheme names: behind everything that one does."""


@dataclass(frozen=True)
class Piece:
    """A document that is to be put into a case file.

    `type` is its record type (empty for none), `day` the day of the evidence, of the document or of its filing, and
    `rendition_of` the document of which it is another rendition. `pages` is None where nobody knows.
    """

    document_id: str
    type: str
    day: date
    pages: int | None
    rendition_of: str = ""


def ranks_of(stages: Iterable[Iterable[str]], all_types: Iterable[str]) -> dict[str, int]:
    """The rank of each record type: by the stage that asks for it first and its place there; the other known types
    follow, in the order of their list."""
    ranks: dict[str, int] = {}
    for types in stages:
        for code in types:
            ranks.setdefault(code, len(ranks))
    for place, code in enumerate(all_types):
        ranks.setdefault(code, LAST + place)
    return ranks


def in_order(pieces: Iterable[Piece], ranks: Mapping[str, int]) -> list[Piece]:
    """The pieces by rank, day and filing; renditions directly behind what they are a rendition of."""
    listed = list(pieces)
    known = {piece.document_id: piece for piece in listed}

    def rank(piece: Piece) -> tuple[int, date, str]:
        return ranks.get(piece.type, 2 * LAST), piece.day, piece.document_id

    def key(piece: Piece) -> tuple[tuple[int, date, str], bool, tuple[int, date, str]]:
        first = known.get(piece.rendition_of)
        return (rank(piece), False, rank(piece)) if first is None else (rank(first), True, rank(piece))

    return sorted(listed, key=key)


def split(pieces: Sequence[Piece], *, most_items: int, most_pages: int) -> list[list[Piece]]:
    """The pieces in case files of at most so many items and pages; one that is longer by itself has a file of its own.
    What has no known pages counts as one. Renditions stay with what they are of, however long that makes a file."""
    files: list[list[Piece]] = []
    pages = 0
    for piece in pieces:
        own = max(piece.pages or 1, 1)
        together = bool(files) and piece.rendition_of in {one.document_id for one in files[-1]}
        if not files or (not together and (len(files[-1]) >= most_items or pages + own > most_pages)):
            files.append([])
            pages = 0
        files[-1].append(piece)
        pages += own
    return files


def first_pages(pages: Sequence[int | None]) -> list[int]:
    """The page of the case file on which each item begins; what has no known pages takes one."""
    begins, page = [], 1
    for count in pages:
        begins.append(page)
        page += max(count or 1, 1)
    return begins
