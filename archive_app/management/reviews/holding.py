"""Holding a management review: the named person of top management does, in person, and the report is filed with it.

"Top management shall review", not "shall ensure that somebody reviews" (S1 10.3.1 note 1): no deputy, no representative
and not the archive. The report is set and stored as it is confirmed, and filed in the one transaction that holds the
review: there is no held review without its report, and none about anything but what was confirmed.
"""

import io
from collections.abc import Mapping

from archive_app.casework.forms.pages import form_pdf
from archive_app.casework.forms.sheets import PrintedForm
from archive_app.casework.forms.word import form_docx
from archive_app.casework.recording import record_as
from archive_app.documents.ingest import Entry, Stored, file_version, store
from archive_app.engagements.libraries import library_of
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import MANAGEMENT_REVIEW_IN_PERSON
from archive_app.kernel.errors import ArchiveError, ConflictError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import plain_text
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.kernel.words import some_lines
from archive_app.management.reviews.missing import ReviewIncompleteError, missing_in
from archive_app.management.reviews.models import ManagementReview
from archive_app.management.reviews.report import Confirmed, build_report
from archive_app.management.reviews.rules import (
    CONCLUSION,
    HELD,
    WORDS_LIMIT,
    decisions_of,
    in_state_for,
    keep_decision_tasks,
    keep_review_tasks,
    locked_review,
    subjects_of_review,
)

REVIEW_HELD = event_type("management_review.held", N_("Management review held"))
RECORD_TYPE = "management_review"
_NAME_CHARS = 60


class ReviewTooEarlyError(ArchiveError):
    """Its day has not come."""

    code = "management_review_early"
    message = N_(
        "The management review is planned for %(day)s and was not held before. Nothing was changed; if it takes place "
        "today, change its day first."
    )


@staged_use_case(Permission.REVIEWS_HOLD, confirmed=True)
def hold_review(
    actor: Actor, archive: Archive, *, review_id: str, conclusion: Mapping[str, str], language: str
) -> ManagementReview:
    """Holds a review: `conclusion` says what top management concludes about suitability, adequacy and effectiveness.
    Figures, words and decisions are frozen, the owners of decisions are told, and the report is filed in `language`.

    Raises: NotFoundError, PermissionMissingError, ConfirmationRequiredError, DutiesNotSeparateError for everybody but
    the named person, ReviewStateError, ReviewTooEarlyError, ReviewIncompleteError, InvalidInputError; ConflictError
    when somebody changed the review in this very moment; NoChineseFontError, TypesettingError, and what storing raises.
    """
    concluded = {
        code: some_lines(conclusion.get(code, ""), field=words, limit=WORDS_LIMIT) for code, words in CONCLUSION.items()
    }
    confirmed = Confirmed(concluded, archive.clock.now())
    with archive.reading(actor) as uow:
        uow.require("management_review", review_id, Permission.REVIEWS_HOLD)
        review = uow.session.get_one(ManagementReview, review_id)
        _require_ready(uow, review)
        report = build_report(uow, review, confirmed, language)
    stored = _stored(archive, report, confirmed)
    with archive.transaction(actor) as uow:
        review = locked_review(uow, review_id, "hold")
        _require_ready(uow, review)
        if build_report(uow, review, confirmed, language) != report:
            raise ConflictError
        review.report_id = _file(uow, review, report, stored)
        review.state, review.held_at = HELD, confirmed.held_at
        for code, words in concluded.items():
            setattr(review, code, words)
        uow.session.flush()
        keep_review_tasks(uow, review)
        decisions = decisions_of(uow, review.id)
        for decision in decisions:
            keep_decision_tasks(uow, review, decision)
        subjects = subjects_of_review(review, person=review.reviewer_id, document=review.report_id)
        uow.record(
            REVIEW_HELD,
            subjects,
            title=review.title,
            year=review.year,
            decisions=len(decisions),
            report_sha256=stored.blob.sha256.hex(),
            **concluded,
        )
    return review


@staged_use_case(Permission.REVIEWS_READ)
def report_as_word(actor: Actor, archive: Archive, *, review_id: str, language: str) -> tuple[str, bytes]:
    """The report as a Word document, with its name: of a review that is not held, as a draft that says so.

    Raises: NotFoundError.
    """
    with archive.reading(actor) as uow:
        uow.require("management_review", review_id)
        review = uow.session.get_one(ManagementReview, review_id)
        said = {code: getattr(review, code) for code in CONCLUSION}
        report = build_report(uow, review, Confirmed(said, review.held_at), language)
    return _name(report, "docx"), form_docx(report, review.held_at or archive.clock.now())


def _require_ready(uow: UnitOfWork, review: ManagementReview) -> None:
    """Refuses everybody but the named person, and a review that cannot be held yet."""
    MANAGEMENT_REVIEW_IN_PERSON.require_in_person(uow.actor.person_id, [review.reviewer_id])
    in_state_for(review, "hold")
    if uow.archive.today() < review.on:
        raise ReviewTooEarlyError(day=review.on.isoformat())
    if missing := missing_in(uow, review):
        raise ReviewIncompleteError(missing)


def _stored(archive: Archive, report: PrintedForm, confirmed: Confirmed) -> Stored:
    content = form_pdf(report, confirmed.held_at or archive.clock.now())
    return store(archive, io.BytesIO(content), _name(report, "pdf"))


def _file(uow: UnitOfWork, review: ManagementReview, report: PrintedForm, stored: Stored) -> str:
    """The report becomes a document of the library, and a record that is kept as it is."""
    organisation = uow.session.get_one(Organisation, review.organisation_id).name
    entry = Entry(
        name=_name(report, "pdf"),
        source_system="lantai",
        originator=organisation,
        activity=translate(report.language, N_("Management review")),
        title=f"{review.title} {report.title}"[:300],
        dated_on=review.on,
        level=Level.INTERNAL,
    )
    library = library_of(uow, review.organisation_id)
    filed = file_version(uow, library.id, None, stored, entry, of_the_archive=True)
    if filed.document_id is None:
        raise ConflictError
    record_as(
        uow,
        filed.document_id,
        type=RECORD_TYPE,
        state="accepted",
        originator=organisation,
        evidence_on=review.on,
        shows=review.title,
    )
    return filed.document_id


def _name(report: PrintedForm, ending: str) -> str:
    # A slash in a name would be read as a folder, and controls and blanks at its ends by nobody.
    words = plain_text(f"{report.about} {report.title}").replace("/", "_").replace("\\", "_").replace("\n", " ")
    return f"{words.strip()[:_NAME_CHARS].strip(' .')}.{ending}"
