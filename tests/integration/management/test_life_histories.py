"""Over generated histories, what opens by default is the edition that days and decisions say is in force, for every
role.

The oracle below is written anew from the rule and knows nothing of the program: what was issued, for which day, and
whether it was withdrawn. It reads no row.
"""

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from archive_app.documents.looking import view_document
from archive_app.documents.models import Document
from archive_app.identity.roles import all_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, NotFoundError, PermissionMissingError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.management.controlled.deciding import ask_approver, decide_approval
from archive_app.management.controlled.drafting import abandon, add_file, revise, take_back
from archive_app.management.controlled.issuing import issue_edition, open_in_force, recall_issue, take_effect
from archive_app.management.controlled.registering import Description, register_document
from archive_app.management.controlled.withdrawing import withdraw_document
from tests.conftest import SetClock
from tests.controlled import TEXT, Cast, controlled_cast
from tests.engines import FULL
from tests.factories import People

HISTORIES, STEPS, ROLES_ASKED = (150, 20, 99) if FULL else (6, 24, 2)
REFUSED_SHARE = 0.12
WEIGHTS = {
    "file": 3,
    "ask": 6,
    "approve": 6,
    "issue": 6,
    "issue for later": 6,
    "revise": 6,
    "days pass": 3,
    "give up": 0.2,
    "take back": 0.4,
}
"""What brings a document on is done more often than what does not, or little would ever come into force."""
NO_JOB = Job(kind="management.take_effect", subject_id="")
ELSEWHERE = {"supervisor": "authority", "client_contact": "reporting_entity"}
"""Roles that nobody of a verification body can hold."""
READS = {
    "archivist", "team_leader", "verifier", "technical_reviewer", "quality_manager", "top_manager", "internal_auditor",
    "management_representative", "document_controller", "staff_member", "complaint_handler",
}  # fmt: skip
"""Who reads the management system of their own organisation (by S1 8.2: whoever works by it)."""
CONTROLS = {"quality_manager", "document_controller"}
INTERNAL_AT_MOST = {"staff_member", "top_manager"}


@dataclass
class Told:
    """An edition as the oracle knows it. `by` are those who have a hand in it."""

    edition_id: str
    state: str = "empty"
    files: list[str] = field(default_factory=list)
    by: set[str] = field(default_factory=set)
    effective_on: date | None = None
    step_id: str = ""


@dataclass
class Expected:
    """A controlled document as the oracle knows it; `editions` in their order, the last one maybe on its way."""

    controlled_id: str
    level: Level
    editions: list[Told]
    withdrawn: bool = False

    def in_force(self, today: date) -> Told | None:
        """The last edition whose day has come."""
        come = [one for one in self.editions if one.effective_on is not None and one.effective_on <= today]
        return come[-1] if come and not self.withdrawn else None

    def coming(self, today: date) -> Told | None:
        """The one on its way: neither given up nor in force, by its day."""
        last = self.editions[-1]
        over = last.state == "given_up" or (last.effective_on is not None and last.effective_on <= today)
        return None if over or self.withdrawn else last

    def was_in_force(self, today: date) -> list[Told]:
        """All whose day came, while it was not withdrawn before."""
        return [one for one in self.editions if one.effective_on is not None and one.effective_on <= today]


