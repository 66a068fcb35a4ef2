"""What people change about themselves: their password, name and language."""

from archive_app.identity.delays import forgive, reserve_try, try_key
from archive_app.identity.models import Organisation, Person
from archive_app.identity.names import checked_display_name, checked_language
from archive_app.identity.passwords import check_password, hash_password, verify_password
from archive_app.identity.sessions import NewSession, renew_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case

PASSWORD_CHANGED = event_type("password.changed", N_("Password changed"))
PROFILE_CHANGED = event_type("person.profile_changed", N_("Name or language changed"))


class WrongPasswordError(ArchiveError):
    """The present password was not given."""

    code = "wrong_password"
    message = N_("That is not your present password. Nothing was changed.")


@staged_use_case(Permission.SIGNED_IN)
def change_password(actor: Actor, archive: Archive, *, old: str, new: str) -> NewSession | None:
    """Changes the actor's own password and ends their other sessions; theirs goes on under a fresh token.

    Raises: WrongPasswordError, TooManyTriesError, and what `check_password` raises.
    """
    with archive.reading(actor) as uow:
        person = _self(actor, uow)
        kept = person.password_hash
        organisation = uow.session.get_one(Organisation, person.organisation_id)
        own_words = (person.login, person.display_name, organisation.name)
    check_password(new, min_length=archive.rules.password_min_length, own_words=own_words)
    # A stolen session must not become a place to try passwords faster than at the door.
    key = try_key(f"own:{actor.person_id}", actor.address)
    reserve_try(archive, actor, key)
    if not verify_password(kept, old):
        raise WrongPasswordError
    hashed = hash_password(new)
    with archive.transaction(actor) as uow:
        person = _self(actor, uow, lock=True)
        if person.password_hash != kept:
            raise ConflictError
        person.password_hash = hashed
        session = renew_session(uow, person)
        forgive(uow, key)
        subjects = {"person": person.id, "organisation": person.organisation_id}
        uow.record(PASSWORD_CHANGED, subjects, login=person.login)
        return session


@use_case(Permission.SIGNED_IN)
def change_profile(actor: Actor, uow: UnitOfWork, *, display_name: str, language: str) -> None:
    """Changes how the actor is named and in which language the archive speaks to them. Raises: InvalidInputError."""
    person = _self(actor, uow, lock=True)
    before = person.display_name
    person.display_name = checked_display_name(display_name)
    person.language = checked_language(language)
    uow.record(PROFILE_CHANGED, {"person": person.id}, before=before, name=person.display_name, language=language)


@use_case(Permission.SIGNED_IN)
def change_language(actor: Actor, uow: UnitOfWork, *, language: str) -> None:
    """Remembers the language that the actor clicked. Raises: InvalidInputError."""
    person = _self(actor, uow, lock=True)
    if person.language != language:
        person.language = checked_language(language)
        uow.record(PROFILE_CHANGED, {"person": person.id}, language=language)


def _self(actor: Actor, uow: UnitOfWork, *, lock: bool = False) -> Person:
    person = uow.session.get(Person, actor.person_id or "", with_for_update=lock or None)
    if person is None:
        raise NotFoundError
    return person
