"""Makes the people and things that tests need, through the use cases wherever there is one."""

import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from itertools import count

from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Assignment, Engagement
from archive_app.engagements.teams import set_member
from archive_app.identity.actors import actor_for, standing_of
from archive_app.identity.models import Organisation, Person, PersonRole, SecondFactor
from archive_app.identity.passwords import hash_password
from archive_app.identity.roles import needs_second_factor
from archive_app.identity.second_factor import current_password
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in

PASSWORD = "correct horse 电池 staple"
_numbers = count(1)


@dataclass
class People:
    """A cast of people in one or more organisations, all with the same password."""

    archive: Archive
    organisations: dict[str, str] = field(default_factory=dict)

    def organisation(self, name: str = "绿源核查", kind: str = "verification_body") -> str:
        """The id of the organisation of this name, made at first use. The first one made runs the archive."""
        if name not in self.organisations:
            with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
                row = Organisation(
                    id=uow.new_id(), name=name, kind=kind, runs_archive=not self.organisations, created_at=uow.now
                )
                uow.session.add(row)
            self.organisations[name] = row.id
        return self.organisations[name]

    def person(
        self, *roles: str, name: str = "", organisation: str = "绿源核查", level: Level = Level.RESTRICTED
    ) -> Actor:
        """Somebody with these roles, acting in the browser, who proved just now who they are; signs in as their login
        with PASSWORD, and with `second_factor_of` where their roles ask for it."""
        organisation_id = self.organisation(organisation)
        number = next(_numbers)
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            row = Person(
                id=uow.new_id(),
                organisation_id=organisation_id,
                login=f"person{number}",
                display_name=name or f"人员{number}",
                password_hash=_hashed(),
                language="zh_Hans_CN",
                active=True,
                highest_level=level,
                created_at=uow.now,
            )
            uow.session.add(row)
            uow.session.flush()
            uow.session.add_all(granted_role(uow, row.id, role) for role in roles)
            if needs_second_factor(roles):
                uow.session.add(enrolled_factor(uow, row.id))
            uow.session.flush()
            standing = standing_of(uow, row)
        # The moment of the confirmation is never past for these: tests of that prove themselves by signing in.
        return replace(actor_for(row, standing, address="127.0.0.1"), confirmed_at=datetime.max.replace(tzinfo=UTC))


@cache
def _hashed() -> str:
    # Made once: a hash costs more than everything else that a person needs.
    return hash_password(PASSWORD)


def sign_in_by_page(archive: Archive, client: FlaskClient, person: Actor) -> FlaskClient:
    """Has the browser sign in as the person, with the password and with the second factor of those who have one."""
    with archive.reading(Actor.system("test")) as uow:
        login = uow.session.get_one(Person, person.person_id).login
    answer = _send(client, "/sign-in", login=login, password=PASSWORD)
    if answer.location.startswith("/sign-in/second-factor"):
        answer = _send(client, answer.location, code=second_factor_of(archive, person.person_id))
    assert answer.status_code == HTTPStatus.SEE_OTHER
    return client


def signed_in(archive: Archive, client: FlaskClient, person: Actor, *, language: str = "") -> FlaskClient:
    """Gives the browser a session of the person's, as signing in by the page does and without its price."""
    client.set_cookie(SESSION_COOKIE, sign_in(archive, person.person_id))
    if language:
        client.set_cookie("lantai_language", language)
    return client


def _send(client: FlaskClient, address: str, **fields: str) -> TestResponse:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(address).text)
    assert token is not None
    return client.post(address, data={"csrf_token": token[1], **fields})


def granted_role(uow: UnitOfWork, person_id: str, role: str) -> PersonRole:
    """A role that somebody has granted."""
    by, at = "system:test", uow.now
    return PersonRole(person_id=person_id, role=role, proposed_by=by, proposed_at=at, granted_by=by, granted_at=at)


def enrolled_factor(uow: UnitOfWork, person_id: str) -> SecondFactor:
    """A second factor whose secret the archive has wrapped, as after enrolling."""
    key = uow.archive.vault.keyring.wrap(os.urandom(32), b"second-factor:" + person_id.encode())
    return SecondFactor(
        person_id=person_id, key_epoch=key.epoch, wrapped_secret=key.wrapped, enrolled_at=uow.now, last_step=0
    )


def second_factor_of(archive: Archive, person_id: str | None) -> str:
    """The one-time password that the person's device shows; while the clock stands still, the next that opens."""
    with archive.reading(Actor.system("test")) as uow:
        factor = uow.session.get_one(SecondFactor, person_id)
        for steps in (-1, 0, 1):
            step, code = current_password(archive, factor, steps=steps)
            if step > factor.last_step:
                return code
    raise AssertionError("every one-time password of these moments was used; move the clock")


def declare(archive: Archive, engagement_id: str) -> None:
    """Everybody assigned to the engagement has declared."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        of_engagement = update(Assignment).where(Assignment.engagement_id == engagement_id)
        uow.session.execute(of_engagement.where(Assignment.declared_at.is_(None)).values(declared_at=uow.now))


def engagement_of(leader: Actor, *, team: Sequence[Actor] = (), title: str = "", year: int = 2025) -> Engagement:
    """An engagement that `leader` opened for a client of its own, with further members."""
    number = next(_numbers)
    client = add_client(leader, name=f"江南热电厂 {number}")
    engagement = open_engagement(
        leader, client_id=client.id, number=f"HC-{number}", title=title or f"年度核查 {number}", year=year
    )
    declare(current_archive(), engagement.id)
    for member in team:
        set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    declare(current_archive(), engagement.id)
    return engagement


def file_bytes(actor: Actor, engagement: Engagement, name: str, content: bytes, *, activity: str = "") -> Filed:
    """Files `content` under `name`."""
    return add_document(
        actor, engagement_id=engagement.id, stream=io.BytesIO(content), entry=Entry(name=name, activity=activity)
    )
