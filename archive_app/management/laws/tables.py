"""The legal register as a table to take along: one row an obligation, and one for each law that leads to none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.sheets import Cell, csv_blocks, xlsx_blocks
from archive_app.kernel.use_case import staged_use_case
from archive_app.management.laws.kinds import KINDS, RESULTS, STATES
from archive_app.management.laws.lines import ObligationLine, obligation_lines
from archive_app.management.laws.models import Law, Obligation
from archive_app.management.laws.rules import own_organisation
from archive_app.management.laws.validity import law_state

REGISTER_EXPORTED = event_type("legal_register.exported", N_("Legal register taken along as a table"))
MOST_ROWS = 10_000
_BATCH = 200
_COLUMNS = (
    (N_("Title"), 40),
    (N_("Number"), 20),
    (N_("Kind"), 14),
    (N_("Issuing authority"), 24),
    (N_("Published on"), 12),
    (N_("In force from"), 12),
    (N_("Holds no more from"), 12),
    (N_("State"), 10),
    (N_("Clause"), 14),
    (N_("Requirement"), 50),
    (N_("How it is met"), 40),
    (N_("Department"), 18),
    (N_("Owner"), 14),
    (N_("Valid from"), 12),
    (N_("Valid until"), 12),
    (N_("Evaluated every (months)"), 10),
    (N_("Next evaluation by"), 12),
    (N_("Last evaluated on"), 12),
    (N_("Result"), 14),
    (N_("Grounds"), 40),
    (N_("Evidence"), 40),
    (N_("Corrective action"), 30),
    (N_("Responsible for the action"), 14),
    (N_("Action by"), 12),
    (N_("Action done on"), 12),
    (N_("Confirmed effective on"), 12),
)
_OF_LAW = 8


class Form(StrEnum):
    """What the table can be made as."""

    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True)
class RegisterTable:
    """The table in blocks, made while it is read, and its name."""

    name: str
    blocks: Iterator[bytes]


@staged_use_case(Permission.LAWS_READ, confirmed=True)
def export_register(actor: Actor, archive: Archive, *, form: Form, language: str) -> RegisterTable:
    """The whole living register of the actor's organisation, up to `MOST_ROWS` laws; recorded before the first row.
    A last row says when some were cut off. Of evidence the titles that the actor may see.

    Raises: NotFoundError, ConfirmationRequiredError.
    """
    with archive.reading(actor) as uow:
        organisation_id = own_organisation(uow)
        ids = uow.session.scalars(
            select(Law.id).where(uow.visible("law"), Law.withdrawn_at.is_(None)).order_by(Law.title, Law.id)
        ).all()
    kept = ids[:MOST_ROWS]
    with archive.transaction(actor) as uow:
        uow.record(REGISTER_EXPORTED, {"organisation": organisation_id}, laws=len(kept), form=form.value)
    rows = _rows(actor, archive, kept, language, cut=len(ids) - len(kept))
    zone = archive.rules.zone
    name = f"legal-register-{archive.today().isoformat()}.{form.value}"
    if form is Form.CSV:
        return RegisterTable(name, csv_blocks(rows, zone))
    return RegisterTable(name, xlsx_blocks(rows, [width for _, width in _COLUMNS], zone))


def _rows(actor: Actor, archive: Archive, ids: Sequence[str], language: str, *, cut: int) -> Iterator[Sequence[Cell]]:
    yield [translate(language, heading) for heading, _ in _COLUMNS]
    for start in range(0, len(ids), _BATCH):
        # Each batch by itself: a slow reader at the other end must not keep a snapshot of the database open.
        with archive.reading(actor) as uow:
            batch: Select[Law] = select(Law).where(Law.id.in_(ids[start : start + _BATCH]), uow.visible("law"))
            laws = uow.session.scalars(batch.order_by(Law.title, Law.id)).all()
            living = select(Obligation).where(
                Obligation.law_id.in_([law.id for law in laws]),
                Obligation.withdrawn_at.is_(None),
                uow.visible("obligation"),
            )
            by_id = {law.id: law for law in laws}
            found = uow.session.scalars(living.order_by(Obligation.id)).all()
            lines = obligation_lines(uow, [(one, by_id[one.law_id]) for one in found])
            today = uow.archive.today()
            made = [row for law in laws for row in _of_law(law, law_state(law, today), lines, archive, language)]
        yield from made
    if cut:
        yield [translate(language, N_("%(count)s further laws are not listed."), count=cut)]


def _of_law(
    law: Law, state: str, lines: Sequence[ObligationLine], archive: Archive, language: str
) -> Iterator[Sequence[Cell]]:
    first: list[Cell] = [
        law.title,
        law.number,
        translate(language, KINDS[law.kind]),
        law.issuer,
        law.published_on,
        law.effective_on,
        law.ended_on,
        translate(language, STATES[state]),
    ]
    own = [line for line in lines if line.law.id == law.id]
    for line in own:
        yield [*first, *_of_obligation(line, archive, language)]
    if not own:
        yield [*first, *[None] * (len(_COLUMNS) - _OF_LAW)]


def _of_obligation(line: ObligationLine, archive: Archive, language: str) -> list[Cell]:
    obligation, last = line.obligation, line.last
    cells: list[Cell] = [
        obligation.clause,
        obligation.requirement,
        obligation.met_by,
        obligation.department,
        line.owner,
        obligation.valid_from,
        obligation.valid_until,
        obligation.every_months,
        obligation.evaluate_on if line.standing.holds else None,
    ]
    if last is None:
        return cells + [None] * (len(_COLUMNS) - _OF_LAW - len(cells))
    row, zone = last.evaluation, archive.rules.zone
    evidence = [one.title for one in last.evidence]
    if last.hidden:
        evidence.append(translate(language, N_("and what you may not see")))
    if row.without_evidence:
        evidence.append(row.without_evidence)
    return [
        *cells,
        row.evaluated_on,
        translate(language, RESULTS[row.result]),
        row.grounds,
        "\n".join(evidence),
        row.action,
        last.action_owner,
        row.action_due_on,
        row.action_done_at.astimezone(zone).date() if row.action_done_at else None,
        row.confirmed_at.astimezone(zone).date() if row.confirmed_at else None,
    ]
