"""An archive with something to steal in it, the people who try, and what they send."""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from archive_app.app import create_app
from archive_app.casework.requests.preparing import LineWish
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.looking import PREVIEW_WIDTHS_PX, page_picture
from archive_app.documents.resuming import receive_part
from archive_app.documents.saved_searches import save_search
from archive_app.documents.uploads import Offer, Origin, announce
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.identity.access_tokens import make_token
from archive_app.identity.models import Person, SignInSession
from archive_app.identity.tokens import token_digest
from archive_app.intake.inbox import InboxPlace, hold_file
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import EventSubject
from archive_app.kernel.tables import Base
from archive_app.runtime import FEATURES, Parts, create_archive, index_memory_directory, open_archive
from archive_app.settings import Settings, load_settings
from archive_app.trail.sequencing import sequence
from archive_app.web.gate import SESSION_COOKIE
from archive_app.worker import Worker, open_index
from tests import files
from tests.bench.installation import sign_in
from tests.conftest import SetClock
from tests.factories import People, declare, engagement_of, file_bytes
from tests.material import acting, asked, brings
from tests.registers import bring, rows_of, workbook

SYSTEM = Actor.system("test")
SECRETS = {
    "client": "龙渊热电",
    "engagement": "鉴湖专项核查",
    "number": "QX-7741",
    "document": "凤栖台账",
    "document_number": "凤字〔2026〕99号",
    "text": "麒麟煤种热值",
    "part": "玄武附件",
    "part_text": "玄武内文",
    "upload": "青鸾照片",
    "inbox": "白泽扫描件",
    "register": "朱雀目录",
    "register_row": "朱雀移交清单",
    "saved_search": "烛龙检索",
    "token": "饕餮程序",
    "material": "蒲牢发票",
    "material_recipient": "狻猊会计",
    "material_file": "睚眦扫描件",
}
"""Words of which each stands in one thing of the victim's only."""
KNOWN_TO_COLLEAGUES = {"client"}
"""What everybody of the organisation may know: whom it works for."""
# What a refusal itself leaves behind, and what everybody's coming and going does.
LOGS = {
    "event",
    "event_subject",
    "event_detail",
    "event_pending",
    "anonymous_denials",
    "sign_in_session",
    "sign_in_delay",
    "answered_write",
    "access_token",
}


@dataclass
class World:
    """`ids` are of what the victim owns, by table. Intruders by what they are."""

    archive: Archive
    app: Flask
    worker: Worker
    clock: SetClock
    people: People
    victim: Actor
    engagement: Engagement
    document_id: str
    ids: dict[str, str] = field(default_factory=dict)
    intruders: dict[str, Actor] = field(default_factory=dict)

    def work(self) -> None:
        """Does all work that is due."""
        self.worker.drain()
        sequence(self.archive)

    def browser(self, actor: Actor | None, *, half: bool = False) -> FlaskClient:
        """A browser in which somebody has signed in; `half`, without their second factor yet."""
        client = self.app.test_client()
        client.set_cookie("lantai_language", "en")
        if actor is not None:
            token = sign_in(self.archive, actor.person_id)
            client.set_cookie(SESSION_COOKIE, token)
            if half:
                with self.archive.transaction(SYSTEM, eventless=True) as uow:
                    own = update(SignInSession).where(SignInSession.token_digest == token_digest(token))
                    uow.session.execute(own.values(passed_at=None, confirmed_at=None))
        return client

    def intruder(self, name: str) -> FlaskClient:
        """The browser of one of the intruders, of somebody half signed in, or of nobody."""
        if name == "half":
            return self.browser(self.victim, half=True)
        return self.browser(self.intruders.get(name))

    def rows(self) -> dict[str, dict[str, str]]:
        """A digest of each row of each table that a refusal leaves alone, by key."""
        found: dict[str, dict[str, str]] = {}
        with self.archive.reading(SYSTEM) as uow:
            for table in Base.metadata.sorted_tables:
                if table.name not in LOGS:
                    rows = uow.session.execute(select(table)).mappings()
                    found[table.name] = {_key(table, row): repr(sorted(row.items())) for row in rows}
        return found

    def changed(self, before: dict[str, dict[str, str]]) -> list[str]:
        """Rows that are no longer what they were, and new ones that point to something of the victim's."""
        shared = {self.ids["organisation"]}
        theirs, faults = [value for value in self.ids.values() if value not in shared], []
        for table, rows in self.rows().items():
            faults += [f"{table}: {row}" for key, row in before[table].items() if rows.get(key) != row]
            new = [row for key, row in rows.items() if key not in before[table]]
            faults += [f"{table}, new: {row}" for row in new if any(value in row for value in theirs)]
        return faults


