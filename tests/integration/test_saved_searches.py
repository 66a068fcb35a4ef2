"""Saved searches on both databases: names, what is new, what goes with a deleted one."""

import pytest
from sqlalchemy import func, select

from archive_app.documents.models import SavedSearch, SavedSearchSeen
from archive_app.documents.saved_searches import (
    SearchNameTakenError,
    change_search,
    delete_search,
    list_searches,
    open_search,
    save_search,
)
from archive_app.documents.suggesting import suggest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

PAIRS = [("q", "热值"), ("sort", "newest")]


def kept(archive: Archive) -> tuple[int, int]:
    with archive.reading(Actor.system("test")) as uow:
        counts = [
            uow.session.scalar(select(func.count()).select_from(table)) for table in (SavedSearch, SavedSearchSeen)
        ]
    return counts[0] or 0, counts[1] or 0


@both_databases
def test_a_saved_search_through_its_life(
    archive: Archive, people: People, workbench: Workbench, clock: SetClock
) -> None:
    leader, colleague = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader, team=[colleague])
    first = save_search(leader, name="热值", pairs=PAIRS, shared=True)
    clock.advance(seconds=1)
    second = save_search(leader, name="电量", pairs=[("q", "电量")])
    for taken in (lambda: save_search(leader, name="热值", pairs=PAIRS), lambda: rename(leader, second, "热值")):
        with pytest.raises(SearchNameTakenError):
            taken()
    # A name is taken by its owner alone.
    save_search(colleague, name="热值", pairs=PAIRS)
    assert [line.name for line in list_searches(leader).items] == ["电量", "热值"]
    assert [one.words for one in suggest(colleague, text="热", language="en")] == ["热值", "热值"]

    open_search(colleague, search_id=first)
    clock.advance(seconds=1)
    file_bytes(leader, engagement, "热值.txt", "热值".encode())
    workbench.run()
    assert {(line.own, line.new) for line in list_searches(colleague).items} == {(True, 1), (False, 1)}
    clock.advance(seconds=1)
    open_search(colleague, search_id=first)
    assert {(line.own, line.new) for line in list_searches(colleague).items} == {(True, 1), (False, 0)}

    assert kept(archive) == (3, 4)
    delete_search(leader, search_id=first)
    assert kept(archive) == (2, 2)


def rename(actor: Actor, search_id: str, name: str) -> None:
    change_search(actor, search_id=search_id, name=name, shared=False)
