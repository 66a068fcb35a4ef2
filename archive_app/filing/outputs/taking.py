"""What somebody may take along of a case file, and the record that they do."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.documents.models import Version
from archive_app.filing.reading import CaseFileView, ItemView, case_file_of, visible_documents
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

CASE_FILE_TAKEN = event_type("case_file.taken", N_("Case file taken along"))
CASE_FILE_PRINTED = event_type("case_file.printed", N_("Papers of a case file printed"))
LEFT_OUT = {
    "above_level": N_("It is above your level."),
    "marked_only": N_("You get it with a mark only, by itself."),
    "withdrawn": N_("It was withdrawn."),
    "damaged": N_("Its stored content is damaged or missing; it can be restored from a backup."),
    "no_longer_visible": N_("Your right to it ended meanwhile."),
    "no_chinese_font": N_("This machine has no Chinese font."),
    "not_printed": N_("The papers could not be set on this machine."),
}
"""Catalogue keys: why something is not in what is taken along, by code."""


@dataclass(frozen=True)
class SealManifest:
    """The manifest of a seal as it is filed: its document and version."""

    ordinal: int
    document_id: str
    version_id: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Taken:
    """A case file with what of it may be taken along; `left_out` gives the others with a code of `LEFT_OUT`."""

    view: CaseFileView
    items: tuple[ItemView, ...]
    left_out: tuple[tuple[ItemView, str], ...]
    manifests: tuple[SealManifest, ...]


def look_into(archive: Archive, actor: Actor, case_file_id: str) -> Taken:
    """A step: the case file as the actor may take it. Raises: NotFoundError."""
    with archive.reading(actor) as uow:
        view = case_file_of(uow, case_file_id)
        reasons = [_reason(uow, item) for item in view.items]
        return Taken(
            view=view,
            items=tuple(item for item, reason in zip(view.items, reasons, strict=True) if not reason),
            left_out=tuple((item, reason) for item, reason in zip(view.items, reasons, strict=True) if reason),
            manifests=_manifests(uow, view),
        )


def _reason(uow: UnitOfWork, item: ItemView) -> str:
    if item.hidden:
        return "above_level"
    if item.withdrawn:
        return "withdrawn"
    return "marked_only" if uow.archive.mark_of(uow, "document", item.document_id) is not None else ""


def _manifests(uow: UnitOfWork, view: CaseFileView) -> tuple[SealManifest, ...]:
    ordinals = {seal.document_id: seal.ordinal for seal in view.seals}
    seen = visible_documents(uow, list(ordinals))
    rows = uow.session.scalars(select(Version).where(Version.document_id.in_(sorted(seen)), Version.current))
    bare = [row for row in rows if uow.archive.mark_of(uow, "document", row.document_id) is None]
    found = (
        SealManifest(ordinals[row.document_id], row.document_id, row.id, row.sha256.hex(), row.size_bytes)
        for row in bare
    )
    return tuple(sorted(found, key=lambda one: one.ordinal))


def record_taking(archive: Archive, actor: Actor, taken: Taken, form: str) -> None:
    """A step: records that a case file goes along, before its first byte."""
    view = taken.view
    subjects = {"engagement": view.engagement_id, "organisation": view.organisation_id, "case_file": view.id}
    with archive.transaction(actor) as uow:
        uow.record(
            CASE_FILE_TAKEN,
            subjects,
            number=view.number,
            title=view.title,
            form=form,
            count=len(taken.items),
            left_out=len(taken.left_out),
        )


def record_printing(archive: Archive, actor: Actor, views: Sequence[CaseFileView], papers: Sequence[str]) -> None:
    """A step: records that papers were made of case files, one event for each of them."""
    with archive.transaction(actor) as uow:
        for view in views:
            subjects = {"engagement": view.engagement_id, "organisation": view.organisation_id, "case_file": view.id}
            uow.record(CASE_FILE_PRINTED, subjects, number=view.number, title=view.title, papers=list(papers))
