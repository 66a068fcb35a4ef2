"""Taking engagements from stage to stage: who may, what is missing, what two people do at once, and what follows."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from archive_app.casework import gates, stages
from archive_app.casework.checklist import LineState, checklist_of, path_of
from archive_app.casework.deadlines import DEADLINE_RUNS, DeadlineOverError, move_deadline
from archive_app.casework.gates import Obstacle, obstacles_of
from archive_app.casework.models import Deadline, StageMove, Waiver
from archive_app.casework.movers import may_move
from archive_app.casework.progress.viewing import view_progress
from archive_app.casework.stages import (
    STAGE_WAITS,
    NotYoursToMoveError,
    StageChangedError,
    StageIncompleteError,
    move_stage,
    take_to,
)
from archive_app.casework.waivers import NothingToWaiveError, ask_again, waive_record
from archive_app.engagements.engagements import EngagementSealedError, lock_engagement
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.schemes import all_schemes, scheme_of
from archive_app.engagements.teams import remove_member, set_member
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.worklist.kinds import TaskKind
from archive_app.worklist.models import Task
from tests.cases import CONDITIONS, add_record, make_ready, withdraw_only
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.factories import People, declare, engagement_of

USUAL = "key_emitter_verification"
FIRST, SECOND, THIRD = (stage.code for stage in all_schemes()[USUAL].stages[:3])
LETTER = "assignment_letter"


def read(archive: Archive, ask: Callable[[Any], Any]) -> Any:
    with archive.reading(Actor.system("test")) as uow:
        return ask(uow)


def state_of(archive: Archive, engagement: Engagement, record_type: str) -> LineState:
    def found(uow: Any) -> LineState:
        lines = checklist_of(uow, uow.session.get_one(Engagement, engagement.id)).lines
        return next(line.state for line in lines if line.type == record_type)

    state: LineState = read(archive, found)
    return state


def open_tasks(archive: Archive, kind: TaskKind) -> Sequence[tuple[str | None, str | None, date]]:
    waiting = select(Task.part, Task.permission, Task.due_on).where(Task.kind == kind.code, Task.closed_at.is_(None))
    found: Sequence[tuple[str | None, str | None, date]]
    found = read(archive, lambda uow: [tuple(row) for row in uow.session.execute(waiting)])
    return found


def move(actor: Actor, engagement: Engagement, from_stage: str, to_stage: str, remark: str = "") -> None:
    move_stage(actor, engagement_id=engagement.id, from_stage=from_stage, to_stage=to_stage, remark=remark)


def put_at(archive: Archive, engagement: Engagement, stage: str) -> None:
    """Every record is there, every condition holds, and the engagement is at a stage, by steps."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        row = uow.session.get_one(Engagement, engagement.id)
        scheme = scheme_of(uow, row)
        while row.stage != stage:
            take_to(uow, row, scheme, scheme.stage(row.stage).next[0], "")


@both_databases_in_full
def test_the_way_on_is_refused_while_something_is_missing(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member])
    assert state_of(archive, engagement, LETTER) is LineState.MISSING
    assert state_of(archive, engagement, "work_plan") is LineState.NOT_DUE
    with pytest.raises(StageIncompleteError) as refused:
        move(leader, engagement, FIRST, SECOND)
    assert [(code, about) for code, about, _ in refused.value.reasons("en")] == [
        ("record_missing", f"{FIRST}/{LETTER}")
    ]
    assert "核查委托" in refused.value.text("zh_Hans_CN")
    returned = add_record(archive, engagement.id, LETTER, state="returned")
    assert state_of(archive, engagement, LETTER) is LineState.RETURNED
    proposed = add_record(archive, engagement.id, LETTER, state="proposed")
    assert state_of(archive, engagement, LETTER) is LineState.RETURNED
    withdraw_only(archive, engagement.id, [returned])
    assert state_of(archive, engagement, LETTER) is LineState.MISSING, "a proposal is nobody's word"
    delivered = add_record(archive, engagement.id, LETTER, state="delivered")
    withdraw_only(archive, engagement.id, [])
    assert state_of(archive, engagement, LETTER) is LineState.DELIVERED
    with pytest.raises(StageIncompleteError) as refused:
        move(leader, engagement, FIRST, SECOND)
    assert [code for code, _, _ in refused.value.reasons("en")] == ["record_delivered"]
    accepted = add_record(archive, engagement.id, LETTER)
    withdraw_only(archive, engagement.id, [accepted])
    assert state_of(archive, engagement, LETTER) is LineState.DELIVERED
    withdraw_only(archive, engagement.id, [delivered, returned, proposed])
    move(leader, engagement, FIRST, SECOND, "开始")
    with pytest.raises(StageIncompleteError) as refused:
        move(leader, engagement, SECOND, THIRD)
    told = refused.value.reasons("en")
    assert {code for code, _, _ in told} > {"record_missing", "no_reviewer", "group_too_small", "client_sector_unknown"}
    # What was complete when the stage was left is asked for again when it is gone.
    withdraw_only(archive, engagement.id, [accepted, delivered, returned])
    with pytest.raises(StageIncompleteError) as refused:
        move(leader, engagement, SECOND, THIRD)
    assert ("record_missing", f"{FIRST}/{LETTER}") in {(code, about) for code, about, _ in refused.value.reasons("en")}


