"""Engagements and the schemes that they follow: opening them, and keeping the version that they began with."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from archive_app.engagements import schemes
from archive_app.engagements.clients import add_client, change_client, view_client
from archive_app.engagements.engagements import (
    EngagementFilters,
    list_engagements,
    open_engagement,
    view_engagement,
)
from archive_app.engagements.independence import NotIndependentError
from archive_app.engagements.interests import Facts, record_interest
from archive_app.engagements.models import Client, Engagement, SchemeEdition
from archive_app.engagements.scheme_pages.reading import probe_schemes, view_scheme
from archive_app.engagements.schemes import USUAL_SCHEME, SchemeAlteredError, SchemeChangedError, all_schemes, scheme_of
from archive_app.engagements.teams import list_conflicts, set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.health import State
from archive_app.runtime import open_archive
from archive_app.settings import Settings, SettingsError
from tests.conftest import both_databases, both_databases_in_full
from tests.factories import People, declare, engagement_of

SYSTEM = Actor.system("test")


class Files:
    """The installation's scheme files, to be changed as an operator changes them, between two starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change(self, was: str, now: str, code: str = USUAL_SCHEME) -> None:
        """Replaces words in a file, and starts the program anew."""
        path = self.folder / f"{code}.toml"
        text = path.read_text(encoding="utf-8")
        assert was in text
        path.write_text(text.replace(was, now), encoding="utf-8")
        all_schemes.cache_clear()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """A copy of the installation's files."""
    folder = tmp_path / "schemes"
    shutil.copytree(schemes.FOLDER, folder)
    monkeypatch.setattr(schemes, "FOLDER", folder)
    all_schemes.cache_clear()
    yield Files(folder)
    all_schemes.cache_clear()


def followed(archive: Archive, engagement: Engagement) -> schemes.Scheme:
    with archive.reading(SYSTEM) as uow:
        return scheme_of(uow, uow.session.get_one(Engagement, engagement.id))


def probed(archive: Archive) -> list[State]:
    with archive.reading(SYSTEM) as uow:
        return [line.state for line in probe_schemes(uow)]


@both_databases_in_full
def test_an_engagement_keeps_the_version_that_it_began_with(archive: Archive, people: People, files: Files) -> None:
    leader = people.person("team_leader")
    first = engagement_of(leader)
    assert (first.scheme, first.scheme_version, first.stage) == (USUAL_SCHEME, "1", "arrangement")
    files.change('version = "1"', 'version = "2"')
    files.change('name = { zh = "核查安排", en = "Arrangement" }', 'name = { zh = "任务安排", en = "Assignment" }')
    second = engagement_of(leader)
    third = engagement_of(leader)
    assert (second.scheme_version, third.scheme_version) == ("2", "2")
    assert followed(archive, first).stages[0].name.zh == "核查安排"
    assert followed(archive, second).stages[0].name.zh == "任务安排"
    shown = {
        line.engagement.id: line.stage.name.en for line in list_engagements(leader, filters=EngagementFilters()).items
    }
    assert shown == {first.id: "Arrangement", second.id: "Assignment", third.id: "Assignment"}
    assert view_engagement(leader, engagement_id=first.id).scheme.version == "1"
    page = view_scheme(leader, code=USUAL_SCHEME, version="1")
    assert (page.scheme.stages[0].name.en, page.today, page.versions) == ("Arrangement", False, ("1", "2"))
    assert view_scheme(leader, code=USUAL_SCHEME).scheme.version == "2"
    for code, version in ((USUAL_SCHEME, "3"), ("no_such", ""), ("no_such", "1")):
        with pytest.raises(NotFoundError):
            view_scheme(leader, code=code, version=version)
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(SchemeEdition)) == 2


@both_databases_in_full
def test_a_text_that_changed_under_its_version_opens_nothing(archive: Archive, people: People, files: Files) -> None:
    leader = people.person("team_leader")
    first = engagement_of(leader)
    assert probed(archive) == [State.GOOD]
    files.change("least_people = 2\nleaders = 1", "least_people = 3\nleaders = 1")
    assert probed(archive) == [State.BAD]
    with archive.reading(SYSTEM) as uow:
        before = uow.session.scalar(select(func.count()).select_from(Event))
    with pytest.raises(SchemeChangedError) as refused:
        open_engagement(leader, client_id=first.client_id, number="HC-X", title="核查", year=2025)
    assert "version 1" in refused.value.text("en")
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Engagement)) == 1
        assert uow.session.scalar(select(func.count()).select_from(Event)) == before
    assert followed(archive, first).team.least_people == 2
    # Other schemes are not touched by it, and a new version mends it.
    service = open_engagement(
        leader, client_id=first.client_id, number="HC-Y", title="项目", year=2025, scheme="carbon_service_project"
    )
    assert service.scheme_version == "1"
    files.change('version = "1"', 'version = "1.1"')
    assert probed(archive) == [State.GOOD]
    assert engagement_of(leader).scheme_version == "1.1"


