"""What of the legal register waits for whom, before a law takes effect and after it ended."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from archive_app.identity.accounts import deactivate, reactivate
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ConflictError,
    NotFoundError,
)
from archive_app.management.laws.acting import (
    finish_action,
)
from archive_app.management.laws.evaluating import (
    evaluate,
)
from archive_app.management.laws.obliging import (
    LawEndedError,
    NotReplacedError,
    carry_over,
    correct_obligation,
    duty_of,
    end_obligation,
    hand_over,
    record_obligation,
)
from archive_app.management.laws.recording import (
    correct_law,
    end_law,
    facts_of,
    record_law,
    take_back_end,
)
from archive_app.management.laws.reviewing import Look, review_laws
from archive_app.management.laws.showing import (
    laws_to_review,
    view_law,
)
from archive_app.management.laws.validity import NotInForceError
from archive_app.worklist.calendar import CALENDAR_JOB
from archive_app.worklist.models import CalendarDay, CalendarYear, Task
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People
from tests.laws import (
    FACTS,
    KEEPERS,
    NO_DAY,
    OLD_ENOUGH,
    Office,
    an_hour_later,
    complies,
    duty_for,
    fails,
    id_of,
    office_of,
    refused,
    waiting,
)


@pytest.fixture
def office(archive: Archive, people: People) -> Office:
    return office_of(archive, people)


@both_databases
def test_a_law_that_is_replaced(archive: Archive, office: Office, clock: SetClock, workbench: Workbench) -> None:
    """The new law is coming and said before; on its day the old one and its obligations hold no more, and what was
    carried over does."""
    old = record_law(office.keeper, facts=FACTS)
    kept, dropped = duty_for(office, old), duty_for(office, old, clause="第十二条", first_on=date(2026, 12, 4))
    new = record_law(office.keeper, facts=replace(FACTS, title="碳排放权交易条例", effective_on=date(2026, 12, 20)))
    assert view_law(office.keeper, law_id=new.id).state == "coming"
    coming = ("law_coming", KEEPERS, "2026-12-20")
    assert coming in waiting(archive)
    refused(lambda: carry_over(office.keeper, law_id=old.id, obligation_ids=[kept.id]), NotReplacedError)
    told = {"law_id": old.id, "ended_on": date(2026, 12, 20), "reason": "新条例施行"}
    for wrong, field in (
        ({"replaced_by_id": old.id}, "Replaced by"),
        ({"ended_on": date(2024, 4, 30)}, "Holds no more from"),
        ({"ended_on": None}, "Holds no more from"),
        ({"reason": ""}, "Reason"),
    ):
        assert refused(lambda w=wrong: end_law(office.keeper, **{**told, **w})).startswith(field)  # type: ignore[misc]
    end_law(office.keeper, replaced_by_id=new.id, **told)  # type: ignore[arg-type]
    ring = {"law_id": new.id, "ended_on": date(2027, 1, 1), "reason": "x", "replaced_by_id": old.id}
    assert refused(lambda: end_law(office.keeper, **ring)).startswith("Replaced by")  # type: ignore[arg-type]
    [carried] = carry_over(office.keeper, law_id=old.id, obligation_ids=[kept.id, kept.id])
    assert (carried.law_id, carried.carried_from_id, carried.owner_id) == (new.id, kept.id, id_of(office.owner))
    refused(lambda: carry_over(office.keeper, law_id=old.id, obligation_ids=[kept.id]), ConflictError)
    refused(lambda: carry_over(office.keeper, law_id=old.id, obligation_ids=[carried.id]), NotFoundError)
    assert view_law(office.keeper, law_id=old.id).carried == {kept.id}
    # Until the day the old one is evaluated and the new one is not.
    evaluate(office.keeper, obligation_id=kept.id, findings=complies())
    said = refused(lambda: evaluate(office.keeper, obligation_id=carried.id, findings=complies()), NotInForceError)
    assert "not in force yet" in said
    assert ("evaluation_due", id_of(office.owner), "2026-12-04") in waiting(archive)
    clock.instant = datetime(2026, 12, 19, 16, 0, tzinfo=UTC)  # the first moment of the 20th in the archive's zone
    today = complies(evaluated_on=date(2026, 12, 20))
    said = refused(lambda: evaluate(office.keeper, obligation_id=kept.id, findings=today), NotInForceError)
    assert "was replaced" in said
    evaluate(office.keeper, obligation_id=carried.id, findings=today)
    refused(lambda: record_obligation(office.keeper, law_id=old.id, facts=duty_of(kept)), LawEndedError)
    an_hour_later(workbench)
    assert waiting(archive) == {coming}
    # Recorded wrongly: taken back, both hold again and what was due waits again.
    take_back_end(office.keeper, law_id=old.id, reason="未废止")
    assert ("evaluation_due", id_of(office.owner), "2026-12-04") in waiting(archive)
    assert view_law(office.keeper, law_id=old.id).state == "in_force"
    end_obligation(office.keeper, obligation_id=dropped.id, last_day=date(2026, 12, 19), reason="已停产")
    assert ("evaluation_due", id_of(office.owner), "2026-12-04") not in waiting(archive)
    said = refused(lambda: evaluate(office.keeper, obligation_id=dropped.id, findings=today), NotInForceError)
    assert "obligation has ended" in said


def test_who_is_told_and_when(archive: Archive, office: Office, clock: SetClock, workbench: Workbench) -> None:
    """Nothing waits before its time; each thing waits once, however often the hourly job runs."""
    law = record_law(office.keeper, facts=replace(FACTS, review_months=2))
    duty = duty_for(office, law, first_on=date(2027, 2, 28))
    later = record_law(office.keeper, facts=replace(FACTS, title="明年的法", effective_on=date(2027, 1, 18)))
    assert waiting(archive) == set()
    clock.instant = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)
    an_hour_later(workbench)
    # 21 January 2027 is a working day; the list is looked at until then.
    expected = {("law_coming", KEEPERS, "2027-01-18"), ("law_review", KEEPERS, "2027-01-21")}
    assert waiting(archive) == expected
    clock.instant = datetime(2027, 2, 1, 2, 0, tzinfo=UTC)
    an_hour_later(workbench)
    an_hour_later(workbench)
    # 28 February 2027 is a Sunday, worked or not by a notice that is not known yet: the Friday before, provisional.
    expected |= {("evaluation_due", id_of(office.owner), "2027-02-26")}
    assert waiting(archive) == expected
    assert [line.law.id for line in laws_to_review(office.keeper).items] == [law.id]
    for looks, field in (
        ({}, "Laws"),
        ({law.id: Look("magic")}, "Outcome"),
        ({law.id: Look("changed")}, "Remark"),
    ):
        assert refused(lambda one=looks: review_laws(office.keeper, looks=one)).startswith(field)  # type: ignore[misc]
    review_laws(office.keeper, looks={law.id: Look("changed", "修订第十二条"), later.id: Look("unchanged")})
    assert view_law(office.keeper, law_id=law.id).reviews[0][0].remark == "修订第十二条"
    assert ("law_review", KEEPERS, "2027-01-21") not in waiting(archive)
    assert view_law(office.keeper, law_id=law.id).law.review_on == date(2027, 4, 1)
    evaluate(office.owner, obligation_id=duty.id, findings=complies(evaluated_on=date(2027, 2, 1)))
    with archive.reading(Actor.system("test")) as uow:
        outcomes = uow.session.scalars(select(Task.outcome).where(Task.subject_id == duty.id)).all()
    assert outcomes == ["done"]
    # The day moved: who took note of the old one is told of the new one.
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for task in uow.session.scalars(select(Task).where(Task.subject_id == later.id)):
            task.closed_at = uow.now
    correct_law(office.keeper, law_id=later.id, facts=replace(facts_of(later), effective_on=date(2027, 2, 20)))
    assert ("law_coming", KEEPERS, "2027-02-20") in waiting(archive)
    # The calendar becomes known: a working Sunday after all.
    provisional = duty_for(office, law, first_on=date(2027, 2, 28))
    assert (provisional.evaluate_on, provisional.provisional) == (date(2027, 2, 26), True)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.add(CalendarYear(year=2027, notice="x", entered_by="x", entered_at=uow.now))
        uow.session.add(CalendarDay(on=date(2027, 2, 28), working=True, notice="x", entered_by="x", entered_at=uow.now))
        uow.enqueue(CALENDAR_JOB, "x")
    workbench.run()
    assert ("evaluation_due", id_of(office.owner), "2027-02-28") in waiting(archive)


@both_databases
def test_an_owner_who_left(archive: Archive, people: People, office: Office) -> None:
    administrator = people.person("system_administrator")
    law = record_law(office.keeper, facts=FACTS)
    duty = duty_for(office, law, first_on=OLD_ENOUGH)
    row = evaluate(office.keeper, obligation_id=duty_for(office, law).id, findings=fails(office))
    assert {who for _, who, _ in waiting(archive)} == {id_of(office.owner)}
    deactivate(administrator, person_id=id_of(office.owner))
    assert waiting(archive) == {
        ("evaluation_due", KEEPERS, "2026-11-20"),
        ("compliance_action", KEEPERS, "2026-12-11"),
        ("owner_left", KEEPERS, NO_DAY),
    }
    assert view_law(office.keeper, law_id=law.id).chain[0].owner_left
    assert "closed" in refused(lambda: duty_for(office, law))
    # Corrected without another owner being known yet, it is not refused.
    correct_obligation(office.keeper, obligation_id=duty.id, facts=replace(duty_of(duty), department="质量部"))
    refused(lambda: hand_over(office.keeper, owner_id=id_of(office.owner), to=id_of(office.owner)))
    assert hand_over(office.keeper, owner_id=id_of(office.owner), to=id_of(office.other)) == 3
    assert waiting(archive) == {
        ("evaluation_due", id_of(office.other), "2026-11-20"),
        ("compliance_action", id_of(office.other), "2026-12-11"),
    }
    reactivate(administrator, person_id=id_of(office.owner))
    assert {who for _, who, _ in waiting(archive)} == {id_of(office.other)}
    finish_action(office.keeper, evaluation_id=row.id, result="x")
