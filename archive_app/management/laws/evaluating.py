"""Evaluating whether an obligation is complied with 合规性评价, and on which documents (S1 10.1.3; S2 10.1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.documents.control import DRAFT
from archive_app.documents.models import Document
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line, some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.laws.kinds import NOT_APPLICABLE, NOT_COMPLYING, RESULTS
from archive_app.management.laws.models import Evaluation, EvaluationRecord, Law, Obligation
from archive_app.management.laws.rules import law_subjects, lock_evaluation, lock_obligation, needed_day, reason_given
from archive_app.management.laws.validity import NotInForceError, obligation_standing
from archive_app.management.laws.waiting import keep_action_tasks, keep_obligation_tasks, plan_evaluation
from archive_app.worklist.tasks import DONE

EVALUATION_RECORDED = event_type("evaluation.recorded", N_("Compliance evaluated"))
EVALUATION_WITHDRAWN = event_type("evaluation.withdrawn", N_("Compliance evaluation withdrawn"))
MOST_DOCUMENTS = 100
MOST_FOUND = 20
FIRST_EVALUATION = "none"
"""What a form brings back as the last evaluation that the person saw, where there was none."""


class EvaluatedMeanwhileError(ArchiveError):
    """Two people evaluated the same at once; the second did not know of the first."""

    code = "evaluated_meanwhile"
    message = N_(
        "%(name)s evaluated this obligation in the meantime. Nothing of yours was recorded; read that evaluation first."
    )


@dataclass(frozen=True)
class Findings:
    """What an evaluation found. `documents` are identifiers of what it rests on; `without_evidence` says why it rests
    on none. What does not comply has an `action` with who does it (login or identifier) until when."""

    evaluated_on: date | None
    result: str
    grounds: str
    documents: Sequence[str] = ()
    without_evidence: str = ""
    action: str = ""
    action_owner: str = ""
    action_due_on: date | None = None


@dataclass(frozen=True)
class FoundDocument:
    """A document that an evaluation may rest on."""

    document_id: str
    title: str
    number: str


@use_case(Permission.LAWS_EVALUATE)
def evaluate(
    actor: Actor, uow: UnitOfWork, *, obligation_id: str, findings: Findings, seen: str | None = None
) -> Evaluation:
    """Records whether an obligation was complied with on a day on which it held. `seen` is the last evaluation that the
    person knew of (`FIRST_EVALUATION` for none).

    Raises: NotFoundError, also for a document that the actor does not see; WithdrawnEntryError, NotInForceError,
    EvaluatedMeanwhileError, InvalidInputError.
    """
    law, obligation = lock_obligation(uow, obligation_id)
    last = uow.session.get(Evaluation, obligation.last_evaluation_id) if obligation.last_evaluation_id else None
    _require_known(uow, last, seen)
    if findings.result not in RESULTS:
        raise InvalidInputError(field=N_("Result"), reason=N_("Choose one from the list."))
    row = Evaluation(
        id=uow.new_id(),
        organisation_id=obligation.organisation_id,
        obligation_id=obligation.id,
        evaluated_on=_day(uow, law, obligation, last, findings.evaluated_on),
        result=findings.result,
        grounds=some_lines(findings.grounds, field=N_("Grounds"), limit=2000),
        without_evidence=one_line(
            findings.without_evidence, field=N_("Why there is no evidence"), limit=500, required=False
        ),
        action="",
        action_result="",
        action_returned="",
        effect="",
        withdrawn_reason="",
        evaluated_by=actor.name,
        recorded_at=uow.now,
    )
    _require_action(uow, row, findings)
    uow.session.add(row)
    uow.session.flush()
    documents = _rest_on(uow, row, findings)
    plan_evaluation(uow, obligation)
    keep_obligation_tasks(uow, obligation, outcome=DONE)
    keep_action_tasks(uow, row)
    uow.record(
        EVALUATION_RECORDED,
        law_subjects(law, obligation=obligation.id, evaluation=row.id),
        law=law.title,
        clause=obligation.clause,
        on=row.evaluated_on.isoformat(),
        result=row.result,
        grounds=row.grounds,
        documents=documents,
        action=row.action,
        next=obligation.evaluate_on.isoformat(),
    )
    return row


@use_case(Permission.LAWS_MANAGE)
def withdraw_evaluation(actor: Actor, uow: UnitOfWork, *, evaluation_id: str, reason: str) -> Evaluation:
    """Takes back an evaluation that was recorded wrongly, and its action; it stays to be read. The one before it is the
    last again.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law, obligation, row = lock_evaluation(uow, evaluation_id)
    row.withdrawn_reason = reason_given(reason)
    row.withdrawn_at, row.withdrawn_by = uow.now, actor.name
    uow.session.flush()
    plan_evaluation(uow, obligation)
    keep_obligation_tasks(uow, obligation)
    keep_action_tasks(uow, row)
    subjects = law_subjects(law, obligation=obligation.id, evaluation=row.id)
    uow.record(EVALUATION_WITHDRAWN, subjects, on=row.evaluated_on.isoformat(), reason=row.withdrawn_reason)
    return row


