"""Signing in: the password, then the second factor of those who have one."""

from dataclasses import dataclass

from sqlalchemy import select

from archive_app.identity.actors import acting_as
from archive_app.identity.delays import forgive, reserve_try, try_key
from archive_app.identity.models import Person
from archive_app.identity.names import fold_login
from archive_app.identity.passwords import hash_password, needs_rehash, verify_password
from archive_app.identity.second_factor import SecondFactorWrongError, use_factor
from archive_app.identity.sessions import NewSession, begin_session, end_one, pass_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError, SignInRequiredError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case

SESSION_REFUSED = event_type("session.refused", N_("Sign-in refused"))
FACTOR_REFUSED = event_type("second_factor.refused", N_("Second factor refused"))


class SignInRefusedError(ArchiveError):
    """Unknown, not active, or the wrong password: the answer is the same."""

    code = "sign_in_refused"
    message = N_(
        "This login and password do not open the archive. Check both and try again, or ask your administrator."
    )


@dataclass(frozen=True)
class _Account:
    actor: Actor
    password_hash: str | None
    active: bool


@staged_use_case(Permission.ANYBODY)
def sign_in(actor: Actor, archive: Archive, *, login: str, password: str) -> NewSession:
    """Begins a session under a token that never existed before; the session the browser came with ends.

    It is half a session for somebody who has a second factor: `give_second_factor` makes it a whole one.
    The costly check of the password runs in no transaction, and for names without an account too.
    Raises: SignInRefusedError, TooManyTriesError.
    """
    login = fold_login(login)
    key = try_key(login, actor.address)
    reserve_try(archive, actor, key)
    with archive.reading(actor) as uow:
        account = _find(uow, login)
    kept = account.password_hash if account else None
    right = verify_password(kept, password)
    if account is None or kept is None or not right or not account.active:
        _note_refusal(archive, actor, account)
        raise SignInRefusedError
    renewed = hash_password(password) if needs_rehash(kept) else kept
    with archive.transaction(account.actor) as uow:
        person = uow.session.get_one(Person, account.actor.name, with_for_update=True)
        if not person.active or person.password_hash != kept:
            # Changed while the password was being checked.
            raise SignInRefusedError
        person.password_hash = renewed
        forgive(uow, key)
        if actor.session_id is not None and actor.person_id is not None:
            end_one(uow, actor.session_id, actor.person_id)
        return begin_session(uow, person)


@staged_use_case(Permission.SECOND_FACTOR_GIVE)
def give_second_factor(actor: Actor, archive: Archive, *, code: str) -> NewSession:
    """Makes the actor's half session a whole one, under a fresh token, by a one-time password or a recovery code.

    Tries are delayed by themselves: the right password does not make the failed codes before it forgotten.
    Raises: SecondFactorWrongError, TooManyTriesError, SecondFactorUnreadableError; SignInRequiredError when the half
    session ended meanwhile.
    """
    key = try_key(f"factor:{actor.person_id}", actor.address)
    reserve_try(archive, actor, key)
    with archive.transaction(actor) as uow:
        person = uow.session.get(Person, actor.person_id or "", with_for_update=True)
        if person is None or not person.active:
            raise SignInRequiredError
        if use_factor(uow, person.id, code):
            forgive(uow, key)
            return pass_session(uow, person)
        uow.record(FACTOR_REFUSED, {"person": person.id, "organisation": person.organisation_id})
    raise SecondFactorWrongError


def _find(uow: UnitOfWork, login: str) -> _Account | None:
    person = uow.session.scalar(select(Person).where(Person.login == login))
    if person is None:
        return None
    return _Account(acting_as(uow, person), person.password_hash, person.active)


def _note_refusal(archive: Archive, actor: Actor, account: _Account | None) -> None:
    if account is None:
        note_denial(archive, Actor.anonymous(address=actor.address), Permission.SIGNED_IN, {})
        return
    known = account.actor
    with archive.transaction(Actor.anonymous(address=actor.address)) as uow:
        uow.record(SESSION_REFUSED, {"person": known.name, "organisation": known.organisation_id or ""})
