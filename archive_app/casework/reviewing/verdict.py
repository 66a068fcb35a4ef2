"""The verdict of a round of the technical review, and the record of it.

The record is written as the reviewer gives the verdict, stored, and filed in the one transaction that keeps the
verdict: there is no verdict without its record, and nothing passes that is not the current version any more.
"""

from datetime import datetime

from sqlalchemy import func, select

from archive_app.casework.models import Review, ReviewComment
from archive_app.casework.reviewing.remarks import locked_round, require_reviewer
from archive_app.casework.reviewing.reports import PASSED, RETURNED, VERDICTS, Report, report_for
from archive_app.casework.reviewing.rounds import SUMMARY_LIMIT, open_round
from archive_app.casework.reviewing.text_records import TextRecord, facts, file_text, keep_text
from archive_app.casework.reviewing.waiting import keep_review_tasks
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Client, Engagement
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.kernel.words import some_lines

REPORT_PASSED = event_type("review.passed", N_("Report passed the technical review"))
REPORT_RETURNED = event_type("review.returned", N_("Report returned by the technical review"))
_EVENTS = {PASSED: REPORT_PASSED, RETURNED: REPORT_RETURNED}


class GraveRemarksOpenError(ArchiveError):
    """A report does not pass while grave remarks on it are open."""

    code = "grave_remarks_open"
    message = N_(
        "%(count)s grave remarks are not resolved, of this round or of rounds before, so the report cannot pass. "
        "Nothing was changed; resolve them, or return the report."
    )


class ReportChangedError(ArchiveError):
    """What was reviewed is not the report any more."""

    code = "report_changed"
    message = N_(
        "A newer version of the report was filed than the one of this round. Nothing was changed; return the report,"
        " or the leader takes this round back, and the new version is submitted."
    )


@staged_use_case(Permission.TECHNICAL_REVIEW, confirmed=True)
def give_verdict(
    actor: Actor, archive: Archive, *, review_id: str, verdict: str, summary: str, language: str
) -> Review:
    """Ends a round: `verdict` is passed or returned, `summary` why. The record of the review is filed with it, in
    `language`.

    Raises: NotFoundError, ConfirmationRequiredError, NotTheReviewerError, DutiesNotSeparateError, ReviewOverError,
    InvalidInputError, EngagementSealedError; of passing, GraveRemarksOpenError and ReportChangedError; ConflictError
    when a remark came, was answered or resolved in this very moment.
    """
    if verdict not in _EVENTS:
        raise InvalidInputError(field=N_("Verdict"), reason=N_("Choose one from the list."))
    why = some_lines(summary, field=N_("Summary"), limit=SUMMARY_LIMIT)
    moment = archive.clock.now()
    with archive.reading(actor) as uow:
        uow.require("review", review_id)
        review = open_round(uow, review_id)
        engagement = uow.session.get_one(Engagement, review.engagement_id)
        require_reviewer(uow, engagement, review)
        _require_passable(uow, engagement, review, verdict)
        record = _record(uow, engagement, review, verdict, why, moment, language)
    stored = keep_text(archive, record)
    with archive.transaction(actor) as uow:
        engagement, review = locked_round(uow, review_id)
        report = _require_passable(uow, engagement, review, verdict)
        if _record(uow, engagement, review, verdict, why, moment, language) != record:
            raise ConflictError
        document_id = file_text(uow, engagement, stored, record)
        review.verdict, review.summary, review.decided_at = verdict, why, uow.now
        uow.session.flush()
        keep_review_tasks(uow, engagement, review)
        about = {"review": review.id, "version": review.version_id, "document": _document_of(uow, review)}
        uow.record(
            _EVENTS[verdict],
            subjects_of(uow.session, engagement.id, **about),
            round=review.round,
            summary=why,
            record=document_id,
            sha256=report.version.sha256.hex() if report else None,
        )
    return review


