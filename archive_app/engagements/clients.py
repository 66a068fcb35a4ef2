"""Use cases of clients 重点排放单位."""

from dataclasses import dataclass

from sqlalchemy import select

from archive_app.engagements.abilities.kinds import SECTOR, all_competences
from archive_app.engagements.independence import Conflict, find_conflicts, lock_relations
from archive_app.engagements.models import Client
from archive_app.engagements.policy import keeps_the_archive
from archive_app.engagements.provinces import checked_province, province_of
from archive_app.identity.models import Organisation
from archive_app.identity.names import checked_credit_code
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

CLIENT_ADDED = event_type("client.added", N_("Client added"))
CLIENT_CHANGED = event_type("client.changed", N_("Client changed"))
CLIENT_LINKED = event_type("client.linked", N_("Client's own organisation linked"))
CLIENT_UNLINKED = event_type("client.unlinked", N_("Client's own organisation no longer linked"))
ENTITY_KINDS = frozenset({"reporting_entity", "park", "service_institution"})
"""The kinds of organisation that a client can be: whose people may be contacts of it."""


class ClientExistsError(ArchiveError):
    """A client of this name is already there."""

    code = "client_exists"
    message = N_("A client named %(name)s is already there. Nothing was added; use the existing one.")


class NoSuchEntityError(ArchiveError):
    """No organisation of this archive is the client."""

    code = "no_such_entity"
    message = N_(
        "No organisation of this archive has the client's unified social credit code. Nothing was linked. Record the "
        "code of both first; organisations are added by the administrator."
    )


class ClientLinkedError(ArchiveError):
    """The credit code is what the link rests on."""

    code = "client_linked"
    message = N_(
        "The client is linked to an organisation by its credit code, so the code was kept. Nothing was changed; "
        "take the link back first."
    )


class RelationLostError(ArchiveError):
    """A relation is known to be with the client by what would change."""

    code = "relation_lost"
    message = N_(
        "A recorded relation is with this client by its credit code or its province, and would not count any more. "
        "Nothing was changed; the archivist can change it."
    )


@dataclass(frozen=True)
class ClientPage:
    """A client as its own page shows it: the organisation that it is linked to, and for the archivist the one that it
    could be linked to. Empty where there is none."""

    client: Client
    entity_name: str
    linkable_name: str


@use_case(Permission.CLIENTS_MANAGE)
def add_client(
    actor: Actor, uow: UnitOfWork, *, name: str, credit_code: str = "", province: str = "", sector: str = ""
) -> Client:
    """Adds a client to the actor's organisation; `sector` is one of `config/sectors.toml`. Where no
    `province` is given, it is the one whose authority gave out the credit code.

    Raises: InvalidInputError, ClientExistsError.
    """
    organisation_id = _own_organisation(actor)
    name = one_line(name, field=N_("Name"), limit=200)
    code = checked_credit_code(credit_code)
    place = checked_province(province) or province_of(code)
    branch = _checked_sector(sector)
    taken = select(Client.id).where(Client.organisation_id == organisation_id, Client.name == name)
    if uow.session.scalar(taken):
        raise ClientExistsError(name=name)
    client = Client(
        id=uow.new_id(),
        organisation_id=organisation_id,
        name=name,
        credit_code=code,
        province=place,
        sector=branch,
        created_at=uow.now,
    )
    uow.session.add(client)
    uow.record(CLIENT_ADDED, {"client": client.id}, name=name, credit_code=code, province=place, sector=branch)
    return client


@use_case(Permission.CLIENTS_MANAGE)
def change_client(
    actor: Actor, uow: UnitOfWork, *, client_id: str, credit_code: str, province: str, sector: str | None = None
) -> Client:
    """Records another credit code and province of a client of one's own organisation, and another sector where one is
    given (the empty one clears it).

    Raises: NotFoundError, InvalidInputError, ClientLinkedError; RelationLostError where somebody who does not keep the
    relations would make one count no longer.
    """
    client = _own_client(actor, uow, client_id)
    code = checked_credit_code(credit_code)
    place = checked_province(province) or province_of(code)
    if client.entity_id is not None and code != client.credit_code:
        raise ClientLinkedError
    lock_relations(uow, client.organisation_id)
    before = _decided_conflicts(uow, client)
    client.credit_code, client.province = code, place
    client.sector = client.sector if sector is None else _checked_sector(sector)
    if before - _decided_conflicts(uow, client) and not actor.may(Permission.INTERESTS_MANAGE):
        raise RelationLostError
    words = {"credit_code": code, "province": place, "sector": client.sector}
    uow.record(CLIENT_CHANGED, _subjects(client), name=client.name, **words)
    return client


