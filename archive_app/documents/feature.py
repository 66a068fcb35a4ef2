"""What the composition root needs to know of documents."""

from collections.abc import Iterable

from sqlalchemy import func, select

from archive_app.documents import checking, indexing, policy, reading, rotation
from archive_app.documents.models import Version
from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork


def probe_reading(uow: UnitOfWork) -> Iterable[Line]:
    """Documents whose text is waiting or could not be read."""
    counted = select(Version.reading, func.count()).where(Version.reading.in_(("waiting", "unread")))
    found = {row[0]: row[1] for row in uow.session.execute(counted.group_by(Version.reading))}
    words = {"waiting": found.get("waiting", 0), "unread": found.get("unread", 0)}
    state = State.WATCH if found.get("unread") else State.GOOD
    yield Line(N_("Reading"), state, N_("%(waiting)s waiting to be read, %(unread)s without text"), words)


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
        "documents.check": checking.check_portion,
        "documents.orphans": checking.set_orphans_aside,
        "search.rebuild": indexing.rebuild_index,
    },
    batches={"documents.index": indexing.index_versions},
    periodic={"documents.check": 600, "documents.orphans": 86_400},
    probes=(probe_reading, probe_integrity, rotation.probe_keys),
    menu=(MenuEntry(N_("Search"), "documents.search_page", Permission.DOCUMENTS_READ),),
    blueprints=("archive_app.documents.views:blueprint",),
)
