"""Rows that stand for one thing each, put in as they are: what the matrix asks about has to be there, not to have come
about."""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from archive_app.casework.models import (
    Deadline,
    Issue,
    MaterialDelivery,
    MaterialLine,
    MaterialRequest,
    Nonconformity,
    RequestSession,
    Review,
    ReviewComment,
)
from archive_app.casework.recording import record_as
from archive_app.documents.models import SavedSearch, Upload, Version
from archive_app.engagements.models import Access, AccessRequest, Competence, Interest, PersonDays
from archive_app.filing.models import CaseFile, CaseItem, NumberSeries, Submission
from archive_app.identity.models import AccessToken, SignInSession
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.kinds import TaskKind
from archive_app.worklist.models import Notice
from archive_app.worklist.tasks import Addressee, open_task
from tests.access.expectation import FOREIGN

LANGUAGE = "zh_Hans_CN"
MARKER = "不得外传"
"""Stands in every word of the other organisation: nobody else is ever to read it."""
_LONG, _DAY = timedelta(days=365), timedelta(days=1)
_ENTRY = '{"name": "a.txt", "source_path": "a.txt", "modified_at": null}'


def competence_row(uow: UnitOfWork, person: Actor) -> str:
    row = Competence(
        id=uow.new_id(), organisation_id=person.organisation_id, person_id=person.person_id, kind="training",
        code="verification", title="培训", certificate="", issued_by="",
        valid_from=uow.now.date(), recorded_by="system:test", recorded_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def material_row(uow: UnitOfWork, engagement_id: str, document_id: str) -> dict[str, str]:
    """A material request with a line, and something that was brought for it."""
    request = MaterialRequest(
        id=uow.new_id(), engagement_id=engagement_id, recipient="王会计", channel="told", address="", language=LANGUAGE,
        message="", until=uow.now, received_bytes=0, created_by="system:test", created_at=uow.now,
    )  # fmt: skip
    line = MaterialLine(
        id=uow.new_id(), request_id=request.id, position=1, record_type="photograph", name="照片", explanation="",
        example="", state="delivered", reason="", changed_at=uow.now,
    )  # fmt: skip
    session = RequestSession(
        id=uow.new_id(), request_id=request.id, token_sha256=token_digest(new_token()), name="王会计", address="",
        opened_at=uow.now, until=uow.now,
    )  # fmt: skip
    delivery = MaterialDelivery(
        id=uow.new_id(), line_id=line.id, document_id=document_id, session_id=session.id, remark="",
        delivered_at=uow.now,
    )  # fmt: skip
    for row in (request, line, session, delivery):
        add_row(uow, row)
    return {"material_id": request.id, "line_id": line.id, "delivery_id": delivery.id}


def case_file_row(
    uow: UnitOfWork, engagement_id: str, organisation_id: str, document_id: str, place: str
) -> dict[str, str]:
    """A case file that has its number and was returned once, with an item."""
    series = NumberSeries(id=uow.new_id(), organisation_id=organisation_id, prefix=f"J1-{place}", last=1)
    add_row(uow, series)
    row = CaseFile(
        id=uow.new_id(), organisation_id=organisation_id, engagement_id=engagement_id, position=1, year=2026,
        title=f"{MARKER if place == FOREIGN else ''}案卷", category="ZY·HC", retention="D10", series_id=series.id,
        sequence=1, number=f"J1-{place}-001", remark="", voided_reason="", created_at=uow.now,
    )  # fmt: skip
    item = CaseItem(
        id=uow.new_id(), case_file_id=row.id, document_id=document_id, position=1, number=f"J1-{place}-001-001",
        late_reason="", added_by="system:test", added_at=uow.now,
    )  # fmt: skip
    submission = Submission(
        id=uow.new_id(), engagement_id=engagement_id, round=1, state="returned", findings="[]", total=1, checked=1,
        malware="off", remark="", submitted_by="system:test", submitted_at=uow.now, reason="x",
    )  # fmt: skip
    for one in (row, item, submission):
        add_row(uow, one)
    return {"case_file_id": row.id, "item_id": item.id, "submission_id": submission.id}


def reviewed_row(uow: UnitOfWork, told: dict[str, str]) -> dict[str, str]:
    """A nonconformity; and of the report a round with a remark, an issue and a notification."""
    engagement, report, leader, now = told["engagement_id"], told["report_id"], told["leader_id"], uow.now
    record_as(uow, report, type="verification_report", state="accepted")
    version = uow.session.scalars(select(Version.id).where(Version.document_id == report, Version.current)).one()
    found = Nonconformity(
        id=uow.new_id(), engagement_id=engagement, position=1, grade="minor", clause="5.2", statement="x", evidence="",
        due_on=now.date(), provisional=False, state="raised", raised_by=leader, raised_at=now, effectiveness="",
    )  # fmt: skip
    review = Review(
        id=uow.new_id(), engagement_id=engagement, round=1, version_id=version, reviewer_id=leader,
        asked_by="system:test", asked_at=now, verdict="", summary="",
    )  # fmt: skip
    remark = ReviewComment(
        id=uow.new_id(), review_id=review.id, document_id=report, quote="", remark="x", grave=False,
        written_by="system:test", written_at=now, answer="",
    )  # fmt: skip
    issues = [
        Issue(
            id=uow.new_id(), engagement_id=engagement, kind=kind, version_id=version, number="1", told_to="", way="",
            on=now.date(), by="system:test", at=now, reason="",
        )
        for kind in ("issue", "notification")
    ]  # fmt: skip
    for row in (found, review, remark, *issues):
        add_row(uow, row)
    made = {"nonconformity_id": found.id, "review_id": review.id, "remark_id": remark.id}
    return {**made, "issue_id": issues[0].id, "telling_id": issues[1].id}


def time_row(uow: UnitOfWork, engagement_id: str, person_id: str) -> str:
    row = PersonDays(
        id=uow.new_id(), engagement_id=engagement_id, person_id=person_id, stage="x", on=uow.now.date(), quarters=1,
        on_site=False, remark="", recorded_by="system:test", recorded_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def deadline_row(uow: UnitOfWork, engagement_id: str) -> str:
    running = select(Deadline.id).where(Deadline.engagement_id == engagement_id)
    return uow.session.scalars(running).one()


def add_row(uow: UnitOfWork, row: DeclarativeBase) -> None:
    uow.session.add(row)
    uow.session.flush()


def session_row(uow: UnitOfWork, person: Actor) -> str:
    row = SignInSession(
        id=uow.new_id(), token_digest=token_digest(new_token()), person_id=person.person_id, created_at=uow.now,
        last_seen_at=uow.now, expires_at=uow.now + _LONG, passed_at=uow.now, confirmed_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def token_row(uow: UnitOfWork, person: Actor, secret: str, scopes: str = "") -> str:
    row = AccessToken(
        id=uow.new_id(), token_digest=token_digest(secret), person_id=person.person_id, name=f"程序 {person.name}",
        scopes=scopes, created_at=uow.now, expires_at=uow.now + _LONG,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def search_row(uow: UnitOfWork, person: Actor, *, shared: bool) -> str:
    key = uow.new_id()
    row = SavedSearch(
        id=key, organisation_id=person.organisation_id, person_id=person.person_id, name=f"检索 {key}",
        address="q=x", shared=shared, created_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def upload_row(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    row = Upload(
        id=uow.new_id(), engagement_id=engagement_id, person_id=person.person_id or "", name="a.txt",
        source_path="a.txt", size_bytes=10, entry=_ENTRY, state="waiting", received_bytes=0, created_at=uow.now,
        changed_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def job_row(uow: UnitOfWork) -> str:
    row = Job(
        id=uow.new_id(), kind="documents.index", subject_id="x", payload="{}", state="dead", attempts=5,
        due_at=uow.now, error="x", created_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def task_row(uow: UnitOfWork, person: Actor) -> str:
    kind = task_kind_of_tests()
    to = Addressee(person_id=person.person_id)
    return open_task(uow, kind, to=to, subject_id=uow.new_id(), organisation_id=person.organisation_id or "").id


def task_kind_of_tests() -> TaskKind:
    """A kind of task that is about nothing: taking note of it is refused, whoever asks."""
    return TaskKind("test.matrix", "Test", "Test", "worklist.work_page")


def notice_row(uow: UnitOfWork) -> str:
    row = Notice(
        id=uow.new_id(), key=uow.new_id(), kind="digest", address="a@b.example", language="en", link="/work",
        state="waiting", attempts=0, not_before=uow.now + _LONG, reason="", created_at=uow.now,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def request_row(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    row = AccessRequest(
        id=uow.new_id(), organisation_id=person.organisation_id, person_id=person.person_id,
        engagement_id=engagement_id, wanted="x", grounds="x", days=3, asked_at=uow.now, outcome="", reason="",
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def past_access_row(uow: UnitOfWork, person: Actor, engagement_id: str) -> str:
    """An access that is over: it opens nothing, and to end it once more is refused for that alone."""
    row = Access(
        id=uow.new_id(), engagement_id=engagement_id, person_id=person.person_id, ground="request", reason="x",
        granted_by="system:test", granted_at=uow.now - _LONG, until=uow.now - _DAY,
    )  # fmt: skip
    add_row(uow, row)
    return row.id


def interest_row(uow: UnitOfWork, person: Actor) -> str:
    row = Interest(
        id=uow.new_id(), organisation_id=person.organisation_id, person_id=person.person_id, party_name="某咨询公司",
        kind="consulting", began_on=date(2020, 1, 1), note="", recorded_by="system:test", recorded_at=uow.now,
        withdrawn_reason="",
    )  # fmt: skip
    add_row(uow, row)
    return row.id
