"""Marks and stamps: what is drawn over content on its way out.

A mark says who gets it, when and what for, where somebody reaches it only by a grant from outside. A stamp says that it
is not in force any more, whoever gets it. They know nothing of each other, and content that calls for both bears both.
A room that opens such content registers a `Marker`, one that knows what is in force a `Stamper`; the rooms that give
content out ask them and know nothing of why.
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


@dataclass(frozen=True)
class Stamp:
    """What stands over content that is not in force any more: its `lines`, and `plain` ones in ASCII where there is no
    font for those. `bare` when whoever asks may have the original without it."""

    lines: tuple[str, ...]
    plain: tuple[str, ...]
    bare: bool = False


Stamper = Callable[["UnitOfWork", str], Stamp | None]
"""The stamp of a document that is obsolete, for the unit's actor; None for a document that it knows nothing of."""
Marker = Callable[["UnitOfWork", str, str], Mark | None]
"""The mark for what the unit's actor sees of a subject, an `engagement` or a `document`, that they may see; None where
nothing is marked. Raises: NotFoundError where a right ended in this very moment, never None for that."""


def unmarked(_uow: "UnitOfWork", _kind: str, _subject_id: str) -> Mark | None:
    """Where no room marks anything."""
    return None


def unstamped(_uow: "UnitOfWork", _document_id: str) -> Stamp | None:
    """Where no room knows what is in force."""
    return None
