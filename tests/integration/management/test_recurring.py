"""Duties through their life: planned, told, settled, taken back, ended; sites, changes, people who leave, calendar."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from archive_app.documents.control import set_control
from archive_app.engagements.libraries import library_of
from archive_app.identity.models import Person
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.recurring.changes import ChangeWithdrawnError, Told, record_change, withdraw_change
from archive_app.management.recurring.falling_due import count_anew
from archive_app.management.recurring.keeping import Terms, change_duty, end_duty
from archive_app.management.recurring.models import Occurrence
from archive_app.management.recurring.planning import PlanFilters, year_plan
from archive_app.management.recurring.rules import DutyEndedError, NotResponsibleError, OccurrenceStateError
from archive_app.management.recurring.settling import (
    RecordsMissingError,
    Shows,
    settle_done,
    settle_not_needed,
    take_back,
)
from archive_app.management.recurring.showing import choices, panel_of_document, view_occurrence
from archive_app.management.recurring.sites import SiteStateError, SiteThereError, close_site, open_site, reopen_site
from archive_app.management.recurring.taking_on import DutyTakenOnError, OwnWords, Wish, take_on, take_on_own
from archive_app.worklist.models import CalendarDay, CalendarYear
from tests.cases import put_record
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.duties import TESTER, Park, own_duty, park_of, planned_ahead, run_job, taken_on, tasks_about, times_of
from tests.factories import People

TODAY = date(2026, 11, 21)


@pytest.fixture
def park(people: People) -> Park:
    """A park beside the body that runs the archive."""
    people.organisation()
    return park_of(people)


def _states(archive: Archive, duty_id: str) -> list[tuple[str, str]]:
    return [(one.key, one.state) for one in times_of(archive, duty_id)]


def _file(archive: Archive, park: Park, record_type: str, *, level: Level = Level.INTERNAL, control: str = "") -> str:
    """A document of the library that was described as a type of record."""

    def put(uow: UnitOfWork) -> str:
        document_id = put_record(uow, library_of(uow, park.organisation_id).id, record_type, level=level)
        if control:
            set_control(uow, document_id, control)
        return document_id

    with archive.transaction(TESTER, eventless=True) as uow:
        return put(uow)


@both_databases
def test_planned_once_whatever_the_clock_and_the_job_do(archive: Archive, park: Park, clock: SetClock) -> None:
    """Two years without the job are caught up without a gap; run again, and with the clock set back, nothing is added;
    the last day of a month stays the last day."""
    with planned_ahead(archive, 2).activate() as near:
        duty = own_duty(park, "月度巡检", date(2026, 11, 30), every_months=1)
        assert [key for key, _state in _states(near, duty.id)] == ["2026-11-30", "2026-12-30"]
        clock.advance(days=730)
        run_job(near)
        keys = [key for key, _state in _states(near, duty.id)]
        assert keys[:4] == ["2026-11-30", "2026-12-30", "2027-01-30", "2027-02-28"]
        assert len(keys) == len(set(keys)) == 26
        assert "2028-02-29" in keys
        assert keys[-1] == "2028-12-30"
        before = [(one.id, one.key) for one in times_of(near, duty.id)]
        run_job(near)
        clock.advance(days=-400)
        run_job(near)
        clock.advance(days=400)
        run_job(near)
        assert [(one.id, one.key) for one in times_of(near, duty.id)] == before


def test_told_when_near_and_when_overdue(archive: Archive, people: People, park: Park, clock: SetClock) -> None:
    """Nobody is told before the thirty days; then the owner; from the day after also those who manage duties; whoever
    left is replaced by them, and the owner is told again when there is a new one; done, nobody waits."""
    duty = own_duty(park, "巡检储罐", date(2026, 12, 31))
    [found, *_later] = times_of(archive, duty.id)
    run_job(archive)
    assert tasks_about(archive, found.id) == []
    clock.advance(days=10)  # 1 December
    run_job(archive)
    doer = ("management.duty_due", park.doer.person_id, None, date(2026, 12, 31))
    assert tasks_about(archive, found.id) == [doer]
    run_job(archive)
    assert tasks_about(archive, found.id) == [doer]
    clock.advance(days=30)  # 31 December: the day itself is not over
    run_job(archive)
    assert tasks_about(archive, found.id) == [doer]
    clock.advance(days=1)
    run_job(archive)
    late = ("management.duty_overdue", None, "organisation:duties:manage", date(2026, 12, 31))
    assert tasks_about(archive, found.id) == [doer, late]
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.execute(update(Person).where(Person.id == park.doer.person_id).values(active=False))
    run_job(archive)
    ownerless = ("management.duty_without_owner", None, "organisation:duties:manage", date(2026, 12, 31))
    assert tasks_about(archive, found.id) == [ownerless]
    terms = Terms(park.other.person_id or "", duty.every_months, duty.first_on)
    change_duty(park.manager, duty_id=duty.id, terms=terms)
    other = ("management.duty_due", park.other.person_id, None, date(2026, 12, 31))
    assert tasks_about(archive, found.id) == [other, late]
    with pytest.raises(InvalidInputError):
        change_duty(park.manager, duty_id=duty.id, terms=replace(terms, owner=park.doer.person_id or ""))
    settle_done(park.other, occurrence_id=found.id, records=())
    assert tasks_about(archive, found.id) == []
    plan = year_plan(park.manager, year=2026)
    assert [time.mark for row in plan.rows.items for times in row.months for time in times] == ["late"]


@both_databases_in_full
def test_done_with_records(archive: Archive, park: Park) -> None:
    """One of each type that is asked for, or a remark; what is not seen, a draft and an unknown type are refused; the
    document's page shows what rests on it to those who see both; whoever sees less is told how many they do not see."""
    [duty] = taken_on(park, {"internal_audit": date(2026, 11, 30)})
    found = times_of(archive, duty.id)[0]
    planned, report = (_file(archive, park, f"internal_audit_{part}") for part in ("plan", "report"))
    secret = _file(archive, park, "internal_audit_report", level=Level.SENSITIVE)
    draft = _file(archive, park, "internal_audit_report", control="draft")
    offered = {choice.document_id: choice.type for choice in choices(park.doer, occurrence_id=found.id)}
    assert offered == {planned: "internal_audit_plan", report: "internal_audit_report"}
    assert choices(park.doer, occurrence_id=found.id, find="没有这样的标题") == []

    plan_only = [Shows(planned, "internal_audit_plan")]
    with pytest.raises(NotResponsibleError):
        settle_done(park.other, occurrence_id=found.id, records=plan_only, remark="x")
    with pytest.raises(RecordsMissingError):
        settle_done(park.doer, occurrence_id=found.id, records=plan_only)
    for record, refusal in (
        (Shows(secret, "internal_audit_report"), NotFoundError),
        (Shows(draft, "internal_audit_report"), NotFoundError),
        (Shows(report, "no_such_type"), InvalidInputError),
    ):
        with pytest.raises(refusal):
            settle_done(park.doer, occurrence_id=found.id, records=[*plan_only, record])
    assert times_of(archive, duty.id)[0].state == "open"

    both = [*plan_only, Shows(report, "internal_audit_report"), Shows(secret, "internal_audit_report")]
    settle_done(park.manager, occurrence_id=found.id, records=both)
    seen = view_occurrence(park.doer, occurrence_id=found.id)
    assert {record.document_id for record in seen.records} == {planned, report}
    assert (seen.hidden, seen.mark, seen.acts) == (1, "done", frozenset({"take_back"}))
    resting = panel_of_document(park.doer, document_id=report) or ()
    assert [one.occurrence.id for one in resting] == [found.id]
    with pytest.raises(OccurrenceStateError):
        settle_done(park.doer, occurrence_id=found.id, records=both[:2])

    take_back(park.doer, occurrence_id=found.id, reason="审核报告用错了")
    assert view_occurrence(park.manager, occurrence_id=found.id).mark == "open"
    assert len(view_occurrence(park.manager, occurrence_id=found.id).records) == 3
    settle_done(park.doer, occurrence_id=found.id, records=both[:1], remark="报告为纸质")
    assert len(view_occurrence(park.manager, occurrence_id=found.id).records) == 1


