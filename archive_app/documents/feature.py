"""What the composition root needs to know of documents."""

from collections.abc import Iterable

from sqlalchemy import func, select

from archive_app.documents import (
    checking,
    indexing,
    parts,
    policy,
    reading,
    recognising,
    rereading,
    resuming,
    rotation,
)
from archive_app.documents.models import Document, Version
from archive_app.kernel.feature import EngagementTab, Feature, MenuEntry
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from search.reading import recognition_report


def probe_reading(uow: UnitOfWork) -> Iterable[Line]:
    """Documents whose text is waiting or could not be read."""
    counted = select(Version.reading, func.count()).join(Document, Document.id == Version.document_id)
    counted = counted.where(Version.reading.in_(("waiting", "unread")), Document.withdrawn_at.is_(None))
    found = {row[0]: row[1] for row in uow.session.execute(counted.group_by(Version.reading))}
    words = {"waiting": found.get("waiting", 0), "unread": found.get("unread", 0)}
    state = State.WATCH if found.get("unread") else State.GOOD
    yield Line(N_("Reading"), state, N_("%(waiting)s waiting to be read, %(unread)s without text"), words)


def probe_recognition(_uow: UnitOfWork) -> Iterable[Line]:
    """What scanned pages are recognised with."""
    report = recognition_report()
    params = {"engine": report.engine, "missing": ", ".join(report.missing)}
    if report.engine is None:
        text = N_("none installed: scanned pages are found by name only. Install tesseract-ocr and its Chinese data")
        yield Line(N_("Recognition"), State.WATCH, text)
    elif report.missing:
        yield Line(N_("Recognition"), State.WATCH, N_("%(engine)s, without the language data %(missing)s"), params)
    else:
        yield Line(N_("Recognition"), State.GOOD, N_("%(engine)s"), params)


def probe_integrity(uow: UnitOfWork) -> Iterable[Line]:
    """Documents that failed their last check."""
    failed = checking.count_failed(uow)
    state = State.BAD if failed else State.GOOD
    yield Line(N_("Integrity"), state, N_("%(failed)s versions failed their last check"), {"failed": failed})


FEATURE = Feature(
    name="documents",
    policy=policy.register,
    jobs={
        "documents.read": reading.read_version,
        "documents.read_parts": parts.read_parts,
        "documents.recognise": recognising.recognise_version,
        "documents.read_again": rereading.hand_on,
        "documents.check": checking.check_portion,
        "documents.orphans": checking.set_orphans_aside,
        "documents.parts": resuming.forget_parts,
        "search.rebuild": indexing.rebuild_index,
    },
    batches={
        "documents.index": indexing.index_versions,
        indexing.FORGET: indexing.forget_documents,
        indexing.NARROW: indexing.narrow_documents,
    },
    lanes={
        "documents.read": "reading",
        "documents.read_parts": "reading",
        "documents.recognise": "recognition",
    },
    periodic={"documents.check": 600, "documents.orphans": 86_400, "documents.parts": 86_400},
    probes=(probe_reading, probe_recognition, probe_integrity, rotation.probe_keys),
    menu=(
        MenuEntry(N_("Search"), "finding.search_page", Permission.DOCUMENTS_READ),
        MenuEntry(N_("Reading"), "readings.reading_page", Permission.DOCUMENTS_REREAD),
    ),
    tabs=(EngagementTab(N_("Documents"), "documents.engagement_page", Permission.DOCUMENTS_READ, 20),),
    blueprints=(
        "archive_app.documents.views:blueprint",
        "archive_app.documents.api:blueprint",
        "archive_app.documents.finding.views:blueprint",
        "archive_app.documents.finding.api:blueprint",
        "archive_app.documents.comparing.views:blueprint",
        "archive_app.documents.readings.views:blueprint",
        "archive_app.documents.levels.views:blueprint",
        "archive_app.documents.given.views:blueprint",
    ),
)
