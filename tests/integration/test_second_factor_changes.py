"""Changing a second factor: moving, removing and clearing it; its keys; who has to confirm what."""

import base64
from dataclasses import replace

import pyotp
import pytest
from sqlalchemy import select

from archive_app.documents.rotation import find_unreadable_keys, key_state, rotate_keys
from archive_app.identity.access_tokens import actor_of_token, make_token
from archive_app.identity.models import RecoveryCode, SecondFactor
from archive_app.identity.second_factor import (
    NoSecondFactorError,
    SecondFactorNeededError,
    SecondFactorUnreadableError,
    SecondFactorWrongError,
    clear_second_factor,
    enrol_second_factor,
    offer_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    view_second_factor,
)
from archive_app.identity.sessions import actor_of_session, list_own_sessions
from archive_app.identity.signing_in import give_second_factor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event
from archive_app.kernel.permissions import OF_EVERYBODY, Permission
from tests.conftest import SetClock, both_databases
from tests.factories import People, granted_role, second_factor_of
from tests.second_factors import SYSTEM, enrol, entered, half, whole


def test_moving_to_another_device_keeps_the_old_one_until_the_new_one_is_proved(
    archive: Archive, people: People, clock: SetClock
) -> None:
    person = people.person()
    first, old = enrol(person, clock)
    clock.advance(minutes=1)
    actor = entered(archive, give_second_factor(half(archive, person), code=old.at(clock.now())))
    offer = offer_second_factor(actor)
    with pytest.raises(SecondFactorWrongError):
        enrol_second_factor(actor, sealed=offer.sealed, code="000000")
    clock.advance(minutes=1)
    give_second_factor(half(archive, person), code=old.at(clock.now()))
    new = pyotp.TOTP(offer.secret)
    enrolled = enrol_second_factor(actor, sealed=offer.sealed, code=new.at(clock.now()))
    again = entered(archive, enrolled.session)
    assert [line.is_current for line in list_own_sessions(again).items] == [True]
    clock.advance(minutes=1)
    for gone in (old.at(clock.now()), first.codes[0]):
        with pytest.raises(SecondFactorWrongError):
            give_second_factor(half(archive, person), code=gone)
    give_second_factor(half(archive, person, "203.0.113.9"), code=new.at(clock.now()))


