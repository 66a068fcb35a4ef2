"""Archival numbers 档号 (DA/T 13-2022): fonds-category·year·retention-case file-item, `J019-ZY·HC·2026·D10-001-001`.

The numbers of a series follow each other without a gap and none is given twice: its row is locked while one is taken,
in the transaction of the submission that takes it. Case files that have a number stay, whatever becomes of them. A
series that no longer adds up, because somebody changed the database by hand, gives no further number.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.filing.models import CaseFile, NumberRule, NumberSeries
from archive_app.kernel.actor import Actor
from archive_app.kernel.database import insert_for
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import Event, EventSubject, event_type
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

NUMBER_GIVEN = event_type("case_file.numbered", N_("Archival number given"))
RULE_CHANGED = event_type("number_rule.changed", N_("Rule of archival numbers changed"))
FEWEST_DIGITS, MOST_DIGITS = 2, 8
USUAL_DIGITS = 3
_FONDS = re.compile(r"[A-Z0-9]{1,20}")
_NAMED = 5


class NumberRuleMissingError(ArchiveError):
    """The organisation has not said how its archival numbers are made."""

    code = "number_rule_missing"
    message = N_(
        "Your organisation has no fonds number yet, without which there are no archival numbers. Nothing was "
        "submitted. The archivist enters it under Archival numbers."
    )


class SeriesBrokenError(ArchiveError):
    """The numbers of a series do not follow each other any more: the database was changed from outside."""

    code = "series_broken"
    message = N_(
        "The archival numbers of the series %(prefix)s do not add up: %(last)s were given, and %(missing)s cannot be "
        "found as they were given. Nothing was submitted and no number was used. Somebody changed the database; tell "
        "your administrator, who finds it under Health."
    )


@dataclass(frozen=True)
class Rule:
    """How an organisation's numbers are made; without `fonds` nothing was entered yet."""

    fonds: str = ""
    file_digits: int = USUAL_DIGITS
    item_digits: int = USUAL_DIGITS


@dataclass(frozen=True)
class Broken:
    """A series that does not add up, and what of it is missing or altered, in words without a language: numbers."""

    prefix: str
    last: int
    missing: str


def series_prefix(fonds: str, category: str, year: int, retention: str) -> str:
    """All that stands before the number of the case file: `J019-ZY·HC·2026·D10`."""
    return f"{fonds}-{category}·{year}·{retention}"


def file_number(prefix: str, sequence: int, digits: int) -> str:
    """The number of a case file, with more digits where there are more files than the rule thought of."""
    return f"{prefix}-{sequence:0{digits}d}"


def item_number(number: str, position: int, digits: int) -> str:
    """The number of an item in the case file `number`."""
    return f"{number}-{position:0{digits}d}"


@query(Permission.ENGAGEMENTS_KEEP)
def view_rule(actor: Actor, uow: UnitOfWork) -> Rule:
    """How the numbers of the actor's organisation are made. Raises: NotFoundError."""
    return rule_of(uow, _own(actor)) or Rule()


@use_case(Permission.ENGAGEMENTS_KEEP)
def change_rule(actor: Actor, uow: UnitOfWork, *, fonds: str, file_digits: int, item_digits: int) -> Rule:
    """Says how numbers are made from now on; numbers that were given stay as they are.

    Raises: InvalidInputError, NotFoundError.
    """
    organisation_id = _own(actor)
    fonds = fonds.strip().upper()
    if not _FONDS.fullmatch(fonds):
        raise InvalidInputError(field=N_("Fonds number"), reason=N_("Write capital letters and digits, such as J019."))
    for digits in (file_digits, item_digits):
        if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
            raise InvalidInputError(field=N_("Digits"), reason=N_("Between 2 and 8."))
    row = uow.session.get(NumberRule, organisation_id, with_for_update=True)
    if row is None:
        row = NumberRule(organisation_id=organisation_id)
        uow.session.add(row)
    row.fonds, row.file_digits, row.item_digits = fonds, file_digits, item_digits
    row.changed_by, row.changed_at = actor.name, uow.now
    words = {"fonds": fonds, "file_digits": file_digits, "item_digits": item_digits}
    uow.record(RULE_CHANGED, {"organisation": organisation_id}, **words)
    return Rule(fonds, file_digits, item_digits)


def rule_of(uow: UnitOfWork, organisation_id: str) -> Rule | None:
    """The step that finds how an organisation's numbers are made; None where nobody said."""
    row = uow.session.get(NumberRule, organisation_id)
    return Rule(row.fonds, row.file_digits, row.item_digits) if row else None


