"""A small archive with one of everything, three times over: in an engagement that is somebody's own, in one of other
colleagues, and in one of another organisation."""

import io
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from flask import Flask
from sqlalchemy import Update, delete, update
from sqlalchemy.orm import DeclarativeBase

from archive_app.documents.ingest import Entry
from archive_app.documents.models import Document, SavedSearch, Upload
from archive_app.engagements.models import Access, AccessRequest, Assignment, Client, Interest
from archive_app.filing.models import Declaration
from archive_app.identity.access_tokens import scopes_for
from archive_app.identity.accounts import make_reset_link
from archive_app.identity.models import AccessToken, SecondFactor, SignInSession
from archive_app.identity.tokens import new_token, token_digest
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.registers.attaching import receive_file
from archive_app.intake.registers.bringing import bring_register, map_columns
from archive_app.intake.registers.reviewing import RowFilters, list_rows
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import OF_HALF_SIGNED_IN, OF_SIGNED_IN
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.supervision.models import SupervisionGrant, SupervisionScope
from archive_app.trail.reading import document_history
from tests import files
from tests.access.columns import (
    ASSIGNED,
    AUTHORITY,
    BODY,
    ENROLMENT,
    ENTITY,
    HALF,
    LET_IN,
    LEVELS,
    NOBODY,
    UNDECLARED,
    Column,
    columns,
)
from tests.access.expectation import FOREIGN, OTHER, OWN
from tests.bench.installation import sign_in
from tests.conftest import Workbench
from tests.factories import People, engagement_of, file_bytes

STRANGERS = "他方核查"
NOBODYS = "archivist"
"""Nobody asks for what is the archivist's."""
LANGUAGE = "zh_Hans_CN"
MARKER = "不得外传"
"""Stands in every word of the other organisation: nobody else is ever to read it."""
REGISTER = "题名,文号\n监测报告,JC-2\n".encode()
_AWAITING = {HALF: OF_HALF_SIGNED_IN, ENROLMENT: OF_SIGNED_IN}
KINDS = {BODY: "verification_body", AUTHORITY: "authority", ENTITY: "reporting_entity", STRANGERS: "verification_body"}
COLLEAGUES = {BODY: "verifier", AUTHORITY: "supervisor", ENTITY: "client_contact"}
PARTS = {"team_leader": "leader", "verifier": "member", "technical_reviewer": "reviewer"}
_LONG, _DAY = timedelta(days=365), timedelta(days=1)
_ENTRY = '{"name": "a.txt", "source_path": "a.txt", "modified_at": null}'


@dataclass
class World:
    """People by the key of their column; ids by place; what each of them holds by themselves in `own`."""

    archive: Archive
    app: Flask
    people: dict[str, Actor] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    own: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    levels: list[str] = field(default_factory=list)

    def ids(self, column: Column, place: str) -> dict[str, str]:
        """What stands for the variable parts of paths and bodies."""
        return {**self.things[place], **self.own[NOBODYS if column.awaits == NOBODY else column.key, place]}

    def session(self, column: Column) -> str:
        """A fresh session of somebody, as far as they got; empty for nobody."""
        if column.awaits == NOBODY:
            return ""
        token = sign_in(self.archive, self.people[column.key].person_id)
        if column.awaits == HALF:
            self._change(update(SignInSession).where(SignInSession.token_digest == token_digest(token)), passed_at=None)
        return token

    def unconfirm(self, token: str) -> None:
        """The session's person proved long ago who they are."""
        self._change(update(SignInSession).where(SignInSession.token_digest == token_digest(token)), confirmed_at=None)

    def _change(self, statement: Update, **values: object) -> None:
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(statement.values(**values))


def people_of(people: People, *, confirmed: bool = True) -> dict[str, Actor]:
    """Everybody of the matrix as the use cases meet them."""
    for name, kind in KINDS.items():
        people.organisation(name, kind)
    acting = {}
    for column in columns():
        if column.awaits == NOBODY:
            acting[column.key] = Actor.anonymous()
            continue
        actor = people.person(*column.roles, organisation=column.home)
        if column.awaits:
            actor = replace(actor, permissions=_AWAITING[column.awaits], roles=frozenset(), awaits=column.awaits)
        acting[column.key] = actor if confirmed else replace(actor, confirmed_at=None)
    return acting


