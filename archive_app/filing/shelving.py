"""Case files 案卷 as such: beginning one, saying what it is called and numbered under, moving it, ending it."""

from dataclasses import dataclass

from archive_app.filing.arranging import record_arranged
from archive_app.filing.categories import checked_category, checked_retention
from archive_app.filing.models import CaseFile
from archive_app.filing.placing import (
    arrangeable,
    file_to_arrange,
    items_in,
    living_files,
    new_file,
    reason_given,
    remove_file,
    take_out,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line

FIRST_YEAR, LAST_YEAR = 1949, 2200


class NumberGivenError(ArchiveError):
    """Year, category and retention stand in the archival number, which is given once and for ever."""

    code = "number_given"
    message = N_(
        "Year, category and retention stand in the archival number %(number)s, which stays as it was given. Nothing "
        "was changed. Void this case file and put its items into another."
    )


@dataclass(frozen=True)
class FileFacts:
    """What a person says about a case file."""

    title: str
    year: int
    category: str
    retention: str
    remark: str = ""


@use_case(Permission.CASE_FILES_SUBMIT)
def add_file(actor: Actor, uow: UnitOfWork, *, engagement_id: str, title: str = "") -> CaseFile:
    """Begins a case file behind the others. Raises: NotFoundError, InvalidInputError, EngagementSealedError,
    SubmittedError."""
    engagement = arrangeable(uow, engagement_id)
    row = new_file(uow, engagement, one_line(title, field=N_("Title"), limit=300, required=False))
    record_arranged(uow, engagement, way="file_added", file=row.title)
    return row


@use_case(Permission.CASE_FILES_SUBMIT)
def change_file(actor: Actor, uow: UnitOfWork, *, case_file_id: str, facts: FileFacts) -> None:
    """Says what a case file is called, and what its number is made of as long as it has none.

    Raises: NotFoundError, InvalidInputError, NumberGivenError, EngagementSealedError, SubmittedError.
    """
    engagement, row = file_to_arrange(uow, case_file_id)
    if not FIRST_YEAR <= facts.year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year of a case file."))
    numbered = (facts.year, checked_category(facts.category), checked_retention(facts.retention))
    if row.number is not None and numbered != (row.year, row.category, row.retention):
        raise NumberGivenError(number=row.number)
    row.title = one_line(facts.title, field=N_("Title"), limit=300)
    row.remark = one_line(facts.remark, field=N_("Remark"), limit=1000, required=False)
    row.year, row.category, row.retention = numbered
    words = {"year": row.year, "category": row.category, "retention": row.retention, "remark": row.remark}
    record_arranged(uow, engagement, way="file_changed", file=row.title, **words)


@use_case(Permission.CASE_FILES_SUBMIT)
def move_file(actor: Actor, uow: UnitOfWork, *, case_file_id: str, position: int) -> None:
    """Puts a case file at another place among those of its engagement, from 1. Raises: NotFoundError,
    EngagementSealedError, SubmittedError."""
    engagement, row = file_to_arrange(uow, case_file_id)
    others = [one for one in living_files(uow, engagement.id) if one.id != row.id]
    place = min(max(position - 1, 0), len(others))
    files = [*others[:place], row, *others[place:]]
    places = sorted(one.position for one in files)
    for one in files:
        # First all out of the way: no two stand at the same place, not even for a moment. Voided ones keep theirs.
        one.position = -one.position
    uow.session.flush()
    for one, free in zip(files, places, strict=True):
        one.position = free
    record_arranged(uow, engagement, way="file_moved", file=row.title, position=place + 1)


@use_case(Permission.CASE_FILES_SUBMIT)
def end_file(actor: Actor, uow: UnitOfWork, *, case_file_id: str, reason: str = "") -> None:
    """Ends a case file; its documents wait for another place. One that has a number is voided, with the reason: it
    stays and keeps the number.

    Raises: NotFoundError, InvalidInputError without a reason where it is needed, ItemSealedError,
    EngagementSealedError, SubmittedError.
    """
    engagement, row = file_to_arrange(uow, case_file_id)
    why = reason_given(reason) if row.number is not None else ""
    title, number = row.title, row.number or ""
    take_out(uow, items_in(uow, row.id))
    remove_file(uow, row, reason=why)
    way = "file_voided" if number else "file_removed"
    record_arranged(uow, engagement, way=way, file=title, number=number, reason=why)
