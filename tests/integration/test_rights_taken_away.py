"""Rights that are taken away, and accounts that are closed: gone at once, from running sessions and tokens too."""

import pytest
from sqlalchemy import select

from archive_app.identity import roles as configured
from archive_app.identity.access_tokens import actor_of_token, make_token
from archive_app.identity.accounts import deactivate, make_reset_link, reactivate
from archive_app.identity.granting import RolesNotOfferedError, propose_roles, set_rights
from archive_app.identity.models import OneTimeLink, Person, SignInSession
from archive_app.identity.people import view_person
from archive_app.identity.roles import ADMINISTRATOR, OFFICER
from archive_app.identity.sessions import actor_of_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_PEOPLE, Permission
from tests.bench.installation import sign_in
from tests.conftest import both_databases
from tests.factories import People

NOBODY = Actor.anonymous(address="192.0.2.1")
OPERATOR = Actor.system("operator", via="cli")


@pytest.fixture
def administrator(people: People) -> Actor:
    """Who proposes."""
    return people.person(ADMINISTRATOR)


@pytest.fixture
def officer(people: People) -> Actor:
    """Who decides."""
    return people.person(OFFICER)


@both_databases
def test_what_is_taken_away_is_gone_from_running_sessions_and_tokens(
    archive: Archive, people: People, officer: Actor
) -> None:
    person = people.person("team_leader", "verifier")
    whom = person.person_id or ""
    session = sign_in(archive, whom)
    token = make_token(person, name="程序", scopes=["open", "read"], days=9).token

    def now() -> list[Actor]:
        found = [actor_of_session(archive, session, ""), actor_of_token(archive, token, "")]
        return [actor for actor in found if actor is not None]

    assert all(actor.may(Permission.ENGAGEMENTS_CREATE) for actor in now())
    assert [actor.highest_level for actor in now()] == [Level.RESTRICTED] * 2
    set_rights(officer, person_id=whom, roles=["verifier"], highest_level=1)
    assert not any(actor.may(Permission.ENGAGEMENTS_CREATE) for actor in now())
    assert [actor.highest_level for actor in now()] == [Level.INTERNAL] * 2
    set_rights(officer, person_id=whom, roles=[])
    assert [actor.permissions <= OF_PEOPLE for actor in now()] == [True] * 2
    deactivate(OPERATOR, person_id=whom)
    assert now() == []


def test_a_role_that_the_configuration_dropped_gives_and_stops_nothing(
    archive: Archive, people: People, administrator: Actor, officer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whom = people.person("verifier", "top_manager").person_id or ""
    session = sign_in(archive, whom)
    left = {key: role for key, role in configured.all_roles().items() if key != "top_manager"}
    monkeypatch.setattr(configured, "all_roles", lambda: left)
    actor = actor_of_session(archive, session, "")
    assert actor is not None
    assert not actor.may(Permission.ENGAGEMENTS_READ_ALL)
    assert actor.highest_level is Level.RESTRICTED
    propose_roles(administrator, person_id=whom, roles=["team_leader"])
    with pytest.raises(RolesNotOfferedError):
        set_rights(officer, person_id=whom, roles=["verifier", "top_manager"])
    set_rights(officer, person_id=whom, roles=["verifier", "team_leader"])
    assert view_person(officer, person_id=whom).roles == {"verifier", "team_leader"}


@both_databases
def test_deactivation_ends_every_session_token_and_link_and_nothing_else(
    archive: Archive, people: People, administrator: Actor
) -> None:
    person = people.person("verifier")
    whom = person.person_id or ""
    whole, half = sign_in(archive, whom), sign_in(archive, whom)
    with archive.transaction(OPERATOR, eventless=True) as uow:
        for row in uow.session.scalars(select(SignInSession).where(SignInSession.person_id == whom)).all()[1:]:
            row.passed_at = None
    token = make_token(person, name="程序", scopes=["read"], days=9).token
    make_reset_link(administrator, person_id=whom)
    bystander = sign_in(archive, administrator.person_id)
    before = view_person(administrator, person_id=whom)
    deactivate(administrator, person_id=whom)
    assert [actor_of_session(archive, held, "") for held in (whole, half)] == [None, None]
    assert actor_of_token(archive, token, "") is None
    with archive.reading(NOBODY) as uow:
        living = select(SignInSession.id).where(SignInSession.person_id == whom, SignInSession.ended_at.is_(None))
        unused = select(OneTimeLink.id).where(OneTimeLink.person_id == whom, OneTimeLink.used_at.is_(None))
        assert not uow.session.scalars(living).all()
        assert not uow.session.scalars(unused).all()
        assert uow.session.get(Person, whom) is not None
    assert actor_of_session(archive, bystander, "") is not None
    reactivate(administrator, person_id=whom)
    after = view_person(administrator, person_id=whom)
    assert (after.login, after.state) == (before.login, before.state), "the account and the password are kept"
    assert (after.roles, after.proposed) == (frozenset(), before.roles), "rights wait for the security officer again"
    assert [actor_of_session(archive, held, "") for held in (whole, half)] == [None, None]
    assert actor_of_token(archive, token, "") is None, "what was ended does not come back"
