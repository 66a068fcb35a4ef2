"""What became of notices: what an administrator is to know of, and may have sent again or given up."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.worklist.models import Notice
from archive_app.worklist.notices import KINDS, REFUSED, SECRET_PLACE, UNCERTAIN, VOID, WAITING, end_notice
from archive_app.worklist.posting import POST_JOB

NOTICE_SENT_AGAIN = event_type("notice.sent_again", N_("Notice sent again"))
NOTICE_GIVEN_UP = event_type("notice.given_up", N_("Notice given up"))
STATES = {
    WAITING: N_("Waiting, refused for now"),
    UNCERTAIN: N_("Uncertain whether it was sent"),
    REFUSED: N_("Refused for good"),
}


class SecretErasedError(ArchiveError):
    """What a notice carried was erased when it was refused."""

    code = "notice_secret_erased"
    message = N_(
        "What this notice carried (a code or a link) was erased already. Nothing was changed; have another one made "
        "where it came from."
    )


@dataclass(frozen=True)
class Trouble:
    """A notice that somebody should look at; `to` is the person's name or the address."""

    notice: Notice
    subject: str
    to: str


@query(Permission.HEALTH_READ)
def list_troubles(actor: Actor, uow: UnitOfWork, *, after: str | None = None) -> Page[Trouble]:
    """Notices that are uncertain, refused, or were put off by the server, newest first."""
    rows = select(Notice, Person.display_name).outerjoin(Person, Person.id == Notice.person_id)
    rows = rows.where(or_(Notice.state.in_((UNCERTAIN, REFUSED)), _put_off()))
    page = fetch_page(uow.session, rows, [Notice.id], after=after, descending=True)
    return Page([_trouble(row[0], row[1]) for row in page.items], page.next_key)


@use_case(Permission.HEALTH_MANAGE)
def send_again(actor: Actor, uow: UnitOfWork, *, notice_id: str) -> None:
    """Has a notice sent that was refused, or that is uncertain and may have come already.

    Raises: NotFoundError, ConflictError in any other state, SecretErasedError.
    """
    notice = _taken(uow, notice_id)
    kind = KINDS.get(notice.kind)
    carries = SECRET_PLACE in notice.link or (kind is not None and "%(secret)s" in kind.body)
    if carries and notice.wrapped_secret is None:
        raise SecretErasedError
    notice.state, notice.not_before, notice.reason = WAITING, uow.now, ""
    uow.record(NOTICE_SENT_AGAIN, _subjects(notice), notice_kind=notice.kind)


@use_case(Permission.HEALTH_MANAGE)
def give_up(actor: Actor, uow: UnitOfWork, *, notice_id: str) -> None:
    """Gives a notice up, with what it carries. Raises: NotFoundError, ConflictError in any other state."""
    notice = _taken(uow, notice_id)
    end_notice(notice, VOID, notice.reason)
    uow.record(NOTICE_GIVEN_UP, _subjects(notice), notice_kind=notice.kind)


def probe_mail(uow: UnitOfWork) -> Iterable[Line]:
    """Whether mail is sent, and what could not be."""
    title, rule = N_("Mail"), uow.archive.rules.mail
    counted = {row[0]: row[1] for row in uow.session.execute(_by_state())}
    waiting = counted.get(WAITING, 0)
    if rule is None:
        state = State.WATCH if waiting else State.GOOD
        yield Line(title, state, N_("off: no mail server is named; %(waiting)s notices wait"), {"waiting": waiting})
        return
    broken = uow.session.scalar(select(Job.error).where(Job.kind == POST_JOB, Job.error.is_not(None)).limit(1))
    if broken is not None:
        words = {"host": rule.host, "reason": broken[:300], "waiting": waiting}
        yield Line(title, State.BAD, N_("%(host)s cannot be used: %(reason)s; %(waiting)s notices wait"), words)
    uncertain, refused = counted.get(UNCERTAIN, 0), counted.get(REFUSED, 0)
    words = {"host": rule.host, "waiting": waiting, "uncertain": uncertain, "refused": refused}
    yield Line(
        title,
        State.WATCH if uncertain or refused else State.GOOD,
        N_("by %(host)s; %(waiting)s notices wait, %(uncertain)s are uncertain, %(refused)s were refused"),
        words,
    )
    if rule.encryption == "none" and rule.host not in {"localhost", "127.0.0.1", "::1"}:
        yield Line(title, State.WATCH, N_("goes over the network unencrypted; choose starttls or tls"))


def _by_state() -> Select[str, int]:
    shown = (WAITING, UNCERTAIN, REFUSED)
    return select(Notice.state, func.count()).where(Notice.state.in_(shown)).group_by(Notice.state)


def _put_off() -> ColumnElement[bool]:
    return and_(Notice.state == WAITING, Notice.attempts > 0, Notice.reason != "")


def _taken(uow: UnitOfWork, notice_id: str) -> Notice:
    notice = uow.session.get(Notice, notice_id, with_for_update=True, populate_existing=True)
    if notice is None:
        raise NotFoundError
    if notice.state not in STATES or (notice.state == WAITING and not notice.reason):
        raise ConflictError
    return notice


def _trouble(notice: Notice, name: str | None) -> Trouble:
    kind = KINDS.get(notice.kind)
    return Trouble(notice, kind.subject if kind else notice.kind, name or notice.address or "")


def _subjects(notice: Notice) -> dict[str, str]:
    told = {"notice": notice.id, "organisation": notice.organisation_id or "", "person": notice.person_id or ""}
    return {kind: found for kind, found in told.items() if found}
