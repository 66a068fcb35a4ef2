"""Use cases by which the team accepts what the client brought, or returns it with a reason.

A line follows its records, wherever they are decided: it is returned as soon as one of them is, and accepted when all
that waited are.
"""

from collections.abc import Sequence

from sqlalchemy import select

from archive_app.casework.models import MaterialDelivery, MaterialLine, MaterialRequest, Record
from archive_app.casework.recording import accept, after_decision, give_back
from archive_app.casework.requests.preparing import DROPPED, lock_request, require_line, text_of
from archive_app.casework.requests.sending import RequestNotSentError, is_open
from archive_app.documents.models import Document
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.notices import notice_kind, send_notice
from archive_app.worklist.tasks import close_tasks

LINE_ACCEPTED = event_type("material.line_accepted", N_("Material accepted"))
LINE_RETURNED = event_type("material.line_returned", N_("Material returned to the client"))
DELIVERY_RETURNED = event_type("material.delivery_returned", N_("A file returned to the client"))
RETURN_TOLD = event_type("material.return_told", N_("Client told of returned material"))
LINE_TASK = task_kind(
    "casework.line_delivered",
    N_("Accept or return what the client brought"),
    why=N_("You lead this engagement"),
    endpoint="requests.line_page",
    subject_argument="line_id",
)
RETURNED_NOTICE = notice_kind(
    "casework.material_returned",
    subject=N_("Material for the verification %(number)s was returned"),
    body=N_(
        "Something that you brought for the verification %(number)s was returned with a reason. Open the link that you "
        "were sent to see which, and why."
    ),
    why=N_("you were asked for this material at this address"),
)


class NothingReturnedError(ArchiveError):
    """There is nothing to tell."""

    code = "nothing_returned"
    message = N_("No line of this request is returned. Nothing was sent.")


@use_case(Permission.RECORDS_ACCEPT)
def accept_line(actor: Actor, uow: UnitOfWork, *, line_id: str) -> MaterialLine:
    """Accepts all that waits for a decision, and with it the line: the client is not asked for it any more.

    Raises: NotFoundError, ConflictError where nothing was brought, RecordIncompleteError, EngagementSealedError.
    """
    line = _lock_line(uow, line_id)
    standing = [record for record in _records(uow, line_id) if record.state in {"delivered", "accepted"}]
    if not standing:
        raise ConflictError
    for record in standing:
        if record.state == "delivered":
            accept(uow, record)
    _settle(uow, line, "accepted", "")
    uow.record(LINE_ACCEPTED, _subjects(uow, line), line=line.name, files=len(standing))
    return line


@use_case(Permission.RECORDS_ACCEPT)
def return_line(actor: Actor, uow: UnitOfWork, *, line_id: str, reason: str) -> MaterialLine:
    """Returns a line with a reason that the client reads, and what waits for a decision on it. A line that was accepted
    is asked for again.

    Raises: NotFoundError, InvalidInputError without a reason, EngagementSealedError.
    """
    line = _lock_line(uow, line_id)
    reason = _reason(reason)
    for record in _records(uow, line_id):
        if record.state == "delivered":
            give_back(uow, record, reason)
    _settle(uow, line, "returned", reason)
    uow.record(LINE_RETURNED, _subjects(uow, line), line=line.name, reason=reason)
    return line


@use_case(Permission.RECORDS_ACCEPT)
def return_delivery(actor: Actor, uow: UnitOfWork, *, delivery_id: str, reason: str) -> MaterialLine:
    """Returns one file with a reason that the client reads; the others of its line stay as they are.

    Raises: NotFoundError, ConflictError for one that is decided, InvalidInputError, EngagementSealedError.
    """
    delivery = uow.session.get(MaterialDelivery, delivery_id)
    if delivery is None:
        raise NotFoundError
    line = _lock_line(uow, delivery.line_id)
    uow.require("document", delivery.document_id)
    record = uow.session.get(Record, delivery.document_id, with_for_update=True, populate_existing=True)
    if record is None or record.state != "delivered":
        raise ConflictError
    reason = _reason(reason)
    give_back(uow, record, reason)
    subjects = {**_subjects(uow, line), "document": delivery.document_id}
    uow.record(DELIVERY_RETURNED, subjects, line=line.name, reason=reason)
    return line