def test_not_needed(archive: Archive, people: People, park: Park) -> None:
    """Only those who manage the duties say so, who proved who they are, with a reason; and they take it back."""
    duty = own_duty(park, "巡检储罐", date(2026, 12, 31))
    found = times_of(archive, duty.id)[0]
    with pytest.raises(PermissionMissingError):
        settle_not_needed(park.doer, occurrence_id=found.id, reason="停用")
    with pytest.raises(ConfirmationRequiredError):
        settle_not_needed(replace(park.manager, confirmed_at=None), occurrence_id=found.id, reason="停用")
    with pytest.raises(InvalidInputError):
        settle_not_needed(park.manager, occurrence_id=found.id, reason=" ")
    settle_not_needed(park.manager, occurrence_id=found.id, reason="停用")
    with pytest.raises(OccurrenceStateError):
        take_back(park.doer, occurrence_id=found.id, reason="仍需要")
    take_back(park.manager, occurrence_id=found.id, reason="仍需要")
    assert times_of(archive, duty.id)[0].state == "open"


@both_databases
def test_sites(archive: Archive, park: Park, clock: SetClock) -> None:
    """Of a closed site nothing falls due any more, what was to come is void with the reason, what was overdue stays
    owed; opened again, what falls due after that day is there again and what lies between is not."""
    site = open_site(park.manager, name="一号站")
    with pytest.raises(SiteThereError):
        open_site(park.manager, name=" 一号站 ")
    duty = own_duty(park, "季度巡检", date(2026, 10, 31), every_months=3, site_id=site.id)
    elsewhere = own_duty(park, "季度盘点", date(2026, 10, 31), every_months=3)
    [review] = taken_on(park, {"emission_review": date(2027, 3, 31)}, site_id=site.id)
    changed = record_change(park.manager, told=Told("process", TODAY, "换炉", site.id))
    assert changed.occurrences == 1

    with planned_ahead(archive, 2).activate():
        clock.advance(days=200)  # 9 June 2027; the job did not run, and 31 July is within reach now
        close_site(park.manager, site_id=site.id, closed_on=date(2027, 2, 1), reason="拆除")
    assert _states(archive, duty.id)[:4] == [
        ("2026-10-31", "open"),
        ("2027-01-31", "open"),
        ("2027-04-30", "void"),
        ("2027-07-31", "void"),
    ]
    assert {one.remark for one in times_of(archive, duty.id) if one.state == "void"} == {"拆除"}
    assert _states(archive, review.id)[0][1] == "open", "the change was due in December, while the site was there"
    with pytest.raises(SiteStateError):
        close_site(park.manager, site_id=site.id, closed_on=date(2027, 3, 1), reason="再次")
    with pytest.raises(InvalidInputError):
        own_duty(park, "新任务", date(2027, 7, 1), site_id=site.id)
    run_job(archive)
    assert all(state == "void" for key, state in _states(archive, duty.id) if key >= "2027-02-01")
    assert len([1 for _key, state in _states(archive, elsewhere.id) if state == "open"]) == 8
    [voided] = [one for one in times_of(archive, duty.id) if one.key == "2027-04-30"]
    with pytest.raises(OccurrenceStateError):
        settle_done(park.doer, occurrence_id=voided.id, records=())
    assert record_change(park.manager, told=Told("process", TODAY, "再换炉")).occurrences == 0

    reopen_site(park.manager, site_id=site.id, opened_on=date(2027, 7, 1))
    run_job(archive)
    kept = dict(_states(archive, duty.id))
    assert kept["2027-04-30"] == "void"
    assert kept["2027-07-31"] == kept["2027-10-31"] == "open"
    assert len(kept) == len(_states(archive, duty.id))
    with pytest.raises(SiteStateError):
        reopen_site(park.manager, site_id=site.id, opened_on=date(2027, 8, 1))


