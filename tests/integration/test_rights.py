"""Rights: who may do what to whom, that nobody does it alone, and that what is taken away is gone at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import permutations
from threading import Barrier

import pytest
from sqlalchemy import select

from archive_app.identity import roles as configured
from archive_app.identity.accounts import deactivate, invite, make_reset_link, reactivate
from archive_app.identity.granting import (
    OfficerPresentError,
    ProposalGoneError,
    RolesNotOfferedError,
    appoint_officer,
    grant_roles,
    propose_roles,
    refuse_roles,
    set_rights,
)
from archive_app.identity.links import use_link
from archive_app.identity.people import list_grants, list_missing, list_people, list_waiting, view_person
from archive_app.identity.roles import ADMINISTRATOR, AUDITOR, OFFICER, RolesExcludeError
from archive_app.identity.sessions import actor_of_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import RIGHTS_GIVEN_BY_ANOTHER, DutiesNotSeparateError
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event, EventDetail, EventSubject
from archive_app.kernel.levels import Level
from tests.conftest import both_databases
from tests.factories import PASSWORD, People

NOBODY = Actor.anonymous(address="192.0.2.1")
OPERATOR = Actor.system("operator", via="cli")
MEMBERS = (ADMINISTRATOR, OFFICER, AUDITOR)
ELSEWHERE = "另一家"

Act = Callable[[Actor, str], object]
ACTS: dict[str, Act] = {
    "propose": lambda actor, whom: propose_roles(actor, person_id=whom, roles=["team_leader"]),
    "grant": lambda actor, whom: grant_roles(actor, person_id=whom, roles=["quality_manager"]),
    "refuse": lambda actor, whom: refuse_roles(actor, person_id=whom, roles=["quality_manager"]),
    "set": lambda actor, whom: set_rights(actor, person_id=whom, roles=[], highest_level=0),
    "appoint": lambda actor, whom: appoint_officer(actor, person_id=whom),
    "link": lambda actor, whom: make_reset_link(actor, person_id=whom),
    "deactivate": lambda actor, whom: deactivate(actor, person_id=whom),
    "reactivate": lambda actor, whom: reactivate(actor, person_id=whom),
    "look": lambda actor, whom: list_grants(actor, person_id=whom),
}
# What comes of it, by act and role, for: oneself, a colleague, somebody of another organisation.
# yes: done; no: no permission; self: not to oneself; none: as if nobody were there; gone: nothing there to decide;
# last: the only one; there: an officer is there already.
TABLE = """
            system_administrator  security_officer  security_auditor  archivist    operator
