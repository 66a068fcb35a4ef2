"""`lantai restore`."""

import os
import sys
from pathlib import Path

import click

from archive_app.backup.restoring import Check, check_backup, restore
from archive_app.cli.console import ProgressLine, language, say, words
from archive_app.kernel.language import N_
from archive_app.settings import load_settings
from storage import StorageError


@click.command(
    help=words(
        N_(
            "Restore the newest generation of the backup in FOLDER into an empty data directory. "
            "The keys must be there first: `lantai keys import`."
        )
    )
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--generation", help=words(N_("Another generation than the newest.")))
@click.option("--verify-only", is_flag=True, help=words(N_("Only check the backup; needs no keys and writes nothing.")))
@click.option(
    "--accept-faults", is_flag=True, help=words(N_("Restore although some stored files are missing from the backup."))
)
def command(*, folder: Path, generation: str | None, verify_only: bool, accept_faults: bool) -> None:
    """Checks, and restores unless only the check was asked for."""
    line = ProgressLine()

    def told(done: int, total: int) -> None:
        line.show(N_("%(done)s of %(total)s stored files"), done=done, total=total)

    try:
        if verify_only:
            check = check_backup(folder, generation, told)
        else:
            settings = load_settings(os.environ)
            check = restore(folder, settings, generation, accept_faults=accept_faults, told=told)
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    line.clear()
    _show(check)
    if not verify_only:
        say(N_("Generation %(name)s was restored. Run `lantai verify`, then `lantai serve`; the search "
"index is made anew at its start."),
            name=check.manifest.generation)  # fmt: skip
    if not check.sound:
        sys.exit(1)


def _show(check: Check) -> None:
    manifest = check.manifest
    say(
        N_("Generation %(name)s of archive %(archive)s: %(count)s stored files, log of %(log)s "
"entries, made %(made)s."),
        name=manifest.generation, archive=manifest.archive_id, count=manifest.blob_count, log=manifest.log_size,
        made=manifest.created_at,
    )  # fmt: skip
    for blob in check.blob_findings:
        say(N_("Stored file %(blob)s is %(result)s."), blob=blob.blob_id, result=words(blob.result))
    for finding in check.log_findings:
        click.echo(finding.text(language()))
    if not check.log_checked:
        say(N_("The log inside a PostgreSQL copy is checked after restoring, by `lantai verify`."))
    if check.sound:
        say(N_("Nothing is wrong with it."))
