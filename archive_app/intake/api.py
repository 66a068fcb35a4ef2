"""The JSON interface of imports: a register from its file to its end."""

from datetime import datetime
from typing import Any, Literal

from flask import Response, request
from pydantic import Field

from archive_app.intake.registers.attaching import match
from archive_app.intake.registers.bringing import bring_register, choose_sheet, map_columns, replace_register
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.filing import file_now
from archive_app.intake.registers.layouts import column_letters
from archive_app.intake.registers.models import Register
from archive_app.intake.registers.reporting import close_register, report
from archive_app.intake.registers.reviewing import RegisterLine, RegisterPage, list_registers, view_register
from archive_app.intake.registers.undoing import undo_import
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import Asked, Identifier, Paging, Text
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


class AcceptedShown(Shown):
    """What was handed on to be done; its progress stands at the import."""

    id: str
    accepted: Literal[True] = True


class ImportQuery(Paging):
    """What a list of imports is narrowed to."""

    engagement: Identifier | None = None
    text: Text = Field("", max_length=200, description="Any part of the name.")


class NewImportQuery(Asked):
    """A register to bring."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["卷内目录.xlsx"])
    engagement: Identifier | None = Field(None, description="Where all rows belong, if to one engagement.")


class CorrectedQuery(Asked):
    """A corrected file of the same register."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["卷内目录(改).xlsx"])


class Sheet(Asked):
    """Which sheet of the file is the register."""

    sheet: int = Field(title="Sheet", ge=0, le=10_000, description="Its place in `sheets`, from 0.", examples=[1])


class Columns(Asked):
    """Which column means what."""

    columns: dict[str, Literal[tuple(FIELDS)]] = Field(  # type: ignore[valid-type]  # the fields that there are
        min_length=1, max_length=200, description="Fields by the letters of their columns.", examples=[{"A": "title"}]
    )
    last_header_row: int | None = Field(None, ge=0, le=1000, description="The last row above the first record.")


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
_COUNTED = {"open": 300, "filed": 0, "closed": 0, "refuse": 2, "warn": 5}
_DETAIL = {
    "sheets": ["卷内目录"],
    "headings": ["题名", "文号"],
    "header_rows": [1],
    "columns": {"A": "title", "B": "number"},
    "mapped": True,
    "rows": _COUNTED,
    "files": 298,
    "files_left": 0,
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


def _accepted(_result: object) -> AcceptedShown:
    return AcceptedShown(id=(request.view_args or {})["register_id"])


@blueprint.lists(
    "/imports",
    Permission.REGISTERS_IMPORT,
    of=ImportListed,
    shows=_listed,
    query=ImportQuery,
    example=_IMPORT | {"rows": _COUNTED},
)
def list_of_imports(query: ImportQuery) -> Page[RegisterLine]:
    """The imports of registers, newest first."""
    return list_registers(
        current_actor(), engagement_id=query.engagement or "", text=query.text, after=query.after, limit=query.limit
    )


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


@blueprint.reads(
    "/imports/<id:register_id>",
    Permission.REGISTERS_IMPORT,
    answer=ImportDetail,
    shows=_detail,
    example=_IMPORT | _DETAIL,
)
def read_import(register_id: str) -> RegisterPage:
    """One import: its state, its columns, its rows counted."""
    return view_register(current_actor(), register_id=register_id)


@blueprint.writes(
    "/imports/<id:register_id>/content",
    Permission.REGISTERS_IMPORT,
    method="PUT",
    status=200,
    query=CorrectedQuery,
    takes_file=True,
    answer=ImportShown,
    shows=_import,
    example=_IMPORT | {"state": "checking"},
)
def put_import_content(register_id: str, query: CorrectedQuery, sent: SentFile) -> None:
    """Brings a corrected file of the register: its rows are read anew.

    Filed rows stay; rows that did not change keep what was mended and attached. With another header the columns are to
    be named again.
    """
    replace_register(current_actor(), register_id=register_id, stream=sent, name=query.name)


@blueprint.writes(
    "/imports/<id:register_id>/sheet",
    Permission.REGISTERS_IMPORT,
    method="PUT",
    status=200,
    body=Sheet,
    answer=ImportShown,
    shows=_import,
    example=_IMPORT | {"state": "mapping"},
)
def put_sheet(register_id: str, body: Sheet) -> None:
    """Takes another sheet of the file as the register; its columns are to be named."""
    choose_sheet(current_actor(), register_id=register_id, sheet=body.sheet)


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


@blueprint.writes(
    "/imports/<id:register_id>/closing",
    Permission.REGISTERS_IMPORT,
    status=200,
    answer=ImportShown,
    shows=_import,
    example=_IMPORT | {"state": "closed"},
)
def post_import_closing(register_id: str) -> None:
    """Ends the import: no row may be open, no file left.

    The digest of the report, in the language that is asked for, stands in the log.
    """
    close_register(current_actor(), register_id=register_id, language=current_language())


@blueprint.writes(
    "/imports/<id:register_id>/undoing",
    Permission.REGISTERS_IMPORT,
    status=202,
    answer=AcceptedShown,
    shows=_accepted,
    example=_ACCEPTED,
)
def post_undoing(register_id: str) -> None:
    """Has every record of the import taken back, as long as nothing else happened to any; its rows are open again."""
    undo_import(current_actor(), register_id=register_id)


@blueprint.reads("/imports/<id:register_id>/report", Permission.REGISTERS_IMPORT, media_type=_XLSX)
def read_report(register_id: str) -> Response:
    """The report of an import as it stands now, as XLSX."""
    content = report(current_actor(), register_id=register_id, language=current_language())
    return Response(content, mimetype=_XLSX)


def _column(letters: str) -> int:
    """The number of a column from 0, by its letters; what is no column is one that no sheet has."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + ord(letter) - ord("A") + 1 if "A" <= letter <= "Z" else 10**6
    return number - 1
