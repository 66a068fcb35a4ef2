"""Reminders: the client is told some working days before the due day of what they owe, and once more after it.

They go out in working hours of working days, each once: its key says what it was about. Whoever has no address is
reminded by the leader, who finds it among their tasks.
"""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import select

from archive_app.casework.models import MaterialLine, MaterialRequest
from archive_app.casework.requests.sending import REMIND_TASK, is_open, mails_codes
from archive_app.casework.requests.viewing import OWED
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due, WorkingDays
from archive_app.worklist.calendar import working_days
from archive_app.worklist.models import Notice, Task
from archive_app.worklist.notices import notice_kind, send_notice
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

REMIND = "casework.remind"
REMINDED = event_type("material.reminded", N_("Client reminded of material"))
DUE_SOON = notice_kind(
    "casework.material_due",
    subject=N_("Material for the verification %(number)s is due soon"),
    body=N_(
        "Some of the material for the verification %(number)s that you were asked for is due within the next days. "
        "Open the link that you were sent to see what is still to be brought."
    ),
    why=N_("you were asked for this material at this address"),
)
OVERDUE = notice_kind(
    "casework.material_overdue",
    subject=N_("Material for the verification %(number)s is overdue"),
    body=N_(
        "Some of the material for the verification %(number)s that you were asked for was due and has not come. Open "
        "the link that you were sent, or tell the verification body what stands in the way."
    ),
    why=N_("you were asked for this material at this address"),
)
_FROM_HOUR, _UNTIL_HOUR = 9, 17


def remind(workshop: Workshop, _job: Job) -> None:
    """Reminds the clients of all requests that are open, each in a transaction of its own."""
    archive = workshop.archive
    actor = Actor.system("requests")
    with archive.reading(actor) as uow:
        calendar = working_days(uow)
        moment = uow.now.astimezone(archive.rules.zone)
        if not calendar.is_working(moment.date()) or not _FROM_HOUR <= moment.hour < _UNTIL_HOUR:
            return
        living = select(MaterialRequest.id).where(
            MaterialRequest.link_sha256.is_not(None), MaterialRequest.until > uow.now
        )
        waiting = uow.session.scalars(living.order_by(MaterialRequest.id)).all()
    for request_id in waiting:
        if workshop.stopping():
            return
        with archive.transaction(actor, eventless=True) as uow:
            _remind_of(uow, calendar, request_id)


def _remind_of(uow: UnitOfWork, calendar: WorkingDays, request_id: str) -> None:
    request = uow.session.get_one(MaterialRequest, request_id, with_for_update=True)
    engagement = uow.session.get_one(Engagement, request.engagement_id)
    if not is_open(request, uow.now) or engagement.sealed_at is not None:
        return
    due = list(_due(uow, calendar, request))
    if not mails_codes(request):
        # Their leader has one task about all of it, of the day that comes first.
        due = due[:1]
        if not due:
            close_tasks(uow, REMIND_TASK, subject_id=request.id, outcome="void")
            uow.bookkeeping()
    for due_on, is_over in due:
        key = f"material-{'overdue' if is_over else 'due'}:{request.id}:{due_on.isoformat()}"
        if mails_codes(request):
            told = _mail(uow, request, engagement, key, is_over=is_over)
        else:
            told = _tell_leader(uow, request, engagement, due_on)
        if told:
            request.reminded_at = uow.now
            subjects = subjects_of(uow.session, engagement.id, material_request=request.id)
            uow.record(REMINDED, subjects, recipient=request.recipient, due_on=due_on.isoformat(), overdue=is_over)


def _due(uow: UnitOfWork, calendar: WorkingDays, request: MaterialRequest) -> Iterator[tuple[date, bool]]:
    """The due days of what the client owes that are near or past, and whether they are past."""
    owed = select(MaterialLine.due_on).where(MaterialLine.request_id == request.id, MaterialLine.state.in_(OWED))
    days = {line_due or request.due_on for line_due in uow.session.scalars(owed)}
    today = uow.archive.today()
    soon = calendar.after(today, uow.archive.rules.requests.remind_days).on
    for due_on in sorted(day for day in days if day is not None):
        if due_on <= soon:
            yield due_on, due_on < today


def _mail(uow: UnitOfWork, request: MaterialRequest, engagement: Engagement, key: str, *, is_over: bool) -> bool:
    if uow.session.scalar(select(Notice.id).where(Notice.key == key)) is not None:
        return False
    send_notice(
        uow,
        key=key,
        kind=OVERDUE if is_over else DUE_SOON,
        address=request.address,
        language=request.language,
        link="/material/",
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
    )
    return True


def _tell_leader(uow: UnitOfWork, request: MaterialRequest, engagement: Engagement, due_on: date) -> bool:
    before = select(Task.id).where(Task.kind == REMIND_TASK.code, Task.subject_id == request.id, Task.due_on == due_on)
    if uow.session.scalar(before.limit(1)) is not None:
        return False
    open_task(
        uow,
        REMIND_TASK,
        to=Addressee(part="leader"),
        subject_id=request.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=request.recipient,
        due=Due(due_on),
    )
    return True