def test_who_may_take_it_on(archive: Archive, people: People) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    others = [people.person("quality_manager"), people.person("archivist", organisation="他方核查")]
    stranger = people.person("team_leader")
    add_record(archive, engagement.id, LETTER)
    with pytest.raises(NotYoursToMoveError) as refused:
        move(others[0], engagement, FIRST, SECOND)
    assert "Team leader / Archivist" in refused.value.text("en")
    for outsider in (others[1], stranger):
        with pytest.raises(NotFoundError):
            move(outsider, engagement, FIRST, SECOND)
    for wrong in (THIRD, FIRST, "no_such_stage"):
        with pytest.raises(InvalidInputError):
            move(leader, engagement, FIRST, wrong)
    with pytest.raises(StageChangedError):
        move(leader, engagement, SECOND, THIRD)
    move(archivist, engagement, FIRST, SECOND)
    # The step taken is done and the next one is a task of its own, told anew.
    waiting = select(Task.outcome).where(Task.kind == STAGE_WAITS.code).order_by(Task.outcome)
    assert read(archive, lambda uow: list(uow.session.scalars(waiting))) == ["", "done"]
    with pytest.raises(NotYoursToMoveError):
        move(archivist, engagement, SECOND, THIRD)
    with pytest.raises(InvalidInputError):
        move(leader, engagement, SECOND, FIRST)
    move(leader, engagement, SECOND, FIRST, "委托书有误")
    codes = read(archive, lambda uow: list(uow.session.scalars(select(Event.code).where(Event.code == "stage.moved"))))
    assert len(codes) == 2


@both_databases
def test_of_two_who_move_at_once_one_is_told(archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    add_record(archive, engagement.id, LETTER)
    barrier, original = Barrier(2, timeout=20), lock_engagement

    def together(*given: Any, **told: Any) -> Any:
        barrier.wait()
        return original(*given, **told)

    def attempt(actor: Actor) -> str:
        with archive.activate():
            try:
                move(actor, engagement, FIRST, SECOND)
            except StageChangedError as told:
                return told.code
            return "moved"

    if archive.engine.dialect.name != "sqlite":
        monkeypatch.setattr(stages, "lock_engagement", together)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [leader, archivist])) == ["moved", "stage_changed"]
    moves = read(archive, lambda uow: len(uow.session.scalars(select(StageMove)).all()))
    assert moves == 1


def test_somebody_removed_while_the_stage_waits_for_them(archive: Archive, people: People) -> None:
    leader, other = people.person("team_leader", "archivist"), people.person("team_leader", name="赵组长")
    engagement = engagement_of(leader)
    assert [task[:2] for task in open_tasks(archive, STAGE_WAITS)] == [("leader", None)]
    set_member(leader, engagement_id=engagement.id, person_id=other.person_id or "", part="leader")
    declare(archive, engagement.id)
    add_record(archive, engagement.id, LETTER)
    remove_member(leader, engagement_id=engagement.id, person_id=other.person_id or "")
    with pytest.raises(NotFoundError):
        move(other, engagement, FIRST, SECOND)
    move(leader, engagement, FIRST, SECOND)
    assert [task[:2] for task in open_tasks(archive, STAGE_WAITS)] == [("leader", None)]
    # A stage that waits for a part which nobody has waits for the archivist, who hears of it, and not for nobody.
    alone = people.person("archivist")
    lonely = engagement_of(alone)
    view = view_progress(alone, engagement_id=lonely.id)
    assert view.next_act is not None
    assert (view.next_act.mover, view.next_act.nobody) == ("archivist", True)
    waiting = ("leader", None), (None, str(Permission.ENGAGEMENTS_KEEP))
    assert {task[:2] for task in open_tasks(archive, STAGE_WAITS)} == set(waiting)
    set_member(alone, engagement_id=lonely.id, person_id=other.person_id or "", part="leader")
    assert {task[:2] for task in open_tasks(archive, STAGE_WAITS)} == {("leader", None)}


