"""Management reviews: planned, filled from the archive's own rows, said, decided; who may, in which state."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pytest
from sqlalchemy import func, select

from archive_app.identity.accounts import deactivate, reactivate
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.reviews.deciding import (
    Decided,
    DecisionDoneError,
    NotTheOwnerError,
    add_decision,
    decide_nothing,
    drop_decision,
    finish_decision,
    give_decision,
)
from archive_app.management.reviews.filling import fill_figures, mark_of, say
from archive_app.management.reviews.following import (
    DecisionFilters,
    duties_settled_by,
    list_decisions,
    owners_of_decisions,
    view_decision,
)
from archive_app.management.reviews.models import ManagementReview, ReviewDecision, ReviewInput
from archive_app.management.reviews.planning import (
    Attending,
    add_attendance,
    cancel_review,
    change_plan,
    remove_attendance,
)
from archive_app.management.reviews.rules import ReviewStateError
from archive_app.management.reviews.showing import find_review, list_reviews, view_review
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases
from tests.factories import People
from tests.management_reviews import TODAY, ReviewHouse, figures_in, review_house

_TESTER = Actor.system("test")


@pytest.fixture
def house(people: People) -> ReviewHouse:
    return review_house(people)


def waiting(archive: Archive) -> set[tuple[str, str | None, str | None]]:
    """Open tasks of reviews: kind, person, permission."""
    with archive.reading(_TESTER) as uow:
        rows = uow.session.execute(
            select(Task.kind, Task.person_id, Task.permission).where(
                Task.closed_at.is_(None), Task.kind.contains("review") | Task.kind.contains("reviewer")
            )
        )
        return {(row[0].partition(".")[2], row[1], row[2]) for row in rows}


@both_databases
def test_a_review_is_planned_with_the_agenda_of_its_kind_of_organisation(people: People, archive: Archive) -> None:
    entity, park = review_house(people), review_house(people, "临港园区", "park")
    first, second, of_park = entity.planned(), entity.planned(title="  专题评审 "), park.planned(year=2025)
    codes = {}
    for house, review_id in ((entity, first), (park, of_park)):
        page = view_review(house.preparer, review_id=review_id)
        codes[house.kind] = {one.code: one.clauses for one in page.inputs}
        assert page.missing == page.required == len(page.inputs) + sum(not one.record for one in page.outputs)
        assert [one.code for one in page.outputs if one.record] == ["record"]
    # By the text of S1 10.3.2 a-f and S2 10.3 a-g, 10.3.1 a-g, written down here by hand.
    assert set(codes["reporting_entity"]) == {
        "previous_actions", "context_changes", "stakeholder_needs", "performance", "nonconformities", "monitoring",
        "audits", "compliance", "system_changes", "improvement",
    }  # fmt: skip
    asked = sorted({clause for clauses in codes["park"].values() for clause in clauses})
    assert asked == sorted([f"S2 10.3{x}" for x in "abcdefg"] + [f"S2 10.3.1{x}" for x in "abcdefg"])
    assert codes["park"]["compliance"] == ("S2 10.3d", "S2 10.3.1d")
    asked = sorted({clause for clauses in codes["reporting_entity"].values() for clause in clauses})
    assert asked == [f"S1 10.3.2{x}" for x in "abcdef"]
    decided = {one.code: one.clauses for one in view_review(park.preparer, review_id=of_park).outputs}
    assert {clause for clauses in decided.values() for clause in clauses} == {
        "S2 10.3.2", *(f"S2 10.3.2{x}" for x in "abcdefgh")
    }  # fmt: skip
    lines = list_reviews(entity.preparer).items
    told = [(one.review.title, one.review.ordinal, one.reviewer) for one in lines]
    assert told == [("专题评审", 2, "陆建国"), ("2026年度管理评审", 1, "陆建国")]
    assert [one.review.id for one in list_reviews(entity.top, state="planned", year=2026, limit=1).items] == [second]
    assert list_reviews(entity.preparer, year=2025).items == []
    assert waiting(archive) >= {("review_to_hold", entity.top.person_id, None)}
    with pytest.raises(InvalidInputError):
        list_reviews(entity.preparer, state="no such")


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": 1999}, {"year": 2201}, {"period_to": date(2025, 10, 31)}, {"on": date(2026, 10, 30)},
        {"period_from": date(1999, 1, 1)}, {"title": "x" * 201}, {"place": "a\x07"},
        {"reviewer": ""}, {"reviewer": "preparer"}, {"reviewer": "foreign"}, {"reviewer": "gone"},
    ],
    ids=str,
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(house: ReviewHouse, wrong: dict[str, object]) -> None:
    if "reviewer" in wrong:
        gone = house.other("top_manager")
        with house.archive.transaction(_TESTER, eventless=True) as uow:
            from archive_app.identity.models import Person

            uow.session.get_one(Person, gone.person_id).active = False
        who = {
            "preparer": house.preparer.person_id, "gone": gone.person_id,
            "foreign": house.people.person("top_manager").person_id,
        }  # fmt: skip
        wrong = {"reviewer": who.get(str(wrong["reviewer"]), "")}
    with pytest.raises(InvalidInputError):
        house.planned(**wrong)
    with house.archive.reading(_TESTER) as uow:
        assert uow.session.scalar(select(func.count()).select_from(ManagementReview)) == 0


def _change(house: ReviewHouse, review: str, actor: Actor) -> object:
    return change_plan(actor, review_id=review, plan=house.plan(place="二楼"))


def _finish(house: ReviewHouse, review: str, actor: Actor) -> object:
    with house.archive.reading(_TESTER) as uow:
        decision = uow.session.scalars(select(ReviewDecision.id).where(ReviewDecision.review_id == review)).one()
    return finish_decision(actor, decision_id=decision, result="已修订")


def _give(house: ReviewHouse, review: str, actor: Actor) -> object:
    with house.archive.reading(_TESTER) as uow:
        decision = uow.session.scalars(select(ReviewDecision.id).where(ReviewDecision.review_id == review)).one()
    return give_decision(actor, decision_id=decision, owner=house.preparer.person_id or "")


def _drop(house: ReviewHouse, review: str, actor: Actor) -> object:
    with house.archive.reading(_TESTER) as uow:
        decision = uow.session.scalars(select(ReviewDecision.id).where(ReviewDecision.review_id == review)).one()
    return drop_decision(actor, review_id=review, decision_id=decision)


ACTS: Mapping[str, Callable[[ReviewHouse, str, Actor], object]] = {
    "change": _change,
    "attend": lambda _h, review, actor: add_attendance(actor, review_id=review, attending=Attending("王工", "工艺")),
    "fill": lambda _h, review, actor: fill_figures(actor, review_id=review),
    "say": lambda _h, review, actor: say(actor, review_id=review, code="audits", words="内审两次"),
    "decide": lambda h, review, actor: add_decision(
        actor, review_id=review, decided=Decided("policy_decisions", "改", h.owner.person_id or "", date(2027, 1, 1))
    ),
    "nothing": lambda _h, review, actor: decide_nothing(actor, review_id=review, code="system_decisions", reason="无"),
    "hold": lambda h, review, actor: h.hold(review, by=actor),
    "finish": _finish,
    "give": _give,
    "drop": _drop,
    "cancel": lambda _h, review, actor: cancel_review(actor, review_id=review, reason="改期"),
}
# Who may, in the state in which it can be done: everybody who is not named is refused as their role says.
MAY: Mapping[str, tuple[str, frozenset[str]]] = {
    "change": ("planned", frozenset({"preparer"})),
    "attend": ("planned", frozenset({"preparer"})),
    "fill": ("planned", frozenset({"preparer"})),
    "say": ("planned", frozenset({"preparer"})),
    "decide": ("planned", frozenset({"preparer"})),
    "nothing": ("planned", frozenset({"preparer"})),
    "drop": ("planned", frozenset({"preparer"})),
    "cancel": ("planned", frozenset({"preparer"})),
    "hold": ("planned", frozenset({"top"})),
    "finish": ("held", frozenset({"owner"})),
    "give": ("held", frozenset({"preparer"})),
}
STATES = ("planned", "held", "cancelled")


def _expected(act: str, state: str, name: str) -> tuple[type[ArchiveError], ...]:
    """How somebody is refused; nothing where they are not. A decision of a review that is not held is seen by whoever
    reads reviews, and by nobody else."""
    at, named = MAY[act]
    if state == at and name in named:
        return ()
    if name in {"foreign", "owner", "administrator"}:
        hidden = (NotFoundError, PermissionMissingError)
        return (ReviewStateError,) if (act, name, state) == ("finish", "owner", "held") else hidden
    if act == "finish":
        return (NotTheOwnerError,) if state == at else (ReviewStateError,)
    return (ReviewStateError,) if name in named else (PermissionMissingError,)


def test_who_may_do_what_in_which_state(house: ReviewHouse) -> None:
    """Every act in every state by everybody: done only where the table says, and refused with the reason elsewhere."""
    cast = {
        "preparer": house.preparer, "top": house.top, "owner": house.owner,
        "reader": house.other("internal_auditor"), "administrator": house.other("system_administrator"),
        "controller": house.other("document_controller"),
        "foreign": review_house(house.people, "邻厂").preparer,
    }  # fmt: skip
    for act, run in ACTS.items():
        for state in STATES:
            review = house.ready()
            if state == "held":
                house.hold(review)
            if state == "cancelled":
                cancel_review(house.preparer, review_id=review, reason="x")
            # Those who may come last: what they do changes the state.
            for name in sorted(cast, key=lambda one: one in MAY[act][1]):
                expected = _expected(act, state, name)
                if not expected:
                    run(house, review, cast[name])
                    continue
                with pytest.raises(expected):
                    run(house, review, cast[name])


def test_words_are_lost_to_nobody(house: ReviewHouse) -> None:
    review = house.planned()
    empty = mark_of("")
    say(house.preparer, review_id=review, code="audits", words="甲写的", seen=empty)
    with pytest.raises(ConflictError):
        say(house.preparer, review_id=review, code="audits", words="乙写的", seen=empty)
    say(house.preparer, review_id=review, code="audits", words="乙写的", seen=mark_of("甲写的"))
    with pytest.raises(NotFoundError):
        say(house.preparer, review_id=review, code="no_such", words="x")
    # Sections of a park's report are no points of an entity's agenda.
    with pytest.raises(NotFoundError):
        say(house.preparer, review_id=review, code="b_purpose", words="x")
    with pytest.raises(InvalidInputError):
        say(house.preparer, review_id=review, code="audits", words="x" * 10_001)
    point = next(one for one in view_review(house.preparer, review_id=review).inputs if one.code == "audits")
    assert (point.words, point.missing) == ("乙写的", False)
    say(house.preparer, review_id=review, code="audits", words=" ")
    with house.archive.reading(_TESTER) as uow:
        row = uow.session.get_one(ReviewInput, (review, "audits"))
        assert (row.words, row.said_by) == ("", None)


def test_attendance_and_decisions_while_planned(house: ReviewHouse) -> None:
    review = house.planned()
    guest = add_attendance(house.preparer, review_id=review, attending=Attending("  王工 ", "顾问"))
    staff = Attending(person=house.owner.person_id or "", function="能源管理员")
    add_attendance(house.preparer, review_id=review, attending=staff)
    for wrong in (staff, Attending(), Attending(person="nobody"), Attending("x" * 101)):
        with pytest.raises(InvalidInputError):
            add_attendance(house.preparer, review_id=review, attending=wrong)
    shown = view_review(house.top, review_id=review).attendance
    assert {(one.name, one.function, one.person_id) for one in shown} == {
        ("王工", "顾问", None), ("丁一", "能源管理员", house.owner.person_id)
    }  # fmt: skip
    other = house.planned()
    with pytest.raises(NotFoundError):
        remove_attendance(house.preparer, review_id=other, attendance_id=guest.id)
    remove_attendance(house.preparer, review_id=review, attendance_id=guest.id)
    assert [one.name for one in view_review(house.top, review_id=review).attendance] == ["丁一"]

    owner = house.owner.person_id or ""
    fit = Decided("policy_decisions", "修订方针", owner, TODAY)
    contact = house.people.person("client_contact", organisation=house.organisation)
    for wrong_decision in (
        Decided("record", "x", owner, TODAY), Decided("overall_conclusion", "x", owner, TODAY),
        Decided("resources_decisions", "x", owner, TODAY),  # of parks
        Decided("policy_decisions", " ", owner, TODAY), Decided("policy_decisions", "x", owner, date(2026, 11, 20)),
        Decided("policy_decisions", "x", house.people.person("staff_member").person_id or "", TODAY),
        Decided("policy_decisions", "x", contact.person_id or "", TODAY),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            add_decision(house.preparer, review_id=review, decided=wrong_decision)
    decide_nothing(house.preparer, review_id=review, code="policy_decisions", reason="无")
    row = add_decision(house.preparer, review_id=review, decided=fit)
    with pytest.raises(InvalidInputError):
        decide_nothing(house.preparer, review_id=review, code="policy_decisions", reason="无")
    shown_output = next(
        one for one in view_review(house.top, review_id=review).outputs if one.code == "policy_decisions"
    )
    assert (shown_output.nothing, [name for _, name in shown_output.decisions]) == ("", ["丁一"])
    # It is nobody's task and on no list before the review is held.
    assert {kind for kind, *_ in waiting(house.archive)} == {"review_to_hold"}
    assert list_decisions(house.preparer, filters=DecisionFilters()).items == []
    with pytest.raises(NotFoundError):
        view_decision(house.owner, decision_id=row.id)
    with pytest.raises(NotFoundError):
        drop_decision(house.preparer, review_id=other, decision_id=row.id)
    drop_decision(house.preparer, review_id=review, decision_id=row.id)
    assert view_review(house.top, review_id=review).missing == view_review(house.top, review_id=review).required


@both_databases
def test_decisions_wait_for_their_owners_who_may_leave(house: ReviewHouse, archive: Archive, clock: SetClock) -> None:
    review = house.ready()
    with archive.reading(_TESTER) as uow:
        decision = uow.session.scalars(select(ReviewDecision.id)).one()
    assert waiting(archive) == {("review_to_hold", house.top.person_id, None)}
    house.hold(review)
    owned = ("review_decision", house.owner.person_id, None)
    assert waiting(archive) == {owned}
    administrator = house.other("system_administrator")
    deactivate(administrator, person_id=house.owner.person_id or "")
    left = ("review_decision_left", None, "organisation:reviews:prepare")
    assert waiting(archive) == {left}
    line = list_decisions(house.top, filters=DecisionFilters(state="open")).items[0]
    assert (line.owner_left, line.state) == (True, "open")
    reactivate(administrator, person_id=house.owner.person_id or "")
    assert waiting(archive) == {owned}
    deactivate(administrator, person_id=house.owner.person_id or "")
    with pytest.raises(InvalidInputError):
        give_decision(house.preparer, decision_id=decision, owner=house.owner.person_id or "")
    heir = house.other("staff_member")
    give_decision(house.preparer, decision_id=decision, owner=heir.person_id or "")
    assert waiting(archive) == {("review_decision", heir.person_id, None)}
    # Overdue from the day after on, in the archive's zone.
    clock.instant = clock.instant.replace(month=12, day=31, hour=15, minute=59)
    assert list_decisions(house.top, filters=DecisionFilters(state="overdue")).items == []
    clock.advance(minutes=1)
    overdue = list_decisions(house.top, filters=DecisionFilters(state="overdue", code="policy_decisions")).items
    assert [one.state for one in overdue] == ["overdue"]
    assert [(one.open, one.overdue) for one in list_reviews(house.top).items] == [(1, 1)]
    assert [name for _, name in owners_of_decisions(house.top)] == [overdue[0].owner]
    page = view_decision(heir, decision_id=decision)
    assert (page.mine, page.reads_review, list(page.others)) == (True, False, [])
    with pytest.raises(InvalidInputError):
        finish_decision(heir, decision_id=decision, result=" ")
    done = finish_decision(heir, decision_id=decision, result="方针已于12月发布")
    assert (done.done_by, waiting(archive)) == (heir.name, set())
    acts: Sequence[Callable[[], object]] = (
        lambda: finish_decision(heir, decision_id=decision, result="x"),
        lambda: give_decision(house.preparer, decision_id=decision, owner=heir.person_id or ""),
    )
    for again in acts:
        with pytest.raises(DecisionDoneError):
            again()
    assert [one.open for one in list_reviews(house.top).items] == [0]
    # The next review counts what came of it.
    clock.instant = clock.instant.replace(year=2027, month=11, day=21)
    following = house.planned(
        year=2027, on=date(2027, 11, 21), period_from=date(2026, 11, 1), period_to=date(2027, 10, 31)
    )
    fill_figures(house.preparer, review_id=following)
    told = figures_in(house, following)
    assert (told["decisions_done"], told["decisions_open"]) == (1, 0)
    with pytest.raises(InvalidInputError):
        list_decisions(house.top, filters=DecisionFilters(state="no such"))


def test_a_reviewer_who_left_is_replaced_and_a_cancelled_review_waits_for_nobody(
    house: ReviewHouse, archive: Archive
) -> None:
    review = house.planned()
    deactivate(house.other("system_administrator"), person_id=house.top.person_id or "")
    assert waiting(archive) == {("reviewer_gone", None, "organisation:reviews:prepare")}
    assert view_review(house.preparer, review_id=review).reviewer_fit is False
    heir = house.other("top_manager")
    change_plan(house.preparer, review_id=review, plan=house.plan(reviewer=heir.person_id))
    assert waiting(archive) == {("review_to_hold", heir.person_id, None)}
    with pytest.raises(InvalidInputError):
        change_plan(house.preparer, review_id=review, plan=house.plan(year=2027, reviewer=heir.person_id))
    with pytest.raises(InvalidInputError):
        cancel_review(house.preparer, review_id=review, reason=" ")
    cancel_review(house.preparer, review_id=review, reason="并入下次")
    assert waiting(archive) == set()
    found = find_review(heir, review_id=review)
    assert (found.state, found.reason, found.cancelled_by) == ("cancelled", "并入下次", house.preparer.name)
    # The number of the cancelled one is not given again.
    house = review_house(house.people, "另一家")
    first = house.planned()
    cancel_review(house.preparer, review_id=first, reason="x")
    assert find_review(house.preparer, review_id=house.planned()).ordinal == 2


def test_a_held_review_offers_to_settle_its_duty(house: ReviewHouse, archive: Archive) -> None:
    review = house.ready()
    with archive.transaction(_TESTER, eventless=True) as uow:
        duty = OwnDuty(
            id=uow.new_id(), organisation_id=house.preparer.organisation_id, code="management_review", title="管理评审",
            source="", records="management_review", owner_id=house.preparer.person_id, every_months=12, first_on=TODAY,
            taken_on_by="x", taken_on_at=uow.now, ended_reason="",
        )  # fmt: skip
        uow.session.add(duty)
        uow.session.flush()
        made = [
            Occurrence(
                id=uow.new_id(), organisation_id=duty.organisation_id, own_duty_id=duty.id, key=day.isoformat(),
                year=day.year, due_on=day, provisional=False, owner_id=house.preparer.person_id, state="open",
                remark="", created_at=uow.now,
                    void_by="",
            )
            for day in (date(2025, 11, 28), date(2026, 11, 30), date(2027, 11, 30))
        ]  # fmt: skip
        uow.session.add_all(made)
    assert duties_settled_by(house.preparer, review_id=review) == ()
    house.hold(review)
    offered = duties_settled_by(house.preparer, review_id=review)
    assert [one.due_on.year for one in offered] == [2025, 2026]
    assert list(duties_settled_by(house.other("internal_auditor"), review_id=review)) == []
