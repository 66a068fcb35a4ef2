"""The life of an edition before it is issued: from the first file to the approval, and what may come between."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select, update

from archive_app.documents.errors import LevelAboveOwnError
from archive_app.documents.models import Document
from archive_app.identity.accounts import deactivate
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import APPROVER_NOT_THE_AUTHOR, DutiesNotSeparateError
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.levels import Level
from archive_app.management.controlled.deciding import (
    ReviewsOpenError,
    ask_another,
    ask_approver,
    ask_reviewers,
    decide_approval,
    decide_review,
)
from archive_app.management.controlled.drafting import abandon, hand_over, revise, take_back
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.controlled.registering import (
    Description,
    describe_document,
    next_label,
    register_document,
)
from tests.conftest import both_databases
from tests.factories import People
from tests.integration.management.drafts import (
    TESTER,
    Cast,
    add_text,
    cast_of,
    controlled_of,
    edition_at,
    id_of,
    last_step,
    registered,
    tasks_of,
)


@pytest.fixture
def cast(people: People) -> Cast:
    return cast_of(people)


@both_databases
def test_the_whole_way_to_approval(archive: Archive, cast: Cast) -> None:
    """Two reviewers, a refusal, a second file, an approval: every file and word stays, and tasks follow."""
    controlled_id, edition_id = registered(cast.author)
    first = add_text(cast.author, edition_id)
    ask_reviewers(cast.author, edition_id=edition_id, people=[id_of(cast.reviewer), id_of(cast.bystander)])
    about = "CX-01 文件控制程序"
    assert tasks_of(archive, cast.reviewer) == [("management.review", about)]
    with pytest.raises(ReviewsOpenError) as open_still:
        ask_approver(cast.author, edition_id=edition_id, person=id_of(cast.approver))
    assert open_still.value.params["names"] == "审核, 旁人"
    with pytest.raises(InvalidInputError):
        decide_review(cast.reviewer, step_id=_own_step(archive, cast.reviewer), agrees=False)
    decide_review(cast.reviewer, step_id=_own_step(archive, cast.reviewer), agrees=False, remark="缺 8.4")
    assert tasks_of(archive, cast.author) == [("management.returned", about)]
    assert not tasks_of(archive, cast.bystander)
    second = add_text(cast.author, edition_id, b"better")
    ask_reviewers(cast.author, edition_id=edition_id, people=[id_of(cast.reviewer)])
    assert not tasks_of(archive, cast.author)
    decide_review(cast.reviewer, step_id=_own_step(archive, cast.reviewer), agrees=True)
    assert tasks_of(archive, cast.author) == [("management.ask_approver", about)]
    step = ask_approver(cast.author, edition_id=edition_id, person=id_of(cast.approver))
    assert not tasks_of(archive, cast.author)
    edition = decide_approval(cast.approver, step_id=step.id, agrees=True, remark="同意")
    assert (edition.state, edition.document_id, edition.on_the_way) == ("approved", second.document_id, True)
    assert edition.approved_at is not None
    assert tasks_of(archive) == [("management.to_issue", "CX-01")]
    with archive.reading(cast.author) as uow:
        steps = uow.session.scalars(select(EditionStep)).all()
        assert {(step.state, step.remark, step.document_id == first.document_id) for step in steps} == {
            ("refused", "缺 8.4", True),
            ("void", "", True),
            ("agreed", "", False),
            ("agreed", "同意", False),
        }
        files = uow.session.scalars(select(Document).where(uow.visible("document")).order_by(Document.id)).all()
        assert [(file.control, file.number, file.title) for file in files] == [("draft", "CX-01", "文件控制程序")] * 2
        assert uow.session.get_one(ControlledDocument, controlled_id).state == "draft"
        codes = uow.session.scalars(
            select(Event.code)
            .join(EventSubject, EventSubject.event_id == Event.id)
            .where(EventSubject.kind == "controlled_document", EventSubject.subject_id == controlled_id)
        ).all()
    assert sorted(codes) == sorted(
        [
            "controlled.registered",
            "controlled.file_added",
            "controlled.asked",
            "controlled.review_refused",
            "controlled.file_added",
            "controlled.asked",
            "controlled.reviewed",
            "controlled.asked",
            "controlled.approved",
        ]
    )
    for other in (cast.bystander, cast.second, cast.stranger):
        with archive.reading(other) as uow:
            seen = uow.session.scalars(select(Document.id).where(uow.visible("document"))).all()
        # Who was asked sees what they were asked about, even when they need not answer any more.
        assert len(seen) == (2 if other is cast.bystander else 0)


def _own_step(archive: Archive, person: Actor) -> str:
    with archive.reading(TESTER) as uow:
        steps = select(EditionStep.id).where(EditionStep.person_id == person.person_id, EditionStep.state == "waiting")
        return uow.session.scalars(steps).one()


@both_databases
def test_two_who_revise_at_once(archive: Archive, cast: Cast) -> None:
    """One begins, the other is told who; and of two who decide or take back at once, the second finds it done."""
    edition_id = edition_at(archive, cast, "in_force")
    controlled_id = controlled_of(archive, edition_id)

    def begin(who: Actor) -> object:
        return revise(who, controlled_id=controlled_id, change_note="同时修订")

    told = _at_once(archive, [lambda: begin(cast.author), lambda: begin(cast.bystander)])
    refused = [error for error in told if isinstance(error, ArchiveError)]
    begun = [edition for edition in told if isinstance(edition, Edition)]
    assert [error.code for error in refused] == ["revision_on_the_way"]
    first = cast.author if begun[0].author_id == id_of(cast.author) else cast.bystander
    assert refused[0].params["name"] == first.display_name
    assert begun[0].label == refused[0].params["label"] == "A/1"

    waiting = edition_at(archive, cast, "in_approval")
    step_id = last_step(archive, waiting)
    told = _at_once(
        archive,
        [
            lambda: decide_approval(cast.approver, step_id=step_id, agrees=True),
            lambda: take_back(cast.author, edition_id=waiting),
            lambda: abandon(cast.controller, edition_id=waiting, reason="重复"),
        ],
    )
    codes = sorted(error.code for error in told if isinstance(error, ArchiveError))
    # Approved and then given up, or given up at once: in no order does a decision come after the end.
    assert codes in ([], ["not_asked"], ["edition_state"], ["edition_state", "not_asked"]), codes
    with archive.reading(TESTER) as uow:
        ended = uow.session.get_one(Edition, waiting)
        assert (ended.state, ended.on_the_way) == ("abandoned", False)
        open_steps = select(EditionStep.id).where(EditionStep.edition_id == waiting, EditionStep.state == "waiting")
        assert not uow.session.scalars(open_steps).all()


def _at_once(archive: Archive, acts: Sequence[Callable[[], object]]) -> list[object]:
    """What each of the acts gave, or was refused with, begun together."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(timeout=20)
        with archive.activate():
            try:
                return act()
            except ArchiveError as refused:
                return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@both_databases
