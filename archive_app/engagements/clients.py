"""Use cases of clients 重点排放单位."""

import re

from sqlalchemy import select

from archive_app.engagements.models import Client
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

CLIENT_ADDED = event_type("client.added", N_("Client added"))
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


class ClientExistsError(ArchiveError):
    """A client of this name is already there."""

    code = "client_exists"
    message = N_("A client named %(name)s is already there. Nothing was added; use the existing one.")


@use_case(Permission.CLIENTS_MANAGE)
def add_client(actor: Actor, uow: UnitOfWork, *, name: str, credit_code: str = "") -> Client:
    """Adds a client to the actor's organisation. Raises: InvalidInputError, ClientExistsError."""
    organisation_id = _own_organisation(actor)
    name = one_line(name, field=N_("Name"), limit=200)
    code = credit_code.strip().upper() or None
    if code and not _CREDIT_CODE.fullmatch(code):
        reason = N_("The unified social credit code has 18 digits and capital letters.")
        raise InvalidInputError(field=N_("Credit code"), reason=reason)
    taken = select(Client.id).where(Client.organisation_id == organisation_id, Client.name == name)
    if uow.session.scalar(taken):
        raise ClientExistsError(name=name)
    client = Client(id=uow.new_id(), organisation_id=organisation_id, name=name, credit_code=code, created_at=uow.now)
    uow.session.add(client)
    uow.record(CLIENT_ADDED, {"client": client.id}, name=name, credit_code=code)
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


def _own_organisation(actor: Actor) -> str:
    if actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return actor.organisation_id
