"""Sending notices, each once and only once whatever crashes.

A notice is claimed for a while in a transaction of its own, offered to the server, and marked `handing_over` before the
first byte of its content goes over the line. A crash before that is tried again; after it nobody can know whether the
mail was taken, so it is `uncertain` and never sent again by itself: the work list says the same thing anyway.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select, update

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, MailRule
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.composing import DIGEST, TASK_OVERDUE, compose, waits_in
from archive_app.worklist.kinds import KINDS as TASK_KINDS
from archive_app.worklist.mail_server import (
    HandoverBrokenError,
    MailServer,
    MailServerUnusableError,
    RefusedForGoodError,
    RefusedForNowError,
    connected,
)
from archive_app.worklist.models import Notice, NoticeWish, Task
from archive_app.worklist.notices import (
    CLAIMED,
    HANDING_OVER,
    KINDS,
    REFUSED,
    SECRET_KEPT,
    SENT,
    UNCERTAIN,
    VOID,
    WAITING,
    end_notice,
)
from archive_app.worklist.people import DAILY, NOT_AT_ALL, quiet_of, sees
from storage import KeyCorrupt, KeyMissing

POST_JOB, POST_LANE, POST_EVERY_SECONDS = "worklist.post", "mail", 10
PORTION = 50
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
_ANSWERS = 20
"""How many answers of the server a claim outlasts."""
_ACTOR = Actor.system("mail")
log = logging.getLogger("lantai.mail")


@dataclass(frozen=True)
class Claim:
    """A notice that this worker alone may send: `attempt` is the number that makes the claim its own."""

    notice_id: str
    attempt: int
    recipient: str
    content: bytes


def post_notices(workshop: Workshop, _job: Job) -> GiveWay | None:
    """Sends what waits, a portion at a time. Raises: MailServerUnusableError; then nothing was lost, and the job is
    tried again after a growing pause."""
    archive = workshop.archive
    settle_broken(archive)
    rule = archive.rules.mail
    if rule is None or not _is_due(archive):
        return None
    with connected(rule) as server:
        for _ in range(PORTION):
            if workshop.stopping() or not _post_next(archive, server, rule):
                return None
    return GiveWay()


def settle_broken(archive: Archive) -> None:
    """Notices that a worker left behind while it handed them over are uncertain; secrets that nobody fetched in time
    are erased."""
    with archive.reading(_ACTOR) as uow:
        if uow.session.scalar(select(Notice.id).where(_broken(uow) | _stale(uow)).limit(1)) is None:
            return
    with archive.transaction(_ACTOR, eventless=True) as uow:
        for notice in uow.session.scalars(select(Notice).where(_broken(uow)).with_for_update()):
            notice.state, notice.claimed_until = UNCERTAIN, None
            notice.reason = "the archive stopped while the mail was handed over"
        for notice in uow.session.scalars(select(Notice).where(_stale(uow)).with_for_update()):
            state = notice.state if notice.state == UNCERTAIN else VOID
            end_notice(notice, state, "what it carried opens nothing any more")


def _post_next(archive: Archive, server: MailServer, rule: MailRule) -> bool:
    """Claims and sends one notice; says whether the server can be given another."""
    with archive.transaction(_ACTOR, eventless=True) as uow:
        notice = uow.session.scalar(_due(uow).with_for_update(skip_locked=True))
        if notice is None:
            return False
        claim = _claim(uow, notice, rule)
    return claim is None or _send(archive, server, claim)


def _send(archive: Archive, server: MailServer, claim: Claim) -> bool:
    """Sends what was claimed; False where the conversation had to be ended over it."""
    try:
        server.offer(claim.recipient)
        if not _begin_handover(archive, claim):
            server.hang_up()
            return False
        server.hand_over(claim.content)
    except RefusedForNowError as error:
        _try_later(archive, claim, str(error))
        server.forget()
    except RefusedForGoodError as error:
        _settle(archive, claim, REFUSED, str(error))
        server.forget()
    except HandoverBrokenError as error:
        _settle(archive, claim, UNCERTAIN, str(error))
        raise MailServerUnusableError(str(error)) from error
    except MailServerUnusableError as error:
        _try_later(archive, claim, str(error))
        raise
    else:
        _settle(archive, claim, SENT, "")
    return True


def _claim(uow: UnitOfWork, notice: Notice, rule: MailRule) -> Claim | None:
    """Takes the notice, with its mail ready; None where it is not to be sent, or not now."""
    recipient = _recipient(uow, notice)
    if recipient is None:
        return None
    try:
        content = compose(uow, notice, rule, recipient)
    except (KeyMissing, KeyCorrupt, ValueError) as error:
        # Said on the health page: an unreadable key or a broken name is no reason to hold up all other mail.
        end_notice(notice, REFUSED, f"{type(error).__name__}: {error}")
        return None
    notice.state, notice.attempts = CLAIMED, notice.attempts + 1
    notice.claimed_until = uow.now + timedelta(seconds=rule.timeout_seconds) * _ANSWERS
    return Claim(notice.id, notice.attempts, recipient, content)


def _recipient(uow: UnitOfWork, notice: Notice) -> str | None:
    """The address, or None after the notice was put off or ended because nobody is to be told now."""
    if notice.kind not in KINDS:
        end_notice(notice, VOID, "this program does not know the kind")
        return None
    if notice.address is not None:
        return notice.address
    person = uow.session.get(Person, notice.person_id)
    wish = uow.session.get(NoticeWish, notice.person_id)
    if person is None or wish is None:
        end_notice(notice, VOID, "they have no address")
        return None
    if needless := _needless(uow, notice, person, wish):
        end_notice(notice, VOID, needless)
        return None
    earliest = quiet_of(uow, wish, urgent=_is_urgent(uow, notice)).earliest(uow.now)
    if earliest > uow.now:
        notice.state, notice.not_before, notice.claimed_until = WAITING, earliest, None
        return None
    return wish.address


def _needless(uow: UnitOfWork, notice: Notice, person: Person, wish: NoticeWish) -> str:
    """Why the person is not to be told any more; empty where they are."""
    if not person.active or wish.confirmed_at is None:
        return "they have no confirmed address"
    if wish.way == NOT_AT_ALL:
        return "they do not want to be told"
    task = uow.session.get(Task, notice.task_id) if notice.task_id else None
    gone = task is not None and (task.closed_at is not None or not sees(uow, person, task))
    if gone or (notice.kind == DIGEST.code and (wish.way != DAILY or not waits_in(uow, notice))):
        return "nothing waits any more"
    return ""


def _is_urgent(uow: UnitOfWork, notice: Notice) -> bool:
    task = uow.session.get(Task, notice.task_id) if notice.task_id else None
    kind = TASK_KINDS.get(task.kind) if task else None
    return notice.kind in {TASK_OVERDUE.code, DIGEST.code} or (kind is not None and kind.urgent)


def _begin_handover(archive: Archive, claim: Claim) -> bool:
    """From here on the mail may be with the server; False where the claim was lost in the meantime."""
    return _move(archive, claim, CLAIMED, state=HANDING_OVER)


def _try_later(archive: Archive, claim: Claim, reason: str) -> None:
    pause = min(_FIRST_PAUSE * 4 ** min(claim.attempt - 1, 10), _LONGEST_PAUSE)
    again = archive.clock.now() + pause
    changes = {"state": WAITING, "not_before": again, "claimed_until": None, "reason": reason}
    if not _move(archive, claim, CLAIMED, **changes):
        # The server itself said no to what was handed over: it does not have the mail.
        _move(archive, claim, HANDING_OVER, **changes)


def _settle(archive: Archive, claim: Claim, state: str, reason: str) -> None:
    changes: dict[str, object] = {"state": state, "reason": reason, "claimed_until": None}
    if state != UNCERTAIN:
        changes |= {"key_epoch": None, "wrapped_secret": None}
    if state == SENT:
        changes["sent_at"] = archive.clock.now()
    if not _move(archive, claim, HANDING_OVER, **changes) and state == REFUSED:
        _move(archive, claim, CLAIMED, **changes)


def _move(archive: Archive, claim: Claim, expected: str, **changes: object) -> bool:
    """Changes a notice that this claim still holds; says whether it does."""
    held = (Notice.id == claim.notice_id, Notice.attempts == claim.attempt, Notice.state == expected)
    with archive.transaction(_ACTOR, eventless=True) as uow:
        moved = update(Notice).where(*held).values(**changes).returning(Notice.id)
        return uow.session.scalar(moved) is not None


def _is_due(archive: Archive) -> bool:
    with archive.reading(_ACTOR) as uow:
        return uow.session.scalar(_due(uow)) is not None


def _due(uow: UnitOfWork) -> Select[Notice]:
    waits = and_(Notice.state == WAITING, Notice.not_before <= uow.now)
    left = and_(Notice.state == CLAIMED, Notice.claimed_until <= uow.now)
    return select(Notice).where(or_(waits, left)).order_by(Notice.not_before, Notice.id).limit(1)


def _broken(uow: UnitOfWork) -> ColumnElement[bool]:
    return and_(Notice.state == HANDING_OVER, Notice.claimed_until <= uow.now)


def _stale(uow: UnitOfWork) -> ColumnElement[bool]:
    old = Notice.created_at < uow.now - SECRET_KEPT
    return and_(Notice.wrapped_secret.is_not(None), old, Notice.state.in_((WAITING, UNCERTAIN)))
