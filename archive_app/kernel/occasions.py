"""Occasions: what a lower room lets higher rooms take part in, inside its own transaction.

A room declares an occasion and announces it; rooms above it say at import what they do then. The room that announces
knows nobody who listens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from archive_app.kernel.unit_of_work import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True)
class Occasion(Generic[T]):
    """Something that happens to a `T`; `name` is for people who read the program."""

    name: str
    _steps: dict[str, Callable[[UnitOfWork, T], None]] = field(default_factory=dict, repr=False)

    def then(self, name: str, step: Callable[[UnitOfWork, T], None]) -> None:
        """Registers a step that runs each time, before the announcing use case records its event.

        Raises: ValueError when the name is taken.
        """
        if name in self._steps:
            raise ValueError(f"{name} hears of {self.name} twice")
        self._steps[name] = step

    def announce(self, uow: UnitOfWork, subject: T) -> None:
        """A step: runs what was registered, in the order of the names."""
        uow.session.flush()
        for _name, step in sorted(self._steps.items()):
            step(uow, subject)
