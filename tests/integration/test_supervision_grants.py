"""What a supervisor's grant opens and when it ends: by every shape of scope, clock, side and wrong hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from archive_app.documents.looking import list_documents, view_document
from archive_app.documents.models import Document
from archive_app.engagements.audience import who_may_see
from archive_app.engagements.engagements import EngagementFilters, list_engagements
from archive_app.engagements.models import Assignment
from archive_app.engagements.policy import LEAD, WORK
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.levels import Level
from archive_app.supervision.granting import (
    AlreadyDecidedError,
    ask_for_access,
    end_grant,
    grant_access,
    offer_access,
    refuse_access,
    take_offer,
)
from archive_app.supervision.models import SupervisionGrant, SupervisionScope
from archive_app.supervision.policy import GRANTED, OFFERED, REFUSED, WAITING
from archive_app.supervision.reading import list_given_grants, list_own_grants, view_grant
from archive_app.supervision.scopes import NothingChosenError, Thing, TooManyThingsError
from archive_app.trail.reading import EventFilters, list_events
from tests.conftest import SetClock, both_databases
from tests.factories import People, file_bytes
from tests.supervised import AUTHORITY, WHOLE, Scene, asked, days, granted, scene_of


@pytest.fixture
def scene(people: People) -> Scene:
    return scene_of(people)


def seen(actor: Actor) -> set[str]:
    """The titles of the engagements that somebody sees."""
    return {line.engagement.title for line in list_engagements(actor, filters=EngagementFilters()).items}


def login_of(archive: Archive, actor: Actor) -> str:
    with archive.reading(actor) as uow:
        return uow.session.get_one(Person, actor.person_id).login


FIRST, SECOND = "年度核查甲", "年度核查乙"
SHAPES: dict[str, tuple[Callable[[Scene], Thing], set[str]]] = {
    "all of the body": (lambda _: WHOLE, {FIRST, SECOND}),
    "an engagement": (lambda s: Thing(engagement_id=s.first.id), {FIRST}),
    "a client": (lambda s: Thing(client_id=s.second.client_id), {SECOND}),
    "a year": (lambda _: Thing(year=2024), {FIRST}),
    "a client's year": (lambda s: Thing(client_id=s.first.client_id, year=2024), {FIRST}),
    "another year of the client": (lambda s: Thing(client_id=s.first.client_id, year=2025), set()),
    "a year without engagements": (lambda _: Thing(year=1999), set()),
}


@both_databases
def test_a_grant_opens_what_it_names_and_nothing_else(scene: Scene) -> None:
    for shape, (made, expected) in SHAPES.items():
        living = granted(scene, made(scene))
        assert seen(scene.supervisor) == expected, shape
        assert seen(scene.colleague) == set(), shape
        for title, engagement in ((FIRST, scene.first), (SECOND, scene.second)):
            with current_archive().reading(scene.supervisor) as uow:
                allows = [
                    uow.archive.policy.allows(uow.session, scene.supervisor, kind, engagement.id)
                    for kind in ("engagement", WORK, LEAD)
                ]
            assert allows == [title in expected, False, False], shape
        end_grant(scene.supervisor, grant_id=living.id, reason="下一项")


@both_databases
def test_several_things_add_up_and_another_body_gives_nothing(scene: Scene) -> None:
    granted(scene, Thing(engagement_id=scene.first.id), Thing(year=2025))
    assert seen(scene.supervisor) == {FIRST, SECOND}
    mine = ask_for_access(
        scene.supervisor,
        organisation_id=scene.elsewhere.organisation_id,
        purpose="检查",
        reference="1",
        wanted="",
        until=days(3),
    )
    with pytest.raises(NotFoundError):
        grant_access(scene.archivist, grant_id=mine.id, things=[WHOLE], until=days(1))
    assert seen(scene.supervisor) == {FIRST, SECOND}


@both_databases
def test_it_ends_with_its_last_day_and_waits_for_no_job(scene: Scene, clock: SetClock) -> None:
    granted(scene, WHOLE, until=days(1))
    clock.instant = clock.instant.replace(hour=15, minute=59, second=59) + timedelta(days=1)
    assert seen(scene.supervisor) == {FIRST, SECOND}
    clock.advance(seconds=1)
    assert seen(scene.supervisor) == set()
    assert [line.state for line in list_own_grants(scene.supervisor).items] == ["expired"]
    clock.advance(days=-1)
    assert seen(scene.supervisor) == {FIRST, SECOND}


def test_what_waits_was_refused_or_ended_opens_nothing(scene: Scene) -> None:
    waiting = asked(scene)
    assert seen(scene.supervisor) == set()
    refuse_access(scene.archivist, grant_id=waiting.id, reason="请经由市局")
    assert seen(scene.supervisor) == set()
    assert view_grant(scene.supervisor, grant_id=waiting.id).line.grant.reason == "请经由市局"
    for ending in (scene.archivist, scene.supervisor):
        living = granted(scene, WHOLE)
        assert seen(scene.supervisor) == {FIRST, SECOND}
        end_grant(ending, grant_id=living.id, reason="检查结束")
        assert seen(scene.supervisor) == set()
        with pytest.raises(AlreadyDecidedError):
            end_grant(ending, grant_id=living.id, reason="再次")
    for late in (waiting, living):
        with pytest.raises(AlreadyDecidedError):
            grant_access(scene.archivist, grant_id=late.id, things=[WHOLE], until=days(1))
    assert seen(scene.supervisor) == set()


@both_databases
def test_a_grant_without_scope_opens_nothing_and_a_half_row_cannot_be_written(scene: Scene, archive: Archive) -> None:
    living = granted(scene, Thing(engagement_id=scene.first.id))
    empty = {"whole": False, "engagement_id": None, "client_id": None, "year": None}
    both = {"whole": True, "engagement_id": None, "client_id": None, "year": 2024}
    for shape in (empty, both):
        with pytest.raises(IntegrityError), archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(insert(SupervisionScope).values(id=uow.new_id(), grant_id=living.id, **shape))
    for outcome, expected in ((WAITING, set()), (REFUSED, set()), (OFFERED, set()), (GRANTED, {FIRST})):
        with archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.get_one(SupervisionGrant, living.id).outcome = outcome
        assert seen(scene.supervisor) == expected
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for row in uow.session.scalars(select(SupervisionScope)):
            uow.session.delete(row)
    assert seen(scene.supervisor) == set()


def test_levels_above_sensitive_stay_closed_whatever_the_person_may_see(scene: Scene, archive: Archive) -> None:
    for level in Level:
        filed = file_bytes(scene.leader, scene.first, f"{level.name}.txt", level.name.encode())
        with archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.get_one(Document, filed.document_id).level = level
    granted(scene, WHOLE)
    supervisor = replace(scene.supervisor, highest_level=Level.RESTRICTED)
    titles = [line.document.title for line in list_documents(supervisor, engagement_id=scene.first.id).items]
    assert sorted(titles) == ["INTERNAL.txt", "PUBLIC.txt", "SENSITIVE.txt"]


def test_an_assignment_that_waits_for_its_declaration_closes_even_this(scene: Scene, archive: Archive) -> None:
    granted(scene, WHOLE)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.add(
            Assignment(
                engagement_id=scene.first.id, person_id=scene.supervisor.person_id, part="member", assigned_at=uow.now
            )
        )
    assert seen(scene.supervisor) == {SECOND}


def test_wrong_hands_change_nothing(scene: Scene) -> None:
    waiting = asked(scene)
    for wrong in (scene.other_archivist, scene.people.person("archivist", organisation=AUTHORITY)):
        for act in (
            lambda by: grant_access(by, grant_id=waiting.id, things=[WHOLE], until=days(1)),
            lambda by: refuse_access(by, grant_id=waiting.id, reason="否"),
            lambda by: end_grant(by, grant_id=waiting.id, reason="否"),
            lambda by: view_grant(by, grant_id=waiting.id),
        ):
            with pytest.raises(NotFoundError):
                act(wrong)
    with pytest.raises(PermissionMissingError):
        grant_access(scene.supervisor, grant_id=waiting.id, things=[WHOLE], until=days(1))
    with pytest.raises(PermissionMissingError):
        ask_for_access(
            scene.leader, organisation_id=scene.body_id, purpose="a", reference="b", wanted="", until=days(1)
        )
    unconfirmed = replace(scene.archivist, confirmed_at=None)
    with pytest.raises(ConfirmationRequiredError):
        grant_access(unconfirmed, grant_id=waiting.id, things=[WHOLE], until=days(1))
    assert view_grant(scene.colleague, grant_id=waiting.id).line.state == "waiting"


@both_databases
def test_bad_input_is_refused_and_leaves_nothing(scene: Scene) -> None:
    entity = scene.people.organisation("江南热电有限公司", "reporting_entity")
    words = {"purpose": "检查", "reference": "1", "wanted": ""}
    for body in (entity, scene.supervisor.organisation_id or "", "nobody", "\0"):
        with pytest.raises(ArchiveError):
            ask_for_access(scene.supervisor, organisation_id=body, until=days(1), **words)
    for change in ({"purpose": " "}, {"purpose": "长" * 301}, {"reference": ""}, {"wanted": "长" * 1001}):
        with pytest.raises(InvalidInputError):
            ask_for_access(scene.supervisor, organisation_id=scene.body_id, until=days(1), **{**words, **change})
    for until in (days(-1), days(367)):
        with pytest.raises(InvalidInputError):
            ask_for_access(scene.supervisor, organisation_id=scene.body_id, until=until, **words)
    assert list_own_grants(scene.supervisor).items == []
    waiting = asked(scene, until=days(10))
    many = [Thing(year=1990 + number % 200, client_id=scene.first.client_id) for number in range(10_000)]
    refused: list[tuple[list[Thing], int, type[ArchiveError]]] = [
        ([], 1, NothingChosenError),
        ([WHOLE], 11, InvalidInputError),
        ([WHOLE], -1, InvalidInputError),
        (many, 1, TooManyThingsError),
        ([Thing(engagement_id=scene.elsewhere.id)], 1, NotFoundError),
        ([Thing(engagement_id=scene.first.id), Thing(client_id=scene.elsewhere.client_id)], 1, NotFoundError),
        ([Thing(engagement_id=waiting.id)], 1, NotFoundError),
    ]
    for things, until_day, error in refused:
        with pytest.raises(error):
            grant_access(scene.archivist, grant_id=waiting.id, things=things, until=days(until_day))
    page = view_grant(scene.archivist, grant_id=waiting.id)
    assert (page.line.state, page.things) == ("waiting", [])


@both_databases
def test_an_offer_waits_for_its_login_and_tells_nothing(scene: Scene, archive: Archive) -> None:
    words: dict[str, Any] = {
        "purpose": "移交检查",
        "reference": "2026-7",
        "things": [Thing(year=2024)],
        "until": days(5),
    }
    login = login_of(archive, scene.supervisor)
    there = offer_access(scene.archivist, login=f" {login.upper()} ", **words)
    absent = offer_access(scene.archivist, login="nobody.at.all", **words)
    shown = [view_grant(scene.archivist, grant_id=one.id) for one in (there, absent)]
    assert [(page.line.state, page.line.person, page.line.authority) for page in shown] == [
        ("offered", login, ""),
        ("offered", "nobody.at.all", ""),
    ]
    assert seen(scene.supervisor) == set()
    assert [line.grant.id for line in list_own_grants(scene.supervisor).items] == [there.id]
    for grant, wrong in ((there, scene.colleague), (absent, scene.supervisor)):
        with pytest.raises(NotFoundError):
            take_offer(wrong, grant_id=grant.id)
    take_offer(scene.supervisor, grant_id=there.id)
    assert seen(scene.supervisor) == {FIRST}
    assert [line.person for line in list_own_grants(scene.colleague).items] == ["沈督察"]
    for again in (scene.supervisor, scene.colleague):
        with pytest.raises(AlreadyDecidedError):
            take_offer(again, grant_id=there.id)


def test_an_offer_that_was_withdrawn_or_ran_out_cannot_be_taken(
    scene: Scene, archive: Archive, clock: SetClock
) -> None:
    login = login_of(archive, scene.supervisor)
    words: dict[str, Any] = {"login": login, "purpose": "检查", "reference": "1", "things": [WHOLE], "until": days(2)}
    withdrawn, late = (offer_access(scene.archivist, **words) for _ in range(2))
    end_grant(scene.archivist, grant_id=withdrawn.id, reason="误发")
    clock.advance(days=4)
    for offer in (withdrawn, late):
        with pytest.raises(AlreadyDecidedError):
            take_offer(scene.supervisor, grant_id=offer.id)
    assert seen(scene.supervisor) == set()


def test_whoever_made_an_offer_to_another_login_does_not_take_it(scene: Scene) -> None:
    both = scene.people.person("archivist", "supervisor", organisation=AUTHORITY)
    offer = offer_access(both, login="somebody.else", purpose="检查", reference="1", things=[WHOLE], until=days(2))
    with pytest.raises(AlreadyDecidedError):
        take_offer(both, grant_id=offer.id)


@both_databases
def test_both_sides_read_the_same_list_and_both_auditors_the_same_events(scene: Scene, clock: SetClock) -> None:
    living = asked(scene)
    clock.advance(seconds=1)
    grant_access(scene.archivist, grant_id=living.id, things=[WHOLE], until=days(3))
    clock.advance(seconds=1)
    end_grant(scene.supervisor, grant_id=living.id, reason="完成")
    clock.advance(seconds=1)
    asked(scene)
    auditors = [
        scene.people.person("security_auditor"),
        scene.people.person("security_auditor", organisation=AUTHORITY),
    ]
    codes = [
        [line.code for line in list_events(auditor, filters=EventFilters()).items if line.code.startswith("superv")]
        for auditor in auditors
    ]
    assert codes[0] == ["supervision.asked", "supervision.ended", "supervision.granted", "supervision.asked"]
    assert codes[1] == codes[0]
    other = scene.people.person("security_auditor", organisation="清源核查")
    assert not [line for line in list_events(other, filters=EventFilters()).items if line.code.startswith("superv")]
    both = [
        [(line.grant.id, line.state) for line in page.items]
        for page in (list_given_grants(scene.archivist), list_own_grants(scene.colleague))
    ]
    assert both[0] == both[1]
    assert [state for _, state in both[0]] == ["waiting", "ended"]
    assert list_given_grants(scene.other_archivist).items == []
    for shown, states in (("asked", ["waiting"]), ("living", []), ("past", ["ended"])):
        assert [line.state for line in list_own_grants(scene.supervisor, shown=shown).items] == states
    assert list_own_grants(scene.colleague, mine=True).items == []


@both_databases
def test_the_page_of_who_may_see_names_the_supervisor_and_why(scene: Scene) -> None:
    granted(scene, Thing(client_id=scene.first.client_id))
    told = {
        person.display_name: person for person in who_may_see(scene.archivist, engagement_id=scene.first.id).onlookers
    }
    [why] = told["沈督察"].reasons
    assert (why.params["purpose"], told["沈督察"].highest_level) == ("年度双随机检查", Level.SENSITIVE)
    others = who_may_see(scene.archivist, engagement_id=scene.second.id).onlookers
    assert "沈督察" not in {person.display_name for person in others}


def test_a_right_that_ends_is_gone_at_the_next_click(scene: Scene) -> None:
    filed = file_bytes(scene.leader, scene.first, "记录.txt", b"1")
    living = granted(scene, WHOLE)
    assert view_document(scene.supervisor, document_id=filed.document_id or "").mark is not None
    end_grant(scene.archivist, grant_id=living.id, reason="终止")
    with pytest.raises(NotFoundError):
        view_document(scene.supervisor, document_id=filed.document_id or "")