def test_changes(archive: Archive, park: Park, clock: SetClock) -> None:
    """Withdrawn, what a change made due and is open is void and what was done stays; recorded again it counts anew; of
    one site it concerns that site and the whole organisation; own words are nobody's review."""
    first, second = open_site(park.manager, name="一号站"), open_site(park.manager, name="二号站")
    [whole] = taken_on(park, {"emission_review": date(2027, 3, 31)})
    [trading] = taken_on(park, {"trading_review": date(2027, 3, 31)})
    [at_first] = taken_on(park, {"emission_review": date(2027, 3, 31)}, site_id=first.id)
    [at_second] = taken_on(park, {"emission_review": date(2027, 3, 31)}, site_id=second.id)
    own = own_duty(park, "碳排放管理评审", date(2027, 3, 31))
    told = Told("raw_materials", TODAY, "改用天然气", first.id)
    recorded = record_change(park.manager, told=told)

    def of_change(duty_id: str) -> list[str]:
        return [one.state for one in times_of(archive, duty_id) if one.change_id == recorded.change.id]

    assert [of_change(duty.id) for duty in (whole, trading, at_first, at_second, own)] == [
        ["open"],
        ["open"],
        ["open"],
        [],
        [],
    ]
    done = next(one for one in times_of(archive, trading.id) if one.change_id)
    settle_done(park.doer, occurrence_id=done.id, records=(), remark="已评审")
    withdraw_change(park.manager, change_id=recorded.change.id, reason="误录")
    assert [of_change(duty.id) for duty in (whole, trading, at_first)] == [["void"], ["done"], ["void"]]
    with pytest.raises(ChangeWithdrawnError):
        withdraw_change(park.manager, change_id=recorded.change.id, reason="误录")
    again = record_change(park.manager, told=told)
    assert (again.again, again.occurrences) == (False, 3)
    for wrong in (replace(told, kind="weather"), replace(told, happened_on=TODAY + timedelta(days=1))):
        with pytest.raises(InvalidInputError):
            record_change(park.manager, told=wrong)
    with pytest.raises(PermissionMissingError):
        record_change(park.doer, told=told)


