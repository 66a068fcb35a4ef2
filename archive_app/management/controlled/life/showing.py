"""What pages show of a controlled document in use, and what whoever asks may do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues
from archive_app.management.controlled.acknowledging import count_readers
from archive_app.management.controlled.copies import copies_out
from archive_app.management.controlled.distributing import RecipientLine, recipient_lines, roles_offered
from archive_app.management.controlled.forms_in_use import FORM, EngagementUse, uses_shown
from archive_app.management.controlled.issuing import in_force_edition
from archive_app.management.controlled.kinds import EXTERNAL
from archive_app.management.controlled.models import Acknowledgement, ControlledDocument, Edition, Finding
from archive_app.management.controlled.watching import look_after
from archive_app.management.controlled.withdrawing import WITHDRAWERS
from archive_app.management.own import require_own

FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class FindingLine:
    """What a review or a look found, and who found it."""

    finding: Finding
    name: str


@dataclass(frozen=True)
class Life:
    """A controlled document in use. `edition` is the one in force, `coming` one that is approved (issued for a later
    day, where it has one); `readers` count people by state, `own` is the actor's own reading of the edition in force;
    `acts` what the actor may do."""

    controlled: ControlledDocument
    edition: Edition | None
    coming: Edition | None
    recipients: Sequence[RecipientLine]
    readers: dict[str, int]
    own: Acknowledgement | None
    copies_out: int
    findings: Sequence[FindingLine]
    review_overdue: bool
    look_on: date | None
    uses: Sequence[EngagementUse]
    replaced_by: ControlledDocument | None
    acts: frozenset[str]


@dataclass(frozen=True)
class Offered:
    """Whom a distribution list can be given: people and roles of the organisation."""

    people: Sequence[Colleague]
    roles: Sequence[str]


@query(Permission.CONTROLLED_READ)
def view_life(actor: Actor, uow: UnitOfWork, *, controlled_id: str) -> Life:
    """A controlled document in use. Raises: NotFoundError."""
    uow.require("controlled_document", controlled_id)
    controlled = uow.session.get_one(ControlledDocument, controlled_id)
    edition = in_force_edition(uow, controlled_id)
    coming = _coming(uow, controlled_id, edition)
    today = uow.archive.today()
    manages = actor.may(Permission.CONTROLLED_MANAGE)
    return Life(
        controlled=controlled,
        edition=edition,
        coming=coming,
        recipients=recipient_lines(uow, controlled),
        readers=count_readers(uow, edition.id) if edition else {},
        own=uow.session.get(Acknowledgement, (edition.id, actor.person_id or "")) if edition else None,
        copies_out=_copies_out(uow, controlled_id) if manages else 0,
        findings=_findings(uow, controlled_id),
        review_overdue=controlled.review_on is not None and controlled.review_on < today,
        look_on=look_after(uow, controlled) if controlled.kind == EXTERNAL and edition else None,
        uses=uses_shown(uow, controlled_id) if controlled.kind == FORM else (),
        replaced_by=_replaced_by(uow, controlled),
        acts=frozenset(_acts(actor, controlled, edition, coming)),
    )


@query(Permission.CONTROLLED_READ)
def view_edition(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> tuple[ControlledDocument, Edition]:
    """An edition with its document. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    edition = uow.session.get_one(Edition, edition_id)
    return uow.session.get_one(ControlledDocument, edition.controlled_document_id), edition


@query(Permission.CONTROLLED_MANAGE)
def offer_recipients(actor: Actor, uow: UnitOfWork, *, controlled_id: str) -> Offered:
    """Whom the distribution list can be given. Raises: NotFoundError, PermissionMissingError."""
    uow.require("controlled_document", controlled_id)
    controlled = uow.session.get_one(ControlledDocument, controlled_id)
    require_own(uow, controlled.organisation_id, Permission.CONTROLLED_MANAGE)
    people = colleagues(uow, controlled.organisation_id, Permission.CONTROLLED_READ)
    return Offered(people, roles_offered(uow, controlled))


@query(Permission.CONTROLLED_READ)
def offer_replacements(actor: Actor, uow: UnitOfWork, *, controlled_id: str) -> Sequence[ControlledDocument]:
    """What can come in the place of a document: the first of those in force, of the same kind before others.

    Raises: NotFoundError.
    """
    uow.require("controlled_document", controlled_id)
    controlled = uow.session.get_one(ControlledDocument, controlled_id)
    in_force = (
        select(ControlledDocument)
        .where(
            ControlledDocument.organisation_id == controlled.organisation_id,
            ControlledDocument.state == "in_force",
            ControlledDocument.id != controlled.id,
            uow.visible("controlled_document"),
        )
        .order_by(ControlledDocument.kind != controlled.kind, ControlledDocument.number)
        .limit(200)
    )
    return uow.session.scalars(in_force).all()


def _coming(uow: UnitOfWork, controlled_id: str, edition: Edition | None) -> Edition | None:
    approved = select(Edition).where(Edition.controlled_document_id == controlled_id, Edition.state == "approved")
    coming = uow.session.scalar(approved.where(uow.visible("edition")))
    return None if edition is not None and coming is not None and coming.id == edition.id else coming


def _copies_out(uow: UnitOfWork, controlled_id: str) -> int:
    editions = uow.session.scalars(select(Edition.id).where(Edition.controlled_document_id == controlled_id)).all()
    return sum(copies_out(uow, edition_id) for edition_id in editions)


def _findings(uow: UnitOfWork, controlled_id: str) -> Sequence[FindingLine]:
    rows = uow.session.execute(
        select(Finding, Person.display_name)
        .outerjoin(Person, Person.id == Finding.found_by)
        .where(Finding.controlled_document_id == controlled_id)
        .order_by(Finding.id.desc())
        .limit(FINDINGS_SHOWN)
    ).all()
    return [FindingLine(row[0], row[1] or row[0].found_by) for row in rows]


def _replaced_by(uow: UnitOfWork, controlled: ControlledDocument) -> ControlledDocument | None:
    if controlled.replaced_by_id is None:
        return None
    seen = select(ControlledDocument).where(
        ControlledDocument.id == controlled.replaced_by_id, uow.visible("controlled_document")
    )
    return uow.session.scalar(seen)


def _acts(actor: Actor, controlled: ControlledDocument, edition: Edition | None, coming: Edition | None) -> set[str]:
    if actor.organisation_id != controlled.organisation_id:
        return set()
    acts = set()
    manages = actor.may(Permission.CONTROLLED_MANAGE)
    if manages and coming is not None and controlled.withdrawn_at is None:
        acts.add("issue" if coming.issued_at is None else "recall")
    if manages and controlled.withdrawn_at is None:
        acts.add("distribute")
    if manages:
        acts.add("copies")
    if edition is not None and (manages or actor.person_id == controlled.owner_id):
        acts.add("review")
    if edition is not None and any(map(actor.may, WITHDRAWERS)):
        acts.add("withdraw")
    return acts
