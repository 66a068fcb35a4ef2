"""What the search index knows of a version, and how it gets there."""

from collections.abc import Callable, Iterator, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from archive_app.documents.control import DRAFT, OBSOLETE
from archive_app.documents.models import Derivative, Document, Version
from archive_app.documents.reading import is_text_of, open_text
from archive_app.engagements.models import Client, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from search import IndexDocument

REBUILD_REQUESTED = event_type("search.rebuild_requested", N_("Rebuilding of the search index requested"))
FORGET = "documents.forget"
NARROW = "documents.narrow"
NARROWING = (FORGET, NARROW)
"""Jobs that take a document out of somebody's sight in the index: it was withdrawn, or its level was raised. As long as
one is in the outbox, every search excludes its document."""
_BATCH = 64
INDEX_TEXT_LIMIT_BYTES = 16 * 2**20
# What is still being written is for those who write it, and they know where it is.
_FINDABLE = (Document.withdrawn_at.is_(None), Document.control != DRAFT)


def index_versions(workshop: Workshop, jobs: Sequence[Job]) -> None:
    """Puts versions into the index, and again those older ones that they replaced. Idempotent; durable on return."""
    of_jobs = select(Version.document_id).where(Version.id.in_({job.subject_id for job in jobs}))
    _put(workshop, select(Version.id).where(Version.document_id.in_(of_jobs)))


def narrow_documents(workshop: Workshop, jobs: Sequence[Job]) -> None:
    """Puts every version of documents whose level was raised into the index again. Idempotent; durable on return."""
    _put(workshop, select(Version.id).where(Version.document_id.in_({job.subject_id for job in jobs})))


def _put(workshop: Workshop, wanted: Select[str]) -> None:
    archive = workshop.archive
    with archive.reading(Actor.system("indexer")) as uow:
        keys = uow.session.scalars(wanted.order_by(Version.id)).all()
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            described = list(describe(archive, uow.session, batch))
            workshop.index.put(described)
            # What was withdrawn is described no more.
            workshop.index.remove(set(batch) - {document.key for document in described})
    workshop.index.commit(None)


def forget_documents(workshop: Workshop, jobs: Sequence[Job]) -> None:
    """Takes every version of withdrawn documents out of the index. Idempotent; durable on return."""
    withdrawn = {job.subject_id for job in jobs}
    with workshop.archive.reading(Actor.system("indexer")) as uow:
        keys = uow.session.scalars(select(Version.id).where(Version.document_id.in_(withdrawn))).all()
    workshop.index.remove(keys)
    workshop.index.commit(None)


def rebuild_index(workshop: Workshop, _job: Job) -> None:
    """Makes the whole index anew from the database and the stored texts; the old one answers until then."""
    workshop.index.rebuild(documents=describe_all(workshop.archive), watermark=None)


@use_case(Permission.HEALTH_MANAGE)
def request_rebuild(actor: Actor, uow: UnitOfWork) -> None:
    """Has the worker make the index anew."""
    uow.enqueue("search.rebuild", "")
    uow.record(REBUILD_REQUESTED, {})


def describe_all(archive: Archive, told: Callable[[int], None] = lambda _count: None) -> Iterator[IndexDocument]:
    """Every version as the index sees it, from the database and the stored texts; `told` hears how many so far."""
    done, after = 0, ""
    while True:
        with archive.reading(Actor.system("indexer")) as uow:
            page = select(Version.id).where(Version.id > after).order_by(Version.id).limit(_BATCH)
            keys = uow.session.scalars(page).all()
            if not keys:
                return
            yield from describe(archive, uow.session, keys)
        done, after = done + len(keys), keys[-1]
        told(done)


def indexed_versions(archive: Archive) -> int:
    """How many versions the index must hold at least: those without a job that would still put them there."""
    with archive.reading(Actor.system("indexer")) as uow:
        on_the_way = select(Job.subject_id).where(Job.kind.in_(("documents.index", "documents.read")))
        settled = select(func.count()).select_from(Version).where(Version.id.not_in(on_the_way))
        settled = settled.join(Document, Document.id == Version.document_id).where(*_FINDABLE)
        return uow.session.scalar(settled) or 0


def describe(archive: Archive, session: Session, keys: Sequence[str]) -> Iterator[IndexDocument]:
    """The index's view of versions."""
    rows = session.execute(
        select(Version, Document, Engagement, Client, Derivative.blob_id)
        .join(Document, Document.id == Version.document_id)
        .join(Engagement, Engagement.id == Version.engagement_id)
        .join(Client, Client.id == Engagement.client_id)
        .outerjoin(Derivative, is_text_of(Version))
        .where(Version.id.in_(keys), *_FINDABLE)
    )
    for version, document, engagement, client, blob_id in rows:
        body = open_text(archive, version, blob_id, limit_bytes=INDEX_TEXT_LIMIT_BYTES) if blob_id else None
        yield _document(version, document, engagement, client, body, archive.rules.zone)


def _document(
    version: Version, document: Document, engagement: Engagement, client: Client, body: str | None, zone: ZoneInfo
) -> IndexDocument:
    # What has a field of its own is found by that; the rest is words without a name.
    words = (client.credit_code, version.source_path, version.activity, version.source_system, document.remark)
    return IndexDocument(
        key=version.id,
        document_id=document.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        client_id=client.id,
        level=document.level,
        current=version.current and document.control not in OBSOLETE,
        year=engagement.year,
        kind=version.kind,
        filed_on=version.filed_at.astimezone(zone).date(),
        title=document.title,
        name=version.name,
        metadata="\n".join(word for word in words if word),
        body=body or "",
        readable=version.reading in {"read", "partly"},
        client=client.name,
        # One line each: a suggestion is the line that matches.
        engagement=f"{engagement.title}\n{engagement.number}",
        originator=version.originator,
        number=document.number or "",
        dated_on=document.dated_on,
    )
