"""People with second factors, as tests of signing in need them."""

import pyotp
from sqlalchemy import select

from archive_app.identity.models import Person
from archive_app.identity.second_factor import Enrolled, enrol_second_factor, offer_second_factor
from archive_app.identity.sessions import NewSession, actor_of_session, begin_session
from archive_app.identity.signing_in import give_second_factor
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from tests.conftest import SetClock
from tests.factories import second_factor_of

HERE = Actor.anonymous(address="192.0.2.1")
SYSTEM = Actor.system("operator", via="cli")


def half(archive: Archive, person: Actor, address: str = HERE.address) -> Actor:
    """The person after their password, before their second factor."""
    with archive.transaction(SYSTEM) as uow:
        begun = begin_session(uow, uow.session.get_one(Person, person.person_id))
    return entered(archive, begun, address)


def whole(archive: Archive, person: Actor) -> Actor:
    begun = give_second_factor(half(archive, person), code=second_factor_of(archive, person.person_id))
    return entered(archive, begun)


def entered(archive: Archive, begun: NewSession | None, address: str = HERE.address) -> Actor:
    assert begun is not None
    actor = actor_of_session(archive, begun.token, address)
    assert actor is not None
    return actor


def enrol(actor: Actor, clock: SetClock) -> tuple[Enrolled, pyotp.TOTP]:
    offer = offer_second_factor(actor)
    device = pyotp.TOTP(offer.secret)
    return enrol_second_factor(actor, sealed=offer.sealed, code=device.at(clock.now())), device


def happened(archive: Archive, code: str) -> int:
    with archive.reading(SYSTEM) as uow:
        return len(uow.session.scalars(select(Event.id).where(Event.code == code)).all())
