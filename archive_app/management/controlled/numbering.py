"""Numbers of controlled documents: a pattern for each organisation and kind, and the next free number by it.

A pattern is text with placeholders: `{kind}` letters of the kind, `{year}` four digits, `{department}` as the document
says it, `{seq}` or `{seq:03}` the running number, with at least so many digits. Nothing else in braces means anything;
what is put in is never read as a pattern again. The running number goes on from year to year.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from archive_app.management.controlled.kinds import KINDS, LETTERS, checked_kind
from archive_app.management.controlled.models import ControlledDocument, NumberPattern
from archive_app.management.controlled.rules import require_member

PATTERN_SET = event_type("controlled.pattern_set", N_("Pattern of numbers set"))
NUMBER_LIMIT = 100
USUAL_PATTERN = "{kind}-{seq:02}"
_PATTERN = N_("Pattern")
_NUMBER = N_("Number")
_PLACEHOLDER = re.compile(r"\{(kind|year|department|seq(?::0([1-6]))?)\}")
_LAST_SEQUENCE = 999_999
_BLOCK = 200


class NumberTakenError(ArchiveError):
    """Another controlled document of the organisation has this number."""

    code = "controlled_number_taken"
    message = N_("The number %(number)s belongs to “%(title)s”. Nothing was registered; choose another number.")


class NumberTakenUnseenError(ArchiveError):
    """The same, where whoever asks does not see that document."""

    code = "controlled_number_taken"
    message = N_("The number %(number)s belongs to another document. Nothing was registered; choose another number.")


@dataclass(frozen=True)
class KindPattern:
    """How the documents of a kind are numbered: the pattern, the last running number, and what would come next."""

    kind: str
    pattern: str
    last: int
    example: str


def checked_pattern(text: str) -> str:
    """A pattern that gives every document a number of its own. Raises: InvalidInputError."""
    pattern = one_line(text, field=_PATTERN, limit=NUMBER_LIMIT)
    named = [found[1] for found in _PLACEHOLDER.finditer(pattern)]
    if sum(name.startswith("seq") for name in named) != 1:
        raise InvalidInputError(field=_PATTERN, reason=N_("It needs the running number {seq} exactly once."))
    if set("{}") & set(_PLACEHOLDER.sub("", pattern)):
        raise InvalidInputError(
            field=_PATTERN, reason=N_("In braces there is {kind}, {year}, {department} and {seq:02} only.")
        )
    return pattern


def filled(pattern: str, *, kind: str, year: int, department: str, sequence: int) -> str:
    """The number that a checked pattern gives."""

    def put_in(found: re.Match[str]) -> str:
        if found[1].startswith("seq"):
            return f"{sequence:0{found[2] or 1}d}"
        return {"kind": LETTERS[kind], "year": f"{year:04d}", "department": department}[found[1]]

    return _PLACEHOLDER.sub(put_in, pattern)


@use_case(Permission.CONTROLLED_MANAGE)
def set_pattern(actor: Actor, uow: UnitOfWork, *, kind: str, pattern: str) -> None:
    """Sets the pattern by which documents of a kind get their numbers from now on; numbers that were given stay.

    Raises: InvalidInputError.
    """
    organisation_id = require_member(uow)[1]
    wanted = checked_pattern(pattern)
    row = _lock_pattern(uow, organisation_id, checked_kind(kind))
    before, row.pattern = row.pattern, wanted
    uow.record(PATTERN_SET, {"organisation": organisation_id}, document_kind=kind, pattern=wanted, before=before)


@query(Permission.CONTROLLED_READ)
def list_patterns(actor: Actor, uow: UnitOfWork) -> Sequence[KindPattern]:
    """The pattern of each kind in the actor's organisation."""
    of_organisation = select(NumberPattern).where(NumberPattern.organisation_id == actor.organisation_id)
    known: Mapping[str, NumberPattern] = {row.kind: row for row in uow.session.scalars(of_organisation)}
    return [_shown(kind, known.get(kind), uow.archive.today().year) for kind in KINDS]


def next_number(uow: UnitOfWork, organisation_id: str, kind: str, department: str) -> tuple[str, int]:
    """A step: the next free number by the pattern, and how many before it were taken by others.

    Whoever numbers next in the organisation waits until this unit of work ends.

    Raises: InvalidInputError where the pattern gives no number that can be used.
    """
    row = _lock_pattern(uow, organisation_id, kind)
    if "{department}" in row.pattern and not department:
        raise InvalidInputError(field=N_("Department"), reason=N_("The pattern of the number needs it."))
    skipped, year = 0, uow.archive.today().year
    for first in range(row.last + 1, _LAST_SEQUENCE + 1, _BLOCK):
        numbers = {
            filled(row.pattern, kind=kind, year=year, department=department, sequence=sequence): sequence
            for sequence in range(first, min(first + _BLOCK, _LAST_SEQUENCE + 1))
        }
        if any(len(number) > NUMBER_LIMIT for number in numbers):
            raise InvalidInputError(field=_NUMBER, reason=N_("What the pattern gives is too long."))
        taken = _taken(uow, organisation_id, list(numbers))
        for number, sequence in numbers.items():
            if number not in taken:
                row.last = sequence
                return number, skipped
            skipped += 1
    raise InvalidInputError(field=_NUMBER, reason=N_("The pattern has no free number left. Set another one."))


def typed_number(uow: UnitOfWork, organisation_id: str, text: str) -> str:
    """A step: a number that somebody typed, which nobody else may take until this unit of work ends.

    Raises: InvalidInputError, NumberTakenError, NumberTakenUnseenError.
    """
    number = one_line(text, field=_NUMBER, limit=NUMBER_LIMIT)
    _lock_numbers(uow, organisation_id)
    of_number = (ControlledDocument.organisation_id == organisation_id, ControlledDocument.number == number)
    if _taken(uow, organisation_id, [number]):
        seen = select(ControlledDocument.title).where(*of_number, uow.visible("controlled_document"))
        title = uow.session.scalar(seen)
        raise NumberTakenUnseenError(number=number) if title is None else NumberTakenError(number=number, title=title)
    return number


def _taken(uow: UnitOfWork, organisation_id: str, numbers: Sequence[str]) -> set[str]:
    of_organisation = select(ControlledDocument.number).where(ControlledDocument.organisation_id == organisation_id)
    return set(uow.session.scalars(of_organisation.where(ControlledDocument.number.in_(numbers))))


def _lock_numbers(uow: UnitOfWork, organisation_id: str) -> None:
    # Of the organisation and not of one pattern: two patterns may give the same number, and people type numbers.
    uow.session.get_one(Organisation, organisation_id, with_for_update=True)


def _lock_pattern(uow: UnitOfWork, organisation_id: str, kind: str) -> NumberPattern:
    _lock_numbers(uow, organisation_id)
    key = (organisation_id, kind)
    row = uow.session.get(NumberPattern, key, with_for_update=True, populate_existing=True)
    if row is None:
        row = NumberPattern(organisation_id=organisation_id, kind=kind, pattern=USUAL_PATTERN, last=0)
        uow.session.add(row)
        uow.session.flush()
    return row


def _shown(kind: str, row: NumberPattern | None, year: int) -> KindPattern:
    pattern, last = (row.pattern, row.last) if row else (USUAL_PATTERN, 0)
    return KindPattern(kind, pattern, last, filled(pattern, kind=kind, year=year, department="…", sequence=last + 1))
