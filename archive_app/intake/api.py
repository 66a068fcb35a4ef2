"""The JSON interface of the intake: imports of registers, and the inbox."""

from datetime import datetime
from typing import Any, Literal

from flask import Response, request
from pydantic import Field

from archive_app.documents.api import DocumentShown, show_document
from archive_app.documents.errors import DuplicateError
from archive_app.documents.ingest import Entry
from archive_app.documents.looking import DocumentLine
from archive_app.intake.inbox.filing import file_one
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.inbox.sorting import InboxFilters, InboxLine, view_inbox, view_inbox_file
from archive_app.intake.registers.attaching import match, receive_file
from archive_app.intake.registers.bringing import bring_register, map_columns
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.filing import file_now
from archive_app.intake.registers.layouts import column_letters
from archive_app.intake.registers.models import Register
from archive_app.intake.registers.reporting import report
from archive_app.intake.registers.reviewing import (
    RegisterLine,
    RegisterPage,
    RowFilters,
    RowLine,
    list_registers,
    list_rows,
    view_register,
)
from archive_app.kernel.language import translate
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import After, Asked, Identifier, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language

blueprint = Resources("intake", __name__)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ImportShown(Shown):
    """A register that was brought. `state`: mapping (its columns are to be named), checking, ready, filing, closed,
    undoing. `columns` are by their letters, as they are named or proposed; `rows` are counted by state and fault."""

    id: str
    engagement_id: str | None
    name: str
    kind: str
    sha256: str
    size_bytes: int
    state: str
    fault: str | None
    done: int
    total: int
    left_out: int
    created_at: datetime
    changed_at: datetime


class ImportDetail(ImportShown):
    """A register with its sheets, its header and its rows."""

    sheets: list[str]
    headings: list[str]
    header_rows: list[int]
    columns: dict[str, str]
    mapped: bool
    rows: dict[str, int]
    files: int
    files_left: int


class ImportListed(ImportShown):
    """A register with its rows counted."""

    rows: dict[str, int]


class FaultFound(Shown):
    """What is wrong with a row, where, and what to do. `confirmable` faults may be accepted as they are."""

    code: str
    field: str
    column: str
    heading: str
    value: str
    words: str
    advice: str
    severity: str
    confirmable: bool
    confirmed: bool


class RowShown(Shown):
    """A row as it stands now (`values`) and as it was read (`source`)."""

    id: str
    number: int
    state: str
    worst: str
    values: dict[str, str]
    source: dict[str, str]
    faults: list[FaultFound]
    files: int


class AcceptedShown(Shown):
    """What was handed on to be done; its progress stands at the import."""

    id: str
    accepted: Literal[True] = True


class InboxFileShown(Shown):
    """A file that came in. `state`: waiting, filed, refused, discarded."""

    id: str
    name: str
    kind: str
    size_bytes: int
    sha256: str | None
    folder: str
    source_path: str
    source_system: str
    originator: str
    activity: str
    state: str
    engagement_id: str | None
    document_id: str | None
    created_at: datetime


class ImportQuery(After):
    """What a list of imports is narrowed to."""

    engagement: Identifier | None = None
    text: Text = Field("", max_length=200, description="Any part of the name.")


class NewImportQuery(Asked):
    """A register to bring."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["卷内目录.xlsx"])
    engagement: Identifier | None = Field(None, description="Where all rows belong, if to one engagement.")


class Columns(Asked):
    """Which column means what."""

    columns: dict[str, Literal[tuple(FIELDS)]] = Field(  # type: ignore[valid-type]  # the fields that there are
        min_length=1, max_length=200, description="Fields by the letters of their columns.", examples=[{"A": "title"}]
    )
    last_header_row: int | None = Field(None, ge=0, le=1000, description="The last row above the first record.")


class RowQuery(After):
    """What a list of rows is narrowed to."""

    state: Literal["", "open", "faulty", "refused", "filed", "closed"] = ""
    fault: Text = Field("", max_length=60, description="Only rows with a fault of this code.")
    text: Text = Field("", max_length=200)


class SentFileQuery(Asked):
    """What is known of a file that comes in."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["001.pdf"])
    source_path: Text = Field("", max_length=2000)
    source_system: Text = Field("", max_length=100)
    originator: Text = Field("", max_length=200)
    activity: Text = Field("", max_length=200)


class InboxSentQuery(SentFileQuery):
    """What is known of a file for the inbox."""

    engagement: Identifier | None = Field(None, description="Where it probably belongs.")


