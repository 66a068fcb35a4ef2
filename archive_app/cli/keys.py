"""`lantai keys`."""

import json
import os
import sys
from pathlib import Path

import click

from archive_app.cli.console import ProgressLine, opened_archive, refuse, say, tell, words
from archive_app.documents.rotation import KEYS_EXPORTED, key_state, rotate_keys
from archive_app.kernel.actor import Actor
from archive_app.kernel.ids import is_id
from archive_app.kernel.language import N_
from archive_app.runtime import key_file
from archive_app.settings import load_settings
from storage import FileKeyRing, StorageError

OPERATOR = Actor.system("operator", via="cli")
_PASSPHRASE_LIMIT_BYTES = 4096
_EXPORT_LIMIT_BYTES = 2**20
_FD_HELP = N_("Read the passphrase from this file descriptor, up to the first newline, instead of asking.")


@click.group(help=words(N_("Rotate, export, import and show the keys.")))
def command() -> None:
    """The master keys."""


@command.command(help=words(N_("Make a new master key and wrap every data key again under it; or finish doing so.")))
def rotate() -> None:
    """Rotates; names keys that do not open."""
    line = ProgressLine()
    with opened_archive():
        rotation = rotate_keys(
            OPERATOR, told=lambda done, total: line.show(N_("%(done)s of %(total)s keys"), done=done, total=total)
        )
    line.clear()
    if rotation.continued:
        say(N_("An earlier rotation had been cut off; it was finished."))
    say(N_("%(count)s keys are now under epoch %(epoch)s."), count=rotation.rewrapped, epoch=rotation.epoch)
    say(N_("Exports and copies of the key file made before do not hold the new key: make a new export for the safe."))
    for name in rotation.unreadable:
        say(N_("%(name)s: its key does not open. It stays as it was; restore it from a backup."), name=name)
    if rotation.unreadable:
        sys.exit(1)


@command.command(help=words(N_("Where the keys are, which epochs are in use, and the log's verifier key.")))
def status() -> None:
    """Shows epochs and the verifier key."""
    with opened_archive() as (archive, settings):
        state = key_state(OPERATOR, archive)
        say(N_("Key file: %(path)s"), path=key_file(settings, archive.archive_id))
        say(N_("Verifier key of the log: %(key)s"), key=archive.verification_key)
        for epoch in state.epochs:
            count = state.rows_by_epoch.get(epoch, 0)
            current = " *" if epoch == state.current_epoch else ""
            say(N_("Epoch %(epoch)s: %(count)s keys%(current)s"), epoch=epoch, count=count, current=current)
        for epoch in sorted(state.rows_by_epoch.keys() - set(state.epochs)):
            say(
                N_("Epoch %(epoch)s is MISSING; %(count)s keys need it."), epoch=epoch, count=state.rows_by_epoch[epoch]
            )
        if state.unfinished:
            say(N_("A rotation was cut off. Run `lantai keys rotate` to finish it."))


@command.command(help=words(N_("Write all keys, protected by a passphrase, to a new file for the safe.")))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--passphrase-fd", type=int, help=words(_FD_HELP))
def export(*, target: Path, passphrase_fd: int | None) -> None:
    """Exports; records that it was done."""
    with opened_archive() as (archive, settings):
        target = target.absolute()
        if target.is_relative_to(settings.data_directory):
            raise refuse(N_("Keys do not belong into the data directory, where every backup tool would find them."))
        passphrase = _passphrase(passphrase_fd, confirm=True)
        if len(passphrase) < settings.passwords.min_length:
            raise refuse(N_("The passphrase needs at least %(count)s characters."), count=settings.passwords.min_length)
        ring = FileKeyRing.open(key_file(settings, archive.archive_id))
        _write_new(target, ring.export(passphrase))
        with archive.transaction(OPERATOR) as uow:
            uow.record(KEYS_EXPORTED, {}, epochs=list(ring.epochs()))
    say(
        N_("The keys are in %(path)s. Keep it and its passphrase in different places, both away from this machine."),
        path=target,
    )


@command.command("import", help=words(N_("Put exported keys in place; an existing key file is never overwritten.")))
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--passphrase-fd", type=int, help=words(_FD_HELP))
def import_command(*, source: Path, passphrase_fd: int | None) -> None:
    """Imports into the key directory, for the archive that the export names."""
    settings = load_settings(os.environ)
    with source.open("rb") as file:
        text = file.read(_EXPORT_LIMIT_BYTES)
    archive_id = _archive_of(text)
    path = key_file(settings, archive_id)
    try:
        ring = FileKeyRing.import_(text, _passphrase(passphrase_fd, confirm=False), path)
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    epochs = ", ".join(map(str, ring.epochs()))
    say(
        N_("The keys of archive %(archive)s (epochs %(epochs)s) are in %(path)s."),
        archive=archive_id,
        epochs=epochs,
        path=path,
    )


def _archive_of(text: bytes) -> str:
    try:
        archive_id = json.loads(text)["archive_id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        archive_id = None
    # It becomes part of a path, so nothing but an identifier will do.
    if not isinstance(archive_id, str) or not is_id(archive_id):
        raise refuse(N_("This file is not a key export of an archive."))
    return archive_id


def _passphrase(descriptor: int | None, *, confirm: bool) -> str:
    if descriptor is None:
        asked: str = click.prompt(words(N_("Passphrase")), hide_input=True, confirmation_prompt=confirm, err=True)
        return asked
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            line = file.readline(_PASSPHRASE_LIMIT_BYTES)
        return line.rstrip(b"\r\n").decode()
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(
            N_("No passphrase could be read from descriptor %(descriptor)s."), descriptor=descriptor
        ) from error


def _write_new(target: Path, text: bytes) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise refuse(N_("%(path)s exists; it is not overwritten."), path=target) from error
    except OSError as error:
        raise refuse(N_("%(path)s cannot be written: %(reason)s."), path=target, reason=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        tell(N_("Nothing was exported."))
        raise refuse(N_("%(path)s cannot be written: %(reason)s."), path=target, reason=error.strerror) from error
