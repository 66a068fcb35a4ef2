"""The path: file, find, open, prove."""

import hashlib

from archive_app.documents.checking import check_all, check_document
from archive_app.documents.looking import list_documents, open_content, view_document
from archive_app.documents.searching import search_documents
from archive_app.kernel.archive import Archive
from archive_app.trail.verification import verify_log
from search import Filters
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes


@both_databases
def test_a_filed_document_is_found_opened_and_proved(archive: Archive, people: People, workbench: Workbench) -> None:
    leader, outsider = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    content = "第一季度入炉煤低位发热量为 21.36 MJ/kg，依据 GB/T 213。".encode()
    filed = file_bytes(leader, engagement, "../../etc/煤质报告 📄.txt", content, activity="文件评审")
    workbench.run()

    found = search_documents(leader, text="低位发热量", filters=Filters())
    assert [hit.document.id for hit in found.found] == [filed.document_id]
    assert found.found[0].document.title == "煤质报告 📄.txt"
    assert "低位发热量" in "".join(p.text for f in found.found[0].fragments for p in f.pieces if p.marked)
    assert search_documents(outsider, text="低位发热量", filters=Filters()).total == 0

    assert filed.document_id
    page = view_document(leader, document_id=filed.document_id)
    assert page.text == content.decode()
    assert page.version.sha256 == hashlib.sha256(content).digest()
    with open_content(leader, document_id=filed.document_id).stream as stream:
        assert stream.read() == content
    assert check_document(leader, document_id=filed.document_id) == []
    assert [check.faults for check in check_all(archive)] == [[]]
    assert len(list_documents(leader, engagement_id=engagement.id).items) == 1
    workbench.run()
    assert list(verify_log(archive)) == []
