"""Seeing what belongs to another body is not acting in its name; and two who act at once do not wait for each other."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from archive_app.engagements import requests
from archive_app.engagements.audience import who_may_see
from archive_app.engagements.clients import change_client
from archive_app.engagements.engagements import lock_engagement, open_engagement
from archive_app.engagements.interests import Facts, record_interest
from archive_app.engagements.models import AccessRequest, Assignment, Client, Engagement
from archive_app.engagements.requests import AlreadyAssignedError, ask_for_access, withdraw_request
from archive_app.engagements.teams import set_member
from archive_app.identity.accounts import deactivate, make_reset_link
from archive_app.identity.granting import lock_organisation
from archive_app.identity.links import LinkUnusableError, consume_link
from archive_app.identity.models import OneTimeLink, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event
from tests.conftest import both_databases
from tests.factories import People, engagement_of

OTHER = "江北咨询"
_LONG = 30
on_postgres = pytest.mark.parametrize("settings", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


def opened_by(actor: Actor, client_id: str, number: str) -> Engagement:
    return open_engagement(actor, client_id=client_id, number=number, title="年度核查", year=2025)


@both_databases
def test_a_client_s_contact_opens_no_engagement_in_the_name_of_the_body(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    entity = people.organisation(OTHER, kind="service_institution")
    contact = people.person("client_contact", "team_leader", "archivist", organisation=OTHER)
    engagement = engagement_of(leader)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Client).where(Client.id == engagement.client_id).values(entity_id=entity))
    with archive.reading(contact) as uow:
        assert archive.policy.allows(uow.session, contact, "client", engagement.client_id)
    with pytest.raises(NotFoundError):
        opened_by(contact, engagement.client_id, "HC-X")
    opened_by(leader, engagement.client_id, "HC-Y")
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Engagement)) == 2
        denied = uow.session.scalars(select(Event.actor).where(Event.code == ACCESS_DENIED.code)).all()
    assert denied == [contact.person_id]


def test_what_is_refused_about_something_that_exists_is_a_denial(archive: Archive, people: People) -> None:
    leader, verifier = people.person("team_leader"), people.person("verifier")
    manager, stranger = people.person("quality_manager"), people.person("verifier", organisation="远山认证")
    entity = people.organisation(OTHER, kind="service_institution")
    contact = people.person("client_contact", "archivist", organisation=OTHER)
    engagement = engagement_of(leader, team=[verifier])
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Client).where(Client.id == engagement.client_id).values(entity_id=entity))
    request = ask(people.person("complaint_handler"), engagement.number)
    whom, client = stranger.person_id or "", engagement.client_id
    facts = Facts("consulting", archive.today(), party_name="某厂")
    refused: list[tuple[Actor, Callable[[], object]]] = [
        (leader, lambda: set_member(leader, engagement_id=engagement.id, person_id=whom, part="member")),
        (manager, lambda: record_interest(manager, person_id=whom, facts=facts)),
        (contact, lambda: change_client(contact, client_id=client, credit_code="", province="")),
        (verifier, lambda: who_may_see(verifier, engagement_id=engagement.id)),
        (leader, lambda: withdraw_request(leader, request_id=request.id)),
    ]
    for actor, attempt in refused:
        with pytest.raises(NotFoundError):
            attempt()
        with archive.reading(Actor.system("test")) as uow:
            denied = uow.session.scalars(select(Event.actor).where(Event.code == ACCESS_DENIED.code)).all()
        assert len(denied) == 1 + refused.index((actor, attempt))
        assert actor.person_id in denied


def test_who_may_see_comes_a_page_at_a_time(archive: Archive, people: People) -> None:
    leader = people.person("team_leader", name="甲")
    managers = [people.person("quality_manager", name=f"乙{number}") for number in range(4)]
    engagement = engagement_of(leader)
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        audience = who_may_see(leader, engagement_id=engagement.id, after=after, limit=2)
        seen += [person.person_id for person in audience.onlookers]
        after, pages = audience.next_key, pages + 1
    assert sorted(seen) == sorted(person.person_id or "" for person in (leader, *managers))
    assert pages == 3


def beside(act: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Begins `act` in a thread of its own; what it raises is in the list once it has ended."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # looked at by the test
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@on_postgres
def test_asking_for_access_waits_for_no_change_of_accounts(archive: Archive, people: People) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        # As a security officer who changes the level of the very person does.
        lock_organisation(uow, asking.organisation_id or "")
        thread, raised = beside(lambda: in_archive(archive, lambda: ask(asking, engagement.number)))
        thread.join(_LONG)
        assert not thread.is_alive()
        uow.session.execute(update(Person).where(Person.id == asking.person_id).values(highest_level=1))
    assert not raised
    assert asked(archive) == 1


@on_postgres
def test_asking_for_access_and_being_assigned_at_once(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    held, meant = threading.Event(), requests._meant

    def meant_later(*args: str) -> str | None:
        held.set()
        return meant(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(requests, "_meant", meant_later)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        lock_engagement(uow.session, engagement.id)
        thread, raised = beside(lambda: in_archive(archive, lambda: ask(asking, engagement.number)))
        # From here on whoever asks holds their own row and will wait for the engagement.
        assert held.wait(_LONG)
        uow.session.add(
            Assignment(
                engagement_id=engagement.id, person_id=asking.person_id or "", part="member", assigned_at=uow.now
            )
        )
        uow.session.flush()
    thread.join(_LONG)
    assert not thread.is_alive()
    # Nobody waits for ever. Whether they ask first or are told that they are assigned is a matter of moments.
    assert all(isinstance(error, AlreadyAssignedError) for error in raised)


@on_postgres
def test_using_a_link_and_losing_the_account_at_once(archive: Archive, people: People) -> None:
    administrator, leaving = people.person("system_administrator"), people.person("verifier")
    token = make_reset_link(administrator, person_id=leaving.person_id or "").token
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        # As `use_link` does: the link, then the person.
        assert consume_link(uow, token, "reset") == leaving.person_id
        thread, raised = beside(
            lambda: in_archive(archive, lambda: deactivate(administrator, person_id=leaving.person_id or ""))
        )
        thread.join(1)
        assert thread.is_alive()
        uow.session.get_one(Person, leaving.person_id, with_for_update=True)
    thread.join(_LONG)
    assert not raised
    with archive.reading(Actor.system("test")) as uow:
        assert not uow.session.get_one(Person, leaving.person_id).active
        assert uow.session.scalar(select(OneTimeLink.used_at)) is not None
    with pytest.raises(LinkUnusableError), archive.transaction(Actor.system("test"), eventless=True) as uow:
        consume_link(uow, token, "reset")


def in_archive(archive: Archive, act: Callable[[], object]) -> None:
    with archive.activate():
        act()


def ask(actor: Actor, wanted: str) -> AccessRequest:
    return ask_for_access(actor, wanted=wanted, grounds="投诉处理需要", days=7)


def asked(archive: Archive) -> int:
    with archive.reading(Actor.system("test")) as uow:
        return uow.session.scalar(select(func.count()).select_from(AccessRequest)) or 0