def test_what_does_not_apply_is_said_with_a_reason_and_taken_back(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member])
    line = {"engagement_id": engagement.id, "stage": FIRST, "record_type": LETTER}
    for reason in ("", "x" * 1001):
        with pytest.raises(InvalidInputError):
            waive_record(leader, **line, reason=reason)
    for wrong in ({"stage": SECOND}, {"record_type": "other"}, {"record_type": "legal_papers"}):
        with pytest.raises(NotFoundError):
            waive_record(leader, **{**line, **wrong}, reason="x")
    with pytest.raises(NotFoundError):
        ask_again(leader, **line, reason="x")
    waived = waive_record(leader, **line, reason="集团内部委托")
    assert (waived.state, waived.reason) == (LineState.WAIVED, "集团内部委托")
    with pytest.raises(NothingToWaiveError):
        waive_record(leader, **line, reason="x")
    move(leader, engagement, FIRST, SECOND)
    assert ask_again(leader, **line, reason="补委托").state is LineState.MISSING
    with pytest.raises(StageIncompleteError) as refused:
        move(leader, engagement, SECOND, THIRD)
    assert f"{FIRST}/{LETTER}" in {about for _, about, _ in refused.value.reasons("en")}
    add_record(archive, engagement.id, LETTER)
    with pytest.raises(NothingToWaiveError):
        waive_record(leader, **line, reason="x")
    rows = read(archive, lambda uow: uow.session.scalars(select(Waiver)).all())
    assert [row.ended_at is not None for row in rows] == [True]
    reviewer = people.person("technical_reviewer")
    set_member(leader, engagement_id=engagement.id, person_id=reviewer.person_id or "", part="reviewer")
    declare(archive, engagement.id)
    with pytest.raises(NotFoundError):
        waive_record(reviewer, **line, reason="x")


def test_terms_begin_are_kept_and_taken_back(archive: Archive, people: People, clock: SetClock) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader, year=2026)

    def terms() -> dict[str, Deadline]:
        living = select(Deadline).where(Deadline.void.is_(False)).order_by(Deadline.id)
        return {row.code: row for row in read(archive, lambda uow: uow.session.scalars(living).all())}

    yearly = terms()["yearly_verification"]
    assert (yearly.due_on, yearly.provisional, yearly.kept_on) == (date(2027, 6, 30), False, None)
    assert open_tasks(archive, DEADLINE_RUNS) == [("leader", None, date(2027, 6, 30))]
    put_at(archive, engagement, "report")
    assert set(terms()) == {"yearly_verification"}
    put_at(archive, engagement, "notification")
    told = terms()["result_feedback"]
    # 2026-11-21 is a Saturday; seven working days after it.
    assert (told.started_on, told.due_on, told.provisional) == (date(2026, 11, 21), date(2026, 12, 1), False)
    view = view_progress(leader, engagement_id=engagement.id)
    assert view.next_act is not None
    assert view.next_act.due is not None
    assert (view.next_act.due.on, view.next_act.overdue) == (date(2026, 12, 1), False)
    move(leader, engagement, "notification", "report", "报告有误")
    assert set(terms()) == {"yearly_verification"}
    assert [task[2] for task in open_tasks(archive, DEADLINE_RUNS)] == [date(2027, 6, 30)]
    clock.advance(days=10)
    put_at(archive, engagement, "notification")
    again = terms()["result_feedback"]
    assert (again.id != told.id, again.due_on) == (True, date(2026, 12, 10))
    clock.advance(days=20)
    view = view_progress(leader, engagement_id=engagement.id)
    assert next((line.rule.code, line.overdue) for line in view.deadlines) == ("result_feedback", True)
    put_at(archive, engagement, "keeping")
    kept = terms()
    assert open_tasks(archive, STAGE_WAITS) == []
    assert {row.kept_on for row in kept.values()} == {date(2026, 12, 21)}
    assert open_tasks(archive, DEADLINE_RUNS) == []
    with pytest.raises(DeadlineOverError):
        move_deadline(leader, engagement_id=engagement.id, deadline_id=again.id, due_on=date(2027, 1, 1), reason="x")
    # Taken back from the end, the terms run again to the days that they had.
    archivist = people.person("archivist")
    move(archivist, engagement, "keeping", "notification", "补告知")
    assert {code: (row.due_on, row.kept_on) for code, row in terms().items()} == {
        "yearly_verification": (date(2027, 6, 30), None),
        "result_feedback": (date(2026, 12, 10), None),
    }
    assert len(open_tasks(archive, DEADLINE_RUNS)) == len(kept)


