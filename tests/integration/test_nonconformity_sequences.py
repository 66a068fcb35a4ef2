"""Generated people do generated things with nonconformities, and the archive does what a table by hand says.

The table is written anew here, from S0 5.6 and S1 11.2, and knows nothing of the one in the program.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy import select

from archive_app.casework.gates import GATES
from archive_app.casework.models import Nonconformity, NonconformityStep
from archive_app.casework.nonconformities.answering import answer_by_request, answer_for_client
from archive_app.casework.nonconformities.deciding import confirm_correction, return_answer
from archive_app.casework.nonconformities.raising import Finding, raise_nonconformity, withdraw_nonconformity
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.worklist.models import Task
from tests.engines import FULL
from tests.factories import People, declare, engagement_of
from tests.integration.test_nonconformities import CORRECTION, link_of

ACTS = 120 if not FULL else 1500
NEXT = {
    ("raised", "answer"): "answered",
    ("returned", "answer"): "answered",
    ("answered", "confirm"): "confirmed",
    ("answered", "return"): "returned",
    ("raised", "withdraw"): "withdrawn",
    ("answered", "withdraw"): "withdrawn",
    ("returned", "withdraw"): "withdrawn",
}
MAY = {
    "raise": {"leader", "member"},
    "answer": {"leader", "member", "client"},
    "confirm": {"leader", "member"},
    "return": {"leader", "member"},
    "withdraw": {"leader"},
}
REFUSALS = {"nonconformity_state", "duties_not_separate", "not_of_the_team", "not_found", "permission_missing"}


@dataclass
class Expected:
    """A nonconformity as the table has it: whoever answered it, in whatever round."""

    position: int
    grade: str
    state: str = "raised"
    answered_by: set[str] = field(default_factory=set)
    last_part: str = ""
    steps: list[str] = field(default_factory=lambda: ["raised"])

    def takes(self, act: str, part: str, name: str) -> bool:
        """Whether somebody of this part may do it now, and what it is then."""
        if part not in MAY[act] or (self.state, act) not in NEXT:
            return False
        if act == "confirm" and name in self.answered_by:
            return False
        self.state = NEXT[self.state, act]
        if act == "answer":
            self.answered_by.add(name)
            self.last_part = part
        self.steps.append({"answer": "answered", "confirm": "confirmed", "return": "returned"}.get(act, "withdrawn"))
        return True

    def waiting(self) -> tuple[str, str] | None:
        """What waits for which part."""
        if self.state in {"raised", "returned"}:
            return ("casework.nonconformity_raised", "leader")
        if self.state == "answered":
            return ("casework.nonconformity_answered", "member" if self.last_part == "leader" else "leader")
        return None


def tried(act: Callable[[], object]) -> bool:
    """Whether it was done; what is refused is refused for one of the reasons that there are."""
    code = ""
    try:
        act()
    except ArchiveError as error:
        code = error.code
    assert code in REFUSALS | {""}
    return not code


def acts_of(person: Actor, found: str, *, by_link: bool) -> dict[str, Callable[[], object]]:
    """What somebody can try with a nonconformity."""
    answer: Callable[[], object] = partial(
        answer_for_client, person, nonconformity_id=found, answered_by="王工", correction=CORRECTION
    )
    if by_link:
        answer = partial(answer_by_request, person, nonconformity_id=found, correction=CORRECTION)
    return {
        "answer": answer,
        "confirm": partial(confirm_correction, person, nonconformity_id=found, effectiveness="有效"),
        "return": partial(return_answer, person, nonconformity_id=found, reason="不足"),
        "withdraw": partial(withdraw_nonconformity, person, nonconformity_id=found, reason="误"),
    }


@pytest.mark.parametrize("seed", range(2))
def test_generated_people_keep_the_rules(archive: Archive, people: People, seed: int) -> None:
    chance, leader = random.Random(seed), people.person("team_leader")
    cast: list[tuple[str, Actor]] = [("leader", leader)]
    cast += [("member", people.person("verifier")) for _ in range(2)]
    engagement = engagement_of(leader, team=[person for part, person in cast if part == "member"])
    second = people.person("team_leader", "verifier")
    reviewer = people.person("technical_reviewer", "verifier", "team_leader")
    for person, part in ((second, "leader"), (reviewer, "reviewer")):
        set_member(leader, engagement_id=engagement.id, person_id=person.person_id or "", part=part)
        cast.append((part, person))
    declare(archive, engagement.id)
    request_id, client = link_of(archive, engagement)
    cast += [("client", client), ("stranger", people.person("team_leader", "verifier"))]
    known, done = dict[str, Expected](), 0
    for _ in range(ACTS):
        part, person = chance.choice(cast)
        act = chance.choice(["raise", "answer", "answer", "confirm", "confirm", "return", "withdraw"])
        if act == "raise" or not known:
            grade = chance.choice(["major", "minor", "observation"])
            finding = Finding(grade, "5.2", "x")

            def begin(person: Actor = person, finding: Finding = finding) -> None:
                made = raise_nonconformity(person, engagement_id=engagement.id, finding=finding, request_id=request_id)
                known[made.id] = Expected(len(known) + 1, finding.grade)

            assert tried(begin) == (part in MAY["raise"]), (part, act)
            continue
        found = chance.choice(list(known)[-3:])
        acts = acts_of(person, found, by_link=part == "client")
        before = known[found].state
        wanted = known[found].takes(act, part, person.name)
        assert tried(acts[act]) == wanted, (part, act, before)
        done += wanted
    assert done > ACTS / 10
    with archive.reading(Actor.system("test")) as uow:
        rows = uow.session.scalars(select(Nonconformity).order_by(Nonconformity.position)).all()
        assert [(row.position, row.grade, row.state) for row in rows] == [
            (one.position, one.grade, one.state) for one in known.values()
        ]
        for row in rows:
            steps = select(NonconformityStep).where(NonconformityStep.nonconformity_id == row.id)
            found_steps = uow.session.scalars(steps.order_by(NonconformityStep.position)).all()
            assert [step.kind for step in found_steps] == known[row.id].steps
            answered = {step.by for step in found_steps if step.kind == "answered"}
            # Whoever corrected did not confirm, however it came to its end.
            assert row.state != "confirmed" or row.closed_by not in answered
        there = uow.session.get_one(Engagement, engagement.id)
        obstacles = GATES["nonconformities_closed"](uow, there, scheme_of(uow, there))
        waiting = select(Task.subject_id, Task.kind, Task.part).where(
            Task.closed_at.is_(None), Task.kind.startswith("casework.nonconformity")
        )
        tasks = {row[0]: (row[1], row[2]) for row in uow.session.execute(waiting)}
    blocking = [
        one.position
        for one in known.values()
        if one.grade != "observation" and one.state not in {"confirmed", "withdrawn"}
    ]
    assert [obstacle.params["number"] for obstacle in obstacles] == blocking
    assert tasks == {found: waits for found, one in known.items() if (waits := one.waiting())}