def test_other_days_and_the_end(archive: Archive, park: Park, clock: SetClock) -> None:
    """With other days what is open from today on is planned anew, what is overdue and done stays, and a day that both
    have is there once; ended, nothing falls due from that day on, and a rule is not stretched."""
    duty = own_duty(park, "季度巡检", date(2026, 10, 31), every_months=3)
    overdue, coming, *_rest = times_of(archive, duty.id)
    settle_done(park.doer, occurrence_id=coming.id, records=())
    terms = Terms(park.doer.person_id or "", 6, date(2027, 4, 30))
    change_duty(park.manager, duty_id=duty.id, terms=terms)
    states = _states(archive, duty.id)
    assert [key for key, state in states if state == "open"] == ["2026-10-31", "2027-04-30", "2027-10-30"]
    assert dict(states)["2027-01-31"] == "done"
    assert dict(states)["2027-07-31"] == "void"
    with pytest.raises(InvalidInputError):
        change_duty(park.manager, duty_id=duty.id, terms=replace(terms, first_on=date(2026, 11, 20)))
    change_duty(park.manager, duty_id=duty.id, terms=replace(terms, every_months=3))
    assert dict(_states(archive, duty.id))["2027-07-30"] == "open"
    end_duty(park.manager, duty_id=duty.id, ended_on=date(2027, 6, 1), reason="停产")
    assert [key for key, state in _states(archive, duty.id) if state == "open"] == ["2026-10-31", "2027-04-30"]
    clock.advance(days=500)
    run_job(archive)
    assert [key for key, state in _states(archive, duty.id) if state == "open"] == ["2026-10-31", "2027-04-30"]
    with pytest.raises(DutyEndedError):
        end_duty(park.manager, duty_id=duty.id, ended_on=date(2027, 6, 1), reason="停产")
    settle_done(park.doer, occurrence_id=overdue.id, records=())


