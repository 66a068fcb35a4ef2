"""How somebody wants to be told: where to, at once or once a day or not at all, and when not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from archive_app.identity.models import Person
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.worklist.models import Notice, NoticeWish
from archive_app.worklist.moments import MINUTES_OF_A_DAY
from archive_app.worklist.notices import is_address, notice_kind, send_notice
from archive_app.worklist.people import AT_ONCE, DAILY, NOT_AT_ALL

WISH_CHANGED = event_type("notices.wish_changed", N_("Notices by mail changed"))
ADDRESS_CONFIRMED = event_type("notices.address_confirmed", N_("Address for notices confirmed"))
CONFIRM_ADDRESS = notice_kind(
    "address.confirm",
    subject=N_("Confirm your address for notices"),
    body=N_("Open this link while you are signed in, and notices of the archive will come here."),
    why=N_("Somebody who is signed in to the archive gave this address. If it was not you, do nothing."),
)
WAYS: Mapping[str, str] = {
    AT_ONCE: N_("At once"),
    DAILY: N_("Once a day"),
    NOT_AT_ALL: N_("Not at all"),
}
_ADDRESS = N_("Mail address")
CONFIRMATIONS_A_DAY = 5
CONFIRMATION_LASTS = timedelta(days=3)
USUAL_DIGEST = 8 * 60 + 30


class TooManyConfirmationsError(ArchiveError):
    """Somebody had many addresses asked within a day; strangers may live at them."""

    code = "too_many_confirmations"
    message = N_("You had %(count)s addresses asked within a day. Nothing was changed; try again tomorrow.")


class ConfirmationUnusableError(ArchiveError):
    """The link of another person or of an earlier address, or one that was used or has expired."""

    code = "confirmation_unusable"
    message = N_(
        "This link was used already, has expired, or belongs to another account or an earlier address. Nothing was "
        "changed; sign in as whom the mail is for, or have another one sent from the page of your notices."
    )


@dataclass(frozen=True)
class Wish:
    """What somebody wishes; minutes are minutes after midnight in the archive's zone, quiet hours may go over it."""

    address: str = ""
    way: str = NOT_AT_ALL
    daily_at: int = USUAL_DIGEST
    quiet_from: int | None = None
    quiet_until: int | None = None
    urgent_anyway: bool = False


@dataclass(frozen=True)
class WishView:
    """The wish as it stands; `confirmed_at` is None as long as nobody showed that the address is theirs. `posts` says
    whether this archive sends mail at all."""

    wish: Wish
    confirmed_at: datetime | None
    asked_until: datetime | None
    posts: bool


@query(Permission.SIGNED_IN)
def view_wish(actor: Actor, uow: UnitOfWork) -> WishView:
    """One's own wish."""
    row = uow.session.get(NoticeWish, actor.person_id or "")
    posts = uow.archive.rules.mail is not None
    if row is None:
        return WishView(Wish(), None, None, posts)
    wish = Wish(row.address, row.way, row.daily_at, row.quiet_from, row.quiet_until, row.urgent_anyway)
    return WishView(wish, row.confirmed_at, row.confirmation_until, posts)


@use_case(Permission.SIGNED_IN)
def change_wish(actor: Actor, uow: UnitOfWork, *, wish: Wish) -> None:
    """Keeps one's own wish. Another address counts once the link that is mailed to it was opened.

    Raises: InvalidInputError, TooManyConfirmationsError.
    """
    person = _person(uow, actor)
    address = wish.address.strip()
    _check(wish, address)
    row = uow.session.get(NoticeWish, person.id, with_for_update=True)
    if row is None:
        row = NoticeWish(person_id=person.id, address="", confirmed_at=None)
        uow.session.add(row)
    moved = address != row.address
    row.way, row.daily_at, row.urgent_anyway = wish.way, wish.daily_at, wish.urgent_anyway
    row.quiet_from, row.quiet_until, row.changed_at = wish.quiet_from, wish.quiet_until, uow.now
    if moved:
        row.address, row.confirmed_at = address, None
        row.confirmation_sha256 = row.confirmation_until = None
        if address:
            _ask(uow, person, row)
    uow.record(WISH_CHANGED, _subjects(person), way=wish.way, moved=moved)


