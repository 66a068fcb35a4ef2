"""A step that whoever called a use case adds to its transaction, such as keeping the answer to a repeated request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from archive_app.kernel.unit_of_work import UnitOfWork

Step = Callable[[UnitOfWork, Any], None]

_step: ContextVar[Step | None] = ContextVar("settling_step", default=None)


@contextmanager
def settled_by(step: Step) -> Iterator[None]:
    """Has the use case called inside run `step` with its result, last in its own transaction."""
    token = _step.set(step)
    try:
        yield
    finally:
        _step.reset(token)


def settle(uow: UnitOfWork, result: object) -> None:
    """Runs the step, if the caller has one; what it raises undoes the change.

    `@use_case` calls it by itself. A staged use case is given it as the step that ends its deciding transaction.
    """
    step = _step.get()
    if step is not None:
        step(uow, result)
