"""Independence at assignment and at opening: whose relation, with whom, until when, and in which province."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from archive_app.engagements.clients import (
    ClientLinkedError,
    NoSuchEntityError,
    RelationLostError,
    add_client,
    change_client,
    link_client,
    unlink_client,
    view_client_page,
)
from archive_app.engagements.engagements import EngagementFilters, list_engagements, open_engagement
from archive_app.engagements.independence import ClientProvinceMissingError, NotIndependentError
from archive_app.engagements.interests import (
    Facts,
    InterestFilters,
    OwnRelationError,
    Recorded,
    end_interest,
    list_interests,
    list_own_interests,
    record_interest,
    record_own_interest,
    withdraw_interest,
)
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.teams import list_candidates, list_conflicts, set_member
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from tests.conftest import SetClock, both_databases
from tests.factories import People

CODE = "91320100MA1MUQJ74W"
BEGAN = date(2015, 1, 1)


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def keeper(people: People) -> Actor:
    return people.person("archivist", name="顾言")


@pytest.fixture
def verifier(people: People) -> Actor:
    return people.person("verifier", name="陆漫漫")


def facts(kind: str = "consulting", **more: Any) -> Facts:
    party = {} if kind == "report_compiling" else {"party_name": "江南热电有限公司"}
    return Facts(**{"kind": kind, "began_on": BEGAN, **party, **more})


def engagement_for(leader: Actor, client: Client, number: str = "HC-1") -> Engagement:
    return open_engagement(leader, client_id=client.id, number=number, title="年度核查", year=2025)


def assign(leader: Actor, engagement: Engagement, person: Actor, part: str = "member") -> None:
    set_member(leader, engagement_id=engagement.id, person_id=person.person_id or "", part=part)


def everybody_declares(archive: Archive) -> None:
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for row in uow.session.scalars(select(Assignment)):
            row.declared_at = uow.now


@both_databases
def test_whoever_consulted_or_worked_for_the_client_is_not_assigned(
    archive: Archive, people: People, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    client = add_client(leader, name="江南热电有限公司", credit_code=CODE)
    engagement = engagement_for(leader, client)
    everybody_declares(archive)
    reviewer = people.person("technical_reviewer", name="沈知远")
    recorded: list[tuple[Actor, Facts]] = [
        (verifier, facts()),
        (verifier, facts("employment", party_name="江南 热电有限公司")),
        (verifier, facts(party_name="旧名", party_code=CODE)),
        (reviewer, facts("employment")),
    ]
    for person, relation in recorded:
        part = "reviewer" if person is reviewer else "member"
        interest = record_own_interest(person, facts=relation).interest
        with pytest.raises(NotIndependentError) as refused:
            assign(leader, engagement, person, part)
        told = refused.value.text("zh_Hans_CN")
        assert refused.value.code == "not_independent"
        assert person.display_name in told
        assert "S0 5.5" in told
        candidates = {one.person_id for one in list_candidates(leader, engagement_id=engagement.id)}
        conflicts = list_conflicts(leader, engagement_id=engagement.id)
        assert person.person_id in candidates & conflicts.keys()
        withdraw_interest(keeper, interest_id=interest.id, reason="误登记")
    with archive.reading(Actor.system("test")) as uow:
        assert len(list(uow.session.scalars(select(Assignment)))) == 1
    assign(leader, engagement, verifier)
    assign(leader, engagement, reviewer, "reviewer")


def test_a_relation_counts_with_who_becomes_a_client_later(archive: Archive, leader: Actor, verifier: Actor) -> None:
    record_own_interest(verifier, facts=facts(party_name="后来热电（集团）有限公司"))
    engagement = engagement_for(leader, add_client(leader, name="后来热电(集团) 有限公司"))
    everybody_declares(archive)
    with pytest.raises(NotIndependentError):
        assign(leader, engagement, verifier)


@both_databases
def test_a_relation_counts_to_the_day(archive: Archive, people: People, clock: SetClock, leader: Actor) -> None:
    engagement = engagement_for(leader, add_client(leader, name="江南热电有限公司"))
    everybody_declares(archive)
    cases = (
        (date(2026, 11, 21), date(2023, 11, 22), True),
        (date(2026, 11, 21), date(2023, 11, 21), False),
        (date(2027, 2, 28), date(2024, 2, 29), True),
        (date(2027, 3, 1), date(2024, 2, 29), False),
        (date(2028, 2, 29), date(2025, 3, 1), True),
        (date(2028, 2, 29), date(2025, 2, 28), False),
    )
    for today, ended, held_back in cases:
        # One minute before midnight in the archive's zone, which is another day in UTC.
        clock.instant = datetime(today.year, today.month, today.day, 15, 59, tzinfo=UTC)
        verifier = people.person("verifier")
        record_own_interest(verifier, facts=facts(ended_on=ended))
        if held_back:
            with pytest.raises(NotIndependentError, match=str(ended)):
                assign(leader, engagement, verifier)
            clock.advance(minutes=1)
        of_person = InterestFilters(person_id=verifier.person_id or "", state="counting")
        counting = list_interests(leader, filters=of_person).items
        assert [line.state for line in list_own_interests(verifier).items] == ["counting" if counting else "past"]
        if not held_back:
            assert not counting
            assign(leader, engagement, verifier)


@both_databases
def test_the_body_s_own_relation_keeps_everybody_from_opening_and_assigning(
    archive: Archive, people: People, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    client = add_client(leader, name="江南热电有限公司")
    engagement = engagement_for(leader, client)
    everybody_declares(archive)
    recorded = record_interest(keeper, person_id="", facts=facts())
    assert [line.display_name for line in recorded.touched] == ["张敏"]
    for act in (lambda: assign(leader, engagement, verifier), lambda: engagement_for(leader, client, "HC-2")):
        with pytest.raises(NotIndependentError, match="绿源核查"):
            act()
    with pytest.raises(NotIndependentError):
        engagement_for(people.person("archivist"), client, "HC-3")
    # Another body is not touched by it.
    other = people.person("team_leader", "archivist", organisation="另一核查机构")
    engagement_for(other, add_client(other, name="江南热电有限公司"))
    assert list_conflicts(leader, engagement_id=engagement.id).keys() == {None}


@both_databases
def test_whoever_compiles_reports_in_a_province_does_not_verify_there(
    archive: Archive, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    here = add_client(leader, name="苏州钢铁", province="32")
    there = add_client(leader, name="杭州水泥", province="33")
    nowhere = add_client(leader, name="某地造纸")
    inside, outside, unknown = (
        engagement_for(leader, client, f"HC-{place}") for place, client in enumerate((here, there, nowhere))
    )
    everybody_declares(archive)
    interest = record_own_interest(verifier, facts=facts("report_compiling", province="32")).interest
    with pytest.raises(NotIndependentError) as refused:
        assign(leader, inside, verifier)
    assert "江苏省" in refused.value.text("zh_Hans_CN")
    assert "Jiangsu" in refused.value.text("en")
    assert "第13条" in refused.value.text("zh_Hans_CN")
    assign(leader, outside, verifier)
    with pytest.raises(ClientProvinceMissingError, match="某地造纸"):
        assign(leader, unknown, verifier)
    change_client(leader, client_id=nowhere.id, credit_code="", province="33")
    assign(leader, unknown, verifier)
    end_interest(verifier, interest_id=interest.id, ended_on=archive.today())
    with pytest.raises(NotIndependentError):
        assign(leader, inside, verifier)
    withdraw_interest(keeper, interest_id=interest.id, reason="误登记")
    assign(leader, inside, verifier)
    record_interest(keeper, person_id="", facts=facts("report_compiling", province="33"))
    with pytest.raises(NotIndependentError):
        engagement_for(leader, there, "HC-9")
    engagement_for(leader, here, "HC-10")


def test_the_leader_who_opens_is_asked_too(leader: Actor, keeper: Actor) -> None:
    client = add_client(leader, name="江南热电有限公司")
    record_own_interest(leader, facts=facts())
    with pytest.raises(NotIndependentError, match="张敏"):
        engagement_for(leader, client)
    assert not list_engagements(keeper, filters=EngagementFilters()).items
    engagement_for(keeper, client)


def test_a_client_is_known_as_the_same_entity_under_another_row(
    archive: Archive, people: People, keeper: Actor, leader: Actor, verifier: Actor
) -> None:
    _organisation(archive, people)
    old, new = add_client(leader, name="旧名热电", credit_code=CODE), add_client(leader, name="新名热电")
    record_own_interest(verifier, facts=facts(party_name="旧名热电"))
    engagement = engagement_for(leader, new)
    everybody_declares(archive)
    link_client(keeper, client_id=old.id)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(Client, new.id).entity_id = uow.session.get_one(Client, old.id).entity_id
    with pytest.raises(NotIndependentError):
        assign(leader, engagement, verifier)


def test_a_relation_recorded_later_shows_and_removes_nobody(
    archive: Archive, people: People, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    engagement = engagement_for(leader, add_client(leader, name="江南热电有限公司"))
    everybody_declares(archive)
    assign(leader, engagement, verifier)
    everybody_declares(archive)
    manager = people.person("quality_manager")
    recorded = record_interest(manager, person_id=verifier.person_id or "", facts=facts())
    assert [(line.number, line.display_name) for line in recorded.touched] == [("HC-1", "陆漫漫")]
    assert list_conflicts(leader, engagement_id=engagement.id)[verifier.person_id].whose == "陆漫漫"
    assert [one.number for one in record_own_interest(verifier, facts=facts("employment")).touched] == ["HC-1"]
    # Of engagements that the recorder may not know of, nothing is said.
    outsider = people.person("team_leader", "verifier")
    assert not record_own_interest(outsider, facts=facts()).touched
    with archive.reading(Actor.system("test")) as uow:
        assert all(row.ended_at is None for row in uow.session.scalars(select(Assignment)))


def test_who_may_record_end_withdraw_and_read(
    archive: Archive, people: People, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    colleague, stranger = people.person("verifier"), people.person("archivist", organisation="另一核查机构")
    own = record_own_interest(verifier, facts=facts()).interest
    for person in (colleague, leader, verifier):
        with pytest.raises(PermissionMissingError):
            record_interest(person, person_id=verifier.person_id or "", facts=facts())
        with pytest.raises((PermissionMissingError, NotFoundError)):
            withdraw_interest(person, interest_id=own.id, reason="x")
    for person in (colleague, stranger):
        with pytest.raises(NotFoundError):
            end_interest(person, interest_id=own.id, ended_on=archive.today())
    with pytest.raises(NotFoundError):
        withdraw_interest(stranger, interest_id=own.id, reason="x")
    with pytest.raises(NotFoundError):
        record_interest(stranger, person_id=verifier.person_id or "", facts=facts())
    with pytest.raises(PermissionMissingError):
        end_interest(leader, interest_id=own.id, ended_on=archive.today())
    assert not list_own_interests(colleague).items
    assert not list_interests(stranger, filters=InterestFilters()).items
    with pytest.raises(PermissionMissingError):
        list_interests(verifier, filters=InterestFilters())
    assert len(list_interests(leader, filters=InterestFilters(text="陆", kind="consulting")).items) == 1
    assert not list_interests(leader, filters=InterestFilters(person_id="body")).items

    with pytest.raises(InvalidInputError):
        withdraw_interest(keeper, interest_id=own.id, reason="  ")
    of_keeper = record_own_interest(keeper, facts=facts()).interest
    with pytest.raises(OwnRelationError):
        withdraw_interest(keeper, interest_id=of_keeper.id, reason="x")
    withdraw_interest(keeper, interest_id=own.id, reason="误登记")
    with pytest.raises(NotFoundError):
        withdraw_interest(keeper, interest_id=own.id, reason="again")
    lines = list_interests(leader, filters=InterestFilters(state="withdrawn")).items
    assert [line.interest.withdrawn_reason for line in lines] == ["误登记"]


def test_nobody_has_their_own_relation_over_long_ago(
    archive: Archive, people: People, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    engagement = engagement_for(leader, add_client(leader, name="江南热电有限公司"))
    everybody_declares(archive)
    manager = people.person("quality_manager")
    interest = record_interest(manager, person_id=verifier.person_id or "", facts=facts()).interest
    with pytest.raises(InvalidInputError):
        end_interest(verifier, interest_id=interest.id, ended_on=BEGAN)
    with pytest.raises(NotIndependentError):
        assign(leader, engagement, verifier)
    of_keeper = record_own_interest(keeper, facts=facts()).interest
    with pytest.raises(InvalidInputError):
        end_interest(keeper, interest_id=of_keeper.id, ended_on=BEGAN)
    end_interest(manager, interest_id=interest.id, ended_on=BEGAN)
    assign(leader, engagement, verifier)


def test_the_end_is_said_once_and_not_moved(archive: Archive, verifier: Actor) -> None:
    own = record_own_interest(verifier, facts=facts()).interest
    for wrong in (date(2014, 12, 31), archive.today().replace(day=22)):
        with pytest.raises(InvalidInputError):
            end_interest(verifier, interest_id=own.id, ended_on=wrong)
    end_interest(verifier, interest_id=own.id, ended_on=archive.today())
    with pytest.raises(InvalidInputError):
        end_interest(verifier, interest_id=own.id, ended_on=BEGAN)


def test_what_cannot_be_meant_is_refused(verifier: Actor, keeper: Actor) -> None:
    hostile: list[dict[str, Any]] = [
        {"kind": "friendship"},
        {"party_name": ""},
        {"party_name": "a\x00b"},
        {"party_name": "长" * 201},
        {"party_code": "123"},
        {"ended_on": date(2014, 1, 1)},
        {"began_on": date(1, 1, 1)},
        {"ended_on": date(9999, 12, 31)},
        {"note": "长" * 1001},
        {"kind": "report_compiling"},
        {"kind": "report_compiling", "province": "99"},
    ]
    for wrong in hostile:
        with pytest.raises(InvalidInputError):
            record_own_interest(verifier, facts=facts(**wrong))
    assert not list_own_interests(verifier).items
    # A body consults; it is nobody's employee.
    with pytest.raises(InvalidInputError):
        record_interest(keeper, person_id="", facts=facts("employment"))


@pytest.mark.postgres
@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
def test_a_relation_and_an_assignment_at_the_same_time_see_each_other(
    archive: Archive, leader: Actor, verifier: Actor
) -> None:
    """Either the assignment is refused, or whoever recorded the relation is told of it; never neither."""
    for number in range(6):
        client = add_client(leader, name=f"客户 {number}")
        engagement = engagement_for(leader, client, f"HC-{number}")
        everybody_declares(archive)
        ends: list[object] = []
        together(archive, ends, [
            lambda: record_own_interest(verifier, facts=facts(party_name=client.name)),  # noqa: B023  # joined here
            lambda: assign(leader, engagement, verifier),  # noqa: B023
        ])  # fmt: skip
        refused = any(isinstance(end, NotIndependentError) for end in ends)
        told = any(isinstance(end, Recorded) and end.touched for end in ends)
        assert refused is not told, ends


def test_a_relation_is_not_lost_by_changing_the_client(
    archive: Archive, leader: Actor, keeper: Actor, verifier: Actor
) -> None:
    record_own_interest(verifier, facts=facts(party_name="旧名", party_code=CODE))
    record_own_interest(verifier, facts=facts("report_compiling", province="33"))
    by_code = add_client(leader, name="新名热电", credit_code=CODE)
    by_province = add_client(leader, name="杭州水泥", province="33")
    for client, changed in (
        (by_code, {"credit_code": "", "province": "32"}),
        (by_province, {"credit_code": "", "province": "32"}),
        (by_province, {"credit_code": "", "province": ""}),
    ):
        with pytest.raises(RelationLostError):
            change_client(leader, client_id=client.id, **changed)
    engagement = engagement_for(leader, by_code)
    everybody_declares(archive)
    with pytest.raises(NotIndependentError):
        assign(leader, engagement, verifier)
    # What loses nothing is the leader's to change, and the rest the archivist's.
    assert change_client(leader, client_id=by_code.id, credit_code=CODE, province="32").province == "32"
    assert change_client(keeper, client_id=by_province.id, credit_code="", province="32").province == "32"


def test_clients_have_a_province_and_the_archivist_links_them(
    archive: Archive, people: People, leader: Actor, keeper: Actor
) -> None:
    client = add_client(leader, name="江南热电", credit_code=CODE)
    assert client.province == "32"
    assert add_client(leader, name="北方热电", credit_code=CODE, province="33").province == "33"
    with pytest.raises(InvalidInputError):
        add_client(leader, name="别处", province="99")
    with pytest.raises(NoSuchEntityError):
        link_client(keeper, client_id=client.id)
    entity_id = _organisation(archive, people)
    engagement = engagement_for(keeper, client)
    contact = people.person("client_contact", organisation="江南热电集团")
    assert not list_engagements(contact, filters=EngagementFilters()).items
    assert view_client_page(keeper, client_id=client.id).linkable_name == "江南热电集团"
    assert view_client_page(leader, client_id=client.id).linkable_name == ""
    for person in (leader, people.person("archivist", organisation="另一核查机构"), contact):
        with pytest.raises((PermissionMissingError, NotFoundError)):
            link_client(person, client_id=client.id)
    with pytest.raises(ConfirmationRequiredError):
        link_client(replace(keeper, confirmed_at=None), client_id=client.id)
    assert link_client(keeper, client_id=client.id).id == entity_id
    seen = list_engagements(contact, filters=EngagementFilters()).items
    assert [line.engagement.id for line in seen] == [engagement.id]
    with pytest.raises(ClientLinkedError):
        change_client(keeper, client_id=client.id, credit_code="", province="32")
    unlink_client(keeper, client_id=client.id)
    assert not list_engagements(contact, filters=EngagementFilters()).items
    with pytest.raises(NotFoundError):
        unlink_client(keeper, client_id=client.id)


def _organisation(archive: Archive, people: People) -> str:
    """A reporting entity with the client's credit code."""
    organisation_id = people.organisation("江南热电集团", "reporting_entity")
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(Organisation, organisation_id).credit_code = CODE
    return organisation_id


def together(archive: Archive, ends: list[object], acts: list[Callable[[], object]]) -> None:
    """Does all at the same time; `ends` gets what each gave or how it was refused."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with archive.activate():
            start.wait()
            try:
                ends.append(act())
            except ArchiveError as error:
                ends.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