def build(archive: Archive, app: Flask, people: People, workbench: Workbench) -> World:
    """Builds it: things by the use cases, ties by rows."""
    world = World(archive, app)
    homes = {name: people.organisation(name, kind) for name, kind in KINDS.items()}
    keeper = people.person("team_leader", "archivist", organisation=BODY)
    stranger = people.person("team_leader", "archivist", organisation=STRANGERS, name=f"{MARKER}人")
    colleagues = {home: people.person(role, organisation=home) for home, role in COLLEAGUES.items()}
    for column in columns():
        if column.awaits != NOBODY:
            world.people[column.key] = people.person(*column.roles, organisation=column.home)
    made = {place: _Making(world, keeper, place) for place in (OWN, OTHER)}
    made[FOREIGN] = _Making(world, stranger, FOREIGN)
    for making in made.values():
        making.begin()
    workbench.run()
    for making in made.values():
        making.end()
    workbench.run()
    for making in made.values():
        making.note_events()
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        _tie(uow, world, homes)
        strangers = homes[STRANGERS]
        sides = {OWN: (homes[AUTHORITY], world.people["supervisor"], homes[BODY])}
        sides |= {
            OTHER: (homes[AUTHORITY], colleagues[AUTHORITY], homes[BODY]),
            FOREIGN: (strangers, stranger, strangers),
        }
        for place, (authority, supervisor, body) in sides.items():
            world.things[place]["grant_id"] = _over(uow, authority, supervisor, body)
            _record_of_declaration(uow, world, place)
        for column in columns():
            if column.awaits != NOBODY:
                _belongings(uow, world, column, {OTHER: colleagues[column.home], FOREIGN: stranger})
    link = make_reset_link(keeper_of_accounts(), person_id=keeper.person_id or "").token
    for place in (OWN, OTHER, FOREIGN):
        world.things[place]["token"] = link
        world.things[place]["colleague_id"] = colleagues[BODY].person_id or ""
    return world


def keeper_of_accounts() -> Actor:
    """The operator."""
    return Actor.system("operator", via="cli")


class _Making:
    """What is made in one engagement."""

    def __init__(self, world: World, leader: Actor, place: str) -> None:
        self.world, self.leader, self.place = world, leader, place
        self.words = MARKER if place == FOREIGN else ""

    def begin(self) -> None:
        """Files, a register and what waits in the inbox."""
        leader, words = self.leader, self.words
        engagement = engagement_of(leader, title=f"{words}年度核查{self.place}")
        self.engagement = engagement
        picture = files.pdf([f"{words}监测计划"])
        document = file_bytes(leader, engagement, f"{words}计划.pdf", picture).document_id or ""
        package = files.zip_of({f"{words}内件.pdf": picture})
        container = file_bytes(leader, engagement, f"{words}资料.zip", package).document_id or ""
        opened = [document, container]
        with self.world.archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(update(Document).where(Document.id.in_(opened)).values(level=Level.PUBLIC))
            if words:
                of_engagement = update(Client).where(Client.id == engagement.client_id)
                uow.session.execute(of_engagement.values(name=f"{words}客户"))
        if self.place == OWN:
            self.world.levels = [document, *(self._of_level(level) for level in LEVELS[1:])]
        self.register = bring_register(
            leader, stream=io.BytesIO(REGISTER), name=f"{words}目录.csv", engagement_id=engagement.id
        )
        map_columns(leader, register_id=self.register, columns={0: "title", 1: "number"})
        known = InboxPlace(leader.organisation_id or "", engagement_id=engagement.id)
        waiting = [self._held(f"{words}待归{number}.pdf", picture, known) for number in (1, 2)]
        loose = self._held(f"{words}散件.txt", b"loose", InboxPlace(leader.organisation_id or ""))
        self.world.things[self.place] = {
            "organisation_id": engagement.organisation_id,
            "client_id": engagement.client_id,
            "engagement_id": engagement.id,
            "document_id": document,
            "container_id": container,
            "register_id": self.register,
            "inbox_id": waiting[0],
            "spare_inbox_id": waiting[1],
            "loose_id": self.world.things[OWN]["loose_id"] if self.place == FOREIGN else loose,
            "their_loose_id": loose,
            "leader_id": leader.person_id or "",
            "number": "1",
            "page": "1",
            "width": "320",
            "start": "0",
            "part": "1",
        }

    def end(self) -> None:
        """What needs the rows of the register."""
        file = receive_file(
            self.leader, register_id=self.register, stream=io.BytesIO(b"c"), entry=Entry(f"{self.words}c.txt")
        )
        rows = list_rows(self.leader, register_id=self.register, filters=RowFilters()).items
        self.world.things[self.place] |= {"file_id": file, "row_id": rows[0].id}

    def note_events(self) -> None:
        """An event of the document's custody."""
        document = self.world.things[self.place]["document_id"]
        self.world.things[self.place]["event_id"] = document_history(self.leader, document_id=document).items[-1].id

    def _of_level(self, level: str) -> str:
        made = file_bytes(self.leader, self.engagement, f"{level}.txt", level.encode()).document_id or ""
        with self.world.archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(update(Document).where(Document.id == made).values(level=Level[level.upper()]))
        return made

    def _held(self, name: str, content: bytes, place: InboxPlace) -> str:
        return hold_file(self.leader, stream=io.BytesIO(content), entry=Entry(name), place=place).id


