"""Where a stretch of a stored text stands in its document: page, slide, row of a sheet, part; with words and a link."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Part
from archive_app.kernel.archive import Archive
from archive_app.kernel.language import N_
from search.reading import Passage
from storage import Purpose

PLACES_PART = "places"
CHILD = "child:"
_LETTERS = 26
_NUMBERED = {
    "page": N_("page %(number)s"),
    "slide": N_("slide %(number)s"),
    "notes": N_("notes of slide %(number)s"),
    "line": N_("line %(number)s"),
    "paragraph": N_("paragraph %(number)s"),
    "comment": N_("comment %(number)s"),
    "footnote": N_("footnote %(number)s"),
}
_PLAIN = {"header": N_("page header"), "footer": N_("page footer"), "mail": N_("head of the mail")}
_LINKED = {"page", "slide", "row"}


class _Keyed(Protocol):
    """A version, or those of its columns that open its blobs."""

    id: str
    key_epoch: int
    wrapped_key: bytes


@dataclass(frozen=True)
class Words:
    """A catalogue key with its values."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A passage of a text: characters `start` to `end`, and where they stand.

    `code` is as in `search.reading.Passage`, with `child:<number>/` for each file it is inside of. `label` goes from
    the outside inwards and is empty for a place that says nothing, such as the body of a page of its own.
    """

    code: str
    start: int
    end: int
    confidence: int | None
    box: tuple[float, float, float, float] | None
    label: tuple[Words, ...]

    @property
    def part(self) -> str:
        """The number of the part it stands in, such as 2/1; empty for the document's own text."""
        return _split(self.code)[0]

    @property
    def kind(self) -> str:
        """What the place is: page, slide, row, …; `child` for the name of a part."""
        return _split(self.code)[1].partition(":")[0] or "child"

    @property
    def value(self) -> str:
        """The number of the place, or `<sheet>!<row>`; empty where it has none."""
        return _split(self.code)[1].partition(":")[2]

    @property
    def link_args(self) -> dict[str, str]:
        """The arguments of the document's address that lead here: page, slide, row or at, and part."""
        here = {self.kind: self.value} if self.kind in _LINKED else {"at": str(self.start)}
        return {"part": self.part, **here} if self.part else here


class Places(Sequence[Place]):
    """All passages of one text, in its order. `names` are those of its parts by number."""

    def __init__(self, passages: Sequence[Passage], names: Mapping[str, str] | None = None) -> None:
        self._passages = passages
        self._starts = [passage.start for passage in passages]
        self._names = names or {}

    def __len__(self) -> int:
        return len(self._passages)

    def __getitem__(self, index: int) -> Place:  # type: ignore[override]  # one at a time is all that anybody needs
        return self._place(range(len(self._passages))[index], "", 0)

    def at(self, offset: int, text: str = "") -> Place | None:
        """Where the character `offset` stands; None before the first passage. With the text, a row becomes a cell."""
        index = bisect_right(self._starts, offset) - 1
        return None if index < 0 else self._place(index, text, offset)

    def index_at(self, offset: int) -> int:
        """The index of the passage that holds the character, at least 0."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def of(self, code: str) -> Iterator[Place]:
        """The passages of one place, such as the lines of a page."""
        return (self._place(i, "", 0) for i, passage in enumerate(self._passages) if passage.place == code)

    def find(self, code: str) -> Place | None:
        """The first passage of one place."""
        return next(self.of(code), None)

    def _place(self, index: int, text: str, offset: int) -> Place:
        passage = self._passages[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else 2**62
        column = text.count("\t", passage.start, offset) if text else None
        return Place(
            passage.place, passage.start, end, passage.confidence, passage.box, self._label(passage.place, column)
        )

    def _label(self, code: str, column: int | None) -> tuple[Words, ...]:
        part, inner = _split(code)
        label = _inner_label(inner, column)
        if not part:
            return label
        return (Words(N_("in %(name)s"), {"name": self._names.get(part) or part}), *label)


def places_of(archive: Archive, session: Session, version: _Keyed) -> Places:
    """The places of a version's stored text; empty where none were kept. Raises: ContentCorruptError."""
    row = session.get(Derivative, (version.id, Purpose.TEXT.value, PLACES_PART))
    if row is None:
        return Places(())
    key = key_of(version)  # type: ignore[arg-type]  # it asks for these columns only
    with storage_translated(), archive.vault.open(row.blob_id, key, version.id, Purpose.TEXT) as blob:
        passages = parse_passages(json.loads(blob.read()))
    inside = any(passage.place.startswith(CHILD) for passage in passages)
    names = select(Part.number, Part.name).where(Part.version_id == version.id)
    return Places(passages, {number: name for number, name in session.execute(names)} if inside else {})  # noqa: C416  # rows


def written_passages(passages: Iterable[Passage]) -> list[list[object]]:
    """Passages as they are kept: [start, place, confidence, box], without what is none at the end."""
    rows: Iterator[list[object]] = ([p.start, p.place, p.confidence, p.box] for p in passages)
    return [row if row[3] else row[:3] if row[2] is not None else row[:2] for row in rows]


def parse_passages(rows: Iterable[Sequence[object]]) -> list[Passage]:
    """The passages of rows that `written_passages` made."""
    return [_passage(*row) for row in rows]  # type: ignore[arg-type]  # as written


def _passage(start: int, place: str, confidence: int | None = None, box: list[float] | None = None) -> Passage:
    return Passage(start, place, confidence, (box[0], box[1], box[2], box[3]) if box else None)


def _split(code: str) -> tuple[str, str]:
    """The number of the innermost part, and the place inside it: `child:2/child:1/page:3` is 2/1 and page:3."""
    numbers = []
    while code.startswith(CHILD):
        number, _, code = code.removeprefix(CHILD).partition("/")
        numbers.append(number)
    return "/".join(numbers), code


def prefix_of(number: str) -> str:
    """What stands before the places inside a part: `child:2/child:1/` for 2/1."""
    return "".join(f"{CHILD}{step}/" for step in number.split("/"))


def _inner_label(code: str, column: int | None) -> tuple[Words, ...]:
    kind, _, value = code.partition(":")
    if kind == "row":
        sheet, _, row = value.rpartition("!")
        if column is None:
            return (Words(N_("sheet %(sheet)s, row %(row)s"), {"sheet": sheet, "row": row}),)
        return (Words(N_("sheet %(sheet)s, cell %(cell)s"), {"sheet": sheet, "cell": column_name(column) + row}),)
    if kind == "sheet":
        return (Words(N_("sheet %(sheet)s"), {"sheet": value}),)
    if kind in _NUMBERED:
        return (Words(_NUMBERED[kind], {"number": value}),)
    return (Words(_PLAIN[kind]),) if kind in _PLAIN else ()


def column_name(index: int) -> str:
    """The name of a column of a sheet, counted from 0: A, B, …, Z, AA."""
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, _LETTERS)
        name = chr(ord("A") + digit) + name
    return name
