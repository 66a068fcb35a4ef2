"""The JSON interface of a register's rows and files: mending, confirming, attaching, closing, one act at a time."""

from collections.abc import Mapping
from typing import Any, Literal

from flask import request
from pydantic import Field

from archive_app.documents.ingest import Entry
from archive_app.intake.inbox.api import INBOX_EXAMPLE, InboxFileShown, SentFileQuery, show_inbox_file
from archive_app.intake.registers.attaching import FileLine, attach, detach, let_go, list_files, receive_file
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.filing import allow_same_content
from archive_app.intake.registers.reviewing import (
    REASONS,
    FaultLine,
    RowFilters,
    RowLine,
    close_row,
    close_rows_without_file,
    confirm_fault,
    confirm_warnings,
    list_rows,
    mend_cell,
    reopen_row,
    view_row,
)
from archive_app.kernel.errors import read_kept
from archive_app.kernel.language import translate
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import Asked, Identifier, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language

blueprint = Resources("registers", __name__)
_ROW_PATH = "/imports/<id:register_id>/rows/<id:row_id>"
_FILE_PATH = "/imports/<id:register_id>/files/<id:file_id>"


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
    """A row as it stands now (`values`) and as it was read (`source`). `state`: open, filed, closed (with its
    `reason`: no_file or left_out, and one's own words). `worst`: refuse (it cannot be filed), warn, or empty.
    `refusal` says why filing it failed last."""

    id: str
    number: int
    state: str
    worst: str
    values: dict[str, str]
    source: dict[str, str]
    faults: list[FaultFound]
    files: int
    reason: str
    reason_words: str
    refusal: str


class ImportFileShown(Shown):
    """A file of a register. `how` it found its row: name, stem, number, barcode, group, hand; empty without a row."""

    id: str
    name: str
    path: str
    size_bytes: int
    how: str
    row_id: str | None
    row_number: int | None
    document_id: str | None


class CountShown(Shown):
    """To how many rows something was done."""

    id: str
    rows: int


class RowQuery(Paging):
    """What a list of rows is narrowed to."""

    state: Literal["", "open", "faulty", "refused", "filed", "closed"] = ""
    fault: Text = Field("", max_length=60, description="Only rows with a fault of this code.")
    text: Text = Field("", max_length=200)


class ImportFileQuery(Paging):
    """What a list of files is narrowed to."""

    row: Identifier | None = Field(None, description="Only those of this row.")
    left: Literal["any", "only"] = Field(default="any", description="`only`: those that belong to no row yet.")


class Correction(Asked):
    """Another value for one field of a row; an empty one empties it."""

    field: Literal[tuple(FIELDS)] = Field(examples=["dated_on"])  # type: ignore[valid-type]  # the fields that there are
    value: Text = Field(max_length=4000, examples=["2025-03-01"])


class Confirmation(Asked):
    """A fault that is right as it is."""

    fault: Text = Field(title="Fault", min_length=1, max_length=60, description="Its code.", examples=["date_partial"])


class Closing(Asked):
    """Why a row ends without a record."""

    reason: Literal[tuple(REASONS)] = Field(examples=["no_file"])  # type: ignore[valid-type]  # the reasons that there are
    words: Text = Field("", title="Reason", max_length=250, description="One's own words.", examples=["仅有纸质"])


class WithoutFile(Asked):
    """Why rows have no electronic file."""

    words: Text = Field("", title="Reason", max_length=250, description="One's own words.", examples=["仅有纸质"])


class Attached(Asked):
    """Files for a row, in their order."""

    files: list[Identifier] = Field(
        title="Files", min_length=1, max_length=200, examples=[["019aa2b4-5000-7d04-8f7e-0a4de64b7f01"]]
    )


class Discarding(Asked):
    """Why a file is discarded."""

    reason: Text = Field(title="Reason", min_length=1, max_length=300, examples=["不属于本卷"])


