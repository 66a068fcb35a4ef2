"""The custody history as people of other organisations read it: not what a third party looked at."""

import pytest
from sqlalchemy import select, update

from archive_app.documents.looking import VIEWED, view_document
from archive_app.documents.models import Document
from archive_app.engagements.models import Client
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.trail.errors import EventPendingError
from archive_app.trail.proving import custody_proof
from archive_app.trail.reading import document_history
from tests.conftest import both_databases
from tests.factories import People, file_bytes
from tests.supervised import WHOLE, granted, scene_of

ENTITY = "江南热电"


def actors(reader: Actor, document_id: str) -> set[str]:
    return {line.actor for line in document_history(reader, document_id=document_id).items}


@both_databases
def test_a_client_s_contact_does_not_learn_that_a_supervisor_looked(archive: Archive, people: People) -> None:
    scene = scene_of(people)
    entity = people.organisation(ENTITY, kind="reporting_entity")
    contact = people.person("client_contact", organisation=ENTITY)
    document_id = file_bytes(scene.leader, scene.first, "报告.txt", b"x").document_id or ""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Client).where(Client.id == scene.first.client_id).values(entity_id=entity))
        uow.session.execute(update(Document).where(Document.id == document_id).values(level=Level.PUBLIC))
    granted(scene, WHOLE)
    for reader in (scene.supervisor, contact):
        view_document(reader, document_id=document_id)
    leader, supervisor, own = (actor.name for actor in (scene.leader, scene.supervisor, contact))
    assert actors(contact, document_id) == {leader, own}
    assert actors(scene.supervisor, document_id) == {leader, supervisor}
    assert actors(scene.archivist, document_id) == {leader, own, supervisor}
    with archive.reading(Actor.system("test")) as uow:
        look = uow.session.scalars(select(Event.id).where(Event.code == VIEWED.code, Event.actor == supervisor)).one()
    with pytest.raises(NotFoundError):
        custody_proof(contact, document_id=document_id, event_id=look)
    with pytest.raises(EventPendingError):
        custody_proof(scene.archivist, document_id=document_id, event_id=look)
