"""`lantai organisation`: whose people use the archive."""

import click

from archive_app.cli.console import opened_archive, words
from archive_app.cli.user import OPERATOR, every_organisation, show_link
from archive_app.identity.founding import add_organisation
from archive_app.identity.organisations import KINDS
from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES, N_


@click.group(help=words(N_("List and add organisations whose people use the archive.")))
def command() -> None:
    """Organisations, by the operator's way."""


@command.command("list", help=words(N_("Every organisation, with how many of its people are active.")))
def list_command() -> None:
    """One line for each organisation."""
    with opened_archive():
        for organisation in every_organisation():
            counted = words(
                N_("%(active)s active of %(people)s"), active=organisation.active, people=organisation.people
            )
            kind = words(KINDS[organisation.kind])
            click.echo(f"{organisation.id}\t{organisation.name}\t{kind}\t{organisation.credit_code or '-'}\t{counted}")


@command.command("add", help=words(N_("Add an organisation; prints the invitation for its first administrator.")))
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(list(KINDS)))
@click.option("--code", "credit_code", default="", help=words(N_("Its unified social credit code.")))
@click.option("--login", required=True, help=words(N_("The login of its first administrator.")))
@click.option("--person", "display_name", required=True, help=words(N_("Their name as others read it.")))
@click.option("--language", "person_language", type=click.Choice(list(LANGUAGES)), default=DEFAULT_LANGUAGE)
def add_command(*, name: str, kind: str, credit_code: str, login: str, display_name: str, person_language: str) -> None:
    """Adds an organisation."""
    with opened_archive() as (_, settings):
        _organisation_id, handed = add_organisation(
            OPERATOR,
            name=name,
            kind=kind,
            credit_code=credit_code,
            login=login,
            display_name=display_name,
            language=person_language,
        )
        show_link(settings, handed.token)
