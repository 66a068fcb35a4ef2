"""Forms: filled from the engagement, as PDF and as Word, filed back as a record of their type."""

import io
from dataclasses import replace
from typing import Any

import pytest
from docx import Document as WordDocument
from sqlalchemy import func, select

from archive_app.casework.forms.facts import known_of
from archive_app.casework.forms.filling import FileType, file_form, list_forms, open_form
from archive_app.casework.forms.layouts import all_layouts
from archive_app.casework.forms.sheets import fill
from archive_app.casework.models import Record
from archive_app.casework.nonconformities.raising import Finding, raise_nonconformity
from archive_app.casework.records.describing import describe_record
from archive_app.casework.records.facts import Facts
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import drawable_text, plain_text
from tests.case_files import file_record
from tests.conftest import SetClock, both_databases_in_full
from tests.factories import People, engagement_of, file_bytes
from tests.printed import page_texts, squeezed, texts_of

ZH = "zh_Hans_CN"
TITLE = '望溪纸业 2025 年度 #panic("x") *核查* $x$ 😀 {{ 7*7 }}'
STATEMENT = "三月入炉煤低位发热量缺测 4 日。\n见 #table[台账] ☃"


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader, title=TITLE)


def opened(leader: Actor, engagement: Engagement, code: str, **more: Any) -> bytes:
    told = {"file_type": FileType.PDF, "language": ZH, **more}
    return open_form(leader, engagement_id=engagement.id, code=code, **told).content


def word_text(content: bytes) -> str:
    """Every text of a Word document's body, in its order."""
    document = WordDocument(io.BytesIO(content))
    return "\n".join(node.text or "\n" for node in document.element.body.iter() if node.tag.endswith(("}t", "}br")))


@both_databases_in_full
def test_every_form_holds_what_the_archive_knows(
    archive: Archive, people: People, leader: Actor, engagement: Engagement
) -> None:
    document = file_bytes(leader, engagement, "台账.txt", "三月台账".encode()).document_id or ""
    facts = Facts(type="energy_ledger", facet="production_data", methods=("examine",), shows="产量")
    describe_record(leader, document_id=document, facts=facts)
    file_record(leader, engagement, "密件.txt", "process_description", level=Level.RESTRICTED)
    raised = raise_nonconformity(
        leader, engagement_id=engagement.id, finding=Finding("minor", "S0 5.6", STATEMENT, "台账第 12 页")
    )
    page = list_forms(leader, engagement_id=engagement.id)
    assert {one.code for one in (*page.forms, *page.about_each)} == set(all_layouts())
    assert (page.declares, page.may_file) == ("declaration" in forms_of(archive, engagement), True)
    assert [(found.position, state) for found, state in page.nonconformities.items] == [(1, "Raised")]
    printed_of = {}
    for layout in (*page.forms, *page.about_each):
        about = raised.id if layout.of else None
        with archive.reading(leader) as uow:
            wanted = texts_of(fill(layout, known_of(uow, engagement.id, about, ZH), ZH))
        assert engagement.number in wanted
        assert "密件.txt" not in wanted
        printed = squeezed("".join(page_texts(opened(leader, engagement, layout.code, nonconformity_id=about))))
        printed_of[layout.code] = printed
        word = opened(leader, engagement, layout.code, nonconformity_id=about, file_type=FileType.WORD)
        written = squeezed(word_text(word))
        for text in wanted:
            assert squeezed(drawable_text(text)) in printed, (layout.code, text)
            assert squeezed(plain_text(text)) in written, (layout.code, text)
    assert squeezed(drawable_text(TITLE)) in printed_of["verification_plan"]
    assert "张敏" in printed_of["verification_plan"]
    assert "台账.txt" in printed_of["document_review"]
    assert squeezed(drawable_text(STATEMENT)) in printed_of["nonconformity_sheet"]


def forms_of(archive: Archive, engagement: Engagement) -> tuple[str, ...]:
    from archive_app.engagements.schemes import scheme_of

    with archive.reading(Actor.system("test")) as uow:
        return scheme_of(uow, uow.session.get_one(Engagement, engagement.id)).forms


