"""The second factor: one-time passwords of a device (TOTP, RFC 6238), and recovery codes for the day it is lost.

A one-time password has six digits, made with SHA-1 of 30 seconds' steps, as every authenticator app knows them. One
step more or less is accepted, and each step opens once, whatever the clock does. The secret is wrapped under the
archive's master key; of recovery codes only digests are kept.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update

from archive_app.identity.access_tokens import end_tokens
from archive_app.identity.actors import standing_of
from archive_app.identity.models import Person, RecoveryCode, SecondFactor
from archive_app.identity.roles import needs_second_factor
from archive_app.identity.sessions import NewSession, end_sessions, renew_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import RIGHTS_GIVEN_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.wrapped_secrets import WrappedSecrets, keep_wrapped
from storage import KeyCorrupt, KeyMissing, WrappedKey

FACTOR_ENROLLED = event_type("second_factor.enrolled", N_("Second factor enrolled"))
FACTOR_REMOVED = event_type("second_factor.removed", N_("Second factor removed"))
FACTOR_CLEARED = event_type("second_factor.cleared", N_("Second factor cleared by somebody else"))
CODES_RENEWED = event_type("recovery_codes.renewed", N_("Recovery codes made anew"))
RECOVERY_CODES = 10
STEP_SECONDS = 30
_WINDOW = 1
_DIGITS = 6
_SECRET_BYTES = 32
_CODE_BYTES = 15
_CODE_LENGTH = 24
_EPOCH_BYTES = 4
# What is easily misread is not in the alphabet of the codes (RFC 4648 §6): whoever writes it means the other.
_MISREAD = str.maketrans("018", "OIB")


class SecondFactorWrongError(ArchiveError):
    """Neither a one-time password of these moments nor an unused recovery code."""

    code = "second_factor_wrong"
    message = N_(
        "This code is not right, has expired or was used before. Nothing was changed; wait for the next code of your "
        "device, or give a recovery code that you have not used yet."
    )


class SecondFactorUnreadableError(ArchiveError):
    """The key of the secret is missing from the key file, or the secret does not open with it."""

    code = "second_factor_unreadable"
    message = N_(
        "The archive cannot read the secret of your second factor. Nothing was changed; give a recovery code instead, "
        "and tell your administrator."
    )


class SecondFactorNeededError(ArchiveError):
    """A role of the person is used with a second factor only."""

    code = "second_factor_needed"
    message = N_("Your roles need a second factor. Nothing was changed; you can move it to another device instead.")


class NoSecondFactorError(ArchiveError):
    """There is none to change or to clear."""

    code = "no_second_factor"
    message = N_("There is no second factor here. Nothing was changed.")


@dataclass(frozen=True)
class Offer:
    """A fresh secret for somebody to enrol. `sealed` travels through the form: only the archive can open it, and only
    for this person. `secret` is for typing, `address` (otpauth:) for scanning; neither is ever printed."""

    sealed: str
    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True)
class Enrolled:
    """Recovery codes that are shown this once, and the session under its fresh token; none for other actors."""

    codes: Sequence[str] = field(repr=False)
    session: NewSession | None = field(repr=False)


@dataclass(frozen=True)
class FactorView:
    """How somebody's own second factor stands. `needed` says that a role of theirs asks for one."""

    enrolled_at: datetime | None
    codes_left: int
    needed: bool


@query(Permission.SIGNED_IN)
def view_second_factor(actor: Actor, uow: UnitOfWork) -> FactorView:
    """The actor's own second factor."""
    person = _person(uow, actor.person_id)
    factor = uow.session.get(SecondFactor, person.id)
    unused = select(func.count()).where(RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None))
    left = uow.session.scalar(unused) or 0
    return FactorView(factor.enrolled_at if factor else None, left, needs_second_factor(standing_of(uow, person).roles))


@query(Permission.SECOND_FACTOR_OWN, confirmed=True)
def offer_second_factor(actor: Actor, uow: UnitOfWork, *, sealed: str = "") -> Offer:
    """A secret to enrol; the one that `sealed` holds, or a fresh one. Raises: InvalidInputError."""
    person = _person(uow, actor.person_id)
    if not sealed:
        key = uow.archive.vault.keyring.wrap(secrets.token_bytes(_SECRET_BYTES), _offer_context(person.id))
        sealed = base64.urlsafe_b64encode(key.epoch.to_bytes(_EPOCH_BYTES, "big") + key.wrapped).decode()
    totp = _totp(_open_offer(uow.archive, person.id, sealed))
    return Offer(sealed, totp.secret, totp.provisioning_uri(name=person.login, issuer_name="Lantai"))


