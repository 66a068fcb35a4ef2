"""The worker proposes what documents may be; people confirm it, or say something else."""

import io
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from archive_app.casework.models import Record
from archive_app.casework.records import proposing
from archive_app.casework.records.at_once import confirm_proposals
from archive_app.casework.records.describing import describe_record, view_record
from archive_app.casework.records.facts import Facts
from archive_app.casework.records.listing import UNDESCRIBED, RecordFilters, list_records
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.reading import read_again
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import GiveWay, Job
from tests.conftest import Workbench, both_databases, both_databases_in_full
from tests.factories import People, declare, engagement_of
from tests.integration.casework.test_records import described, filed

PROPOSER = Actor.system("test")


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


def state_of(archive: Archive, document_id: str) -> str | None:
    with archive.reading(PROPOSER) as uow:
        return uow.session.scalar(select(Record.state).where(Record.document_id == document_id))


def file_at(actor: Actor, engagement: Engagement, path: str, *, level: Level = Level.INTERNAL) -> str:
    entry = Entry(name=path.rpartition("/")[2], source_path=path, level=level)
    made = add_document(actor, engagement_id=engagement.id, stream=io.BytesIO(path.encode()), entry=entry)
    assert made.document_id
    return made.document_id


def test_what_was_read_is_proposed_and_confirmed_by_a_person(
    leader: Actor, engagement: Engagement, archive: Archive, workbench: Workbench
) -> None:
    by_name = filed(leader, engagement, "首次会议签到表20260512.txt")
    by_text = add_document(
        leader,
        engagement_id=engagement.id,
        stream=io.BytesIO("江南供电公司\n电费结算单\n填报单位：江南供电财务部\n".encode()),
        entry=Entry(name="0001.txt"),
    ).document_id
    assert by_text is not None
    nothing = filed(leader, engagement, "0002.txt")
    assert state_of(archive, by_name) is None
    workbench.run()
    assert [state_of(archive, one) for one in (by_name, by_text, nothing)] == ["proposed"] * 3
    page = list_records(leader, engagement_id=engagement.id, filters=RecordFilters(state=UNDESCRIBED))
    found = {line.document.id: line for line in page.items}
    assert {line.record for line in found.values()} == {None}
    assert (found[by_name].proposal.type, found[by_name].proposal.evidence_on) == ("sign_in_sheet", date(2026, 5, 12))
    assert (found[by_text].proposal.type, found[by_text].proposal.originator) == ("invoice", "江南供电财务部")
    assert (found[nothing].proposal.type, found[nothing].proposal.reasons) == ("", ())
    assert view_record(leader, document_id=by_name).record is None
    confirmed = Facts(type="sign_in_sheet", evidence_on=date(2026, 5, 12))
    [line] = confirm_proposals(leader, engagement_id=engagement.id, proposed={by_name: confirmed})
    assert (line.state, line.error) == ("accepted", None)
    record = described(leader, by_name)
    # What was said is the person's, and nothing of the proposal's reasons is left in it.
    assert (record.described_by, record.reason, record.evidence_on) == (leader.person_id, "", date(2026, 5, 12))
    [refused] = confirm_proposals(leader, engagement_id=engagement.id, proposed={nothing: Facts()})
    assert refused.error is not None
    # Read again: what a person said stays, what nobody said is proposed anew.
    describe_record(leader, document_id=by_name, facts=replace(confirmed, type="declaration"))
    read_again(leader, document_id=by_name)
    workbench.run()
    assert described(leader, by_name).type == "declaration"


@both_databases_in_full
def test_documents_of_before_are_proposed_about_and_sealed_files_are_not(
    leader: Actor, engagement: Engagement, archive: Archive, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = engagement_of(leader)
    ids = sorted(filed(leader, engagement, f"{number}号电能表检定证书.txt") for number in range(3))
    inside = filed(leader, sealed, "签到表.txt")
    workbench.run()
    with archive.transaction(PROPOSER, eventless=True) as uow:
        for document_id in (*ids, inside):
            uow.session.delete(uow.session.get_one(Record, document_id))
        uow.session.get_one(Engagement, sealed.id).sealed_at = uow.now
    workshop, job = Workshop(archive), Job(kind=proposing.PROPOSE_ALL, subject_id="")
    monkeypatch.setattr(proposing, "_PORTION", 1)
    monkeypatch.setattr(proposing, "_PORTIONS", 2)
    assert isinstance(proposing.propose_all(workshop, job), GiveWay)
    assert [state_of(archive, one) for one in ids] == ["proposed", "proposed", None]
    while proposing.propose_all(workshop, job) is not None:
        pass
    assert [state_of(archive, one) for one in (*ids, inside)] == ["proposed"] * 3 + [None]
    assert proposing.propose_about(archive, inside) is False
    assert proposing.propose_about(archive, "019aa2b4-0000-7000-8000-000000000000") is False
    with archive.reading(PROPOSER) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Record)) == 3


