"""Broken glass: the archivist opens what is restricted, for a while, with a reason, and the team hears it."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from archive_app.documents.classifying import classify
from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.documents.looking import list_documents
from archive_app.documents.policy import EmergencyReadsOnlyError
from archive_app.documents.searching import search_documents
from archive_app.engagements.access import end_access
from archive_app.engagements.glass import GlassAlreadyBrokenError, break_glass, glass_alarms
from archive_app.engagements.models import Access, Assignment
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.levels import Level
from archive_app.trail.reading import EventFilters, list_alarms, list_events
from search import Filters
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, declare, engagement_of
from tests.levels import file_at

REASON = "主管部门检查，项目组无人可联系"


def titles(actor: Actor, engagement_id: str) -> set[str]:
    return {line.document.title for line in list_documents(actor, engagement_id=engagement_id).items}


def filed_at_each_level(leader: Actor, engagement_id: str) -> list[Filed]:
    return [file_at(leader, engagement_id, level) for level in Level]


@both_databases
def test_it_opens_everything_of_one_engagement_for_a_while(
    archive: Archive, people: People, clock: SetClock, workbench: Workbench
) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist", level=Level.SENSITIVE)
    engagement, other = engagement_of(leader), engagement_of(leader)
    for of in (engagement, other):
        filed_at_each_level(leader, of.id)
    workbench.run()
    hidden = {"public.txt", "internal.txt", "sensitive.txt"}
    assert titles(archivist, engagement.id) == hidden
    access = break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    assert access.until == clock.now() + archive.rules.glass_window
    assert titles(archivist, engagement.id) == hidden | {"restricted.txt"}
    assert titles(archivist, other.id) == hidden
    found = search_documents(archivist, text="内容", filters=Filters())
    assert {(hit.engagement.id, hit.document.title) for hit in found.found if "restricted" in hit.document.title} == {
        (engagement.id, "restricted.txt")
    }
    assert found.total == 7
    clock.advance(hours=archive.rules.glass_window / timedelta(hours=1))
    assert titles(archivist, engagement.id) == hidden
    assert search_documents(archivist, text="内容", filters=Filters()).total == 6
    workbench.worker.plan_periodic()
    workbench.run()
    clock.advance(hours=-2)
    assert titles(archivist, engagement.id) == hidden
    with pytest.raises(ConflictError):
        end_access(archivist, access_id=access.id)


@both_databases
def test_the_team_and_the_log_hear_of_it(archive: Archive, people: People, clock: SetClock) -> None:
    leader, member, archivist = (people.person(role) for role in ("team_leader", "verifier", "archivist"))
    auditor, outside = people.person("security_auditor"), people.person("verifier")
    engagement, other = engagement_of(leader, team=[member]), engagement_of(leader)
    access = break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    for hearing in (leader, member):
        [alarm] = glass_alarms(hearing)
        assert (alarm.engagement_id, alarm.name, alarm.reason) == (engagement.id, archivist.display_name, REASON)
        assert (alarm.granted_at, alarm.until, alarm.ended_at) == (access.granted_at, access.until, None)
        assert glass_alarms(hearing, engagement_id=engagement.id) == [alarm]
    assert glass_alarms(leader, engagement_id=other.id) == []
    assert glass_alarms(outside) == glass_alarms(outside, engagement_id=engagement.id) == []
    assert len(glass_alarms(archivist, engagement_id=engagement.id)) == 1
    end_access(leader, access_id=access.id, reason="已查明")
    assert glass_alarms(member)[0].ended_at == clock.now()
    [rung] = list_alarms(auditor)
    assert (rung.code, rung.count) == ("access.glass_broken", 1)
    [event] = list_events(auditor, filters=EventFilters(code=rung.code)).items
    assert (event.detail["reason"], event.subjects["engagement"]) == (REASON, engagement.id)
    assert event.subjects["person"] == archivist.person_id
    assert [alarm.count for alarm in list_alarms(people.person("security_auditor", organisation="远山认证"))] == [0]
    clock.advance(days=14)
    assert glass_alarms(leader) == glass_alarms(leader, engagement_id=engagement.id) == []
    clock.advance(days=17)
    assert [alarm.count for alarm in list_alarms(auditor)] == [0]


def test_who_cannot_break_it(archive: Archive, people: People) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    both = people.person("archivist", "verifier")
    engagement = engagement_of(leader)
    for reason in ("", "没有理由", "　".join("九个字符太短了吗啊"[:5])):
        with pytest.raises(InvalidInputError):
            break_glass(archivist, engagement_id=engagement.id, reason=reason)
    with pytest.raises(ConfirmationRequiredError):
        break_glass(replace(archivist, confirmed_at=None), engagement_id=engagement.id, reason=REASON)
    with pytest.raises(PermissionMissingError):
        break_glass(leader, engagement_id=engagement.id, reason=REASON)
    foreign = people.person("archivist", organisation="远山认证")
    with pytest.raises(NotFoundError):
        break_glass(foreign, engagement_id=engagement.id, reason=REASON)
    # Somebody who was let in by name from elsewhere still breaks no glass of another organisation.
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        let_in = Access(
            id=uow.new_id(),
            engagement_id=engagement.id,
            person_id=foreign.person_id or "",
            ground="request",
            reason="x",
            granted_by="x",
            granted_at=uow.now,
            until=uow.now + timedelta(days=1),
        )
        uow.session.add(let_in)
    with pytest.raises(NotFoundError):
        break_glass(foreign, engagement_id=engagement.id, reason=REASON)
    with archive.reading(Actor.system("test")) as uow:
        denied = select(EventSubject.event_id).join(Event, Event.id == EventSubject.event_id)
        denied = denied.where(Event.code == ACCESS_DENIED.code, EventSubject.subject_id == engagement.id)
        assert len(uow.session.scalars(denied).all()) == 2
    # Not before one's own declaration, whatever else one is.
    set_member(leader, engagement_id=engagement.id, person_id=both.person_id or "", part="member")
    with pytest.raises(NotFoundError):
        break_glass(both, engagement_id=engagement.id, reason=REASON)
    declare(archive, engagement.id)
    break_glass(both, engagement_id=engagement.id, reason=REASON)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Assignment).where(Assignment.person_id == both.person_id).values(declared_at=None))
    with pytest.raises(NotFoundError):
        list_documents(both, engagement_id=engagement.id)


def test_it_is_broken_once_at_a_time(archive: Archive, people: People, clock: SetClock) -> None:
    leader, archivist, other = people.person("team_leader"), people.person("archivist"), people.person("archivist")
    engagement = engagement_of(leader)
    access = break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    with pytest.raises(GlassAlreadyBrokenError):
        break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    break_glass(other, engagement_id=engagement.id, reason=REASON)
    end_access(archivist, access_id=access.id)
    break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    clock.advance(hours=5)
    break_glass(archivist, engagement_id=engagement.id, reason=REASON)


def test_what_is_seen_in_an_emergency_is_not_changed(archive: Archive, people: People) -> None:
    """Whoever could lower the level of what they see for four hours, or put a version after it, would keep it."""
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    *_, restricted = filed_at_each_level(leader, engagement.id)
    break_glass(archivist, engagement_id=engagement.id, reason=REASON)
    with pytest.raises(EmergencyReadsOnlyError):
        classify(archivist, document_ids=[restricted.document_id or ""], level=Level.INTERNAL, reason="降低")
    with pytest.raises(EmergencyReadsOnlyError):
        add_document(
            archivist,
            engagement_id=engagement.id,
            document_id=restricted.document_id,
            stream=io.BytesIO(b"later"),
            entry=Entry(name="later.txt"),
        )
    [lowered] = classify(leader, document_ids=[restricted.document_id or ""], level=Level.INTERNAL, reason="已脱敏")
    assert (lowered.after, lowered.error) == (Level.INTERNAL, None)
