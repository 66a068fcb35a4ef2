"""Worlds by chance: a few organisations, their people and engagements, and every reason to see something or not.

A world is plain facts. `tests.world_rows` puts the same facts into an archive as rows; who may see what by these facts
is what `tests.world_oracle` says, from the facts alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archive_app.kernel.unit_of_work import UnitOfWork

KINDS_OF_BODY = ("verification_body", "authority", "reporting_entity", "park", "service_institution")
ROLES_BY_KIND = {
    "verification_body": (
        *("archivist", "team_leader", "verifier", "verifier", "technical_reviewer", "quality_manager"),
        *("top_manager", "internal_auditor", "complaint_handler", "system_administrator", "security_auditor"),
        *("document_controller", "management_representative", "staff_member"),
    ),
    "authority": ("supervisor", "supervisor", "supervisor", "archivist"),
    "reporting_entity": ("client_contact", "client_contact", "archivist", "quality_manager", "document_controller"),
    "park": ("client_contact", "complaint_handler", "staff_member"),
    "service_institution": ("verifier", "team_leader", "client_contact", "archivist"),
}
COMMON, RARE = "低位发热量", "皮带秤校准"
"""A word that every text has, and one that some have."""
TEXT = f"入炉煤{COMMON}缺失时采用最近一次检测值，净购入电量采用结算电量作为活动数据，由数据管理员逐月核对并签字确认"
_TITLES = ("监测计划甲", "监测计划乙", "排放报告丙", "监测方案丁")
_FILE_KINDS = ("pdf", "docx", "txt")


@dataclass
class Body:
    id: str
    kind: str
    name: str
    runs_archive: bool = False


@dataclass
class Human:
    id: str
    body: str
    level: int
    enrolled: bool
    roles: set[str]
    proposed: set[str]


@dataclass
class Customer:
    id: str
    body: str
    entity: str | None
    name: str


@dataclass
class Task:
    """An engagement, or the library of a body."""

    id: str
    body: str
    client: str
    year: int
    number: str
    library: bool = False


@dataclass
class Assigned:
    task: str
    human: str
    part: str
    declared: bool
    ended: bool


@dataclass
class Let:
    """Access for a time."""

    id: str
    task: str
    human: str
    ground: str
    until: datetime
    ended: bool


@dataclass
class Grant:
    """Supervision; each of `scopes` is an engagement, a client and a year, or None for any."""

    id: str
    human: str
    body: str
    outcome: str
    until: datetime
    ended: bool
    scopes: list[tuple[str | None, str | None, int | None]]


@dataclass
class Paper:
    """A document; `lagging` while the index still has to learn that fewer may see it. `control` is what a controlled
    document is at, and `hands` are those who wrote it or were asked about it."""

    id: str
    task: str
    level: int
    withdrawn: bool
    title: str
    kind: str
    versions: list[str]
    rare: bool
    lagging: bool = False
    control: str = ""
    hands: list[str] = field(default_factory=list)


@dataclass
class Listed:
    """A register or a file of the inbox: `id`, whose, of which engagement, and who brought it."""

    id: str
    body: str
    task: str | None
    by: str
    register: str | None = None


@dataclass
class Sent:
    """An upload."""

    id: str
    task: str
    by: str


@dataclass
class World:
    seed: int
    bodies: list[Body] = field(default_factory=list)
    humans: list[Human] = field(default_factory=list)
    clients: list[Customer] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    assigned: list[Assigned] = field(default_factory=list)
    let: list[Let] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    registers: list[Listed] = field(default_factory=list)
    inbox: list[Listed] = field(default_factory=list)
    uploads: list[Sent] = field(default_factory=list)


def make_world(seed: int, uow: UnitOfWork) -> World:
    """The world of a seed; identifiers and moments come from the archive."""
    chance, world = random.Random(seed), World(seed)
    _people(world, chance, uow)
    _tasks(world, chance, uow)
    _reasons(world, chance, uow)
    _papers(world, chance, uow)
    _lists(world, chance, uow)
    # Last, so that whatever a seed made before is made by it still.
    _libraries(world, random.Random(f"library of {seed}"), uow)
    return world


def _people(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    # Supervisors have most reasons to see something, and to see it no more.
    kinds = [
        "verification_body",
        chance.choice(("authority", "authority", *KINDS_OF_BODY)),
        chance.choice(KINDS_OF_BODY),
    ]
    for number, kind in enumerate(kinds[: chance.choice((2, 3, 3))]):
        world.bodies.append(Body(uow.new_id(), kind, f"机构{world.seed}-{number}"))
    for number in range(chance.choice((4, 4, 5, 5, 6, 8))):
        # Most work at the first body; everybody's body has somebody.
        body = world.bodies[number] if number < len(world.bodies) else chance.choice([world.bodies[0], *world.bodies])
        some = chance.sample(ROLES_BY_KIND[body.kind], chance.choice((1, 1, 1, 2)))
        roles = set(some) if chance.random() < 0.95 else set()
        proposed = set(chance.sample(ROLES_BY_KIND[body.kind], 1)) - roles if chance.random() < 0.2 else set()
        level, enrolled = chance.choice((0, 1, 2, 2, 3, 3)), chance.random() < 0.9
        world.humans.append(Human(uow.new_id(), body.id, level, enrolled, roles, proposed))


def _tasks(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    for number in range(chance.randrange(2, 4)):
        body = chance.choice([world.bodies[0], *world.bodies])
        entity = chance.choice([None, *(other.id for other in world.bodies)])
        world.clients.append(Customer(uow.new_id(), body.id, entity, f"热电厂{'一二三四'[number]}"))
    for number in range(chance.randrange(3, 7)):
        client = chance.choice(world.clients)
        year = chance.choice((2024, 2024, 2025))
        world.tasks.append(Task(uow.new_id(), client.body, client.id, year, f"HC-{world.seed}-{number}"))


def _reasons(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    for task in world.tasks:
        for human in world.humans:
            if chance.random() < (0.35 if human.body == task.body else 0.1):
                part = chance.choice(("leader", "member", "member", "reviewer"))
                world.assigned.append(Assigned(task.id, human.id, part, chance.random() < 0.75, chance.random() < 0.2))
            if chance.random() < 0.15:
                ground = chance.choice(("request", "broken_glass"))
                until = uow.now + timedelta(hours=chance.choice((-1, 0, 1, 100)))
                world.let.append(Let(uow.new_id(), task.id, human.id, ground, until, chance.random() < 0.2))
    for human in world.humans:
        for _ in range(chance.choice((1, 2, 3)) if human.roles & {"supervisor"} else chance.choice((0, 0, 0, 1))):
            task = chance.choice(world.tasks)
            whole = {
                "engagement": (task.id, None, None),
                "client": (None, task.client, None),
                "year": (None, None, task.year),
                "client's year": (None, task.client, task.year),
                "all": (None, None, None),
            }
            scopes = [whole[chance.choice(list(whole))] for _ in range(chance.choice((0, 1, 1, 1, 2)))]
            outcome = chance.choice((*["granted"] * 5, "refused", "offered", ""))
            until = uow.now + timedelta(hours=chance.choice((-1, 0, 1, 1, 100, 100)))
            body = chance.choice([task.body, task.body, chance.choice(world.bodies).id])
            ended = chance.random() < 0.15
            world.grants.append(Grant(uow.new_id(), human.id, body, outcome, until, ended, scopes))


def _papers(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    for number in range(chance.randrange(10, 26)):
        title = chance.choice((*_TITLES, f"{_TITLES[0]}{number}"))
        world.papers.append(
            Paper(
                uow.new_id(),
                chance.choice(world.tasks).id,
                chance.choice((0, 0, 1, 1, 1, 2, 2, 3)),
                chance.random() < 0.1,
                title,
                chance.choice(_FILE_KINDS),
                [uow.new_id() for _ in range(chance.choice((1, 1, 1, 2)))],
                chance.random() < 0.4,
            )
        )


def _lists(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    for _ in range(chance.randrange(3)):
        task, human = chance.choice([None, *world.tasks]), chance.choice(world.humans)
        body, of_task = (task.body, task.id) if task else (human.body, None)
        world.registers.append(Listed(uow.new_id(), body, of_task, human.id))
    for _ in range(chance.randrange(4)):
        task, human = chance.choice([None, *world.tasks]), chance.choice(world.humans)
        of_register = chance.choice([None, None, *(register.id for register in world.registers)])
        body, of_task = (task.body, task.id) if task else (human.body, None)
        world.inbox.append(Listed(uow.new_id(), body, of_task, human.id, of_register))
    for _ in range(chance.randrange(4)):
        world.uploads.append(Sent(uow.new_id(), chance.choice(world.tasks).id, chance.choice(world.humans).id))


def _libraries(world: World, chance: random.Random, uow: UnitOfWork) -> None:
    """Some bodies have a library, of their own name as a client, which may be linked to another body."""
    for body in world.bodies:
        if chance.random() < 0.3:
            continue
        entity = chance.choice([None, None, *(other.id for other in world.bodies)])
        client = Customer(uow.new_id(), body.id, entity, body.name)
        library = Task(uow.new_id(), body.id, client.id, chance.choice((2024, 2025)), "", library=True)
        world.clients.append(client)
        world.tasks.append(library)
        colleagues = [human.id for human in world.humans if human.body == body.id]
        for _ in range(chance.randrange(2, 6)):
            control = chance.choice(("draft", "draft", "in_force", "in_force", "superseded", "withdrawn", ""))
            hands = chance.sample(colleagues, min(len(colleagues), chance.choice((1, 1, 2)))) if control else []
            paper = Paper(
                uow.new_id(),
                library.id,
                chance.choice((0, 1, 1, 2, 3)),
                withdrawn=False,
                title=chance.choice(_TITLES),
                kind=chance.choice(_FILE_KINDS),
                versions=[uow.new_id()],
                rare=chance.random() < 0.4,
                control=control,
                hands=hands,
            )
            # Somebody wrote it, or there was nobody who could: then it is only kept.
            paper.control = control if hands else ""
            world.papers.append(paper)
        for human in world.humans:
            # What nobody can grant, as if it had been: the library by its identifier, its year, its client.
            if "supervisor" in human.roles and chance.random() < 0.5:
                scopes = [(library.id, None, None), (None, client.id, None), (None, None, library.year)]
                until = uow.now + timedelta(hours=100)
                world.grants.append(
                    Grant(uow.new_id(), human.id, body.id, "granted", until, ended=False, scopes=scopes)
                )
