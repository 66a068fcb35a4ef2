"""`lantai register`: check a register, import it with its files, report on it, undo it."""

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive_app.cli.console import ProgressLine, language, opened_archive, refuse, say, tell, words
from archive_app.documents.importing import Source, SourceUnreadableError, walk
from archive_app.documents.ingest import Entry
from archive_app.documents.names import readable_path
from archive_app.engagements.engagements import subjects_of
from archive_app.identity.models import Organisation
from archive_app.intake.registers import attaching, bringing, filing, loading, reporting, reviewing, undoing
from archive_app.intake.registers.faults import REFUSE
from archive_app.intake.registers.fields import FIELDS
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, read_kept
from archive_app.kernel.language import N_

if TYPE_CHECKING:
    from archive_app.intake.registers.reviewing import RowLine

OPERATOR = Actor.system("operator", via="cli")
_WAIT_SECONDS = 0.5


@click.group(help=words(N_("Take over a register 登记表 (Excel or CSV): its rows become records with their files.")))
def command() -> None:
    """The group of commands on registers."""


@command.command(
    help=words(N_("Bring a register and check every row; nothing is filed. Prints its id, and every fault by cell."))
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--engagement", "engagement_id", help=words(N_("Id of the engagement that all rows belong to.")))
@click.option("--organisation", help=words(N_("Name of the organisation, where rows name their engagements.")))
@click.option("--column", "columns", multiple=True, help=words(N_("What a column means, as 2=title; counted from 1.")))
def check(*, file: Path, engagement_id: str | None, organisation: str | None, columns: tuple[str, ...]) -> None:
    """Brings, names the columns, checks."""
    with opened_archive() as (archive, _settings):
        actor = _actor(archive, engagement_id, organisation)
        with file.open("rb") as stream:
            register_id = bringing.bring_register(actor, stream=stream, name=file.name, engagement_id=engagement_id)
        proposed = dict(reviewing.view_register(actor, register_id=register_id).columns)
        bringing.map_columns(actor, register_id=register_id, columns=proposed | _columns(columns))
        loading.load_rows(archive, register_id, actor.name)
        refused = _tell_faults(actor, register_id)
        counts = _settled(actor, register_id).counts
        say(N_("Register %(register)s: %(rows)s rows, %(refuse)s with faults, %(warn)s worth a look."),
            register=register_id, **{name: counts[name] for name in ("rows", "refuse", "warn")})  # fmt: skip
    if refused:
        sys.exit(1)


@command.command(
    "import",
    help=words(
        N_(
            "Attach files to the rows of a checked register, and file every row that is ready. A run that was cut off "
            "is simply repeated."
        )
    ),
)
@click.argument("register_id")
@click.argument("paths", nargs=-1, type=click.Path())
def import_(*, register_id: str, paths: tuple[str, ...]) -> None:
    """Takes the files, matches, files; says what is left on either side."""
    with opened_archive() as (archive, _settings):
        refused = _take_files(register_id, paths)
        attaching.match(OPERATOR, register_id=register_id)
        if filing.summarise(OPERATOR, register_id=register_id).records:
            filing.file_now(OPERATOR, register_id=register_id)
            filing.file_rows(archive, register_id, OPERATOR.name)
        counts = _settled(OPERATOR, register_id).counts
        left = attaching.list_left(OPERATOR, register_id=register_id)
        for row in left.rows:
            say(N_("Row %(number)s has no file: %(title)s"), number=row.number, title=row.title)
        for file in left.files:
            say(N_("This file belongs to no row: %(path)s"), path=file.path)
        for line in _rows(register_id, state="refused"):
            click.echo(f"{line.number}: {read_kept(line.refusal, language())}")
        say(N_("%(filed)s rows filed, %(open)s open, %(closed)s closed."),
            **{name: counts[name] for name in ("filed", "open", "closed")})  # fmt: skip
    if counts["open"] or left.file_count or refused:
        sys.exit(1)


@command.command(help=words(N_("Write the report of an import as a workbook; with --close, also end the import.")))
@click.argument("register_id")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--close", is_flag=True, help=words(N_("End the import; no row may be open any more.")))
def report(*, register_id: str, file: Path, close: bool) -> None:
    """Writes the report; an existing file is never overwritten."""
    with opened_archive():
        if close:
            reporting.close_register(OPERATOR, register_id=register_id, language=language())
        content = reporting.report(OPERATOR, register_id=register_id, language=language())
        try:
            with file.open("xb") as stream:
                stream.write(content)
        except OSError as error:
            raise refuse(N_("%(path)s could not be written: %(reason)s"), path=file, reason=error.strerror) from error
    say(N_("The report is in %(path)s."), path=file)


@command.command(help=words(N_("Take back every record of an import, as long as nothing else happened to them.")))
@click.argument("register_id")
def undo(*, register_id: str) -> None:
    """Undoes an import."""
    with opened_archive() as (archive, _settings):
        undoing.undo_import(OPERATOR, register_id=register_id)
        undoing.undo_rows(archive, register_id, OPERATOR.name)
        counts = _settled(OPERATOR, register_id).counts
    say(N_("%(open)s rows are open again, %(filed)s stay filed."), open=counts["open"], filed=counts["filed"])
    if counts["filed"]:
        sys.exit(1)


def _actor(archive: Archive, engagement_id: str | None, organisation: str | None) -> Actor:
    """The operator, acting for the organisation that the register belongs to."""
    with archive.reading(OPERATOR) as uow:
        if engagement_id is not None:
            return replace(OPERATOR, organisation_id=subjects_of(uow.session, engagement_id)["organisation"] or None)
        found = [row for row in uow.session.query(Organisation) if organisation in {None, row.name}]
    if len(found) != 1:
        raise refuse(N_("Name the engagement with --engagement, or the organisation with --organisation."))
    return replace(OPERATOR, organisation_id=found[0].id)


def _columns(told: Iterable[str]) -> dict[int, str]:
    found = {}
    for one in told:
        number, _, code = one.partition("=")
        if not number.isdecimal() or int(number) < 1 or (code and code not in FIELDS):
            raise refuse(N_("--column %(told)s is not understood. Fields are: %(fields)s"), told=one,
                         fields=", ".join(FIELDS))  # fmt: skip
        found[int(number) - 1] = code
    return found


def _take_files(register_id: str, paths: tuple[str, ...]) -> int:
    """Takes every file below the paths that the register does not have yet; returns how many were refused."""
    line, taken, refused = ProgressLine(), 0, 0
    for found in walk(paths):
        path = readable_path(found.path)
        try:
            if found.error is not None:
                raise found.error
            with Source(found) as source:
                offer = attaching.Offer(path, source.size_bytes)
                if not attaching.known_files(OPERATOR, register_id=register_id, offers=[offer])[0]:
                    entry = Entry(name=readable_path(found.name), source_path=path)
                    attaching.receive_file(
                        OPERATOR, register_id=register_id, stream=source, entry=entry, confirm=source.confirm
                    )
                    taken += 1
        except (ArchiveError, OSError) as error:
            refused += 1
            told = error if isinstance(error, ArchiveError) else SourceUnreadableError(reason=error.strerror)
            click.echo(f"{path}: {told.text(language())}", err=True)
        line.show(N_("%(taken)s files taken"), taken=taken)
    line.clear()
    return refused


def _tell_faults(actor: Actor, register_id: str) -> bool:
    """Says every fault with its cell; returns whether one of them keeps a row from being filed."""
    _settled(actor, register_id)
    grave = False
    for row in _rows(register_id, state="faulty"):
        for found in row.faults:
            fault = found.fault
            grave = grave or fault.kind.severity == REFUSE
            place = f"{found.column}{row.number}" if found.column else str(row.number)
            text = words(fault.kind.words, **fault.params)
            click.echo(f"{place}\t{found.heading}\t{fault.value!r}\t{text} {words(fault.kind.advice)}")
    return grave


def _rows(register_id: str, *, state: str) -> "Iterable[RowLine]":
    after = None
    while True:
        filters = reviewing.RowFilters(state=state)
        page = reviewing.list_rows(OPERATOR, register_id=register_id, filters=filters, after=after)
        yield from page.items
        if (after := page.next_key) is None:
            return


def _settled(actor: Actor, register_id: str) -> reviewing.RegisterPage:
    """The register when neither this command nor the worker is busy with it any more."""
    while True:
        page = reviewing.view_register(actor, register_id=register_id)
        if page.register.state not in {"checking", "filing", "undoing"}:
            return page
        tell(N_("The worker is busy with this register; waiting."))
        time.sleep(_WAIT_SECONDS)
