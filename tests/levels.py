"""Documents of each level, and who sees them."""

import io
from collections.abc import Callable

import pytest

from archive_app.documents.errors import LevelAboveOwnError
from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.documents.looking import list_documents
from archive_app.documents.uploads import (
    Offer,
    Origin,
    announce,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.levels import Level
from tests.conftest import both_databases
from tests.factories import People, engagement_of


@both_databases
def test_nobody_files_above_what_they_see_there(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    cleared = {level: people.person("verifier", level=level) for level in Level}
    archivist = people.person("archivist")
    engagement = engagement_of(leader, team=list(cleared.values()))
    for own, person in cleared.items():
        for level in Level:
            stream = io.BytesIO(f"{own}{level}".encode())
            entry = Entry(name=f"{own}-{level}.txt", level=level)
            if level <= own:
                add_document(person, engagement_id=engagement.id, stream=stream, entry=entry)
                continue
            with pytest.raises(LevelAboveOwnError):
                add_document(person, engagement_id=engagement.id, stream=stream, entry=entry)
            offers, origin = [Offer("x.txt", 1)], Origin(level=level)
            with pytest.raises(LevelAboveOwnError):
                announce(person, engagement_id=engagement.id, offers=offers, origin=origin)
    filed = {f"{by}-{level}.txt": level for by in cleared for level in Level if level <= by}
    for own, person in cleared.items():
        assert names(person, engagement.id) == {name for name, level in filed.items() if level <= own}
    # Cleared for everything, and seeing no restricted document here: their role reaches the whole organisation.
    with pytest.raises(LevelAboveOwnError):
        file_at(archivist, engagement.id, Level.RESTRICTED)
    file_at(archivist, engagement.id, Level.SENSITIVE)


WORDS = "内容 低位发热量检测"


def file_at(actor: Actor, engagement_id: str, level: Level, *, text: str = "") -> Filed:
    """A document called by its level."""
    name = f"{level.name.lower()}.txt"
    entry = Entry(name=name, level=level, number=f"NO-{level.name}", originator=f"检测站{level.name}")
    content = io.BytesIO(f"{WORDS} {level.name} {text}".encode())
    return add_document(actor, engagement_id=engagement_id, stream=content, entry=entry)


def names(actor: Actor, engagement_id: str) -> set[str]:
    return {line.document.title for line in list_documents(actor, engagement_id=engagement_id).items}


def refused(attempt: Callable[[], object]) -> type[ArchiveError]:
    with pytest.raises(ArchiveError) as caught:
        attempt()
    return type(caught.value)


def file_version_of(actor: Actor, engagement_id: str, document_id: str) -> Filed:
    stream = io.BytesIO(b"next")
    return add_document(
        actor, engagement_id=engagement_id, document_id=document_id, stream=stream, entry=Entry(name="n.txt")
    )
