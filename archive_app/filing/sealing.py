"""The seal: one transaction that freezes the file of an engagement, with a manifest of everything in it.

The manifest's bytes go into the vault before; inside the transaction, with the engagement locked, the same contents are
taken down again, and where anything is not as it was in the manifest, it is made anew. A crash leaves the file sealed
or not sealed, and an orphan blob at most.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from archive_app.casework.gates import Obstacle, gate
from archive_app.casework.recording import record_as
from archive_app.casework.stages import take_to
from archive_app.documents.ingest import Entry, Stored, file_version, store
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import Scheme, scheme_of
from archive_app.filing.checks import ARRANGEMENT_PAGE, NOT_SEALED
from archive_app.filing.manifest import Contents, SealFacts, contents_of, manifest_bytes
from archive_app.filing.models import CaseFile, CaseItem, Reopening, Seal
from archive_app.filing.placing import MANIFEST
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError
from archive_app.kernel.events import event_type
from archive_app.kernel.ids import new_id
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

SEALED = event_type("engagement.sealed", N_("File sealed"))
FIRST, SUPPLEMENT, AGAIN = "first", "supplement", "again"
_TRIES = 3


@dataclass(frozen=True)
class Manifest:
    """A manifest that is made and not yet part of anything."""

    facts: SealFacts
    contents: Contents
    content: bytes


@dataclass(frozen=True)
class Sealed:
    """A seal that was put on: its ordinal and kind, its manifest's document, and how many items it holds."""

    engagement_id: str
    ordinal: int
    kind: str
    document_id: str
    manifest_sha256: str
    items: int


Ready = Callable[[UnitOfWork, Engagement], str]
"""Refuses what may not be sealed; says of which kind the seal is. Asked before the manifest is made and under the
lock."""
Settle = Callable[[UnitOfWork, Engagement, Seal], None]
"""What else belongs to the same transaction."""