def request_token(client: FlaskClient, page: str = "/sign-in") -> str:
    """The request token that the pages of this browser carry."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page, follow_redirects=True).text)
    assert found, page
    return found[1]


def post(client: FlaskClient, address: str, fields: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
    """Sends a form as a page of this browser would."""
    return client.post(address, data={"csrf_token": request_token(client), **(fields or {})}, **more)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip with these members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


@contextmanager
def attacked_world(place: Path) -> Iterator[World]:
    """The archive, with everything read, indexed and sequenced."""
    environ = {
        "HOME": str(place),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(place),
        "LANTAI_READING__SECONDS": "5",
    }
    settings, clock = load_settings(environ, data_directory=place / "data"), SetClock()
    parts = replace(Parts.usual(), clock=clock)
    create_archive(settings, parts)
    archive = open_archive(settings, parts)
    memory = index_memory_directory(settings, archive.archive_id)
    with archive.activate(), open_index(archive, settings, memory) as index:
        yield _furnished(archive, settings, Worker(archive, index, FEATURES), clock)
    archive.engine.dispose()


def _furnished(archive: Archive, settings: Settings, worker: Worker, clock: SetClock) -> World:
    app = create_app(archive, settings, FEATURES)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    people = People(archive)
    victim = people.person("team_leader", "archivist", name="霍去疾")
    client = add_client(victim, name=SECRETS["client"])
    engagement = open_engagement(
        victim, client_id=client.id, number=SECRETS["number"], title=SECRETS["engagement"], year=2025
    )
    declare(archive, engagement.id)
    document_id, packed_id = _file(victim, engagement)
    _ask_for_material(victim, engagement)
    world = World(archive, app, worker, clock, people, victim, engagement, document_id)
    world.work()
    page_picture(victim, document_id=document_id, number=1, page_index=0, width_px=PREVIEW_WIDTHS_PX[0])
    sign_in(archive, victim.person_id)
    world.ids = _ids(world) | {"package": packed_id}
    world.intruders = {
        "colleague": people.person("verifier"),
        "other_leader": people.person("team_leader"),
        "stranger": people.person("team_leader", "archivist", organisation="他方核查"),
        "client_contact": _of_kind(people, "client_contact", "海滨水泥", "reporting_entity"),
        "supervisor": _of_kind(people, "supervisor", "某市生态环境局", "authority"),
        "officer": people.person("security_officer"),
    }
    for name in ("other_leader", "stranger"):
        file_bytes(
            world.intruders[name], engagement_of(world.intruders[name]), "own.txt", f"自有热值资料 {name}".encode()
        )
    world.work()
    return world


def _ask_for_material(victim: Actor, engagement: Engagement) -> None:
    lines = [LineWish(SECRETS["material"], "photograph")]
    request, (line,) = asked(victim, engagement, lines=lines, recipient=SECRETS["material_recipient"])
    brings(acting(victim, request), line, f"{SECRETS['material_file']}.jpg", b"brought by the client")


def _of_kind(people: People, role: str, organisation: str, kind: str) -> Actor:
    people.organisation(organisation, kind)
    return people.person(role, organisation=organisation)


def _file(victim: Actor, engagement: Engagement) -> tuple[str, str]:
    pages = files.pdf([SECRETS["text"], "第二页"])
    entry = Entry(
        name=f"{SECRETS['document']}.pdf",
        title=SECRETS["document"],
        number=SECRETS["document_number"],
        dated_on=date(2026, 5, 4),
    )
    filed = add_document(victim, engagement_id=engagement.id, stream=io.BytesIO(pages), entry=entry)
    inside = zipped({f"{SECRETS['part']}.txt": SECRETS["part_text"].encode()})
    packed = file_bytes(victim, engagement, "打包.zip", inside)
    offers = [Offer(f"{SECRETS['upload']}.jpg", 10), Offer(f"{SECRETS['upload']}2.bin", 12 * 2**20)]
    _, large = announce(victim, engagement_id=engagement.id, offers=offers, origin=Origin())
    first = b"\xff" * (8 * 2**20)
    receive_part(victim, upload_id=large.id, start=0, stream=io.BytesIO(first), expected_bytes=len(first))
    rows = rows_of(3)
    rows[0][1] = SECRETS["register_row"]
    bring(victim, workbook(rows), name=f"{SECRETS['register']}.xlsx", engagement_id=engagement.id)
    place = InboxPlace(victim.organisation_id or "", engagement_id=engagement.id)
    entry = Entry(name=f"{SECRETS['inbox']}.txt", source_path=f"/{SECRETS['inbox']}.txt", source_system="scanner")
    hold_file(victim, stream=io.BytesIO(b"scan"), entry=entry, place=place)
    save_search(victim, name=SECRETS["saved_search"], pairs=[("q", SECRETS["text"])])
    make_token(victim, name=SECRETS["token"], scopes=["read"], days=30)
    return filed.document_id or "", packed.document_id or ""


def _ids(world: World) -> dict[str, str]:
    """Of each table one row that is the victim's: the first, except where that is somebody else's or the system's."""
    found: dict[str, str] = {}
    with world.archive.reading(SYSTEM) as uow:
        for table in Base.metadata.sorted_tables:
            if "id" in table.columns and (row := uow.session.execute(select(table.c.id).order_by(table.c.id)).first()):
                found[table.name] = str(row[0])
        found["version"] = uow.session.scalars(
            select(Base.metadata.tables["version"].c.id).where(
                Base.metadata.tables["version"].c.document_id == world.document_id
            )
        ).one()
        of_document = select(EventSubject.event_id).where(EventSubject.subject_id == world.document_id)
        found["event"] = uow.session.scalars(of_document.order_by(EventSubject.event_id)).first() or ""
        assert uow.session.get_one(Person, found["person"]).display_name == "霍去疾"
    return found | {"document": world.document_id}


def _key(table: Any, row: Mapping[Any, Any]) -> str:
    parts = [row[column] for column in table.primary_key.columns]
    return hashlib.sha256(repr(parts).encode()).hexdigest()
