"""From documents to a sealed file: arranged, submitted, checked, accepted by another (`accepted_by_another`); late
additions; opened again."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import select

from archive_app.casework.models import Record
from archive_app.casework.recording import RecordIncompleteError, give_back
from archive_app.casework.recording import accept as accept_record
from archive_app.documents.classifying import classify
from archive_app.documents.ingest import Entry, Stored, Stream, add_document, store
from archive_app.documents.keys import key_of
from archive_app.documents.models import Document, Version
from archive_app.documents.uploads import Offer, Origin, announce_one, keep_duplicate, line_of, receive, view_upload
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Engagement
from archive_app.engagements.teams import set_member
from archive_app.filing.accepting import ChangedSinceChecksError, accept, return_file
from archive_app.filing.arranging import leave_out, place_documents, propose
from archive_app.filing.examining import JOB, check_submission
from archive_app.filing.findings import kept
from archive_app.filing.late import accept_late, add_late, late_items, refuse_late
from archive_app.filing.models import CaseFile, CaseItem, LeftOut, Seal, Submission
from archive_app.filing.numbering import change_rule
from archive_app.filing.placing import ItemSealedError, SubmittedError
from archive_app.filing.reading import case_file_of
from archive_app.filing.reopening import reopen
from archive_app.filing.shelving import end_file
from archive_app.filing.submitting import NotArrangedError, submit, withdraw_submission
from archive_app.intake.inbox.filing import file_one
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.inbox.models import InboxFile
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import ConflictError, InvalidInputError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import GiveWay, Job
from storage import Purpose
from tests.case_files import SYSTEM, Body, body, check, file_record
from tests.conftest import both_databases
from tests.factories import People


def manifest_of(archive: Archive, document_id: str) -> tuple[bytes, Any]:
    with archive.reading(SYSTEM) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == document_id)).one()
    with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as stream:
        content = stream.read()
    return content, json.loads(content)


def numbers(ours: Body) -> list[str]:
    with ours.archive.reading(ours.leader) as uow:
        files = uow.session.scalars(select(CaseFile.id).order_by(CaseFile.position)).all()
        views = [case_file_of(uow, one) for one in files]
    return [item.number for view in views for item in view.items]


@both_databases
def test_a_file_is_sealed_with_a_manifest_of_everything_in_it(people: People) -> None:
    ours = body(people)
    waiting = ours.submitted()
    assert (waiting.state, waiting.checked, waiting.total, waiting.malware) == ("waiting", 3, 3, "off")
    assert {one.code for one in kept(waiting)} == {"not_read_yet"}
    with pytest.raises(DutiesNotSeparateError):
        accept(
            replace(ours.leader, permissions=ours.archivist.permissions),
            engagement_id=ours.engagement.id,
            submission_id=waiting.id,
        )
    assert ours.row().sealed_at is None

    sealed = accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=waiting.id)

    assert (sealed.ordinal, sealed.kind, sealed.items) == (1, "first", 3)
    assert ours.row().sealed_at == people.archive.clock.now()
    assert ours.row().stage == "keeping"
    content, manifest = manifest_of(people.archive, sealed.document_id)
    assert hashlib.sha256(content).hexdigest() == sealed.manifest_sha256
    (case_file,) = manifest["case_files"]
    assert case_file["archival_number"] == "J019-ZY·HC·2026·D10-001"
    # In the order of the scheme: the letter, the plan, the report.
    assert [one["versions"][0]["name"] for one in case_file["items"]] == ["任务书.txt", "方案.txt", "报告.txt"]
    assert numbers(ours) == [f"J019-ZY·HC·2026·D10-001-00{place}" for place in (1, 2, 3)]
    assert case_file["items"][0]["versions"][0]["sha256"] == hashlib.sha256("任务书.txt的内容。".encode()).hexdigest()
    assert manifest["seal"]["by"]["id"] == ours.archivist.name
    with pytest.raises(EngagementSealedError):
        accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=waiting.id)
    with pytest.raises(EngagementSealedError):
        file_record(ours.leader, ours.engagement, "又一件.txt", "work_plan")
    with people.archive.reading(SYSTEM) as uow:
        assert len(uow.session.scalars(select(Seal)).all()) == 1
        assert len(uow.session.scalars(select(Document)).all()) == 4
        assert all(uow.session.scalars(select(CaseItem.seal_id)))


def test_what_changed_after_the_checks_is_not_accepted(people: People) -> None:
    ours = body(people)
    waiting = ours.submitted()
    late = file_record(ours.leader, ours.engagement, "后来的.txt", "work_plan")
    with pytest.raises(ChangedSinceChecksError):
        accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=waiting.id)
    with pytest.raises(SubmittedError):
        place_documents(ours.leader, case_file_id=files_of(ours)[0].id, document_ids=[late])
    withdraw_submission(ours.leader, engagement_id=ours.engagement.id)

    again = ours.submitted()
    with people.archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(Record, ours.documents[0]).shows = "另一句"
    with pytest.raises(ChangedSinceChecksError):
        accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=again.id)
    assert ours.row().sealed_at is None

    return_file(ours.archivist, engagement_id=ours.engagement.id, submission_id=again.id, reason="改过了")
    third = ours.submitted()
    assert accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=third.id).items == 4
    assert [row.number for row in files_of(ours)] == ["J019-ZY·HC·2026·D10-001"]


def test_a_file_that_changes_while_its_manifest_is_written_gets_another(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the manifest's bytes and the lock somebody gives a document another title, which is no change of what was
    checked as long as nobody looks: the manifest has to say the new one, or nothing is sealed."""
    ours = body(people)
    waiting = ours.submitted()
    stored = []

    def store_and_touch(archive: Archive, stream: Stream, name: str) -> Stored:
        stored.append(1)
        made = store(archive, stream, name)
        if len(stored) == 1:
            with people.archive.transaction(SYSTEM, eventless=True) as uow:
                uow.session.get_one(Engagement, ours.engagement.id).title = "另一个题目"
        return made

    monkeypatch.setattr("archive_app.filing.sealing.store", store_and_touch)
    sealed = accept(ours.archivist, engagement_id=ours.engagement.id, submission_id=waiting.id)
    assert len(stored) == 2
    _, manifest = manifest_of(people.archive, sealed.document_id)
    assert manifest["engagement"]["title"] == "另一个题目"


