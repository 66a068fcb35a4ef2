"""What forms of the legal register choose from: colleagues, texts of laws, other laws."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.laws.kinds import COMING, IN_FORCE
from archive_app.management.laws.models import Law
from archive_app.management.laws.rules import own_organisation
from archive_app.management.laws.validity import laws_in

MOST_CHOICES = 500


@query(Permission.LAWS_READ)
def possible_owners(actor: Actor, uow: UnitOfWork) -> Sequence[Colleague]:
    """Colleagues who may see to an obligation. Raises: NotFoundError."""
    return colleagues(uow, own_organisation(uow), Permission.LAWS_EVALUATE)


@query(Permission.LAWS_MANAGE)
def texts_of_laws(actor: Actor, uow: UnitOfWork) -> Sequence[tuple[str, str]]:
    """External controlled documents that the actor sees: identifier and words, by number."""
    shown = select(ControlledDocument).where(ControlledDocument.kind == "external", uow.visible("controlled_document"))
    rows = uow.session.scalars(shown.order_by(ControlledDocument.number, ControlledDocument.id).limit(MOST_CHOICES))
    return [(row.id, f"{row.number} {row.title}") for row in rows]


@query(Permission.LAWS_MANAGE)
def successors(actor: Actor, uow: UnitOfWork, *, law_id: str) -> Sequence[tuple[str, str]]:
    """Laws that may have come in place of one: in force or coming, newest entry first."""
    today = uow.archive.today()
    others = select(Law).where(
        uow.visible("law"), Law.id != law_id, or_(laws_in(IN_FORCE, today), laws_in(COMING, today))
    )
    rows = uow.session.scalars(others.order_by(Law.id.desc()).limit(MOST_CHOICES))
    return [(row.id, f"{row.title} {row.number}".strip()) for row in rows]