class History:
    """One document through its life: acts by name, each saying whether it should have been let through."""

    def __init__(self, archive: Archive, clock: SetClock, cast: Cast, chance: random.Random, number: int) -> None:
        self.archive, self.clock, self.cast, self.chance = archive, clock, cast, chance
        level = chance.choice((Level.INTERNAL, Level.INTERNAL, Level.SENSITIVE))
        made = register_document(
            cast.author, kind="procedure", described=Description(f"程序 {number}"), number=f"H-{number}", level=level
        )
        self.told = Expected(made.controlled_id, level, [Told(made.edition_id, by={cast.author.name})])
        self.log: list[str] = []

    @property
    def last(self) -> Told:
        return self.told.editions[-1]

    def act(self) -> None:
        """Does something and sees that it was allowed exactly when it should be."""
        acts = list(self._acts().items())
        # Mostly what is allowed, or little would ever come into force.
        allowed = [act for act in acts if act[1][0]]
        offered = acts if self.chance.random() < REFUSED_SHARE else allowed
        weights = [WEIGHTS.get(name, 1) for name, _act in offered]
        [(name, (expected, run))] = self.chance.choices(offered, weights)
        self.log.append(name)
        refused = None
        try:
            run()
        except ArchiveError as error:
            refused = error
        assert (refused is None) == expected, (self.log, refused)

    def _acts(self) -> dict[str, tuple[bool, Callable[[], None]]]:
        today = self.archive.today()
        coming = self.told.coming(today)
        state = coming.state if coming else "none"
        return {
            "file": (state in {"empty", "draft"}, self._file),
            "ask": (state in {"draft", "asked"} and not (coming and coming.step_id), self._ask),
            "approve": (state == "asked", self._approve),
            "refuse": (state == "asked", lambda: self._decide(agrees=False)),
            "take back": (state in {"asked", "approved"}, self._take_back),
            "give up": (state in {"empty", "draft", "asked", "approved"}, self._give_up),
            "revise": (coming is None and not self.told.withdrawn, self._revise),
            "issue": (state == "approved", lambda: self._issue(0)),
            "issue for later": (state == "approved", lambda: self._issue(self.chance.randint(1, 3))),
            "recall": (state == "issued", self._recall),
            "withdraw": (self.told.in_force(today) is not None, self._withdraw),
            "days pass": (True, lambda: self.clock.advance(hours=self.chance.choice((5, 24, 24, 50)))),
            "worker": (True, lambda: take_effect(Workshop(self.archive), NO_JOB)),
        }

    def _file(self) -> None:
        content = io.BytesIO(f"{TEXT}{self.last.edition_id}{len(self.last.files)}".encode())
        row = add_file(self.cast.author, edition_id=self.last.edition_id, stream=content, name="程序.txt")
        self.last.files.append(row.document_id)
        self.last.state = "draft"

    def _ask(self) -> None:
        approver = self.cast.approver
        step = ask_approver(self.cast.author, edition_id=self.last.edition_id, person=approver.person_id or "")
        self.last.by.add(approver.name)
        self.last.state, self.last.step_id = "asked", step.id

    def _approve(self) -> None:
        self._decide(agrees=True)

    def _decide(self, *, agrees: bool) -> None:
        decide_approval(self.cast.approver, step_id=self.last.step_id or "none", agrees=agrees, remark="改")
        self.last.state, self.last.step_id = "approved" if agrees else "draft", ""

    def _take_back(self) -> None:
        take_back(self.cast.author, edition_id=self.last.edition_id)
        self.last.state, self.last.step_id = "draft", ""

    def _give_up(self) -> None:
        abandon(self.cast.author, edition_id=self.last.edition_id, reason="不再需要")
        self.last.state = "given_up"

    def _revise(self) -> None:
        edition = revise(
            self.cast.author,
            controlled_id=self.told.controlled_id,
            change_note="修订",
            label=f"第{len(self.told.editions)}版",
        )
        self.told.editions.append(Told(edition.id, by={self.cast.author.name}))

    def _issue(self, days: int) -> None:
        day = self.archive.today() + timedelta(days=days)
        issue_edition(self.cast.controller, edition_id=self.last.edition_id, effective_on=day)
        self.last.state, self.last.effective_on = "issued", day

    def _recall(self) -> None:
        recall_issue(self.cast.controller, edition_id=self.last.edition_id)
        self.last.state, self.last.effective_on = "approved", None

    def _withdraw(self) -> None:
        coming = self.told.coming(self.archive.today())
        withdraw_document(self.cast.controller, controlled_id=self.told.controlled_id, reason="废止")
        self.told.withdrawn = True
        if coming is not None:
            coming.state, coming.effective_on = "given_up", None


def reaches(told: Expected, role: str) -> bool:
    """Whether somebody with the role reads documents of this one's level."""
    return role in READS and not (told.level > Level.INTERNAL and role in INTERNAL_AT_MOST)


