"""What is kept for a person's rights is kept for nothing less: who differs in what rights depend on shares nothing."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, ColumnElement, MetaData, String, Table, true

from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy

SOMEBODY = Actor(name="one", via="web", person_id="one", organisation_id="body", highest_level=Level.INTERNAL)
OTHERWISE: dict[str, Any] = {
    "name": "two",
    "via": "api",
    "permissions": frozenset({Permission.DOCUMENTS_READ}),
    "person_id": "two",
    "organisation_id": "other",
    "roles": frozenset({"verifier"}),
    "display_name": "某人",
    "address": "192.0.2.1",
    "session_id": "session",
    "highest_level": Level.PUBLIC,
    "confirmed_at": datetime(2026, 11, 21, tzinfo=UTC),
    "awaits": "second_factor",
}
OF_THE_SESSION = {"via", "display_name", "address", "session_id", "confirmed_at"}


@pytest.mark.parametrize("name", [field.name for field in fields(Actor)])
def test_rights_differ_by_everything_but_the_session(name: str) -> None:
    other = replace(SOMEBODY, **{name: OTHERWISE[name]})
    assert (other.rights == SOMEBODY.rights) == (name in OF_THE_SESSION)


def test_a_clause_is_put_together_once_for_the_same_rights() -> None:
    asked: list[Actor] = []
    subjects = Table("subject", MetaData(), Column("id", String, primary_key=True))
    policy = Policy(lambda: datetime(2026, 11, 21, tzinfo=UTC))
    policy.subject("subject", subjects.c.id)  # type: ignore[arg-type]  # a column stands for a mapped one here

    def grant(actor: Actor) -> ColumnElement[bool]:
        asked.append(actor)
        return true()

    policy.grant("subject", grant)
    for actor in (SOMEBODY, replace(SOMEBODY, session_id="other", confirmed_at=datetime.max.replace(tzinfo=UTC))):
        policy.visible_to(actor, "subject")
    assert len(asked) == 1
    policy.visible_to(replace(SOMEBODY, highest_level=Level.PUBLIC), "subject")
    assert len(asked) == 2
    assert not any(actor.session_id or actor.confirmed_at or actor.address for actor in asked)
    policy.grant("subject", lambda _actor: None)
    policy.visible_to(SOMEBODY, "subject")
    assert len(asked) == 3
