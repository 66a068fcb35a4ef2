"""The worker's part in records: when a document has been read, what it may be is proposed, and waits for a person."""

from sqlalchemy import Select, select

from archive_app.casework.models import Record
from archive_app.casework.recording import new_record
from archive_app.casework.records.proposals import TEXT_CHARS, Proposal, Seen, propose, written_reasons
from archive_app.documents.errors import ContentCorruptError
from archive_app.documents.models import Document, Version
from archive_app.documents.reading import after_reading, read_text
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.record_types import all_record_types
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.unit_of_work import UnitOfWork

PROPOSE, PROPOSE_ALL = "casework.propose", "casework.propose_all"
PROPOSER = Actor.system("proposer")
_PORTION, _PORTIONS, _PAUSE_SECONDS = 200, 5, 1.0
_TEXT_BYTES = TEXT_CHARS * 4


@after_reading
def hand_on(uow: UnitOfWork, version: Version) -> None:
    """Has something proposed about a document that was read."""
    uow.enqueue(PROPOSE, version.document_id)


def propose_one(workshop: Workshop, job: Job) -> None:
    """Proposes what a document may be, unless somebody said it already. Idempotent."""
    propose_about(workshop.archive, job.subject_id)


def propose_all(workshop: Workshop, _job: Job) -> GiveWay | None:
    """Proposes about all documents of which nothing is said: those of before there were proposals, and those of files
    that were reopened. Idempotent."""
    after = ""
    for _ in range(_PORTIONS):
        with workshop.archive.reading(PROPOSER) as uow:
            portion = uow.session.scalars(_silent(after)).all()
        for document_id in portion:
            propose_about(workshop.archive, document_id)
        if len(portion) < _PORTION or workshop.stopping():
            return None
        after = portion[-1]
    return GiveWay(_PAUSE_SECONDS)


def propose_about(archive: Archive, document_id: str) -> bool:
    """Keeps a proposal about a document; says whether there is room for one: nobody described it, it is there, and of
    an engagement, whose file is not sealed."""
    with archive.reading(PROPOSER) as uow:
        row = uow.session.execute(
            select(Document, Version, Client.name)
            .join(Version, (Version.document_id == Document.id) & Version.current)
            .join(Engagement, Engagement.id == Document.engagement_id)
            .join(Client, Client.id == Engagement.client_id)
            .where(Document.id == document_id, Document.withdrawn_at.is_(None), Engagement.activity != LIBRARY)
        ).one_or_none()
        if row is None or _said(uow, document_id):
            return False
        document, version, client_name = row
        text = _text_of(archive, uow, version)
    seen = Seen(version.name, version.source_path, text, version.originator, document.dated_on, client_name)
    proposal = propose(seen, all_record_types(), archive.today())
    with archive.transaction(PROPOSER, eventless=True) as uow:
        engagement = uow.session.get_one(Engagement, document.engagement_id, with_for_update=True)
        # Under the lock that describing takes as well: what a person says is never overwritten by a proposal.
        if engagement.sealed_at is not None or _said(uow, document_id):
            return False
        _write(uow, document_id, proposal)
    return True


def _said(uow: UnitOfWork, document_id: str) -> bool:
    record = uow.session.get(Record, document_id)
    return record is not None and record.state != "proposed"


def _write(uow: UnitOfWork, document_id: str, proposal: Proposal) -> None:
    record = uow.session.get(Record, document_id)
    if record is None:
        record = new_record(uow, document_id)
        uow.session.add(record)
    # A form that was filed said what it is, and of whom: where the text and the name say nothing, that stays.
    record.type = proposal.type or record.type
    record.originator, record.evidence_on = proposal.originator or record.originator, proposal.evidence_on
    record.period_from, record.period_to = proposal.period_from, proposal.period_to
    record.reason = written_reasons(proposal)
    record.described_by, record.described_at = uow.actor.name, uow.now


def _text_of(archive: Archive, uow: UnitOfWork, version: Version) -> str:
    try:
        return read_text(archive, uow.session, version, limit_bytes=_TEXT_BYTES) or ""
    except ContentCorruptError:
        # The checks of integrity find and tell that; the name still says something.
        return ""


def _silent(after: str) -> Select[str]:
    return (
        select(Document.id)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .join(Engagement, Engagement.id == Document.engagement_id)
        .where(Document.id > after, Document.withdrawn_at.is_(None), Version.reading != "waiting")
        .where(Engagement.sealed_at.is_(None), Engagement.activity != LIBRARY)
        .where(Document.id.not_in(select(Record.document_id)))
        .order_by(Document.id)
        .limit(_PORTION)
    )
