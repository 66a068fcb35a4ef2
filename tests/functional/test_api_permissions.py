"""Every operation of the JSON interface: closed without a token, without the permission, and to other organisations."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from archive_app.casework.nonconformities.raising import Finding, raise_nonconformity
from archive_app.documents.ingest import Entry
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile
from archive_app.identity.access_tokens import SCOPES
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.registers.attaching import receive_file
from archive_app.intake.registers.bringing import bring_register, map_columns
from archive_app.intake.registers.reviewing import RowFilters, list_rows
from archive_app.kernel.permissions import OF_PEOPLE
from archive_app.management.controlled.registering import Description, register_document
from archive_app.management.laws.recording import record_law
from archive_app.trail.reading import document_history
from archive_app.web.api.routes import Operation
from tests.conftest import Workbench
from tests.duties import occurrence_of
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import ALL_SCOPES, Program, fresh_key, token_of
from tests.integration.management.disclosures import filed, published, publishers
from tests.laws import FACTS
from tests.management_reviews import review_house

REGISTER = "题名,文号\n监测报告,JC-2\n".encode()
# Bodies that the schema allows, so that what is refused is refused for its place.
BODIES: dict[str, Any] = {
    "post_client": {"name": "甲"},
    "put_columns": {"columns": {"A": "title"}},
    "put_sheet": {"sheet": 0},
    "post_correction": {"field": "title", "value": "x"},
    "post_confirmation": {"fault": "date_partial"},
    "post_confirmations": {"fault": "date_partial"},
    "post_row_closing": {"reason": "no_file"},
    "post_rows_closing": {"words": "x"},
    "post_discarding": {"reason": "x"},
    "post_stage": {"from_stage": "arrangement", "to_stage": "preparation"},
    "post_waiver": {"stage": "arrangement", "type": "assignment_letter", "reason": "x"},
    "put_record": {"type": "other"},
    "post_acceptance": {},
    "post_return": {"reason": "x"},
    "post_nonconformity": {"grade": "minor", "clause": "5.2", "statement": "x"},
    "post_correction_confirmation": {"effectiveness": "x"},
    "post_settlement": {"remark": "x"},
}

_LISTS_OF_ONES_OWN = {
    "list_of_clients",
    "list_of_controlled_documents",
    "list_of_disclosures",
    "list_of_duties",
    "list_of_engagements",
    "list_of_imports",
    "list_of_inbox",
    "list_of_laws",
    "list_of_management_reviews",
    "list_of_obligations",
    "list_of_occurrences",
}


def operations(app: Flask) -> list[Operation]:
    views = app.view_functions.values()
    found = [view.operation for view in views if hasattr(view, "operation")]
    assert len(found) >= 30
    return found


def ask(program: Program, operation: Operation, values: dict[str, Any], body: Any) -> Any:
    path = re.sub(r"<[^:]*(?:\([^)]*\))?:(\w+)>", lambda place: str(values[place[1]]), operation.path)
    headers = {"Idempotency-Key": fresh_key()} if operation.writes else {}
    if operation.takes_file:
        headers["Content-Type"] = "application/octet-stream"
        return program.ask(operation.method, f"{path}?name=a.csv", data=REGISTER, headers=headers)
    return program.ask(operation.method, path, json=body if operation.body else None, headers=headers)


@pytest.fixture
def theirs(people: People, workbench: Workbench) -> dict[str, Any]:
    """One of everything, in another organisation."""
    leader = people.person("team_leader", "archivist", organisation="他方核查")
    engagement = engagement_of(leader)
    document = file_bytes(leader, engagement, "a.txt", b"theirs").document_id or ""
    place = InboxPlace(leader.organisation_id or "")
    inbox = hold_file(leader, stream=io.BytesIO(b"theirs"), entry=Entry("b.txt"), place=place)
    register = bring_register(leader, stream=io.BytesIO(REGISTER), name="r.csv", engagement_id=engagement.id)
    map_columns(leader, register_id=register, columns={0: "title", 1: "number"})
    workbench.run()
    file = receive_file(leader, register_id=register, stream=io.BytesIO(b"c"), entry=Entry("c.txt"))
    finding = Finding(grade="minor", clause="5.2", statement="缺少校准记录")
    raised = raise_nonconformity(leader, engagement_id=engagement.id, finding=finding)
    propose(leader, engagement_id=engagement.id)
    registered = register_document(leader, kind="procedure", described=Description("文件控制程序"))
    law = record_law(people.person("quality_manager", organisation="他方核查"), facts=FACTS)
    cast = publishers(people, "他方核查")
    with workbench.archive.reading(leader) as uow:
        case_file = uow.session.scalars(select(CaseFile.id)).one()
    rows = list_rows(leader, register_id=register, filters=RowFilters()).items
    return {
        "organisation_id": leader.organisation_id,
        "client_id": engagement.client_id,
        "engagement_id": engagement.id,
        "document_id": document,
        "event_id": document_history(leader, document_id=document).items[0].id,
        "number": 1,
        "register_id": register,
        "row_id": rows[0].id,
        "file_id": file,
        "inbox_id": inbox.id,
        "nonconformity_id": raised.id,
        "occurrence_id": occurrence_of(workbench.archive, leader),
        "case_file_id": case_file,
        "controlled_id": registered.controlled_id,
        "management_review_id": review_house(people, "他方核查", "verification_body").planned(),
        "edition_id": registered.edition_id,
        "law_id": law.id,
        "disclosure_id": published(cast, filed(cast)).id,
    }


def test_nothing_of_another_organisation_is_there(app: Flask, people: People, theirs: dict[str, Any]) -> None:
    stranger = Program(app, token_of(people.person("team_leader", "archivist"), *ALL_SCOPES))
    bodies = BODIES | {
        "post_engagement": {"client_id": theirs["client_id"], "number": "1", "title": "x", "year": 2025},
        "post_inbox_filing": {"engagement_id": theirs["engagement_id"]},
        "post_row_files": {"files": [theirs["file_id"]]},
    }
    answered, empty = {}, set()
    for operation in operations(app):
        answer = ask(stranger, operation, theirs, bodies.get(operation.name))
        if "<" in operation.path or operation.name == "post_engagement":
            answered[operation.name] = answer.status_code
        elif operation.name in _LISTS_OF_ONES_OWN:
            assert answer.json["items"] == []
            empty.add(operation.name)
    assert empty == _LISTS_OF_ONES_OWN
    assert set(answered.values()) == {404}, answered


def test_nothing_is_open_without_its_permission(app: Flask, people: People, theirs: dict[str, Any]) -> None:
    """Somebody whose token has every scope but those with the permission in question."""
    person = people.person("team_leader", "archivist")
    nobody = Program(app)
    tokens: dict[tuple[str, ...], str] = {}
    for operation in operations(app):
        answer = ask(nobody, operation, theirs, None)
        assert (answer.status_code, answer.json["code"]) == (401, "token_required"), operation.name
        if operation.permission in OF_PEOPLE:
            continue
        without = tuple(scope.key for scope in SCOPES if operation.permission not in scope.permissions)
        if without not in tokens:
            tokens[without] = token_of(person, *without)
        answer = ask(Program(app, tokens[without]), operation, theirs, None)
        assert (answer.status_code, answer.json["code"]) == (403, "permission_missing"), operation.name
