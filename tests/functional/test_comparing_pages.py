"""Two versions, and two editions, beside each other: through real files, their reading, and the page."""

import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from archive_app.documents.comparing import versions
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import BusyError
from archive_app.kernel.levels import Level
from archive_app.management.controlled.drafting import add_file, revise
from archive_app.management.controlled.models import EditionFile
from archive_app.trail.reading import document_history
from tests import files, two_versions
from tests.conftest import SignedIn, Workbench
from tests.controlled import TEXT, controlled_cast, issued_document
from tests.factories import People, engagement_of, file_bytes


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", "archivist", name="顾言")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


def two_files(leader: Actor, engagement: Engagement, name: str, *contents: bytes) -> str:
    """The id of a document with these versions."""
    first = file_bytes(leader, engagement, name, contents[0]).document_id or ""
    for content in contents[1:]:
        stream = io.BytesIO(content)
        add_document(leader, engagement_id=engagement.id, stream=stream, entry=Entry(name=name), document_id=first)
    return first


def seen(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "style=" not in answer.text
    assert "<script>" not in answer.text
    return unescape(answer.text)


def marked(page: str, tag: str) -> list[str]:
    return [two_versions.bare(text) for text in re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)]


def test_versions_of_word_and_pdf_show_what_was_changed(
    leader: Actor, engagement: Engagement, workbench: Workbench, english: SignedIn
) -> None:
    before = two_versions.procedure(60)
    after, planted = two_versions.revised(before, 7)
    documents = [
        two_files(leader, engagement, f"程序.{kind}", make(before), make(after))
        for kind, make in (("docx", two_versions.docx_of), ("pdf", two_versions.pdf_of))
    ]
    workbench.run()
    client = english(leader)
    assert f"/documents/{documents[0]}/compare" in seen(client, f"/documents/{documents[0]}")
    for document_id in documents:
        page = seen(client, f"/documents/{document_id}/compare?show=changes")
        gone = sorted(two.left for two in planted if two.left and two.kind.value != "moved")
        come = sorted(two.right for two in planted if two.right and two.kind.value != "moved")
        assert (sorted(marked(page, "del")), sorted(marked(page, "ins"))) == (gone, come)
        assert page.count("Moved to change") == page.count("Moved from change") == 1
        assert "8 places differ" in page
        # The way from one difference to the next, and to where each stands in its document.
        assert re.findall(r'id="change-(\d+)"', page) == [str(n) for n in range(1, 9)]
        assert 'href="#change-2" aria-label="Next difference"' in page
        assert 'href="#change-1" aria-label="Previous difference"' in page
    assert f"/documents/{documents[1]}?version=1&page=" in page
    assert "paragraph 1" not in page
    # Running heads of the PDF are left out, said so, and compared where somebody asks for it.
    assert "Running heads and page numbers were left out" in page
    assert two_versions.HEAD in page
    assert "were left out" not in seen(client, f"/documents/{documents[1]}/compare?running=1")
    around = seen(client, f"/documents/{documents[0]}/compare")
    assert "paragraphs the same" in around
    assert len(around) > len(page)
    # One look at each document, however often it was compared.
    looks = document_history(leader, document_id=documents[0]).items
    assert sum(event.code == "document.viewed" for event in looks) == 1


def test_what_has_no_text_is_not_said_to_be_the_same(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, english: SignedIn
) -> None:
    client = english(leader)
    table = files.xlsx({"表": (("设施", "排放量"), ("锅炉", 1294347))})
    other = files.xlsx({"表": (("设施", "排放量"), ("锅炉", 1294374))})
    document = two_files(leader, engagement, "台账.xlsx", table, other)
    waiting = seen(client, f"/documents/{document}/compare")
    assert waiting.count("whether anything changed is not known") == 2
    assert "The text is being read" in waiting
    assert "same" not in re.sub(r"<head>.*?</head>", "", waiting, flags=re.DOTALL)
    workbench.run()
    page = seen(client, f"/documents/{document}/compare")
    assert (marked(page, "del"), marked(page, "ins")) == (["1294347"], ["1294374"])
    assert "row=" in page  # the cell's place links to its row
    assert "Both files are the same to the last bit." in seen(client, f"/documents/{document}/compare?left=2&right=2")
    # A scan without recognition has no text; whether it changed nobody can say.
    scans = two_files(leader, engagement, "扫描.pdf", files.pdf(("一二三四五",)), files.image())
    workbench.run()
    page = seen(client, f"/documents/{scans}/compare")
    assert page.count("whether anything changed is not known") == 1
    assert "places differ" not in page
    # Read in part: what was compared is told, and that it was not all.
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        partly = update(Version).where(Version.document_id == document, Version.number == 2)
        uow.session.execute(partly.values(reading="partly", reading_note="pages_failed"))
    page = seen(client, f"/documents/{document}/compare")
    assert "was not compared in full" in page
    assert "Some pages could not be recognised." in page
    # A text of other words in another file can be the same all the same.
    same = two_files(leader, engagement, "同.txt", "一 二\n三".encode(), "一二\n\n三".encode())
    workbench.run()
    page = seen(client, f"/documents/{same}/compare")
    assert "The texts are the same." in page
    assert "Pictures and layout were not compared." in page


