"""What the work list must know of engagements, which are a room above it: their numbers, and who has which part.

That room says so at import; a program without it has no engagements to know of.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false

from archive_app.kernel.actor import Actor
from archive_app.kernel.policy import Policy
from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Named:
    """An engagement as people know it. The title is for pages, never for mail."""

    number: str
    title: str


@dataclass(frozen=True)
class EngagementsKnown:
    """Steps of the room above: names by id; the id of a number in an organisation, if it is there; whoever has a part
    in an engagement at this moment. `in_sight` is the clause for tasks of engagements that an actor sees."""

    named: Callable[[UnitOfWork, Collection[str]], Mapping[str, Named]]
    numbered: Callable[[UnitOfWork, str, str], str | None]
    having_part: Callable[[UnitOfWork, str, str], Sequence[str]]
    in_sight: Callable[[Policy, Actor], ColumnElement[bool]]


_KNOWN: list[EngagementsKnown] = []


def know_engagements(known: EngagementsKnown) -> None:
    """Says how engagements are known; said once. Raises: ValueError when it was said before."""
    if _KNOWN:
        raise ValueError("engagements are made known twice")
    _KNOWN.append(known)


def names_of(uow: UnitOfWork, engagement_ids: Collection[str]) -> Mapping[str, Named]:
    """A step: the engagements' names, whoever may see them."""
    return _KNOWN[0].named(uow, engagement_ids) if _KNOWN and engagement_ids else {}


def numbered(uow: UnitOfWork, organisation_id: str, number: str) -> str | None:
    """A step: the id of the engagement with exactly this number."""
    return _KNOWN[0].numbered(uow, organisation_id, number) if _KNOWN else None


def having_part(uow: UnitOfWork, engagement_id: str, part: str) -> Sequence[str]:
    """A step: the people who have a part in the engagement at this moment."""
    return _KNOWN[0].having_part(uow, engagement_id, part) if _KNOWN else ()


def in_sight(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """The clause for tasks of engagements that the actor sees."""
    return _KNOWN[0].in_sight(policy, actor) if _KNOWN else false()
