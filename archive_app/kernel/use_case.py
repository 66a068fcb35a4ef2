"""The three shapes of a use case, each with its permission declared where it is defined.

A `confirmed` one is done only by somebody who proved within the last minutes that they are who they are, with their
password and second factor: an unattended browser grants nothing, exports nothing and destroys nothing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    NotTheirsError,
    PermissionMissingError,
    SignInRequiredError,
)
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork

P = ParamSpec("P")
R = TypeVar("R")
InUnit = Callable[Concatenate[Actor, UnitOfWork, P], R]
InArchive = Callable[Concatenate[Actor, Archive, P], R]
Public = Callable[Concatenate[Actor, P], R]


def use_case(permission: Permission, *, confirmed: bool = False) -> Callable[[InUnit[P, R]], Public[P, R]]:
    """A use case that changes something: checked, then run in the one unit of work it owns."""

    def declare(act: InUnit[P, R]) -> Public[P, R]:
        def run(actor: Actor, archive: Archive, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with archive.transaction(actor) as uow:
                result = act(actor, uow, *args, **kwargs)
                settle(uow, result)
                return result

        return _guard(permission, run, act, confirmed=confirmed)

    return declare


def query(permission: Permission, *, confirmed: bool = False) -> Callable[[InUnit[P, R]], Public[P, R]]:
    """A use case that only reads: checked, then run on a consistent view."""

    def declare(ask: InUnit[P, R]) -> Public[P, R]:
        def run(actor: Actor, archive: Archive, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with archive.reading(actor) as uow:
                return ask(actor, uow, *args, **kwargs)

        return _guard(permission, run, ask, confirmed=confirmed)

    return declare


def staged_use_case(permission: Permission, *, confirmed: bool = False) -> Callable[[InArchive[P, R]], Public[P, R]]:
    """A use case with work outside the transaction (bytes going into the vault): it gets the archive and opens, in
    turn and never nested, the units it needs."""

    def declare(act: InArchive[P, R]) -> Public[P, R]:
        return _guard(permission, act, act, confirmed=confirmed)

    return declare


def require_confirmed(actor: Actor, archive: Archive) -> None:
    """Refuses somebody who did not prove lately who they are. Raises: ConfirmationRequiredError."""
    if actor.is_system:
        return
    if actor.confirmed_at is None or archive.clock.now() - actor.confirmed_at >= archive.rules.confirmation_window:
        raise ConfirmationRequiredError


def _guard(
    permission: Permission, run: InArchive[P, R], original: Callable[..., R], *, confirmed: bool
) -> Public[P, R]:
    @wraps(original)
    def guarded(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
        archive = current_archive()
        if not actor.may(permission):
            note_denial(archive, actor, permission, {})
            raise SignInRequiredError if actor.name == "anonymous" else PermissionMissingError(permission=permission)
        if confirmed:
            require_confirmed(actor, archive)
        try:
            return run(actor, archive, *args, **kwargs)
        except (DeniedError, NotTheirsError) as denied:
            if not denied.noted:
                denied.noted = True
                note_denial(archive, actor, permission, denied.subject)
            raise

    guarded.permission = permission  # type: ignore[attr-defined]  # read by the architecture tests
    guarded.confirmed = confirmed  # type: ignore[attr-defined]
    return cast("Public[P, R]", guarded)
