"""The library of an organisation: its documents show to whom the rules say, in every way there is, and it does not."""

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select

from archive_app.casework.models import Record
from archive_app.casework.records.describing import record_panel, view_record
from archive_app.casework.records.proposing import PROPOSE_ALL, propose_about
from archive_app.documents.checking import check_document
from archive_app.documents.classifying import classify
from archive_app.documents.describing import describe_document
from archive_app.documents.errors import MarkedOnlyError, NotPreviewableError, StampedOnlyError
from archive_app.documents.exporting import Form, export_hits
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.likeness import similar_documents
from archive_app.documents.looking import list_documents, open_content, page_picture, view_document
from archive_app.documents.models import Document
from archive_app.documents.searching import search_documents
from archive_app.documents.suggesting import suggest
from archive_app.documents.uploads import Offer, Origin, announce, list_uploads
from archive_app.engagements.audience import who_may_see
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import (
    EngagementFilters,
    engagement_years,
    list_engagements,
    open_engagement,
    view_engagement,
)
from archive_app.engagements.glass import break_glass
from archive_app.engagements.libraries import LIBRARY, library_of
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.engagements.requests import ask_for_access
from archive_app.engagements.teams import set_member
from archive_app.filing.showing import view_archiving
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError, PermissionMissingError
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.supervision.models import SupervisionScope
from archive_app.supervision.scopes import Thing
from archive_app.trail.reading import EventFilters, list_events
from search import Filters
from tests.conftest import SignedIn, Workbench, both_databases
from tests.factories import People, engagement_of
from tests.functional.api_client import Program, token_of
from tests.integration.management.library_rows import WORD, Kept, keep, keep_all
from tests.levels import refused
from tests.registers import bring, rows_of, workbook
from tests.supervised import WHOLE, Scene, granted, scene_of

OPERATOR = Actor.system("test")
KEPT = {
    "draft": Kept("甲", "draft"),
    "in force": Kept("乙", "in_force"),
    "superseded": Kept("丙", "superseded"),
    "withdrawn": Kept("丁", "withdrawn"),
    "sensitive": Kept("戊", "in_force", Level.SENSITIVE),
    "restricted": Kept("己", "in_force", Level.RESTRICTED),
    "public": Kept("庚", "in_force", Level.PUBLIC),
    "retained": Kept("辛", ""),
}
OBSOLETE = {"superseded", "withdrawn"}
_INTERNAL = {"in force", "superseded", "withdrawn", "public", "retained"}
_ALL_ISSUED = {*_INTERNAL, "sensitive", "restricted"}
SEEN: Mapping[str, Collection[str]] = {
    "author": {"draft", *_ALL_ISSUED},
    "reviewer who is asked": {"draft", *_ALL_ISSUED},
    "another verifier": _ALL_ISSUED,
    "controller": {"draft", *_ALL_ISSUED},
    "staff member": _INTERNAL,
    "staff member for public things": {"public"},
    "archivist": _ALL_ISSUED,
    "client's contact of the body itself": set(),
    "security auditor": set(),
    "controller of another body": set(),
    "contact of the client that has the body's name": set(),
    "supervisor of the whole body": {*_INTERNAL, "sensitive"},
    "supervisor of its year, its client and itself": set(),
}
"""Which documents of a library each of them sees. Drafts are only for those who have a hand in them, and for who
controls them."""


@dataclass(frozen=True)
class House:
    """A body with a library, and everybody who might want to see what is in it."""

    archive: Archive
    cast: Mapping[str, Actor]
    documents: Mapping[str, str]
    library_id: str
    elsewhere: str
    scene: Scene

    def named(self, ids: Collection[str]) -> set[str]:
        """The names of those of the ids that are in the library."""
        return {name for name, document_id in self.documents.items() if document_id in ids}