@use_case(Permission.SIGNED_IN)
def ask_again(actor: Actor, uow: UnitOfWork) -> None:
    """Mails another link to one's unconfirmed address; earlier ones open nothing any more.

    Raises: NotFoundError, TooManyConfirmationsError.
    """
    person = _person(uow, actor)
    row = uow.session.get(NoticeWish, person.id, with_for_update=True)
    if row is None or not row.address or row.confirmed_at is not None:
        raise NotFoundError
    _ask(uow, person, row)
    uow.record(WISH_CHANGED, _subjects(person), way=row.way, moved=False)


@use_case(Permission.SIGNED_IN)
def confirm_address(actor: Actor, uow: UnitOfWork, *, token: str) -> None:
    """Shows that the address is one's own, by the link that was mailed to it. Raises: ConfirmationUnusableError."""
    person = _person(uow, actor)
    row = uow.session.get(NoticeWish, person.id, with_for_update=True)
    asked = row is not None and row.confirmation_sha256 == token_digest(token)
    if row is None or not asked or row.confirmation_until is None or row.confirmation_until <= uow.now:
        raise ConfirmationUnusableError
    row.confirmed_at, row.confirmation_sha256, row.confirmation_until = uow.now, None, None
    uow.record(ADDRESS_CONFIRMED, _subjects(person))


def _ask(uow: UnitOfWork, person: Person, row: NoticeWish) -> None:
    lately = select(func.count()).where(
        Notice.key.startswith(f"{CONFIRM_ADDRESS.code}:{person.id}:", autoescape=True),
        Notice.created_at > uow.now - timedelta(days=1),
    )
    if (uow.session.scalar(lately) or 0) >= CONFIRMATIONS_A_DAY:
        raise TooManyConfirmationsError(count=CONFIRMATIONS_A_DAY)
    token = new_token()
    row.confirmation_sha256, row.confirmation_until = token_digest(token), uow.now + CONFIRMATION_LASTS
    send_notice(
        uow,
        key=f"{CONFIRM_ADDRESS.code}:{person.id}:{uow.new_id()}",
        kind=CONFIRM_ADDRESS,
        address=row.address,
        language=person.language,
        link="/account/notices/confirm/{secret}",
        organisation_id=person.organisation_id,
        secret=token.encode(),
    )


def _check(wish: Wish, address: str) -> None:
    if address and not is_address(address):
        raise InvalidInputError(field=_ADDRESS, reason=N_("This is not an address that mail can go to."))
    if wish.way not in WAYS:
        raise InvalidInputError(field=N_("How"), reason=N_("Choose one from the list."))
    if wish.way != NOT_AT_ALL and not address:
        raise InvalidInputError(field=_ADDRESS, reason=N_("This must not be empty."))
    minutes = [wish.daily_at, *(m for m in (wish.quiet_from, wish.quiet_until) if m is not None)]
    if not all(0 <= minute < MINUTES_OF_A_DAY for minute in minutes):
        raise InvalidInputError(field=N_("Hour"), reason=N_("This is not a time of day."))
    if (wish.quiet_from is None) != (wish.quiet_until is None):
        raise InvalidInputError(field=N_("Quiet hours"), reason=N_("Give both the beginning and the end, or neither."))


def _person(uow: UnitOfWork, actor: Actor) -> Person:
    person = uow.session.get(Person, actor.person_id or "")
    if person is None:
        raise NotFoundError
    return person


def _subjects(person: Person) -> dict[str, str]:
    return {"person": person.id, "organisation": person.organisation_id}