_REGISTER_ID = "019aa2b4-4000-7d04-8f7e-0a4de64b7e01"
_ROW: dict[str, Any] = {
    "id": "019aa2b4-4100-7d04-8f7e-0a4de64b7e11",
    "number": 2,
    "state": "open",
    "worst": "warn",
    "values": {"title": "监测报告", "dated_on": "2025-03"},
    "source": {"title": "监测报告", "dated_on": "2025-03"},
    "faults": [
        {
            "code": "date_partial",
            "field": "dated_on",
            "column": "C",
            "heading": "日期",
            "value": "2025-03",
            "words": "缺少日。",
            "advice": "若无误，无需处理。",
            "severity": "warn",
            "confirmable": True,
            "confirmed": False,
        }
    ],
    "files": 1,
    "reason": "",
    "reason_words": "",
    "refusal": "",
}
_FILE: dict[str, Any] = {
    "id": INBOX_EXAMPLE["id"],
    "name": "001.pdf",
    "path": "HC-2026-001/001.pdf",
    "size_bytes": 48211,
    "how": "name",
    "row_id": _ROW["id"],
    "row_number": 2,
    "document_id": None,
}
_LOOSE = _FILE | {"how": "", "row_id": None, "row_number": None}
_COUNTED = {"id": _REGISTER_ID, "rows": 12}


def _row(line: RowLine) -> RowShown:
    told = {name: getattr(line, name) for name in ("id", "number", "state", "worst", "files", "reason")}
    return RowShown(
        **told,
        values=dict(line.values),
        source=dict(line.source),
        faults=[_fault(found) for found in line.faults],
        reason_words=line.reason_words,
        refusal=read_kept(line.refusal, current_language()),
    )


def _fault(found: FaultLine) -> FaultFound:
    language, fault = current_language(), found.fault
    return FaultFound(
        code=fault.code,
        field=fault.field,
        column=found.column,
        heading=found.heading,
        value=fault.value,
        words=translate(language, fault.kind.words, **{**fault.params, "value": fault.value}),
        advice=translate(language, fault.kind.advice),
        severity=fault.kind.severity,
        confirmable=fault.kind.confirmable,
        confirmed=found.confirmed,
    )


def _file(line: FileLine) -> ImportFileShown:
    return ImportFileShown(**{name: getattr(line, name) for name in ImportFileShown.model_fields})


def _counted(rows: int) -> CountShown:
    in_path: Mapping[str, Any] = request.view_args or {}
    return CountShown(id=in_path["register_id"], rows=rows)


@blueprint.lists(
    "/imports/<id:register_id>/rows",
    Permission.REGISTERS_IMPORT,
    of=RowShown,
    shows=_row,
    query=RowQuery,
    example=_ROW,
)
def list_of_rows(register_id: str, query: RowQuery) -> Page[RowLine]:
    """The rows of a register in their order, with what is wrong with each."""
    filters = RowFilters(state=query.state, fault=query.fault, text=query.text)
    return list_rows(current_actor(), register_id=register_id, filters=filters, after=query.after, limit=query.limit)


@blueprint.reads(_ROW_PATH, Permission.REGISTERS_IMPORT, answer=RowShown, shows=_row, example=_ROW)
def read_row(register_id: str, row_id: str) -> RowLine:
    """One row of a register."""
    return view_row(current_actor(), register_id=register_id, row_id=row_id)


@blueprint.writes(
    f"{_ROW_PATH}/corrections",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Correction,
    answer=RowShown,
    shows=_row,
    example=_ROW,
)
def post_correction(register_id: str, row_id: str, body: Correction) -> None:
    """Puts another value into a field; the row, and those it shares something with, are checked at once."""
    mend_cell(current_actor(), register_id=register_id, row_id=row_id, field=body.field, text=body.value)


@blueprint.writes(
    f"{_ROW_PATH}/confirmations",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Confirmation,
    answer=RowShown,
    shows=_row,
    example=_ROW,
)
def post_confirmation(register_id: str, row_id: str, body: Confirmation) -> None:
    """Accepts what a confirmable fault of a row names as right."""
    confirm_fault(current_actor(), register_id=register_id, row_id=row_id, fault=body.fault)


@blueprint.writes(
    "/imports/<id:register_id>/confirmations",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Confirmation,
    answer=CountShown,
    shows=_counted,
    example=_COUNTED,
)
def post_confirmations(register_id: str, body: Confirmation) -> None:
    """Accepts one kind of warning on all open rows that have it."""
    confirm_warnings(current_actor(), register_id=register_id, fault=body.fault)


