"""Makes the people and things that tests need, through the use cases wherever there is one."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.teams import set_member
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.passwords import hash_password
from archive_app.identity.sessions import actor_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive

PASSWORD = "correct horse 电池 staple"
_numbers = count(1)


@dataclass
class People:
    """A cast of people in one or more organisations, all with the same password."""

    archive: Archive
    organisations: dict[str, str] = field(default_factory=dict)
    hashed: str = ""

    def organisation(self, name: str = "绿源核查") -> str:
        """The id of the organisation of this name, made at first use."""
        if name not in self.organisations:
            with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
                row = Organisation(id=uow.new_id(), name=name, created_at=uow.now)
                uow.session.add(row)
            self.organisations[name] = row.id
        return self.organisations[name]

    def person(self, *roles: str, name: str = "", organisation: str = "绿源核查") -> Actor:
        """Somebody with these roles, acting in the browser; signs in as their login with PASSWORD."""
        self.hashed = self.hashed or hash_password(PASSWORD)
        organisation_id = self.organisation(organisation)
        number = next(_numbers)
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            row = Person(
                id=uow.new_id(),
                organisation_id=organisation_id,
                login=f"person{number}",
                display_name=name or f"人员{number}",
                password_hash=self.hashed,
                language="zh_Hans_CN",
                active=True,
                created_at=uow.now,
            )
            uow.session.add(row)
            uow.session.flush()
            uow.session.add_all(PersonRole(person_id=row.id, role=role) for role in roles)
        return actor_for(row, frozenset(roles), address="127.0.0.1")


def engagement_of(leader: Actor, *, team: Sequence[Actor] = (), title: str = "", year: int = 2025) -> Engagement:
    """An engagement that `leader` opened for a client of its own, with further members."""
    number = next(_numbers)
    client = add_client(leader, name=f"江南热电厂 {number}")
    engagement = open_engagement(
        leader, client_id=client.id, number=f"HC-{number}", title=title or f"年度核查 {number}", year=year
    )
    for member in team:
        set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    return engagement


def file_bytes(actor: Actor, engagement: Engagement, name: str, content: bytes, *, activity: str = "") -> Filed:
    """Files `content` under `name`."""
    return add_document(
        actor, engagement_id=engagement.id, stream=io.BytesIO(content), entry=Entry(name=name, activity=activity)
    )