def test_damaged_text_does_not_stop_the_proposing(
    leader: Actor, engagement: Engagement, archive: Archive, workbench: Workbench
) -> None:
    document_id = filed(leader, engagement, "检定证书.txt")
    workbench.run()
    with archive.transaction(PROPOSER, eventless=True) as uow:
        uow.session.delete(uow.session.get_one(Record, document_id))
    for blob in (archive.data_directory / "blobs").rglob("*"):
        if blob.is_file():
            blob.chmod(0o600)
            blob.write_bytes(b"\0" * 200)
    assert proposing.propose_about(archive, document_id) is True
    assert view_record(leader, document_id=document_id).proposal.type == "calibration_certificate"


@both_databases
def test_kin_propose_among_what_the_person_sees(
    people: People, leader: Actor, archive: Archive, workbench: Workbench
) -> None:
    client = add_client(leader, name="江南热电厂")
    last, now = (
        open_engagement(leader, client_id=client.id, number=f"HC-{year}", title="核查", year=year)
        for year in (2024, 2025)
    )
    new = people.person("verifier", name="新人")
    low = people.person("verifier", name="低密", level=Level.INTERNAL)
    for one_of_both in (last, now):
        declare(archive, one_of_both.id)
    for one in (new, low):
        set_member(leader, engagement_id=now.id, person_id=one.person_id or "", part="member")
    declare(archive, now.id)
    earlier = filed(leader, last, "锅炉房数据2024.txt")
    described = Facts(type="material_list", originator="动力部")
    describe_record(leader, document_id=earlier, facts=described)
    torn = [filed(leader, last, f"{name}.txt") for name in ("杂项1", "杂项2")]
    for document_id, kind in zip(torn, ("declaration", "legal_papers"), strict=True):
        describe_record(leader, document_id=document_id, facts=Facts(type=kind))
    same, unlike = filed(leader, now, "锅炉房数据2025.txt"), filed(leader, now, "杂项3.txt")
    beside = [file_at(leader, now, f"甲_/{number}.txt") for number in range(3)]
    hidden = [file_at(leader, now, f"乙/{number}.txt", level=Level.RESTRICTED) for number in range(2)]
    open_one, elsewhere = file_at(leader, now, "乙/9.txt"), file_at(leader, now, "甲x/1.txt")
    for document_id in (*beside[:2], *hidden):
        describe_record(leader, document_id=document_id, facts=Facts(type="interview_note"))
    workbench.run()

    def proposed(actor: Actor) -> dict[str, tuple[str, str, str]]:
        page = list_records(actor, engagement_id=now.id, filters=RecordFilters(state=UNDESCRIBED))
        return {
            line.document.id: (line.proposal.type, line.proposal.originator, line.proposal.source_of("type"))
            for line in page.items
        }

    by_leader = proposed(leader)
    assert by_leader[same] == ("material_list", "动力部", "last_year")
    assert by_leader[unlike] == ("", "", "")
    assert by_leader[beside[2]] == ("interview_note", "", "folder")
    assert by_leader[open_one] == ("interview_note", "", "folder")
    assert by_leader[elsewhere] == ("", "", "")
    # Whoever was not on last year's team, or sees less, learns nothing of what lies there.
    assert proposed(new)[same] == ("", "", "")
    assert proposed(new)[open_one] == ("interview_note", "", "folder")
    assert proposed(low)[open_one] == ("", "", "")
    assert view_record(new, document_id=same).proposal.type == ""
    # One file beside it is no habit yet.
    describe_record(leader, document_id=beside[1], facts=Facts(type="declaration"))
    assert proposed(leader)[beside[2]] == ("", "", "")
    with archive.reading(PROPOSER) as uow:
        stored = uow.session.get_one(Record, same)
        assert (stored.type, stored.originator) == ("other", "")