@pytest.fixture
def house(archive: Archive, people: People, workbench: Workbench) -> House:
    scene = scene_of(people)
    people.organisation("绿源的客户", "reporting_entity")
    body = "绿源核查"
    cast = {
        "author": people.person("verifier"),
        "reviewer who is asked": people.person("technical_reviewer"),
        "another verifier": people.person("verifier"),
        "controller": people.person("document_controller"),
        "staff member": people.person("staff_member"),
        "staff member for public things": people.person("staff_member", level=Level.PUBLIC),
        "archivist": scene.archivist,
        "client's contact of the body itself": people.person("client_contact"),
        "security auditor": people.person("security_auditor"),
        "controller of another body": people.person("document_controller", organisation="清源核查"),
        "contact of the client that has the body's name": people.person("client_contact", organisation="绿源的客户"),
        "supervisor of the whole body": scene.supervisor,
        "supervisor of its year, its client and itself": scene.colleague,
    }
    with archive.transaction(OPERATOR, eventless=True) as uow:
        # A client called as the body itself, which somebody linked to another organisation.
        entity_id = people.organisation("绿源的客户")
        client_id, body_id = uow.new_id(), people.organisation(body)
        uow.session.add(
            Client(id=client_id, organisation_id=body_id, name=body, entity_id=entity_id, created_at=uow.now)
        )
    asked = cast["reviewer who is asked"]
    documents = keep_all(archive, cast["author"], KEPT, asked=asked)
    elsewhere = keep(archive, cast["controller of another body"], Kept("壬", "in_force"))
    with archive.reading(OPERATOR) as uow:
        mine = (Engagement.organisation_id == body_id, Engagement.activity == LIBRARY)
        library = uow.session.scalars(select(Engagement).where(*mine)).one()
    assert library.client_id == client_id
    granted(scene, WHOLE)
    parts = granted(scene, Thing(year=library.year), Thing(client_id=client_id), by=scene.colleague)
    with archive.transaction(OPERATOR, eventless=True) as uow:
        by_name = SupervisionScope(id=uow.new_id(), grant_id=parts.id, whole=False, engagement_id=library.id)
        uow.session.add(by_name)
    workbench.run()
    return House(archive, cast, documents, library.id, elsewhere, scene)


@both_databases
def test_who_sees_what_of_a_library_in_every_way(house: House) -> None:
    assert set(SEEN) == set(house.cast)
    for name, actor in house.cast.items():
        expected = set(SEEN[name])
        found = expected - {"draft"}
        policy = house.archive.policy
        with house.archive.reading(actor) as uow:
            shown = set(uow.session.scalars(select(Document.id).where(uow.visible("document"))))
            assert house.named(shown) == expected, name
            assert (house.elsewhere in shown) == (name == "controller of another body"), name
            for kind in (READ, WORK, LEAD):
                assert not policy.allows(uow.session, actor, kind, house.library_id), name
            assert not policy.grounds(uow.session, actor, READ, house.library_id)
        if not actor.may(Permission.DOCUMENTS_READ):
            with pytest.raises(PermissionMissingError):
                search_documents(actor, text=WORD, filters=Filters())
            continue
        for way in (by_page, by_content, by_picture, by_likeness, by_description):
            assert house.named({i for i in house.documents.values() if way(actor, i)}) == expected, (name, way)
        current, all_of_them = searched(actor, current_only=True), searched(actor, current_only=False)
        assert house.named(current) == found - OBSOLETE, name
        assert house.named(all_of_them) == found, name
        assert told_by_facets(actor, house.library_id) == len(found - OBSOLETE), name
        assert told_by_suggestions(actor) == {f"{WORD}{KEPT[one].name}" for one in found - OBSOLETE}, name
        if actor.may(Permission.DOCUMENTS_EXPORT):
            assert exported(actor) == {f"{WORD}{KEPT[one].name}" for one in found}, name


def by_page(actor: Actor, document_id: str) -> bool:
    return answers(lambda: view_document(actor, document_id=document_id))


def by_content(actor: Actor, document_id: str) -> bool:
    try:
        return answers(lambda: _opened(actor, document_id))
    except StampedOnlyError:
        # Everybody gets what is obsolete with a stamp that says so.
        return True
    except MarkedOnlyError:
        # And a supervisor everything with their mark.
        return actor.may(Permission.SUPERVISION_USE)


def _opened(actor: Actor, document_id: str) -> None:
    open_content(actor, document_id=document_id).stream.close()


def by_picture(actor: Actor, document_id: str) -> bool:
    try:
        return answers(lambda: page_picture(actor, document_id=document_id, number=1, page_index=0, width_px=320))
    except NotPreviewableError:
        # A text has no pages; who may not see it is not told even that.
        return True


def by_likeness(actor: Actor, document_id: str) -> bool:
    return answers(lambda: similar_documents(actor, document_id=document_id))


def by_description(actor: Actor, document_id: str) -> bool:
    return answers(lambda: describe_document(actor, document_id=document_id))


