"""Accounts: invitations, links, roles, and the administrator who must not be the last to leave."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from archive_app.identity.accounts import (
    Handed,
    InactiveError,
    LastAdministratorError,
    LoginTakenError,
    deactivate,
    invite,
    make_reset_link,
    reactivate,
    set_roles,
)
from archive_app.identity.links import LinkUnusableError, use_link, view_link
from archive_app.identity.passwords import PasswordGuessableError
from archive_app.identity.people import AccountState, list_people, view_own_account, view_person
from archive_app.identity.sessions import actor_of_session
from archive_app.identity.signing_in import SignInRefusedError, sign_in
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.events import Event, EventDetail
from tests.conftest import SetClock, both_databases
from tests.factories import PASSWORD, People

NOBODY = Actor.anonymous(address="192.0.2.1")
CHOSEN = "selbst gewählt und gut"


def invite_ming(administrator: Actor, *roles: str) -> Handed:
    return invite(administrator, login="xiaoming", display_name="小明", roles=roles or ("verifier",), language="en")


@both_databases
def test_an_invited_person_chooses_their_password_and_is_in(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator")
    handed = invite_ming(administrator, "verifier", "archivist")
    assert view_person(administrator, person_id=handed.person_id).state is AccountState.INVITED
    with pytest.raises(SignInRefusedError):
        sign_in(NOBODY, login="xiaoming", password="")
    view = view_link(NOBODY, token=handed.token)
    assert (view.purpose, view.login, view.organisation_name) == ("invitation", "xiaoming", "绿源核查")
    begun = use_link(NOBODY, token=handed.token, password=CHOSEN)
    actor = actor_of_session(archive, begun.token, "")
    assert actor is not None
    assert actor.roles == {"verifier", "archivist"}
    assert begun.language == "en"
    sign_in(NOBODY, login="xiaoming", password=CHOSEN)
    with archive.reading(NOBODY) as uow:
        seen = set(uow.session.scalars(select(Event.code)))
    assert {"person.invited", "person.activated", "session.began"} <= seen


def test_a_link_works_once_and_a_refused_password_leaves_it_usable(archive: Archive, people: People) -> None:
    handed = invite_ming(people.person("system_administrator"))
    with pytest.raises(PasswordGuessableError):
        use_link(NOBODY, token=handed.token, password="xiaoming1234")
    use_link(NOBODY, token=handed.token, password=CHOSEN)
    for again in (view_link, lambda actor, token: use_link(actor, token=token, password=CHOSEN)):
        with pytest.raises(LinkUnusableError):
            again(NOBODY, token=handed.token)


@both_databases
def test_of_many_at_once_one_uses_the_link(archive: Archive, people: People) -> None:
    handed = invite_ming(people.person("system_administrator"))

    def attempt(number: int) -> bool:
        with archive.activate():
            try:
                return bool(use_link(NOBODY, token=handed.token, password=f"{CHOSEN} {number}"))
            except LinkUnusableError:
                return False

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]


def test_a_reset_leaves_the_old_password_until_it_is_used(archive: Archive, people: People, clock: SetClock) -> None:
    administrator, person = people.person("system_administrator"), people.person("verifier")
    login = view_own_account(person).login
    session = sign_in(NOBODY, login=login, password=PASSWORD)
    handed = make_reset_link(administrator, person_id=person.person_id or "")
    assert actor_of_session(archive, session.token, "")
    use_link(NOBODY, token=handed.token, password=CHOSEN)
    assert actor_of_session(archive, session.token, "") is None
    with pytest.raises(SignInRefusedError):
        sign_in(NOBODY, login=login, password=PASSWORD)
    sign_in(NOBODY, login=login, password=CHOSEN)


def test_whoever_failed_too_often_is_let_in_by_the_link(archive: Archive, people: People) -> None:
    administrator, person = people.person("system_administrator"), people.person("verifier")
    login = view_own_account(person).login
    for _ in range(4):
        with pytest.raises(SignInRefusedError):
            sign_in(NOBODY, login=login, password="forgotten")
    handed = make_reset_link(administrator, person_id=person.person_id or "")
    use_link(NOBODY, token=handed.token, password=CHOSEN)
    sign_in(NOBODY, login=login, password=CHOSEN)


def test_links_end_by_time_by_a_newer_one_and_by_deactivation(
    archive: Archive, people: People, clock: SetClock
) -> None:
    administrator = people.person("system_administrator")
    first = invite_ming(administrator)
    second = make_reset_link(administrator, person_id=first.person_id)
    with pytest.raises(LinkUnusableError):
        view_link(NOBODY, token=first.token)
    assert view_link(NOBODY, token=second.token).purpose == "invitation"
    clock.instant += archive.rules.link_lifetime
    with pytest.raises(LinkUnusableError):
        view_link(NOBODY, token=second.token)
    third = make_reset_link(administrator, person_id=first.person_id)
    deactivate(administrator, person_id=first.person_id)
    with pytest.raises(LinkUnusableError):
        use_link(NOBODY, token=third.token, password=CHOSEN)
    with pytest.raises(InactiveError):
        make_reset_link(administrator, person_id=first.person_id)
    reactivate(administrator, person_id=first.person_id)
    with pytest.raises(LinkUnusableError):
        use_link(NOBODY, token=third.token, password=CHOSEN)


def test_neither_tokens_nor_passwords_are_written_into_the_log(archive: Archive, people: People) -> None:
    handed = invite_ming(people.person("system_administrator"))
    begun = use_link(NOBODY, token=handed.token, password=CHOSEN)
    with archive.reading(NOBODY) as uow:
        words = "\n".join(uow.session.scalars(select(EventDetail.detail)))
    assert "xiaoming" in words
    assert not any(secret in words for secret in (handed.token, begun.token, CHOSEN))


def test_logins_are_unique_in_every_form(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator")
    invite_ming(administrator)
    with pytest.raises(LoginTakenError):
        invite(administrator, login="ＸiaoMing", display_name="另", roles=["verifier"], language="en")


@pytest.mark.parametrize("wrong", [{"roles": []}, {"roles": ["emperor"]}, {"language": "xx"}, {"display_name": ""}])
def test_what_an_invitation_must_hold(archive: Archive, people: People, wrong: dict[str, object]) -> None:
    form = {"login": "xiaoming", "display_name": "小明", "roles": ["verifier"], "language": "en"} | wrong
    with pytest.raises(InvalidInputError):
        invite(people.person("system_administrator"), **form)  # type: ignore[arg-type]


def test_roles_apply_from_the_next_click_on(archive: Archive, people: People) -> None:
    administrator, person = people.person("system_administrator"), people.person("verifier")
    begun = sign_in(NOBODY, login=view_own_account(person).login, password=PASSWORD)
    set_roles(administrator, person_id=person.person_id or "", roles=["archivist", "team_leader"])
    actor = actor_of_session(archive, begun.token, "")
    assert actor is not None
    assert actor.roles == {"archivist", "team_leader"}


@pytest.mark.parametrize(
    "leave", [deactivate, lambda a, person_id: set_roles(a, person_id=person_id, roles=["verifier"])]
)
def test_the_last_administrator_stays(archive: Archive, people: People, leave: object) -> None:
    assert callable(leave)
    administrator = people.person("system_administrator")
    # Neither somebody who never came, nor one of another organisation, could let anybody in.
    invite_ming(administrator, "system_administrator")
    people.person("system_administrator", organisation="另一家")
    with pytest.raises(LastAdministratorError):
        leave(administrator, person_id=administrator.person_id)
    people.person("system_administrator")
    leave(administrator, person_id=administrator.person_id)


@both_databases
def test_two_administrators_cannot_remove_each_other_at_once(archive: Archive, people: People) -> None:
    first, second = people.person("system_administrator"), people.person("system_administrator")

    def leave(actor: Actor, target: Actor) -> bool:
        with archive.activate():
            try:
                deactivate(actor, person_id=target.person_id or "")
            except LastAdministratorError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, (first, second), (second, first))) == [False, True]


def test_administrators_reach_their_own_organisation_only(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator")
    stranger = people.person("verifier", organisation="另一家").person_id or ""
    acts = (make_reset_link, deactivate, reactivate, view_person)
    for act in acts:
        with pytest.raises(NotFoundError):
            act(administrator, person_id=stranger)
    with pytest.raises(NotFoundError):
        set_roles(administrator, person_id=stranger, roles=["verifier"])
    assert stranger not in {line.id for line in list_people(administrator).items}


@pytest.mark.parametrize("role", ["archivist", "team_leader", "verifier"])
def test_only_administrators_manage_accounts(archive: Archive, people: People, role: str) -> None:
    actor = people.person(role)
    with pytest.raises(PermissionMissingError):
        invite_ming(actor)
    with pytest.raises(PermissionMissingError):
        list_people(actor)


def test_the_operator_manages_accounts_from_the_command_line(archive: Archive, people: People) -> None:
    operator = Actor.system("operator", via="cli")
    with pytest.raises(ArchiveError):
        invite_ming(operator)
    people.organisation()
    handed = invite_ming(operator)
    assert view_link(NOBODY, token=handed.token).organisation_name == "绿源核查"


def test_lists_are_paged_and_narrowed(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator", name="甲")
    expected = {administrator.person_id} | {people.person("verifier", name="乙_%").person_id for _ in range(7)}
    seen, after = [], None
    while True:
        page = list_people(administrator, after=after, limit=3)
        seen += [line.id for line in page.items]
        after = page.next_key
        if after is None:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    assert len(list_people(administrator, text="_%").items) == 7
    assert [line.id for line in list_people(administrator, role="system_administrator").items] == [
        administrator.person_id
    ]
    handed = invite_ming(administrator)
    assert [line.id for line in list_people(administrator, state="invited").items] == [handed.person_id]
    deactivate(administrator, person_id=handed.person_id)
    assert [line.id for line in list_people(administrator, state="inactive").items] == [handed.person_id]
    assert len(list_people(administrator, state="active").items) == 8
