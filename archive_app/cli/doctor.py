"""`lantai doctor`."""

import os
import sys

import click

from archive_app.cli.console import say, words
from archive_app.doctor.examining import examine_installation
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.settings import load_settings

_MARKS = {State.GOOD: N_("ok"), State.WATCH: N_("watch"), State.BAD: N_("BAD")}


@click.command(help=words(N_("Examine the whole installation. Ends with 1 if anything is bad.")))
def command() -> None:
    """Prints one line for each finding."""
    bad = 0
    for line in examine_installation(load_settings(os.environ), os.environ):
        bad += line.state is State.BAD
        _show(line)
    if bad:
        say(N_("%(count)s things are bad."), count=bad)
        sys.exit(1)


def _show(line: Line) -> None:
    # Some values are catalogue keys themselves; others pass unchanged.
    params = {name: words(value) if isinstance(value, str) and value else value for name, value in line.params.items()}
    click.echo(f"{words(_MARKS[line.state]):6} {words(line.title)}: {words(line.text, **params)}")
