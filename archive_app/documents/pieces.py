"""The pieces that a version's text is put together from, each kept encrypted: its own text, recognised pages, parts.

A piece that is not there yet leaves a gap, so that what has been read is found before the rest has been.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Part, Version
from archive_app.documents.places import parse_passages, prefix_of, written_passages
from archive_app.kernel.archive import Archive
from archive_app.kernel.unit_of_work import UnitOfWork
from search.reading import Passage, RecognisedPage, TextResult
from storage import Purpose, StoredBlob

TEXT_PART = "body"
TEXT_LIMIT_CHARACTERS = 16 * 2**20
_OWN, _PAGE = "own", "ocr"
_BREAK = "\n\n"


@dataclass(frozen=True)
class OwnText:
    """What a reader found in one file: its text, and the pages (from 0) that have a picture and no text."""

    text: str = ""
    passages: Sequence[Passage] = ()
    blank_pages: Sequence[int] = ()
    truncated: bool = False


@dataclass(frozen=True)
class PageText:
    """What recognition found on one page; `failed` is the code of why there is nothing."""

    text: str = ""
    passages: Sequence[Passage] = ()
    confidence: int = 0
    engine: str = ""
    failed: str | None = None


@dataclass
class Recognised:
    """How recognition of one file went so far."""

    done: int = 0
    left: int = 0
    engine: str | None = None
    failures: set[str] = field(default_factory=set)
    _confident: int = 0
    _characters: int = 0

    def add(self, page: PageText | None) -> None:
        """Counts one page that needs recognition; None where it has not been tried."""
        if page is None or page.failed:
            self.left += 1
            self.failures |= {page.failed} if page and page.failed else set()
            return
        self.done += 1
        self.engine = page.engine
        self._confident += page.confidence * len(page.text)
        self._characters += len(page.text)

    @property
    def confidence(self) -> int | None:
        """The mean in percent by characters; None where no text was recognised."""
        return round(self._confident / self._characters) if self._characters else None


class Assembly:
    """A text that grows, with the places of its passages."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.passages: list[Passage] = []
        self.cut = False

    def add(self, text: str, passages: Iterable[Passage], prefix: str = "") -> None:
        """Appends a text and its passages; what goes beyond the limit is left out, and that is said by `cut`."""
        room = TEXT_LIMIT_CHARACTERS - self._length
        if len(text) > room:
            text, self.cut = text[:room], True
        if not text:
            return
        self.passages += (
            replace(passage, start=passage.start + self._length, place=prefix + passage.place)
            for passage in passages
            if passage.start < len(text)
        )
        self._pieces.append(text)
        self._length += len(text)

    def end(self) -> None:
        """Sets what comes next apart from what there is."""
        if self._pieces and not self._pieces[-1].endswith("\n\n"):
            self._pieces.append(_BREAK)
            self._length += len(_BREAK)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._pieces)


def own_of(result: TextResult) -> OwnText:
    """The part of a reader's answer that is kept."""
    return OwnText(result.text, result.passages, result.blank_pages, result.truncated)


def page_of(found: RecognisedPage) -> PageText:
    """The part of a recogniser's answer that is kept."""
    return PageText(found.text, found.passages, found.confidence, found.engine)


def add_own(assembly: Assembly, own: OwnText, pages: Mapping[int, PageText], prefix: str = "") -> Recognised:
    """Adds a file's own text with its recognised pages, each where it stands in the file."""
    recognised = Recognised()
    taken, rest = 0, list(own.passages)
    for index in own.blank_pages:
        page = pages.get(index)
        recognised.add(page)
        if page is None or not page.text:
            continue
        before = list(takewhile(lambda passage, last=index + 1: _page_number(passage.place) <= last, rest))  # type: ignore[misc]  # bound now
        rest = rest[len(before) :]
        until = rest[0].start if rest else len(own.text)
        _add_stretch(assembly, own.text, before, taken, until, prefix)
        taken = until
        assembly.end()
        assembly.add(page.text, page.passages, prefix)
        assembly.end()
    _add_stretch(assembly, own.text, rest, taken, len(own.text), prefix)
    return recognised