@gate("sealed")
def sealed(_uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """The file is sealed."""
    if engagement.sealed_at is not None:
        return []
    return [Obstacle(NOT_SEALED, N_("The file is not accepted and sealed yet."), endpoint=ARRANGEMENT_PAGE)]


@dataclass(frozen=True)
class Sealer:
    """Who seals, in which archive."""

    actor: Actor
    archive: Archive


def put_seal(sealer: Sealer, engagement_id: str, ready: Ready, settle: Settle) -> Sealed:
    """Seals what `ready` lets pass: the manifest first, then everything in one transaction.

    Raises: whatever `ready` raises; ConflictError when the file does not come to rest.
    """
    actor, archive = sealer.actor, sealer.archive
    for _ in range(_TRIES):
        with archive.reading(actor) as uow:
            engagement = uow.session.get_one(Engagement, engagement_id)
            kind = ready(uow, engagement)
            manifest = _manifest(uow, engagement, kind, archive.clock.now())
        stored = store(archive, io.BytesIO(manifest.content), _name(engagement, manifest.facts))
        done = _seal(sealer, engagement_id, (ready, settle), (manifest, stored))
        if done is not None:
            return done
    raise ConflictError


def _seal(
    sealer: Sealer,
    engagement_id: str,
    rules: tuple[Ready, Settle],
    made: tuple[Manifest, Stored],
) -> Sealed | None:
    """The one transaction; None when the file is not what the manifest says any more."""
    (ready, settle), (manifest, stored) = rules, made
    with sealer.archive.transaction(sealer.actor) as uow:
        engagement = lock_engagement(uow.session, engagement_id, sealed_too=True)
        if ready(uow, engagement) != manifest.facts.kind:
            raise ConflictError
        now = _manifest(uow, engagement, manifest.facts.kind, manifest.facts.sealed_at, manifest.facts.id)
        if now.content != manifest.content:
            return None
        row = _file(uow, engagement, manifest, stored)
        unsealed = select(CaseItem.id).join(CaseFile, CaseFile.id == CaseItem.case_file_id)
        unsealed = unsealed.where(CaseFile.engagement_id == engagement_id, CaseFile.voided_at.is_(None))
        fresh = unsealed.where(CaseItem.seal_id.is_(None))
        uow.session.execute(
            update(CaseItem).where(CaseItem.id.in_(fresh)).values(seal_id=row.id),
            execution_options={"synchronize_session": False},
        )
        engagement.sealed_at = engagement.sealed_at or manifest.facts.sealed_at
        uow.session.execute(
            update(Reopening)
            .where(Reopening.engagement_id == engagement_id, Reopening.resealed_by_seal.is_(None))
            .values(resealed_by_seal=row.id)
        )
        if manifest.facts.kind != SUPPLEMENT:
            _reach_the_end(uow, engagement)
        settle(uow, engagement, row)
        _record(uow, engagement, row)
        digest = row.manifest_sha256.hex()
        return Sealed(engagement_id, row.ordinal, row.kind, row.document_id, digest, row.items)


def _manifest(uow: UnitOfWork, engagement: Engagement, kind: str, moment: datetime, seal_id: str = "") -> Manifest:
    contents = contents_of(uow, engagement, added_only=kind == SUPPLEMENT)
    of_engagement = Seal.engagement_id == engagement.id
    last = uow.session.scalar(select(func.max(Seal.ordinal)).where(of_engagement)) or 0
    before = uow.session.scalar(select(Seal.manifest_sha256).where(of_engagement, Seal.ordinal == last))
    facts = SealFacts(
        id=seal_id or new_id(moment),
        ordinal=last + 1,
        kind=kind,
        sealed_by=uow.actor.name,
        sealed_at=moment,
        previous_sha256=before.hex() if before else "",
    )
    return Manifest(facts, contents, manifest_bytes(uow, engagement, contents, facts))


def _file(uow: UnitOfWork, engagement: Engagement, manifest: Manifest, stored: Stored) -> Seal:
    """The manifest becomes a document and a record of the engagement."""
    organisation = uow.session.get_one(Organisation, engagement.organisation_id).name
    entry = Entry(
        name=_name(engagement, manifest.facts),
        source_system="lantai",
        originator=organisation,
        title=_name(engagement, manifest.facts).removesuffix(".json"),
        dated_on=uow.archive.today(),
        # It names everything that is in the file, so it is for those who may see all of it.
        level=manifest.contents.level,
    )
    filed = file_version(uow, engagement.id, None, stored, entry, of_the_archive=True)
    if filed.document_id is None:
        raise ConflictError
    record_as(
        uow,
        filed.document_id,
        type=MANIFEST,
        state="accepted",
        originator=organisation,
        evidence_on=uow.archive.today(),
    )
    row = Seal(
        id=manifest.facts.id,
        engagement_id=engagement.id,
        ordinal=manifest.facts.ordinal,
        kind=manifest.facts.kind,
        document_id=filed.document_id,
        manifest_sha256=hashlib.sha256(manifest.content).digest(),
        items=manifest.contents.items,
        sealed_by=uow.actor.name,
        sealed_at=manifest.facts.sealed_at,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _reach_the_end(uow: UnitOfWork, engagement: Engagement) -> None:
    """Takes the engagement on to the last stage of its scheme: that is what sealing is."""
    scheme = scheme_of(uow, engagement)
    passed = {engagement.stage}
    while (onward := scheme.stage(engagement.stage).next) and onward[0] not in passed:
        passed.add(onward[0])
        take_to(uow, engagement, scheme, onward[0], "")


def _record(uow: UnitOfWork, engagement: Engagement, row: Seal) -> None:
    numbers = select(CaseFile.number).where(CaseFile.engagement_id == engagement.id, CaseFile.voided_at.is_(None))
    uow.record(
        SEALED,
        {"engagement": engagement.id, "organisation": engagement.organisation_id, "seal": row.id},
        way=row.kind,
        ordinal=row.ordinal,
        items=row.items,
        case_files=list(uow.session.scalars(numbers.order_by(CaseFile.position))),
        manifest_sha256=row.manifest_sha256.hex(),
    )


def _name(engagement: Engagement, facts: SealFacts) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in engagement.number)
    return f"封存清单 {safe} {facts.ordinal}.json"
