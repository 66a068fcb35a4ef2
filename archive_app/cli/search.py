"""`lantai search`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import click

from archive_app.cli.console import ProgressLine, opened_archive, say, tell, words
from archive_app.documents.index_key import index_key
from archive_app.documents.indexing import describe_all, request_rebuild
from archive_app.documents.notes import SEARCH_NOTES
from archive_app.documents.searching import Found, SearchPage, SearchUnavailableError, search_documents
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.language import N_
from archive_app.runtime import index_memory_directory, search_engine
from archive_app.settings import Settings
from archive_app.worker import open_index
from search import Filters, IndexBusy, Sort, rebuild

OPERATOR = Actor.system("operator", via="cli")


class _SearchGroup(click.Group):
    """`lantai search WORDS` asks; the one subcommand is `rebuild`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["find", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_SearchGroup,
    help=words(
        N_("Search the archive as its operator: `lantai search WORDS`. `lantai search rebuild` makes the index anew.")
    ),
)
def command() -> None:
    """Asks the index."""


@command.command(hidden=True)
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--engagement", "engagements", multiple=True, help=words(N_("Only in this engagement (id); may be repeated."))
)
@click.option("--all-versions", is_flag=True, help=words(N_("Replaced versions too.")))
@click.option("--sort", type=click.Choice([sort.value for sort in Sort]), default=Sort.RELEVANCE.value)
@click.option("--skip", type=click.IntRange(0, 10_000), default=0, help=words(N_("Leave out so many hits at the top.")))
@click.option("--no-synonyms", is_flag=True, help=words(N_("Do not look for synonyms.")))
def find(
    *, text: tuple[str, ...], engagements: tuple[str, ...], all_versions: bool, sort: str, skip: int, no_synonyms: bool
) -> None:
    """Prints hits with excerpts."""
    filters = Filters(engagements=frozenset(engagements), current_only=not all_versions)

    def ask() -> SearchPage:
        return search_documents(
            OPERATOR, text=" ".join(text), filters=filters, sort=Sort(sort), offset=skip, synonyms=not no_synonyms
        )

    with opened_archive() as (archive, settings):
        tell(N_("This is the operator's view: everything in the archive, whoever may see it on the pages."))
        try:
            page = ask()
        except SearchUnavailableError:
            with _unsealed(archive, settings):
                page = ask()
    _show(page, skip)


@command.command("rebuild", help=words(N_("Make the whole index anew from the stored texts.")))
def rebuild_command() -> None:
    """Rebuilds here, or has the running worker do it."""
    with opened_archive() as (archive, settings):
        line = ProgressLine()
        documents = describe_all(archive, lambda done: line.show(N_("%(done)s versions"), done=done))
        memory = index_memory_directory(settings, archive.archive_id)
        sealed = settings.data_directory / "index"
        try:
            index = rebuild(
                memory,
                sealed,
                index_key(archive),
                archive.archive_id,
                documents=documents,
                watermark=None,
                engine=search_engine(settings),
            )
        except IndexBusy:
            request_rebuild(OPERATOR)
            say(N_("The running worker makes the index anew; until it is ready the old one answers."))
            return
        with index:
            line.clear()
            say(N_("The index was made anew: %(count)s versions."), count=index.count)


@contextmanager
def _unsealed(archive: Archive, settings: Settings) -> Iterator[None]:
    """The index in memory for the time of this command, as no worker keeps it there."""
    memory = index_memory_directory(settings, archive.archive_id)
    with open_index(archive, settings, memory):
        try:
            yield
        finally:
            # While the lock is still held: afterwards a worker may have begun to use the directory.
            shutil.rmtree(memory)


def _show(page: SearchPage, skip: int) -> None:
    for found in page.found:
        _show_hit(found)
    for note in page.notes:
        tell(SEARCH_NOTES[note])
    for one in page.expanded:
        tell(N_("Also looked for: %(others)s (%(term)s)"), others=", ".join(one.added), term=one.term)
    first, last = (skip + 1, skip + len(page.found)) if page.found else (0, 0)
    say(N_("Hits %(first)s to %(last)s of %(total)s."), first=first, last=last, total=page.total)


def _show_hit(found: Found) -> None:
    click.echo(f"{found.document.id}  {click.style(found.version.name, bold=True)}")
    click.echo(
        f"  {found.engagement.number} {found.engagement.title} · {found.client_name} · {found.version.filed_at.date()}"
    )
    for fragment, place in zip(found.fragments, found.places, strict=True):
        pieces = (click.style(piece.text, bold=True) if piece.marked else piece.text for piece in fragment.pieces)
        stands = " · ".join(words(one.message, **one.params) for one in place.label) if place else ""
        click.echo("  … " + "".join(pieces).replace("\n", " ") + (f"  [{stands}]" if stands else ""))
