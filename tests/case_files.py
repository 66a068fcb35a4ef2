"""Engagements whose file can be submitted and sealed: a short scheme, records, somebody who keeps the archive."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete

from archive_app.casework.models import Deadline
from archive_app.casework.recording import record_as
from archive_app.documents.ingest import Entry, add_document
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import keep_edition, parse_scheme
from archive_app.filing.accepting import accept
from archive_app.filing.arranging import propose
from archive_app.filing.examining import JOB, check_submission
from archive_app.filing.models import Submission
from archive_app.filing.numbering import change_rule
from archive_app.filing.sealing import Sealed
from archive_app.filing.submitting import submit
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import GiveWay, Job
from tests.factories import People, engagement_of

FONDS = "J019"
SHORT_SCHEME = """
code = "short"
version = "1"
name = { zh = "简短", en = "Short" }
summary = { zh = "两步。", en = "Two steps." }
sources = ["S0 5.6"]
activity = "verification"
report = "verification_report"

[team]
least_people = 1
leaders = 1
reviewer = false
source = "S0 5.6"

[[stages]]
code = "work"
name = { zh = "核查", en = "Work" }
source = "S0 5.6"
moved_by = ["leader", "archivist"]
needs = ["declared"]
records = [
  { type = "assignment_letter", source = "S0 5.6" },
  { type = "work_plan", required = false, source = "S0 5.6" },
  { type = "verification_report", source = "S0 5.6" },
]

[[stages]]
code = "keeping"
name = { zh = "保存", en = "Keeping" }
source = "S0 5.6"
moved_by = ["archivist"]
needs = ["sealed"]
"""
RECORDS = (("报告.txt", "verification_report"), ("任务书.txt", "assignment_letter"), ("方案.txt", "work_plan"))
SYSTEM = Actor.system("test")


@dataclass(frozen=True)
class Body:
    """A body with its leader, its archivist, and an engagement that has what its scheme asks for."""

    archive: Archive
    leader: Actor
    archivist: Actor
    engagement: Engagement
    documents: Sequence[str]

    def submitted(self) -> Submission:
        """The file arranged and submitted by the leader, and checked."""
        propose(self.leader, engagement_id=self.engagement.id)
        submission = submit(self.leader, engagement_id=self.engagement.id)
        return check(self.archive, submission.id)

    def sealed(self) -> Sealed:
        """The same, accepted."""
        submission = self.submitted()
        return accept(self.archivist, engagement_id=self.engagement.id, submission_id=submission.id)

    def row(self) -> Engagement:
        """The engagement as it is now."""
        with self.archive.reading(SYSTEM) as uow:
            return uow.session.get_one(Engagement, self.engagement.id)


def body(people: People, *, records: Sequence[tuple[str, str]] = RECORDS, organisation: str = "绿源核查") -> Body:
    """A body whose engagement is ready to be submitted."""
    leader = people.person("team_leader", organisation=organisation)
    archivist = people.person("archivist", organisation=organisation)
    change_rule(archivist, fonds=FONDS, file_digits=3, item_digits=3)
    engagement = short_engagement(leader)
    documents = [file_record(leader, engagement, name, code) for name, code in records]
    return Body(people.archive, leader, archivist, engagement, documents)


def short_engagement(leader: Actor) -> Engagement:
    """An engagement that follows the short scheme."""
    engagement = engagement_of(leader)
    follow_short_scheme(current_archive(), engagement.id)
    return engagement


def follow_short_scheme(archive: Archive, engagement_id: str) -> None:
    """From now on the engagement follows the short scheme, from its beginning."""
    scheme = parse_scheme(SHORT_SCHEME, "short.toml")
    with archive.transaction(SYSTEM, eventless=True) as uow:
        keep_edition(uow, scheme)
        # Terms of the scheme that it was opened with.
        uow.session.execute(delete(Deadline).where(Deadline.engagement_id == engagement_id))
        row = uow.session.get_one(Engagement, engagement_id)
        row.scheme, row.scheme_version, row.stage = scheme.code, scheme.version, scheme.stages[0].code


def file_record(
    actor: Actor, engagement: Engagement, name: str, code: str, content: bytes = b"", level: Level = Level.INTERNAL
) -> str:
    """A document that is an accepted record, with what DA/T 97 asks for."""
    offered = content or f"{name}的内容。".encode()
    entry = Entry(name=name, originator="江南热电厂", level=level)
    filed = add_document(actor, engagement_id=engagement.id, stream=io.BytesIO(offered), entry=entry)
    assert filed.document_id is not None
    with current_archive().transaction(SYSTEM, eventless=True) as uow:
        record_as(uow, filed.document_id, type=code, state="accepted", evidence_on=date(2026, 3, 1))
    return filed.document_id


def check(archive: Archive, submission_id: str) -> Submission:
    """Does what the worker does about a submission, to its end; the submission after it."""
    job = Job(kind=JOB, subject_id=submission_id, payload="{}")
    while isinstance(check_submission(Workshop(archive), job), GiveWay):
        pass
    with archive.reading(SYSTEM) as uow:
        return uow.session.get_one(Submission, submission_id)
