"""What use cases of the legal register share: locks, days, and what is refused."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.words import one_line
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.own import require_own

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
REASON_LIMIT = 1000
_DAY_MEANT = N_("This is not a day that can be meant.")


class LawTakenError(ArchiveError):
    """The same law twice in one register."""

    code = "law_taken"
    message = N_("“%(title)s” with this number is in the register already. Nothing was recorded; correct that entry.")


class WithdrawnEntryError(ArchiveError):
    """What was withdrawn is not worked on any more."""

    code = "register_entry_withdrawn"
    message = N_("This entry was recorded wrongly and is withdrawn. Nothing was changed; record it anew.")


def lock_law(uow: UnitOfWork, law_id: str) -> Law:
    """The step that every change of a law begins with.

    Raises: NotFoundError, WithdrawnEntryError, PermissionMissingError for a supervisor.
    """
    uow.require("law", law_id)
    law = _locked_law(uow, law_id)
    if law.withdrawn_at is not None:
        raise WithdrawnEntryError
    return law


def lock_obligation(uow: UnitOfWork, obligation_id: str) -> tuple[Law, Obligation]:
    """The same for an obligation: its law first, so that nobody ends it meanwhile.

    Raises: NotFoundError, WithdrawnEntryError.
    """
    uow.require("obligation", obligation_id)
    law = lock_law(uow, uow.session.get_one(Obligation, obligation_id).law_id)
    obligation = uow.session.get_one(Obligation, obligation_id, with_for_update=True, populate_existing=True)
    if obligation.withdrawn_at is not None:
        raise WithdrawnEntryError
    return law, obligation


def lock_evaluation(uow: UnitOfWork, evaluation_id: str) -> tuple[Law, Obligation, Evaluation]:
    """The same for an evaluation, also of what does not hold any more: an action outlives its obligation.

    Raises: NotFoundError, WithdrawnEntryError.
    """
    uow.require("evaluation", evaluation_id)
    obligation_id = uow.session.get_one(Evaluation, evaluation_id).obligation_id
    law_id = uow.session.get_one(Obligation, obligation_id).law_id
    law = _locked_law(uow, law_id)
    obligation = uow.session.get_one(Obligation, obligation_id, with_for_update=True, populate_existing=True)
    evaluation = uow.session.get_one(Evaluation, evaluation_id, with_for_update=True, populate_existing=True)
    if evaluation.withdrawn_at is not None:
        raise WithdrawnEntryError
    return law, obligation, evaluation


def _locked_law(uow: UnitOfWork, law_id: str) -> Law:
    law = uow.session.get_one(Law, law_id, with_for_update=True, populate_existing=True)
    require_own(uow, law.organisation_id, Permission.LAWS_EVALUATE)
    return law


def own_organisation(uow: UnitOfWork) -> str:
    """The organisation whose register it is. Raises: NotFoundError for who belongs to none."""
    if uow.actor.organisation_id is None:
        raise NotFoundError
    return uow.actor.organisation_id


def checked_day(day: date | None, *, field: str) -> date | None:
    """A day that can be meant. Raises: InvalidInputError."""
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidInputError(field=field, reason=_DAY_MEANT)
    return day


def needed_day(day: date | None, *, field: str) -> date:
    """The same where there has to be one. Raises: InvalidInputError."""
    if (found := checked_day(day, field=field)) is None:
        raise InvalidInputError(field=field, reason=N_("This must not be empty."))
    return found


def reason_given(reason: str) -> str:
    """Why something is ended or withdrawn. Raises: InvalidInputError."""
    return one_line(reason, field=N_("Reason"), limit=REASON_LIMIT)


def stamp_of(facts: Any) -> str:
    """What somebody saw before they changed it, as a short text that their form brings back."""
    return hashlib.sha256(repr(sorted(asdict(facts).items())).encode()).hexdigest()[:32]


def require_as_seen(facts: Any, seen: str | None) -> None:
    """Refuses when it is not as they saw it any more. Raises: ConflictError."""
    if seen is not None and seen != stamp_of(facts):
        raise ConflictError


def changes(before: Any, after: Any) -> Mapping[str, list[object]]:
    """What differs between two records of facts, before and after, for the log."""
    old, new = asdict(before), asdict(after)
    return {name: [_plain(old[name]), _plain(new[name])] for name in old if old[name] != new[name]}


def law_subjects(law: Law, **others: str) -> dict[str, str]:
    """The subjects of an event about a law."""
    return {"organisation": law.organisation_id, "law": law.id, **others}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