def test_taking_on(archive: Archive, people: People, park: Park) -> None:
    """All that were chosen or none: taken on before, somebody else's person, a day that no rule allows, a code that is
    none; for a site of its own beside the whole organisation; the source's interval is not stretched."""
    owner = park.doer.person_id or ""
    good = Wish("training", owner, date(2027, 8, 31))
    outsider = people.person("staff_member", organisation="别的单位")
    reader = people.person("archivist", organisation=park.organisation_id and "高新产业园区")
    yearly = Wish("emission_review", owner, date(2027, 3, 31))
    for wrong in (
        Wish("no_such_duty", owner, date(2027, 8, 31)),
        Wish("training_plan", outsider.person_id or "", date(2027, 1, 31)),
        Wish("training_plan", reader.person_id or "", date(2027, 1, 31)),
        Wish("training_plan", owner, date(2024, 1, 31)),
        replace(yearly, every_months=24),
        replace(yearly, first_on=date(2027, 12, 31)),
    ):
        with pytest.raises(InvalidInputError):
            take_on(park.manager, wishes=[good, wrong])
    with pytest.raises(InvalidInputError):
        take_on(park.manager, wishes=[])
    assert year_plan(park.manager, year=2027).rows.items == []
    take_on(park.manager, wishes=[good, yearly])
    with pytest.raises(DutyTakenOnError):
        take_on(park.manager, wishes=[good])
    site = open_site(park.manager, name="一号站", opened_on=date(2027, 9, 1))
    [at_site] = take_on(park.manager, wishes=[replace(good, site_id=site.id)])
    assert [key for key, _state in _states(archive, at_site.id)] == [], "31 August lies before the site opens"
    with pytest.raises(NotFoundError):
        take_on(park.manager, wishes=[replace(good, site_id="00000000-0000-7000-8000-000000000000")])
    own = OwnWords("巡检", "", owner, date(2027, 1, 31), 12, records=["no_such_type"])
    with pytest.raises(InvalidInputError):
        take_on_own(park.manager, own=own)
    with pytest.raises(PermissionMissingError):
        take_on(park.doer, wishes=[good])
    plan = year_plan(park.manager, year=2027, filters=PlanFilters(site=site.id))
    assert [row.site for row in plan.rows.items] == ["一号站"]


def test_the_calendar_is_told_more(archive: Archive, park: Park, clock: SetClock) -> None:
    """Beyond the known years a day is provisional; once they are known the open ones are counted anew, the done ones
    stay, and the year of the plan follows."""
    duty = own_duty(park, "季度巡检", date(2027, 1, 1), every_months=3)
    first, second, *_rest = times_of(archive, duty.id)
    assert (first.due_on, first.provisional, first.year) == (date(2027, 1, 1), True, 2027)
    settle_done(park.doer, occurrence_id=second.id, records=())
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.add(CalendarYear(year=2027, notice="", entered_by="x", entered_at=uow.now))
        uow.session.add(CalendarDay(on=date(2027, 1, 1), working=False, notice="", entered_by="x", entered_at=uow.now))
    with archive.transaction(TESTER, eventless=True) as uow:
        count_anew(uow)
    with archive.reading(TESTER) as uow:
        rows = uow.session.scalars(select(Occurrence).where(Occurrence.own_duty_id == duty.id)).all()
    after = {row.key: row for row in rows}
    assert (after["2027-01-01"].due_on, after["2027-01-01"].year) == (date(2026, 12, 31), 2026)
    assert not after["2027-01-01"].provisional
    assert after["2027-04-01"].provisional, "done before, and not counted anew"
    assert after["2028-01-01"].provisional
