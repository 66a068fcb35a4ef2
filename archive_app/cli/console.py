"""How commands speak: in the operator's language, results to standard output, everything else to standard error."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import DEFAULT_LANGUAGE, N_, translate
from archive_app.settings import SettingsError

if TYPE_CHECKING:
    from archive_app.kernel.archive import Archive
    from archive_app.settings import Settings

_TERMINAL_PAUSE_SECONDS = 0.2
_FILE_PAUSE_SECONDS = 30.0


def language() -> str:
    """The language of the operator's terminal: Chinese where its locale is, else English."""
    # The order in which POSIX resolves the language of messages.
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return DEFAULT_LANGUAGE if locale.lower().startswith("zh") else "en"


def words(message: str, **params: object) -> str:
    """A catalogue key in the operator's language."""
    return translate(language(), message, **params)


def say(message: str, **params: object) -> None:
    """A result, to standard output."""
    click.echo(words(message, **params))


def tell(message: str, **params: object) -> None:
    """Something on the way, to standard error."""
    click.echo(words(message, **params), err=True)


def refuse(message: str, **params: object) -> click.ClickException:
    """What a command raises when it cannot go on."""
    return click.ClickException(words(message, **params))


def explained(error: ArchiveError | SettingsError) -> str:
    """What went wrong, in the operator's language; names of settings stay as they are written."""
    if isinstance(error, ArchiveError):
        return error.text(language())
    return words(N_("The settings cannot be used, so nothing was started. %(reason)s"), reason=error)


def size_text(size_bytes: float) -> str:
    """A size for people: `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < 1024:  # noqa: PLR2004  # the step of the units
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"


class ProgressLine:
    """One line on standard error that is written over; in a log file, a line every half minute."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._pause = _TERMINAL_PAUSE_SECONDS if self._terminal else _FILE_PAUSE_SECONDS
        self._next = time.monotonic() + self._pause
        self._shown = False

    def show(self, message: str, **params: object) -> None:
        """Replaces the line, if the last one has stood long enough."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        text = words(message, **params)
        click.echo(f"\r\x1b[K{text}" if self._terminal else text, err=True, nl=not self._terminal)
        self._shown = self._terminal

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


@contextmanager
def opened_archive() -> "Iterator[tuple[Archive, Settings]]":
    """The archive that the environment names, active, and its settings; what stops it from opening is said."""
    from archive_app.runtime import open_archive
    from archive_app.settings import load_settings
    from storage import StorageError

    settings = load_settings(os.environ)
    archive = open_archive(settings)
    try:
        with archive.activate():
            yield archive, settings
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    finally:
        archive.engine.dispose()
