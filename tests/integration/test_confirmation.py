"""Confirming who one is: what renews it, for how long it counts, and that trying gains nothing."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from archive_app.documents.exporting import Form, export_hits
from archive_app.identity.confirming import ConfirmationRefusedError, confirm, confirms_with_code
from archive_app.identity.delays import TooManyTriesError
from archive_app.identity.models import Person, SignInSession
from archive_app.identity.own_account import change_password
from archive_app.identity.sessions import (
    actor_of_session,
    begin_session,
    end_other_sessions,
    end_session,
    list_own_sessions,
)
from archive_app.identity.signing_in import give_second_factor
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConfirmationRequiredError, PermissionMissingError, SignInRequiredError
from archive_app.kernel.events import Event
from archive_app.kernel.use_case import require_confirmed
from tests.conftest import SetClock, both_databases
from tests.factories import PASSWORD, People, second_factor_of

HERE = "192.0.2.1"
SYSTEM = Actor.system("test")


def enter(archive: Archive, person: Actor, address: str = HERE) -> tuple[str, Actor]:
    with archive.transaction(SYSTEM) as uow:
        begun = begin_session(uow, uow.session.get_one(Person, person.person_id))
    if begun.awaits == "second_factor":
        half = actor_of_session(archive, begun.token, address)
        assert half is not None
        begun = give_second_factor(half, code=second_factor_of(archive, person.person_id))
    return begun.token, again(archive, begun.token)


def again(archive: Archive, token: str) -> Actor:
    actor = actor_of_session(archive, token, HERE)
    assert actor is not None
    return actor


def is_confirmed(archive: Archive, actor: Actor) -> bool:
    try:
        require_confirmed(actor, archive)
    except ConfirmationRequiredError:
        return False
    return True


def happened(archive: Archive, code: str) -> int:
    with archive.reading(SYSTEM) as uow:
        return len(uow.session.scalars(select(Event.id).where(Event.code == code)).all())


@both_databases
@pytest.mark.parametrize("role", ["verifier", "archivist"])
def test_it_counts_for_ten_minutes_under_a_fresh_token(
    archive: Archive, people: People, clock: SetClock, role: str
) -> None:
    person = people.person(role)
    token, actor = enter(archive, person)
    assert is_confirmed(archive, actor)
    clock.advance(minutes=10)
    actor = again(archive, token)
    assert not is_confirmed(archive, actor)
    assert confirms_with_code(actor) is (role == "archivist")
    begun = confirm(
        actor, password=PASSWORD, code=second_factor_of(archive, person.person_id) if role == "archivist" else ""
    )
    assert begun.token != token
    assert actor_of_session(archive, token, HERE) is None
    renewed = again(archive, begun.token)
    assert (renewed.session_id, is_confirmed(archive, renewed)) == (actor.session_id, True)
    assert happened(archive, "session.confirmed") == 1
    clock.advance(minutes=9, seconds=59)
    assert is_confirmed(archive, again(archive, begun.token))
    clock.advance(seconds=1)
    assert not is_confirmed(archive, again(archive, begun.token))


def test_the_password_alone_does_not_confirm_somebody_with_a_second_factor(archive: Archive, people: People) -> None:
    person = people.person("archivist")
    _, actor = enter(archive, person)
    code = second_factor_of(archive, person.person_id)
    answers = set()
    for password, given in ((PASSWORD, ""), (PASSWORD, "000000"), ("not mine", code)):
        with pytest.raises(ConfirmationRefusedError) as refused:
            confirm(actor, password=password, code=given)
        answers.add(str(refused.value))
    assert len(answers) == 1, "the answer does not tell which was wrong"
    assert happened(archive, "confirmation.refused") == 3
    # A wrong password used up no code.
    confirm(actor, password=PASSWORD, code=code)


def test_a_used_code_does_not_confirm(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person("archivist")
    _, actor = enter(archive, person)
    code = second_factor_of(archive, person.person_id)
    begun = confirm(actor, password=PASSWORD, code=code)
    with pytest.raises(ConfirmationRefusedError):
        confirm(again(archive, begun.token), password=PASSWORD, code=code)


def test_trying_is_delayed_together_with_the_password_on_the_account_page(archive: Archive, people: People) -> None:
    _, actor = enter(archive, people.person("verifier"))
    for _ in range(4):
        with pytest.raises(ConfirmationRefusedError):
            confirm(actor, password="a guess")
    with pytest.raises(TooManyTriesError):
        confirm(actor, password=PASSWORD)
    with pytest.raises(TooManyTriesError):
        change_password(actor, old=PASSWORD, new="eine ganz andere Wendung")
    confirm(replace(actor, address="198.51.100.7"), password=PASSWORD)


def test_a_session_that_ended_meanwhile_is_not_confirmed(archive: Archive, people: People) -> None:
    person = people.person("verifier")
    (_, first), (_, second) = enter(archive, person), enter(archive, person)
    end_session(first, session_id=second.session_id or "")
    with pytest.raises(SignInRequiredError):
        confirm(second, password=PASSWORD)
    with archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(SignInSession, second.session_id).ended_at is not None


def test_all_other_sessions_end_at_once_and_only_ones_own(archive: Archive, people: People) -> None:
    person = people.person("verifier")
    (_, here), (_, there), (_, stranger) = (enter(archive, who) for who in (person, person, people.person()))
    end_other_sessions(here)
    assert [line.id for line in list_own_sessions(here).items] == [here.session_id]
    assert [line.id for line in list_own_sessions(stranger).items] == [stranger.session_id]
    assert there.session_id != here.session_id
    assert happened(archive, "session.others_ended") == 1


def test_a_changed_password_goes_on_under_a_fresh_token(archive: Archive, people: People) -> None:
    token, actor = enter(archive, people.person("verifier"))
    begun = change_password(actor, old=PASSWORD, new="eine ganz andere Wendung")
    assert begun is not None
    assert actor_of_session(archive, token, HERE) is None
    assert again(archive, begun.token).session_id == actor.session_id


@pytest.mark.parametrize(("back", "lives"), [({"seconds": 50}, True), ({"minutes": 2}, False), ({"days": 400}, False)])
def test_a_clock_that_went_back_makes_no_session_younger(
    archive: Archive, people: People, clock: SetClock, back: dict[str, float], lives: bool
) -> None:
    token, _ = enter(archive, people.person("verifier"))
    clock.advance(**{unit: -amount for unit, amount in back.items()})
    assert (actor_of_session(archive, token, HERE) is not None) is lives


def test_a_confirmation_from_the_future_does_not_count(archive: Archive, people: People, clock: SetClock) -> None:
    token, actor = enter(archive, people.person("verifier"))
    clock.advance(minutes=-5)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(SignInSession, actor.session_id).last_seen_at = uow.now
    assert not is_confirmed(archive, again(archive, token))


def test_taking_a_list_along_asks_for_it_by_itself(archive: Archive, people: People) -> None:
    def export(actor: Actor) -> object:
        return export_hits(actor, pairs=[], form=Form.CSV, language="en", address=lambda _id, _number: "")

    with pytest.raises(ConfirmationRequiredError):
        export(replace(people.person("verifier"), confirmed_at=None))
    with pytest.raises(PermissionMissingError):
        export(people.person("internal_auditor"))