@use_case(Permission.REQUESTS_MANAGE)
def tell_returned(actor: Actor, uow: UnitOfWork, *, request_id: str) -> MaterialRequest:
    """Tells the client by mail that lines were returned; the same state of them is told once.

    Raises: NotFoundError, RequestNotSentError for a link that opens nothing or without an address,
    NothingReturnedError, EngagementSealedError.
    """
    request = lock_request(uow, request_id)
    if not is_open(request, uow.now) or not request.address:
        raise RequestNotSentError
    latest = select(MaterialLine.changed_at).where(
        MaterialLine.request_id == request_id, MaterialLine.state == "returned"
    )
    moment = uow.session.scalars(latest.order_by(MaterialLine.changed_at.desc()).limit(1)).first()
    if moment is None:
        raise NothingReturnedError
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    send_notice(
        uow,
        key=f"material-returned:{request.id}:{moment.isoformat()}",
        kind=RETURNED_NOTICE,
        address=request.address,
        language=request.language,
        link="/material/",
        organisation_id=subjects["organisation"],
        engagement_id=request.engagement_id,
    )
    uow.record(RETURN_TOLD, subjects, recipient=request.recipient)
    return request


@after_decision
def follow_record(uow: UnitOfWork, record: Record) -> None:
    """A step: the line of a record that was decided, here or anywhere else, follows it."""
    delivery = uow.session.scalar(select(MaterialDelivery).where(MaterialDelivery.document_id == record.document_id))
    if delivery is None:
        return
    line = uow.session.get_one(MaterialLine, delivery.line_id, with_for_update=True)
    if record.state == "returned":
        line.state, line.reason, line.changed_at = "returned", record.reason, uow.now
    if not waiting_for(uow, line.id):
        close_tasks(uow, LINE_TASK, subject_id=line.id)
        if line.state == "delivered" and record.state == "accepted":
            _settle(uow, line, "accepted", "")


def waiting_for(uow: UnitOfWork, line_id: str) -> bool:
    """Whether something of the line waits for a decision."""
    return any(record.state == "delivered" for record in _records(uow, line_id))


def _records(uow: UnitOfWork, line_id: str) -> Sequence[Record]:
    """The records of what was brought for a line and not taken back, in the order in which it came."""
    uow.session.flush()
    brought = (
        select(Record)
        .join(MaterialDelivery, MaterialDelivery.document_id == Record.document_id)
        .join(Document, Document.id == Record.document_id)
        .where(MaterialDelivery.line_id == line_id, Document.withdrawn_at.is_(None))
    )
    return uow.session.scalars(brought.order_by(MaterialDelivery.id)).all()


def _lock_line(uow: UnitOfWork, line_id: str) -> MaterialLine:
    line = require_line(uow, line_id)
    engagement_id = uow.session.get_one(MaterialRequest, line.request_id).engagement_id
    uow.require(WORK, engagement_id, Permission.RECORDS_ACCEPT)
    lock_engagement(uow.session, engagement_id)
    line = uow.session.get_one(MaterialLine, line_id, with_for_update=True, populate_existing=True)
    if line.state == DROPPED:
        raise NotFoundError
    return line


def _settle(uow: UnitOfWork, line: MaterialLine, state: str, reason: str) -> None:
    line.state, line.reason, line.changed_at = state, reason, uow.now
    close_tasks(uow, LINE_TASK, subject_id=line.id)


def _reason(reason: str) -> str:
    words = text_of(reason, field=N_("Reason"), limit=1000)
    if not words:
        raise InvalidInputError(field=N_("Reason"), reason=N_("This must not be empty."))
    return words


def _subjects(uow: UnitOfWork, line: MaterialLine) -> dict[str, str]:
    request = uow.session.get_one(MaterialRequest, line.request_id)
    return subjects_of(uow.session, request.engagement_id, material_request=request.id)
