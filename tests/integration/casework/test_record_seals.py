"""Renditions of one record, the register of the seal, and the step by which other rooms make records."""

import io
from dataclasses import replace
from datetime import date

import pytest
from openpyxl import load_workbook

from archive_app.casework.models import Record
from archive_app.casework.recording import record_as, record_of
from archive_app.casework.records.describing import NotDescribedError, describe_record, view_record
from archive_app.casework.records.facts import Facts
from archive_app.casework.records.renditions import (
    RenditionChainError,
    link_rendition,
    part_rendition,
    rendition_choices,
)
from archive_app.casework.records.seals import SealFacts, export_seal_uses, list_seal_uses, register_seal_use
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.levels import Level
from tests.conftest import SetClock
from tests.factories import People, engagement_of
from tests.integration.casework.test_records import SHEET, described, filed, step

SEAL = SealFacts("核查专用章", date(2026, 6, 1), 3, "张敏", "王总")


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def member(people: People) -> Actor:
    return people.person("verifier", name="顾言")


@pytest.fixture
def engagement(leader: Actor, member: Actor) -> Engagement:
    return engagement_of(leader, team=[member])


def test_renditions_stand_together(people: People, leader: Actor, member: Actor, engagement: Engagement) -> None:
    main, scan, ofd, chained = sorted(filed(leader, engagement, f"报告{n}.pdf") for n in range(4))
    with pytest.raises(NotDescribedError):
        link_rendition(leader, document_id=scan, of=main, rendition="sealed_scan")
    describe_record(leader, document_id=main, facts=Facts(type="verification_report", shows="结论"))
    with pytest.raises(InvalidInputError):
        link_rendition(leader, document_id=scan, of=main, rendition="photocopy")
    linked = link_rendition(member, document_id=scan, of=main, rendition="sealed_scan")
    assert (linked.type, linked.shows, linked.state) == ("verification_report", "结论", "accepted")
    describe_record(leader, document_id=ofd, facts=SHEET)
    link_rendition(leader, document_id=ofd, of=main, rendition="sealed_ofd")
    for document_id in (main, scan, ofd):
        shown = view_record(leader, document_id=document_id).renditions
        assert [(document.id, record.rendition) for document, record in shown] == [
            (main, ""),
            (scan, "sealed_scan"),
            (ofd, "sealed_ofd"),
        ]
    # What was said of it before it was linked stays.
    assert described(leader, ofd).type == "sign_in_sheet"
    for one, of in ((chained, scan), (main, chained), (main, main)):
        if of == chained:
            describe_record(leader, document_id=chained, facts=SHEET)
        with pytest.raises(RenditionChainError):
            link_rendition(leader, document_id=one, of=of, rendition="final")
    assert {document.id for document in rendition_choices(leader, document_id=main)} == {chained}
    elsewhere = filed(leader, engagement_of(leader), "别处.pdf")
    with pytest.raises(NotFoundError):
        link_rendition(leader, document_id=elsewhere, of=main, rendition="final")
    part_rendition(leader, document_id=scan)
    assert [document.id for document, _ in view_record(leader, document_id=main).renditions] == [main, ofd]
    with pytest.raises(ConflictError):
        part_rendition(leader, document_id=scan)


def test_the_register_of_the_seal(
    people: People, leader: Actor, member: Actor, engagement: Engagement, clock: SetClock
) -> None:
    document_id = filed(leader, engagement, "=HYPERLINK(1).pdf")
    with pytest.raises(NotDescribedError):
        register_seal_use(leader, document_id=document_id, facts=SEAL)
    describe_record(leader, document_id=document_id, facts=SHEET)
    use = register_seal_use(member, document_id=document_id, facts=SEAL)
    clock.advance(seconds=1)
    register_seal_use(member, document_id=document_id, facts=replace(SEAL, seal="@公章", copies=1))
    wrong = (
        (replace(SEAL, sealed_on=date(2026, 11, 22)), "Sealed on"),
        (replace(SEAL, sealed_on=date(1, 1, 1)), "Sealed on"),
        (replace(SEAL, copies=0), "Copies"),
        (replace(SEAL, copies=1000), "Copies"),
        (replace(SEAL, seal=" "), "Seal"),
        (replace(SEAL, asked_by="字" * 101), "Asked for by"),
        (replace(SEAL, approved_by=""), "Approved by"),
    )
    for facts, field in wrong:
        with pytest.raises(InvalidInputError) as refused:
            register_seal_use(leader, document_id=document_id, facts=facts)
        assert refused.value.params["field"] == field
    assert [row.seal for row, _ in view_record(leader, document_id=document_id).seal_uses] == ["@公章", "核查专用章"]
    page = list_seal_uses(leader, engagement_id=engagement.id, limit=1)
    assert [line.use.seal for line in page.items] == ["@公章"]
    [line] = list_seal_uses(leader, engagement_id=engagement.id, after=page.next_key).items
    assert (line.use.id, line.registered_by) == (use.id, "顾言")
    table = load_workbook(io.BytesIO(export_seal_uses(leader, engagement_id=engagement.id, language="en"))).active
    rows = list(table.iter_rows(values_only=True))
    assert rows[0][:3] == ("The record", "Seal", "Sealed on")
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("=HYPERLINK(1).pdf", "核查专用章", 3),
        ("=HYPERLINK(1).pdf", "@公章", 1),
    ]
    assert {table["A2"].data_type, table["B3"].data_type} == {"s"}
    # What one may not see is not in the register either.
    low = people.person("verifier", level=Level.PUBLIC)
    other = engagement_of(leader, team=[low])
    hidden = filed(leader, other, "机密.pdf", level=Level.RESTRICTED)
    describe_record(leader, document_id=hidden, facts=SHEET)
    register_seal_use(leader, document_id=hidden, facts=SEAL)
    assert list_seal_uses(low, engagement_id=other.id).items == []
    rows = load_workbook(io.BytesIO(export_seal_uses(low, engagement_id=other.id, language="en"))).active.max_row
    assert rows == 1


def test_a_step_of_another_room_keeps_what_it_does_not_say(
    leader: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(leader, engagement, "签到表.pdf")
    with step(archive) as uow:
        assert record_of(uow, document_id) is None
        record_as(uow, document_id, type="sign_in_sheet", state="delivered", originator="甲", shows="到会者")
    with step(archive) as uow:
        record = record_as(uow, document_id, type="sign_in_sheet", state="accepted", evidence_on=date(2026, 5, 1))
        assert (record.originator, record.shows, record.decided_by) == ("甲", "到会者", "system:test")
    with archive.reading(leader) as uow:
        assert uow.session.get_one(Record, document_id).evidence_on == date(2026, 5, 1)
