"""Many records of an engagement at once: each in a transaction of its own, so that one that fails never stops the
others. All of it is refused to whoever does not work in the engagement (NotFoundError)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archive_app.casework.models import Record
from archive_app.casework.recording import record_of
from archive_app.casework.records.describing import accept, describe, described, give_back, lock_for_change
from archive_app.casework.records.facts import Facts, facts_of
from archive_app.documents.models import Document
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import staged_use_case

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Line:
    """What became of one document: its state as a record now, or why nothing was changed."""

    document_id: str
    title: str = ""
    state: str = ""
    error: ArchiveError | None = None


@staged_use_case(Permission.RECORDS_DESCRIBE)
def describe_many(
    actor: Actor, archive: Archive, *, engagement_id: str, document_ids: Sequence[str], facts: Facts
) -> list[Line]:
    """Says the same of every chosen document; what `facts` leave empty stays as it is.

    Raises: InvalidInputError for a selection that is empty or too long, and for facts that say nothing.
    """
    if facts == Facts():
        raise InvalidInputError(field=N_("Facts"), reason=N_("Fill in what the chosen documents are to get."))

    def one(uow: UnitOfWork, document_id: str) -> Record:
        # Under the lock: what stays as it is must not be what it was before somebody changed it.
        lock_for_change(uow, document_id)
        known = described(record_of(uow, document_id))
        if known is None and not facts.type:
            raise InvalidInputError(field=N_("Type of record"), reason=N_("Nobody has said yet what this is."))
        return describe(uow, document_id, facts.over(facts_of(known) if known else Facts()))

    return _each(actor, archive, engagement_id, document_ids, Permission.RECORDS_DESCRIBE, one)


@staged_use_case(Permission.RECORDS_DESCRIBE)
def confirm_proposals(
    actor: Actor, archive: Archive, *, engagement_id: str, proposed: Mapping[str, Facts]
) -> list[Line]:
    """Makes proposals facts, as the person saw them (by document). What somebody described meanwhile is left alone.

    Raises: InvalidInputError for a selection that is empty or too long.
    """

    def one(uow: UnitOfWork, document_id: str) -> Record:
        return describe(uow, document_id, proposed[document_id], seen="")

    return _each(actor, archive, engagement_id, list(proposed), Permission.RECORDS_DESCRIBE, one)


@staged_use_case(Permission.RECORDS_ACCEPT)
def accept_many(actor: Actor, archive: Archive, *, engagement_id: str, document_ids: Sequence[str]) -> list[Line]:
    """Accepts every chosen record. Raises: InvalidInputError for a selection that is empty or too long."""
    return _each(actor, archive, engagement_id, document_ids, Permission.RECORDS_ACCEPT, accept)


@staged_use_case(Permission.RECORDS_ACCEPT)
def return_many(
    actor: Actor, archive: Archive, *, engagement_id: str, document_ids: Sequence[str], reason: str
) -> list[Line]:
    """Returns every chosen record with the same reason.

    Raises: InvalidInputError for a selection that is empty or too long, and without a reason.
    """
    if not reason.strip():
        raise InvalidInputError(field=N_("Reason"), reason=N_("This must not be empty."))
    return _each(
        actor,
        archive,
        engagement_id,
        document_ids,
        Permission.RECORDS_ACCEPT,
        lambda uow, document_id: give_back(uow, document_id, reason),
    )


def _each(
    actor: Actor,
    archive: Archive,
    engagement_id: str,
    document_ids: Sequence[str],
    permission: Permission,
    act: Callable[[UnitOfWork, str], Record],
) -> list[Line]:
    with archive.reading(actor) as uow:
        uow.require(WORK, engagement_id)
    chosen = list(dict.fromkeys(document_ids))
    if not 0 < len(chosen) <= MOST_AT_ONCE:
        raise InvalidInputError(field=N_("Documents"), reason=N_("Choose between 1 and 200 documents."))
    return [_one(actor, archive, engagement_id, document_id, permission, act) for document_id in chosen]


def _one(
    actor: Actor,
    archive: Archive,
    engagement_id: str,
    document_id: str,
    permission: Permission,
    act: Callable[[UnitOfWork, str], Record],
) -> Line:
    title = ""
    try:
        with archive.transaction(actor) as uow:
            uow.require("document", document_id)
            document = uow.session.get_one(Document, document_id)
            if document.engagement_id != engagement_id:
                raise NotFoundError
            title = document.title
            record = act(uow, document_id)
            return Line(document_id, title, record.state)
    except DeniedError as denied:
        note_denial(archive, actor, permission, denied.subject)
        return Line(document_id, title, error=denied)
    except ArchiveError as error:
        return Line(document_id, title, error=error)