@use_case(Permission.ENGAGEMENTS_KEEP, confirmed=True)
def link_client(actor: Actor, uow: UnitOfWork, *, client_id: str) -> Organisation:
    """Links a client to the organisation of this archive with its credit code: contacts of that see the public
    documents of engagements about it from now on.

    Raises: NotFoundError, NoSuchEntityError.
    """
    client = _own_client(actor, uow, client_id)
    entity = _entity_of(uow, client)
    if entity is None:
        raise NoSuchEntityError
    client.entity_id = entity.id
    uow.record(CLIENT_LINKED, {**_subjects(client), "entity": entity.id}, name=client.name, entity=entity.name)
    return entity


@use_case(Permission.ENGAGEMENTS_KEEP)
def unlink_client(actor: Actor, uow: UnitOfWork, *, client_id: str) -> Client:
    """Takes the link back: contacts of the organisation see nothing of the engagements any more.

    Raises: NotFoundError, also where there is no link.
    """
    client = _own_client(actor, uow, client_id)
    if client.entity_id is None:
        raise NotFoundError
    entity_id, client.entity_id = client.entity_id, None
    uow.record(CLIENT_UNLINKED, {**_subjects(client), "entity": entity_id}, name=client.name)
    return client


@query(Permission.CLIENTS_READ)
def list_clients(
    actor: Actor,
    uow: UnitOfWork,
    *,
    text: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Page[Client]:
    """Visible clients by name; `text` is any part of the name or code."""
    statement = select(Client).where(uow.visible("client"))
    if text.strip():
        part = text.strip()
        statement = statement.where(
            Client.name.contains(part, autoescape=True) | Client.credit_code.contains(part, autoescape=True)
        )
    page = fetch_page(uow.session, statement, [Client.name, Client.id], after=after, limit=limit)
    return Page([row[0] for row in page.items], page.next_key)


@query(Permission.CLIENTS_READ)
def view_client(actor: Actor, uow: UnitOfWork, *, client_id: str) -> Client:
    """One client. Raises: NotFoundError."""
    uow.require("client", client_id)
    return uow.session.get_one(Client, client_id)


@query(Permission.CLIENTS_READ)
def view_client_page(actor: Actor, uow: UnitOfWork, *, client_id: str) -> ClientPage:
    """One client with what it is linked to. Raises: NotFoundError."""
    uow.require("client", client_id)
    client = uow.session.get_one(Client, client_id)
    linked = uow.session.get(Organisation, client.entity_id) if client.entity_id else None
    keeps = keeps_the_archive(actor) and client.organisation_id == actor.organisation_id
    linkable = _entity_of(uow, client) if keeps and linked is None else None
    return ClientPage(client, linked.name if linked else "", linkable.name if linkable else "")


def _checked_sector(code: str) -> str | None:
    if code and code not in all_competences()[SECTOR]:
        raise InvalidInputError(field=N_("Sector"), reason=N_("Choose one from the list."))
    return code or None


def _decided_conflicts(uow: UnitOfWork, client: Client) -> set[Conflict]:
    return {conflict for conflict in find_conflicts(uow, client) if not conflict.undecided}


def _entity_of(uow: UnitOfWork, client: Client) -> Organisation | None:
    if client.credit_code is None:
        return None
    found = select(Organisation).where(
        Organisation.credit_code == client.credit_code, Organisation.kind.in_(ENTITY_KINDS)
    )
    return uow.session.scalar(found)


def _own_client(actor: Actor, uow: UnitOfWork, client_id: str) -> Client:
    """A client of the actor's own organisation, locked. Raises: NotFoundError."""
    uow.require("client", client_id)
    client = uow.session.get_one(Client, client_id, with_for_update=True, populate_existing=True)
    if client.organisation_id != actor.organisation_id:
        raise DeniedError("client", client_id)
    return client


def _subjects(client: Client) -> dict[str, str]:
    return {"client": client.id, "organisation": client.organisation_id}


def _own_organisation(actor: Actor) -> str:
    if actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return actor.organisation_id
