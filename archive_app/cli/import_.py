"""`lantai import`."""

import sys
import time
from collections import Counter

import click

from archive_app.cli.console import ProgressLine, language, opened_archive, say, size_text, words
from archive_app.documents.importing import Imported, Origin, Outcome, import_paths
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level

OPERATOR = Actor.system("operator", via="cli")


@click.command(
    help=words(
        N_(
            "File documents from this machine. Folders are walked in the order of names; links are not followed. "
            "A run that was cut off is simply repeated: what is filed already is not filed again."
        )
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--engagement", "engagement_id", required=True, help=words(N_("Id of the engagement.")))
@click.option("--activity", default="", help=words(N_("The activity in which the files arose.")))
@click.option("--originator", default="", help=words(N_("Who made the files.")))
@click.option(
    "--level",
    type=click.Choice([level.name.lower() for level in Level]),
    default="internal",
    help=words(N_("How widely the documents may be seen.")),
)
@click.option(
    "--duplicates",
    type=click.Choice(["skip", "file"]),
    default="skip",
    help=words(N_("What to do with content that the engagement already has under another path.")),
)
def command(
    *, paths: tuple[str, ...], engagement_id: str, activity: str, originator: str, level: str, duplicates: str
) -> None:
    """Files everything below the paths; says what was not filed and why."""
    origin = Origin(engagement_id, activity, originator, duplicates == "file", Level[level.upper()])
    report = _Report()
    with opened_archive():
        for imported in import_paths(OPERATOR, paths=paths, origin=origin):
            report.add(imported)
    report.close()
    if report.counts[Outcome.REFUSED]:
        sys.exit(1)


class _Report:
    """Counts while the import runs, and says at the end what became of everything."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self._filed_bytes = 0
        self._not_filed: list[Imported] = []
        self._began = time.monotonic()
        self._line = ProgressLine()

    def add(self, imported: Imported) -> None:
        self.counts[imported.outcome] += 1
        if imported.outcome is Outcome.FILED:
            self._filed_bytes += imported.size_bytes
        elif imported.outcome is not Outcome.ALREADY:
            self._not_filed.append(imported)
        self._line.show(
            N_("%(filed)s filed (%(size)s), %(other)s not"),
            filed=self.counts[Outcome.FILED],
            size=size_text(self._filed_bytes),
            other=self.counts.total() - self.counts[Outcome.FILED],
        )

    def close(self) -> None:
        self._line.clear()
        for imported in self._not_filed:
            if imported.error is not None:
                click.echo(f"{imported.path}: {imported.error.text(language())}")
            else:
                say(N_("%(path)s: the same content is already here, as document %(document)s. It was not filed again."),
                    path=imported.path, document=imported.document_id)  # fmt: skip
        say(
            N_(
                "%(filed)s filed, %(already)s filed before, %(duplicate)s duplicates, %(refused)s "
                "refused; %(size)s in %(seconds)s s."
            ),
            filed=self.counts[Outcome.FILED],
            already=self.counts[Outcome.ALREADY],
            duplicate=self.counts[Outcome.DUPLICATE],
            refused=self.counts[Outcome.REFUSED],
            size=size_text(self._filed_bytes),
            seconds=f"{time.monotonic() - self._began:.1f}",
        )
