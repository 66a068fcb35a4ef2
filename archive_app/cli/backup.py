"""`lantai backup`."""

import sys
from pathlib import Path

import click

from archive_app.backup.writing import KEPT_GENERATIONS, back_up
from archive_app.cli.console import ProgressLine, opened_archive, say, size_text, words
from archive_app.kernel.language import N_


@click.command(
    help=words(
        N_(
            "Add one generation to the backup in FOLDER, while the archive runs. Keys are never "
            "in it: see `lantai keys export`."
        )
    )
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--keep", type=click.IntRange(1, 1000), default=KEPT_GENERATIONS, show_default=True,
    help=words(N_("How many generations to keep.")),
)  # fmt: skip
def command(*, folder: Path, keep: int) -> None:
    """Backs up; names what could not be copied."""
    line = ProgressLine()
    with opened_archive() as (archive, settings):
        backup = back_up(
            archive,
            folder,
            avoid=(settings.key_directory,),
            kept=keep,
            told=lambda done, total: line.show(N_("%(done)s of %(total)s stored files"), done=done, total=total),
        )
    line.clear()
    manifest = backup.manifest
    say(
        N_("Generation %(name)s: database %(database)s, %(count)s stored files, %(new)s of them new "
"(%(size)s), log of %(log)s entries."),
        name=manifest.generation, database=size_text(manifest.database_size_bytes), count=manifest.blob_count,
        new=backup.copied_count, size=size_text(backup.copied_bytes), log=manifest.log_size,
    )  # fmt: skip
    for name in backup.removed_generations:
        say(N_("Generation %(name)s was let go."), name=name)
    for fault in backup.faults:
        say(N_("Stored file %(blob)s is %(result)s in the archive and not in the backup. `lantai verify` "
"names its document."),
            blob=fault.blob_id, result=words(fault.result))  # fmt: skip
    if backup.faults:
        sys.exit(1)
