"""When laws and obligations hold: a table that people read, and the same in SQL."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.laws.kinds import STATES
from archive_app.management.laws.models import Law, Obligation
from archive_app.management.laws.validity import law_state, laws_in, obligation_standing, obligations_in
from tests.conftest import both_databases
from tests.factories import People

D = date.fromisoformat
LEAP, AFTER = "2028-02-29", "2028-03-01"
# What is recorded of a law (effective, ended, withdrawn), a day, and where it then stands.
LAWS = [
    ((None, None, False), "1999-01-01", "in_force"),
    (("2024-05-01", None, False), "2024-04-30", "coming"),
    (("2024-05-01", None, False), "2024-05-01", "in_force"),
    (("2024-05-01", "2026-01-01", False), "2025-12-31", "in_force"),
    (("2024-05-01", "2026-01-01", False), "2026-01-01", "ended"),
    (("2024-05-01", "2026-01-01", False), "2024-04-30", "coming"),
    (("2024-05-01", "2024-05-01", False), "2024-01-01", "ended"),
    (("2024-05-01", "2024-05-01", False), "2024-05-01", "ended"),
    ((None, "2026-01-01", False), "2025-12-31", "in_force"),
    ((None, "2026-01-01", False), "2026-01-01", "ended"),
    ((LEAP, None, False), "2028-02-28", "coming"),
    ((LEAP, None, False), LEAP, "in_force"),
    ((None, LEAP, False), "2028-02-28", "in_force"),
    ((None, LEAP, False), LEAP, "ended"),
    ((LEAP, AFTER, False), LEAP, "in_force"),
    (("2024-05-01", None, True), "2025-01-01", "withdrawn"),
    (("2024-05-01", "2025-01-01", True), "2026-01-01", "withdrawn"),
]
# Of an obligation (valid from, valid until, withdrawn) under the law of the same words, and why it does not hold.
OBLIGATIONS = [
    ((None, None, False), (None, None, False), "2026-01-01", "in_force", ""),
    ((None, None, False), ("2026-02-01", None, False), "2026-01-31", "coming", "This obligation does not hold yet."),
    ((None, None, False), ("2026-02-01", None, False), "2026-02-01", "in_force", ""),
    ((None, None, False), (None, LEAP, False), LEAP, "in_force", ""),
    ((None, None, False), (None, LEAP, False), AFTER, "ended", "This obligation has ended."),
    (("2027-01-01", None, False), (None, None, False), "2026-12-31", "coming", "Its law is not in force yet."),
    (("2027-01-01", None, False), (None, "2026-06-30", False), "2026-12-31", "ended", "This obligation has ended."),
    ((None, "2026-01-01", False), (None, None, False), "2026-01-01", "ended", "Its law has ended."),
    ((None, "2026-01-01", False), (None, "2025-06-01", False), "2025-12-31", "ended", "This obligation has ended."),
    ((None, "2026-01-01", False), ("2027-01-01", None, False), "2025-12-31", "coming",
     "This obligation does not hold yet."),
    ((None, None, False), (None, None, True), "2026-01-01", "withdrawn",
     "This obligation was recorded wrongly and is withdrawn."),
    ((None, None, True), (None, None, False), "2026-01-01", "withdrawn",
     "Its law was recorded wrongly and is withdrawn."),
]  # fmt: skip


def _day(text: str | None) -> date | None:
    return D(text) if text else None


@pytest.fixture
def owner(people: People) -> Actor:
    return people.person("quality_manager")


def _law(uow, owner: Actor, number: int, told: tuple[str | None, str | None, bool]) -> Law:  # type: ignore[no-untyped-def]
    effective, ended, withdrawn = told
    row = Law(
        id=uow.new_id(), organisation_id=owner.organisation_id, title=f"法{number}", number="", issuer="", kind="law",
        effective_on=_day(effective), ended_on=_day(ended), ended_reason="", reviewed_on=D("2020-01-01"),
        provisional=False, withdrawn_at=uow.now if withdrawn else None, withdrawn_reason="", recorded_by="x",
        recorded_at=uow.now,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    return row


@both_databases
def test_laws_and_obligations_stand_where_the_table_says(archive: Archive, owner: Actor) -> None:
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for number, (told, day, expected) in enumerate(LAWS):
            row = _law(uow, owner, number, told)
            assert law_state(row, D(day)) == expected, told
            for state in STATES:
                found = uow.session.scalar(select(Law.id).where(Law.id == row.id, laws_in(state, D(day))))
                assert (found is not None) == (state == expected), (told, day, state)
        for number, (of_law, told, day, expected, why) in enumerate(OBLIGATIONS):
            law = _law(uow, owner, 100 + number, of_law)
            duty = Obligation(
                id=uow.new_id(), organisation_id=law.organisation_id, law_id=law.id, clause="", requirement="x",
                met_by="", department="", owner_id=owner.person_id, valid_from=_day(told[0]), valid_until=_day(told[1]),
                ended_reason="", every_months=12, first_on=D(day), evaluate_on=D(day), provisional=False,
                withdrawn_at=uow.now if told[2] else None, withdrawn_reason="", recorded_by="x", recorded_at=uow.now,
            )  # fmt: skip
            uow.session.add(duty)
            uow.session.flush()
            standing = obligation_standing(duty, law, D(day))
            assert (standing.state, standing.why) == (expected, why), (of_law, told)
            for state in STATES:
                found = uow.session.scalar(
                    select(Obligation.id)
                    .join(Law, Law.id == Obligation.law_id)
                    .where(Obligation.id == duty.id, obligations_in(state, D(day)))
                )
                assert (found is not None) == (state == expected), (of_law, told, day, state)
        # On every day of a year each of them stands at one place exactly.
        for step in range(0, 1200, 37):
            day_of = D("2024-01-01") + timedelta(days=step)
            counts = [len(uow.session.scalars(select(Law.id).where(laws_in(state, day_of))).all()) for state in STATES]
            assert sum(counts) == len(LAWS) + len(OBLIGATIONS)
