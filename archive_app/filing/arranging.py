"""Putting the documents of an engagement into case files 组卷: proposed by one click, changed by a person.

Each document is an item of exactly one case file, or left out with a reason. What a seal holds keeps its place and its
number for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from archive_app.casework.models import Record
from archive_app.casework.recording import after_decision
from archive_app.engagements.models import Engagement
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.schemes import scheme_of
from archive_app.filing.models import CaseFile, CaseItem, LeftOut
from archive_app.filing.order import in_order, ranks_of, split
from archive_app.filing.placing import (
    ItemSealedError,
    append,
    arrangeable,
    document_of,
    file_to_arrange,
    item_of,
    items_in,
    living_files,
    loose_pieces,
    new_file,
    reason_given,
    remove_file,
    set_aside,
    settle_positions,
    take_out,
    unplaced,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case

ARRANGED = event_type("case_files.arranged", N_("Case files arranged"))
_BY_THE_ARCHIVE = Actor.system("arranging").name


@dataclass(frozen=True)
class Arranged:
    """What a proposal came to: case files there are now, and documents placed by it."""

    files: int
    placed: int


@use_case(Permission.CASE_FILES_SUBMIT)
def propose(actor: Actor, uow: UnitOfWork, *, engagement_id: str, afresh: bool = False) -> Arranged:
    """Puts every document that is in no case file, and not left out, into one: in the order of the scheme's stages and
    record types, divided by items and pages.

    `afresh` arranges all of it anew, into the case files that are there as far as they go; one that is not needed any
    more is removed, or voided where it has a number. What a seal holds stays where it is.

    What was returned 退回 as a record is left out, for the reason that it was returned for.

    Raises: NotFoundError, EngagementSealedError, SubmittedError.
    """
    engagement = arrangeable(uow, engagement_id)
    files = living_files(uow, engagement_id)
    if afresh:
        _loosen(uow, files)
    _leave_out_returned(uow, engagement)
    pieces = in_order(loose_pieces(uow, engagement_id), _ranks(uow, engagement))
    rules = uow.archive.rules
    portions = split(pieces, most_items=rules.filing.items, most_pages=rules.filing.pages)
    if not afresh and files:
        # Behind what a person arranged already; they move it from there.
        portions = [list(pieces)] if pieces else []
        targets = files[-1:]
    else:
        targets = [row for row in files if not _has_items(uow, row)]
    for number, portion in enumerate(portions):
        target = targets[number] if number < len(targets) else new_file(uow, engagement)
        append(uow, target, [(piece.document_id, piece.pages) for piece in portion])
    if afresh:
        for row in targets[len(portions) :]:
            remove_file(uow, row, reason=N_("No longer needed after the file was arranged anew."))
    living = living_files(uow, engagement_id)
    record_arranged(uow, engagement, way="afresh" if afresh else "proposed", files=len(living), placed=len(pieces))
    return Arranged(len(living), len(pieces))


@use_case(Permission.CASE_FILES_SUBMIT)
def move_items(
    actor: Actor, uow: UnitOfWork, *, case_file_id: str, item_ids: Sequence[str], position: int | None = None
) -> None:
    """Moves items, in the order given, to `position` (from 1; the end where nothing is said) of a case file of the same
    engagement, counting without them.

    Raises: NotFoundError, InvalidInputError, ItemSealedError, EngagementSealedError, SubmittedError.
    """
    engagement, target = file_to_arrange(uow, case_file_id)
    moved = [item_of(uow, engagement, item_id) for item_id in dict.fromkeys(item_ids)]
    if not moved:
        raise InvalidInputError(field=N_("Items"), reason=N_("Choose at least one."))
    origins = {item.case_file_id for item in moved} - {target.id}
    staying = [item for item in items_in(uow, target.id) if item.id not in set(item_ids)]
    sealed = sum(item.seal_id is not None for item in staying)
    place = len(staying) if position is None else min(max(position - 1, 0), len(staying))
    if place < sealed:
        raise ItemSealedError
    set_aside(uow, moved, target)
    settle_positions(uow, [*staying[:place], *moved, *staying[place:]])
    for origin in origins:
        settle_positions(uow, items_in(uow, origin))
    record_arranged(uow, engagement, way="moved", file=target.title, items=len(moved))


@use_case(Permission.CASE_FILES_SUBMIT)
def place_documents(actor: Actor, uow: UnitOfWork, *, case_file_id: str, document_ids: Sequence[str]) -> None:
    """Puts documents that are in no case file, left out or not, to the end of one. Those that are in one already stay
    where they are.

    Raises: NotFoundError, InvalidInputError, EngagementSealedError, SubmittedError.
    """
    engagement, target = file_to_arrange(uow, case_file_id)
    wanted = [document_of(uow, engagement, document_id) for document_id in dict.fromkeys(document_ids)]
    if not wanted:
        raise InvalidInputError(field=N_("Documents"), reason=N_("Choose at least one."))
    uow.session.execute(delete(LeftOut).where(LeftOut.document_id.in_(wanted)))
    loose = {piece.document_id: piece.pages for piece in loose_pieces(uow, engagement.id)}
    append(uow, target, [(document_id, loose[document_id]) for document_id in wanted if document_id in loose])
    record_arranged(uow, engagement, way="placed", file=target.title, items=len(wanted))


@use_case(Permission.CASE_FILES_SUBMIT)
def leave_out(actor: Actor, uow: UnitOfWork, *, engagement_id: str, document_ids: Sequence[str], reason: str) -> None:
    """Says that documents belong to no case file, and why; they are taken out of the one they are in.

    Raises: NotFoundError, InvalidInputError, ItemSealedError, EngagementSealedError, SubmittedError.
    """
    engagement = arrangeable(uow, engagement_id)
    _leave_out(uow, engagement, [document_of(uow, engagement, one) for one in document_ids], reason)


@use_case(Permission.CASE_FILES_SUBMIT)
def leave_out_items(actor: Actor, uow: UnitOfWork, *, case_file_id: str, item_ids: Sequence[str], reason: str) -> None:
    """The same of items, which whoever arranges need not be able to read.

    Raises: NotFoundError, InvalidInputError, ItemSealedError, EngagementSealedError, SubmittedError.
    """
    engagement, _row = file_to_arrange(uow, case_file_id)
    _leave_out(uow, engagement, [item_of(uow, engagement, item_id).document_id for item_id in item_ids], reason)


def record_arranged(uow: UnitOfWork, engagement: Engagement, *, way: str, **words: object) -> None:
    """The step that records what was done with the case files of an engagement."""
    subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id}
    uow.record(ARRANGED, subjects, way=way, **words)


def _loosen(uow: UnitOfWork, files: Sequence[CaseFile]) -> None:
    """Takes everything out that no seal holds."""
    for row in files:
        take_out(uow, [item for item in items_in(uow, row.id) if item.seal_id is None])


def _has_items(uow: UnitOfWork, row: CaseFile) -> bool:
    return uow.session.scalar(select(CaseItem.id).where(CaseItem.case_file_id == row.id).limit(1)) is not None


def _ranks(uow: UnitOfWork, engagement: Engagement) -> dict[str, int]:
    stages = scheme_of(uow, engagement).stages
    return ranks_of(([one.type for one in stage.records] for stage in stages), all_record_types())


def _leave_out_returned(uow: UnitOfWork, engagement: Engagement) -> None:
    returned = select(Record.document_id, Record.reason).where(
        Record.document_id.in_(unplaced(engagement.id)), Record.state == "returned"
    )
    for document_id, reason in uow.session.execute(returned).all():
        _leave_out(uow, engagement, [document_id], reason, left_by=_BY_THE_ARCHIVE)


@after_decision
def _want_again(uow: UnitOfWork, record: Record) -> None:
    """What the archive left out because it was returned belongs into a case file once it is accepted after all; what a
    person left out stays out."""
    if record.state == "accepted":
        own = (LeftOut.document_id == record.document_id, LeftOut.left_by == _BY_THE_ARCHIVE)
        uow.session.execute(delete(LeftOut).where(*own))


def _leave_out(
    uow: UnitOfWork, engagement: Engagement, document_ids: Sequence[str], reason: str, *, left_by: str = ""
) -> None:
    why = reason_given(reason)
    wanted = list(dict.fromkeys(document_ids))
    if not wanted:
        raise InvalidInputError(field=N_("Documents"), reason=N_("Choose at least one."))
    placed = uow.session.scalars(select(CaseItem).where(CaseItem.document_id.in_(wanted))).all()
    take_out(uow, placed)
    for document_id in wanted:
        row = uow.session.get(LeftOut, document_id)
        if row is None:
            row = LeftOut(document_id=document_id, engagement_id=engagement.id)
            uow.session.add(row)
        row.reason, row.left_by, row.left_at = why, left_by or uow.actor.name, uow.now
    record_arranged(uow, engagement, way="left_out", items=len(wanted), reason=why)
