"""Use cases of forms: which there are for an engagement, one filled in, one filed as a record.

A form is the same bytes on the same day as long as nothing in it changes: whoever files it twice gets the first one.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import select

from archive_app.casework.forms.facts import known_of, level_of
from archive_app.casework.forms.layouts import NONCONFORMITY, Layout, all_layouts
from archive_app.casework.forms.pages import form_pdf
from archive_app.casework.forms.sheets import PrintedForm, fill
from archive_app.casework.forms.word import form_docx
from archive_app.casework.models import Nonconformity
from archive_app.casework.nonconformities.rules import STATES
from archive_app.casework.recording import record_as
from archive_app.documents.ingest import Entry, file_version, find_twin, store
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import WORK
from archive_app.engagements.schemes import scheme_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import LANGUAGES, N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import plain_text
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case

FORM_FILED = event_type("form.filed", N_("Form filed"))
DECLARATION, DECLARATION_SOURCE = "declaration", "S0 C"
"""The form that `filing` prints and takes back by itself (S0 annex C)."""
_NAME_CHARS = 80


class FileType(StrEnum):
    """What a form can be made as."""

    PDF = "pdf"
    WORD = "docx"


@dataclass(frozen=True)
class FormsPage:
    """The forms of an engagement's scheme: those of the engagement, and of each nonconformity (`about_each`).
    `declares` says whether the scheme asks for declarations."""

    engagement: Engagement
    forms: Sequence[Layout]
    about_each: Sequence[Layout]
    nonconformities: Page[tuple[Nonconformity, str]]
    declares: bool
    may_file: bool


@dataclass(frozen=True)
class MadeForm:
    """A form as a file."""

    name: str
    content: bytes
    moment: datetime


@dataclass(frozen=True)
class FiledForm:
    """What became of filing a form. `again`: it is in the engagement already, as it is. `complete`: it counts as the
    record by itself; otherwise it is proposed as one, until somebody confirms what was written on it."""

    document_id: str
    again: bool
    complete: bool


@query(Permission.ENGAGEMENTS_READ)
def list_forms(actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None) -> FormsPage:
    """The forms of an engagement, for whoever works in it. Raises: NotFoundError."""
    uow.require(WORK, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    codes = scheme_of(uow, engagement).forms
    layouts = [all_layouts()[code] for code in codes if code in all_layouts()]
    raised = select(Nonconformity).where(Nonconformity.engagement_id == engagement_id, uow.visible("nonconformity"))
    page = fetch_page(uow.session, raised, [Nonconformity.position], after=after)
    return FormsPage(
        engagement=engagement,
        forms=[layout for layout in layouts if layout.of == ""],
        about_each=[layout for layout in layouts if layout.of == NONCONFORMITY],
        nonconformities=Page([(row[0], STATES[row[0].state]) for row in page.items], page.next_key),
        declares=DECLARATION in codes,
        may_file=engagement.sealed_at is None
        and actor.may(Permission.RECORDS_DESCRIBE)
        and actor.may(Permission.DOCUMENTS_ADD),
    )


@staged_use_case(Permission.ENGAGEMENTS_READ)
def open_form(
    actor: Actor,
    archive: Archive,
    *,
    engagement_id: str,
    code: str,
    file_type: FileType,
    language: str,
    nonconformity_id: str | None = None,
) -> MadeForm:
    """A form filled with what is known now. Raises: NotFoundError, also for a form that the engagement's scheme has
    not; InvalidInputError, NoChineseFontError, TypesettingError."""
    with archive.reading(actor) as uow:
        _, form = _filled(uow, engagement_id, code, nonconformity_id, language)
    return _made(archive, form, file_type)


@staged_use_case(Permission.RECORDS_DESCRIBE)
def file_form(
    actor: Actor,
    archive: Archive,
    *,
    engagement_id: str,
    code: str,
    file_type: FileType,
    language: str,
    nonconformity_id: str | None = None,
) -> FiledForm:
    """Files a form, filled with what is known now, as a document of its record type.

    Raises: as `open_form`, PermissionMissingError, EngagementSealedError, and what storing raises.
    """
    with archive.reading(actor) as uow:
        uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
        layout, form = _filled(uow, engagement_id, code, nonconformity_id, language)
        level = level_of(uow, nonconformity_id) if nonconformity_id else Level.INTERNAL
    made = _made(archive, form, file_type)
    stored = store(archive, io.BytesIO(made.content), made.name, lambda _size: None)
    with archive.transaction(actor) as uow:
        uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
        engagement = lock_engagement(uow.session, engagement_id)
        twin = find_twin(uow, engagement.id, stored.blob.sha256)
        if twin is not None:
            # The bytes stay behind as an orphan.
            return FiledForm(twin, again=True, complete=layout.complete)
        entry = Entry(
            name=made.name,
            title=_title(form)[:300],
            originator=form.subtitle[:200],
            activity=translate(language, N_("Form of the engagement")),
            level=level,
        )
        filed = file_version(uow, engagement.id, None, stored, entry)
        document_id = str(filed.document_id)
        state = "accepted" if layout.complete else "proposed"
        # What is still written on by hand bears the day of that: whoever confirms it says so.
        day = uow.archive.today() if layout.complete else None
        record_as(uow, document_id, type=layout.record_type, state=state, originator=form.subtitle, evidence_on=day)
        subjects = subjects_of(uow.session, engagement.id, document=document_id)
        about = {"nonconformity": nonconformity_id} if nonconformity_id else {}
        uow.record(FORM_FILED, {**subjects, **about}, form=code, file_type=file_type.value, language=language)
    return FiledForm(document_id, again=False, complete=layout.complete)


def _filled(
    uow: UnitOfWork, engagement_id: str, code: str, nonconformity_id: str | None, language: str
) -> tuple[Layout, PrintedForm]:
    uow.require(WORK, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    layout = all_layouts().get(code) if code in scheme_of(uow, engagement).forms else None
    if layout is None or (layout.of == NONCONFORMITY) != (nonconformity_id is not None):
        raise NotFoundError
    if nonconformity_id is not None:
        uow.require("nonconformity", nonconformity_id)
        if uow.session.get_one(Nonconformity, nonconformity_id).engagement_id != engagement_id:
            raise NotFoundError
    if language not in LANGUAGES:
        raise InvalidInputError(field=N_("Language"), reason=N_("The archive does not speak this language."))
    return layout, fill(layout, known_of(uow, engagement_id, nonconformity_id, language), language)


def _made(archive: Archive, form: PrintedForm, file_type: FileType) -> MadeForm:
    # The day and not the moment, so that nothing but a change makes another file.
    zone = archive.rules.zone
    moment = datetime.combine(archive.clock.now().astimezone(zone).date(), time(), zone)
    content = form_pdf(form, moment) if file_type is FileType.PDF else form_docx(form, moment)
    return MadeForm(f"{_title(form)[:_NAME_CHARS]}.{file_type.value}", content, moment)


def _title(form: PrintedForm) -> str:
    """What a form and its file are called; a slash would be read as a folder."""
    name = f"{form.title} {form.about}"
    return plain_text(name).replace("/", "_").replace("\\", "_").replace("\n", " ").strip()
