"""The archivist's answer to a submitted file: 接收, which seals it, or 退回补正 with reasons."""

from collections.abc import Mapping

from sqlalchemy import select

from archive_app.engagements.engagements import EngagementSealedError, lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import Scheme, scheme_of
from archive_app.filing import findings as kept_findings
from archive_app.filing.checks import completeness
from archive_app.filing.findings import RETURNED, Finding
from archive_app.filing.manifest import contents_of
from archive_app.filing.models import CaseFile, CaseItem, Seal, Submission
from archive_app.filing.placing import count_unplaced, reason_given
from archive_app.filing.sealing import AGAIN, FIRST, Sealed, Sealer, put_seal
from archive_app.filing.waiting import ACCEPT, ACCEPT_LATE, MEND, no_longer, wait_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import ACCEPTED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case

SUBMISSION_RETURNED = event_type("submission.returned", N_("Submitted file returned for correction"))


class ChangedSinceChecksError(ArchiveError):
    """The file is not what was checked any more."""

    code = "changed_since_checks"
    message = N_(
        "Something in the file changed after it was checked: a document, a record or the arrangement. Nothing was "
        "accepted. Return it, or have the submission withdrawn and made again."
    )


class OpenAgainError(ArchiveError):
    """Something that the scheme asks for was there when the file was checked, and is open now."""

    code = "open_again"
    message = N_(
        "Something that the file needs is open again since it was checked: %(finding)s Nothing was accepted. Return "
        "it, or have the submission withdrawn and made again."
    )

    def __init__(self, finding: Finding, scheme: Scheme) -> None:
        super().__init__(finding=kept_findings.words_of(finding, scheme, "en"))
        self._finding, self._scheme = finding, scheme

    def text(self, language: str) -> str:
        """What is open, in `language`."""
        words = kept_findings.words_of(self._finding, self._scheme, language)
        return translate(language, self.message, finding=words)


@staged_use_case(Permission.CASE_FILES_ACCEPT, confirmed=True)
def accept(actor: Actor, archive: Archive, *, engagement_id: str, submission_id: str) -> Sealed:
    """Accepts a submitted file, exactly as it was checked, and seals it. Whoever submitted it cannot.

    Raises: NotFoundError, ConfirmationRequiredError, DutiesNotSeparateError, ConflictError when it does not wait any
    more, ChangedSinceChecksError, OpenAgainError, EngagementSealedError, and as the vault raises.
    """

    def ready(uow: UnitOfWork, engagement: Engagement) -> str:
        submission = _waiting(uow, engagement, submission_id)
        if count_unplaced(uow, engagement.id):
            raise ChangedSinceChecksError
        if contents_of(uow, engagement).fingerprint() != submission.fingerprint:
            raise ChangedSinceChecksError
        # What a stage asks for may open again without any document changing: a nonconformity, an issue, a waiver.
        if (found := next(completeness(uow, engagement), None)) is not None:
            raise OpenAgainError(found, scheme_of(uow, engagement))
        sealed_before = uow.session.scalar(select(Seal.id).where(Seal.engagement_id == engagement.id).limit(1))
        return AGAIN if sealed_before else FIRST

    def settle(uow: UnitOfWork, engagement: Engagement, _seal: Seal) -> None:
        submission = uow.session.get_one(Submission, submission_id, with_for_update=True)
        submission.state, submission.decided_by, submission.decided_at = "accepted", actor.name, uow.now
        no_longer(uow, engagement, ACCEPT, ACCEPT_LATE, MEND)

    with archive.reading(actor) as uow:
        uow.require(LEAD, engagement_id)
    return put_seal(Sealer(actor, archive), engagement_id, ready, settle)


@use_case(Permission.CASE_FILES_ACCEPT)
def return_file(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    submission_id: str,
    reason: str,
    items: Mapping[str, str] | None = None,
) -> None:
    """Returns a submitted file for correction 退回补正, with a reason and, by item, what is wrong with it.

    Raises: NotFoundError, InvalidInputError without a reason, DutiesNotSeparateError, ConflictError when it does not
    wait any more.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    submission = _waiting(uow, engagement, submission_id)
    why = reason_given(reason)
    by_item = {item_id: reason_given(text) for item_id, text in (items or {}).items() if text.strip()}
    found = [_returned(uow, engagement, item_id, text) for item_id, text in by_item.items()]
    kept_findings.keep(submission, [*found, *kept_findings.kept(submission)])
    submission.state, submission.reason = "returned", why
    submission.decided_by, submission.decided_at = actor.name, uow.now
    no_longer(uow, engagement, ACCEPT)
    wait_for(uow, MEND, engagement)
    subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id, "submission": submission.id}
    uow.record(SUBMISSION_RETURNED, subjects, round=submission.round, reason=why, items=len(found))


def _waiting(uow: UnitOfWork, engagement: Engagement, submission_id: str) -> Submission:
    """The submission of an engagement that waits, for an archivist who did not make it."""
    uow.require(LEAD, engagement.id)
    submission = uow.session.get(Submission, submission_id, populate_existing=True)
    if submission is None or submission.engagement_id != engagement.id:
        raise NotFoundError
    ACCEPTED_BY_ANOTHER.require_apart(uow.actor.name, {submission.submitted_by})
    if engagement.sealed_at is not None:
        raise EngagementSealedError(number=engagement.number)
    if submission.state != "waiting":
        raise ConflictError
    return submission


def _returned(uow: UnitOfWork, engagement: Engagement, item_id: str, reason: str) -> Finding:
    item = uow.session.get(CaseItem, item_id)
    if item is None or uow.session.get_one(CaseFile, item.case_file_id).engagement_id != engagement.id:
        raise NotFoundError
    return Finding(RETURNED, grave=True, params={"reason": reason}, document_id=item.document_id)
