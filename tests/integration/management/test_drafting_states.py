"""Every act on an edition, by every kind of person, in every state of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.management.controlled.deciding import (
    ask_another,
    ask_approver,
    ask_reviewers,
    decide_approval,
    decide_review,
)
from archive_app.management.controlled.drafting import abandon, hand_over, revise, take_back
from archive_app.management.controlled.models import Edition, EditionFile, EditionStep
from tests.factories import People
from tests.integration.management.drafts import (
    STATES,
    TESTER,
    Cast,
    add_text,
    cast_of,
    controlled_of,
    edition_at,
    id_of,
    last_step,
)


@pytest.fixture
def cast(people: People) -> Cast:
    return cast_of(people)


Act = Callable[[Archive, Cast, Actor, str], object]
ACTS: dict[str, Act] = {
    "add_file": lambda _archive, _cast, who, edition: add_text(who, edition),
    "revise": lambda archive, _cast, who, edition: revise(
        who, controlled_id=controlled_of(archive, edition), change_note="改"
    ),
    "ask_reviewers": lambda _archive, cast, who, edition: ask_reviewers(
        who, edition_id=edition, people=[id_of(cast.spare)]
    ),
    "ask_approver": lambda _archive, cast, who, edition: ask_approver(
        who, edition_id=edition, person=id_of(cast.spare)
    ),
    "ask_another": lambda archive, cast, who, edition: ask_another(
        who, step_id=last_step(archive, edition), person=id_of(cast.spare)
    ),
    "decide_review": lambda archive, _cast, who, edition: decide_review(
        who, step_id=last_step(archive, edition), agrees=True
    ),
    "decide_approval": lambda archive, _cast, who, edition: decide_approval(
        who, step_id=last_step(archive, edition), agrees=True
    ),
    "take_back": lambda _archive, _cast, who, edition: take_back(who, edition_id=edition),
    "abandon": lambda _archive, _cast, who, edition: abandon(who, edition_id=edition, reason="不再需要"),
    "hand_over": lambda _archive, cast, who, edition: hand_over(who, edition_id=edition, to=id_of(cast.second)),
}
PERSONS = ("author", "reviewer", "approver", "controller", "bystander", "client", "stranger")
IN_HAND = ("author", "controller")
"""Those who have an edition in their hands."""
KNOWN = ("in_force", "superseded", "withdrawn")
"""States in which everybody of the organisation sees an edition."""
WHERE = {
    "add_file": {"draft"},
    "ask_reviewers": {"draft", "in_review"},
    "ask_approver": {"draft", "in_approval"},
    "ask_another": {"in_review", "in_approval"},
    "take_back": {"in_review", "in_approval", "approved"},
    "abandon": {"draft", "in_review", "in_approval", "approved"},
    "hand_over": {"draft", "in_review", "in_approval", "approved"},
}
"""The states in which the act goes through for those who have the edition in their hands."""
ASKED_OF = {"decide_review": ("reviewer", "in_review"), "decide_approval": ("approver", "in_approval")}
OF_STEPS = {*ASKED_OF, "ask_another"}
PERMISSION = {
    "decide_review": {"author", "reviewer", "approver", "controller", "bystander", "client", "stranger"},
    "decide_approval": {"approver"},
}
WRITERS = {"author", "approver", "controller", "bystander", "stranger"}
"""Those who hold the permission to write controlled documents."""


def _sees(person: str, state: str) -> bool:
    if person == "stranger":
        return False
    if person in IN_HAND or state in KNOWN:
        return True
    asked_reviewer = person == "reviewer" and state == "in_review"
    return asked_reviewer or (person == "approver" and state not in {"draft", "in_review"})


def _expected(act: str, person: str, state: str) -> str:
    """The code that the person is told, empty where the act goes through; written down here from the rules."""
    if person not in PERMISSION.get(act, WRITERS):
        return "permission_missing"
    if act == "revise":
        return _of_revising(person, state)
    of_step = act in OF_STEPS
    # In a draft there is nothing that anybody was asked.
    if not _sees(person, state) or (of_step and state == "draft"):
        return "not_found"
    if act in ASKED_OF:
        return "" if (person, state) == ASKED_OF[act] else "not_asked"
    if person not in IN_HAND:
        return "not_the_author"
    elsewhere = "reviews_open" if (act, state) == ("ask_approver", "in_review") else "edition_state"
    return "" if state in WHERE[act] else elsewhere


def _of_revising(person: str, state: str) -> str:
    of_document = person != "stranger" and (state in {"in_force", "superseded", "withdrawn"} or _sees(person, state))
    if not of_document:
        return "not_found"
    if state in {"draft", "in_review", "in_approval", "approved", "issued"}:
        return "revision_on_the_way"
    return "controlled_withdrawn" if state == "withdrawn" else ""


@pytest.mark.parametrize("state", STATES)
def test_who_may_do_what_in_each_state(archive: Archive, cast: Cast, state: str) -> None:
    """Every act, by every kind of person, in every state: it goes through or is refused by the rule's own code, and
    what is refused changes nothing."""
    standing = edition_at(archive, cast, state)
    wrong = []
    for act, run in ACTS.items():
        for person in PERSONS:
            expected = _expected(act, person, state)
            edition_id = standing if expected else edition_at(archive, cast, state)
            before = _rows(archive, standing)
            told = ""
            try:
                run(archive, cast, cast.of(person), edition_id)
            except ArchiveError as refused:
                told = refused.code
            if told != expected:
                wrong.append((act, person, told, expected))
            if told and _rows(archive, standing) != before:
                wrong.append((act, person, told, "changed"))
    assert not wrong


def _rows(archive: Archive, edition_id: str) -> object:
    with archive.reading(TESTER) as uow:
        edition = uow.session.get_one(Edition, edition_id)
        steps = select(EditionStep.id, EditionStep.state).where(EditionStep.edition_id == edition_id)
        files = select(EditionFile.document_id).where(EditionFile.edition_id == edition_id)
        return (
            edition.state,
            edition.author_id,
            edition.document_id,
            [tuple(row) for row in uow.session.execute(steps.order_by(EditionStep.id))],
            uow.session.scalars(files).all(),
        )