def test_a_deadline_gets_another_day_with_a_reason(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member], year=2027)
    deadline = view_progress(leader, engagement_id=engagement.id).deadlines[0].deadline
    about = {"engagement_id": engagement.id, "deadline_id": deadline.id}
    with pytest.raises(InvalidInputError):
        move_deadline(leader, **about, due_on=date(2026, 1, 1), reason="x")
    with pytest.raises(InvalidInputError):
        move_deadline(leader, **about, due_on=date(2027, 1, 1), reason=" ")
    with pytest.raises(NotFoundError):
        move_deadline(leader, engagement_id=engagement.id, deadline_id="x", due_on=date(2027, 1, 1), reason="x")
    other = engagement_of(leader)
    with pytest.raises(NotFoundError):
        move_deadline(leader, engagement_id=other.id, deadline_id=deadline.id, due_on=date(2027, 1, 1), reason="x")
    reviewer = people.person("technical_reviewer")
    set_member(leader, engagement_id=engagement.id, person_id=reviewer.person_id or "", part="reviewer")
    declare(archive, engagement.id)
    with pytest.raises(NotFoundError):
        move_deadline(reviewer, **about, due_on=date(2027, 1, 1), reason="x")
    moved = move_deadline(leader, **about, due_on=date(2027, 1, 1), reason="主管部门延期")
    assert (moved.due_on, moved.reason, moved.changed_by) == (date(2027, 1, 1), "主管部门延期", leader.person_id)
    assert date(2027, 1, 1) in [task[2] for task in open_tasks(archive, DEADLINE_RUNS)]


def test_a_term_beyond_the_known_holidays_is_provisional(archive: Archive, people: People, clock: SetClock) -> None:
    clock.advance(days=365 * 20)
    leader = people.person("team_leader")
    engagement = engagement_of(leader, year=2046)
    put_at(archive, engagement, "notification")
    line = next(one for one in view_progress(leader, engagement_id=engagement.id).deadlines if one.rule.days)
    assert line.deadline.provisional