def keep_own(archive: Archive, version: Version, own: OwnText) -> StoredBlob:
    """Puts a file's own text into the vault."""
    told = {
        "text": own.text,
        "passages": written_passages(own.passages),
        "blank": list(own.blank_pages),
        "truncated": own.truncated,
    }
    return put_text(archive, version, json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def keep_page(archive: Archive, version: Version, page: PageText) -> StoredBlob:
    """Puts a recognised page into the vault."""
    told = {
        "text": page.text,
        "passages": written_passages(page.passages),
        "confidence": page.confidence,
        "engine": page.engine,
        "failed": page.failed,
    }
    return put_text(archive, version, json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def put_text(archive: Archive, version: Version, text: str) -> StoredBlob:
    """Puts a text into the vault, for this version."""
    return archive.vault.put(io.BytesIO(text.encode()), key_of(version), version.id, Purpose.TEXT)


def own_part(number: str) -> str:
    """Under which name the own text of a part is kept; of the version itself for an empty number."""
    return f"{_OWN}:{number}" if number else _OWN


def page_part(number: str, index: int) -> str:
    """Under which name a recognised page (from 0) is kept."""
    return f"{_PAGE}:{number}:{index + 1}" if number else f"{_PAGE}:{index + 1}"


def read_own(archive: Archive, session: Session, version: Version, number: str = "") -> OwnText | None:
    """A file's own text, if it is kept by itself. Raises: ContentCorruptError."""
    told = _read(archive, session, version, own_part(number))
    if told is None:
        return None
    return OwnText(told["text"], parse_passages(told["passages"]), told["blank"], told["truncated"])


def read_pages(archive: Archive, session: Session, version: Version, number: str, own: OwnText) -> dict[int, PageText]:
    """The recognised pages of one file by index. Raises: ContentCorruptError."""
    found = {}
    for index in own.blank_pages:
        told = _read(archive, session, version, page_part(number, index))
        if told is not None:
            told["passages"] = parse_passages(told["passages"])
            found[index] = PageText(**told)
    return found


def recognised_since(session: Session, version: Version) -> set[str]:
    """The names of the recognised pages that are not older than the text they belong to."""
    own = session.get(Derivative, (version.id, Purpose.TEXT.value, _OWN))
    if own is None:
        return set()
    of_version = select(Derivative.part).where(Derivative.version_id == version.id)
    of_version = of_version.where(Derivative.purpose == Purpose.TEXT.value, Derivative.part.startswith(f"{_PAGE}:"))
    return set(session.scalars(of_version.where(Derivative.created_at >= own.created_at)))


def forget_parts(uow: UnitOfWork, version: Version) -> None:
    """Takes away what was known of the parts of a version that is read anew."""
    uow.session.execute(delete(Part).where(Part.version_id == version.id))
    of_parts = delete(Derivative).where(Derivative.version_id == version.id)
    uow.session.execute(
        of_parts.where(Derivative.purpose == Purpose.TEXT.value, Derivative.part.startswith(f"{_OWN}:"))
    )


def parts_in_order(session: Session, version_id: str) -> list[Part]:
    """The parts of a version, each before the parts inside of it."""
    return sorted(
        session.scalars(select(Part).where(Part.version_id == version_id)), key=lambda part: steps(part.number)
    )


def steps(number: str) -> list[int]:
    """The path of a part as numbers."""
    return [int(step) for step in number.split("/")]


def part_heading(part: Part) -> tuple[str, Passage]:
    """The line above a part's text, and its place."""
    return f"{part.name}\n", Passage(0, prefix_of(part.number).rstrip("/"))


def _read(archive: Archive, session: Session, version: Version, part: str) -> dict[str, Any] | None:
    row = session.get(Derivative, (version.id, Purpose.TEXT.value, part))
    if row is None:
        return None
    with storage_translated(), archive.vault.open(row.blob_id, key_of(version), version.id, Purpose.TEXT) as blob:
        told: dict[str, Any] = json.loads(blob.read())
        return told


def _add_stretch(assembly: Assembly, text: str, passages: Iterable[Passage], start: int, end: int, prefix: str) -> None:
    shifted = (replace(passage, start=max(0, passage.start - start)) for passage in passages)
    assembly.add(text[start:end], shifted, prefix)


def _page_number(place: str) -> int:
    kind, _, value = place.partition(":")
    return int(value) if kind == "page" and value.isdecimal() else 0
