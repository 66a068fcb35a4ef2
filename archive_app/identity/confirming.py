"""Confirming who one is: the password, and the second factor where there is one, before an act that asks for it."""

from archive_app.identity.delays import forgive, reserve_try, try_key
from archive_app.identity.models import Person
from archive_app.identity.passwords import verify_password
from archive_app.identity.second_factor import has_second_factor, use_factor
from archive_app.identity.sessions import NewSession, confirm_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case

CONFIRMATION_REFUSED = event_type("confirmation.refused", N_("Confirmation refused"))


class ConfirmationRefusedError(ArchiveError):
    """The password or the code was wrong: the answer does not tell which."""

    code = "confirmation_refused"
    message = N_("This does not confirm that it is you. Nothing was changed; check what you typed and try again.")


@query(Permission.SIGNED_IN)
def confirms_with_code(actor: Actor, uow: UnitOfWork) -> bool:
    """Whether the actor confirms with their second factor besides the password."""
    return has_second_factor(uow, actor.person_id or "")


@staged_use_case(Permission.SIGNED_IN)
def confirm(actor: Actor, archive: Archive, *, password: str, code: str = "") -> NewSession:
    """Notes in the actor's session that they just proved who they are; it goes on under a fresh token.

    Raises: ConfirmationRefusedError, TooManyTriesError, SecondFactorUnreadableError; SignInRequiredError when the
    session ended meanwhile.
    """
    # A stolen session must not become a place to try passwords faster than at the door.
    key = try_key(f"own:{actor.person_id}", actor.address)
    reserve_try(archive, actor, key)
    with archive.reading(actor) as uow:
        kept = _self(uow).password_hash
    is_right = verify_password(kept, password)
    with archive.transaction(actor) as uow:
        person = _self(uow, lock=True)
        # Of an account that changed while the password was being checked, nothing is confirmed. The code is used up
        # only together with the right password.
        is_right = is_right and person.active and person.password_hash == kept
        if is_right and (not has_second_factor(uow, person.id) or use_factor(uow, person.id, code)):
            forgive(uow, key)
            return confirm_session(uow, person)
        uow.record(CONFIRMATION_REFUSED, {"person": person.id, "organisation": person.organisation_id})
    raise ConfirmationRefusedError


def _self(uow: UnitOfWork, *, lock: bool = False) -> Person:
    person = uow.session.get(Person, uow.actor.person_id or "", with_for_update=lock or None)
    if person is None:
        raise NotFoundError
    return person
