"""What may be done with a controlled document and its editions, by whom, and what they are told who may not."""

from collections.abc import Iterable

from sqlalchemy import select

from archive_app.identity.models import Person
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotTheirsError, PermissionMissingError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.kinds import RETAIN, STATES
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.own import require_own


class RevisionOnTheWayError(ArchiveError):
    """An edition of the document is on its way; there is one at a time."""

    code = "revision_on_the_way"
    message = N_(
        "%(name)s is working on edition %(label)s of this document since %(day)s, and there is one edition on its way "
        "at a time. Nothing was begun. Talk to them, or have the document controller hand it over."
    )


class KeptAsItIsError(ArchiveError):
    """A retained document 保留 stays as it was issued."""

    code = "kept_as_it_is"
    message = N_(
        "%(number)s is retained: it is evidence of what was, and stays as it was issued. Nothing was begun; register "
        "a new document for what is new."
    )


class ControlledWithdrawnError(ArchiveError):
    """A withdrawn document changes no more."""

    code = "controlled_withdrawn"
    message = N_("%(number)s is withdrawn and changes no more. Nothing was changed; register a new document.")


class WrongStateError(ArchiveError):
    """The edition does not stand where this could be done with it."""

    code = "edition_state"
    message = N_("Edition %(label)s is at “%(state)s” now, where this cannot be done. %(way)s Nothing was changed.")
    translated = ("state", "way")


class NoFileError(ArchiveError):
    """An edition without a file is nothing to decide about."""

    code = "edition_without_file"
    message = N_("Edition %(label)s has no file yet. Nobody was asked; add its file first.")


class NotTheAuthorError(NotTheirsError):
    """An edition is in the hands of its author and of those who control documents."""

    code = "not_the_author"
    message = N_(
        "Edition %(label)s is in the hands of %(name)s. Nothing was changed; only they and the document controller do "
        "this."
    )


def require_member(uow: UnitOfWork) -> tuple[str, str]:
    """A step: the person who acts, and their organisation. Raises: InvalidInputError for the archive itself."""
    if uow.actor.person_id is None or uow.actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return uow.actor.person_id, uow.actor.organisation_id


def lock_controlled(uow: UnitOfWork, controlled_id: str) -> ControlledDocument:
    """A step: a controlled document of the actor's organisation that they see, with other changes to it waiting until
    this unit of work ends.

    Raises: NotFoundError, PermissionMissingError for a supervisor.
    """
    uow.require("controlled_document", controlled_id)
    controlled = uow.session.get_one(ControlledDocument, controlled_id, with_for_update=True, populate_existing=True)
    require_own(uow, controlled.organisation_id, Permission.CONTROLLED_WRITE)
    return controlled


def lock_edition(uow: UnitOfWork, edition_id: str) -> tuple[ControlledDocument, Edition]:
    """A step: an edition that the actor sees, and its document locked. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    controlled_id = uow.session.get_one(Edition, edition_id).controlled_document_id
    controlled = lock_controlled(uow, controlled_id)
    edition = uow.session.get_one(Edition, edition_id, with_for_update=True, populate_existing=True)
    # It may have changed hands while this waited.
    uow.require("edition", edition_id)
    return controlled, edition


def edition_on_the_way(uow: UnitOfWork, controlled_id: str) -> Edition | None:
    """A step: the edition of a document that is on its way, whoever asks."""
    on_the_way = select(Edition).where(Edition.controlled_document_id == controlled_id, Edition.on_the_way)
    return uow.session.scalars(on_the_way.execution_options(populate_existing=True)).one_or_none()


def has_charge(uow: UnitOfWork, edition: Edition) -> bool:
    """Whether the edition is in the actor's hands: as its author, or as one who controls documents."""
    return uow.actor.may(Permission.CONTROLLED_MANAGE) or edition.author_id == uow.actor.person_id


def require_charge(uow: UnitOfWork, edition: Edition) -> None:
    """Refuses whoever has the edition not in their hands. Raises: NotTheAuthorError."""
    if not has_charge(uow, edition):
        raise NotTheAuthorError({"edition": edition.id}, label=edition.label, name=name_of(uow, edition.author_id))


def require_state(edition: Edition, states: Iterable[str], *, way: str) -> None:
    """Refuses an edition that is at none of the states, or is issued and only waits for its day; `way` says what to do
    instead. Raises: WrongStateError."""
    if edition.state not in set(states) or edition.issued_at is not None:
        raise WrongStateError(label=edition.label, state=STATES[edition.state], way=way)


def require_revisable(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    """Refuses a document of which no further edition may begin now.

    Raises: ControlledWithdrawnError, KeptAsItIsError, RevisionOnTheWayError.
    """
    if controlled.state == "withdrawn":
        raise ControlledWithdrawnError(number=controlled.number)
    under_way = edition_on_the_way(uow, controlled.id)
    if under_way is not None:
        day = under_way.begun_at.astimezone(uow.archive.rules.zone).date()
        raise RevisionOnTheWayError(name=name_of(uow, under_way.author_id), label=under_way.label, day=day.isoformat())
    if controlled.keeping == RETAIN and controlled.state != "draft":
        raise KeptAsItIsError(number=controlled.number)


def require_permission(uow: UnitOfWork, permission: Permission) -> None:
    """Refuses whoever does not hold it. Raises: PermissionMissingError."""
    if not uow.actor.may(permission):
        raise PermissionMissingError(permission=permission)


def subjects(controlled: ControlledDocument, edition: Edition | None = None, **more: str) -> dict[str, str]:
    """What an event about a controlled document is about."""
    about = {"organisation": controlled.organisation_id, "controlled_document": controlled.id, **more}
    return about if edition is None else about | {"edition": edition.id}


def name_of(uow: UnitOfWork, person_id: str) -> str:
    """A step: what somebody is called."""
    return uow.session.scalar(select(Person.display_name).where(Person.id == person_id)) or ""
