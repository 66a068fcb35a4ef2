"""Organisations: who adds them, who lets their first person in, and who learns what of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive_app.identity.accounts import LoginTakenError, deactivate, invite
from archive_app.identity.founding import (
    OrganisationExistsError,
    OrganisationSettledError,
    add_organisation,
    change_organisation,
    renew_first_invitation,
    survey_organisation,
    survey_organisations,
)
from archive_app.identity.links import LinkUnusableError, use_link, view_link
from archive_app.identity.organisations import list_organisations, view_organisation
from archive_app.identity.people import list_people, view_person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event, EventSubject
from tests.conftest import both_databases
from tests.factories import PASSWORD, People

NOBODY = Actor.anonymous(address="192.0.2.1")
OPERATOR = Actor.system("operator", via="cli")
FORM = {
    "name": "江南市生态环境局",
    "kind": "authority",
    "credit_code": "91350100M000100Y43",
    "display_name": "陈立",
    "login": "chenli",
    "language": "zh_Hans_CN",
}


@pytest.fixture
def host(people: People) -> Actor:
    """The administrator of the organisation that runs the archive."""
    people.organisation()
    return people.person("system_administrator")


@both_databases
def test_an_organisation_is_added_with_its_first_administrator(archive: Archive, people: People, host: Actor) -> None:
    organisation_id, handed = add_organisation(host, **FORM)
    line = survey_organisation(host, organisation_id=organisation_id)
    assert (line.name, line.kind, line.credit_code) == (FORM["name"], FORM["kind"], FORM["credit_code"])
    assert (line.people, line.active, line.runs_archive) == (1, 0, False)
    assert view_link(NOBODY, token=handed.token).login == "chenli"
    use_link(NOBODY, token=handed.token, password=PASSWORD)
    assert survey_organisation(host, organisation_id=organisation_id).active == 1
    [first] = [person for person in list_people(OPERATOR).items if person.login == "chenli"]
    assert first.roles == {"system_administrator"}
    with archive.reading(NOBODY) as uow:
        about = select(EventSubject.kind, EventSubject.subject_id).join(Event, Event.id == EventSubject.event_id)
        subjects = uow.session.execute(about.where(Event.code == "organisation.added")).all()
    assert {tuple(row) for row in subjects} == {("organisation", organisation_id), ("person", first.id)}


def test_whoever_runs_the_archive_sees_how_many_there_are_and_nobody_of_them(
    archive: Archive, people: People, host: Actor
) -> None:
    organisation_id, handed = add_organisation(host, **FORM)
    stranger = people.person("supervisor", organisation="另一局").person_id or ""
    for person_id in (handed.person_id, stranger):
        with pytest.raises(NotFoundError):
            view_person(host, person_id=person_id)
    assert {line.id for line in list_people(host).items} == {host.person_id}
    assert {line.name: line.people for line in survey_organisations(host).items} == {
        "绿源核查": 1,
        "江南市生态环境局": 1,
        "另一局": 1,
    }
    assert [line.id for line in survey_organisations(host, text="91350100m").items] == [organisation_id]
    assert [line.id for line in survey_organisations(host, kind="authority").items] == [organisation_id]
    assert [line.id for line in survey_organisations(host, text="%").items] == []


@pytest.mark.parametrize(
    ("role", "organisation"),
    [
        ("system_administrator", "另一家"),
        ("security_officer", "绿源核查"),
        ("security_auditor", "绿源核查"),
        ("archivist", "绿源核查"),
    ],
)
def test_nobody_else_manages_organisations(
    archive: Archive, people: People, host: Actor, role: str, organisation: str
) -> None:
    actor, other = people.person(role, organisation=organisation), people.organisation("第三家")
    before = [line.name for line in survey_organisations(host).items]
    for act in (
        lambda: add_organisation(actor, **FORM),
        lambda: change_organisation(actor, organisation_id=other, name="x", credit_code=""),
        lambda: renew_first_invitation(actor, organisation_id=other),
        lambda: survey_organisations(actor),
        lambda: survey_organisation(actor, organisation_id=other),
    ):
        with pytest.raises(PermissionMissingError):
            act()
    assert [line.name for line in survey_organisations(host).items] == before
    assert [row.name for row in list_organisations(actor).items] == [organisation]
    with pytest.raises(NotFoundError):
        view_organisation(actor, organisation_id=other)


def test_a_supervisor_sees_the_verification_bodies_by_name(archive: Archive, people: People) -> None:
    people.organisation()
    for name, kind in (("某局", "authority"), ("某厂", "reporting_entity"), ("二所", "verification_body")):
        people.organisation(name, kind)
    people.organisation("别局", "authority")
    supervisor = people.person("supervisor", organisation="某局")
    assert {row.name for row in list_organisations(supervisor).items} == {"绿源核查", "二所", "某局"}
    assert not {line.organisation_name for line in list_people(OPERATOR).items} - {"某局"}
    with pytest.raises(PermissionMissingError):
        list_people(supervisor)


def test_adding_and_letting_in_need_a_confirmation(archive: Archive, people: People, host: Actor) -> None:
    late = replace(host, confirmed_at=None)
    with pytest.raises(ConfirmationRequiredError):
        add_organisation(late, **FORM)
    with pytest.raises(ConfirmationRequiredError):
        renew_first_invitation(late, organisation_id=people.organisation())


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": " "}, InvalidInputError),
        ({"name": "x\x00y"}, InvalidInputError),
        ({"name": "绿源核查"}, OrganisationExistsError),
        ({"kind": "ministry"}, InvalidInputError),
        ({"credit_code": "91350100M000100Y44"}, InvalidInputError),
        ({"credit_code": "true"}, InvalidInputError),
        ({"login": "a\tb"}, InvalidInputError),
        ({"language": "tlh"}, InvalidInputError),
        ({"display_name": "\x1b[2J"}, InvalidInputError),
    ],
)
def test_a_refused_form_adds_nothing(
    archive: Archive, people: People, host: Actor, wrong: dict[str, str], error: type[ArchiveError]
) -> None:
    with pytest.raises(error):
        add_organisation(host, **(FORM | wrong))
    assert len(survey_organisations(host).items) == 1
    add_organisation(host, **FORM)
    with pytest.raises(OrganisationExistsError):
        add_organisation(host, **(FORM | {"name": "别名", "login": "another"}))
    with pytest.raises(LoginTakenError):
        add_organisation(host, **(FORM | {"name": "别名", "credit_code": ""}))


@both_databases
def test_of_two_who_add_the_same_one_does(archive: Archive, people: People, host: Actor) -> None:
    def attempt(number: int) -> bool:
        with archive.activate():
            try:
                add_organisation(host, **(FORM | {"login": f"chen{number}"}))
            except OrganisationExistsError:
                return False
            return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(attempt, range(3))) == [False, False, True]
    assert len(survey_organisations(host).items) == 2


def test_the_first_invitation_is_renewed_until_somebody_came(archive: Archive, people: People, host: Actor) -> None:
    organisation_id, first = add_organisation(host, **FORM)
    second = renew_first_invitation(host, organisation_id=organisation_id)
    with pytest.raises(LinkUnusableError):
        view_link(NOBODY, token=first.token)
    use_link(NOBODY, token=second.token, password=PASSWORD)
    with pytest.raises(OrganisationSettledError):
        renew_first_invitation(host, organisation_id=organisation_id)
    # Nor later, when the operator closed that account: whoever runs the archive has no way into what is there.
    invite(
        OPERATOR,
        login="later",
        display_name="晚",
        roles=["system_administrator"],
        language="en",
        organisation_id=organisation_id,
    )
    deactivate(OPERATOR, person_id=first.person_id)
    with pytest.raises(OrganisationSettledError):
        renew_first_invitation(host, organisation_id=organisation_id)


def test_the_renewed_invitation_is_the_first_administrators(archive: Archive, people: People, host: Actor) -> None:
    organisation_id, first = add_organisation(host, **FORM)
    invite(
        OPERATOR,
        login="early",
        display_name="早",
        roles=["supervisor"],
        language="en",
        organisation_id=organisation_id,
    )
    assert renew_first_invitation(host, organisation_id=organisation_id).person_id == first.person_id
    deactivate(OPERATOR, person_id=first.person_id)
    with pytest.raises(OrganisationSettledError):
        renew_first_invitation(host, organisation_id=organisation_id)


def test_an_organisation_is_renamed(archive: Archive, people: People, host: Actor) -> None:
    organisation_id, _ = add_organisation(host, **FORM)
    change_organisation(host, organisation_id=organisation_id, name="江南生态环境局", credit_code="")
    line = survey_organisation(host, organisation_id=organisation_id)
    assert (line.name, line.credit_code, line.kind) == ("江南生态环境局", None, "authority")
    with pytest.raises(OrganisationExistsError):
        change_organisation(host, organisation_id=organisation_id, name="绿源核查", credit_code="")
    with pytest.raises(NotFoundError):
        change_organisation(host, organisation_id="00000000-0000-7000-8000-000000000000", name="x", credit_code="")
