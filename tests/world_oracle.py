"""Who may see what, by the words of the rules: slow, plain, and from the facts of a world alone.

Nothing of the archive's own code about rights is used here. What the roles may do is read once more from
`config/roles.toml`, because that file is the rule.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tests.worlds import Human, Let, Listed, Paper, Task, World

PUBLIC, SENSITIVE, RESTRICTED = 0, 2, 3
_LEVELS = {"public": 0, "internal": 1, "sensitive": 2, "restricted": 3}
_CONFIG = Path(__file__).parents[1] / "config" / "roles.toml"


@cache
def _roles() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_CONFIG.read_text("utf-8"))


@dataclass(frozen=True)
class Seen:
    """What somebody may see of a world at a moment."""

    world: World
    human: Human
    now: datetime

    # --- what they are ---

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        """Granted roles count, and none of them while the second factor that one asks for is missing."""
        held = [_roles()[role] for role in self.human.roles]
        if any(role.get("second_factor", False) for role in held) and not self.human.enrolled:
            return []
        return held

    def may(self, permission: str) -> bool:
        """What concerns the archive as a whole is not asked for here."""
        return any(permission in role["permissions"] for role in self.roles)

    @property
    def level(self) -> int:
        """The person's own bound, and that of their roles, of which the highest counts."""
        of_roles = [_LEVELS[role.get("highest_level", "restricted")] for role in self.roles]
        return min(self.human.level, max(of_roles, default=PUBLIC))

    @property
    def keeps(self) -> bool:
        """Whether they keep the whole archive of their body."""
        return self.may("organisation:engagements:keep")

    # --- engagements ---

    def opened(self, task: Task) -> int | None:
        """Up to which level the engagement is open to them; None where it is closed."""
        if self._undeclared(task):
            return None
        levels = []
        if self.may("engagement:engagements:read"):
            if self._assigned(task):
                levels.append(self.level)
            levels += [self.level for let in self._let(task) if let.ground == "request"]
        if self.may("engagement:glass:break"):
            levels += [RESTRICTED for let in self._let(task) if let.ground == "broken_glass"]
        if self.may("organisation:engagements:read") and task.body == self.human.body:
            levels.append(min(self.level, SENSITIVE))
        if self.may("client:engagements:read") and self._entity(task) == self.human.body and not task.library:
            levels.append(PUBLIC)
        if task.library and self.may("organisation:controlled:read") and task.body == self.human.body:
            levels.append(self.level)
        if self.may("authority:supervision:use") and self._supervised(task):
            levels.append(min(self.level, SENSITIVE))
        return max(levels, default=None)

    def _let(self, task: Task) -> list[Let]:
        return [
            let
            for let in self.world.let
            if let.task == task.id and let.human == self.human.id and not let.ended and let.until > self.now
        ]

    def _own(self, task: Task) -> list[tuple[str, bool]]:
        return [
            (one.part, one.declared)
            for one in self.world.assigned
            if one.task == task.id and one.human == self.human.id and not one.ended
        ]

    def _assigned(self, task: Task) -> bool:
        return any(declared for _, declared in self._own(task))

    def _undeclared(self, task: Task) -> bool:
        return any(not declared for _, declared in self._own(task))

    def _entity(self, task: Task) -> str | None:
        return next(client.entity for client in self.world.clients if client.id == task.client)

    def _supervised(self, task: Task) -> bool:
        return any(
            wanted_task in (None, task.id) and client in (None, task.client) and year in (None, task.year)
            for grant in self.world.grants
            if grant.human == self.human.id and grant.outcome == "granted" and grant.body == task.body
            if not grant.ended and grant.until > self.now
            for wanted_task, client, year in grant.scopes
            # A library is of no year and of no client, and nobody names it: it is opened with the whole body.
            if not task.library or (wanted_task, client, year) == (None, None, None)
        )

    @cached_property
    def tasks(self) -> set[str]:
        """The engagements they may read. A library shows to nobody, whatever of it does."""
        return {task.id for task in self.world.tasks if self.opened(task) is not None and not task.library}

    def work(self) -> set[str]:
        """Those they may file into."""
        return {
            task.id
            for task in self.world.tasks
            if not self._undeclared(task)
            and not task.library
            and ((self._assigned(task) and self.may("engagement:engagements:read")) or self._kept(task))
        }

    def lead(self) -> set[str]:
        """Those they may decide about."""
        return {
            task.id
            for task in self.world.tasks
            if not self._undeclared(task)
            and not task.library
            and (
                (any(part == "leader" for part, _ in self._own(task)) and self.may("engagement:team:lead"))
                or self._kept(task)
            )
        }

    def _kept(self, task: Task) -> bool:
        return self.keeps and task.body == self.human.body

    def clients(self) -> set[str]:
        """Those of engagements they may read; and those of their body for people who may add clients or interests."""
        seen = self.tasks if self.may("organisation:clients:read") else set()
        adds = self.may("organisation:clients:manage") or self.may("organisation:interests:manage")
        return {task.client for task in self.world.tasks if task.id in seen} | {
            client.id for client in self.world.clients if adds and client.body == self.human.body
        }

    # --- documents ---

    def papers(self) -> list[Paper]:
        """The documents they may see."""
        if not self.may("engagement:documents:read"):
            return []
        opened = {task.id: self.opened(task) for task in self.world.tasks}
        return [
            paper
            for paper in self.world.papers
            if not paper.withdrawn and (level := opened[paper.task]) is not None and paper.level <= level
            if paper.control != "draft" or self._has_hand(paper)
        ]

    def _has_hand(self, paper: Paper) -> bool:
        """Drafts are for those who write them or were asked about them, and for who controls them at their body."""
        body = next(task.body for task in self.world.tasks if task.id == paper.task)
        controls = self.may("organisation:controlled:manage") and body == self.human.body
        return self.human.id in paper.hands or controls

    def found(self, *, rare: bool = False) -> list[Paper]:
        """What a search finds, unless it is told to look for older versions as well: nothing that is obsolete."""
        return [paper for paper in self.indexed() if (paper.rare or not rare) and paper.control in ("", "in_force")]

    def indexed(self) -> list[Paper]:
        """What the search knows of: nothing that it has yet to learn of, and no draft."""
        return [paper for paper in self.papers() if not paper.lagging and paper.control != "draft"]

    def suggested(self, part: str) -> dict[str, int]:
        """Titles and clients of what a search finds that contain `part`, and how many documents have them."""
        clients = {client.id: client.name for client in self.world.clients}
        of_task = {task.id: clients[task.client] for task in self.world.tasks}
        found = self.found()
        words = [paper.title for paper in found] + [of_task[paper.task] for paper in found]
        return dict(Counter(word for word in words if part in word))

    def facets(self, found: Iterable[Paper]) -> dict[str, dict[str, int]]:
        """How many of the documents have which value."""
        tasks = {task.id: task for task in self.world.tasks}
        papers = list(found)
        return {
            "engagement": dict(Counter(paper.task for paper in papers)),
            "client": dict(Counter(tasks[paper.task].client for paper in papers)),
            "year": dict(Counter(str(tasks[paper.task].year) for paper in papers)),
            "kind": dict(Counter(paper.kind for paper in papers)),
        }

    # --- other lists ---

    def registers(self) -> set[str]:
        """Registers of their body: those of an engagement with the engagement, others by who brought them."""
        if not self.may("organisation:registers:import"):
            return set()
        return {one.id for one in self.world.registers if one.body == self.human.body and self._register(one)}

    def _register(self, one: Listed) -> bool:
        return one.task in self.tasks if one.task else self.keeps or one.by == self.human.id

    def inbox(self) -> set[str]:
        """Files of their body's inbox: not those of an engagement or a register that they may not see."""
        if not self.may("organisation:inbox:sort"):
            return set()
        return {
            one.id
            for one in self.world.inbox
            if one.body == self.human.body
            and (one.task is None or one.task in self.tasks)
            and (one.register is None or one.register in self.registers())
        }

    def events(self, of_bodies: dict[str, str | None]) -> set[str]:
        """Of events by the body each is about: those of theirs; those about none, where theirs runs the archive."""
        host = any(body.id == self.human.body and body.runs_archive for body in self.world.bodies)
        own = {self.human.body} if self.may("organisation:log:read") else set()
        wanted = own | ({None} if host and self.may("archive:log:read") else set())
        return {event for event, body in of_bodies.items() if body in wanted}

    def uploads(self, task: str) -> set[str]:
        """Their own list of uploads of an engagement."""
        return {one.id for one in self.world.uploads if one.task == task and one.by == self.human.id}