def test_hostile_texts_and_addresses_do_no_harm(
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    english: SignedIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = english(leader)
    lines = [f"<script>alert({n})</script> \u202e line {n}" for n in range(500)]
    other = [line.replace("alert", "confirm") for line in lines]
    document = two_files(leader, engagement, "x.docx", files.docx(lines, table=()), files.docx(other, table=()))
    workbench.run()
    first = seen_raw(client, f"/documents/{document}/compare?show=changes")
    assert "<script>alert" not in first
    assert first.count('id="change-') == 200
    assert 'rel="next"' in first
    assert "row=200" in unescape(first)
    second = seen_raw(client, f"/documents/{document}/compare?show=changes&row=200")
    assert 'id="change-201"' in second
    assert 'rel="prev"' in second
    for query in ("left=0", "right=99", "left=x&row=y&show=%3Cb%3E&running=x", "row=-5", "row=99999999999999999999"):
        assert client.get(f"/documents/{document}/compare?{query}").status_code in {200, 404}
    assert client.get(f"/documents/{document}/compare?right=99").status_code == 404
    # Only so much of a text is compared, and that is said.
    monkeypatch.setattr(versions, "LONGEST_CHARACTERS", 1000)
    cut = unescape(seen_raw(client, f"/documents/{document}/compare"))
    assert cut.count("the end was left out") == 2
    # Only so many at once; nobody waits for ever.
    monkeypatch.setattr(versions, "_WAIT_SECONDS", 0.01)
    held = [versions._at_once.acquire() for _ in range(versions._MOST_AT_ONCE)]
    try:
        with pytest.raises(BusyError):
            versions.compare_versions(leader, document_id=document)
    finally:
        for _ in held:
            versions._at_once.release()
    assert client.get(f"/documents/{document}/compare").status_code == 200


def seen_raw(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.text


def test_editions_are_compared_by_who_may_see_them(
    archive: Archive, people: People, workbench: Workbench, english: SignedIn
) -> None:
    cast = controlled_cast(people)
    issued = issued_document(people, cast)
    changed = TEXT.replace("每年", "每半年")
    draft = revise(cast.author, controlled_id=issued.controlled_id, change_note="改为每半年评审")
    for content in (changed, changed.replace("五年", "十年")):
        add_file(cast.author, edition_id=draft.id, stream=io.BytesIO(content.encode()), name="程序.txt")
    workbench.run()
    address = f"/controlled/{issued.controlled_id}/compare"
    author = english(cast.author)
    page = seen(author, f"{address}?left={issued.edition_id}&right={draft.id}")
    assert (marked(page, "del"), marked(page, "ins")) == (["五"], ["半", "十"])
    assert "改为每半年评审" in page
    # Without ids: the newest one, and the one that it revises.
    assert marked(seen(author, address), "ins") == ["半", "十"]
    # What a file of the draft was before, by its document.
    with archive.reading(Actor.system("test")) as uow:
        of_draft = select(EditionFile.document_id).where(EditionFile.edition_id == draft.id)
        former = uow.session.scalars(of_draft.order_by(EditionFile.ordinal)).first()
    assert marked(seen(author, f"{address}?left={former}"), "ins") == ["十"]
    # A colleague sees the edition in force and nothing of the draft; a stranger sees nothing at all.
    reader = english(cast.reader)
    assert reader.get(f"{address}?left={issued.edition_id}&right={draft.id}").status_code == 404
    assert "半" not in marked(seen(reader, address), "ins")
    stranger = people.person("document_controller", organisation="别的机构", level=Level.RESTRICTED)
    assert english(stranger).get(address).status_code == 404
    # An edition of one document is no edition of another.
    other = issued_document(people, cast, title="另一程序", number="CX-99")
    assert author.get(f"{address}?left={other.edition_id}").status_code == 404
