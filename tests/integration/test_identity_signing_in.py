"""Signing in: who gets in, who waits, and when a session is over."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from archive_app.identity.accounts import deactivate, reactivate
from archive_app.identity.delays import TooManyTriesError
from archive_app.identity.models import SignInDelay, SignInSession
from archive_app.identity.own_account import WrongPasswordError, change_language, change_password, change_profile
from archive_app.identity.passwords import verify_password
from archive_app.identity.people import view_own_account
from archive_app.identity.sessions import actor_of_session, end_session, list_own_sessions, sign_out
from archive_app.identity.signing_in import SignInRefusedError, sign_in
from archive_app.identity.tidying import tidy
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import AnonymousDenials
from archive_app.kernel.errors import NotFoundError, SignInRequiredError
from archive_app.kernel.events import Event
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from tests.conftest import SetClock, both_databases
from tests.factories import PASSWORD, People

HERE = Actor.anonymous(address="192.0.2.1")
ELSEWHERE = Actor.anonymous(address="198.51.100.7")
ANOTHER_PASSWORD = "eine ganz andere Wendung"


def login_of(actor: Actor) -> str:
    return view_own_account(actor).login


def enter(archive: Archive, person: Actor, at: Actor = HERE, password: str = PASSWORD) -> Actor:
    begun = sign_in(at, login=login_of(person), password=password)
    actor = actor_of_session(archive, begun.token, at.address)
    assert actor is not None
    return actor


def fail(login: str, at: Actor = HERE) -> None:
    with pytest.raises(SignInRefusedError):
        sign_in(at, login=login, password="not the password")


def codes(archive: Archive) -> Counter[str]:
    with archive.reading(HERE) as uow:
        return Counter(uow.session.scalars(select(Event.code)))


@both_databases
def test_the_session_carries_who_the_person_is(archive: Archive, people: People) -> None:
    person = people.person("verifier", "team_leader", name="李建国")
    actor = enter(archive, person)
    now = archive.clock.now()
    assert actor == replace(person, address=HERE.address, session_id=actor.session_id, confirmed_at=now)
    assert codes(archive)["session.began"] == 1


def test_a_person_without_roles_may_use_their_own_account(archive: Archive, people: People) -> None:
    actor = enter(archive, people.person())
    assert actor.roles == frozenset()
    assert view_own_account(actor).id == actor.person_id


@pytest.mark.parametrize("typed", ["{}", " {} ", "{}".upper()])
def test_the_login_may_be_typed_in_any_form(archive: Archive, people: People, typed: str) -> None:
    login = login_of(people.person("verifier"))
    sign_in(HERE, login=typed.format(login.upper()), password=PASSWORD)


def test_unknown_inactive_and_wrong_get_the_same_answer_and_the_same_work(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator, leaver = people.person("system_administrator"), people.person("verifier")
    deactivate(administrator, person_id=leaver.person_id or "")
    checks = []

    def watched(kept: str | None, password: str) -> bool:
        checks.append(kept)
        return verify_password(kept, password)

    monkeypatch.setattr(
        "archive_app.identity.signing_in.verify_password",
        watched,
    )
    answers = set()
    for login, password in [("nobody", PASSWORD), (login_of(leaver), PASSWORD), (login_of(administrator), "wrong")]:
        with pytest.raises(SignInRefusedError) as refused:
            sign_in(HERE, login=login, password=password)
        answers.add(str(refused.value))
    assert len(answers) == 1
    assert [kept is None for kept in checks] == [True, False, False]


def test_refusals_leave_a_trace(archive: Archive, people: People) -> None:
    fail(login_of(people.person("verifier")))
    assert codes(archive)["session.refused"] == 1
    before = codes(archive)
    fail("nobody")
    assert codes(archive) == before
    with archive.reading(HERE) as uow:
        assert uow.session.scalar(select(func.sum(AnonymousDenials.count))) == 1


@pytest.mark.parametrize("exists", [True, False])
def test_failures_delay_the_next_try_from_there_only(
    archive: Archive, people: People, clock: SetClock, exists: bool
) -> None:
    login = login_of(people.person("verifier")) if exists else "nobody"
    for wait in (0, 0, 0, 0, 2, 4, 8):
        if wait:
            with pytest.raises(TooManyTriesError) as early:
                sign_in(HERE, login=login, password=PASSWORD)
            assert early.value.params == {"seconds": wait}
        clock.advance(seconds=wait)
        fail(login)
    with pytest.raises(TooManyTriesError):
        sign_in(HERE, login=login, password=PASSWORD)
    if exists:
        # Failing on purpose locks nobody else out.
        sign_in(ELSEWHERE, login=login, password=PASSWORD)
        clock.advance(seconds=16)
        sign_in(HERE, login=login, password=PASSWORD)
        fail(login)
        fail(login)


def test_many_tries_at_once_gain_nothing(archive: Archive, people: People) -> None:
    login = login_of(people.person("verifier"))

    def attempt(_number: int) -> type[Exception]:
        with archive.activate():
            try:
                sign_in(HERE, login=login, password="a guess")
            except (SignInRefusedError, TooManyTriesError) as error:
                return type(error)
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(12)))
    assert results.count(SignInRefusedError) <= 4


def test_the_token_is_new_each_time_and_only_its_digest_is_kept(archive: Archive, people: People) -> None:
    person = people.person("verifier")
    first = sign_in(HERE, login=login_of(person), password=PASSWORD)
    second = sign_in(HERE, login=login_of(person), password=PASSWORD)
    assert first.token != second.token
    assert len(first.token) == 43
    with archive.reading(HERE) as uow:
        kept = uow.session.scalars(select(SignInSession.token_digest)).all()
    assert all(len(digest) == 32 for digest in kept)
    assert not any(first.token.encode() in digest for digest in kept)


def test_signing_in_again_ends_the_session_that_the_browser_came_with(archive: Archive, people: People) -> None:
    actor = enter(archive, people.person("verifier"))
    sign_in(actor, login=login_of(people.person("verifier")), password=PASSWORD)
    with archive.reading(HERE) as uow:
        assert uow.session.get_one(SignInSession, actor.session_id).ended_at is not None


def test_a_session_ends_when_idle_too_long(archive: Archive, people: People, clock: SetClock) -> None:
    begun = sign_in(HERE, login=login_of(people.person("verifier")), password=PASSWORD)
    step = archive.rules.session_idle - timedelta(seconds=1)
    clock.instant += step
    assert actor_of_session(archive, begun.token, "")
    clock.instant += step
    assert actor_of_session(archive, begun.token, "")
    clock.instant += archive.rules.session_idle
    assert actor_of_session(archive, begun.token, "") is None


def test_a_session_ends_when_too_old_however_busy(archive: Archive, people: People, clock: SetClock) -> None:
    begun = sign_in(HERE, login=login_of(people.person("verifier")), password=PASSWORD)
    while clock.now() + timedelta(minutes=30) < begun.expires_at:
        clock.advance(minutes=30)
        assert actor_of_session(archive, begun.token, "")
    clock.instant = begun.expires_at
    assert actor_of_session(archive, begun.token, "") is None


def test_last_seen_is_written_at_most_once_a_minute(archive: Archive, people: People, clock: SetClock) -> None:
    begun = sign_in(HERE, login=login_of(people.person("verifier")), password=PASSWORD)
    written = set()
    for _ in range(180):
        clock.advance(seconds=1)
        actor = actor_of_session(archive, begun.token, "")
        assert actor is not None
        with archive.reading(HERE) as uow:
            written.add(uow.session.get_one(SignInSession, actor.session_id).last_seen_at)
    assert len(written) == 4


@pytest.mark.parametrize("token", ["", "x", "\udc80", "A" * 10_000])
def test_a_made_up_token_opens_nothing(archive: Archive, token: str) -> None:
    assert actor_of_session(archive, token, "") is None


def test_signing_out_ends_this_session_only(archive: Archive, people: People) -> None:
    person = people.person("verifier")
    here, there = enter(archive, person), enter(archive, person, ELSEWHERE)
    sign_out(here)
    assert codes(archive)["session.ended"] == 1
    assert [line.id for line in list_own_sessions(there).items] == [there.session_id]
    sign_out(here)


def test_people_end_only_their_own_sessions(archive: Archive, people: People) -> None:
    mine, theirs = enter(archive, people.person("verifier")), enter(archive, people.person("verifier"))
    other = enter(archive, mine, ELSEWHERE)
    with pytest.raises(NotFoundError):
        end_session(mine, session_id=theirs.session_id or "")
    end_session(mine, session_id=other.session_id or "")
    assert [line.is_current for line in list_own_sessions(mine).items] == [True]
    with pytest.raises(SignInRequiredError):
        list_own_sessions(HERE)


def test_deactivation_ends_every_session_at_once(archive: Archive, people: People) -> None:
    administrator, leaver = people.person("system_administrator"), people.person("verifier")
    begun = sign_in(HERE, login=login_of(leaver), password=PASSWORD)
    deactivate(administrator, person_id=leaver.person_id or "")
    assert actor_of_session(archive, begun.token, "") is None
    reactivate(administrator, person_id=leaver.person_id or "")
    assert actor_of_session(archive, begun.token, "") is None
    sign_in(HERE, login=login_of(leaver), password=PASSWORD)


@both_databases
def test_a_changed_password_ends_the_other_sessions(archive: Archive, people: People) -> None:
    person = people.person("verifier")
    here, _there = enter(archive, person), enter(archive, person, ELSEWHERE)
    change_password(here, old=PASSWORD, new=ANOTHER_PASSWORD)
    assert codes(archive)["password.changed"] == 1
    assert [line.id for line in list_own_sessions(here).items] == [here.session_id]
    fail(login_of(person), ELSEWHERE)
    enter(archive, person, ELSEWHERE, ANOTHER_PASSWORD)


def test_the_present_password_is_asked_and_guessing_it_is_delayed(archive: Archive, people: People) -> None:
    here = enter(archive, people.person("verifier"))
    for _ in range(4):
        with pytest.raises(WrongPasswordError):
            change_password(here, old="a guess", new=ANOTHER_PASSWORD)
    with pytest.raises(TooManyTriesError):
        change_password(here, old=PASSWORD, new=ANOTHER_PASSWORD)


def test_name_and_language_are_ones_own_to_change(archive: Archive, people: People) -> None:
    here = enter(archive, people.person("verifier"))
    change_profile(here, display_name="  王 敏 ", language="en")
    account = view_own_account(here)
    assert (account.display_name, account.language) == ("王 敏", "en")
    before = codes(archive)
    change_language(here, language="en")
    assert codes(archive) == before
    change_language(here, language="zh_Hans_CN")
    assert view_own_account(here).language == "zh_Hans_CN"


def test_tidying_removes_only_what_has_done_its_work(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person("verifier")
    enter(archive, person)
    fail("nobody")
    clock.advance(hours=25)
    fail("somebody")
    kept = enter(archive, person)

    def rows() -> tuple[int, int]:
        with archive.reading(HERE) as uow:
            counted = [uow.session.scalar(select(func.count()).select_from(t)) for t in (SignInDelay, SignInSession)]
        return counted[0] or 0, counted[1] or 0

    workshop = Workshop(archive)
    tidy(workshop, Job())
    assert rows() == (1, 2)
    clock.advance(days=31)
    tidy(workshop, Job())
    assert rows() == (0, 0)
    assert kept.session_id