def test_the_state_is_a_fact_and_the_documents_are_not_named(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    low = people.person("verifier", name="低密级", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[low])
    secret = add_record(archive, engagement.id, LETTER, level=Level.RESTRICTED)
    seen = [add_record(archive, engagement.id, "legal_papers") for _ in range(5)]
    for person, documents in ((leader, (secret,)), (low, ())):
        view = view_progress(person, engagement_id=engagement.id)
        letter, papers = view.checklist.current.lines
        assert letter.state is LineState.ACCEPTED
        assert tuple(document.id for document in letter.documents) == documents
        assert letter.visible == len(documents)
        assert ([one.id for one in papers.documents], papers.visible) == (sorted(seen)[:-4:-1], 5)
    client = people.person("client_contact", organisation="江南热电", name="企业")
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        of_engagement = update(Client).where(Client.id == engagement.client_id)
        uow.session.execute(of_engagement.values(entity_id=client.organisation_id))
    outside = view_progress(client, engagement_id=engagement.id)
    assert not outside.inside
    assert {line.record.by for line in outside.checklist.lines} == {"client"}
    assert (outside.team, outside.events, outside.deadlines, outside.obstacles) == ((), (), (), ())


def test_whoever_issues_elsewhere_moves_nothing_here(archive: Archive, people: People) -> None:
    leader, issuer = people.person("team_leader"), people.person("quality_manager")
    elsewhere = people.person("quality_manager", organisation="生态环境厅")
    engagement = engagement_of(leader)
    stage = all_schemes()[USUAL].stage("report")
    told = []
    for actor in (issuer, elsewhere, people.person("archivist"), people.person("verifier")):
        with archive.reading(actor) as uow:
            told.append(may_move(uow, uow.session.get_one(Engagement, engagement.id), stage))
    assert told == [True, False, False, False]


def test_a_sealed_engagement_stays_where_it_is(archive: Archive, people: People) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    put_at(archive, engagement, "notification")
    line = {"engagement_id": engagement.id, "stage": FIRST, "record_type": LETTER, "reason": "x"}
    deadline = view_progress(leader, engagement_id=engagement.id).deadlines[0].deadline.id
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        CONDITIONS["sealed"].set(uow, engagement.id, True)
    for act in (
        lambda: move(leader, engagement, "notification", "keeping"),
        lambda: move(leader, engagement, "notification", "report", "x"),
        lambda: waive_record(leader, **line),
        lambda: ask_again(leader, **line),
        lambda: move_deadline(
            leader, engagement_id=engagement.id, deadline_id=deadline, due_on=date(2028, 1, 1), reason="x"
        ),
    ):
        with pytest.raises(EngagementSealedError):
            act()
    view = view_progress(archivist, engagement_id=engagement.id)
    assert (view.may_move, view.leads, view.works, view.back) == (False, False, False, ())


def test_conditions_look_at_whoever_is_there(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member])
    scheme = all_schemes()[USUAL]

    def obstacles(stage: str = "site_team") -> set[tuple[str, str]]:
        def found(uow: Any) -> list[Obstacle]:
            return obstacles_of(uow, uow.session.get_one(Engagement, engagement.id), scheme, stage)

        return {(one.code, one.text("en")) for one in read(archive, found)}

    put_at(archive, engagement, "technical_team")
    assert ("group_too_small", "The group Technical working group needs at least 1 people; it has 0.") in obstacles()
    assert not any("Site verification" in words for _, words in obstacles()), "asked for from its own stage on"
    put_at(archive, engagement, "site_team")
    assert any("Site verification" in words for _, words in obstacles())
    make_ready(archive, engagement.id, scheme)
    assert {code for code, _ in obstacles()} == {"no_reviewer"}
    assert obstacles("site_visit") == set()
    CONDITIONS["declared"].hold(archive, engagement.id, held=False)
    assert ("not_declared", "李核查 has not declared impartiality yet.") in obstacles()
    CONDITIONS["declared"].hold(archive, engagement.id, held=True)
    # Whoever may not use the archive any more does not make the team complete.
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Person).where(Person.id == member.person_id).values(active=False))
    assert {code for code, _ in obstacles()} == {"no_reviewer", "too_few_people", "group_too_small"}
    CONDITIONS["material_decided"].hold(archive, engagement.id, held=False)
    assert {code for code, _ in obstacles("document_review")} == {"material_undecided"}


def test_a_condition_that_nobody_looks_after_is_closed(archive: Archive, people: People) -> None:
    engagement = engagement_of(people.person("team_leader"))
    scheme = all_schemes()[USUAL]
    stage = replace(scheme.stages[0], needs=("declared", "no_such_condition"))
    unknown = replace(scheme, stages=(stage, *scheme.stages[1:]))
    found = read(
        archive,
        lambda uow: obstacles_of(uow, uow.session.get_one(Engagement, engagement.id), unknown, FIRST),
    )
    assert [one.code for one in found] == ["no_such_condition"]
    with pytest.raises(ValueError, match="declared"):
        gates.gate("declared")(lambda *_: [])


def test_the_path_leaves_out_what_was_jumped_over_or_taken_back(archive: Archive, people: People) -> None:
    engagement = engagement_of(people.person("team_leader"))
    scheme = all_schemes()[USUAL]
    one, two, three, four = (stage.code for stage in scheme.stages[:4])
    going = [replace(stage, back=tuple(other.code for other in scheme.stages[:place]))
              for place, stage in enumerate(scheme.stages)]  # fmt: skip
    free = replace(scheme, stages=tuple(going))
    moves = [(one, three), (three, four), (four, two), (two, four)]
    paths = [[one, three], [one, three, four], [one, two], [one, two, four]]
    for number, ((from_stage, to_stage), path) in enumerate(zip(moves, paths, strict=True), 1):
        # The clock stands still: the order does not hang on it.
        move_row = StageMove(
            id=f"{9 - number}", engagement_id=engagement.id, ordinal=number, from_stage=from_stage, to_stage=to_stage,
            remark="", moved_by="x", moved_at=archive.clock.now(),
        )  # fmt: skip
        with archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.add(move_row)
        assert read(archive, lambda uow: list(path_of(uow, engagement, free))) == path
