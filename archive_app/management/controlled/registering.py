"""Use cases by which a controlled document comes onto the list, and by which what is said of it is kept right."""

import re
from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.documents.control import DRAFT
from archive_app.documents.errors import LevelAboveOwnError
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.colleagues import colleague
from archive_app.management.controlled.kinds import EXTERNAL, MAINTAIN, checked_keeping, checked_kind
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.controlled.numbering import next_number, typed_number
from archive_app.management.controlled.rules import (
    ControlledWithdrawnError,
    lock_controlled,
    require_member,
    subjects,
)

REGISTERED = event_type("controlled.registered", N_("Controlled document registered"))
DESCRIBED = event_type("controlled.described", N_("Controlled document described anew"))
FIRST_LABEL = "A/0"
LONGEST_REVIEW_MONTHS = 120
TITLE_LIMIT, LABEL_LIMIT = 200, 20
_USUAL_LABEL = re.compile(r"([A-Z])/([0-9])")
_EDITION = N_("Edition")


@dataclass(frozen=True)
class Description:
    """What is said of a controlled document. `owner` is a login or an identifier, and whoever registers it where
    nothing is said; `review_months` is after how many months it is looked at again. `issuer` and `issuer_number` are of
    external documents."""

    title: str
    department: str = ""
    owner: str = ""
    clauses: str = ""
    review_months: int | None = None
    issuer: str = ""
    issuer_number: str = ""


@dataclass(frozen=True)
class Registered:
    """A controlled document that is on the list now, with its first edition; `skipped` numbers of its pattern were
    taken."""

    controlled_id: str
    edition_id: str
    number: str
    skipped: int


@use_case(Permission.CONTROLLED_WRITE)
def register_document(
    actor: Actor,
    uow: UnitOfWork,
    *,
    kind: str,
    described: Description,
    number: str = "",
    keeping: str = MAINTAIN,
    level: Level = Level.INTERNAL,
    label: str = "",
) -> Registered:
    """Puts a controlled document onto the list and opens its first edition as a draft of whoever registers it.

    Without `number` it gets the next free one by the pattern of its kind, without `label` its edition is A/0.

    Raises: InvalidInputError, LevelAboveOwnError, NumberTakenError, NumberTakenUnseenError.
    """
    person_id, organisation_id = require_member(uow)
    if level > actor.highest_level:
        raise LevelAboveOwnError
    row = ControlledDocument(
        id=uow.new_id(),
        organisation_id=organisation_id,
        kind=checked_kind(kind),
        keeping=checked_keeping(keeping),
        level=level,
        state=DRAFT,
        withdrawn_reason="",
        created_by=actor.name,
        created_at=uow.now,
    )
    _describe(uow, row, described, owner=described.owner or person_id)
    label = one_line(label, field=_EDITION, limit=LABEL_LIMIT, required=False) or FIRST_LABEL
    skipped = 0
    if number.strip():
        row.number = typed_number(uow, organisation_id, number)
    else:
        row.number, skipped = next_number(uow, organisation_id, row.kind, row.department)
    uow.session.add(row)
    uow.session.flush()
    edition = new_edition(uow, row, label=label, change_note="", base=None)
    uow.record(
        REGISTERED,
        subjects(row, edition),
        number=row.number,
        document_kind=row.kind,
        keeping=keeping,
        skipped=skipped or None,
    )
    return Registered(row.id, edition.id, row.number, skipped)


@use_case(Permission.CONTROLLED_MANAGE)
def describe_document(actor: Actor, uow: UnitOfWork, *, controlled_id: str, described: Description) -> None:
    """Says anew what a controlled document is about and who has charge of it; its number, kind and level stay. Its next
    review is counted anew by whoever issues or reviews it next.

    Raises: NotFoundError, InvalidInputError, ControlledWithdrawnError.
    """
    row = lock_controlled(uow, controlled_id)
    if row.state == "withdrawn":
        raise ControlledWithdrawnError(number=row.number)
    before = row.owner_id
    _describe(uow, row, described, owner=described.owner or row.owner_id)
    uow.record(DESCRIBED, subjects(row), number=row.number, owner_before=before, owner=row.owner_id)


def new_edition(
    uow: UnitOfWork, controlled: ControlledDocument, *, label: str, change_note: str, base: Edition | None
) -> Edition:
    """A step: opens the next edition of a document as a draft of whoever acts."""
    of_document = Edition.controlled_document_id == controlled.id
    last = uow.session.scalar(select(func.max(Edition.ordinal)).where(of_document)) or 0
    edition = Edition(
        id=uow.new_id(),
        controlled_document_id=controlled.id,
        ordinal=last + 1,
        label=label,
        state=DRAFT,
        on_the_way=True,
        base_id=base.id if base else None,
        change_note=change_note,
        author_id=require_member(uow)[0],
        begun_at=uow.now,
    )
    uow.session.add(edition)
    uow.session.flush()
    return edition


def next_label(label: str) -> str:
    """What the edition after `label` is usually called: A/0, A/1 … A/9, B/0; of other labels, nothing is known."""
    usual = _USUAL_LABEL.fullmatch(label)
    if usual is None:
        return ""
    letter, digit = usual[1], int(usual[2])
    if digit < 9:  # noqa: PLR2004  # one digit
        return f"{letter}/{digit + 1}"
    return f"{chr(ord(letter) + 1)}/0" if letter != "Z" else ""


def _describe(uow: UnitOfWork, row: ControlledDocument, described: Description, *, owner: str) -> None:
    months = described.review_months
    if months is not None and not 1 <= months <= LONGEST_REVIEW_MONTHS:
        raise InvalidInputError(field=N_("Months until the next review"), reason=N_("This is from 1 to 120."))
    row.title = one_line(described.title, field=N_("Title"), limit=TITLE_LIMIT)
    row.department = one_line(described.department, field=N_("Department"), limit=200, required=False)
    row.clauses = one_line(described.clauses, field=N_("Clauses"), limit=300, required=False)
    row.issuer = one_line(described.issuer, field=N_("Issuer"), limit=200, required=row.kind == EXTERNAL)
    row.issuer_number = one_line(described.issuer_number, field=N_("Issuer's number"), limit=100, required=False)
    row.review_months = months
    if owner != row.owner_id:
        may = Permission.CONTROLLED_READ
        charged = colleague(uow, row.organisation_id, owner, may, level=Level(row.level), field=N_("Owner"))
        row.owner_id = charged.id
