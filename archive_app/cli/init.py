"""`lantai init`."""

import os

import click

from archive_app.cli.console import opened_archive, say, words
from archive_app.identity.setting_up import create_setup_link
from archive_app.kernel.archive import Archive
from archive_app.kernel.language import N_
from archive_app.runtime import create_archive
from archive_app.settings import Settings, load_settings


@click.command(help=words(N_("Make the archive, or bring an existing one up to date. Safe to repeat.")))
@click.option("--without-link", is_flag=True, help=words(N_("Do not make a set-up link; `lantai serve` makes one.")))
def command(*, without_link: bool) -> None:
    """Makes or migrates the archive; prints the set-up link while it has no people."""
    settings = load_settings(os.environ)
    made = create_archive(settings)
    with opened_archive() as (archive, _):
        if made:
            say(N_("The archive was made in %(place)s."), place=settings.data_directory)
            say(N_("Its keys are in %(place)s. Without them nothing can ever be read: `lantai keys export` "
"makes a copy for the safe."),
                place=settings.key_directory / f"{archive.archive_id}.keys")  # fmt: skip
        else:
            say(N_("The archive in %(place)s is up to date."), place=settings.data_directory)
        if not without_link:
            announce_setup(archive, settings)


def announce_setup(archive: Archive, settings: Settings) -> None:
    """Prints a fresh set-up link while the archive has no people; earlier links stop working."""
    token = create_setup_link(archive)
    if token is not None:
        say(N_("Set the archive up here (this link works once and replaces earlier ones):"))
        click.echo(f"{settings.base_url}/set-up/{token}")
