"""Accounts: invitations, links, roles, and the administrator who must not be the last to leave."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from archive_app.identity.accounts import (
    Handed,
    InactiveError,
    LoginTakenError,
    deactivate,
    invite,
    make_reset_link,
    reactivate,
)
from archive_app.identity.granting import (
    LastAdministratorError,
    LastOfficerError,
    RolesNotOfferedError,
    grant_roles,
    set_rights,
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
from archive_app.kernel.permissions import OF_PEOPLE
from tests.conftest import SetClock, both_databases
from tests.factories import PASSWORD, People

NOBODY = Actor.anonymous(address="192.0.2.1")
OPERATOR = Actor.system("operator", via="cli")
CHOSEN = "selbst gewählt und gut"


def invite_ming(administrator: Actor, *roles: str) -> Handed:
    return invite(administrator, login="xiaoming", display_name="小明", roles=roles or ("verifier",), language="en")


@both_databases
def test_an_invited_person_chooses_their_password_and_is_in(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator")
    handed = invite_ming(administrator, "verifier", "team_leader")
    invited = view_person(administrator, person_id=handed.person_id)
    assert (invited.state, invited.roles, invited.proposed) == (
        AccountState.INVITED,
        frozenset[str](),
        frozenset({"verifier", "team_leader"}),
    )
    with pytest.raises(SignInRefusedError):
        sign_in(NOBODY, login="xiaoming", password="")
    view = view_link(NOBODY, token=handed.token)
    assert (view.purpose, view.login, view.organisation_name) == ("invitation", "xiaoming", "绿源核查")
    begun = use_link(NOBODY, token=handed.token, password=CHOSEN)
    actor = actor_of_session(archive, begun.token, "")
    assert actor is not None
    assert (actor.roles, actor.permissions) == (frozenset(), OF_PEOPLE), "what is only proposed is worth nothing"
    assert begun.language == "en"
    grant_roles(people.person("security_officer"), person_id=handed.person_id, roles=["verifier", "team_leader"])
    actor = actor_of_session(archive, begun.token, "")
    assert actor is not None
    assert actor.roles == {"verifier", "team_leader"}
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


@pytest.mark.parametrize(
    "wrong",
    [{"roles": []}, {"language": "xx"}, {"display_name": ""}, *({"login": f"xiao{c}ming"} for c in "\0\n\x7f\u202e ")],
)
def test_what_an_invitation_must_hold(archive: Archive, people: People, wrong: dict[str, object]) -> None:
    form = {"login": "xiaoming", "display_name": "小明", "roles": ["verifier"], "language": "en"} | wrong
    with pytest.raises(InvalidInputError):
        invite(people.person("system_administrator"), **form)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["emperor", "supervisor", "client_contact", ""])
def test_roles_of_other_organisations_are_refused_and_noted(archive: Archive, people: People, role: str) -> None:
    administrator = people.person("system_administrator")
    with pytest.raises(RolesNotOfferedError):
        invite_ming(administrator, "verifier", role)
    with archive.reading(NOBODY) as uow:
        denied = uow.session.scalars(select(Event.actor).where(Event.code == "access.denied")).all()
    assert denied == [administrator.name]
    assert len(list_people(administrator).items) == 1


@pytest.mark.parametrize(
    ("role", "error"), [("system_administrator", LastAdministratorError), ("security_officer", LastOfficerError)]
)
def test_the_last_who_can_act_stays(archive: Archive, people: People, role: str, error: type[ArchiveError]) -> None:
    """By an administrator's deactivation and by an officer's taking the role away; the operator may do both."""
    administrator, officer = people.person("system_administrator"), people.person("security_officer")
    last = {"system_administrator": administrator, "security_officer": officer}[role].person_id or ""
    # Neither somebody who never came, nor whose role is only proposed, nor one of another organisation, could act.
    grant_roles(OPERATOR, person_id=invite_ming(administrator).person_id, roles=[role])
    invite(administrator, login="proposed", display_name="小红", roles=[role], language="en")
    people.person(role, organisation="另一家")
    gone = people.person(role).person_id or ""
    deactivate(administrator, person_id=gone)
    leaving: list[Callable[[], object]] = [lambda: deactivate(administrator, person_id=last)]
    if role == "system_administrator":
        leaving.append(lambda: set_rights(officer, person_id=last, roles=[]))
    for leave in leaving:
        with pytest.raises(error):
            leave()
    reactivate(administrator, person_id=gone)
    with pytest.raises(error):
        leaving[0]()
    grant_roles(OPERATOR, person_id=gone, roles=[role])
    deactivate(administrator, person_id=last)
    with pytest.raises(error):
        deactivate(
            people.person("system_administrator") if role == "security_officer" else administrator, person_id=gone
        )


def test_the_operator_lets_even_the_last_ones_go(archive: Archive, people: People) -> None:
    administrator, officer = people.person("system_administrator"), people.person("security_officer")
    deactivate(OPERATOR, person_id=administrator.person_id or "")
    set_rights(OPERATOR, person_id=officer.person_id or "", roles=["archivist"])
    assert {line.roles for line in list_people(OPERATOR).items} == {
        frozenset({"system_administrator"}),
        frozenset({"archivist"}),
    }


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
    assert stranger not in {line.id for line in list_people(administrator).items}


@pytest.mark.parametrize("role", ["archivist", "team_leader", "verifier"])
def test_only_administrators_manage_accounts(archive: Archive, people: People, role: str) -> None:
    actor = people.person(role)
    with pytest.raises(PermissionMissingError):
        invite_ming(actor)
    with pytest.raises(PermissionMissingError):
        list_people(actor)


def test_the_operator_manages_accounts_from_the_command_line(archive: Archive, people: People) -> None:
    with pytest.raises(ArchiveError):
        invite_ming(OPERATOR)
    people.organisation()
    handed = invite_ming(OPERATOR)
    assert view_link(NOBODY, token=handed.token).organisation_name == "绿源核查"
    assert view_person(OPERATOR, person_id=handed.person_id).roles == {"verifier"}
    second = people.organisation("另一家")
    with pytest.raises(InvalidInputError):
        invite(OPERATOR, login="other", display_name="他", roles=["verifier"], language="en")
    handed = invite(
        OPERATOR, login="other", display_name="他", roles=["verifier"], language="en", organisation_id=second
    )
    assert view_link(NOBODY, token=handed.token).organisation_name == "另一家"


def test_nobody_but_the_operator_names_an_organisation(archive: Archive, people: People) -> None:
    administrator, other = people.person("system_administrator"), people.organisation("另一家")
    handed = invite(
        administrator, login="ming", display_name="明", roles=["verifier"], language="en", organisation_id=other
    )
    assert view_person(administrator, person_id=handed.person_id).organisation_name == "绿源核查"


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
