"""The command line: `lantai …`, for whoever runs the archive.

A command's module is loaded only when the command runs, so that `lantai serve` stays small while it watches the others.
"""

import os
from collections.abc import Sequence
from importlib import import_module

import click

from archive_app.cli.console import explained, words
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.settings import SettingsError

_COMMANDS = {
    "init": ("init", N_("Make the archive, or bring an existing one up to date.")),
    "serve": ("serve", N_("Run the archive: web pages and worker together.")),
    "worker": ("worker", N_("Run only the worker.")),
    "organisation": ("organisation", N_("List and add organisations whose people use the archive.")),
    "user": ("user", N_("List and invite people, give them roles, let them back in, deactivate them.")),
    "token": ("token", N_("See and end access tokens of programs.")),
    "import": ("import_", N_("File documents from this machine into an engagement.")),
    "register": ("register", N_("Check, import, report on and undo registers in Excel or CSV.")),
    "search": ("search", N_("Search the archive, or rebuild its index.")),
    "read-again": ("read_again", N_("Have many documents read again, such as after an update.")),
    "verify": ("verify", N_("Check every stored file and the audit log.")),
    "keys": ("keys", N_("Rotate, export, import and show the keys.")),
    "doctor": ("doctor", N_("Examine the whole installation.")),
    "backup": ("backup", N_("Back up the archive while it runs.")),
    "restore": ("restore", N_("Restore a backup into an empty place, or check one.")),
}
_INTERNAL = {"web": ("web", "")}


class _Commands(click.Group):
    """Loads a command when it is called, and shows what goes wrong in the operator's language."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        module, _help = {**_COMMANDS, **_INTERNAL}.get(cmd_name, ("", ""))
        if not module:
            return None
        command: click.Command = import_module(f"archive_app.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        with formatter.section(words(N_("Commands"))):
            formatter.write_dl([(name, words(short)) for name, (_module, short) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ArchiveError, SettingsError) as error:
            raise click.ClickException(explained(error)) from error


@click.group(
    cls=_Commands, help=words(N_("Lantai, an evidence archive. LANTAI_DATA names its data directory (default: var)."))
)
def _lantai() -> None:
    # Whatever a command writes is for this user alone.
    os.umask(0o077)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry of the program; ends the process with its exit code."""
    _lantai.main(args=None if arguments is None else list(arguments), prog_name="lantai")
