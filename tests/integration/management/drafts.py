"""People who write and approve controlled documents, and editions of theirs in every state before and after."""

import io
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.deciding import ask_approver, ask_reviewers, decide_approval
from archive_app.management.controlled.drafting import add_file
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.controlled.registering import Description, register_document
from archive_app.worklist.models import Task
from tests.factories import People

TESTER = Actor.system("test")
STATES = ("draft", "in_review", "in_approval", "approved", "issued", "in_force", "superseded", "withdrawn", "abandoned")


@dataclass(frozen=True)
class Cast:
    """Who stands how to the documents of these tests."""

    author: Actor
    reviewer: Actor
    approver: Actor
    controller: Actor
    bystander: Actor
    client: Actor
    stranger: Actor
    spare: Actor
    second: Actor

    def of(self, name: str) -> Actor:
        """One of them, by what they are called here."""
        found: Actor = getattr(self, name)
        return found


def cast_of(people: People) -> Cast:
    """The cast, made anew."""
    return Cast(
        author=people.person("staff_member", name="作者"),
        reviewer=people.person("internal_auditor", name="审核"),
        approver=people.person("management_representative", name="批准"),
        controller=people.person("document_controller", name="文控"),
        bystander=people.person("staff_member", name="旁人"),
        client=people.person("complaint_handler", name="只读"),
        stranger=people.person("document_controller", name="外人", organisation="别家"),
        spare=people.person("quality_manager", name="备用"),
        second=people.person("staff_member", name="接手"),
    )


def id_of(person: Actor) -> str:
    """Whose account it is."""
    return person.person_id or ""


def add_text(actor: Actor, edition_id: str, content: bytes = b"text") -> EditionFile:
    """Somebody adds a file to an edition."""
    return add_file(actor, edition_id=edition_id, stream=io.BytesIO(content), name="程序.txt")


def registered(actor: Actor, title: str = "文件控制程序", **more: object) -> tuple[str, str]:
    """Somebody registers a procedure: the document and its first edition."""
    done = register_document(actor, kind="procedure", described=Description(title), **more)  # type: ignore[arg-type]
    return done.controlled_id, done.edition_id


def edition_at(archive: Archive, cast: Cast, state: str) -> str:
    """An edition of the author's that stands at `state`; the reviewer or the approver is asked where it does."""
    edition_id = registered(cast.author)[1]
    add_text(cast.author, edition_id)
    if state == "in_review":
        ask_reviewers(cast.author, edition_id=edition_id, people=[id_of(cast.reviewer)])
    elif state == "in_approval":
        ask_approver(cast.author, edition_id=edition_id, person=id_of(cast.approver))
    elif state != "draft":
        step = ask_approver(cast.author, edition_id=edition_id, person=id_of(cast.approver))
        decide_approval(cast.approver, step_id=step.id, agrees=True)
        with archive.transaction(TESTER, eventless=True) as uow:
            edition = uow.session.get_one(Edition, edition_id)
            controlled = uow.session.get_one(ControlledDocument, edition.controlled_document_id)
            if state != "approved":
                edition.issued_at = uow.now
            if state in {"in_force", "superseded", "withdrawn"}:
                controlled.state = "withdrawn" if state == "withdrawn" else "in_force"
                controlled.in_force_id = edition_id if state == "in_force" else None
            edition.state = "approved" if state == "issued" else state
            edition.on_the_way = state in {"approved", "issued"}
            if state == "superseded":
                controlled.in_force_id = _later(uow, edition).id
            if state == "abandoned":
                edition.issued_at = None
    return edition_id


def _later(uow: UnitOfWork, edition: Edition) -> Edition:
    later = Edition(
        id=uow.new_id(), controlled_document_id=edition.controlled_document_id, ordinal=2, label="A/1",
        state="in_force", on_the_way=False, base_id=edition.id, change_note="", author_id=edition.author_id,
        begun_at=uow.now, issued_at=uow.now,
    )  # fmt: skip
    uow.session.add(later)
    uow.session.flush()
    return later


def last_step(archive: Archive, edition_id: str) -> str:
    """What somebody was asked last about an edition; empty where nobody was asked anything."""
    with archive.reading(TESTER) as uow:
        steps = select(EditionStep.id).where(EditionStep.edition_id == edition_id).order_by(EditionStep.id.desc())
        return uow.session.scalars(steps.limit(1)).first() or ""


def controlled_of(archive: Archive, edition_id: str) -> str:
    """The document that an edition is one of."""
    with archive.reading(TESTER) as uow:
        return uow.session.get_one(Edition, edition_id).controlled_document_id


def tasks_of(archive: Archive, person: Actor | None = None) -> list[tuple[str, str]]:
    """What is open for somebody, or for whoever holds a permission: kind and about."""
    with archive.reading(TESTER) as uow:
        tasks = select(Task.kind, Task.about).where(Task.closed_at.is_(None), Task.kind.startswith("management."))
        whose = Task.person_id == person.person_id if person else Task.permission.is_not(None)
        return [(row[0], row[1]) for row in uow.session.execute(tasks.where(whose).order_by(Task.id))]
