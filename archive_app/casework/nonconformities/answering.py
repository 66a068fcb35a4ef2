"""Answering a nonconformity 整改: by the team for the client, or by the client through the link of a material request.

Whoever answers is not who confirms, so that the team member who enters what came on paper counts as who answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from archive_app.casework.models import Nonconformity
from archive_app.casework.nonconformities.raising import TEXT_LIMIT, attach
from archive_app.casework.nonconformities.rules import add_step, in_state_for, keep_tasks, locked_for
from archive_app.casework.recording import record_as, record_of
from archive_app.casework.requests.own import lock_own, own_request
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines

NONCONFORMITY_ANSWERED = event_type("nonconformity.answered", N_("Nonconformity answered"))


@dataclass(frozen=True)
class Correction:
    """What an answer says (S1 11.2): the correction, the cause, whether the same is elsewhere, and what is done so that
    it does not come back. The first two are needed of every answer."""

    correction: str
    cause: str
    similar_cases: str = ""
    corrective_action: str = ""

    def tidied(self) -> dict[str, str]:
        """The texts as they are kept. Raises: InvalidInputError."""
        optional = partial(some_lines, limit=TEXT_LIMIT, required=False)
        return {
            "correction": some_lines(self.correction, field=N_("Correction"), limit=TEXT_LIMIT),
            "cause": some_lines(self.cause, field=N_("Cause"), limit=TEXT_LIMIT),
            "similar_cases": optional(self.similar_cases, field=N_("Similar cases")),
            "corrective_action": optional(self.corrective_action, field=N_("Corrective action")),
        }


@use_case(Permission.NONCONFORMITIES_MANAGE)
def answer_for_client(
    actor: Actor,
    uow: UnitOfWork,
    *,
    nonconformity_id: str,
    answered_by: str,
    correction: Correction,
    documents: Sequence[str] = (),
) -> Nonconformity:
    """Enters the answer that came on paper or by word: `answered_by` is who gave it, for the client. `documents` of the
    engagement show the correction; those that are no record yet become records of it.

    Raises: NotFoundError, NotOfTheTeamError, InvalidInputError, NonconformityStateError, EngagementSealedError.
    """
    engagement, found = locked_for(uow, nonconformity_id, "answer")
    name = one_line(answered_by, field=N_("Answered by"), limit=100)
    for document_id in attach(uow, found, documents, "correction"):
        known = record_of(uow, document_id)
        if known is None or known.state == "proposed":
            record_as(uow, document_id, type="correction_evidence", state="accepted")
    _answered(uow, engagement, found, name, correction)
    return found


@use_case(Permission.REQUEST_ANSWER)
def answer_by_request(actor: Actor, uow: UnitOfWork, *, nonconformity_id: str, correction: Correction) -> Nonconformity:
    """The client answers by their link; what shows it is brought before, by `bring_evidence`.

    Raises: RequestOverError, RequestClosedError, NotFoundError for what is not on the actor's link; InvalidInputError,
    NonconformityStateError.
    """
    engagement, found = locked_by_link(uow, nonconformity_id, "answer")
    _answered(uow, engagement, found, one_line(actor.display_name, field=N_("Name"), limit=100), correction)
    return found


def locked_by_link(uow: UnitOfWork, nonconformity_id: str, act: str) -> tuple[Engagement, Nonconformity]:
    """The step that every act of the client begins with: their link lives and holds this nonconformity, which is in a
    state for it; engagement and request are locked.

    Raises: RequestOverError, RequestClosedError, NotFoundError, NonconformityStateError.
    """
    request = lock_own(uow)
    on_link(uow, nonconformity_id)
    found = in_state_for(uow, nonconformity_id, act)
    return uow.session.get_one(Engagement, request.engagement_id), found


def on_link(uow: UnitOfWork, nonconformity_id: str) -> Nonconformity:
    """The step that finds a nonconformity for the client who opened its link.

    Raises: RequestOverError; NotFoundError for what is not on it.
    """
    request = own_request(uow)
    found = uow.session.get(Nonconformity, nonconformity_id, populate_existing=True)
    if found is None:
        raise NotFoundError
    if found.request_id != request.id:
        raise DeniedError("nonconformity", nonconformity_id)
    return found


def _answered(uow: UnitOfWork, engagement: Engagement, found: Nonconformity, name: str, correction: Correction) -> None:
    found.state = "answered"
    add_step(uow, found, "answered", name=name, **correction.tidied())
    keep_tasks(uow, engagement, found)
    subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id, "nonconformity": found.id}
    uow.record(NONCONFORMITY_ANSWERED, subjects, number=found.position, answered_by=name)
