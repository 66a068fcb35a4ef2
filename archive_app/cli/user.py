"""`lantai user`: how the operator lets people in when nobody else can."""

from collections.abc import Iterator

import click

from archive_app.cli.console import language, opened_archive, refuse, say, words
from archive_app.identity.accounts import deactivate, invite, make_reset_link
from archive_app.identity.founding import OrganisationLine, survey_organisations
from archive_app.identity.granting import grant_roles, set_rights
from archive_app.identity.people import STATE_LABELS, PersonLine, list_people
from archive_app.identity.roles import all_roles
from archive_app.identity.second_factor import clear_second_factor
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES, N_
from archive_app.settings import Settings

OPERATOR = Actor.system("operator", via="cli")


@click.group(help=words(N_("List and invite people, give them roles, let them back in, deactivate them.")))
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
@click.option("--organisation", help=words(N_("Name or id of their organisation, where there are several.")))
def add_command(
    *, login: str, display_name: str, roles: tuple[str, ...], person_language: str, organisation: str | None
) -> None:
    """Makes an invitation."""
    with opened_archive() as (_, settings):
        organisation_id = find_organisation(organisation).id if organisation else None
        handed = invite(
            OPERATOR,
            login=login,
            display_name=display_name,
            roles=roles,
            language=person_language,
            organisation_id=organisation_id,
        )
        show_link(settings, handed.token)


@command.command("grant", help=words(N_("Grant roles at once, whether or not somebody proposed them.")))
@click.argument("login")
@click.argument("roles", nargs=-1, required=True, type=click.Choice(list(all_roles())))
def grant_command(*, login: str, roles: tuple[str, ...]) -> None:
    """Grants roles."""
    with opened_archive():
        grant_roles(OPERATOR, person_id=find_person(login).id, roles=roles)
        _show(find_person(login))


@command.command("revoke", help=words(N_("Take roles away, even from the last who holds them.")))
@click.argument("login")
@click.argument("roles", nargs=-1, required=True)
def revoke_command(*, login: str, roles: tuple[str, ...]) -> None:
    """Takes roles away."""
    with opened_archive():
        person = find_person(login)
        if not_held := sorted(set(roles) - person.roles):
            raise refuse(N_("%(name)s does not hold %(role)s."), name=person.display_name, role=", ".join(not_held))
        set_rights(OPERATOR, person_id=person.id, roles=person.roles - set(roles))
        _show(find_person(login))


@command.command("clear-second-factor", help=words(N_("Let somebody enrol another second factor who lost theirs.")))
@click.argument("login")
def clear_second_factor_command(*, login: str) -> None:
    """Clears a second factor."""
    with opened_archive():
        person = find_person(login)
        clear_second_factor(OPERATOR, person_id=person.id)
        say(
            N_("%(name)s has no second factor any more and enrols another at the next sign-in."),
            name=person.display_name,
        )


@command.command("reset-link", help=words(N_("Make a link by which somebody chooses a new password.")))
@click.argument("login")
def reset_command(*, login: str) -> None:
    """Makes a reset link."""
    with opened_archive() as (_, settings):
        show_link(settings, make_reset_link(OPERATOR, person_id=find_person(login).id).token)


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


def find_organisation(wanted: str) -> OrganisationLine:
    """The organisation of this name or id. Raises: ClickException."""
    for organisation in every_organisation():
        if wanted in {organisation.id, organisation.name}:
            return organisation
    raise refuse(N_("There is no organisation %(name)s. `lantai organisation list` shows them."), name=wanted)


def every_organisation() -> Iterator[OrganisationLine]:
    """All organisations, by name."""
    after = None
    while True:
        page = survey_organisations(OPERATOR, after=after)
        yield from page.items
        after = page.next_key
        if after is None:
            return


def _show(person: PersonLine) -> None:
    roles = ", ".join(map(_role_name, sorted(person.roles)))
    if person.proposed:
        proposed = words(N_("proposed: %(roles)s"), roles=", ".join(map(_role_name, sorted(person.proposed))))
        roles = f"{roles} ({proposed})" if roles else f"({proposed})"
    state = words(STATE_LABELS[person.state])
    click.echo(f"{person.login}\t{person.display_name}\t{state}\t{roles}\t{person.organisation_name}")


def _role_name(role: str) -> str:
    return all_roles()[role].name(language()) if role in all_roles() else role


def show_link(settings: Settings, token: str) -> None:
    """An invitation or reset link, as the person opens it."""
    say(N_("Hand this link to the person; it works once:"))
    click.echo(f"{settings.base_url}/link/{token}")
