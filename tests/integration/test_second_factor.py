"""The second factor: what opens, once, whatever the clock and whoever else tries; and what is kept of it."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from archive_app.identity.delays import TooManyTriesError, try_key
from archive_app.identity.links import INVITATION, RESET, issue_link, use_link
from archive_app.identity.models import Person, RecoveryCode, SecondFactor, SignInDelay
from archive_app.identity.people import view_own_account
from archive_app.identity.second_factor import (
    NoSecondFactorError,
    SecondFactorWrongError,
    offer_second_factor,
    renew_recovery_codes,
    view_second_factor,
)
from archive_app.identity.sessions import HALF_SESSION, actor_of_session, list_own_sessions
from archive_app.identity.signing_in import give_second_factor, sign_in
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    PermissionMissingError,
    SignInRequiredError,
)
from archive_app.kernel.events import Event, EventDetail
from archive_app.kernel.permissions import OF_HALF_SIGNED_IN, OF_SIGNED_IN
from tests.conftest import SetClock, both_databases
from tests.factories import PASSWORD, People, second_factor_of
from tests.second_factors import HERE, SYSTEM, enrol, entered, half, happened

ANOTHER_PASSWORD = "eine ganz andere Wendung"


def told(archive: Archive) -> list[tuple[str, str]]:
    """Codes of all events, with their details."""
    with archive.reading(SYSTEM) as uow:
        found = select(Event.code, EventDetail.detail).join(EventDetail, EventDetail.event_id == Event.id)
        return [(code, detail) for code, detail in uow.session.execute(found)]


@both_databases
def test_enrolling_opens_what_the_role_gives_and_keeps_no_secret(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person("archivist")
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.delete(uow.session.get_one(SecondFactor, person.person_id))
    before = half(archive, person)
    assert (before.awaits, before.permissions, before.roles) == ("enrolment", OF_SIGNED_IN, frozenset())
    other = half(archive, person)
    enrolled, device = enrol(before, clock)
    after = entered(archive, enrolled.session)
    assert (after.awaits, after.permissions) == ("", person.permissions)
    assert [line.is_current for line in list_own_sessions(after).items] == [True], "the others ended"
    assert len(enrolled.codes) == len(set(enrolled.codes)) == view_second_factor(after).codes_left == 10
    assert all(len(base64.b32decode(code.replace("-", ""))) * 8 >= 80 for code in enrolled.codes)
    with archive.reading(SYSTEM) as uow:
        factor = uow.session.get_one(SecondFactor, person.person_id)
        digests = b"".join(uow.session.scalars(select(RecoveryCode.code_digest)))
    secret = base64.b32decode(device.secret + "====")
    assert (len(secret), secret in factor.wrapped_secret) == (32, False)
    assert not any(code.encode() in digests for code in enrolled.codes)
    for private in (device.secret, *enrolled.codes, enrolled.session.token if enrolled.session else "-"):
        assert private not in repr(enrolled)
        assert not any(private in detail for _, detail in told(archive))
    assert other.session_id != after.session_id


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_more_or_less_opens(
    archive: Archive, people: People, steps: int, opens: bool, clock: SetClock
) -> None:
    person = people.person()
    enrolled, device = enrol(person, clock)
    assert enrolled.session is None
    clock.advance(minutes=5)
    given = device.at(clock.now(), counter_offset=steps)
    actor = half(archive, person)
    if opens:
        assert entered(archive, give_second_factor(actor, code=f" {given[:3]} {given[3:]} ")).awaits == ""
    else:
        with pytest.raises(SecondFactorWrongError):
            give_second_factor(actor, code=given)


@both_databases
def test_a_code_opens_once_even_when_given_at_once_from_everywhere(archive: Archive, people: People) -> None:
    person = people.person("archivist")
    code = second_factor_of(archive, person.person_id)
    actors = [half(archive, person, f"198.51.100.{number}") for number in range(6)]
    assert openings(archive, actors, code) == 1
    assert happened(archive, "second_factor.refused") == len(actors) - 1


@both_databases
def test_a_recovery_code_opens_once_even_when_given_at_once_from_everywhere(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person()
    enrolled, _ = enrol(person, clock)
    actors = [half(archive, person, f"198.51.100.{number}") for number in range(6)]
    assert openings(archive, actors, enrolled.codes[0]) == 1
    assert view_second_factor(person).codes_left == 9
    with pytest.raises(SecondFactorWrongError):
        give_second_factor(half(archive, person), code=enrolled.codes[0])


def openings(archive: Archive, actors: list[Actor], code: str) -> int:
    """How many of several half sessions a code opens when all give it at the same time."""

    def give(actor: Actor) -> int:
        with archive.activate():
            try:
                return int(bool(give_second_factor(actor, code=code)))
            except SecondFactorWrongError:
                return 0

    with ThreadPoolExecutor(len(actors)) as pool:
        return sum(pool.map(give, actors))


def test_no_used_step_opens_again_when_the_clock_goes_back(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person()
    _, device = enrol(person, clock)
    clock.advance(minutes=2)
    give_second_factor(half(archive, person), code=device.at(clock.now()))
    clock.advance(minutes=-1)
    for steps in (-1, 0, 1):
        with pytest.raises(SecondFactorWrongError):
            give_second_factor(half(archive, person), code=device.at(clock.now(), counter_offset=steps))
    clock.advance(minutes=1, seconds=30)
    give_second_factor(half(archive, person, "203.0.113.5"), code=device.at(clock.now()))


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", " "),
        lambda code: code.replace("-", "").replace("O", "0").replace("I", "1").replace("B", "8"),
        lambda code: "".join(chr(ord(c) + 0xFEE0) for c in code),
        lambda code: f"  {code}\t",
    ],
)
def test_a_recovery_code_may_be_typed_as_people_type(
    archive: Archive, people: People, clock: SetClock, typed: Callable[[str], str]
) -> None:
    person = people.person()
    enrolled, _ = enrol(person, clock)
    assert entered(archive, give_second_factor(half(archive, person), code=typed(enrolled.codes[3]))).awaits == ""


@pytest.mark.parametrize(
    "given", ["", "000000000", "-", "²²²²²²", "١٢٣٤٥٦", "\udc80", "A" * 1000, "A" * 16, "%00", "１"]
)
def test_rubbish_opens_nothing(archive: Archive, people: People, given: str) -> None:
    with pytest.raises(SecondFactorWrongError):
        give_second_factor(half(archive, people.person("archivist")), code=given)


def test_new_recovery_codes_end_the_old_ones(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person()
    with pytest.raises(NoSecondFactorError):
        renew_recovery_codes(person)
    enrolled, _ = enrol(person, clock)
    fresh = renew_recovery_codes(person)
    assert (len(fresh), set(fresh) & set(enrolled.codes)) == (10, set())
    with pytest.raises(SecondFactorWrongError):
        give_second_factor(half(archive, person), code=enrolled.codes[0])
    give_second_factor(half(archive, person), code=fresh[0])
    assert view_second_factor(person).codes_left == 9


def test_half_a_session_opens_nothing_ends_soon_and_never_under_the_same_token(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person("archivist")
    with archive.reading(SYSTEM) as uow:
        login = uow.session.get_one(Person, person.person_id).login
    begun = sign_in(HERE, login=login, password=PASSWORD)
    actor = entered(archive, begun)
    assert (begun.awaits, actor.permissions, actor.roles) == ("second_factor", OF_HALF_SIGNED_IN, frozenset())
    assert actor.confirmed_at is None
    assert (happened(archive, "session.half_began"), happened(archive, "session.began")) == (1, 0)
    for refused in (view_own_account, list_own_sessions, offer_second_factor, renew_recovery_codes):
        with pytest.raises(PermissionMissingError):
            refused(actor)
    passed = give_second_factor(actor, code=second_factor_of(archive, person.person_id))
    assert passed.token != begun.token
    assert actor_of_session(archive, begun.token, "") is None, "the token from before opens nothing"
    whole_actor = entered(archive, passed)
    assert (whole_actor.permissions, whole_actor.confirmed_at) == (person.permissions, clock.now())
    assert passed.expires_at == clock.now() + archive.rules.session_lifetime
    late = half(archive, person)
    clock.advance(minutes=10)
    assert timedelta(minutes=10) == HALF_SESSION
    with pytest.raises(SignInRequiredError):
        give_second_factor(late, code=second_factor_of(archive, person.person_id))


def test_wrong_codes_are_delayed_by_themselves_and_from_there_only(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person("archivist")
    with archive.reading(SYSTEM) as uow:
        login = uow.session.get_one(Person, person.person_id).login
    waits = []
    for number in range(14):
        actor = half(archive, person)
        if number == 7:
            # The right password does not make the failed codes forgotten.
            actor = entered(archive, sign_in(HERE, login=login, password=PASSWORD))
        try:
            with pytest.raises(SecondFactorWrongError):
                give_second_factor(actor, code="AAAA")
        except TooManyTriesError as early:
            waits.append(early.params["seconds"])
            clock.advance(seconds=int(str(early.params["seconds"])))
    assert waits == [2, 4, 8, 16, 32]
    assert happened(archive, "second_factor.refused") == 9
    with pytest.raises(TooManyTriesError):
        give_second_factor(half(archive, person), code=second_factor_of(archive, person.person_id))
    elsewhere = half(archive, person, "198.51.100.7")
    give_second_factor(elsewhere, code=second_factor_of(archive, person.person_id))


def test_ten_thousand_tries_wait_a_quarter_of_an_hour_each_and_lock_nobody_else_out(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person("archivist")
    actor = half(archive, person)
    with pytest.raises(SecondFactorWrongError):
        give_second_factor(actor, code="123")
    with archive.transaction(SYSTEM, eventless=True) as uow:
        key = try_key(f"factor:{person.person_id}", HERE.address)
        uow.session.get_one(SignInDelay, key).failures = 9_999
    with pytest.raises(SecondFactorWrongError):
        give_second_factor(actor, code="123")
    for back in (0, 3600):
        clock.advance(seconds=-back)
        with pytest.raises(TooManyTriesError) as early:
            give_second_factor(actor, code=second_factor_of(archive, person.person_id))
        assert early.value.params == {"seconds": 900}, "however far the clock went back"
    elsewhere = half(archive, person, "198.51.100.7")
    begun = give_second_factor(elsewhere, code=second_factor_of(archive, person.person_id))
    assert entered(archive, begun).permissions == person.permissions


@both_databases
def test_a_link_stands_in_for_the_password_alone(archive: Archive, people: People) -> None:
    person = people.person("archivist")
    with archive.transaction(SYSTEM, eventless=True) as uow:
        reset = issue_link(uow, RESET, person.person_id)
    begun = use_link(HERE, token=reset, password=ANOTHER_PASSWORD)
    actor = entered(archive, begun)
    assert (begun.awaits, actor.permissions) == ("second_factor", OF_HALF_SIGNED_IN)
    passed = give_second_factor(actor, code=second_factor_of(archive, person.person_id))
    assert entered(archive, passed).permissions == person.permissions


def test_somebody_new_whose_role_needs_one_begins_with_enrolling(archive: Archive, people: People) -> None:
    person = people.person("archivist")
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.delete(uow.session.get_one(SecondFactor, person.person_id))
        uow.session.get_one(Person, person.person_id).password_hash = None
        invitation = issue_link(uow, INVITATION, person.person_id)
    begun = use_link(HERE, token=invitation, password=ANOTHER_PASSWORD)
    assert (begun.awaits, entered(archive, begun).permissions) == ("enrolment", OF_SIGNED_IN)