def test_people_who_left(archive: Archive, cast: Cast, people: People) -> None:
    """An approver or a reviewer who left is replaced by somebody else; what an author leaves goes to the controllers;
    nobody who left is asked."""
    administrator = people.person("system_administrator")
    edition_id = edition_at(archive, cast, "in_approval")
    about = "CX-01 文件控制程序"
    deactivate(administrator, person_id=id_of(cast.approver))
    assert tasks_of(archive, cast.author) == [("management.ask_another", about)]
    with pytest.raises(InvalidInputError) as closed:
        ask_approver(cast.author, edition_id=edition_id, person=id_of(cast.approver))
    assert "closed" in closed.value.text("en")
    step_id = last_step(archive, edition_id)
    for wrong in (cast.second, cast.stranger):
        with pytest.raises(InvalidInputError):
            ask_another(cast.author, step_id=step_id, person=id_of(wrong))
    step = ask_another(cast.author, step_id=step_id, person=_login(archive, cast.spare).upper())
    assert not tasks_of(archive, cast.author)
    assert tasks_of(archive, cast.spare) == [("management.approve", about)]
    with pytest.raises(ArchiveError) as twice:
        ask_another(cast.author, step_id=step_id, person=id_of(cast.spare))
    assert twice.value.code == "not_asked"

    deactivate(administrator, person_id=id_of(cast.author))
    assert tasks_of(archive) == [("management.hand_over", "CX-01")]
    with pytest.raises(DutiesNotSeparateError) as approver:
        hand_over(cast.controller, edition_id=edition_id, to=id_of(cast.spare))
    assert approver.value.rule is APPROVER_NOT_THE_AUTHOR
    hand_over(cast.controller, edition_id=edition_id, to=id_of(cast.second))
    assert not tasks_of(archive)
    decide_approval(cast.spare, step_id=step.id, agrees=False, remark="缺附录")
    assert tasks_of(archive, cast.second) == [("management.returned", about)]
    controller_adds = add_text(cast.controller, edition_id)
    assert controller_adds.ordinal == 2
    ask_reviewers(cast.second, edition_id=edition_id, people=[id_of(cast.reviewer), id_of(cast.bystander)])
    deactivate(administrator, person_id=id_of(cast.bystander))
    assert tasks_of(archive, cast.second) == [("management.ask_another", about)]


def _login(archive: Archive, person: Actor) -> str:
    with archive.reading(TESTER) as uow:
        return uow.session.get_one(Person, person.person_id).login