def test_checks_name_what_is_wrong_and_where(people: People) -> None:
    ours = body(people, records=(("报告.txt", "verification_report"), ("方案.txt", "work_plan")))
    bare = add_document(
        ours.leader, engagement_id=ours.engagement.id, stream=io.BytesIO(b"x"), entry=Entry(name="无.txt")
    ).document_id
    assert bare is not None
    with pytest.raises(NotArrangedError):
        submit(ours.leader, engagement_id=ours.engagement.id)
    submission = ours.submitted()
    found = {(one.code, one.document_id) for one in kept(submission) if one.grave}
    assert submission.state == "failed"
    assert found == {
        ("record_missing", ""),
        ("no_record", bare),
        ("no_date", bare),
        ("no_originator", bare),
    }
    assert any(one.text("zh_Hans_CN") and "3" not in one.code for one in kept(submission))

    # The bytes of a document are exchanged on the disk: the next checks name it, and nothing is accepted.
    with people.archive.reading(SYSTEM) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == ours.documents[0])).one()
    (blob,) = people.archive.data_directory.rglob(f"*{version.content_blob_id}*")
    damaged = bytearray(blob.read_bytes())
    damaged[-1] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(damaged)
    leave_out(ours.leader, engagement_id=ours.engagement.id, document_ids=[bare], reason="与核查无关")
    again = ours.submitted()
    assert again.state == "failed"
    assert ("bytes_wrong", ours.documents[0]) in {(one.code, one.document_id) for one in kept(again)}


def test_what_was_returned_is_left_out_for_the_reason_it_was_returned_for(people: People) -> None:
    ours = body(people)
    returned = file_record(ours.leader, ours.engagement, "旧台账.txt", "other")
    with ours.archive.transaction(SYSTEM, eventless=True) as uow:
        give_back(uow, uow.session.get_one(Record, returned), "缺第3页")
    assert not ours.submitted().findings.count(returned)
    with ours.archive.reading(ours.leader) as uow:
        assert uow.session.get_one(LeftOut, returned).reason == "缺第3页"
        assert returned not in uow.session.scalars(select(CaseItem.document_id)).all()


def test_what_was_returned_and_then_accepted_belongs_into_a_case_file_again(people: People) -> None:
    ours = body(people)
    both = [file_record(ours.leader, ours.engagement, name, "other") for name in ("草稿.txt", "旧台账.txt")]
    kept_out, mended = both
    with ours.archive.transaction(SYSTEM, eventless=True) as uow:
        for document_id in both:
            give_back(uow, uow.session.get_one(Record, document_id), "缺第3页")
    propose(ours.leader, engagement_id=ours.engagement.id)
    leave_out(ours.leader, engagement_id=ours.engagement.id, document_ids=[kept_out], reason="重复")
    with ours.archive.transaction(SYSTEM, eventless=True) as uow:
        for document_id in both:
            accept_record(uow, uow.session.get_one(Record, document_id))
    propose(ours.leader, engagement_id=ours.engagement.id)
    with ours.archive.reading(ours.leader) as uow:
        assert mended in uow.session.scalars(select(CaseItem.document_id)).all()
        assert uow.session.get_one(LeftOut, kept_out).reason == "重复"


