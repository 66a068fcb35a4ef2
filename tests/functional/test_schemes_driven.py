"""Every scheme of the installation, driven from its first stage to its last through the JSON interface: whatever it
requires is refused when it is absent, each thing by itself."""

from typing import Any

import pytest
from flask import Flask

from archive_app.casework.gates import GATES
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.scheme_values import GATES as KNOWN_CONDITIONS
from archive_app.engagements.schemes import Scheme, Stage, all_schemes
from archive_app.engagements.teams import set_member
from archive_app.kernel.archive import Archive
from tests.cases import CONDITIONS, SCHEMES, add_record, make_ready, make_report, required_types, withdraw_only
from tests.factories import People, declare, engagement_of, file_bytes
from tests.functional.api_client import ALL_SCOPES, Program, token_of

_REFUSED, _DONE = 409, 200


class Case:
    """An engagement of a scheme with everybody whom it needs, and programs that act for them."""

    def __init__(self, archive: Archive, app: Flask, people: People, scheme: Scheme) -> None:
        self.archive, self.app, self.scheme = archive, app, scheme
        leader = people.person("team_leader", "archivist")
        parent = engagement_of(leader)
        if scheme.follows:
            parent = self._opened(leader, parent.client_id, scheme.follows[0], "F-1")
        self.engagement = self._opened(leader, parent.client_id, scheme.code, "D-1", parent.id if scheme.parent else "")
        self.id = self.engagement.id
        for _ in range(scheme.team.least_people):
            self._assign(leader, people.person("verifier"), "member")
        reviewer = people.person("technical_reviewer")
        if scheme.team.reviewer:
            self._assign(leader, reviewer, "reviewer")
        declare(archive, self.id)
        issuer = people.person("quality_manager")
        movers = {"leader": leader, "archivist": leader, "reviewer": reviewer, "issuer": issuer}
        self.movers = {part: Program(app, token_of(person, *_scopes(part))) for part, person in movers.items()}
        self.leader = leader
        self.documents: dict[str, list[str]] = {}

    def _opened(self, leader: Any, client_id: str, scheme: str, number: str, parent_id: str = "") -> Any:
        opened = open_engagement(
            leader, client_id=client_id, number=number, title="x", year=2026, scheme=scheme, parent_id=parent_id
        )
        declare(self.archive, opened.id)
        return opened

    def _assign(self, leader: Any, person: Any, part: str) -> None:
        set_member(leader, engagement_id=self.id, person_id=person.person_id, part=part)

    def bring(self, record_type: str) -> None:
        """A record of the type is there; the report with its review, issue and notification."""
        if record_type == self.scheme.report:
            document = file_bytes(self.leader, self.engagement, "report.txt", b"report").document_id or ""
            make_report(self.archive, document, self.id, record_type)
        else:
            document = add_record(self.archive, self.id, record_type)
        self.documents.setdefault(record_type, []).append(document)

    def take_away(self, *record_types: str) -> None:
        """Takes the records of these types away and gives back what was taken before."""
        away = [document for one in record_types for document in self.documents[one]]
        withdraw_only(self.archive, self.id, away)

    def move(self, stage: Stage) -> Any:
        """Whoever acts first at the stage asks to go on from it."""
        body = {"from_stage": stage.code, "to_stage": stage.next[0]}
        return self.movers[stage.moved_by[0]].post(f"/engagements/{self.id}/stage", body)

    def refusal(self, stage: Stage) -> dict[str, set[str]]:
        """What is told to stand in the way, by code."""
        answer = self.move(stage)
        assert (answer.status_code, answer.json["code"]) == (_REFUSED, "stage_incomplete"), answer.json
        told: dict[str, set[str]] = {}
        for fault in answer.json["errors"]:
            assert fault["detail"]
            told.setdefault(fault["code"], set()).add(fault.get("about", ""))
        return told

    def progress(self) -> Any:
        """What the interface says about the engagement."""
        return self.movers["leader"].get(f"/engagements/{self.id}/progress").json


def _scopes(part: str) -> tuple[str, ...]:
    return ALL_SCOPES if part == "leader" else ("read", "cases")


def test_conditions_are_all_known() -> None:
    assert KNOWN_CONDITIONS == CONDITIONS.keys() == GATES.keys()


@pytest.mark.parametrize("code", SCHEMES)
def test_nothing_required_is_left_behind(archive: Archive, app: Flask, people: People, code: str) -> None:
    scheme = all_schemes()[code]
    case = Case(archive, app, people, scheme)
    make_ready(archive, case.id, scheme)
    refused = []
    for stage in scheme.stages:
        required = [record.type for record in stage.records if record.required]
        absent = [one for one in required if one not in case.documents]
        if stage.next and absent:
            assert case.refusal(stage)["record_missing"] == {f"{stage.code}/{one}" for one in absent}
        for one in absent:
            case.bring(one)
        if not stage.next:
            break
        refused += _each_record_is_asked_for(case, stage, required)
        _each_condition_is_asked(case, stage)
        answer = case.move(stage)
        assert answer.status_code == _DONE, answer.json
        assert answer.json == {"engagement_id": case.id, "from_stage": stage.code, "to_stage": stage.next[0]}
    assert case.progress()["stage"] == scheme.stages[-1].code
    asked_for = {(stage.code, one) for stage, one in refused}
    last = scheme.stages[-1].code
    assert asked_for == {pair for pair in required_types(scheme) if pair[0] != last}
    print(f"{code}: {len(scheme.stages)} stages, {len(refused)} records each refused when absent")


def _each_record_is_asked_for(case: Case, stage: Stage, required: list[str]) -> list[tuple[Stage, str]]:
    passed = case.scheme.stages[: case.scheme.position(stage.code) + 1]
    for one in required:
        case.take_away(one)
        wanted = {f"{other.code}/{one}" for other in passed for record in other.records if record.type == one}
        told = case.refusal(stage)
        assert told.pop("record_missing") == wanted
        # Without the report nothing about it holds either.
        assert one == case.scheme.report or not told, told
    case.take_away()
    return [(stage, one) for one in required]


def _each_condition_is_asked(case: Case, stage: Stage) -> None:
    for need in stage.needs:
        condition = CONDITIONS[need]
        condition.hold(case.archive, case.id, held=False)
        told = case.refusal(stage)
        assert set(told) & condition.codes, (need, told)
        condition.hold(case.archive, case.id, held=True)