def _tie(uow: UnitOfWork, world: World, homes: dict[str, str]) -> None:
    """What makes the own engagement somebody's own."""
    own = world.things[OWN]
    engagement = own["engagement_id"]
    client = update(Client).where(Client.id == own["client_id"])
    uow.session.execute(client.values(entity_id=homes[ENTITY]))
    for column in columns():
        person = world.people[column.key].person_id if column.key in world.people else ""
        if column.tie in {ASSIGNED, UNDECLARED}:
            declared = uow.now if column.tie == ASSIGNED else None
            _add(
                uow, Assignment(engagement_id=engagement, person_id=person, part=PARTS[column.roles[0]],
                                assigned_at=uow.now, declared_at=declared)
            )  # fmt: skip
        elif column.tie == LET_IN:
            _add(
                uow, Access(id=uow.new_id(), engagement_id=engagement, person_id=person, ground="request", reason="x",
                            granted_by="system:test", granted_at=uow.now, until=uow.now + _LONG)
            )  # fmt: skip
    supervisor = world.people["supervisor"]
    grant = SupervisionGrant(
        id=uow.new_id(), authority_id=homes[AUTHORITY], person_id=supervisor.person_id, organisation_id=homes[BODY],
        purpose="抽查", reference="2026-1", wanted="x", asked_at=uow.now, asked_until=uow.now + _LONG,
        outcome="granted", decided_at=uow.now, decided_by="system:test", reason="x", until=uow.now + _LONG,
        offered_to="", end_reason="",
    )  # fmt: skip
    _add(uow, grant)
    _add(uow, SupervisionScope(id=uow.new_id(), grant_id=grant.id, whole=False, engagement_id=engagement))