def test_checking_goes_on_where_it_ended(people: People) -> None:
    ours = body(people)
    propose(ours.leader, engagement_id=ours.engagement.id)
    submission = submit(ours.leader, engagement_id=ours.engagement.id)
    job = Job(kind=JOB, subject_id=submission.id, payload="{}")
    for done in (1, 2, 3):
        assert isinstance(check_submission(Workshop(people.archive, stopping=lambda: True), job), GiveWay)
        with people.archive.reading(SYSTEM) as uow:
            assert uow.session.get_one(Submission, submission.id).checked == done
    # A version whose upload began before stands before those that were checked: all of it is checked again.
    with people.archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(Submission, submission.id).checked = 2
    assert check_submission(Workshop(people.archive), job) is None
    with people.archive.reading(SYSTEM) as uow:
        row = uow.session.get_one(Submission, submission.id)
        assert (row.state, row.checked, row.last_version_id) == ("checking", 0, None)
    assert check(people.archive, submission.id).state == "waiting"


def test_late_additions_and_reopening(people: People) -> None:
    ours = body(people)
    first = ours.sealed()
    (case_file,) = files_of(ours)
    with pytest.raises(InvalidInputError):
        bring_late(ours.leader, case_file.id, reason=" ")
    document_id = bring_late(ours.leader, case_file.id, reason="邮寄迟到")
    with pytest.raises(DutiesNotSeparateError):
        accept_late(replace(ours.leader, permissions=ours.archivist.permissions), engagement_id=ours.engagement.id)
    second = accept_late(ours.archivist, engagement_id=ours.engagement.id)
    _, manifest = manifest_of(people.archive, second.document_id)
    (added,) = manifest["case_files"][0]["items"]
    assert (second.kind, second.ordinal, second.items) == ("supplement", 2, 1)
    assert (added["document"], added["late_reason"], added["archival_number"]) == (
        document_id,
        "邮寄迟到",
        "J019-ZY·HC·2026·D10-001-004",
    )
    assert manifest["seal"]["previous_sha256"] == first.manifest_sha256
    refused = bring_late(ours.leader, case_file.id, reason="误传", content=b"y")
    with people.archive.reading(SYSTEM) as uow:
        (item,) = late_items(uow, ours.engagement.id)
    refuse_late(ours.archivist, item_id=item.id, reason="不属于本卷")
    with people.archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(Document, refused).withdrawn_at is not None
        assert not late_items(uow, ours.engagement.id)
    with pytest.raises(ConflictError):
        accept_late(ours.archivist, engagement_id=ours.engagement.id)

    reopen(ours.archivist, engagement_id=ours.engagement.id, reason="补充调查")
    assert (ours.row().sealed_at, ours.row().stage) == (None, "keeping")
    with pytest.raises(ItemSealedError):
        leave_out(ours.leader, engagement_id=ours.engagement.id, document_ids=[document_id], reason="不要了")
    with pytest.raises(ItemSealedError):
        end_file(ours.leader, case_file_id=case_file.id, reason="不要了")
    before = numbers(ours)
    file_record(ours.leader, ours.engagement, "先排.txt", "assignment_letter")
    change_rule(ours.archivist, fonds="J020", file_digits=5, item_digits=4)
    third = ours.sealed()
    assert (third.kind, third.ordinal, third.items) == ("again", 3, 5)
    assert numbers(ours) == [*before, "J019-ZY·HC·2026·D10-001-0005"]
    _, manifest = manifest_of(people.archive, third.document_id)
    assert [one["reason"] for one in manifest["reopenings"]] == ["补充调查"]
    with people.archive.reading(ours.leader) as uow:
        assert [one.resealed for one in case_file_of(uow, case_file.id).reopenings] == [3]