def test_approval_is_not_in_the_authors_hand(archive: Archive, cast: Cast, people: People) -> None:
    """Neither who wrote it nor who added a file approves, also when that came after the asking; and it is confirmed."""
    edition_id = registered(cast.spare)[1]
    with pytest.raises(ArchiveError) as empty:
        ask_approver(cast.spare, edition_id=edition_id, person=id_of(cast.approver))
    assert empty.value.code == "edition_without_file"
    add_text(cast.spare, edition_id)
    second = people.person("quality_manager")
    add_text(second, edition_id)
    for writer in (cast.spare, second):
        with pytest.raises(DutiesNotSeparateError):
            ask_approver(cast.spare, edition_id=edition_id, person=id_of(writer))
        with pytest.raises(InvalidInputError):
            ask_reviewers(cast.spare, edition_id=edition_id, people=[id_of(writer)])
    step = ask_approver(cast.spare, edition_id=edition_id, person=id_of(cast.approver))
    with pytest.raises(ArchiveError) as unconfirmed:
        decide_approval(replace(cast.approver, confirmed_at=None), step_id=step.id, agrees=True)
    assert unconfirmed.value.code == "confirmation_required"
    # A file of the approver's that came by another way, such as an import of old rows: the rule still holds.
    with archive.transaction(TESTER, eventless=True) as uow:
        files = update(EditionFile).where(EditionFile.edition_id == edition_id)
        uow.session.execute(files.values(added_by=cast.approver.person_id))
    with pytest.raises(DutiesNotSeparateError) as wrote:
        decide_approval(cast.approver, step_id=step.id, agrees=True)
    assert wrote.value.rule is APPROVER_NOT_THE_AUTHOR


def test_retained_external_level_and_description(archive: Archive, cast: Cast, people: People) -> None:
    """A retained document is never revised, an external one has an issuer, no level is above one's own, and the
    controller says anew what a document is about."""
    edition_id = edition_at(archive, cast, "in_force")
    controlled_id = controlled_of(archive, edition_id)
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.get_one(ControlledDocument, controlled_id).keeping = "retain"
    with pytest.raises(ArchiveError) as kept:
        revise(cast.author, controlled_id=controlled_id, change_note="x")
    assert kept.value.code == "kept_as_it_is"
    with pytest.raises(InvalidInputError):
        register_document(cast.author, kind="external", described=Description("GB/T 24001"))
    outside = register_document(
        cast.author, kind="external", described=Description("GB/T 24001", issuer="国家标准委", issuer_number="24001")
    )
    assert outside.number == "WL-01"
    for kind, keeping in (("law", "maintain"), ("manual", "for ever")):
        with pytest.raises(InvalidInputError):
            register_document(cast.author, kind=kind, keeping=keeping, described=Description("x"))
    with pytest.raises(LevelAboveOwnError):
        registered(cast.author, level=Level.SENSITIVE)
    secret, draft = registered(cast.controller, level=Level.RESTRICTED)
    add_text(cast.controller, draft)
    with pytest.raises(InvalidInputError) as unseen:
        ask_reviewers(cast.controller, edition_id=draft, people=[id_of(cast.author)])
    assert "do not see documents of this level" in unseen.value.text("en")
    with pytest.raises(InvalidInputError):
        describe_document(cast.controller, controlled_id=secret, described=Description("x", owner=id_of(cast.author)))
    new_owner = people.person("verifier")
    described = Description("新题名", department="生产部", owner=id_of(new_owner), clauses="8.2", review_months=24)
    describe_document(cast.controller, controlled_id=secret, described=described)
    describe_document(cast.controller, controlled_id=secret, described=replace(described, owner="", title="又名"))
    with archive.reading(TESTER) as uow:
        row = uow.session.get_one(ControlledDocument, secret)
        assert (row.title, row.owner_id, row.review_months, row.number) == ("又名", new_owner.person_id, 24, "CX-02")
    for months in (0, 121):
        with pytest.raises(InvalidInputError):
            describe_document(cast.controller, controlled_id=secret, described=replace(described, review_months=months))
    with pytest.raises(NotFoundError):
        describe_document(cast.stranger, controlled_id=secret, described=described)


def test_labels_and_beginning_again(archive: Archive, cast: Cast) -> None:
    """The next edition is called what usually comes next, no name twice, and what was abandoned begins anew."""
    edition_id = edition_at(archive, cast, "in_force")
    controlled_id = controlled_of(archive, edition_id)
    with pytest.raises(InvalidInputError):
        revise(cast.author, controlled_id=controlled_id, change_note=" ")
    with pytest.raises(InvalidInputError):
        revise(cast.author, controlled_id=controlled_id, change_note="x", label="A/0")
    second = revise(cast.author, controlled_id=controlled_id, change_note="x")
    assert (second.label, second.base_id, second.ordinal) == ("A/1", edition_id, 2)
    abandon(cast.author, edition_id=second.id, reason="先不改")
    third = revise(cast.bystander, controlled_id=controlled_id, change_note="x")
    assert (third.label, third.ordinal) == ("A/1", 3)
    never, draft = registered(cast.author, label="2026")
    abandon(cast.author, edition_id=draft, reason="误登")
    again = revise(cast.author, controlled_id=never, change_note="", label="2026")
    assert (again.label, again.base_id, again.change_note) == ("2026", None, "")
    assert [next_label(label) for label in ("A/0", "A/9", "Z/9", "2023", "A/10", "")] == ["A/1", "B/0", "", "", "", ""]
