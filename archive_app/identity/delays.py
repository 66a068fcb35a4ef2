"""Delays: whoever fails to sign in waits before the next try, longer each time; nobody else does.

A delay belongs to one account name tried from one source address, so that failing on purpose locks nobody else out.
It is kept for names that have no account too: the answers must not tell which names exist.
"""

import hashlib
import ipaddress
import math
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from archive_app.identity.models import SignInDelay
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork

_FREE_FAILURES = 3
_LONGEST_DELAY = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
_IPV6_PREFIX_BITS = 64


class TooManyTriesError(ArchiveError):
    """The next try from here has to wait."""

    code = "too_many_tries"
    message = N_("Too many failed tries. Nothing was changed; please wait %(seconds)s seconds and try again.")


def try_key(login: str, address: str) -> bytes:
    """What a delay is kept under: a digest, so that mistyped names (sometimes passwords) are not stored."""
    return hashlib.sha256(f"{_source(address)}\n{login}".encode("utf-8", "surrogatepass")).digest()


def reserve_try(archive: Archive, actor: Actor, key: bytes) -> None:
    """Counts the coming try as failed before anything is checked, so that many tries at once gain nothing.

    Raises: TooManyTriesError when it comes too early.
    """
    with archive.transaction(actor, eventless=True) as uow:
        seconds = _reserve(uow, key)
    if seconds:
        note_denial(archive, actor, Permission.SIGNED_IN, {})
        raise TooManyTriesError(seconds=seconds)


def forgive(uow: UnitOfWork, key: bytes) -> None:
    """A step: forgets the failures, because the try succeeded."""
    uow.session.execute(delete(SignInDelay).where(SignInDelay.key_digest == key))


def _reserve(uow: UnitOfWork, key: bytes) -> int:
    delay = uow.session.get(SignInDelay, key, with_for_update=True)
    if delay is None:
        return _begin(uow, key)
    # Never longer than this many failures ask for: the clock may have gone back since the last one.
    delay.next_try_at = min(delay.next_try_at, uow.now + _delay_after(delay.failures))
    if delay.next_try_at > uow.now:
        return math.ceil((delay.next_try_at - uow.now).total_seconds())
    if delay.next_try_at < uow.now - FORGOTTEN_AFTER:
        delay.failures = 0
    delay.failures += 1
    delay.next_try_at = uow.now + _delay_after(delay.failures)
    return 0


def _begin(uow: UnitOfWork, key: bytes) -> int:
    try:
        with uow.session.begin_nested():
            uow.session.add(SignInDelay(key_digest=key, failures=1, next_try_at=uow.now))
    except IntegrityError:
        # Two first tries in the same instant: no person types that fast.
        return 1
    return 0


def _delay_after(failures: int) -> timedelta:
    if failures <= _FREE_FAILURES:
        return timedelta(0)
    # The exponent is bounded so that a patient attacker cannot make the number grow without end.
    return min(timedelta(seconds=2 ** min(failures - _FREE_FAILURES, 20)), _LONGEST_DELAY)


def _source(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        # One subscriber holds a whole /64.
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX_BITS), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
