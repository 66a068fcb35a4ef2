"""Use cases of the printed papers of case files."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.filing.models import CaseFile
from archive_app.filing.outputs.papers import SPINE_WIDTHS_MM, Paper, papers_pdf, register_pdf
from archive_app.filing.outputs.taking import record_printing
from archive_app.filing.policy import ARCHIVING
from archive_app.filing.reading import CaseFileView, case_file_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import plain_text
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case

PRINTED = {
    "papers": (Paper.COVER, Paper.CATALOGUE, Paper.NOTE),
    "cover": (Paper.COVER,),
    "catalogue": (Paper.CATALOGUE,),
    "note": (Paper.NOTE,),
    "labels": (Paper.LABELS,),
}
"""What can be printed of a case file, by code."""


@dataclass(frozen=True)
class PrintedFile:
    """A PDF to be printed."""

    name: str
    content: bytes


@query(Permission.DOCUMENTS_READ)
def view_outputs(actor: Actor, uow: UnitOfWork, *, case_file_id: str) -> CaseFileView:
    """The case file whose papers and copies somebody wants. Raises: NotFoundError."""
    return case_file_of(uow, case_file_id)


@staged_use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def print_papers(
    actor: Actor, archive: Archive, *, case_file_id: str, what: str, language: str, spine_mm: int = SPINE_WIDTHS_MM[1]
) -> PrintedFile:
    """Papers of a case file: `what` is a code of `PRINTED`. Raises: NotFoundError, InvalidInputError, NotNumberedError,
    NoChineseFontError, TypesettingError."""
    with archive.reading(actor) as uow:
        view = case_file_of(uow, case_file_id)
    if what not in PRINTED:
        raise NotFoundError
    if spine_mm not in SPINE_WIDTHS_MM:
        raise InvalidInputError(field=N_("Width of the spine"), reason=N_("Choose one from the list."))
    moment = archive.clock.now().astimezone(archive.rules.zone)
    papers = PRINTED[what]
    content = papers_pdf(view, papers, language=language, moment=moment, spine_mm=spine_mm)
    record_printing(archive, actor, [view], [paper.value for paper in papers])
    return PrintedFile(_name(f"{view.number or view.engagement_number} {what}"), content)


@staged_use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def print_register(actor: Actor, archive: Archive, *, engagement_id: str, language: str) -> PrintedFile:
    """The catalogue of the case files of an engagement 案卷目录. Raises: NotFoundError, also where there are none;
    NoChineseFontError, TypesettingError."""
    views = _case_files(archive, actor, engagement_id)
    if not views:
        raise NotFoundError
    moment = archive.clock.now().astimezone(archive.rules.zone)
    content = register_pdf(views, language=language, moment=moment)
    record_printing(archive, actor, views, ["register"])
    return PrintedFile(_name(f"{views[0].engagement_number} register"), content)


def _case_files(archive: Archive, actor: Actor, engagement_id: str) -> Sequence[CaseFileView]:
    with archive.reading(actor) as uow:
        uow.require(ARCHIVING, engagement_id)
        living = select(CaseFile.id).where(CaseFile.engagement_id == engagement_id, CaseFile.voided_at.is_(None))
        ids = uow.session.scalars(living.where(uow.visible("case_file")).order_by(CaseFile.position)).all()
        return [case_file_of(uow, case_file_id) for case_file_id in ids]


def _name(words: str) -> str:
    return f"{plain_text(words).replace('/', '_')}.pdf"