def _over(uow: UnitOfWork, authority: str, supervisor: Actor, body: str) -> str:
    """A grant that is over: both of its sides see it, and nothing can be decided about it any more."""
    row = SupervisionGrant(
        id=uow.new_id(), authority_id=authority, person_id=supervisor.person_id, organisation_id=body, offered_to="",
        purpose=f"{MARKER if body == authority else ''}抽查", reference="", wanted="", asked_at=uow.now,
        asked_until=uow.now + _LONG, outcome="granted", decided_at=uow.now, decided_by="system:test", reason="",
        until=uow.now + _LONG, ended_at=uow.now, ended_by="system:test", end_reason="",
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _record_of_declaration(uow: UnitOfWork, world: World, place: str) -> None:
    told = world.things[place]
    row = Declaration(
        id=uow.new_id(), engagement_id=told["engagement_id"], person_id=told["leader_id"],
        document_id=told["document_id"], version="1", language=LANGUAGE, text_sha256=b"x" * 32, way="confirmed",
        recorded_by="system:test", declared_at=uow.now,
    )  # fmt: skip
    _add(uow, row)


def _belongings(uow: UnitOfWork, world: World, column: Column, others: dict[str, Actor]) -> None:
    """Sessions, tokens, saved searches and lines of uploads: one's own, a colleague's, a stranger's.

    A line of an upload is in the engagement of its place: one's own in the first two, as after leaving the team of the
    second; and beside it the line of somebody else.
    """
    person, stranger = world.people[column.key], others[FOREIGN]
    if column.awaits == ENROLMENT:
        uow.session.execute(delete(SecondFactor).where(SecondFactor.person_id == person.person_id))
    world.tokens[column.key] = new_token()
    held = frozenset().union(*(scope.permissions for scope in scopes_for(person.permissions)))
    _token(uow, person, world.tokens[column.key], " ".join(sorted(person.permissions & held)))
    for place, holder in {OWN: person, **others}.items():
        engagement = world.things[place]["engagement_id"]
        world.own[column.key, place] = {
            "person_id": holder.person_id or "",
            "organisation_id": holder.organisation_id or "",
            "session_id": _session(uow, holder),
            "token_id": _token(uow, holder, new_token()),
            "search_id": _search(uow, holder, shared=False),
            "shared_id": _search(uow, holder, shared=True),
            "upload_id": _upload(uow, stranger if place == FOREIGN else person, engagement),
            "their_upload_id": _upload(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "job_id": _job(uow),
            "request_id": _request(uow, holder, engagement),
            "their_request_id": _request(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "access_id": _past_access(uow, holder, engagement),
            "their_access_id": _past_access(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "interest_id": _interest(uow, holder),
        }


def _add(uow: UnitOfWork, row: DeclarativeBase) -> None:
    uow.session.add(row)
    uow.session.flush()


def _session(uow: UnitOfWork, person: Actor) -> str:
    row = SignInSession(
        id=uow.new_id(), token_digest=token_digest(new_token()), person_id=person.person_id, created_at=uow.now,
        last_seen_at=uow.now, expires_at=uow.now + _LONG, passed_at=uow.now, confirmed_at=uow.now,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _token(uow: UnitOfWork, person: Actor, secret: str, scopes: str = "") -> str:
    row = AccessToken(
        id=uow.new_id(), token_digest=token_digest(secret), person_id=person.person_id, name=f"程序 {person.name}",
        scopes=scopes, created_at=uow.now, expires_at=uow.now + _LONG,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _search(uow: UnitOfWork, person: Actor, *, shared: bool) -> str:
    key = uow.new_id()
    row = SavedSearch(
        id=key, organisation_id=person.organisation_id, person_id=person.person_id, name=f"检索 {key}",
        address="q=x", shared=shared, created_at=uow.now,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _upload(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    row = Upload(
        id=uow.new_id(), engagement_id=engagement_id, person_id=person.person_id or "", name="a.txt",
        source_path="a.txt", size_bytes=10, entry=_ENTRY, state="waiting", received_bytes=0, created_at=uow.now,
        changed_at=uow.now,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _job(uow: UnitOfWork) -> str:
    row = Job(
        id=uow.new_id(), kind="documents.index", subject_id="x", payload="{}", state="dead", attempts=5,
        due_at=uow.now, error="x", created_at=uow.now,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _request(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    row = AccessRequest(
        id=uow.new_id(), organisation_id=person.organisation_id, person_id=person.person_id,
        engagement_id=engagement_id, wanted="x", grounds="x", days=3, asked_at=uow.now, outcome="", reason="",
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _past_access(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    """An access that is over: it opens nothing, and to end it once more is refused for that alone."""
    row = Access(
        id=uow.new_id(), engagement_id=engagement_id, person_id=person.person_id, ground="request", reason="x",
        granted_by="system:test", granted_at=uow.now - _LONG, until=uow.now - _DAY,
    )  # fmt: skip
    _add(uow, row)
    return row.id


def _interest(uow: UnitOfWork, person: Actor) -> str:
    row = Interest(
        id=uow.new_id(), organisation_id=person.organisation_id, person_id=person.person_id, party_name="某咨询公司",
        kind="consulting", began_on=date(2020, 1, 1), note="", recorded_by="system:test", recorded_at=uow.now,
        withdrawn_reason="",
    )  # fmt: skip
    _add(uow, row)
    return row.id
