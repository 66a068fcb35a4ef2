"""A controlled document of an organisation for the access matrix: one edition in force, the next one in review."""

from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import (
    ControlledCopy,
    ControlledDocument,
    Edition,
    EditionFile,
    EditionStep,
)
from tests.access.expectation import FOREIGN
from tests.access.things import MARKER, add_row


def controlled_row(uow: UnitOfWork, told: dict[str, str], place: str) -> dict[str, str]:
    """The document, the edition in force (`issued_edition_id`), the one on its way (`edition_id`), which is its
    author's and no column's, what a reviewer was asked about it (`step_id`), and a paper copy (`copy_id`). Both have
    the place's own report as their file: no route here opens it."""
    person, now = told["leader_id"], uow.now
    words = MARKER if place == FOREIGN else ""
    controlled = ControlledDocument(
        id=uow.new_id(), organisation_id=told["organisation_id"], number=f"{words}CX-{place}", title=f"{words}程序",
        kind="procedure", keeping="maintain", department="", owner_id=person, clauses="", level=Level.PUBLIC,
        state="in_force", issuer="", issuer_number="", withdrawn_reason="", created_by="system:test", created_at=now,
    )  # fmt: skip
    add_row(uow, controlled)
    editions = [
        Edition(
            id=uow.new_id(), controlled_document_id=controlled.id, ordinal=ordinal, label=f"A/{ordinal}", state=state,
            on_the_way=state == "in_review", change_note="", author_id=person, begun_at=now,
            document_id=told["document_id"], effective_on=now.date() if state == "in_force" else None,
            issued_at=now if state == "in_force" else None,
        )
        for ordinal, state in enumerate(("in_force", "in_review"))
    ]  # fmt: skip
    for row in editions:
        add_row(uow, row)
    controlled.in_force_id = editions[0].id
    step = EditionStep(
        id=uow.new_id(), edition_id=editions[1].id, document_id=told["document_id"], part="review", person_id=person,
        state="waiting", remark="", asked_by="system:test", asked_at=now,
    )  # fmt: skip
    add_row(uow, step)
    add_row(
        uow,
        EditionFile(
            document_id=told["document_id"], edition_id=editions[1].id, ordinal=1, added_by=person, added_at=now
        ),
    )
    copy = ControlledCopy(
        id=uow.new_id(), edition_id=editions[0].id, number=1, holder=f"{words}王工", place="", given_by="system:test",
        given_on=now.date(), outcome="",
    )  # fmt: skip
    add_row(uow, copy)
    return {
        "copy_id": copy.id,
        "controlled_id": controlled.id,
        "issued_edition_id": editions[0].id,
        "edition_id": editions[1].id,
        "step_id": step.id,
    }