@use_case(Permission.SECOND_FACTOR_OWN, confirmed=True)
def enrol_second_factor(actor: Actor, uow: UnitOfWork, *, sealed: str, code: str) -> Enrolled:
    """Enrols the offered secret, in place of an earlier one, once `code` shows that the device has it.

    Makes recovery codes, ends the person's other sessions and goes on with this one under a fresh token.
    Raises: InvalidInputError for an offer that is not theirs, SecondFactorWrongError.
    """
    person = _person(uow, actor.person_id, lock=True)
    secret = _open_offer(uow.archive, person.id, sealed)
    factor = uow.session.get(SecondFactor, person.id, with_for_update=True)
    step = _matching_step(secret, code, uow.now)
    # The same secret enrolled once more must not make its used steps open again.
    if step is None or (factor is not None and _holds(uow.archive, factor, secret) and step <= factor.last_step):
        raise SecondFactorWrongError
    key = uow.archive.vault.keyring.wrap(secret, _context(person.id))
    if factor is None:
        factor = SecondFactor(person_id=person.id)
        uow.session.add(factor)
    factor.key_epoch, factor.wrapped_secret = key.epoch, key.wrapped
    factor.enrolled_at, factor.last_step = uow.now, step
    codes = _make_codes(uow, person.id)
    session = renew_session(uow, person)
    uow.record(FACTOR_ENROLLED, _subjects(person), login=person.login)
    return Enrolled(codes, session)


@use_case(Permission.SECOND_FACTOR_OWN, confirmed=True)
def renew_recovery_codes(actor: Actor, uow: UnitOfWork) -> Sequence[str]:
    """Makes new recovery codes, shown this once; earlier ones open nothing any more. Raises: NoSecondFactorError."""
    person = _person(uow, actor.person_id, lock=True)
    if uow.session.get(SecondFactor, person.id, with_for_update=True) is None:
        raise NoSecondFactorError
    codes = _make_codes(uow, person.id)
    uow.record(CODES_RENEWED, _subjects(person), login=person.login)
    return codes


@use_case(Permission.SECOND_FACTOR_OWN, confirmed=True)
def remove_second_factor(actor: Actor, uow: UnitOfWork) -> NewSession | None:
    """Removes the actor's own second factor and ends their other sessions; this one goes on under a fresh token.

    Raises: SecondFactorNeededError while a role of theirs asks for it, NoSecondFactorError.
    """
    person = _person(uow, actor.person_id, lock=True)
    if needs_second_factor(standing_of(uow, person).roles):
        raise SecondFactorNeededError
    _forget(uow, person.id)
    session = renew_session(uow, person)
    uow.record(FACTOR_REMOVED, _subjects(person), login=person.login)
    return session