def test_the_same_secret_once_more_opens_no_used_step(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person()
    offer = offer_second_factor(person)
    code = pyotp.TOTP(offer.secret).at(clock.now())
    enrol_second_factor(person, sealed=offer.sealed, code=code)
    with pytest.raises(SecondFactorWrongError):
        enrol_second_factor(person, sealed=offer.sealed, code=code)


def test_only_the_secret_that_was_shown_to_them_is_enrolled(archive: Archive, people: People, clock: SetClock) -> None:
    person, other = people.person(), people.person()
    theirs = offer_second_factor(other)
    wrong = [theirs.sealed, "", "A", "!", "é", "A" * 400, offer_second_factor(person).sealed[:-8] + "AAAAAAAA"]
    for sealed in wrong:
        with pytest.raises(InvalidInputError):
            enrol_second_factor(person, sealed=sealed, code=pyotp.TOTP(theirs.secret).at(clock.now()))
    assert view_second_factor(person).enrolled_at is None
    stored = select(SecondFactor.wrapped_secret).where(SecondFactor.person_id == other.person_id)
    enrol_second_factor(other, sealed=theirs.sealed, code=pyotp.TOTP(theirs.secret).at(clock.now()))
    with archive.reading(SYSTEM) as uow:
        wrapped = uow.session.scalars(stored).one()
    kept = base64.urlsafe_b64encode((1).to_bytes(4, "big") + wrapped).decode()
    with pytest.raises(InvalidInputError):
        offer_second_factor(other, sealed=kept)


def test_every_change_asks_for_a_confirmation(archive: Archive, people: People) -> None:
    person, officer = people.person(), people.person("security_officer")
    late = replace(person, confirmed_at=None)
    with pytest.raises(ConfirmationRequiredError):
        offer_second_factor(late)
    with pytest.raises(ConfirmationRequiredError):
        enrol_second_factor(late, sealed="", code="")
    with pytest.raises(ConfirmationRequiredError):
        renew_recovery_codes(late)
    with pytest.raises(ConfirmationRequiredError):
        remove_second_factor(late)
    with pytest.raises(ConfirmationRequiredError):
        clear_second_factor(replace(officer, confirmed_at=None), person_id=person.person_id or "")


@both_databases
def test_it_is_removed_only_while_no_role_needs_it(archive: Archive, people: People, clock: SetClock) -> None:
    person = people.person("verifier")
    with pytest.raises(NoSecondFactorError):
        remove_second_factor(person)
    _, device = enrol(person, clock)
    clock.advance(minutes=1)
    actor = entered(archive, give_second_factor(half(archive, person), code=device.at(clock.now())))
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.add(granted_role(uow, person.person_id or "", "archivist"))
    with pytest.raises(SecondFactorNeededError):
        remove_second_factor(actor)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        role = granted_role(uow, person.person_id or "", "archivist")
        uow.session.delete(uow.session.merge(role))
    other = half(archive, person)
    goes_on = entered(archive, remove_second_factor(actor))
    assert (goes_on.awaits, goes_on.session_id) == ("", actor.session_id)
    assert other.session_id not in {line.id for line in list_own_sessions(goes_on).items}
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalars(select(RecoveryCode)).all() == []
    assert half(archive, person).permissions == person.permissions


@both_databases
def test_somebody_else_clears_a_lost_one_and_ends_the_sessions(archive: Archive, people: People) -> None:
    officer, lost = people.person("security_officer"), people.person("archivist")
    abroad = people.person("archivist", organisation="另一家核查")
    begun = give_second_factor(half(archive, lost), code=second_factor_of(archive, lost.person_id))
    with pytest.raises(DutiesNotSeparateError):
        clear_second_factor(officer, person_id=officer.person_id or "")
    with pytest.raises(NotFoundError):
        clear_second_factor(officer, person_id=abroad.person_id or "")
    for role in ("system_administrator", "archivist", "verifier"):
        with pytest.raises(PermissionMissingError):
            clear_second_factor(people.person(role), person_id=lost.person_id or "")
    clear_second_factor(officer, person_id=lost.person_id or "")
    assert actor_of_session(archive, begun.token, "") is None
    assert half(archive, lost).awaits == "enrolment"
    with pytest.raises(NoSecondFactorError):
        clear_second_factor(SYSTEM, person_id=lost.person_id or "")
    clear_second_factor(SYSTEM, person_id=abroad.person_id or "")
    with archive.reading(SYSTEM) as uow:
        by = uow.session.scalars(select(Event.actor).where(Event.code == "second_factor.cleared"))
        assert set(by) == {officer.person_id, SYSTEM.name}


def test_a_program_gets_nothing_until_its_person_has_enrolled(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    token = make_token(leader, name="程序", scopes=["read"], days=1).token
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.add(granted_role(uow, leader.person_id or "", "archivist"))
    program = actor_of_token(archive, token, "")
    assert program is not None
    assert (program.awaits, program.permissions) == ("enrolment", OF_EVERYBODY)
    assert not program.may(Permission.SIGNED_IN)


@pytest.mark.parametrize("broken", ["key missing", "not authentic"])
def test_a_secret_that_does_not_open_is_told_and_recovery_codes_still_open(
    archive: Archive, people: People, clock: SetClock, broken: str
) -> None:
    person = people.person()
    enrolled, device = enrol(person, clock)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        factor = uow.session.get_one(SecondFactor, person.person_id)
        if broken == "key missing":
            factor.key_epoch = 7
        else:
            factor.wrapped_secret = bytes(len(factor.wrapped_secret))
    assert list(find_unreadable_keys(archive, SYSTEM)) == [f"second factor of {person.person_id}"]
    clock.advance(minutes=1)
    with pytest.raises(SecondFactorUnreadableError):
        give_second_factor(half(archive, person), code=device.at(clock.now()))
    give_second_factor(half(archive, person), code=enrolled.codes[0])


@both_databases
def test_a_rotation_of_keys_wraps_every_secret_again(
    archive: Archive, people: People, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_app.documents.rotation.BATCH", 2)
    owners = [people.person("archivist") for _ in range(5)]
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(SecondFactor, owners[1].person_id).wrapped_secret = b"broken"
    broken = f"second factor of {owners[1].person_id}"
    done = rotate_keys(SYSTEM)
    assert (done.rewrapped, list(done.unreadable)) == (4, [broken])
    assert key_state(SYSTEM, archive).rows_by_epoch == {1: 1, 2: 4}
    assert list(find_unreadable_keys(archive, SYSTEM)) == [broken]
    archive.vault.keyring.destroy_epoch(1)
    assert whole(archive, owners[4]).permissions == owners[4].permissions