def _require_passable(uow: UnitOfWork, engagement: Engagement, review: Review, verdict: str) -> Report | None:
    """Refuses to pass what cannot pass; a report can be returned in any case."""
    if verdict != PASSED:
        return None
    try:
        report = report_for(uow, engagement, _document_of(uow, review), review.version_id)
    except ConflictError as error:
        raise ReportChangedError from error
    rounds = select(Review.id).where(Review.engagement_id == engagement.id)
    grave = (
        select(func.count())
        .select_from(ReviewComment)
        .where(ReviewComment.review_id.in_(rounds), ReviewComment.grave, ReviewComment.resolved_at.is_(None))
    )
    if count := uow.session.scalar(grave):
        raise GraveRemarksOpenError(count=count)
    return report


def _document_of(uow: UnitOfWork, review: Review) -> str:
    return uow.session.get_one(Version, review.version_id).document_id


def _record(
    uow: UnitOfWork, engagement: Engagement, review: Review, verdict: str, why: str, moment: datetime, language: str
) -> TextRecord:
    """The record of the round as the reviewer sees it. It bears the highest level of what it quotes."""
    version = uow.session.get_one(Version, review.version_id)
    document = uow.session.get_one(Document, version.document_id)
    zone = uow.archive.rules.zone
    title = translate(language, N_("Technical review %(number)s, round %(round)s"), **_heading(engagement, review))
    names = _names(uow, engagement)
    lines = [title, ""]
    lines += facts(
        language,
        {
            N_("Engagement"): f"{engagement.number} {engagement.title}",
            N_("Client"): uow.session.get_one(Client, engagement.client_id).name,
            N_("Report"): document.title,
            N_("Version"): f"{version.number} · {version.name}",
            N_("SHA-256 of the version"): version.sha256.hex(),
            N_("Submitted by"): names.get(review.asked_by, review.asked_by),
            N_("Submitted on"): _moment(review.asked_at.astimezone(zone)),
            N_("Technical reviewer"): names.get(review.reviewer_id, review.reviewer_id),
            N_("Verdict"): translate(language, VERDICTS[verdict]),
            N_("Summary"): why,
            N_("Given on"): _moment(moment.astimezone(zone)),
        },
    )
    level = Level(document.level)
    for place, (row, about, round_number) in enumerate(_remarks(uow, engagement), start=1):
        level = max(level, Level(about.level))
        told = {
            N_("Review remark"): row.remark,
            N_("Round"): str(round_number),
            N_("Document"): about.title,
            N_("Page"): str(row.page or ""),
            N_("Quote"): row.quote,
            N_("Grave"): translate(language, N_("Yes") if row.grave else N_("No")),
            N_("Written by"): names.get(row.written_by, row.written_by),
            N_("Answer"): row.answer,
            N_("Answered by"): names.get(row.answered_by or "", row.answered_by or ""),
            N_("Resolved on"): _moment(row.resolved_at.astimezone(zone)) if row.resolved_at else "",
        }
        lines += ["", f"{place}.", *facts(language, told)]
    text = "\n".join([*lines, ""])
    return TextRecord("technical_review", title, text, level, translate(language, N_("Technical review")))


def _remarks(uow: UnitOfWork, engagement: Engagement) -> list[tuple[ReviewComment, Document, int]]:
    """The remarks of all rounds so far, as far as the reviewer sees what they are about."""
    rows = (
        select(ReviewComment, Document, Review.round)
        .join(Review, Review.id == ReviewComment.review_id)
        .join(Document, Document.id == ReviewComment.document_id)
        .where(Review.engagement_id == engagement.id, uow.visible("document"))
        .order_by(ReviewComment.id)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1], row[2]) for row in uow.session.execute(rows)]


def _names(uow: UnitOfWork, engagement: Engagement) -> dict[str, str]:
    people = select(Person.id, Person.display_name).where(Person.organisation_id == engagement.organisation_id)
    return {row[0]: row[1] for row in uow.session.execute(people)}


def _heading(engagement: Engagement, review: Review) -> dict[str, object]:
    return {"number": engagement.number, "round": review.round}


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
