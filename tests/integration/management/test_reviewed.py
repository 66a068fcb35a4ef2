"""What somebody found who tried to break the management system from outside its rooms."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import event, select, update

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import PermissionMissingError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled import issuing
from archive_app.management.controlled.copies import give_copy, list_copies
from archive_app.management.controlled.distributing import change_distribution, list_recipients
from archive_app.management.controlled.drafting import revise
from archive_app.management.controlled.life.showing import offer_recipients, view_life
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.controlled.periodic_review import record_review
from archive_app.management.controlled.registering import Description, describe_document
from archive_app.management.controlled.showing import view_choices, view_controlled
from archive_app.management.controlled.withdrawing import withdraw_document
from archive_app.management.disclosure.showing import list_disclosures
from archive_app.management.laws.evaluating import evaluate
from archive_app.management.laws.obliging import DutyFacts, record_obligation
from archive_app.management.laws.recording import record_law, withdraw_law
from archive_app.management.laws.reviewing import Look, review_laws
from archive_app.management.one_by_one import MOST_FAILURES, one_by_one
from tests.conftest import SetClock
from tests.controlled import controlled_cast, issued_document
from tests.factories import People
from tests.integration.management.disclosures import filed, published, publishers
from tests.laws import FACTS, complies, duty_for, office_of
from tests.supervised import AUTHORITY, WHOLE, granted, scene_of

TESTER = Actor.system("test")
LATER = date(2027, 2, 1)


def test_who_supervises_a_body_changes_nothing_of_it_by_a_role_at_home(archive: Archive, people: People) -> None:
    """The quality manager of an authority who also supervises reads a whole body: what they may do at home, revise,
    withdraw, evaluate, they do not do there."""
    scene = scene_of(people)
    issued = issued_document(people, controlled_cast(people))
    office = office_of(archive, people)
    law = record_law(office.keeper, facts=FACTS)
    obligation = duty_for(office, law)
    both = people.person("supervisor", "quality_manager", organisation=AUTHORITY)
    granted(scene, WHOLE, by=both)
    with archive.reading(both) as uow:
        uow.require("controlled_document", issued.controlled_id)
        uow.require("edition", issued.edition_id)
        uow.require("obligation", obligation.id)
    described = Description("别人改的标题", department="")
    for act in (
        lambda: revise(both, controlled_id=issued.controlled_id, change_note="x"),
        lambda: describe_document(both, controlled_id=issued.controlled_id, described=described),
        lambda: record_review(both, controlled_id=issued.controlled_id, outcome="fit"),
        lambda: change_distribution(both, controlled_id=issued.controlled_id, roles=["staff_member"]),
        lambda: give_copy(both, edition_id=issued.edition_id, holder="某人"),
        lambda: withdraw_document(both, controlled_id=issued.controlled_id, reason="不要了"),
        lambda: record_obligation(both, law_id=law.id, facts=DutyFacts("x", "x")),
        lambda: evaluate(both, obligation_id=obligation.id, findings=complies()),
        lambda: review_laws(both, looks={law.id: Look("unchanged")}),
        lambda: withdraw_law(both, law_id=law.id, reason="不要了"),
        lambda: offer_recipients(both, controlled_id=issued.controlled_id),
        lambda: view_choices(both, edition_id=issued.edition_id),
        lambda: list_copies(both, edition_id=issued.edition_id),
    ):
        with pytest.raises(PermissionMissingError):
            act()
    assert view_life(both, controlled_id=issued.controlled_id).acts == frozenset()
    assert view_controlled(both, controlled_id=issued.controlled_id).acts == frozenset()
    with archive.reading(TESTER) as uow:
        row = uow.session.scalars(select(ControlledDocument)).one()
        assert (row.title, row.state) == ("监测程序", "in_force")


def test_a_row_that_cannot_be_seen_to_keeps_no_other_from_it(
    archive: Archive, people: People, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two editions whose day has come the first one is broken: the second comes into force, and the job has failed
    all the same, so that the first is seen."""
    cast = controlled_cast(people)
    broken, sound = (issued_document(people, cast, title=title, effective_on=LATER) for title in ("坏的", "好的"))
    settle = issuing.settle_effect

    def settle_or_break(uow: UnitOfWork, controlled: ControlledDocument) -> bool:
        if controlled.id == broken.controlled_id:
            raise RuntimeError("broken")
        return settle(uow, controlled)

    monkeypatch.setattr(issuing, "settle_effect", settle_or_break)
    clock.instant = datetime.combine(LATER, time(12), UTC)
    with pytest.raises(ExceptionGroup, match="1 could not be seen to: RuntimeError: broken"):
        issuing.take_effect(Workshop(archive), Job(kind="", subject_id=""))
    with archive.reading(TESTER) as uow:
        states = dict(uow.session.execute(select(ControlledDocument.id, ControlledDocument.state)).all())
    assert states == {broken.controlled_id: "draft", sound.controlled_id: "in_force"}


def test_one_by_one_stops_with_the_worker_and_where_everything_fails(archive: Archive) -> None:
    seen = []

    def fail_all() -> None:
        with one_by_one(Workshop(archive)) as tries:
            for one in tries.over(str(number) for number in range(1000)):
                with tries.of(one):
                    seen.append(one)
                    raise RuntimeError

    with pytest.raises(ExceptionGroup):
        fail_all()
    assert len(seen) == MOST_FAILURES
    with one_by_one(Workshop(archive, stopping=lambda: True)) as tries:
        assert list(tries.over(["a"])) == []


def test_a_long_distribution_list_is_asked_about_at_once(archive: Archive, people: People) -> None:
    """Who of a list cannot read it is one question, however long the list is."""
    cast = controlled_cast(people)
    issued = issued_document(people, cast, to=[cast.reader])
    few = _asked(archive, lambda: list_recipients(cast.controller, controlled_id=issued.controlled_id))
    more = [people.person("staff_member") for _ in range(8)]
    low = people.person("staff_member")
    named = [one.person_id or "" for one in (*more, low)]
    change_distribution(cast.controller, controlled_id=issued.controlled_id, people=named)
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.execute(update(Person).where(Person.id == low.person_id).values(highest_level=Level.PUBLIC))
        uow.session.execute(update(Person).where(Person.id == more[0].person_id).values(active=False))
    assert _asked(archive, lambda: list_recipients(cast.controller, controlled_id=issued.controlled_id)) == few
    lines = list_recipients(cast.controller, controlled_id=issued.controlled_id)
    assert {line.person.id: line.reason for line in lines if line.person and line.reason} == {
        low.person_id: "They may not see documents of this level.",
        more[0].person_id: "This account is closed.",
    }


def test_the_list_of_what_is_public_is_asked_for_at_once(archive: Archive, people: People) -> None:
    publishing = publishers(people)
    first = published(publishing, filed(publishing, "甲.txt"))
    few = _asked(archive, lambda: list_disclosures(publishing.archivist))
    ids = [first.id, *(published(publishing, filed(publishing, f"{n}.txt")).id for n in range(6))]
    assert _asked(archive, lambda: list_disclosures(publishing.archivist)) == few
    assert {line.disclosure.id: line.served for line in list_disclosures(publishing.archivist).items} == dict.fromkeys(
        ids, True
    )


def _asked(archive: Archive, ask: Callable[[], object]) -> int:
    """How many statements it takes."""
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(archive.engine, "before_cursor_execute", keep)
    try:
        ask()
    finally:
        event.remove(archive.engine, "before_cursor_execute", keep)
    return len(statements)
