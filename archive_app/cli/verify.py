"""`lantai verify`."""

import sys
from collections.abc import Iterator

import click
from sqlalchemy import func, select

from archive_app.cli.console import ProgressLine, language, opened_archive, say, size_text, words
from archive_app.documents.checking import check_all, find_orphans, find_removed
from archive_app.documents.held import held_blobs
from archive_app.documents.models import Version
from archive_app.documents.rotation import find_unreadable_keys
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.language import N_
from archive_app.trail.verification import find_problems
from storage import Purpose, StorageError

OPERATOR = Actor.system("operator", via="cli")


@click.command(
    help=words(
        N_(
            "Read every stored file back and compare it with its digests; compute the audit log "
            "anew. Ends with 1 if anything is wrong."
        )
    )
)
@click.option("--log-only", is_flag=True, help=words(N_("Only the audit log.")))
@click.option("--blobs-only", is_flag=True, help=words(N_("Only stored files and keys.")))
def command(*, log_only: bool, blobs_only: bool) -> None:
    """Prints everything that is wrong, as it is found."""
    if log_only and blobs_only:
        raise click.UsageError(words(N_("Choose one of --log-only and --blobs-only.")))
    wrong = 0
    with opened_archive() as (archive, _):
        line = ProgressLine()
        if not blobs_only:
            wrong += _print(line, _log_problems(archive, line))
        if not log_only:
            wrong += _print(line, _key_problems(archive))
            wrong += _print(line, _removed(archive))
            wrong += _print(line, _blob_problems(archive, line))
            orphans = find_orphans(archive)
            if orphans:
                say(
                    N_("For information: %(count)s stored files belong to no document (left by broken-off transfers)."),
                    count=len(orphans),
                )
    if wrong:
        say(N_("%(count)s things are wrong."), count=wrong)
        sys.exit(1)
    say(N_("Nothing is wrong."))


def _print(line: ProgressLine, problems: Iterator[str]) -> int:
    count = 0
    for count, problem in enumerate(problems, start=1):  # noqa: B007  # the last count is the answer
        line.clear()
        click.echo(problem)
    line.clear()
    return count


def _log_problems(archive: Archive, line: ProgressLine) -> Iterator[str]:
    def told(done: int, total: int) -> None:
        line.show(N_("Audit log: %(done)s of %(total)s entries"), done=done, total=total)

    for finding in find_problems(archive, told):
        yield finding.text(language())


def _key_problems(archive: Archive) -> Iterator[str]:
    for name in find_unreadable_keys(archive, OPERATOR):
        yield words(N_("The key of %(name)s does not open."), name=name)


def _removed(archive: Archive) -> Iterator[str]:
    for name in find_removed(archive):
        yield words(N_("Version %(name)s was filed, as the log says, and its record is gone."), name=name)


def _blob_problems(archive: Archive, line: ProgressLine) -> Iterator[str]:
    with archive.reading(OPERATOR) as uow:
        counted = uow.session.execute(
            select(func.count(), func.coalesce(func.sum(Version.size_bytes), 0)).select_from(Version)
        )
        total, total_bytes = counted.one()
        held = list(held_blobs(uow.session))
    done_bytes = 0
    for done, check in enumerate(check_all(archive), start=1):
        done_bytes += check.version.size_bytes
        line.show(
            N_("Stored files: %(done)s of %(total)s versions, %(size)s of %(total_size)s"),
            done=done, total=total, size=size_text(done_bytes), total_size=size_text(total_bytes),
        )  # fmt: skip
        for fault in check.faults:
            yield words(
                N_("%(name)s (document %(document)s, version %(version)s), %(what)s: %(explanation)s"),
                name=fault.name, document=fault.document_id, version=fault.version_id,
                what=fault.what, explanation=fault.explanation,
            )  # fmt: skip
    for blob in held:
        try:
            archive.vault.verify(
                blob.blob_id, blob.key, blob.version_id, Purpose.CONTENT, size_bytes=blob.size_bytes, sha256=blob.sha256
            )
        except StorageError as error:
            yield words(
                N_("%(name)s (held, not yet a document, %(held)s): %(explanation)s"),
                name=blob.name, held=blob.id, explanation=error,
            )  # fmt: skip
