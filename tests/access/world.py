"""A small archive with one of everything, three times over: in an engagement that is somebody's own, in one of other
colleagues, and in one of another organisation."""

import io
from dataclasses import dataclass, field, replace
from datetime import timedelta

from flask import Flask
from sqlalchemy import Update, delete, update

from archive_app.documents.ingest import Entry
from archive_app.documents.models import Document
from archive_app.engagements.models import Access, Assignment, Client
from archive_app.engagements.schemes import USUAL_SCHEME
from archive_app.filing.models import Declaration
from archive_app.identity.access_tokens import scopes_for
from archive_app.identity.accounts import make_reset_link
from archive_app.identity.models import SecondFactor, SignInSession
from archive_app.identity.tokens import new_token, token_digest
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.registers.attaching import receive_file
from archive_app.intake.registers.bringing import bring_register, map_columns
from archive_app.intake.registers.reviewing import RowFilters, list_rows
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
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
from tests.access.controlled_things import controlled_row
from tests.access.disclosure_things import disclosure_row
from tests.access.duties_things import duty_row
from tests.access.expectation import FOREIGN, OTHER, OWN
from tests.access.laws_things import law_row
from tests.access.review_things import review_row
from tests.access.things import (
    LANGUAGE,
    MARKER,
    add_row,
    case_file_row,
    competence_row,
    deadline_row,
    interest_row,
    job_row,
    material_row,
    notice_row,
    past_access_row,
    request_row,
    reviewed_row,
    search_row,
    session_row,
    task_row,
    time_row,
    token_row,
    upload_row,
)
from tests.bench.installation import sign_in
from tests.conftest import Workbench
from tests.factories import People, engagement_of, file_bytes

STRANGERS = "他方核查"
NOBODYS = "archivist"
"""Nobody asks for what is the archivist's."""
REGISTER = "题名,文号\n监测报告,JC-2\n".encode()
_AWAITING = {HALF: OF_HALF_SIGNED_IN, ENROLMENT: OF_SIGNED_IN}
KINDS = {BODY: "verification_body", AUTHORITY: "authority", ENTITY: "reporting_entity", STRANGERS: "verification_body"}
COLLEAGUES = {BODY: "verifier", AUTHORITY: "supervisor", ENTITY: "client_contact"}
PARTS = {"team_leader": "leader", "verifier": "member", "technical_reviewer": "reviewer"}
_LONG, _DAY = timedelta(days=365), timedelta(days=1)


@dataclass
class World:
    """People by the key of their column; ids by place; what each of them holds by themselves in `own`; how often
    each was denied something when that was asked last."""

    archive: Archive
    app: Flask
    people: dict[str, Actor] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    own: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    levels: list[str] = field(default_factory=list)
    denials: dict[str, int] = field(default_factory=dict)

    def ids(self, column: Column, place: str) -> dict[str, str]:
        """What stands for the variable parts of paths and bodies."""
        own = self.own[NOBODYS if column.awaits == NOBODY else column.key, place]
        return {"code": USUAL_SCHEME, **self.things[place], **own}

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
            told = world.things[place]
            told["deadline_id"] = deadline_row(uow, told["engagement_id"])
            told["time_id"] = time_row(uow, told["engagement_id"], told["leader_id"])
            told |= material_row(uow, told["engagement_id"], told["container_id"])
            told |= reviewed_row(uow, told)
            told |= controlled_row(uow, told, place)
            told |= disclosure_row(uow, told, place)
            told |= duty_row(uow, told, place)
            told |= review_row(uow, told, place)
            told |= law_row(uow, told, place)
            told |= case_file_row(uow, told["engagement_id"], told["organisation_id"], told["document_id"], place)
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
        report = file_bytes(leader, engagement, f"{words}报告.pdf", picture + b" ").document_id or ""
        opened = [document, container, report]
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
            "report_id": report,
            "register_id": self.register,
            "inbox_id": waiting[0],
            "spare_inbox_id": waiting[1],
            "loose_id": self.world.things[OWN]["loose_id"] if self.place == FOREIGN else loose,
            "their_loose_id": loose,
            "leader_id": leader.person_id or "",
            "number": "1",
            "form": "sign_in_sheet",
            "sheet": "nonconformity_sheet",
            "file_type": "docx",
            "page": "1",
            "stage": "arrangement",
            "record_type": "assignment_letter",
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
            add_row(
                uow, Assignment(engagement_id=engagement, person_id=person, part=PARTS[column.roles[0]],
                                assigned_at=uow.now, declared_at=declared)
            )  # fmt: skip
        elif column.tie == LET_IN:
            add_row(
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
    add_row(uow, grant)
    add_row(uow, SupervisionScope(id=uow.new_id(), grant_id=grant.id, whole=False, engagement_id=engagement))


def _over(uow: UnitOfWork, authority: str, supervisor: Actor, body: str) -> str:
    """A grant that is over: both of its sides see it, and nothing can be decided about it any more."""
    row = SupervisionGrant(
        id=uow.new_id(), authority_id=authority, person_id=supervisor.person_id, organisation_id=body, offered_to="",
        purpose=f"{MARKER if body == authority else ''}抽查", reference="", wanted="", asked_at=uow.now,
        asked_until=uow.now + _LONG, outcome="granted", decided_at=uow.now, decided_by="system:test", reason="",
        until=uow.now + _LONG, ended_at=uow.now, ended_by="system:test", end_reason="",
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def _record_of_declaration(uow: UnitOfWork, world: World, place: str) -> None:
    told = world.things[place]
    row = Declaration(
        id=uow.new_id(), engagement_id=told["engagement_id"], person_id=told["leader_id"],
        document_id=told["document_id"], version="1", language=LANGUAGE, text_sha256=b"x" * 32, way="confirmed",
        recorded_by="system:test", declared_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)


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
    token_row(uow, person, world.tokens[column.key], " ".join(sorted(person.permissions & held)))
    for place, holder in {OWN: person, **others}.items():
        engagement = world.things[place]["engagement_id"]
        world.own[column.key, place] = {
            "person_id": holder.person_id or "",
            "organisation_id": holder.organisation_id or "",
            "session_id": session_row(uow, holder),
            "token_id": token_row(uow, holder, new_token()),
            "search_id": search_row(uow, holder, shared=False),
            "shared_id": search_row(uow, holder, shared=True),
            "upload_id": upload_row(uow, stranger if place == FOREIGN else person, engagement),
            "their_upload_id": upload_row(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "job_id": job_row(uow),
            "task_id": task_row(uow, holder),
            "notice_id": notice_row(uow),
            "request_id": request_row(uow, holder, engagement),
            "their_request_id": request_row(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "access_id": past_access_row(uow, holder, engagement),
            "their_access_id": past_access_row(uow, stranger if place == FOREIGN else others[OTHER], engagement),
            "interest_id": interest_row(uow, holder),
            "competence_id": competence_row(uow, holder),
        }
