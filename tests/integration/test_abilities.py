"""Competence, groups and time: who may record what, what a team lacks, who is told before something ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from archive_app.engagements.abilities.groups import list_groups, set_groups
from archive_app.engagements.abilities.kinds import parse_codes, parse_competences
from archive_app.engagements.abilities.matching import competence_gaps, fitting_people, list_gaps
from archive_app.engagements.abilities.recording import (
    Ability,
    AbilityFilters,
    list_competences,
    list_own_competences,
    record_competence,
    withdraw_competence,
)
from archive_app.engagements.abilities.time import DayFullError, list_time, record_time, time_totals, withdraw_time
from archive_app.engagements.abilities.warning import COMPETENCE_ENDING
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.provinces import parse_provinces
from archive_app.engagements.schemes import CompetenceRule, scheme_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.settings import SettingsError
from archive_app.worklist.models import Task
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of

TODAY = date(2026, 11, 21)
TRAINED = Ability("training", "verification", date(2025, 1, 1), date(2027, 12, 31), title="核查员培训班")


@pytest.fixture
def manager(people: People) -> Actor:
    return people.person("quality_manager", name="质量")


def _gaps(archive: Archive, engagement: Engagement, *rules: CompetenceRule) -> list[tuple[str, str, tuple[str, ...]]]:
    with archive.reading(Actor.system("test")) as uow:
        row = uow.session.get_one(Engagement, engagement.id)
        asked = replace(scheme_of(uow, row), competences=rules)
        return [(gap.rule.of, gap.code, gap.people) for gap in competence_gaps(uow, row, asked)]


def test_who_records_and_who_sees(people: People, manager: Actor) -> None:
    colleague, stranger = people.person("verifier"), people.person("quality_manager", organisation="别家核查")
    row = record_competence(manager, person_id=colleague.person_id or "", ability=TRAINED)
    seen = list_competences(people.person("team_leader"), filters=AbilityFilters()).items
    assert [line.competence.id for line in seen] == [row.id]
    assert [line.state for line in list_own_competences(colleague).items] == ["valid"]
    assert not list_competences(stranger, filters=AbilityFilters()).items
    with pytest.raises(PermissionMissingError):
        record_competence(colleague, person_id=colleague.person_id or "", ability=TRAINED)
    with pytest.raises(PermissionMissingError):
        list_competences(colleague, filters=AbilityFilters())
    acts: tuple[Callable[[], object], ...] = (
        lambda: record_competence(stranger, person_id=colleague.person_id or "", ability=TRAINED),
        lambda: withdraw_competence(stranger, competence_id=row.id, reason="x"),
        lambda: record_competence(manager, person_id="0" * 32, ability=TRAINED),
    )
    for act in acts:
        with pytest.raises(NotFoundError):
            act()
    with pytest.raises(InvalidInputError):
        withdraw_competence(manager, competence_id=row.id, reason=" ")
    withdraw_competence(manager, competence_id=row.id, reason="登记错误")
    assert [line.state for line in list_own_competences(colleague).items] == ["withdrawn"]
    with pytest.raises(NotFoundError):
        withdraw_competence(manager, competence_id=row.id, reason="again")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(TRAINED, kind="magic"),
        replace(TRAINED, code="no_such_code"),
        replace(TRAINED, kind="sector", code="verification"),
        replace(TRAINED, valid_until=date(2024, 12, 31)),
        replace(TRAINED, valid_from=date(1, 1, 1)),
        replace(TRAINED, valid_until=date(9999, 1, 1)),
        replace(TRAINED, title="长" * 201),
        replace(TRAINED, certificate="a\nb"),
    ],
)
def test_what_cannot_be_meant_is_refused(manager: Actor, wrong: Ability) -> None:
    with pytest.raises(ArchiveError) as refused:
        record_competence(manager, person_id=manager.person_id or "", ability=wrong)
    assert refused.value.code == "invalid_input"


def test_filters_say_where_each_stands(people: People, manager: Actor) -> None:
    person = people.person("verifier", name="周舟").person_id or ""
    days = {"valid": 61, "expiring": 60, "ended": -1}
    made = {
        state: record_competence(
            manager, person_id=person, ability=replace(TRAINED, valid_until=TODAY + timedelta(days=after), title=state)
        ).id
        for state, after in days.items()
    }
    made["withdrawn"] = record_competence(manager, person_id=person, ability=replace(TRAINED, title="withdrawn")).id
    withdraw_competence(manager, competence_id=made["withdrawn"], reason="错")
    for state, row in made.items():
        found = list_competences(manager, filters=AbilityFilters(state=state)).items
        assert [(line.competence.id, line.state) for line in found] == [(row, state)]
    assert len(list_competences(manager, filters=AbilityFilters(text="周舟", kind="training")).items) == len(made)
    assert not list_competences(manager, filters=AbilityFilters(kind="sector")).items


def test_what_a_team_lacks(archive: Archive, people: People, manager: Actor) -> None:
    leader, member = people.person("team_leader", name="甲"), people.person("verifier", name="乙")
    engagement = engagement_of(leader, team=[member])

    def rule(kind: str, code: str, of: str) -> CompetenceRule:
        return CompetenceRule(kind=kind, code=code, of=of, source="S0 5.5")

    leads, all_, any_ = (rule("training", "verification", of) for of in ("leader", "everybody", "anybody"))
    reviews, sector = rule("training", "technical_review", "reviewer"), rule("sector", "client_sector", "anybody")
    assert _gaps(archive, engagement, leads, all_, any_, reviews, sector) == [
        ("leader", "verification", ("甲",)),
        ("everybody", "verification", ("乙", "甲")),
        ("anybody", "verification", ()),
        ("reviewer", "technical_review", ()),
        ("anybody", "", ()),
    ]
    record_competence(manager, person_id=member.person_id or "", ability=TRAINED)
    record_competence(
        manager, person_id=leader.person_id or "", ability=replace(TRAINED, valid_until=TODAY - timedelta(days=1))
    )
    assert _gaps(archive, engagement, leads, all_, any_) == [
        ("leader", "verification", ("甲",)),
        ("everybody", "verification", ("甲",)),
    ]
    record_competence(manager, person_id=leader.person_id or "", ability=replace(TRAINED, valid_until=TODAY))
    assert _gaps(archive, engagement, leads, all_, any_) == []
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(Client, engagement.client_id).sector = "power_generation"
    assert _gaps(archive, engagement, sector) == [("anybody", "power_generation", ())]
    ability = Ability("sector", "power_generation", date(2020, 1, 1))
    record_competence(manager, person_id=member.person_id or "", ability=ability)
    assert _gaps(archive, engagement, sector) == []
    assert list_gaps(leader, engagement_id=engagement.id) is not None
    assert set(fitting_people(leader, engagement_id=engagement.id)) <= {leader.person_id, member.person_id}


def test_groups_are_those_of_the_scheme_and_of_the_team(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader, team=[member])
    with archive.reading(leader) as uow:
        codes = [group.code for group in scheme_of(uow, uow.session.get_one(Engagement, engagement.id)).team.groups]
    person_id = member.person_id or ""
    set_groups(leader, engagement_id=engagement.id, person_id=person_id, groups=codes)
    assert list_groups(member, engagement_id=engagement.id) == {person_id: tuple(sorted(codes))}
    set_groups(leader, engagement_id=engagement.id, person_id=person_id, groups=[])
    assert list_groups(member, engagement_id=engagement.id) == {}
    with pytest.raises(InvalidInputError):
        set_groups(leader, engagement_id=engagement.id, person_id=person_id, groups=["kitchen"])
    with pytest.raises(PermissionMissingError):
        set_groups(member, engagement_id=engagement.id, person_id=person_id, groups=codes)
    with pytest.raises(NotFoundError):
        set_groups(
            leader, engagement_id=engagement.id, person_id=people.person("verifier").person_id or "", groups=codes
        )


@both_databases
def test_nobody_works_more_than_a_day_on_a_day(people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", name="乙")
    one, two = engagement_of(leader, team=[member]), engagement_of(leader, team=[member])
    record_time(member, engagement_id=one.id, on=TODAY, quarters=3, on_site=True)
    with pytest.raises(DayFullError):
        record_time(leader, engagement_id=two.id, on=TODAY, quarters=2, person_id=member.person_id or "")
    row = record_time(member, engagement_id=two.id, on=TODAY, quarters=1)
    assert [(t.quarters, t.on_site) for t in time_totals(leader, engagement_id=one.id)] == [(3, 3)]
    with pytest.raises(InvalidInputError):
        withdraw_time(member, engagement_id=two.id, time_id=row.id, reason="")
    with pytest.raises(NotFoundError):
        withdraw_time(member, engagement_id=one.id, time_id=row.id, reason="别的项目")
    withdraw_time(member, engagement_id=two.id, time_id=row.id, reason="记错")
    assert not list_time(leader, engagement_id=two.id)
    assert record_time(member, engagement_id=two.id, on=TODAY, quarters=1).quarters == 1


def test_whose_time_somebody_records(people: People) -> None:
    leader, member, other = people.person("team_leader"), people.person("verifier"), people.person("verifier")
    engagement = engagement_of(leader, team=[member, other])
    for day, quarters in ((TODAY, 0), (TODAY, 5), (TODAY + timedelta(days=1), 1), (date(1900, 1, 1), 1)):
        with pytest.raises(InvalidInputError):
            record_time(member, engagement_id=engagement.id, on=day, quarters=quarters)
    with pytest.raises(NotFoundError):
        record_time(member, engagement_id=engagement.id, on=TODAY, quarters=1, person_id=other.person_id or "")
    with pytest.raises(NotFoundError):
        record_time(people.person("verifier"), engagement_id=engagement.id, on=TODAY, quarters=1)
    row = record_time(leader, engagement_id=engagement.id, on=TODAY, quarters=1, person_id=other.person_id or "")
    with pytest.raises(NotFoundError):
        withdraw_time(member, engagement_id=engagement.id, time_id=row.id, reason="x")
    withdraw_time(leader, engagement_id=engagement.id, time_id=row.id, reason="x")


def test_who_keeps_competence_is_told_once_and_no_longer_than_needed(
    archive: Archive, people: People, manager: Actor, workbench: Workbench, clock: SetClock
) -> None:
    person = people.person("verifier", name="乙").person_id or ""
    ending = record_competence(manager, person_id=person, ability=replace(TRAINED, valid_until=date(2027, 1, 10)))
    record_competence(manager, person_id=person, ability=replace(TRAINED, code="data_security"))

    def open_tasks() -> list[tuple[str, date]]:
        workbench.worker.plan_periodic()
        workbench.run()
        with archive.reading(manager) as uow:
            waiting = select(Task.subject_id, Task.due_on).where(
                Task.kind == COMPETENCE_ENDING.code, Task.closed_at.is_(None), uow.visible("task")
            )
            return [(row[0], row[1]) for row in uow.session.execute(waiting)]

    assert open_tasks() == [(ending.id, date(2027, 1, 10))]
    clock.advance(hours=7)
    assert open_tasks() == [(ending.id, date(2027, 1, 10))]
    record_competence(manager, person_id=person, ability=replace(TRAINED, valid_until=date(2029, 1, 10)))
    clock.advance(hours=7)
    assert open_tasks() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("a = 1", "toml:1: a is wrong"), ('a = { zh = "", en = "x" }', "toml:1: a.zh is empty"), ("a = {", "sectors")],
)
def test_a_wrong_file_stops_the_start(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_codes(text, "sectors.toml")
    with pytest.raises(SettingsError, match="competences"):
        parse_competences(f"[education]\n{text}", "competences.toml")
    with pytest.raises(SettingsError, match=r"provinces\.toml:2"):
        parse_provinces(f"[provinces]\n{text}", "provinces.toml")


def test_kinds_and_codes_that_nobody_knows_stop_the_start() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_competences("[education]\n[title]\n[cooking]", "competences.toml")
    assert str(refused.value).splitlines() == [
        "competences.toml:1: training is missing",
        "competences.toml:3: cooking is no kind of competence",
    ]
    with pytest.raises(SettingsError, match=r"provinces\.toml:2"):
        parse_provinces('[provinces]\n1 = { zh = "一", en = "One" }', "provinces.toml")