def give_numbers(uow: UnitOfWork, case_files: Iterable[CaseFile], rule: Rule) -> list[CaseFile]:
    """The step that gives a number to each of these case files of one organisation that has none; the ones that got
    one now. Their items are numbered by whoever calls. Raises: SeriesBrokenError."""
    wanting = [row for row in case_files if row.number is None and row.voided_at is None]
    # In one order for everybody, so that two submissions never wait for each other.
    by_prefix = sorted(wanting, key=lambda row: (_prefix_for(row, rule), row.position))
    for row in by_prefix:
        series = _locked_series(uow, row.organisation_id, _prefix_for(row, rule))
        broken = broken_series(uow, series)
        if broken is not None:
            raise SeriesBrokenError(prefix=broken.prefix, last=broken.last, missing=broken.missing)
        series.last += 1
        row.series_id, row.sequence = series.id, series.last
        row.number = file_number(series.prefix, series.last, rule.file_digits)
        subjects = {"organisation": row.organisation_id, "engagement": row.engagement_id, "case_file": row.id}
        uow.record(NUMBER_GIVEN, {**subjects, "number_series": series.id}, number=row.number, title=row.title)
    return by_prefix


def broken_series(uow: UnitOfWork, series: NumberSeries) -> Broken | None:
    """The step that asks whether the case files of a series are those that got its numbers, all of them and no other;
    the log says as well how many were given."""
    held = select(func.count(CaseFile.id), func.max(CaseFile.sequence), func.min(CaseFile.sequence))
    count, highest, lowest = uow.session.execute(held.where(CaseFile.series_id == series.id)).one()
    logged = uow.session.scalar(
        select(func.count())
        .select_from(EventSubject)
        .join(Event, Event.id == EventSubject.event_id)
        .where(EventSubject.kind == "number_series", EventSubject.subject_id == series.id)
        .where(Event.code == NUMBER_GIVEN.code)
    )
    altered = _altered(uow, series)
    sound = count == series.last == logged and (count == 0 or (lowest, highest) == (1, series.last))
    if sound and not altered:
        return None
    last = max(series.last, logged or 0, highest or 0)
    there = set(uow.session.scalars(select(CaseFile.sequence).where(CaseFile.series_id == series.id)))
    missing = [str(number) for number in range(1, last + 1) if number not in there] + altered
    named = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
    return Broken(series.prefix, last, named or f"{logged}/{series.last}")


def probe_series(uow: UnitOfWork) -> Iterable[Line]:
    """Series of archival numbers that do not add up."""
    broken = [
        found
        for series in uow.session.scalars(select(NumberSeries).order_by(NumberSeries.prefix))
        if (found := broken_series(uow, series)) is not None
    ]
    title = N_("Archival numbers")
    for one in broken:
        words = {"prefix": one.prefix, "last": one.last, "missing": one.missing}
        text = N_("%(prefix)s: %(last)s numbers were given, and %(missing)s cannot be found as they were given")
        yield Line(title, State.BAD, text, words)
    if not broken:
        count = uow.session.scalar(select(func.count(NumberSeries.id))) or 0
        yield Line(title, State.GOOD, N_("%(count)s series without a gap"), {"count": count})


def _altered(uow: UnitOfWork, series: NumberSeries) -> list[str]:
    """Numbers whose text is not that of their place in the series."""
    rows = uow.session.execute(
        select(CaseFile.sequence, CaseFile.number).where(CaseFile.series_id == series.id).order_by(CaseFile.sequence)
    )
    return [
        number or str(sequence)
        for sequence, number in rows
        if number is None or sequence is None or not _fits(series.prefix, sequence, number)
    ]


def _fits(prefix: str, sequence: int, number: str) -> bool:
    digits = number.removeprefix(f"{prefix}-")
    return digits != number and digits.isascii() and digits.isdigit() and int(digits) == sequence


def _locked_series(uow: UnitOfWork, organisation_id: str, prefix: str) -> NumberSeries:
    row = {"id": uow.new_id(), "organisation_id": organisation_id, "prefix": prefix, "last": 0}
    begun = insert_for(uow.session)(NumberSeries).values(row)
    uow.session.execute(begun.on_conflict_do_nothing(index_elements=["organisation_id", "prefix"]))
    of_prefix = select(NumberSeries).where(
        NumberSeries.organisation_id == organisation_id, NumberSeries.prefix == prefix
    )
    return uow.session.scalars(of_prefix.with_for_update().execution_options(populate_existing=True)).one()


def _prefix_for(row: CaseFile, rule: Rule) -> str:
    return series_prefix(rule.fonds, row.category, row.year, row.retention)


def _own(actor: Actor) -> str:
    if actor.organisation_id is None:
        raise NotFoundError
    return actor.organisation_id
