"""Marks: content that somebody reaches only by a grant from outside goes out with who, when and what for on it.

A room that opens such content registers a `Marker`. The rooms that give content out ask it and know nothing of why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Mark:
    """What stands on content: who gets it, of which organisation, what for, until when, and at what moment.

    `grant_id` names the grant that opens it, for `source` (who gave it). `subjects` are what an event of looking at it
    is about besides, so that the look is found again from the grant. `moment` and `until` are in the archive's zone.
    """

    person: str
    login: str
    person_id: str
    organisation: str
    source: str
    purpose: str
    reference: str
    until: datetime
    moment: datetime
    grant_id: str
    subjects: Mapping[str, str] = field(default_factory=dict)


Marker = Callable[["UnitOfWork", str, str], Mark | None]
"""The mark for what the unit's actor sees of a subject, an `engagement` or a `document`, that they may see; None where
nothing is marked. Raises: NotFoundError where a right ended in this very moment, never None for that."""


def unmarked(_uow: "UnitOfWork", _kind: str, _subject_id: str) -> Mark | None:
    """Where no room marks anything."""
    return None