class InboxQuery(After):
    """What the inbox is narrowed to."""

    state: Literal["waiting", "filed", "refused", "discarded"] = "waiting"
    folder: Text = Field("", max_length=100)
    text: Text = Field("", max_length=200)


class InboxFiling(Asked):
    """Where a file of the inbox is filed."""

    engagement_id: Identifier = Field(examples=["019aa2b4-11c0-7d04-8f7e-0a4de64b7c44"])
    duplicates: Literal["refuse", "keep"] = "refuse"


_IMPORT: dict[str, Any] = {
    "id": "019aa2b4-4000-7d04-8f7e-0a4de64b7e01",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "name": "卷内目录.xlsx",
    "kind": "xlsx",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size_bytes": 20480,
    "state": "ready",
    "fault": None,
    "done": 300,
    "total": 300,
    "left_out": 0,
    "created_at": "2026-11-21T02:00:00Z",
    "changed_at": "2026-11-21T02:00:10Z",
}
_ACCEPTED = {"id": _IMPORT["id"], "accepted": True}


def _import(register: Register) -> ImportShown:
    return ImportShown(**_facts(register))


def _listed(line: RegisterLine) -> ImportListed:
    return ImportListed(**_facts(line.register), rows=dict(line.counts))


def _detail(page: RegisterPage) -> ImportDetail:
    return ImportDetail(
        **_facts(page.register),
        sheets=[name for name, _hidden in page.facts.sheets],
        headings=list(page.facts.header.headings),
        header_rows=sorted(page.facts.header.rows),
        columns={column_letters(column): code for column, code in page.columns.items()},
        mapped=page.layout is not None,
        rows=dict(page.counts),
        files=page.files,
        files_left=page.files_left,
    )


def _facts(register: Register) -> dict[str, Any]:
    told = {name: getattr(register, name) for name in ImportShown.model_fields if name != "sha256"}
    return {**told, "sha256": register.sha256.hex()}


def _row(line: RowLine) -> RowShown:
    language = current_language()
    faults = [
        FaultFound(
            code=found.fault.code,
            field=found.fault.field,
            column=found.column,
            heading=found.heading,
            value=found.fault.value,
            words=translate(language, found.fault.kind.words, **{**found.fault.params, "value": found.fault.value}),
            advice=translate(language, found.fault.kind.advice),
            severity=found.fault.kind.severity,
            confirmable=found.fault.kind.confirmable,
            confirmed=found.confirmed,
        )
        for found in line.faults
    ]
    told = {name: getattr(line, name) for name in ("id", "number", "state", "worst", "files")}
    return RowShown(**told, values=dict(line.values), source=dict(line.source), faults=faults)


def _accepted(_result: object) -> AcceptedShown:
    return AcceptedShown(id=(request.view_args or {})["register_id"])


def _inbox_file(row: InboxFile) -> InboxFileShown:
    told = {name: getattr(row, name) for name in InboxFileShown.model_fields if name != "sha256"}
    return InboxFileShown(**told, sha256=row.sha256.hex() if row.sha256 else None)


def _inbox_line(line: InboxLine) -> InboxFileShown:
    return _inbox_file(line.file)


@blueprint.lists("/imports", Permission.REGISTERS_IMPORT, of=ImportListed, shows=_listed, query=ImportQuery)
def list_of_imports(query: ImportQuery) -> Page[RegisterLine]:
    """The imports of registers, newest first."""
    return list_registers(current_actor(), engagement_id=query.engagement or "", text=query.text, after=query.after)


@blueprint.writes(
    "/imports",
    Permission.REGISTERS_IMPORT,
    query=NewImportQuery,
    takes_file=True,
    answer=ImportShown,
    shows=_import,
    located="/imports/{id}",
    problems=[404],
    example=_IMPORT,
)
def post_import(query: NewImportQuery, sent: SentFile) -> None:
    """Brings a register (Excel or CSV): kept as evidence, its sheet read, its columns proposed."""
    bring_register(current_actor(), stream=sent, name=query.name, engagement_id=query.engagement)


@blueprint.reads("/imports/<id:register_id>", Permission.REGISTERS_IMPORT, answer=ImportDetail, shows=_detail)
def read_import(register_id: str) -> RegisterPage:
    """One import: its state, its columns, its rows counted."""
    return view_register(current_actor(), register_id=register_id)


@blueprint.writes(
    "/imports/<id:register_id>/columns",
    Permission.REGISTERS_IMPORT,
    method="PUT",
    status=202,
    body=Columns,
    answer=AcceptedShown,
    shows=_accepted,
    example=_ACCEPTED,
)
def put_columns(register_id: str, body: Columns) -> None:
    """Says which column means what, and has every row checked."""
    columns = {_column(letters): code for letters, code in body.columns.items()}
    map_columns(current_actor(), register_id=register_id, columns=columns, last_header_row=body.last_header_row)