@query(Permission.LAWS_EVALUATE)
def find_documents(actor: Actor, uow: UnitOfWork, *, text: str, chosen: Sequence[str] = ()) -> Sequence[FoundDocument]:
    """Documents that an evaluation may rest on: those chosen already, then the newest of title or number like `text`.
    Only what the actor sees, and no drafts."""
    seen = select(Document.id, Document.title, Document.number).where(
        uow.visible("document"), Document.control != DRAFT
    )
    kept = uow.session.execute(seen.where(Document.id.in_(list(chosen)[:MOST_DOCUMENTS])).order_by(Document.id)).all()
    wanted = text.replace("\0", "").strip()[:100]
    found = []
    if wanted:
        like = Document.title.contains(wanted, autoescape=True) | Document.number.contains(wanted, autoescape=True)
        fresh = seen.where(like, Document.id.not_in([row[0] for row in kept]))
        found = list(uow.session.execute(fresh.order_by(Document.id.desc()).limit(MOST_FOUND)))
    return [FoundDocument(row[0], row[1], row[2] or "") for row in (*kept, *found)]


def _require_known(uow: UnitOfWork, last: Evaluation | None, seen: str | None) -> None:
    if seen is None or seen == (last.id if last else FIRST_EVALUATION):
        return
    person = uow.session.get(Person, last.evaluated_by) if last else None
    raise EvaluatedMeanwhileError(name=person.display_name if person else "—")


def _day(uow: UnitOfWork, law: Law, obligation: Obligation, last: Evaluation | None, day: date | None) -> date:
    field = N_("Evaluated on")
    on, today = needed_day(day, field=field), uow.archive.today()
    if on > today:
        raise InvalidInputError(field=field, reason=N_("This is after today."))
    if last is not None and on < last.evaluated_on:
        raise InvalidInputError(field=field, reason=N_("An evaluation of a later day is recorded already."))
    for asked in (today, on):
        standing = obligation_standing(obligation, law, asked)
        if not standing.holds:
            raise NotInForceError(why=standing.why)
    return on


def _require_action(uow: UnitOfWork, row: Evaluation, findings: Findings) -> None:
    complies = row.result not in NOT_COMPLYING
    row.action = some_lines(findings.action, field=N_("Corrective action"), limit=1000, required=not complies)
    if complies:
        if row.action or findings.action_owner.strip() or findings.action_due_on:
            raise InvalidInputError(
                field=N_("Corrective action"),
                reason=N_("Only what does not comply has an action; choose that result, or none."),
            )
        return
    field = N_("Responsible for the action")
    typed = one_line(findings.action_owner, field=field, limit=100)
    row.action_owner_id = colleague(uow, row.organisation_id, typed, Permission.LAWS_EVALUATE, field=field).id
    row.action_due_on = needed_day(findings.action_due_on, field=N_("Action by"))
    if row.action_due_on < row.evaluated_on:
        raise InvalidInputError(field=N_("Action by"), reason=N_("This is before the evaluation."))


def _rest_on(uow: UnitOfWork, row: Evaluation, findings: Findings) -> list[str]:
    field = N_("Evidence")
    documents = list(dict.fromkeys(findings.documents))
    if len(documents) > MOST_DOCUMENTS:
        raise InvalidInputError(field=field, reason=N_("These are too many."))
    if not documents and not row.without_evidence and row.result != NOT_APPLICABLE:
        raise InvalidInputError(field=field, reason=N_("Choose at least one document, or say why there is none."))
    for document_id in documents:
        uow.require("document", document_id)
        if uow.session.get_one(Document, document_id).control == DRAFT:
            raise InvalidInputError(field=field, reason=N_("A draft shows nothing yet."))
        uow.session.add(EvaluationRecord(evaluation_id=row.id, document_id=document_id))
    uow.session.flush()
    return documents
