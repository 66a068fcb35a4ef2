"""First-run set-up happens once, whoever tries how often."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from archive_app.identity.links import LinkUnusableError
from archive_app.identity.models import OneTimeLink, Organisation, Person, PersonRole, SignInSession
from archive_app.identity.organisations import KINDS
from archive_app.identity.passwords import PasswordTooShortError
from archive_app.identity.roles import OF_THE_FIRST_PERSON
from archive_app.identity.sessions import NewSession, actor_of_session
from archive_app.identity.setting_up import AlreadySetUpError, check_setup_link, create_setup_link, is_set_up, set_up
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.kernel.tables import Base
from tests.conftest import SetClock, both_databases

NOBODY = Actor.anonymous(address="127.0.0.1")
FORM = {
    "language": "zh_Hans_CN",
    "organisation_name": "江苏绿衡核查有限公司",
    "display_name": "王敏",
    "login": "WangMin",
    "password": "清晨 the greenhouse breathes",
}


def count(archive: Archive, table: type[Base]) -> int:
    with archive.reading(NOBODY) as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0


def fresh_link(archive: Archive) -> str:
    token = create_setup_link(archive)
    assert token is not None
    return token


def roles_of_everybody(archive: Archive) -> set[str]:
    with archive.reading(NOBODY) as uow:
        return set(uow.session.scalars(select(PersonRole.role).where(PersonRole.granted_at.is_not(None))))


@both_databases
def test_the_first_person_administers_archives_and_leads(archive: Archive) -> None:
    assert not is_set_up(NOBODY)
    begun = set_up(NOBODY, token=fresh_link(archive), **FORM)
    actor = actor_of_session(archive, begun.token, "127.0.0.1")
    assert actor is not None
    assert (actor.awaits, actor.roles) == ("enrolment", frozenset()), "the second factor comes first"
    assert actor.display_name == "王敏"
    assert roles_of_everybody(archive) == OF_THE_FIRST_PERSON
    assert is_set_up(NOBODY)
    with archive.reading(NOBODY) as uow:
        assert uow.session.scalars(select(Person.login)).all() == ["wangmin"]
        codes = uow.session.execute(select(Event.code, Event.actor)).all()
    assert {tuple(row) for row in codes} >= {
        ("setup.link_made", "system:operator"),
        ("organisation.set_up", actor.name),
        ("session.began", actor.name),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_organisation_of_any_kind_may_run_the_archive(archive: Archive, kind: str) -> None:
    set_up(NOBODY, token=fresh_link(archive), kind=kind, **FORM)
    with archive.reading(NOBODY) as uow:
        [organisation] = uow.session.scalars(select(Organisation)).all()
        [person] = uow.session.scalars(select(Person)).all()
    assert (organisation.kind, organisation.runs_archive, person.highest_level) == (kind, True, Level.RESTRICTED)
    verifies = kind in {"verification_body", "service_institution"}
    assert roles_of_everybody(archive) == OF_THE_FIRST_PERSON - (set() if verifies else {"team_leader"})


def test_only_the_newest_link_works_and_only_its_digest_is_kept(archive: Archive) -> None:
    old, new = fresh_link(archive), fresh_link(archive)
    with pytest.raises(LinkUnusableError):
        check_setup_link(NOBODY, token=old)
    check_setup_link(NOBODY, token=new)
    with archive.reading(NOBODY) as uow:
        kept = uow.session.scalars(select(OneTimeLink.token_digest)).all()
    assert all(token.encode() not in digest for token in (old, new) for digest in kept)


def test_a_link_expires(archive: Archive, clock: SetClock) -> None:
    token = fresh_link(archive)
    clock.instant += archive.rules.link_lifetime
    with pytest.raises(LinkUnusableError):
        set_up(NOBODY, token=token, **FORM)


@pytest.mark.parametrize("token", ["", "x", "ä\udc80", "A" * 43])
def test_a_made_up_link_is_refused(archive: Archive, token: str) -> None:
    fresh_link(archive)
    with pytest.raises(LinkUnusableError):
        set_up(NOBODY, token=token, **FORM)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"password": "short"}, PasswordTooShortError),
        ({"login": "a b"}, InvalidInputError),
        ({"organisation_name": " "}, InvalidInputError),
        ({"display_name": "\x07"}, InvalidInputError),
        ({"language": "tlh"}, InvalidInputError),
        ({"kind": "ministry"}, InvalidInputError),
    ],
)
def test_a_refused_form_keeps_the_link_and_makes_nothing(
    archive: Archive, wrong: dict[str, str], error: type[ArchiveError]
) -> None:
    token = fresh_link(archive)
    with pytest.raises(error):
        set_up(NOBODY, token=token, **(FORM | wrong))
    assert count(archive, Person) == count(archive, Organisation) == 0
    set_up(NOBODY, token=token, **FORM)


def test_a_second_time_is_refused(archive: Archive) -> None:
    token = fresh_link(archive)
    set_up(NOBODY, token=token, **FORM)
    assert create_setup_link(archive) is None
    with pytest.raises(AlreadySetUpError):
        set_up(NOBODY, token=token, **(FORM | {"login": "second", "organisation_name": "另一家"}))
    assert count(archive, Person) == 1


@both_databases
def test_of_many_at_once_one_sets_up(archive: Archive) -> None:
    token = fresh_link(archive)

    def attempt(number: int) -> NewSession | ArchiveError:
        with archive.activate():
            try:
                return set_up(
                    NOBODY, token=token, **(FORM | {"login": f"p{number}", "organisation_name": f"甲{number}"})
                )
            except ArchiveError as error:
                return error

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(4)))
    assert sum(isinstance(result, NewSession) for result in results) == 1
    assert count(archive, Person) == count(archive, Organisation) == count(archive, SignInSession) == 1
    assert count(archive, PersonRole) == len(OF_THE_FIRST_PERSON)