def test_late_activity_data_come_with_what_they_need(people: People) -> None:
    ours = body(people)
    ours.sealed()
    (case_file,) = files_of(ours)
    described = {
        "source": "电能表",
        "unit": "MWh",
        "monitoring_frequency": "每月",
        "department": "动力部",
        "cross_check": "与台账一致",
    }
    with pytest.raises(RecordIncompleteError):
        bring_late(
            ours.leader, case_file.id, reason="迟到", record_type="activity_data", described={**described, "unit": " "}
        )
    document_id = bring_late(ours.leader, case_file.id, reason="迟到", record_type="activity_data", described=described)
    with people.archive.reading(SYSTEM) as uow:
        record = uow.session.get_one(Record, document_id)
        assert (record.state, record.unit, record.department) == ("accepted", "MWh", "动力部")
    assert accept_late(ours.archivist, engagement_id=ours.engagement.id).items == 1


def files_of(ours: Body) -> list[CaseFile]:
    with ours.archive.reading(SYSTEM) as uow:
        of_engagement = select(CaseFile).where(CaseFile.engagement_id == ours.engagement.id)
        return list(uow.session.scalars(of_engagement.order_by(CaseFile.position)))


def bring_late(
    actor: Actor,
    case_file_id: str,
    *,
    reason: str,
    content: bytes = b"x",
    record_type: str = "work_plan",
    described: Mapping[str, str] = MappingProxyType({}),
) -> str:
    return add_late(
        actor,
        case_file_id=case_file_id,
        stream=io.BytesIO(content),
        entry=Entry(name="迟到.txt", originator="江南热电厂"),
        record_type=record_type,
        reason=reason,
        evidence_on="2026-03-31",
        described=described,
    )


class SealingStream:
    """A file that is on its way while its engagement's file is accepted."""

    def __init__(self, seal: Callable[[], object]) -> None:
        self._blocks = [b"first half", b"second half"]
        self._seal = seal

    def read(self, _size: int = -1, /) -> bytes:
        if len(self._blocks) == 1:
            self._seal()
        return self._blocks.pop(0) if self._blocks else b""


def test_sealing_during_an_upload_refuses_it_and_says_so(people: People) -> None:
    ours = body(people)
    engagement_id = ours.engagement.id
    copy = announce_one(ours.leader, engagement_id=engagement_id, offer=Offer("任务书.txt", 0), origin=Origin())
    same = "任务书.txt的内容。".encode()
    assert (
        receive(ours.leader, upload_id=copy.id, stream=io.BytesIO(same), expected_bytes=len(same)).state == "duplicate"
    )
    held = hold_file(
        ours.archivist,
        place=InboxPlace(ours.engagement.organisation_id),
        entry=Entry(name="收件.txt"),
        stream=io.BytesIO(b"held"),
    )
    coming = announce_one(ours.leader, engagement_id=engagement_id, offer=Offer("途中.txt", 21), origin=Origin())
    waiting = ours.submitted()

    def seal() -> None:
        accept(ours.archivist, engagement_id=engagement_id, submission_id=waiting.id)

    with pytest.raises(EngagementSealedError):
        receive(ours.leader, upload_id=coming.id, stream=SealingStream(seal), expected_bytes=21)
    assert ours.row().sealed_at is not None
    line = view_upload(ours.leader, upload_id=coming.id)
    assert (line.state, line.filed_document_id) == ("refused", None)
    assert "is sealed" in line_of(line, "en").reason
    with people.archive.reading(SYSTEM) as uow:
        assert len(uow.session.scalars(select(Document)).all()) == 4

    refused: list[Callable[[], object]] = [
        lambda: announce_one(ours.leader, engagement_id=engagement_id, offer=Offer("新.txt", 1), origin=Origin()),
        lambda: keep_duplicate(ours.leader, upload_id=copy.id),
        lambda: add_document(
            ours.leader,
            engagement_id=engagement_id,
            stream=SealingStream(lambda: pytest.fail("no byte is taken for a sealed file")),
            entry=Entry(name="改.txt"),
            document_id=ours.documents[0],
        ),
        lambda: file_one(ours.archivist, inbox_id=held.id, engagement_id=engagement_id),
        lambda: propose(ours.leader, engagement_id=engagement_id),
        lambda: submit(ours.leader, engagement_id=engagement_id),
        lambda: set_member(
            ours.leader, engagement_id=engagement_id, person_id=people.person("verifier").person_id or "", part="member"
        ),
    ]
    for act in refused:
        with pytest.raises(EngagementSealedError):
            act()
    with people.archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(InboxFile, held.id).state == "waiting"
    # The level of a document is who may see it, not what it says: that goes on.
    (changed,) = classify(ours.leader, document_ids=[ours.documents[0]], level=Level.SENSITIVE)
    assert changed.error is None
    assert classify(ours.leader, document_ids=[ours.documents[1]], level=Level.SENSITIVE)[0].after is Level.SENSITIVE
