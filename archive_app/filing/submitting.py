"""Submitting the file of an engagement for archiving 提交归档, and taking the submission back.

The archival numbers are given here, in the one transaction of the first submission; from then on a case file keeps
its number whatever becomes of it. The worker checks the file next; then it waits for the archivist.
"""

from collections.abc import Sequence

from sqlalchemy import func, select

from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.filing.examining import JOB, versions_of
from archive_app.filing.models import CaseFile, CaseItem, Submission
from archive_app.filing.numbering import NumberRuleMissingError, Rule, give_numbers, item_number, rule_of
from archive_app.filing.placing import (
    arrangeable,
    count_unplaced,
    items_in,
    living_files,
    open_submission,
    settle_positions,
    take_out,
)
from archive_app.filing.waiting import ACCEPT, MEND, no_longer
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line

SUBMITTED = event_type("submission.made", N_("Submitted for archiving"))
WITHDRAWN = event_type("submission.withdrawn", N_("Submission for archiving withdrawn"))


class NotArrangedError(ArchiveError):
    """Documents of the engagement are in no case file yet, or a case file holds nothing."""

    code = "not_arranged"
    message = N_(
        "%(count)s documents are in no case file and were not left out, and %(empty)s case files hold nothing. Nothing "
        "was submitted; put them in order first, or have that proposed."
    )


@use_case(Permission.CASE_FILES_SUBMIT)
def submit(actor: Actor, uow: UnitOfWork, *, engagement_id: str, remark: str = "") -> Submission:
    """Submits the case files of an engagement: numbers those that have none, numbers and pages their items, and has
    everything checked.

    Raises: NotFoundError, InvalidInputError, EngagementSealedError, SubmittedError, NotArrangedError,
    NumberRuleMissingError, SeriesBrokenError.
    """
    engagement = arrangeable(uow, engagement_id)
    remark = one_line(remark, field=N_("Remark"), limit=1000, required=False)
    rule = rule_of(uow, engagement.organisation_id)
    if rule is None:
        raise NumberRuleMissingError
    files = living_files(uow, engagement_id)
    _drop_withdrawn(uow, files)
    _require_arranged(uow, engagement, files)
    numbered = give_numbers(uow, files, rule)
    for row in files:
        _number_items(uow, row, rule)
    last = uow.session.scalar(select(func.max(Submission.round)).where(Submission.engagement_id == engagement_id)) or 0
    submission = Submission(
        id=uow.new_id(),
        engagement_id=engagement_id,
        round=last + 1,
        state="checking",
        findings="[]",
        total=uow.session.scalar(select(func.count(Version.id)).where(*versions_of(engagement_id))) or 0,
        checked=0,
        malware="",
        remark=remark,
        submitted_by=actor.name,
        submitted_at=uow.now,
        reason="",
    )
    uow.session.add(submission)
    uow.session.flush()
    uow.enqueue(JOB, submission.id)
    no_longer(uow, engagement, MEND)
    uow.record(
        SUBMITTED,
        _subjects(engagement, submission),
        round=submission.round,
        remark=remark,
        case_files=[row.number for row in files],
        new_numbers=len(numbered),
        versions=submission.total,
    )
    return submission


@use_case(Permission.CASE_FILES_SUBMIT)
def withdraw_submission(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> None:
    """Takes back a submission that is checked or waits for the archivist; the numbers stay with their case files.

    Raises: NotFoundError, ConflictError where none waits, EngagementSealedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    submission = open_submission(uow, engagement_id)
    if submission is None:
        raise ConflictError
    submission.state, submission.decided_by, submission.decided_at = "void", actor.name, uow.now
    no_longer(uow, engagement, ACCEPT, outcome="void")
    uow.record(WITHDRAWN, _subjects(engagement, submission), round=submission.round)


def renumber(uow: UnitOfWork, row: CaseFile, item_digits: int) -> None:
    """The step that numbers the items of a numbered case file by their places; what a seal holds keeps its number."""
    for item in items_in(uow, row.id):
        if item.seal_id is None and row.number is not None:
            item.number = item_number(row.number, item.position, item_digits)
    uow.session.flush()


def _number_items(uow: UnitOfWork, row: CaseFile, rule: Rule) -> None:
    found = uow.session.execute(
        select(CaseItem, Version.page_count)
        .join(Version, (Version.document_id == CaseItem.document_id) & Version.current)
        .where(CaseItem.case_file_id == row.id)
        .order_by(CaseItem.position)
    ).all()
    for item, pages in found:
        if item.seal_id is None:
            item.pages = pages
    settle_positions(uow, [item for item, _ in found])
    renumber(uow, row, rule.item_digits)


def _drop_withdrawn(uow: UnitOfWork, files: Sequence[CaseFile]) -> None:
    """Takes out documents that were withdrawn since they were put in; a sealed one stays and is shown as withdrawn."""
    gone = select(CaseItem).join(Document, Document.id == CaseItem.document_id)
    gone = gone.where(CaseItem.case_file_id.in_([row.id for row in files]), Document.withdrawn_at.is_not(None))
    take_out(uow, uow.session.scalars(gone.where(CaseItem.seal_id.is_(None))).all())


def _require_arranged(uow: UnitOfWork, engagement: Engagement, files: Sequence[CaseFile]) -> None:
    empty = sum(not items_in(uow, row.id) for row in files)
    loose = count_unplaced(uow, engagement.id)
    if loose or empty or not files:
        raise NotArrangedError(count=loose, empty=empty)


def _subjects(engagement: Engagement, submission: Submission) -> dict[str, str]:
    return {"engagement": engagement.id, "organisation": engagement.organisation_id, "submission": submission.id}