def test_a_text_that_was_altered_in_the_database_is_not_followed(archive: Archive, people: People) -> None:
    """Conditions cannot be taken away from behind: what was kept is followed, or nothing."""
    leader = people.person("team_leader")
    first = engagement_of(leader)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        edition = uow.session.get_one(SchemeEdition, (first.scheme, first.scheme_version))
        edition.text = edition.text.replace('needs = ["declared", ', "needs = [")
        assert edition.text != all_schemes()[USUAL_SCHEME].text
    with pytest.raises(SchemeAlteredError):
        followed(archive, first)
    with pytest.raises(SchemeAlteredError):
        view_scheme(leader, code=first.scheme, version=first.scheme_version)
    assert probed(archive) == [State.BAD]
    # The list still names the others, and this one.
    assert [line.engagement.id for line in list_engagements(leader, filters=EngagementFilters()).items] == [first.id]


def test_a_broken_file_stops_the_start(archive: Archive, settings: Settings, files: Files) -> None:
    files.change('source = "ETS 12"', 'source = "ETS 120"')
    with pytest.raises(
        SettingsError, match=r"key_emitter_verification\.toml:\d+: deadlines\[1\]\.source names a clause"
    ):
        open_archive(settings)
    files.change('source = "ETS 120"', 'source = "ETS 12"')
    open_archive(settings).engine.dispose()