propose     yes  yes  none        no   no   no      no  no  no        no  no  no   yes
grant       no   no   no          self yes  none    no  no  no        no  no  no   yes
refuse      no   no   no          self yes  none    no  no  no        no  no  no   yes
set         no   no   no          self yes  none    no  no  no        no  no  no   yes
appoint     self gone none        no   no   no      no  no  no        no  no  no   gone
link        yes  yes  none        no   no   no      no  no  no        no  no  no   yes
deactivate  last yes  none        no   no   no      no  no  no        no  no  no   yes
reactivate  yes  yes  none        no   no   no      no  no  no        no  no  no   yes
look        yes  yes  none        yes  yes  none    no  no  no        no  no  no   yes
"""
OUTCOMES: dict[type[Exception], str] = {
    PermissionMissingError: "no",
    DutiesNotSeparateError: "self",
    ProposalGoneError: "gone",
    OfficerPresentError: "there",
    NotFoundError: "none",
}


def table() -> dict[str, dict[str, list[str]]]:
    """By role: by act, what comes of it."""
    head, *lines = TABLE.strip("\n").splitlines()
    found: dict[str, dict[str, list[str]]] = {role: {} for role in head.split()}
    for line in lines:
        act, *cells = line.split()
        for place, role in enumerate(found):
            found[role][act] = cells[3 * place : 3 * place + 3]
    return found


@pytest.fixture
def administrator(people: People) -> Actor:
    """Who proposes."""
    return people.person(ADMINISTRATOR, name="管理员")


@pytest.fixture
def officer(people: People) -> Actor:
    """Who decides."""
    return people.person(OFFICER, name="保密员")


def somebody(people: People, *roles: str, organisation: str = "绿源核查") -> str:
    return people.person(*roles, organisation=organisation).person_id or ""


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except ArchiveError as error:
        if error.code in {"last_administrator", "last_officer"}:
            return "last"
        return next(word for kind, word in OUTCOMES.items() if isinstance(error, kind))
    return "yes"


def codes(archive: Archive) -> Counter[str]:
    with archive.reading(NOBODY) as uow:
        return Counter(uow.session.scalars(select(Event.code)))


def details_of(archive: Archive, code: str) -> str:
    with archive.reading(NOBODY) as uow:
        details = select(EventDetail.detail).join(Event, Event.id == EventDetail.event_id).where(Event.code == code)
        return "\n".join(uow.session.scalars(details))


@pytest.mark.parametrize("role", table())
def test_who_may_do_what_to_whom(archive: Archive, people: People, role: str) -> None:
    actor = OPERATOR if role == "operator" else people.person(role)
    proposers = {
        "绿源核查": replace(
            people.person(ADMINISTRATOR, organisation=ELSEWHERE), organisation_id=people.organisation()
        ),
        ELSEWHERE: people.person(ADMINISTRATOR, organisation=ELSEWHERE),
    }
    for act, expected in table()[role].items():
        whom = [somebody(people, "verifier"), somebody(people, "verifier", organisation=ELSEWHERE)]
        for person_id, by in zip(whom, proposers.values(), strict=True):
            propose_roles(by, person_id=person_id, roles=["quality_manager"])
        before = codes(archive)["access.denied"]
        tried = whom[:1] if role == "operator" else [actor.person_id or "", *whom]
        found = [outcome(partial(ACTS[act], actor, person_id)) for person_id in tried]
        assert found == expected, act
        refused = [word for word in found if word in {"no", "none", "self", "gone"} and role != "operator"]
        assert codes(archive)["access.denied"] - before == len(refused), "every try leaves a trace"


def test_nobody_decides_without_having_confirmed(archive: Archive, people: People, officer: Actor) -> None:
    late = replace(officer, confirmed_at=archive.clock.now() - archive.rules.confirmation_window)
    whom = somebody(people, "verifier")
    for act in ("grant", "refuse", "set"):
        with pytest.raises(ConfirmationRequiredError):
            ACTS[act](late, whom)
    with pytest.raises(ConfirmationRequiredError):
        ACTS["appoint"](replace(people.person(ADMINISTRATOR), confirmed_at=None), whom)


@both_databases
def test_a_role_passes_two_hands(archive: Archive, people: People, administrator: Actor, officer: Actor) -> None:
    whom = somebody(people, "verifier")
    propose_roles(administrator, person_id=whom, roles=["team_leader", "archivist"])
    assert {(g.role, g.proposed_by.name) for g in list_waiting(officer).items} == {
        ("team_leader", "管理员"),
        ("archivist", "管理员"),
    }
    grant_roles(officer, person_id=whom, roles=["team_leader"])
    refuse_roles(officer, person_id=whom, roles=["archivist"], reason="尚未培训")
    assert "尚未培训" in details_of(archive, "person.roles_refused")
    granted = {g.role: g for g in list_grants(officer, person_id=whom)}
    assert set(granted) == {"verifier", "team_leader"}
    assert (granted["team_leader"].proposed_by.name, granted["team_leader"].granted_by.name) == ("管理员", "保密员")
    assert granted["verifier"].granted_by.label == "System"
    assert not list_waiting(officer).items
    with archive.reading(NOBODY) as uow:
        about = select(EventSubject.kind, EventSubject.subject_id).join(Event, Event.id == EventSubject.event_id)
        subjects = uow.session.execute(about.where(Event.code == "person.roles_granted")).all()
    assert {tuple(row) for row in subjects} == {("person", whom), ("organisation", officer.organisation_id)}
    assert '"after":["team_leader","verifier"],' in details_of(archive, "person.roles_granted")
    assert '"before":["verifier"]' in details_of(archive, "person.roles_granted")


def test_whoever_proposed_does_not_grant(archive: Archive, people: People, administrator: Actor) -> None:
    """An administrator who became officer meets their own proposals; another officer decides, they may only refuse."""
    whom = somebody(people, "verifier")
    propose_roles(administrator, person_id=whom, roles=["team_leader", "quality_manager"])
    people.person(ADMINISTRATOR)
    set_rights(OPERATOR, person_id=administrator.person_id or "", roles=[OFFICER])
    turned = people.person(OFFICER)
    turned = replace(turned, name=administrator.name, person_id=administrator.person_id)
    for act in (grant_roles, set_rights):
        with pytest.raises(DutiesNotSeparateError) as refused:
            act(turned, person_id=whom, roles=["team_leader"])
        assert refused.value.rule is RIGHTS_GIVEN_BY_ANOTHER
    assert view_person(turned, person_id=whom).roles == {"verifier"}
    refuse_roles(turned, person_id=whom, roles=["quality_manager"])
    grant_roles(people.person(OFFICER), person_id=whom, roles=["team_leader"])
    assert view_person(turned, person_id=whom).roles == {"verifier", "team_leader"}


def test_an_officer_alone_gives_nothing_that_nobody_proposed(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    whom, other = somebody(people, "verifier"), somebody(people)
    propose_roles(administrator, person_id=other, roles=["team_leader"])
    for act in (grant_roles, refuse_roles, set_rights):
        with pytest.raises(ProposalGoneError):
            act(officer, person_id=whom, roles=["team_leader"])
    with pytest.raises(InvalidInputError):
        grant_roles(officer, person_id=whom, roles=[])
    assert view_person(officer, person_id=whom).roles == {"verifier"}
    set_rights(officer, person_id=other, roles=["team_leader"])
    assert view_person(officer, person_id=other).roles == {"team_leader"}


def test_setting_rights_leaves_other_proposals_waiting(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    whom = somebody(people, "verifier", "quality_manager")
    propose_roles(administrator, person_id=whom, roles=["team_leader", "top_manager"])
    set_rights(officer, person_id=whom, roles=["verifier", "team_leader"], highest_level=1)
    person = view_person(officer, person_id=whom)
    assert (person.roles, person.proposed, person.highest_level) == (
        frozenset({"verifier", "team_leader"}),
        frozenset({"top_manager"}),
        Level.INTERNAL,
    )
    assert '"level_after":1,"level_before":3' in details_of(archive, "person.roles_changed")
    before = codes(archive)
    set_rights(officer, person_id=whom, roles=["verifier", "team_leader"])
    assert codes(archive) == before, "what changes nothing is no event"


def test_a_level_is_one_of_the_list(archive: Archive, people: People, officer: Actor) -> None:
    whom = somebody(people, "verifier")
    for level in (-1, 4, 99, True, False, "1", "true", 1.0, float("nan")):
        with pytest.raises(InvalidInputError):
            set_rights(officer, person_id=whom, roles=["verifier"], highest_level=level)  # type: ignore[arg-type]
    assert view_person(officer, person_id=whom).highest_level is Level.RESTRICTED


def test_proposals_are_withdrawn_and_never_touch_what_is_held(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    whom = somebody(people, "verifier")
    propose_roles(administrator, person_id=whom, roles=["verifier", "team_leader"])
    assert view_person(officer, person_id=whom).proposed == {"team_leader"}
    propose_roles(administrator, person_id=whom, roles=[])
    person = view_person(officer, person_id=whom)
    assert (person.roles, person.proposed) == (frozenset({"verifier"}), frozenset[str]())
    assert '"after":[],' in details_of(archive, "person.roles_proposed")


def test_roles_that_nobody_here_can_hold(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    whom = somebody(people)
    forged = [["emperor"], ["supervisor"], ["client_contact"], ["verifier", ""], ["x" * 5000], ["\0"]]
    for roles in forged:
        for act, actor in ((propose_roles, administrator), (set_rights, officer), (grant_roles, OPERATOR)):
            with pytest.raises(RolesNotOfferedError):
                act(actor, person_id=whom, roles=roles)
    assert codes(archive)["access.denied"] == 2 * len(forged), "people's tries are noted"
    assert view_person(officer, person_id=whom).roles == view_person(officer, person_id=whom).proposed == frozenset()


@pytest.mark.parametrize("way", ["held", "waiting", "both proposed", "set", "operator", "operator sets", "invited"])
def test_the_three_members_exclude_each_other(
    archive: Archive, people: People, administrator: Actor, officer: Actor, way: str
) -> None:
    for one, other in permutations(MEMBERS, 2):
        people.person(one)  # so that nobody here is the last who can act
        whom = somebody(people, *([one] if way in {"held", "set", "operator"} else []))
        if way in {"waiting", "operator sets"}:
            propose_roles(administrator, person_id=whom, roles=[one])
        both = [one, other]
        acts: dict[str, Callable[[], object]] = {
            "held": partial(propose_roles, administrator, person_id=whom, roles=[other]),
            "waiting": partial(set_rights, officer, person_id=whom, roles=both),
            "both proposed": partial(propose_roles, administrator, person_id=whom, roles=both),
            "set": partial(set_rights, officer, person_id=whom, roles=both),
            "operator": partial(grant_roles, OPERATOR, person_id=whom, roles=[other]),
            "operator sets": partial(set_rights, OPERATOR, person_id=whom, roles=[other]),
            "invited": partial(invite, administrator, login="new", display_name="新", roles=both, language="en"),
        }
        with pytest.raises(RolesExcludeError) as refused:
            acts[way]()
        names = {configured.all_roles()[role].name("en") for role in both}
        assert all(name in refused.value.text("en") for name in names)
        if way == "waiting":
            # Instead of the one, the other can be proposed.
            propose_roles(administrator, person_id=whom, roles=[other])
            assert view_person(officer, person_id=whom).proposed == {other}


@both_databases
def test_of_two_who_decide_at_once_nobody_makes_two_members_of_one(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    second = people.person(OFFICER)
    for _ in range(3):
        whom, start = somebody(people), Barrier(3)
        propose_roles(administrator, person_id=whom, roles=[AUDITOR])

        def run(act: Callable[[], None], start: Barrier = start) -> str:
            with archive.activate():
                start.wait()
                return outcome_of_race(act)

        acts: list[Callable[[], None]] = [
            partial(grant_roles, officer, person_id=whom, roles=[AUDITOR]),
            partial(grant_roles, second, person_id=whom, roles=[AUDITOR]),
            partial(propose_roles, administrator, person_id=whom, roles=[ADMINISTRATOR]),
        ]
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(run, acts))
        person = view_person(officer, person_id=whom)
        assert len((person.roles | person.proposed) & set(MEMBERS)) == 1
        assert found[:2].count("yes") <= 1, "one of the two granted it"
        assert found.count("yes") == 1


def outcome_of_race(act: Callable[[], None]) -> str:
    try:
        act()
    except (ProposalGoneError, RolesExcludeError) as error:
        return error.code
    return "yes"


@both_databases
def test_two_administrators_appoint_one_first_officer(archive: Archive, people: People, administrator: Actor) -> None:
    second, candidates, start = people.person(ADMINISTRATOR), [somebody(people), somebody(people)], Barrier(2)
    for candidate in candidates:
        propose_roles(administrator, person_id=candidate, roles=[OFFICER])

    def run(actor: Actor, whom: str) -> bool:
        with archive.activate():
            start.wait()
            try:
                appoint_officer(actor, person_id=whom)
            except OfficerPresentError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, (administrator, second), candidates)) == [False, True]


def test_the_first_officer_is_appointed_and_then_others_decide(
    archive: Archive, people: People, administrator: Actor
) -> None:
    for role in (OFFICER, AUDITOR):
        people.person(role, organisation=ELSEWHERE)
    assert [(m.role, m.appointed) for m in list_missing(administrator)] == [(OFFICER, ()), (AUDITOR, ())]
    handed = invite(administrator, login="ting", display_name="婷", roles=[OFFICER], language="en")
    other = invite(administrator, login="lei", display_name="雷", roles=[OFFICER], language="en")
    invite(administrator, login="jian", display_name="鉴", roles=[AUDITOR], language="en")
    assert [(m.appointed, m.proposed) for m in list_missing(administrator)] == [((), ("婷", "雷")), ((), ("鉴",))]
    appoint_officer(administrator, person_id=handed.person_id)
    assert [(m.role, m.appointed) for m in list_missing(administrator)] == [(OFFICER, ("婷",)), (AUDITOR, ())]
    with pytest.raises(OfficerPresentError):
        appoint_officer(administrator, person_id=other.person_id)
    # Somebody who never came is let go, and another appointed instead.
    deactivate(administrator, person_id=handed.person_id)
    appoint_officer(administrator, person_id=other.person_id)
    begun = use_link(NOBODY, token=make_reset_link(administrator, person_id=other.person_id).token, password=PASSWORD)
    assert [m.role for m in list_missing(administrator)] == [AUDITOR]
    actor = actor_of_session(archive, begun.token, "")
    assert actor is not None
    assert (actor.awaits, actor.roles) == ("enrolment", frozenset()), "not without a second factor"
    third = somebody(people)
    propose_roles(administrator, person_id=third, roles=[OFFICER])
    with pytest.raises(OfficerPresentError):
        appoint_officer(administrator, person_id=third)
    assert outcome(lambda: deactivate(administrator, person_id=other.person_id)) == "last"


def test_lists_show_what_waits_page_by_page(
    archive: Archive, people: People, administrator: Actor, officer: Actor
) -> None:
    waiting = {somebody(people) for _ in range(4)}
    for whom in waiting:
        propose_roles(administrator, person_id=whom, roles=["verifier", "team_leader"])
    elsewhere = people.person(ADMINISTRATOR, organisation=ELSEWHERE)
    propose_roles(elsewhere, person_id=somebody(people, organisation=ELSEWHERE), roles=["verifier"])
    seen, after = [], None
    while True:
        page = list_waiting(officer, after=after, limit=3)
        seen += [(grant.person_id, grant.role) for grant in page.items]
        after = page.next_key
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert {person_id for person_id, _ in seen} == waiting
    assert {line.id for line in list_people(officer, waiting=True).items} == waiting
    assert {line.id for line in list_people(officer, role="verifier").items} == waiting
