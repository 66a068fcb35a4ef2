"""`lantai read-again`."""

import click

from archive_app.cli.console import opened_archive, refuse, say, words
from archive_app.documents.rereading import REASONS, request_reading, view_reading
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_

OPERATOR = Actor.system("operator", via="cli")


@click.command(
    help=words(N_("Have many documents read again by the worker; without an option, say how many there are."))
)
@click.option("--older", is_flag=True, help=words(REASONS["older"]))
@click.option("--failed", is_flag=True, help=words(REASONS["failed"]))
@click.option("--partly", is_flag=True, help=words(REASONS["partly"]))
@click.option("--doubtful", is_flag=True, help=words(REASONS["doubtful"]))
@click.option("--all", is_flag=True, help=words(REASONS["all"]))
def command(**asked: bool) -> None:
    """Asks for one run, or shows what there is."""
    chosen = [reason for reason, given in asked.items() if given]
    if len(chosen) > 1:
        raise refuse(N_("Give one of these options at a time."))
    with opened_archive():
        if chosen:
            run = request_reading(OPERATOR, reason=chosen[0])
            say(N_("%(count)s documents will be read again by the worker."), count=run.total)
            return
        state = view_reading(OPERATOR)
    for reason, count in state.counts.items():
        say(
            N_("--%(option)s: %(count)s documents. %(reason)s"),
            option=reason,
            count=count,
            reason=words(REASONS[reason]),
        )
    say(
        N_("Waiting to be read: %(reading)s; with pages being recognised: %(recognising)s."),
        reading=state.reading,
        recognising=state.recognising,
    )
    for run in state.runs:
        if run.state == "running":
            say(N_("Being read again: %(done)s of %(total)s handed on."), done=run.handed_on, total=run.total)
