"""What every act on a controlled document in use begins with: which one (locked), in which state; and who is told."""

from archive_app.identity.models import Person
from archive_app.kernel.errors import ArchiveError, NotTheirsError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.management.colleagues import level_of
from archive_app.management.controlled.kinds import DOCUMENT_STATES
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.controlled.rules import lock_controlled, name_of
from archive_app.worklist.kinds import TaskKind
from archive_app.worklist.tasks import Addressee, open_task


class NotInForceError(ArchiveError):
    """The controlled document is in a state in which this is not done with it."""

    code = "controlled_not_in_force"
    message = N_(
        "%(number)s is in the state “%(state)s”, in which this cannot be done. Nothing was changed; reload its page "
        "and see what happened to it."
    )
    translated = ("state",)

    def __init__(self, controlled: ControlledDocument) -> None:
        super().__init__(number=controlled.number, state=DOCUMENT_STATES[controlled.state])


class NotTheOwnerError(NotTheirsError):
    """What is asked for is of the document's owner and of those who control documents."""

    code = "not_the_owner"
    message = N_("%(number)s is owned by %(name)s. Nothing was changed; only they and the document controller do this.")

    def __init__(self, controlled: ControlledDocument, *, name: str) -> None:
        super().__init__({"controlled_document": controlled.id}, number=controlled.number, name=name)


def locked_row(uow: UnitOfWork, controlled_id: str) -> ControlledDocument:
    """A step: the controlled document as it is now, whoever acts; nobody else changes it until this unit ends."""
    return uow.session.get_one(ControlledDocument, controlled_id, with_for_update=True, populate_existing=True)


def lock_in_force(uow: UnitOfWork, controlled_id: str) -> ControlledDocument:
    """A step: the same of one that the actor sees and that has an edition in force.

    Raises: NotFoundError, NotInForceError.
    """
    controlled = lock_controlled(uow, controlled_id)
    if controlled.state != "in_force":
        raise NotInForceError(controlled)
    return controlled


def document_of(uow: UnitOfWork, edition_id: str) -> ControlledDocument:
    """A step: the controlled document of an edition that the actor sees, locked. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    return lock_controlled(uow, uow.session.get_one(Edition, edition_id).controlled_document_id)


def require_owner(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    """A step: refuses whoever neither owns it nor controls documents. Raises: NotTheOwnerError."""
    if uow.actor.person_id != controlled.owner_id and not uow.actor.may(Permission.CONTROLLED_MANAGE):
        raise NotTheOwnerError(controlled, name=name_of(uow, controlled.owner_id))


def open_for_owner(
    uow: UnitOfWork, kind: TaskKind, controlled: ControlledDocument, *, subject_id: str = "", due: Due | None = None
) -> None:
    """A step: something waits for the owner, or where they left for whoever controls documents; about the document,
    where nothing else is said."""
    owner = uow.session.get_one(Person, controlled.owner_id)
    owned = owner.active
    # Neither those who control documents nor an owner whose level was lowered may see one of a high level: its number
    # says enough.
    sees = owned and level_of(uow, owner) >= controlled.level
    open_task(
        uow,
        kind,
        to=Addressee(person_id=controlled.owner_id) if owned else Addressee(permission=Permission.CONTROLLED_MANAGE),
        subject_id=subject_id or controlled.id,
        organisation_id=controlled.organisation_id,
        about=called(controlled) if sees else controlled.number,
        due=due,
    )


def called(controlled: ControlledDocument) -> str:
    """What a task about it is called."""
    return f"{controlled.number} {controlled.title}"