@blueprint.lists("/imports/<id:register_id>/rows", Permission.REGISTERS_IMPORT, of=RowShown, shows=_row, query=RowQuery)
def list_of_rows(register_id: str, query: RowQuery) -> Page[RowLine]:
    """The rows of a register in their order, with what is wrong with each."""
    filters = RowFilters(state=query.state, fault=query.fault, text=query.text)
    return list_rows(current_actor(), register_id=register_id, filters=filters, after=query.after)


@blueprint.writes(
    "/imports/<id:register_id>/files",
    Permission.DOCUMENTS_ADD,
    query=SentFileQuery,
    takes_file=True,
    answer=InboxFileShown,
    shows=_inbox_file,
)
def post_import_file(register_id: str, query: SentFileQuery, sent: SentFile) -> None:
    """Takes a file that belongs to a row of the register."""
    entry = Entry(**query.model_dump(), claimed_media_type=sent.media_type)
    receive_file(current_actor(), register_id=register_id, stream=sent, entry=entry)


@blueprint.writes(
    "/imports/<id:register_id>/matching",
    Permission.REGISTERS_IMPORT,
    status=202,
    answer=AcceptedShown,
    shows=_accepted,
    example=_ACCEPTED,
)
def post_matching(register_id: str) -> None:
    """Attaches every file that certainly belongs to one row."""
    match(current_actor(), register_id=register_id)


@blueprint.writes(
    "/imports/<id:register_id>/filing",
    Permission.REGISTERS_IMPORT,
    status=202,
    answer=AcceptedShown,
    shows=_accepted,
    example=_ACCEPTED,
)
def post_filing(register_id: str) -> None:
    """Has every row that is ready filed."""
    file_now(current_actor(), register_id=register_id)


@blueprint.reads("/imports/<id:register_id>/report", Permission.REGISTERS_IMPORT, media_type=_XLSX)
def read_report(register_id: str) -> Response:
    """The report of an import as it stands now, as XLSX."""
    content = report(current_actor(), register_id=register_id, language=current_language())
    return Response(content, mimetype=_XLSX)


@blueprint.lists("/inbox", Permission.INBOX_SORT, of=InboxFileShown, shows=_inbox_line, query=InboxQuery)
def list_of_inbox(query: InboxQuery) -> Page[InboxLine]:
    """The files of the inbox."""
    filters = InboxFilters(text=query.text, folder=query.folder, state=query.state)
    return view_inbox(current_actor(), filters=filters, language=current_language(), after=query.after).page


@blueprint.writes(
    "/inbox",
    Permission.DOCUMENTS_ADD,
    query=InboxSentQuery,
    takes_file=True,
    answer=InboxFileShown,
    shows=_inbox_file,
    located="/inbox/{id}",
    problems=[404],
)
def post_inbox_file(query: InboxSentQuery, sent: SentFile) -> None:
    """Puts a file into the inbox of one's own organisation."""
    actor = current_actor()
    entry = Entry(**query.model_dump(exclude={"engagement"}), claimed_media_type=sent.media_type)
    place = InboxPlace(actor.organisation_id or "", query.engagement)
    hold_file(actor, stream=sent, entry=entry, place=place)


@blueprint.reads("/inbox/<id:inbox_id>", Permission.INBOX_SORT, answer=InboxFileShown, shows=_inbox_line)
def read_inbox_file(inbox_id: str) -> InboxLine:
    """One file of the inbox."""
    return view_inbox_file(current_actor(), inbox_id=inbox_id, language=current_language())


@blueprint.writes(
    "/inbox/<id:inbox_id>/filing",
    Permission.INBOX_SORT,
    body=InboxFiling,
    answer=DocumentShown,
    shows=show_document,
    located="/documents/{id}",
)
def post_inbox_filing(inbox_id: str, body: InboxFiling) -> DocumentLine | DuplicateError:
    """Files a waiting file of the inbox into an engagement; a duplicate goes on waiting."""
    return file_one(
        current_actor(),
        inbox_id=inbox_id,
        engagement_id=body.engagement_id,
        allow_duplicate=body.duplicates == "keep",
    )


def _column(letters: str) -> int:
    """The number of a column from 0, by its letters; what is no column is one that no sheet has."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + ord(letter) - ord("A") + 1 if "A" <= letter <= "Z" else 10**6
    return number - 1
