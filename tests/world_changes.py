"""What narrows somebody's sight in a generated world, in its facts and in the archive alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import delete, update

from archive_app.documents.indexing import NARROW
from archive_app.documents.models import Document
from archive_app.documents.withdrawing import withdraw
from archive_app.engagements.models import Access, Assignment
from archive_app.engagements.teams import remove_member, set_member
from archive_app.identity.models import Person, PersonRole, SecondFactor
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.supervision.models import SupervisionGrant
from tests.worlds import Assigned, World

T = TypeVar("T")
_OPERATOR = Actor.system("test")


def narrow(archive: Archive, world: World) -> list[str]:
    """Some changes by chance, in the archive and in the facts; says which."""
    chance = random.Random(world.seed + 1_000_000)
    done = []
    for _ in range(chance.randrange(3, 8)):
        name, change = chance.choice([*_BY_USE_CASE.items(), *_BY_ROW.items()])
        if name in _BY_USE_CASE:
            done += [name] if change(world, chance) else []
            continue
        with archive.transaction(_OPERATOR) as uow:
            done += [name] if change(uow, world, chance) else []
            uow.bookkeeping()
    return done


def _one(chance: random.Random, some: list[T]) -> T | None:
    return chance.choice(some) if some else None


# --- by use case ---


def _end_assignment(world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.assigned if not one.ended and not _only_leader(world, one)])
    if one is not None:
        remove_member(_OPERATOR, engagement_id=one.task, person_id=one.human)
        one.ended = True
    return one is not None


def _assign_again(world: World, chance: random.Random) -> bool:
    """A new assignment asks for a new declaration."""
    humans = {human.id: human for human in world.humans}
    bodies = {task.id: task.body for task in world.tasks}
    members = [
        one
        for one in world.assigned
        if one.part == "member" and (human := humans[one.human]).body == bodies[one.task]
        # What a part needs: a role that joins teams, and with it no other that waits for a second factor.
        if human.roles & {"team_leader", "verifier"} and human.enrolled
    ]
    one = _one(chance, members)
    if one is not None:
        if not one.ended:
            remove_member(_OPERATOR, engagement_id=one.task, person_id=one.human)
        set_member(_OPERATOR, engagement_id=one.task, person_id=one.human, part="member")
        one.ended, one.declared = False, False
    return one is not None


def _only_leader(world: World, one: Assigned) -> bool:
    others = [
        other
        for other in world.assigned
        if other.task == one.task and other.part == "leader" and not other.ended and other is not one
    ]
    return one.part == "leader" and not others


# --- by row, as long as what does it may be anything ---


def _end_assignment_by_row(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.assigned if not one.ended])
    if one is not None:
        mine = (Assignment.engagement_id == one.task, Assignment.person_id == one.human)
        uow.session.execute(update(Assignment).where(*mine).values(ended_at=uow.now))
        one.ended = True
    return one is not None


def _end_access(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.let if not one.ended])
    if one is not None:
        uow.session.execute(update(Access).where(Access.id == one.id).values(ended_at=uow.now))
        one.ended = True
    return one is not None


def _end_grant(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.grants if not one.ended])
    if one is not None:
        uow.session.execute(update(SupervisionGrant).where(SupervisionGrant.id == one.id).values(ended_at=uow.now))
        one.ended = True
    return one is not None


def _raise_level(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.papers if one.level < 3 and not one.withdrawn])
    if one is not None:
        one.level = chance.randrange(one.level + 1, 4)
        uow.session.execute(update(Document).where(Document.id == one.id).values(level=one.level))
        uow.enqueue(NARROW, one.id)
        one.lagging = True
    return one is not None


def _withdraw(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.papers if not one.withdrawn])
    if one is not None:
        withdraw(uow, one.id, reason="test")
        one.withdrawn = True
    return one is not None


def _revoke_role(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.humans if one.roles])
    if one is not None:
        role = chance.choice(sorted(one.roles))
        uow.session.execute(delete(PersonRole).where(PersonRole.person_id == one.id, PersonRole.role == role))
        one.roles.discard(role)
    return one is not None


def _lower_person(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.humans if one.level > 0])
    if one is not None:
        one.level = chance.randrange(one.level)
        uow.session.execute(update(Person).where(Person.id == one.id).values(highest_level=one.level))
    return one is not None


def _clear_factor(uow: UnitOfWork, world: World, chance: random.Random) -> bool:
    one = _one(chance, [one for one in world.humans if one.enrolled])
    if one is not None:
        uow.session.execute(delete(SecondFactor).where(SecondFactor.person_id == one.id))
        one.enrolled = False
    return one is not None


_Change = Callable[..., Any]
_BY_USE_CASE: dict[str, _Change] = {"assignment ended": _end_assignment, "assigned again": _assign_again}
_BY_ROW: dict[str, _Change] = {
    "assignment's row ended": _end_assignment_by_row,
    "access ended": _end_access,
    "grant ended": _end_grant,
    "document's level raised": _raise_level,
    "document withdrawn": _withdraw,
    "role revoked": _revoke_role,
    "person's level lowered": _lower_person,
    "second factor cleared": _clear_factor,
}
