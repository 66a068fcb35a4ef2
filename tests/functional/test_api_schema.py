"""Whatever a program sends that the schema allows, or does not: the answer is one that the schema describes."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.generation.modes import GenerationMode
from sqlalchemy import select

from archive_app.casework.nonconformities.raising import Finding, raise_nonconformity
from archive_app.engagements.clients import list_clients
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile
from archive_app.kernel.actor import Actor
from archive_app.management.laws.recording import record_law
from archive_app.trail.reading import document_history
from tests.conftest import Workbench
from tests.controlled import issued_document
from tests.duties import occurrence_of
from tests.engines import FULL
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import ALL_SCOPES, token_of
from tests.integration.management.disclosures import filed, published, publishers
from tests.laws import FACTS
from tests.management_reviews import review_house

EXAMPLES = 60 if FULL else 4
# Of a number or text in an address, every text is a value; and what is refused for its content, not its form, is 422.
UNFIT = {
    "negative_data_rejection": "parameters without a form of their own take every text",
    "positive_data_acceptance": "identifiers that the schema allows need not be there, names may be taken",
    "ignored_auth": "run below with a token of its own",
    "use_after_free": "nothing is deleted",
    "ensure_resource_availability": "needs links between operations",
    "missing_required_header": "answers 400, as declared, where another number is expected",
    "unsupported_method": "has a test of its own",
}


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", "archivist", name="顾言")


@pytest.fixture
def known(leader: Actor, people: People, workbench: Workbench) -> dict[str, list[Any]]:
    """Values of path parameters: things that are there, in one's own engagement and in none."""
    engagement = engagement_of(leader)
    document = file_bytes(leader, engagement, "监测计划.txt", "排放量 12.5".encode()).document_id or ""
    workbench.run()
    nobody = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"
    finding = Finding(grade="minor", clause="5.2", statement="缺少校准记录")
    raised = raise_nonconformity(leader, engagement_id=engagement.id, finding=finding).id
    propose(leader, engagement_id=engagement.id)
    with workbench.archive.reading(leader) as uow:
        case_file = uow.session.scalars(select(CaseFile.id)).one()
    issued = issued_document(people, to=[leader])
    cast = publishers(people)
    events = [line.id for line in document_history(leader, document_id=document).items]
    return {
        "organisation_id": [leader.organisation_id, nobody],
        "client_id": [client.id for client in list_clients(leader).items] + [nobody],
        "engagement_id": [engagement.id, nobody],
        "document_id": [document, document, nobody],
        "event_id": [*events, nobody],
        "number": [1, 1, 2, 999_999],
        "register_id": [nobody],
        "row_id": [nobody],
        "file_id": [nobody],
        "inbox_id": [nobody],
        "nonconformity_id": [raised, nobody],
        "case_file_id": [case_file, nobody],
        "management_review_id": [review_house(people, "绿源核查", "verification_body").planned(), nobody],
        "occurrence_id": [occurrence_of(workbench.archive, leader), nobody],
        "controlled_id": [issued.controlled_id, nobody],
        "edition_id": [issued.edition_id, nobody],
        "law_id": [record_law(people.person("quality_manager"), facts=FACTS).id, nobody],
        "disclosure_id": [published(cast, filed(cast)).id, nobody],
    }


@pytest.mark.timeout(900 if FULL else 120)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_every_answer_is_one_that_the_schema_describes(
    app: Flask, leader: Actor, known: dict[str, list[Any]], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    headers = {"Authorization": f"Bearer {token_of(leader, *offered(leader))}", "Accept-Language": "en"}
    checks = [check for check in CHECKS.get_all() if check.__name__ not in UNFIT]
    assert len(checks) > 4
    turn = itertools.count()
    asked: set[str] = set()
    answered: set[int] = set()

    for operation in operations(schema):

        @seed(2026)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            for name in case.path_parameters or {}:
                values = known[name]
                case.path_parameters[name] = values[next(turn) % len(values)]
            if mode is GenerationMode.POSITIVE and case.query:
                # Whatever looks like a key of a page is none, unless a page gave it out.
                case.query.pop("after", None)
            answer = case.call(headers=headers)
            if mode is GenerationMode.POSITIVE and case.method == "GET":
                assert answer.status_code in {200, 304, 404}, f"{case.formatted_path} {case.query}: {answer.text}"
            assert answer.status_code < 500, f"{case.method} {case.formatted_path}: {answer.text}"
            case.validate_response(answer, checks=checks)
            asked.add(case.operation.label)
            answered.add(answer.status_code)

        ask()
    assert len(asked) >= 20
    assert answered >= ({200, 201, 404} if mode is GenerationMode.POSITIVE else {400, 422})


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path != "/openapi.json":
            yield operation


def offered(person: Actor) -> list[str]:
    """All scopes that the person may give."""
    from archive_app.identity.access_tokens import scopes_for

    return [scope.key for scope in scopes_for(person.permissions) if scope.key in ALL_SCOPES]