def test_a_form_is_filed_once_as_a_record(
    archive: Archive, clock: SetClock, leader: Actor, engagement: Engagement
) -> None:
    def file(code: str, **more: Any) -> Any:
        told = {"file_type": FileType.PDF, "language": ZH, **more}
        return file_form(leader, engagement_id=engagement.id, code=code, **told)

    plan = file("verification_plan")
    assert (plan.again, plan.complete) == (False, False)
    clock.advance(hours=1)
    again = file("verification_plan")
    assert (again.document_id, again.again) == (plan.document_id, True)
    raised = raise_nonconformity(leader, engagement_id=engagement.id, finding=Finding("minor", "S0 5.6", STATEMENT, ""))
    sheet = file("nonconformity_sheet", nonconformity_id=raised.id)
    in_word = file("sign_in_sheet", file_type=FileType.WORD)
    clock.advance(days=1)
    # Another day is another sheet.
    assert file("sign_in_sheet", file_type=FileType.WORD).document_id != in_word.document_id
    with archive.reading(leader) as uow:
        found = {
            document_id: (uow.session.get_one(Record, document_id), uow.session.get_one(Document, document_id))
            for document_id in (plan.document_id, sheet.document_id, in_word.document_id)
        }
        # What is still written on by hand is no record before somebody confirms it.
        assert [(record.type, record.state) for record, _ in found.values()] == [
            ("work_plan", "proposed"),
            ("nonconformity_sheet", "accepted"),
            ("sign_in_sheet", "proposed"),
        ]
        assert [document.title for _, document in found.values()] == [
            f"核查计划 {engagement.number}",
            f"不符合项报告 {engagement.number} NC-1",
            f"现场核查会议签到表 {engagement.number}",
        ]
        kinds = select(Version.kind).where(Version.document_id.in_(found))
        assert sorted(uow.session.scalars(kinds)) == ["docx", "pdf", "pdf"]
        filed = select(func.count()).select_from(Event).where(Event.code == "form.filed")
        assert uow.session.scalar(filed) == 4


def test_forms_are_for_those_who_work_in_the_engagement(
    archive: Archive, people: People, leader: Actor, engagement: Engagement
) -> None:
    raised = raise_nonconformity(leader, engagement_id=engagement.id, finding=Finding("minor", "S0 5.6", STATEMENT, ""))
    other = engagement_of(leader)
    refused: list[tuple[Actor, dict[str, Any]]] = [
        (people.person("verifier"), {"code": "verification_plan"}),
        (leader, {"code": "no_such"}),
        (leader, {"code": "declaration"}),
        (leader, {"code": "verification_plan", "nonconformity_id": raised.id}),
        (leader, {"code": "nonconformity_sheet"}),
        (leader, {"code": "nonconformity_sheet", "nonconformity_id": raised.id, "engagement_id": other.id}),
    ]
    for actor, asked in refused:
        told = {"engagement_id": engagement.id, "file_type": FileType.WORD, "language": ZH, **asked}
        with pytest.raises(NotFoundError):
            open_form(actor, **told)
    told = {"engagement_id": engagement.id, "code": "sign_in_sheet", "file_type": FileType.WORD}
    with pytest.raises(InvalidInputError):
        open_form(leader, **told, language="fr")
    reader = replace(leader, permissions=leader.permissions - {Permission.DOCUMENTS_ADD})
    with pytest.raises(PermissionMissingError):
        file_form(reader, **told, language=ZH)
    assert not list_forms(reader, engagement_id=engagement.id).may_file
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(Engagement, engagement.id).sealed_at = uow.now
    assert not list_forms(leader, engagement_id=engagement.id).may_file
    with pytest.raises(EngagementSealedError):
        file_form(leader, **told, language=ZH)
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Record)) == 0


def test_the_sheet_of_a_nonconformity_tells_no_more_than_its_page(
    archive: Archive, people: People, leader: Actor, engagement: Engagement
) -> None:
    """The evidence in words is for whoever sees the documents that it is about, on paper too; and what is filed with it
    shows to nobody else."""
    bounded = replace(leader, highest_level=Level.INTERNAL)
    secret = file_record(leader, engagement, "密件.txt", "process_description", level=Level.RESTRICTED)
    finding = Finding("minor", "S0 5.6", STATEMENT, "配方第三页", (secret,))
    about = raise_nonconformity(leader, engagement_id=engagement.id, finding=finding).id

    def sheet(actor: Actor) -> str:
        made = opened(actor, engagement, "nonconformity_sheet", nonconformity_id=about, file_type=FileType.WORD)
        return word_text(made)

    assert "配方第三页" in sheet(leader)
    assert "配方第三页" not in sheet(bounded)
    filed = [
        file_form(
            actor,
            engagement_id=engagement.id,
            code="nonconformity_sheet",
            file_type=FileType.WORD,
            language=ZH,
            nonconformity_id=about,
        ).document_id
        for actor in (leader, bounded)
    ]
    with archive.reading(leader) as uow:
        levels = [uow.session.get_one(Document, one).level for one in filed]
    assert levels == [Level.RESTRICTED, Level.INTERNAL]