def test_what_a_running_engagement_follows_outlives_the_configuration(
    archive: Archive, people: People, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A type of record, a clause or a whole scheme that the installation drops takes nothing from what runs."""
    leader = people.person("team_leader")
    kept = engagement_of(leader)
    monkeypatch.setattr("archive_app.engagements.scheme_rules.all_record_types", dict)
    monkeypatch.setattr("archive_app.engagements.sources.all_sources", dict)
    schemes._kept.cache_clear()
    assert followed(archive, kept).stages[0].records[0].type == "assignment_letter"


@both_databases
def test_two_bodies_begin_with_a_scheme_at_the_same_moment(archive: Archive, people: People) -> None:
    leaders = [people.person("team_leader", organisation=name) for name in ("甲", "乙", "丙")]
    clients = [add_client(leader, name="厂") for leader in leaders]
    start, failed = threading.Barrier(len(leaders)), []

    def begin(leader: Actor, client: Client) -> None:
        with archive.activate():
            start.wait()
            try:
                open_engagement(leader, client_id=client.id, number="1", title="核查", year=2025)
            except Exception as error:  # noqa: BLE001  # shown by the assertion below
                failed.append(error)

    threads = [threading.Thread(target=begin, args=pair) for pair in zip(leaders, clients, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Engagement)) == len(leaders)
        assert uow.session.scalar(select(func.count()).select_from(SchemeEdition)) == 1


@both_databases_in_full
def test_some_schemes_follow_another_engagement(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    original = engagement_of(leader)
    asked: dict[str, Any] = {
        "client_id": original.client_id,
        "title": "复查",
        "year": 2025,
        "scheme": "key_emitter_recheck",
    }

    def refused(number: str, **more: str) -> str:
        with pytest.raises(InvalidInputError) as error:
            open_engagement(leader, number=number, **{**asked, **more})
        assert error.value.params["field"] == "Follows"
        return str(error.value.params["reason"])

    assert refused("F-1") == "Say which engagement this one follows."
    assert refused("F-1", parent_number="no such") == "This client has no such engagement."
    foreign = engagement_of(leader)
    assert refused("F-1", parent_number=foreign.number) == "This client has no such engagement."
    assert refused("F-1", parent_id=foreign.id) == "This engagement is of another client."
    # One that exists and that one may not see is answered like one that does not exist.
    hidden = engagement_of(people.person("team_leader"))
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.execute(update(Engagement).where(Engagement.id == hidden.id).values(client_id=original.client_id))
    assert refused("F-1", parent_number=hidden.number) == "This client has no such engagement."
    with pytest.raises(NotFoundError):
        open_engagement(leader, number="F-1", **asked, parent_id=hidden.id)
    recheck = open_engagement(leader, number="F-2", **asked, parent_number=f" {original.number} ")
    assert (recheck.parent_id, recheck.stage) == (original.id, "assignment")
    declare(archive, recheck.id)
    # A re-check follows a verification, not another re-check; what need not follow may all the same.
    assert refused("F-3", parent_number="F-2") == "The chosen scheme does not follow one of that kind."
    again = open_engagement(
        leader, client_id=original.client_id, number="F-4", title="再核查", year=2026, parent_id=recheck.id
    )
    assert again.parent_id == recheck.id
    with pytest.raises(InvalidInputError):
        open_engagement(leader, **{**asked, "scheme": "no_such"}, number="F-5")


@both_databases_in_full
def test_the_activity_is_one_of_the_scheme(people: People) -> None:
    leader = people.person("team_leader")
    client = add_client(leader, name="江南热电厂")

    def opened(number: str, scheme: str, activity: str = "", project: str = "") -> str:
        said: dict[str, Any] = {
            "title": "项目",
            "year": 2025,
            "scheme": scheme,
            "activity": activity,
            "project_number": project,
        }
        return open_engagement(leader, client_id=client.id, number=number, **said).activity

    assert opened("1", "carbon_service_project") == "service"
    assert opened("2", "management_system_certification", "certification") == "certification"
    assert opened("3", USUAL_SCHEME, project="CCER-1") == "verification"
    assert opened("4", "organisation_verification", "validation") == "validation"
    for scheme, activity in (
        ("carbon_service_project", "verification"),
        (USUAL_SCHEME, "service"),
        (USUAL_SCHEME, "x"),
    ):
        with pytest.raises(InvalidInputError):
            opened("5", scheme, activity)
    # Validation and verification of a project stay apart; a service for it is neither.
    assert opened("6", "carbon_service_project", project="CCER-1") == "service"
    with pytest.raises(DutiesNotSeparateError):
        opened("7", USUAL_SCHEME, "validation", project="CCER-1")


@both_databases_in_full
def test_whoever_consults_for_a_client_serves_it_but_does_not_judge_it(archive: Archive, people: People) -> None:
    """S0 5.5 asks for independence of whoever verifies; a service project is no judgement."""
    leader, keeper = people.person("team_leader"), people.person("quality_manager", "archivist")
    client = add_client(leader, name="江南热电厂")
    consulting = Facts("consulting", began_on=archive.today(), party_name=client.name)
    assert not record_interest(keeper, person_id="", facts=consulting).touched
    served = open_engagement(
        leader, client_id=client.id, number="1", title="服务", year=2025, scheme="carbon_service_project"
    )
    declare(archive, served.id)
    member = people.person("verifier")
    set_member(leader, engagement_id=served.id, person_id=member.person_id or "", part="member")
    assert not list_conflicts(leader, engagement_id=served.id)
    for scheme in (USUAL_SCHEME, "management_system_certification", "management_system_evaluation"):
        with pytest.raises(NotIndependentError):
            open_engagement(leader, client_id=client.id, number="2", title="核查", year=2025, scheme=scheme)


def test_lists_are_narrowed_by_scheme_and_stage(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    verification = engagement_of(leader)
    client = verification.client_id
    service = open_engagement(
        leader, client_id=client, number="S-1", title="服务", year=2025, scheme="carbon_service_project"
    )
    declare(archive, service.id)

    def found(**filters: Any) -> set[str]:
        return {line.engagement.id for line in list_engagements(leader, filters=EngagementFilters(**filters)).items}

    assert found(scheme=USUAL_SCHEME) == {verification.id}
    assert found(stage="needs") == {service.id}
    assert found(scheme=USUAL_SCHEME, stage="needs") == set()
    assert found() == {service.id, verification.id}


@both_databases_in_full
def test_a_client_has_a_sector(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    client = add_client(leader, name="江南热电厂", sector="power_generation")
    assert view_client(leader, client_id=client.id).sector == "power_generation"
    kept = change_client(leader, client_id=client.id, credit_code="", province="32")
    assert kept.sector == "power_generation"
    assert change_client(leader, client_id=client.id, credit_code="", province="", sector="").sector is None
    for sector in ("no_such", "1"):
        with pytest.raises(InvalidInputError):
            add_client(leader, name="另一厂", sector=sector)
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Client)) == 1
