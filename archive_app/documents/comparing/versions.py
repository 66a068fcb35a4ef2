"""Two versions of a document, or two documents, beside each other: what their texts say differently."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore

from sqlalchemy import select

from archive_app.documents.comparing.comparison import Comparison, compare
from archive_app.documents.comparing.paragraphs import Text
from archive_app.documents.comparing.presenting import Portion, Presented, Show, present
from archive_app.documents.looking import look_at, version_of
from archive_app.documents.models import Document, Version
from archive_app.documents.places import Places, places_of
from archive_app.documents.reading import READING_NOTES, notes_of, read_text
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import BusyError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.use_case import staged_use_case

LONGEST_CHARACTERS = 1_000_000
"""Of each text; three times 200 pages. What is behind is not compared, and the page says so."""
_UTF_8_BYTES = 4
_MOST_AT_ONCE = 2
_WAIT_SECONDS = 15.0
# Each takes memory for a hundred times its text; more of them at once would not be done earlier.
_at_once = BoundedSemaphore(_MOST_AT_ONCE)


@dataclass(frozen=True)
class Wanted:
    """What is to be compared: a version of a document, the current one without a number."""

    document_id: str
    number: int | None = None


@dataclass(frozen=True)
class Terms:
    """How it is to be shown: how much of what stayed, whether running heads are compared, and from which row."""

    show: Show = Show.AROUND
    running: bool = False
    start: int = 0


@dataclass(frozen=True)
class ComparedSide:
    """One of the two. `text` is None where there is none to compare; `notes` say what the reading left out; `cut` that
    its end was not compared."""

    document: Document
    version: Version
    text: str | None
    places: Places
    notes: Sequence[str]
    cut: bool

    @property
    def waiting(self) -> bool:
        """Whether its text is still being read."""
        return self.version.reading == "waiting"

    @property
    def partial(self) -> bool:
        """Whether there may be more in it than was compared."""
        return self.cut or (self.text is not None and self.version.reading != "read")


@dataclass(frozen=True)
class ComparedPage:
    """Two texts beside each other. Without `comparison` at least one of them has no text: nothing is said about
    differences then. `same_file` where both are the same bytes."""

    left: ComparedSide
    right: ComparedSide
    comparison: Comparison | None
    portion: Portion | None

    @property
    def same_file(self) -> bool:
        """Whether both files are alike to the last bit."""
        return self.left.version.sha256 == self.right.version.sha256


@dataclass(frozen=True)
class VersionsPage:
    """Two versions of one document, and all that there are to choose from, the newest first."""

    compared: ComparedPage
    versions: Sequence[Version]


@staged_use_case(Permission.DOCUMENTS_READ)
def compare_versions(
    actor: Actor,
    archive: Archive,
    *,
    document_id: str,
    left: int | None = None,
    right: int | None = None,
    terms: Terms = Terms(),
) -> VersionsPage:
    """Two versions of a document; without numbers the current one and the one before. Counts as a look.

    Raises: NotFoundError, ContentCorruptError, BusyError.
    """
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        of_document = select(Version).where(Version.document_id == document_id)
        versions = uow.session.scalars(of_document.order_by(Version.number.desc())).all()
        new = version_of(uow, document_id, right)
        earlier = (version.number for version in versions if version.number < new.number)
        old = version_of(uow, document_id, next(earlier, new.number) if left is None else left)
    pair = Wanted(document_id, old.number), Wanted(document_id, new.number)
    return VersionsPage(compare_texts(archive, actor, *pair, terms), versions)


def compare_texts(archive: Archive, actor: Actor, left: Wanted, right: Wanted, terms: Terms) -> ComparedPage:
    """A step: the texts of two versions beside each other. Counts as a look at each of the two documents.

    Raises: NotFoundError, where either is not to be seen; ContentCorruptError, BusyError.
    """
    for document_id in sorted({left.document_id, right.document_id}):
        look_at(archive, actor, document_id, "view")
    ours, theirs = _side(archive, actor, left), _side(archive, actor, right)
    if ours.text is None or theirs.text is None:
        return ComparedPage(ours, theirs, None, None)
    if not _at_once.acquire(timeout=_WAIT_SECONDS):
        raise BusyError
    try:
        found = compare(_text(ours), _text(theirs), running=terms.running)
    finally:
        _at_once.release()
    sides = Presented(ours.text, ours.places), Presented(theirs.text, theirs.places)
    return ComparedPage(ours, theirs, found, present(found, *sides, show=terms.show, start=terms.start))


def _side(archive: Archive, actor: Actor, wanted: Wanted) -> ComparedSide:
    with archive.reading(actor) as uow:
        uow.require("document", wanted.document_id)
        version = version_of(uow, wanted.document_id, wanted.number)
        document = uow.session.get_one(Document, wanted.document_id)
        text = read_text(archive, uow.session, version, limit_bytes=_UTF_8_BYTES * (LONGEST_CHARACTERS + 1))
        places = places_of(archive, uow.session, version)
    kept = None if text is None else text[:LONGEST_CHARACTERS]
    notes = [READING_NOTES[code] for code in notes_of(version) if code in READING_NOTES]
    return ComparedSide(document, version, kept, places, notes, cut=kept != text)


def _text(side: ComparedSide) -> Text:
    """The text with its pages, the first passage of each; a file inside has pages of its own."""
    pages: list[tuple[int, int | None]] = []
    last: tuple[str, str] | None = None
    for place in side.places:
        here = (place.part, place.value if place.kind == "page" else "")
        if here != last:
            pages.append((place.start, int(here[1]) if here[1] else None))
            last = here
    return Text(side.text or "", pages if any(number is not None for _, number in pages) else ())