def answers(attempt: Callable[[], object]) -> bool:
    """Whether something is told; what is not there and what may not be seen are the same."""
    try:
        attempt()
    except NotFoundError:
        return False
    return True


def searched(actor: Actor, *, current_only: bool) -> set[str]:
    page = search_documents(actor, text=WORD, filters=Filters(current_only=current_only))
    assert page.total == len(page.found)
    for one in page.found:
        like = similar_documents(actor, document_id=one.document.id).lines
        assert {line.found.document.control for line in like} <= {"", "in_force"}
    return {one.document.id for one in page.found}


def told_by_facets(actor: Actor, library_id: str) -> int:
    facets = search_documents(actor, text=WORD, filters=Filters()).facets
    return next((value.count for value in facets["engagement"] if value.value == library_id), 0)


def told_by_suggestions(actor: Actor) -> set[str]:
    told = suggest(actor, text=WORD, language="en")
    titles = {one.words for one in told if one.words.startswith(WORD)}
    return {words for words in titles if not words.endswith((".pdf", ".txt"))} - {f"{WORD}壬"}


def exported(actor: Actor) -> set[str]:
    export = export_hits(
        actor, pairs=[("q", WORD), ("versions", "all")], form=Form.CSV, language="en", address=lambda i, _n: i
    )
    lines = b"".join(export.blocks).decode("utf-8-sig").splitlines()[1:]
    return {line.split(",")[0] for line in lines} - {f"{WORD}壬"}


@both_databases
def test_the_log_tells_of_a_draft_to_nobody_who_may_not_see_it(house: House) -> None:
    """Those who only watch the log read the words about what was issued, and not what a draft is called."""
    for name, seen in (("archivist", SEEN["archivist"]), ("security auditor", set(KEPT) - {"draft"})):
        actor = house.cast[name]
        for document, document_id in house.documents.items():
            lines = list_events(actor, filters=EventFilters(document=document_id)).items
            assert lines, "events are there for both"
            assert all(line.withheld == (document not in seen) for line in lines), (name, document)
            assert all(bool(line.detail) == (document in seen) for line in lines), (name, document)
            told = " ".join(str(line.detail) for line in lines)
            assert (KEPT[document].name in told) == (document in seen), (name, document)


def test_nobody_works_in_a_library_nor_decides_about_it(house: House, people: People) -> None:
    """Every way into an engagement by its identifier, its number or its title ends before a library."""
    library_id, document_id = house.library_id, house.documents["public"]
    archivist, leader = house.cast["archivist"], people.person("team_leader")
    archive = house.archive

    def by(actor: Actor) -> list[Callable[[], object]]:
        entry = Entry(name="a.txt")
        stream = io.BytesIO(b"x")
        return [
            lambda: view_engagement(actor, engagement_id=library_id),
            lambda: list_documents(actor, engagement_id=library_id),
            lambda: list_uploads(actor, engagement_id=library_id, language="en"),
            lambda: announce(actor, engagement_id=library_id, offers=[Offer("x", 1)], origin=Origin()),
            lambda: add_document(actor, engagement_id=library_id, stream=stream, entry=entry),
            lambda: add_document(actor, engagement_id=library_id, document_id=document_id, stream=stream, entry=entry),
            lambda: set_member(actor, engagement_id=library_id, person_id=leader.person_id or "", part="leader"),
            lambda: bring(actor, workbook(rows_of(1)), engagement_id=library_id),
            lambda: who_may_see(actor, engagement_id=library_id),
            lambda: view_archiving(actor, engagement_id=library_id, language="en"),
        ]

    people_of_body = [archivist, house.cast["controller"], leader, house.cast["supervisor of the whole body"]]
    for actor in (OPERATOR, *people_of_body):
        for number, attempt in enumerate(by(actor)):
            assert not came_in(attempt), f"{actor.name} came in by way {number}"
    for attempt in (
        lambda: break_glass(archivist, engagement_id=library_id, reason="为了看一看文件库里的文件"),
        lambda: classify(archivist, document_ids=[document_id], level=Level.INTERNAL),
        lambda: check_document(archivist, document_id=document_id),
        lambda: view_record(archivist, document_id=document_id),
        lambda: granted(house.scene, Thing(engagement_id=library_id)),
    ):
        assert issubclass(refused(attempt), NotFoundError)
    with archive.reading(OPERATOR) as uow:
        library = uow.session.get_one(Engagement, library_id)
        assert uow.session.scalars(select(Engagement.id).where(uow.visible(READ))).all().count(library_id) == 0
    for wanted in ("LIBRARY", library.title, library.number or "-"):
        asked = ask_for_access(leader, wanted=wanted, grounds="比对", days=3)
        assert asked.engagement_id is None


