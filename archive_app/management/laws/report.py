"""The compliance evaluation report 合规性评价报告 of a period: printed, or filed in the organisation's library.

Whoever may read the library reads the filed one. It therefore names only evidence that they all may see, and counts
the rest.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, select

from archive_app.documents.ingest import Entry, file_version, store
from archive_app.documents.models import Document
from archive_app.engagements.libraries import library_of
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import typeset
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.management.laws.acting import CONFIRMED, DONE, WAITING
from archive_app.management.laws.figures import NEVER, ComplianceFigures, compliance_figures
from archive_app.management.laws.kinds import COMING, IN_FORCE, RESULTS
from archive_app.management.laws.lines import EvaluationLine, evaluation_lines
from archive_app.management.laws.models import Evaluation, EvaluationRecord, Law, Obligation
from archive_app.management.laws.rules import needed_day, own_organisation
from archive_app.management.laws.validity import laws_in, obligations_in

REPORT_PRINTED = event_type("compliance_report.printed", N_("Compliance evaluation report printed"))
REPORT_FILED = event_type("compliance_report.filed", N_("Compliance evaluation report filed"))
MOST_LINES = 2000
ACTIONS: Mapping[str, str] = {
    WAITING: N_("Not done yet"),
    DONE: N_("Done, not confirmed yet"),
    CONFIRMED: N_("Done and effective"),
}
_TEMPLATE = Path(__file__).with_name("report.typ")
_WORDS = {
    "title": N_("Compliance evaluation report"),
    "figures": N_("In figures"),
    "evaluated": N_("Evaluations of the period"),
    "unevaluated": N_("Obligations in force that were not evaluated in the period"),
    "coming": N_("Laws that take effect later"),
    "none": N_("None."),
    "law": N_("Law and clause"),
    "requirement": N_("Requirement and how it is met"),
    "result": N_("Result"),
    "evaluated_by": N_("Evaluated by"),
    "grounds": N_("Grounds and evidence"),
    "action": N_("Corrective action"),
    "owner": N_("Owner"),
    "next": N_("Next evaluation by"),
    "from": N_("In force from"),
    "prepared": N_("Prepared by"),
    "reviewed": N_("Reviewed by"),
    "approved": N_("Approved by"),
    "sign": N_("Signature, date"),
}


class ReportTooLongError(ArchiveError):
    """More than one paper can hold."""

    code = "compliance_report_too_long"
    message = N_("More than %(most)s obligations were evaluated in this period. Nothing was made; take a shorter one.")


@dataclass(frozen=True)
class PrintedReport:
    """The report as PDF."""

    name: str
    content: bytes


@staged_use_case(Permission.LAWS_READ, confirmed=True)
def print_report(
    actor: Actor, archive: Archive, *, first: date | None, last: date | None, language: str
) -> PrintedReport:
    """The report as PDF, naming what the actor may see.

    Raises: NotFoundError, InvalidInputError, ReportTooLongError, NoChineseFontError, TypesettingError.
    """
    period = _period(first, last)
    with archive.reading(actor) as uow:
        organisation_id = own_organisation(uow)
        facts = _facts(uow, organisation_id, period, language, uow.visible("document"))
    content = _set(archive, facts, language)
    with archive.transaction(actor) as uow:
        uow.record(REPORT_PRINTED, {"organisation": organisation_id}, **_days(period))
    return PrintedReport(_name(period), content)


@staged_use_case(Permission.LAWS_MANAGE)
def file_report(actor: Actor, archive: Archive, *, first: date | None, last: date | None, language: str) -> str:
    """Files the report among the documents of the organisation's management system; returns the document's id.

    Raises: as `print_report`; LevelAboveOwnError is not among them: it is an internal document.
    """
    period = _period(first, last)
    with archive.transaction(actor, eventless=True) as uow:
        organisation_id = own_organisation(uow)
        library_id = library_of(uow, organisation_id).id
    with archive.reading(actor) as uow:
        of_all = (Document.engagement_id == library_id) & (Document.level <= Level.INTERNAL)
        facts = _facts(uow, organisation_id, period, language, uow.visible("document") & of_all)
    stored = store(archive, io.BytesIO(_set(archive, facts, language)), _name(period))
    title = f"{facts['title']} {facts['period']}"
    with archive.transaction(actor) as uow:
        entry = Entry(
            name=_name(period),
            title=title,
            dated_on=uow.archive.today(),
            originator=actor.display_name,
            level=Level.INTERNAL,
        )
        library = library_of(uow, organisation_id)
        filed = file_version(uow, library.id, None, stored, entry, of_the_archive=True)
        document_id = filed.document_id or ""
        subjects = {"organisation": organisation_id, "document": document_id}
        uow.record(REPORT_FILED, subjects, title=title, **_days(period))
    return document_id


def _period(first: date | None, last: date | None) -> tuple[date, date]:
    begin, end = needed_day(first, field=N_("From")), needed_day(last, field=N_("To"))
    if end < begin:
        raise InvalidInputError(field=N_("To"), reason=N_("This is before the first day."))
    return begin, end


def _facts(
    uow: UnitOfWork, organisation_id: str, period: tuple[date, date], language: str, shown: ColumnElement[bool]
) -> dict[str, Any]:
    moment = uow.now.astimezone(uow.archive.rules.zone)
    figures = compliance_figures(uow, organisation_id, period)
    words = {code: translate(language, text) for code, text in _WORDS.items()}
    return {
        "words": words,
        "title": words["title"],
        "organisation": uow.session.get_one(Organisation, organisation_id).name,
        "period": f"{period[0].isoformat()} – {period[1].isoformat()}",
        "made": translate(
            language, N_("Made on %(day)s by %(name)s"), day=moment.date().isoformat(), name=uow.actor.display_name
        ),
        "figures": _figure_rows(figures, language),
        "lines": _evaluated(uow, organisation_id, period, language, shown),
        "unevaluated": _unevaluated(uow, organisation_id, period),
        "coming": _coming(uow, organisation_id),
    }


def _figure_rows(figures: ComplianceFigures, language: str) -> list[list[str]]:
    told = {
        N_("Laws in force"): figures.laws,
        N_("Laws that take effect later"): figures.laws_coming,
        N_("Obligations in force"): figures.obligations,
        N_("Overdue for evaluation"): figures.overdue,
        N_("Not complied with and not put right"): figures.not_complied,
        N_("Never evaluated"): figures.last[NEVER],
        N_("Evaluations of the period"): figures.evaluations,
        **{RESULTS[code]: count for code, count in figures.results.items()},
        N_("Actions of the period"): figures.actions,
        N_("of which not confirmed yet"): figures.actions_open,
    }
    return [[translate(language, label), str(count)] for label, count in told.items()]


def _evaluated(
    uow: UnitOfWork, organisation_id: str, period: tuple[date, date], language: str, shown: ColumnElement[bool]
) -> list[dict[str, str]]:
    of_period = (
        select(Evaluation)
        .where(Evaluation.organisation_id == organisation_id, Evaluation.withdrawn_at.is_(None))
        .where(Evaluation.evaluated_on.between(*period))
        .order_by(Evaluation.evaluated_on, Evaluation.id)
        .limit(MOST_LINES + 1)
    )
    rows = uow.session.scalars(of_period).all()
    if len(rows) > MOST_LINES:
        raise ReportTooLongError(most=MOST_LINES)
    evidence = _evidence(uow, [row.id for row in rows], language, shown)
    for row in rows:
        if row.without_evidence:
            told = {"label": translate(language, N_("Why there is no evidence")), "value": row.without_evidence}
            evidence.setdefault(row.id, []).append(translate(language, N_("%(label)s: %(value)s"), **told))
    lines = []
    for line in evaluation_lines(uow, rows):
        obligation = uow.session.get_one(Obligation, line.evaluation.obligation_id)
        law = uow.session.get_one(Law, obligation.law_id)
        lines.append(
            {
                "law": _law_words(law, obligation),
                "requirement": "\n".join(filter(None, (obligation.requirement, obligation.met_by))),
                "result": translate(language, RESULTS[line.evaluation.result]),
                "when": f"{line.evaluation.evaluated_on.isoformat()}\n{line.evaluated_by}",
                "grounds": "\n".join([line.evaluation.grounds, *evidence.get(line.evaluation.id, ())]),
                "action": _action_words(line, language),
            }
        )
    return lines


def _evidence(uow: UnitOfWork, ids: Sequence[str], language: str, shown: ColumnElement[bool]) -> dict[str, list[str]]:
    """What each evaluation rests on, in words: titles that may be told, and how many others there are."""
    resting = EvaluationRecord.evaluation_id.in_(ids)
    told: dict[str, list[str]] = {}
    titles = select(EvaluationRecord.evaluation_id, Document.title)
    titles = titles.join(Document, Document.id == EvaluationRecord.document_id).where(resting, shown)
    for evaluation_id, title in uow.session.execute(titles.order_by(Document.id)):
        told.setdefault(evaluation_id, []).append(translate(language, N_("Evidence: %(title)s"), title=title))
    counts = select(EvaluationRecord.evaluation_id, func.count()).where(resting)
    for evaluation_id, count in uow.session.execute(counts.group_by(EvaluationRecord.evaluation_id)):
        others = count - len(told.get(evaluation_id, ()))
        if others:
            words = translate(language, N_("Further evidence: %(count)s"), count=others)
            told.setdefault(evaluation_id, []).append(words)
    return told


def _unevaluated(uow: UnitOfWork, organisation_id: str, period: tuple[date, date]) -> list[dict[str, str]]:
    made = select(Evaluation.id).where(
        Evaluation.obligation_id == Obligation.id,
        Evaluation.withdrawn_at.is_(None),
        Evaluation.evaluated_on.between(*period),
    )
    missing = (
        select(Obligation, Law)
        .join(Law, Law.id == Obligation.law_id)
        .where(Obligation.organisation_id == organisation_id, obligations_in(IN_FORCE, uow.archive.today()))
        .where(~made.correlate(Obligation).exists())
        .order_by(Obligation.evaluate_on, Obligation.id)
        .limit(MOST_LINES + 1)
    )
    rows = uow.session.execute(missing).all()
    if len(rows) > MOST_LINES:
        raise ReportTooLongError(most=MOST_LINES)
    return [
        {"law": _law_words(law, one), "requirement": one.requirement, "next": one.evaluate_on.isoformat()}
        for one, law in rows
    ]


def _coming(uow: UnitOfWork, organisation_id: str) -> list[dict[str, str]]:
    later = select(Law).where(Law.organisation_id == organisation_id, laws_in(COMING, uow.archive.today()))
    laws = uow.session.scalars(later.order_by(Law.effective_on, Law.id).limit(MOST_LINES)).all()
    return [{"law": _named(law), "from": law.effective_on.isoformat() if law.effective_on else ""} for law in laws]


def _action_words(line: EvaluationLine, language: str) -> str:
    if line.action not in ACTIONS:
        return ""
    row = line.evaluation
    until = row.action_due_on.isoformat() if row.action_due_on else ""
    told = (row.action, f"{line.action_owner} {until}", translate(language, ACTIONS[line.action]), row.effect)
    return "\n".join(filter(None, told))


def _law_words(law: Law, obligation: Obligation) -> str:
    return "\n".join(filter(None, (_named(law), obligation.clause)))


def _named(law: Law) -> str:
    return f"{law.title} {law.number}".strip()


def _set(archive: Archive, facts: dict[str, Any], language: str) -> bytes:
    moment: datetime = archive.clock.now().astimezone(archive.rules.zone)
    return typeset(_TEMPLATE, facts, language=language, moment=moment)


def _days(period: tuple[date, date]) -> dict[str, str]:
    return {"first": period[0].isoformat(), "last": period[1].isoformat()}


def _name(period: tuple[date, date]) -> str:
    return f"compliance-{period[0].isoformat()}-{period[1].isoformat()}.pdf"