@use_case(Permission.RIGHTS_GRANT, confirmed=True)
def clear_second_factor(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Removes the second factor of somebody who lost it, and ends their sessions and tokens. Their next sign-in enrols
    another.

    Raises: NotFoundError, DutiesNotSeparateError for one's own, NoSecondFactorError.
    """
    uow.require("person", person_id)
    RIGHTS_GIVEN_BY_ANOTHER.require_apart(actor.person_id, [person_id])
    person = _person(uow, person_id, lock=True)
    _forget(uow, person.id)
    end_sessions(uow, person.id)
    end_tokens(uow, person.id)
    uow.record(FACTOR_CLEARED, _subjects(person), login=person.login)


def has_second_factor(uow: UnitOfWork, person_id: str) -> bool:
    """A step: whether the person has one to give."""
    return uow.session.get(SecondFactor, person_id) is not None


def use_factor(uow: UnitOfWork, person_id: str, given: str) -> bool:
    """A step: whether `given` is a one-time password of these moments or a recovery code, and never was used before.

    What is right is used up. Of two at once, one is right: the person's row is locked.
    Raises: SecondFactorUnreadableError.
    """
    factor = uow.session.get(SecondFactor, person_id, with_for_update=True, populate_existing=True)
    if factor is None:
        return False
    typed = _normal(given)
    if not (typed.isascii() and typed.isdecimal() and len(typed) == _DIGITS):
        return _use_code(uow, person_id, typed)
    step = _matching_step(_secret_of(uow.archive, factor), typed, uow.now)
    if step is None or step <= factor.last_step:
        return False
    factor.last_step = step
    return True


def current_password(archive: Archive, factor: SecondFactor, *, steps: int = 0) -> tuple[int, str]:
    """The step `steps` from now and the one-time password of it. Raises: SecondFactorUnreadableError."""
    totp = _totp(_secret_of(archive, factor))
    step = totp.timecode(archive.clock.now()) + steps
    return step, totp.generate_otp(step)


def _secret_of(archive: Archive, factor: SecondFactor) -> bytes:
    key = WrappedKey(factor.key_epoch, factor.wrapped_secret)
    try:
        return archive.vault.keyring.unwrap(key, _context(factor.person_id))
    except (KeyMissing, KeyCorrupt) as error:
        raise SecondFactorUnreadableError from error


def _holds(archive: Archive, factor: SecondFactor, secret: bytes) -> bool:
    try:
        return hmac.compare_digest(_secret_of(archive, factor), secret)
    except SecondFactorUnreadableError:
        return False


def _matching_step(secret: bytes, given: str, now: datetime) -> int | None:
    """The step whose one-time password was given. All are looked at, whichever is right."""
    totp, typed = _totp(secret), _normal(given).encode("utf-8", "surrogatepass")
    present = totp.timecode(now)
    steps = range(present - _WINDOW, present + _WINDOW + 1)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return max(right, default=None)


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode().rstrip("="), digits=_DIGITS, interval=STEP_SECONDS)


def _open_offer(archive: Archive, person_id: str, sealed: str) -> bytes:
    try:
        held = base64.b64decode(sealed.encode("ascii"), altchars=b"-_", validate=True)
        key = WrappedKey(int.from_bytes(held[:_EPOCH_BYTES], "big"), held[_EPOCH_BYTES:])
        return archive.vault.keyring.unwrap(key, _offer_context(person_id))
    except (NotBase64, UnicodeEncodeError, KeyMissing, KeyCorrupt):
        reason = N_("This is not the secret that was shown to you; open the page once more.")
        raise InvalidInputError(field=N_("Second factor"), reason=reason) from None


def _make_codes(uow: UnitOfWork, person_id: str) -> list[str]:
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    uow.session.add_all(RecoveryCode(person_id=person_id, code_digest=_digest(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, _CODE_LENGTH, 4)) for code in codes]


def _use_code(uow: UnitOfWork, person_id: str, typed: str) -> bool:
    theirs = update(RecoveryCode).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    used = theirs.where(RecoveryCode.code_digest == _digest(typed.translate(_MISREAD))).values(used_at=uow.now)
    return uow.session.scalar(used.returning(RecoveryCode.person_id)) is not None


def _digest(code: str) -> bytes:
    # Eighty random bits need no slow hash.
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def _normal(given: str) -> str:
    """What was typed, whatever width and case, without what people put between."""
    text = unicodedata.normalize("NFKC", given).upper()
    return "".join(character for character in text if not character.isspace() and character not in "-‐‑–—")


def _forget(uow: UnitOfWork, person_id: str) -> None:
    factor = uow.session.get(SecondFactor, person_id, with_for_update=True)
    if factor is None:
        raise NoSecondFactorError
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    uow.session.delete(factor)


def _person(uow: UnitOfWork, person_id: str | None, *, lock: bool = False) -> Person:
    person = uow.session.get(Person, person_id or "", with_for_update=lock or None)
    if person is None or not person.active:
        raise NotFoundError
    return person


def _subjects(person: Person) -> dict[str, str]:
    return {"person": person.id, "organisation": person.organisation_id}


def _context(person_id: str) -> bytes:
    return b"second-factor:" + person_id.encode()


def _offer_context(person_id: str) -> bytes:
    return b"second-factor-offer:" + person_id.encode()


keep_wrapped(
    WrappedSecrets(
        "second factor of", SecondFactor.person_id, SecondFactor.key_epoch, SecondFactor.wrapped_secret, _context
    )
)