def came_in(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (NotFoundError, PermissionMissingError):
        return False
    return True


def test_lists_and_counts_know_of_no_library(house: House) -> None:
    cast = house.cast
    for name in ("archivist", "controller", "supervisor of the whole body"):
        listed = list_engagements(cast[name], filters=EngagementFilters(), limit=50).items
        assert house.library_id not in {line.engagement.id for line in listed}
        with house.archive.reading(cast[name]) as uow:
            assert set(engagement_years(cast[name])) == {line.engagement.year for line in listed}
            clients = set(uow.session.scalars(select(Client.name).where(uow.visible("client"))))
            assert ("绿源核查" in clients) == (name == "archivist"), "only who adds clients must know which are there"


def test_nothing_is_proposed_about_documents_of_a_library(house: House, workbench: Workbench, people: People) -> None:
    engagement = engagement_of(people.person("team_leader"))
    with house.archive.transaction(OPERATOR, eventless=True) as uow:
        uow.enqueue(PROPOSE_ALL, "")
    workbench.run()
    with house.archive.reading(OPERATOR) as uow:
        of_library = select(func.count()).select_from(Record).where(Record.engagement_id == house.library_id)
        assert uow.session.scalar(of_library) == 0
    for document_id in house.documents.values():
        assert not propose_about(house.archive, document_id)
        assert record_panel(house.cast["controller"], document_id=document_id) is None
    assert engagement.id


@both_databases
def test_a_library_stands_beside_whatever_is_called_as_it(archive: Archive, people: People) -> None:
    """An engagement of the number that libraries once had, one that lost its number: neither is in its way."""
    leader = people.person("team_leader")
    client = add_client(leader, name="绿源核查")
    open_engagement(leader, client_id=client.id, number="LIBRARY", title="体系文件库", year=2025)
    with archive.transaction(OPERATOR, eventless=True) as uow:
        first, again = (library_of(uow, leader.organisation_id or "") for _ in range(2))
    assert (first.id, first.client_id) == (again.id, client.id)
    with archive.reading(OPERATOR) as uow:
        assert uow.session.get_one(Client, client.id).entity_id is None


def test_pages_and_the_interface_tell_what_a_document_of_a_library_is_at(
    house: House, app: Flask, english: SignedIn
) -> None:
    # A program acts by less than its owner may: it controls no documents, so it sees the drafts that they wrote.
    page, program = english(house.cast["controller"]), Program(app, token_of(house.cast["author"]))
    for name, kept in KEPT.items():
        document_id = house.documents[name]
        shown = page.get(f"/documents/{document_id}")
        assert shown.status_code == 200
        assert house.library_id not in shown.text, "no link leads to a library"
        assert ("do not work by this document" in shown.text) == (name in OBSOLETE)
        assert "Describe as a record" not in shown.text
        assert "Not described as a record" not in shown.text
        told = program.get(f"/documents/{document_id}").json
        assert told.get("control") == kept.control, told
    hits = page.get("/search", query_string={"q": WORD, "versions": "all"}).text
    assert f'/engagements/{house.library_id}"' not in hits
    assert hits.count("Superseded") == 1
    assert f'/engagements/{house.library_id}"' not in page.get(f"/documents/{house.documents['public']}/similar").text
    found = program.get(f"/search?q={WORD}&versions=all").json["items"]
    assert {one["document_id"]: one["control"] for one in found} == {
        house.documents[name]: kept.control for name, kept in KEPT.items() if name != "draft"
    }
    for address in ("", "/documents", "/archiving", "/team", "/audience", "/glass", "/progress", "/records"):
        assert page.get(f"/engagements/{house.library_id}{address}").status_code in {403, 404}
    assert program.get(f"/engagements/{house.library_id}").status_code == 404
    assert program.get(f"/engagements/{house.library_id}/documents").status_code == 404
    stranger = english(house.cast["staff member"])
    draft, nothing = (stranger.get(f"/documents/{one}") for one in (house.documents["draft"], house.library_id))
    assert (draft.status_code, nothing.status_code) == (404, 404)
