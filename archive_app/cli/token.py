"""`lantai token`: how the operator sees and ends what programs come in with."""

from collections.abc import Iterator

import click

from archive_app.cli.console import opened_archive, say, words
from archive_app.cli.user import OPERATOR, everybody, find_person
from archive_app.identity.access_tokens import AccessTokenLine, end_token, list_tokens_of
from archive_app.kernel.language import N_


@click.group(help=words(N_("See and end access tokens of programs.")))
def command() -> None:
    """Access tokens, by the operator's way."""


@command.command("list", help=words(N_("The access tokens that still open something, everybody's or one person's.")))
@click.option("--person", "login", help=words(N_("Only those of the person with this login.")))
def list_command(*, login: str | None) -> None:
    """One line for each token: its id, its person, its name, its scopes, until when it is good, when it was used."""
    with opened_archive():
        for person in everybody() if login is None else [find_person(login)]:
            for token in _tokens_of(person.id):
                used = token.last_used_at.isoformat(timespec="seconds") if token.last_used_at else words(N_("Never"))
                until = token.expires_at.isoformat(timespec="seconds")
                told = (token.id, person.login, token.name, ", ".join(token.scopes), until, used)
                click.echo("\t".join(told))


@command.command("revoke", help=words(N_("End an access token at once.")))
@click.argument("token_id")
def revoke_command(*, token_id: str) -> None:
    """Ends one token, by the id that `list` shows."""
    with opened_archive():
        end_token(OPERATOR, token_id=token_id)
        say(N_("The token was ended."))


def _tokens_of(person_id: str) -> Iterator[AccessTokenLine]:
    after = None
    while True:
        page = list_tokens_of(OPERATOR, person_id=person_id, after=after)
        yield from page.items
        after = page.next_key
        if after is None:
            return