def opens(person: Actor, role: str, told: Expected, today: date) -> None:
    """Asserts what opens by default for somebody with no hand in it."""
    in_force = told.in_force(today)
    if role not in READS | set(ELSEWHERE) or "organisation:controlled:read" not in person.permissions:
        with pytest.raises(PermissionMissingError):
            open_in_force(person, controlled_id=told.controlled_id)
        return
    known = reaches(told, role) and bool(told.was_in_force(today))
    if not known and not (role in CONTROLS and reaches(told, role)):
        with pytest.raises(NotFoundError):
            open_in_force(person, controlled_id=told.controlled_id)
        return
    opened = open_in_force(person, controlled_id=told.controlled_id)
    assert opened.document_id == (in_force.files[-1] if in_force else None)
    assert (opened.state == "withdrawn") == told.withdrawn
    if opened.document_id is not None:
        page = view_document(person, document_id=opened.document_id)
        assert (page.document.control, page.stamp) == ("in_force", None)


def shows(archive: Archive, person: Actor, role: str, told: Expected, today: date) -> None:
    """Asserts which files show: those whose day came to all who read, the others to those with a hand in them; and that
    what is obsolete says so."""
    came = {one.files[-1] for one in told.was_in_force(today)}
    files = {document: one for one in told.editions for document in one.files}
    readers = reaches(told, role)
    expected = {
        document for document, one in files.items()
        if readers and (document in came or role in CONTROLS or person.name in one.by)
    }  # fmt: skip
    with archive.reading(person) as uow:
        seen = archive.policy.among(uow.session, person, "document", set(files))
        rows = uow.session.execute(select(Document.id, Document.control).where(Document.id.in_(expected)))
        controls = {row[0]: row[1] for row in rows}
    assert seen == expected, role
    in_force = told.in_force(today)
    for document, control in controls.items():
        if document not in came:
            assert control == "draft"
            continue
        current = in_force is not None and document == in_force.files[-1]
        assert (control == "in_force") == current
        if not current:
            stamp = view_document(person, document_id=document).stamp
            assert stamp is not None
            assert stamp.lines[0] == "作废"
            assert stamp.bare == (role in CONTROLS | {"archivist"})


def people_of_roles(people: People) -> Iterator[tuple[str, Actor]]:
    for role in all_roles():
        kind = ELSEWHERE.get(role)
        if kind is not None:
            people.organisation(f"别处 {role}", kind)
        yield role, people.person(role, organisation=f"别处 {role}" if kind else "绿源核查")


def test_what_opens_by_default_in_any_state_for_every_role(archive: Archive, people: People, clock: SetClock) -> None:
    cast = controlled_cast(people)
    # Of a high level too: who writes here sees sensitive documents.
    cast = Cast(
        people.person("verifier"), cast.reviewer, people.person("quality_manager"), cast.controller, cast.reader
    )
    everybody = [*people_of_roles(people), ("verifier", cast.author), ("quality_manager", cast.approver)]
    assert READS | set(ELSEWHERE) <= {role for role, _person in everybody}
    controller = people.person("document_controller")
    chance = random.Random(20261121)
    reached: set[str] = set()
    superseded = 0
    for number in range(HISTORIES):
        history = History(archive, clock, cast, chance, number)
        for step in range(STEPS):
            history.act()
            last = step == STEPS - 1
            if chance.random() < 0.5:
                # Half of the time somebody is first who sees all of it; else whoever is asked below.
                opens(controller, "document_controller", history.told, archive.today())
            asked = everybody if last else chance.sample(everybody, min(ROLES_ASKED, len(everybody)))
            for role, person in asked:
                today = archive.today()
                if not any(person.name in one.by for one in history.told.editions):
                    opens(person, role, history.told, today)
            opens(controller, "document_controller", history.told, archive.today())
            for role, person in asked:
                shows(archive, person, role, history.told, archive.today())
        reached |= set(history.log)
        superseded += len(history.told.was_in_force(archive.today())) > 1
    missed = {"approve", "issue", "issue for later", "revise", "withdraw", "days pass"} - reached
    assert not missed, "too little happened to show anything"
    assert superseded, "nothing ever came in the place of something"