@blueprint.writes(
    f"{_ROW_PATH}/same-content",
    Permission.REGISTERS_IMPORT,
    status=200,
    answer=RowShown,
    shows=_row,
    example=_ROW,
)
def post_same_content(register_id: str, row_id: str) -> None:
    """Has a row that was refused for it filed next time although its content is filed already."""
    allow_same_content(current_actor(), register_id=register_id, row_id=row_id)


@blueprint.writes(
    f"{_ROW_PATH}/closing",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Closing,
    answer=RowShown,
    shows=_row,
    example=_ROW | {"state": "closed", "reason": "no_file", "reason_words": "仅有纸质"},
)
def post_row_closing(register_id: str, row_id: str, body: Closing) -> None:
    """Ends an open row without a record; its files belong to no row again."""
    close_row(current_actor(), register_id=register_id, row_id=row_id, reason=body.reason, words=body.words)


@blueprint.writes(
    "/imports/<id:register_id>/rows/closing",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=WithoutFile,
    answer=CountShown,
    shows=_counted,
    example=_COUNTED,
)
def post_rows_closing(register_id: str, body: WithoutFile) -> None:
    """Closes every open row that has no file as having no electronic file."""
    close_rows_without_file(current_actor(), register_id=register_id, words=body.words)


@blueprint.writes(
    f"{_ROW_PATH}/reopening",
    Permission.REGISTERS_IMPORT,
    status=200,
    answer=RowShown,
    shows=_row,
    example=_ROW,
)
def post_reopening(register_id: str, row_id: str) -> None:
    """Opens a closed row again."""
    reopen_row(current_actor(), register_id=register_id, row_id=row_id)


@blueprint.lists(
    "/imports/<id:register_id>/files",
    Permission.REGISTERS_IMPORT,
    of=ImportFileShown,
    shows=_file,
    query=ImportFileQuery,
    example=_FILE,
)
def list_of_import_files(register_id: str, query: ImportFileQuery) -> Page[FileLine]:
    """The files that came for a register, and the row of each."""
    return list_files(
        current_actor(),
        register_id=register_id,
        row_id=query.row or "",
        left_only=query.left == "only",
        after=query.after,
        limit=query.limit,
    )


@blueprint.writes(
    "/imports/<id:register_id>/files",
    Permission.DOCUMENTS_ADD,
    query=SentFileQuery,
    takes_file=True,
    answer=InboxFileShown,
    shows=show_inbox_file,
    example=INBOX_EXAMPLE,
)
def post_import_file(register_id: str, query: SentFileQuery, sent: SentFile) -> None:
    """Takes a file that belongs to a row of the register."""
    entry = Entry(**query.model_dump(), claimed_media_type=sent.media_type)
    receive_file(current_actor(), register_id=register_id, stream=sent, entry=entry)


@blueprint.writes(
    f"{_ROW_PATH}/files",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Attached,
    answer=RowShown,
    shows=_row,
    example=_ROW,
)
def post_row_files(register_id: str, row_id: str, body: Attached) -> None:
    """Attaches files of the register to a row by hand; one that belongs to another row changes over."""
    attach(current_actor(), register_id=register_id, row_id=row_id, file_ids=body.files)


@blueprint.writes(
    f"{_FILE_PATH}/detaching",
    Permission.REGISTERS_IMPORT,
    status=200,
    answer=ImportFileShown,
    shows=_file,
    example=_LOOSE,
)
def post_detaching(register_id: str, file_id: str) -> None:
    """Takes a file off its row."""
    detach(current_actor(), register_id=register_id, file_id=file_id)


@blueprint.writes(
    f"{_FILE_PATH}/discarding",
    Permission.REGISTERS_IMPORT,
    status=200,
    body=Discarding,
    answer=InboxFileShown,
    shows=show_inbox_file,
    example=INBOX_EXAMPLE | {"state": "discarded"},
)
def post_discarding(register_id: str, file_id: str, body: Discarding) -> None:
    """Discards a file that belongs to no row; its bytes are set aside, not destroyed."""
    let_go(current_actor(), register_id=register_id, file_id=file_id, reason=body.reason)
