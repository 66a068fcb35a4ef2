"""The policy agrees with itself everywhere: in generated worlds, before and after whatever narrows somebody's sight,
with the index behind and with the index up to date, the database's answers, the search's hits, totals, counts,
suggestions and likes, and the lists are what a plain oracle says from the facts of the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.documents.likeness import MOST_SIMILAR, similar_documents
from archive_app.documents.looking import list_documents
from archive_app.documents.models import Document
from archive_app.documents.searching import PAGE_SIZE, Found, search_documents
from archive_app.documents.suggesting import suggest
from archive_app.documents.uploads import list_uploads
from archive_app.engagements.clients import list_clients
from archive_app.engagements.engagements import EngagementFilters, engagement_years, list_engagements
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.identity.actors import acting_as
from archive_app.identity.models import Person
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.inbox.sorting import InboxFilters, view_inbox
from archive_app.intake.registers.models import Register
from archive_app.intake.registers.reviewing import list_registers
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError, PermissionMissingError
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.runtime import FEATURES, Parts, create_archive, index_memory_directory, open_archive
from archive_app.settings import Settings
from archive_app.trail.reading import EventFilters, list_events
from archive_app.worker import Worker, open_index
from search import Filters
from tests.conftest import SetClock, Workbench
from tests.engines import FULL
from tests.world_changes import narrow
from tests.world_oracle import Seen
from tests.world_rows import write_worlds
from tests.worlds import COMMON, RARE, World, make_world

T = TypeVar("T")
WORLDS = 250 if FULL else 25
"""In each test: 200 together in the usual run, and 2,000 where nothing is sampled."""
ROUND = 25
"""So many are in one archive beside each other when they are compared."""
MOST_SUGGESTED = 8
OPERATOR = Actor.system("test")
KEYS: dict[str, InstrumentedAttribute[str]] = {
    READ: Engagement.id,
    WORK: Engagement.id,
    LEAD: Engagement.id,
    "client": Client.id,
    "document": Document.id,
    "register": Register.id,
    "inbox_file": InboxFile.id,
}


@dataclass(frozen=True)
class Place:
    """An archive with its worker, and the clock of both."""

    archive: Archive
    workbench: Workbench
    clock: SetClock


@pytest.fixture
def place(settings: Settings, clock: SetClock, engine: str) -> Iterator[Place]:
    """A real archive whose search has the engine of that name."""
    settings = replace(settings, search=replace(settings.search, engine=engine))
    parts = replace(Parts.usual(), clock=clock)
    create_archive(settings, parts)
    archive = open_archive(settings, parts)
    memory = index_memory_directory(settings, archive.archive_id)
    with archive.activate(), open_index(archive, settings, memory) as index:
        yield Place(archive, Workbench(archive, Worker(archive, index, FEATURES)), clock)
    archive.engine.dispose()


CASES = [
    pytest.param(database, engine, number, id=f"{database}-{engine}-{number}", marks=marks)
    for database, marks in (("sqlite", ()), ("postgres", pytest.mark.postgres))
    for number, engine in enumerate(("tantivy", "tantivy", "tantivy", "whoosh"))
]


@pytest.mark.parametrize(("settings", "engine", "number"), CASES, indirect=["settings"])
def test_everybody_sees_what_the_rules_say(place: Place, settings: Settings, number: int) -> None:
    first_seed = (number + (0 if settings.database.url else 4)) * WORLDS
    for start in range(first_seed, first_seed + WORLDS, ROUND):
        with place.archive.reading(OPERATOR) as uow:
            worlds = [make_world(seed, uow) for seed in range(start, start + ROUND)]
        worlds[0].bodies[0].runs_archive = start == first_seed
        write_worlds(place.archive, worlds)
        place.workbench.run()
        Check(place, "at first").all_of(worlds)

        changes = {world.seed: narrow(place.archive, world) for world in worlds}
        if (start // ROUND) % 2 == 0:
            place.clock.advance(hours=2)
        Check(place, f"with the index behind, after {changes}").all_of(worlds)

        place.workbench.run()
        for world in worlds:
            for paper in world.papers:
                paper.lagging = False
        Check(place, f"with the index up to date, after {changes}", of_index=True).all_of(worlds)


@dataclass(frozen=True)
class Check:
    """Compares everything that says what somebody may see."""

    place: Place
    when: str
    of_index: bool = False
    """Only what the index answers: nothing else has changed since the last time."""

    def all_of(self, worlds: Sequence[World]) -> None:
        """Everybody in all of these worlds."""
        now, everybody = self.place.clock.now(), []
        for world in worlds:
            for number, human in enumerate(world.humans, start=world.seed):
                with self.place.archive.reading(OPERATOR) as uow:
                    actor = acting_as(uow, uow.session.get_one(Person, human.id))
                seen = Seen(world, human, now)
                everybody.append((actor, seen))
                compared = [self.search, self.suggestions, self.likes]
                if not self.of_index:
                    compared.append(self.policy)
                    # Every second person: lists ask for what was compared just now.
                    compared += [self.lists] if FULL or number % 2 == 0 else []
                for compare in compared:
                    with self._named(seen):
                        compare(actor, seen)
        if self.of_index:
            return
        # Last, because refusals above are events as well.
        events = self._events()
        for actor, seen in everybody:
            with self._named(seen):
                self.log(actor, seen, events)

    @contextmanager
    def _named(self, seen: Seen) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            error.add_note(f"seed {seen.world.seed}, {self.when}: {seen.human}")
            raise

    def _events(self) -> dict[str, str | None]:
        with self.place.archive.reading(OPERATOR) as uow:
            of_bodies = (EventSubject.event_id == Event.id) & (EventSubject.kind == "organisation")
            rows = uow.session.execute(select(Event.id, EventSubject.subject_id).outerjoin(EventSubject, of_bodies))
            return {event_id: body for event_id, body in rows}  # noqa: C416  # rows are no pairs

    def policy(self, actor: Actor, seen: Seen) -> None:
        """The clause of each kind, as a list and for single subjects."""
        expected = {
            READ: seen.tasks,
            WORK: seen.work(),
            LEAD: seen.lead(),
            "client": seen.clients(),
            "document": {paper.id for paper in seen.papers()},
            "register": seen.registers(),
            "inbox_file": seen.inbox(),
        }
        everything = {
            **{kind: [task.id for task in seen.world.tasks] for kind in (READ, WORK, LEAD)},
            "client": [client.id for client in seen.world.clients],
            "document": [paper.id for paper in seen.world.papers],
            "register": [one.id for one in seen.world.registers],
            "inbox_file": [one.id for one in seen.world.inbox],
        }
        policy = self.place.archive.policy
        with self.place.archive.reading(actor) as uow:
            for kind, ids in expected.items():
                found = uow.session.scalars(select(KEYS[kind]).where(uow.visible(kind))).all()
                assert len(found) == len(set(found)), kind
                assert set(found) == ids, kind
                for subject_id in some(everything[kind], 1):
                    assert policy.allows(uow.session, actor, kind, subject_id) == (subject_id in ids), kind

    def search(self, actor: Actor, seen: Seen) -> None:
        """Hits, totals and counts."""
        if not actor.may(Permission.DOCUMENTS_READ):
            with pytest.raises(PermissionMissingError):
                search_documents(actor, text="", filters=Filters())
            return
        for text, rare in some([("", False), (RARE, True), (COMMON, False)], 2):
            expected = seen.found(rare=rare)
            page = search_documents(actor, text=text, filters=Filters())
            found = ids_of(page.found)
            if page.total > PAGE_SIZE:
                found += ids_of(search_documents(actor, text=text, filters=Filters(), offset=PAGE_SIZE).found)
            assert sorted(found) == sorted(paper.id for paper in expected), text
            assert page.total == len(expected), text
            counted = {name: {value.value: value.count for value in values} for name, values in page.facets.items()}
            assert counted == seen.facets(expected), text

    def suggestions(self, actor: Actor, seen: Seen) -> None:
        """What is suggested, and its counts."""
        if not actor.may(Permission.DOCUMENTS_READ):
            return
        for part in ("监测", "热电") if FULL or seen.level % 2 else ("监测",):
            expected = seen.suggested(part)
            told = {one.words: one.count for one in suggest(actor, text=part, language="en")}
            assert told.items() <= expected.items(), part
            assert len(told) == min(len(expected), MOST_SUGGESTED), part

    def likes(self, actor: Actor, seen: Seen) -> None:
        """What is said to be like a document; and that a hidden one is not there."""
        if not actor.may(Permission.DOCUMENTS_READ):
            return
        shown = {paper.id for paper in seen.papers()}
        found, indexed = ({paper.id for paper in papers} for papers in (seen.found(), seen.indexed()))
        for document_id in sorted(shown)[:1]:
            like = ids_of([line.found for line in similar_documents(actor, document_id=document_id).lines])
            expected = found - {document_id} if document_id in indexed else set()
            assert set(like) <= expected
            assert len(like) == min(len(expected), MOST_SIMILAR)
        for document_id in sorted({paper.id for paper in seen.world.papers} - shown)[:1]:
            with pytest.raises(NotFoundError):
                similar_documents(actor, document_id=document_id)

    def lists(self, actor: Actor, seen: Seen) -> None:
        """The lists of pages, from their first page to their last."""
        shown = {paper.id: paper.task for paper in seen.papers()}
        if actor.may(Permission.ENGAGEMENTS_READ):
            listed = pages(lambda after: list_engagements(actor, filters=EngagementFilters(), after=after, limit=3))
            assert sorted(line.engagement.id for line in listed) == sorted(seen.tasks)
            assert set(engagement_years(actor)) == {t.year for t in seen.world.tasks if t.id in seen.tasks}
        if actor.may(Permission.CLIENTS_READ):
            clients = pages(lambda after: list_clients(actor, after=after, limit=3))
            assert sorted(client.id for client in clients) == sorted(seen.clients())
        if actor.may(Permission.REGISTERS_IMPORT):
            registers = pages(lambda after: list_registers(actor, after=after, limit=3))
            assert sorted(line.register.id for line in registers) == sorted(seen.registers())
        if actor.may(Permission.INBOX_SORT):
            inbox = pages(lambda after: view_inbox(actor, filters=InboxFilters(), language="en", after=after).page)
            alone = {one.id for one in seen.world.inbox if one.register is None}
            assert sorted(line.file.id for line in inbox) == sorted(seen.inbox() & alone)
        if not actor.may(Permission.DOCUMENTS_READ):
            return
        for hidden in some([task for task in seen.world.tasks if task.id not in seen.tasks], 1):
            with pytest.raises(NotFoundError):
                list_documents(actor, engagement_id=hidden.id)
            with pytest.raises(NotFoundError):
                list_uploads(actor, engagement_id=hidden.id, language="en")
        for task in some([task for task in seen.world.tasks if task.id in seen.tasks], 2):
            of_task = partial(list_documents, actor, engagement_id=task.id, limit=9)
            papers = pages(lambda after, of_task=of_task: of_task(after=after))  # type: ignore[misc]  # bound now
            assert sorted(line.document.id for line in papers) == sorted(i for i, of in shown.items() if of == task.id)
            uploads = list_uploads(actor, engagement_id=task.id, language="en")
            assert {line.id for line in uploads} == seen.uploads(task.id)

    def log(self, actor: Actor, seen: Seen, events: dict[str, str | None]) -> None:
        """The events of the log."""
        expected = seen.events(events)
        if actor.may(Permission.LOG_READ):
            listed = list_events(actor, filters=EventFilters(), limit=20).items
            assert [line.id for line in listed] == sorted(expected, reverse=True)[:20]
        with self.place.archive.reading(actor) as uow:
            assert set(uow.session.scalars(select(Event.id).where(uow.visible("event")))) == expected


def some(items: Sequence[T], count: int) -> Sequence[T]:
    """The first few; all of them where nothing is sampled."""
    return items if FULL else items[:count]


def ids_of(found: Sequence[Found]) -> list[str]:
    """The documents of hits."""
    return [one.document.id for one in found]


def pages(fetch: Callable[[str | None], Page[T]]) -> list[T]:
    """All items of a list."""
    items: list[T] = []
    after: str | None = None
    while True:
        page = fetch(after)
        items += page.items
        if (after := page.next_key) is None:
            return items
