"""What is accepted is what was checked: nothing that was opened again, and nothing that came in, since then."""

import io
from typing import Any

import pytest
from sqlalchemy import select

from archive_app.casework.waivers import ask_again, waive_record
from archive_app.documents.ingest import Entry
from archive_app.documents.models import Version
from archive_app.engagements.teams import set_member
from archive_app.filing.accepting import OpenAgainError, accept
from archive_app.filing.findings import Finding
from archive_app.filing.late import accept_late, add_late, late_items
from archive_app.filing.models import CaseFile
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError
from tests.case_files import RECORDS, SYSTEM, Body, body
from tests.factories import People, declare


def test_what_opened_again_since_the_checks_is_in_the_way_of_accepting(people: People) -> None:
    """A required record that applies after all, and somebody who has not declared: neither changes a document."""
    ours = body(people, records=RECORDS[:1])
    engagement_id = ours.engagement.id
    line = {"engagement_id": engagement_id, "stage": "work", "record_type": "assignment_letter"}
    waive_record(ours.leader, **line, reason="口头委托")
    waiting = ours.submitted()
    assert waiting.state == "waiting"
    ask_again(ours.leader, **line, reason="后来有了书面委托")
    with pytest.raises(OpenAgainError) as missing:
        accept(ours.archivist, engagement_id=engagement_id, submission_id=waiting.id)
    assert "核查委托" in missing.value.text("zh_Hans_CN")
    waive_record(ours.leader, **line, reason="没有书面委托")
    helper = people.person("verifier")
    set_member(ours.leader, engagement_id=engagement_id, person_id=helper.person_id or "", part="member")
    with pytest.raises(OpenAgainError) as undeclared:
        accept(ours.archivist, engagement_id=engagement_id, submission_id=waiting.id)
    assert helper.display_name in undeclared.value.text("en")
    assert ours.row().sealed_at is None
    declare(people.archive, engagement_id)
    assert accept(ours.archivist, engagement_id=engagement_id, submission_id=waiting.id).items == 1


def test_what_comes_late_while_late_additions_are_checked_is_not_accepted_unchecked(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = body(people)
    ours.sealed()
    late(ours, "迟到一.txt")
    checked: list[str] = []

    def meanwhile(archive: Archive, version: Version) -> list[Finding]:
        checked.append(version.id)
        if len(checked) == 1:
            late(ours, "迟到二.txt")
        return []

    monkeypatch.setattr("archive_app.filing.late.examine_bytes", meanwhile)
    with pytest.raises(ConflictError):
        accept_late(ours.archivist, engagement_id=ours.engagement.id)
    with people.archive.reading(SYSTEM) as uow:
        assert len(late_items(uow, ours.engagement.id)) == 2
        seen = [item.id for item in late_items(uow, ours.engagement.id)]
    with pytest.raises(ConflictError):
        accept_late(ours.archivist, engagement_id=ours.engagement.id, items=seen[:1])
    assert accept_late(ours.archivist, engagement_id=ours.engagement.id, items=seen).items == 2
    assert len(checked) == 1 + 2 + 2


def late(ours: Body, name: str) -> Any:
    """A late addition of the leader's."""
    with ours.archive.reading(SYSTEM) as uow:
        case_file = uow.session.scalars(select(CaseFile.id)).one()
    return add_late(
        ours.leader,
        case_file_id=case_file,
        stream=io.BytesIO(name.encode()),
        entry=Entry(name=name, originator="江南热电厂"),
        record_type="work_plan",
        reason="补来",
        evidence_on="2026-03-01",
    )
