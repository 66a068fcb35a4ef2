"""The action that follows from what does not comply: done by its responsible, confirmed by somebody else (S1 11.2)."""

from datetime import date

from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import CORRECTION_CONFIRMED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotTheirsError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.laws.models import Evaluation, Law
from archive_app.management.laws.rules import law_subjects, lock_evaluation, needed_day
from archive_app.management.laws.waiting import keep_action_tasks

ACTION_DONE = event_type("compliance_action.done", N_("Action about an obligation done"))
ACTION_CONFIRMED = event_type("compliance_action.confirmed", N_("Action about an obligation confirmed effective"))
ACTION_RETURNED = event_type("compliance_action.returned", N_("Action about an obligation returned"))
NO_ACTION, WAITING, DONE, CONFIRMED = "none", "waiting", "done", "confirmed"
_LIMIT = 1000


class ActionStateError(ArchiveError):
    """The action is not where this is done with it."""

    code = "action_state"
    message = N_("The action is not at this step any more. Nothing was changed; reload the page to see where it is.")


class NotResponsibleError(NotTheirsError):
    """Somebody else answers for the action."""

    code = "not_responsible"
    message = N_(
        "Only its responsible, or whoever keeps the legal register, says that this action is done. Nothing was changed."
    )


def action_state(evaluation: Evaluation) -> str:
    """Where the action of an evaluation is: none, waiting, done or confirmed."""
    if not evaluation.action or evaluation.withdrawn_at is not None:
        return NO_ACTION
    if evaluation.confirmed_at is not None:
        return CONFIRMED
    return DONE if evaluation.action_done_at is not None else WAITING


@use_case(Permission.LAWS_EVALUATE)
def finish_action(actor: Actor, uow: UnitOfWork, *, evaluation_id: str, result: str) -> Evaluation:
    """Says that the action was done and what came of it.

    Raises: NotFoundError, WithdrawnEntryError, ActionStateError, NotResponsibleError, InvalidInputError.
    """
    law, row = _locked(uow, evaluation_id, WAITING)
    if actor.person_id != row.action_owner_id and not actor.may(Permission.LAWS_MANAGE):
        raise NotResponsibleError({"law": law.id, "evaluation": row.id})
    row.action_result = some_lines(result, field=N_("What came of it"), limit=_LIMIT)
    row.action_done_at, row.action_done_by, row.action_returned = uow.now, actor.name, ""
    _kept(uow, row)
    uow.record(ACTION_DONE, _subjects(law, row), action=row.action, result=row.action_result)
    return row


@use_case(Permission.LAWS_EVALUATE)
def confirm_action(actor: Actor, uow: UnitOfWork, *, evaluation_id: str, effect: str) -> Evaluation:
    """Confirms that the action was effective, and how that was seen. Neither who did it nor who is responsible for it
    does.

    Raises: NotFoundError, WithdrawnEntryError, ActionStateError, DutiesNotSeparateError, InvalidInputError.
    """
    law, row = _locked(uow, evaluation_id, DONE)
    CORRECTION_CONFIRMED_BY_ANOTHER.require_apart(actor.person_id, {row.action_done_by, row.action_owner_id})
    row.effect = some_lines(effect, field=N_("Effectiveness"), limit=_LIMIT)
    row.confirmed_at, row.confirmed_by = uow.now, actor.name
    _kept(uow, row)
    uow.record(ACTION_CONFIRMED, _subjects(law, row), action=row.action, effectiveness=row.effect)
    return row


@use_case(Permission.LAWS_EVALUATE)
def return_action(actor: Actor, uow: UnitOfWork, *, evaluation_id: str, reason: str, due_on: date | None) -> Evaluation:
    """Returns an action that was not enough, with a new day. One may find one's own wanting.

    Raises: NotFoundError, WithdrawnEntryError, ActionStateError, InvalidInputError.
    """
    law, row = _locked(uow, evaluation_id, DONE)
    why = some_lines(reason, field=N_("Reason"), limit=_LIMIT)
    day = needed_day(due_on, field=N_("Action by"))
    if day < uow.archive.today():
        raise InvalidInputError(field=N_("Action by"), reason=N_("This is before today."))
    before = row.action_result
    row.action_done_at, row.action_done_by, row.action_returned, row.action_due_on = None, None, why, day
    _kept(uow, row)
    uow.record(ACTION_RETURNED, _subjects(law, row), result=before, reason=why, due=day.isoformat())
    return row


def _locked(uow: UnitOfWork, evaluation_id: str, state: str) -> tuple[Law, Evaluation]:
    law, _, row = lock_evaluation(uow, evaluation_id)
    if action_state(row) != state:
        raise ActionStateError
    return law, row


def _kept(uow: UnitOfWork, row: Evaluation) -> None:
    uow.session.flush()
    keep_action_tasks(uow, row)


def _subjects(law: Law, row: Evaluation) -> dict[str, str]:
    return law_subjects(law, obligation=row.obligation_id, evaluation=row.id)
