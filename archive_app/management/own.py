"""What is seen of another organisation is read and no more: every change asks here first."""

from archive_app.kernel.errors import PermissionMissingError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork


def require_own(uow: UnitOfWork, organisation_id: str, permission: Permission) -> None:
    """A step: refuses whoever sees what is of another organisation, as supervisors do; a role that they hold in their
    own gives them nothing here. Raises: PermissionMissingError."""
    if not uow.actor.is_system and uow.actor.organisation_id != organisation_id:
        raise PermissionMissingError(permission=permission)
