"""The checks of a submitted file that need no bytes: completeness, arrangement, numbers, metadata, readability."""

from collections.abc import Iterator

from sqlalchemy import select

from archive_app.casework.checklist import checklist_of
from archive_app.casework.gates import Obstacle, obstacles_of
from archive_app.casework.models import Record
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import Scheme
from archive_app.filing.findings import OBSTACLE, Finding
from archive_app.filing.models import CaseFile, CaseItem
from archive_app.filing.placing import MANIFEST, count_unplaced, items_in, living_files
from archive_app.kernel.unit_of_work import UnitOfWork

NOT_SEALED = "not_sealed"
"""The obstacle that only sealing itself removes."""
ARRANGEMENT_PAGE = "case_files.archiving_page"
_READINGS = {"waiting": "not_read_yet", "unread": "unreadable", "partly": "partly_read"}


def check_facts(uow: UnitOfWork, engagement: Engagement) -> list[Finding]:
    """The step that checks everything about a file but its bytes, whoever may see it: run it as the archive."""
    return [
        *completeness(uow, engagement),
        *_arrangement(uow, engagement),
        *_metadata(uow, engagement),
        *_readability(uow, engagement),
    ]


def stages_to_pass(scheme: Scheme, reached: set[str], current: str) -> list[str]:
    """The stages whose records and conditions a sealed file has to fulfil: those that were passed through, and those
    that lie before its end, taking the first way on from each."""
    codes = [stage.code for stage in scheme.stages if stage.code in reached]
    here = scheme.stage(current)
    while here.next and here.next[0] not in codes:
        here = scheme.stage(here.next[0])
        codes.append(here.code)
    return codes


def completeness(uow: UnitOfWork, engagement: Engagement) -> Iterator[Finding]:
    """The step that looks at what the stages of the scheme ask for: their records and conditions, the seal excepted."""
    checklist = checklist_of(uow, engagement)
    scheme = checklist.scheme
    reached = {one.stage.code for one in checklist.stages if one.reached}
    stages = stages_to_pass(scheme, reached, engagement.stage)
    for line in checklist.lines:
        if line.stage in stages and line.open and line.type != MANIFEST:
            params = {"stage": line.stage, "type": line.type}
            yield Finding("record_missing", grave=True, params=params, endpoint="progress.progress_page")
    told: set[str] = set()
    for code in stages:
        for obstacle in obstacles_of(uow, engagement, scheme, code):
            finding = _of_obstacle(obstacle)
            if obstacle.code != NOT_SEALED and finding.params["en"] not in told:
                told.add(str(finding.params["en"]))
                yield finding


def _of_obstacle(obstacle: Obstacle) -> Finding:
    params = {"zh": obstacle.text("zh_Hans_CN"), "en": obstacle.text("en")}
    return Finding(OBSTACLE, grave=True, params=params, endpoint=obstacle.endpoint)


def _arrangement(uow: UnitOfWork, engagement: Engagement) -> Iterator[Finding]:
    if loose := count_unplaced(uow, engagement.id):
        yield Finding("not_arranged", grave=True, params={"count": loose}, endpoint=ARRANGEMENT_PAGE)
    for row in living_files(uow, engagement.id):
        items = items_in(uow, row.id)
        if not items:
            yield Finding("file_empty", grave=True, case_file_id=row.id)
        if row.number is None:
            yield Finding("number_missing", grave=True, case_file_id=row.id)
        for item in items:
            if row.number is None or item.number is None or not item.number.startswith(f"{row.number}-"):
                yield Finding("number_missing", grave=True, document_id=item.document_id)


def _metadata(uow: UnitOfWork, engagement: Engagement) -> Iterator[Finding]:
    found = uow.session.execute(
        select(Document, Version.originator, Record.state, Record.evidence_on, Record.originator)
        .join(CaseItem, CaseItem.document_id == Document.id)
        .join(CaseFile, CaseFile.id == CaseItem.case_file_id)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(CaseFile.engagement_id == engagement.id, Document.withdrawn_at.is_(None))
        .order_by(CaseFile.position, CaseItem.position)
    )
    for document, offered, state, evidence_on, originator in found:
        if state != "accepted":
            yield Finding("no_record", grave=True, document_id=document.id)
        if evidence_on is None and document.dated_on is None:
            yield Finding("no_date", grave=True, document_id=document.id)
        if not originator and not offered:
            yield Finding("no_originator", grave=True, document_id=document.id)


def _readability(uow: UnitOfWork, engagement: Engagement) -> Iterator[Finding]:
    found = uow.session.execute(
        select(Version.document_id, Version.number, Version.reading)
        .join(CaseItem, CaseItem.document_id == Version.document_id)
        .join(CaseFile, CaseFile.id == CaseItem.case_file_id)
        .where(CaseFile.engagement_id == engagement.id, Version.reading.in_(_READINGS))
        .order_by(CaseFile.position, CaseItem.position, Version.number)
    )
    for document_id, number, reading in found:
        yield Finding(_READINGS[reading], grave=False, params={"version": number}, document_id=document_id)
