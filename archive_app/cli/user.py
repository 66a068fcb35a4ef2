"""`lantai user`: how the operator lets people in when nobody else can."""

from collections.abc import Iterator

import click

from archive_app.cli.console import language, opened_archive, refuse, say, words
from archive_app.identity.accounts import deactivate, invite, make_reset_link
from archive_app.identity.people import STATE_LABELS, PersonLine, list_people
from archive_app.identity.roles import all_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES, N_
from archive_app.settings import Settings

OPERATOR = Actor.system("operator", via="cli")


@click.group(help=words(N_("List, invite, let back in and deactivate people.")))
def command() -> None:
    """Accounts, by the operator's way."""


@command.command("list", help=words(N_("Everybody with an account.")))
def list_command() -> None:
    """One line for each person."""
    with opened_archive():
        for person in everybody():
            _show(person)


@command.command("add", help=words(N_("Invite somebody; prints the link by which they choose their password.")))
@click.argument("login")
@click.option("--name", "display_name", required=True, help=words(N_("Their name as others read it.")))
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(list(all_roles())))
@click.option("--language", "person_language", type=click.Choice(list(LANGUAGES)), default=DEFAULT_LANGUAGE)
def add_command(*, login: str, display_name: str, roles: tuple[str, ...], person_language: str) -> None:
    """Makes an invitation."""
    with opened_archive() as (_, settings):
        handed = invite(OPERATOR, login=login, display_name=display_name, roles=roles, language=person_language)
        _show_link(settings, handed.token)


@command.command("reset-link", help=words(N_("Make a link by which somebody chooses a new password.")))
@click.argument("login")
def reset_command(*, login: str) -> None:
    """Makes a reset link."""
    with opened_archive() as (_, settings):
        _show_link(settings, make_reset_link(OPERATOR, person_id=find_person(login).id).token)


@command.command("deactivate", help=words(N_("Close an account; what the person did stays theirs.")))
@click.argument("login")
def deactivate_command(*, login: str) -> None:
    """Closes an account."""
    with opened_archive():
        person = find_person(login)
        deactivate(OPERATOR, person_id=person.id)
        say(N_("%(name)s can no longer sign in."), name=person.display_name)


def everybody(text: str = "") -> Iterator[PersonLine]:
    """Everybody whose name or login holds `text`."""
    after = None
    while True:
        page = list_people(OPERATOR, text=text, after=after)
        yield from page.items
        after = page.next_key
        if after is None:
            return


def find_person(login: str) -> PersonLine:
    """Who has this login. Raises: ClickException."""
    for person in everybody(login):
        if person.login == login.casefold():
            return person
    raise refuse(N_("Nobody has the login %(login)s."), login=login)


def _show(person: PersonLine) -> None:
    roles = ", ".join(
        all_roles()[role].name(language()) if role in all_roles() else role for role in sorted(person.roles)
    )
    state = words(STATE_LABELS[person.state])
    click.echo(f"{person.login}\t{person.display_name}\t{state}\t{roles}\t{person.organisation_name}")


def _show_link(settings: Settings, token: str) -> None:
    say(N_("Hand this link to the person; it works once:"))
    click.echo(f"{settings.base_url}/link/{token}")
