"""Technical review, issue and notification: rounds, remarks, verdicts; who may, of which version, in which hands."""

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select, update

from archive_app.casework.gates import GATES
from archive_app.casework.models import Issue, Record, Review
from archive_app.casework.recording import record_as
from archive_app.casework.reviewing.issuing import (
    AlreadyIssuedError,
    IssueOverError,
    NotIssuedError,
    NotReviewedError,
    Telling,
    issue_report,
    tell_result,
    withdraw_issue,
    withdraw_telling,
)
from archive_app.casework.reviewing.remarks import (
    NotTheReviewerError,
    RemarkResolvedError,
    answer_remark,
    resolve_remark,
    write_remark,
)
from archive_app.casework.reviewing.reports import NoReportError
from archive_app.casework.reviewing.rounds import (
    AlreadyPassedError,
    ReviewerNotAssignedError,
    ReviewGoesOnError,
    ReviewOverError,
    submit_for_review,
    take_back_review,
)
from archive_app.casework.reviewing.showing import list_rounds, view_review, view_round
from archive_app.casework.reviewing.verdict import GraveRemarksOpenError, ReportChangedError, give_verdict
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.looking import open_content
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Assignment, Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.engagements.teams import remove_member, set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import REVIEWER_NOT_OF_THE_TEAM, DutiesNotSeparateError, Duty
from archive_app.kernel.errors import (
    ArchiveError,
    ConflictError,
    NotFoundError,
)
from archive_app.kernel.levels import Level
from archive_app.worklist.models import Task
from tests.conftest import both_databases, both_databases_in_full
from tests.factories import People, declare, engagement_of, file_bytes

ZH = "zh_Hans_CN"


@dataclass
class House:
    """An engagement with a report, its team, its reviewer, and somebody who issues."""

    archive: Archive
    leader: Actor
    member: Actor
    reviewer: Actor
    issuer: Actor
    engagement: Engagement
    report: str

    def version(self, document_id: str = "") -> str:
        current = select(Version.id).where(Version.document_id == (document_id or self.report), Version.current)
        with self.archive.reading(Actor.system("test")) as uow:
            return uow.session.scalars(current).one()

    def newer(self, content: bytes = b"second") -> None:
        add_document(
            self.leader, engagement_id=self.engagement.id, stream=io.BytesIO(content), entry=Entry("核查报告.txt"),
            document_id=self.report,
        )  # fmt: skip

    def submit(self, reviewer: Actor | None = None) -> str:
        return submit_for_review(
            self.leader, engagement_id=self.engagement.id, document_id=self.report, version_id=self.version(),
            reviewer_id=(reviewer or self.reviewer).person_id or "",
        ).id  # fmt: skip

    def verdict(self, review_id: str, verdict: str = "passed", by: Actor | None = None) -> Review:
        return give_verdict(by or self.reviewer, review_id=review_id, verdict=verdict, summary="数据可靠", language=ZH)

    def passed(self) -> str:
        review = self.submit()
        self.verdict(review)
        return review

    def issue(self, number: str = "HC-2026-001", by: Actor | None = None) -> str:
        return issue_report(
            by or self.issuer, engagement_id=self.engagement.id, document_id=self.report, version_id=self.version(),
            number=number,
        ).id  # fmt: skip

    def tell(self, **change: object) -> str:
        telling = Telling("江南热电厂 王工", "公函", self.archive.today())
        return tell_result(
            self.leader, engagement_id=self.engagement.id, document_id=self.report, version_id=self.version(),
            telling=replace(telling, **change),  # type: ignore[arg-type]
        ).id  # fmt: skip

    def closed(self) -> dict[str, list[str]]:
        """What stands in the way, by gate."""
        with self.archive.reading(Actor.system("test")) as uow:
            engagement = uow.session.get_one(Engagement, self.engagement.id)
            scheme = scheme_of(uow, engagement)
            found = {code: GATES[code](uow, engagement, scheme) for code in ("review_passed", "issued", "notified")}
        return {code: [one.code for one in obstacles] for code, obstacles in found.items() if obstacles}

    def waiting(self) -> set[str]:
        ours = ("review", "remarks", "remark_answers", "report_returned", "issue", "notification")
        with self.archive.reading(Actor.system("test")) as uow:
            kinds = uow.session.scalars(select(Task.kind).where(Task.closed_at.is_(None)))
            return {kind.partition(".")[2] for kind in kinds} & set(ours)

    def as_record(self, document_id: str, kind: str) -> None:
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            record_as(uow, document_id, type=kind, state="accepted")

    def change(self, statement: object) -> None:
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(statement)  # type: ignore[call-overload]


@pytest.fixture
def house(archive: Archive, people: People) -> House:
    leader, member = people.person("team_leader", name="张敏"), people.person("verifier", name="顾言")
    reviewer, issuer = people.person("technical_reviewer", name="钱复"), people.person("quality_manager", name="孙质")
    engagement = engagement_of(leader, team=[member])
    report = file_bytes(leader, engagement, "核查报告.txt", "第一版".encode()).document_id or ""
    made = House(archive, leader, member, reviewer, issuer, engagement, report)
    assign(made, reviewer)
    made.as_record(report, "verification_report")
    return made


def assign(house: House, person: Actor, part: str = "reviewer") -> None:
    set_member(house.leader, engagement_id=house.engagement.id, person_id=person.person_id or "", part=part)
    declare(house.archive, house.engagement.id)


def refused(expected: type[ArchiveError], act: Callable[[], object]) -> bool:
    with pytest.raises(expected):
        act()
    return True


def refused_by(rule: Duty, act: Callable[[], object]) -> bool:
    with pytest.raises(DutiesNotSeparateError) as told:
        act()
    return told.value.rule is rule


@both_databases_in_full
def test_the_way_of_a_report(house: House, archive: Archive) -> None:
    assert house.closed() == {
        "review_passed": ["review_missing"], "issued": ["not_issued"], "notified": ["not_notified"]
    }  # fmt: skip
    first = house.submit()
    assert (house.closed()["review_passed"], house.waiting()) == (["review_not_passed"], {"review"})
    grave = write_remark(house.reviewer, review_id=first, remark="低位发热量依据不足", page=3, quote="21.0", grave=True)
    slight = write_remark(house.reviewer, review_id=first, remark="笔误", page=4)
    assert house.waiting() == {"review", "remarks"}
    answer_remark(house.member, remark_id=grave.id, answer="已补充检测报告")
    assert house.waiting() == {"review", "remarks", "remark_answers"}
    assert refused(GraveRemarksOpenError, lambda: house.verdict(first))
    house.verdict(first, "returned")
    assert house.waiting() == {"remarks", "report_returned"}
    house.newer()
    second = house.submit()
    assert house.waiting() == {"review", "remarks", "remark_answers"}
    # A grave remark of the first round stands in the way of the second.
    assert refused(GraveRemarksOpenError, lambda: house.verdict(second))
    page = view_round(house.reviewer, engagement_id=house.engagement.id, review_id=second)
    assert [(line.remark.id, line.round) for line in page.remarks] in (
        [(grave.id, 1), (slight.id, 1)], [(slight.id, 1), (grave.id, 1)]
    )  # fmt: skip
    seen = next(line.seen for line in page.remarks if line.remark.id == grave.id)
    resolve_remark(house.reviewer, remark_id=grave.id, review_id=second, seen=seen)
    house.verdict(second)
    assert house.closed() == {"issued": ["not_issued"], "notified": ["not_notified"]}
    assert house.waiting() == {"issue"}
    issued = house.issue()
    assert (house.closed(), house.waiting()) == ({"notified": ["not_notified"]}, {"notification"})
    letter = file_bytes(house.leader, house.engagement, "告知函.txt", b"letter").document_id or ""
    told = house.tell(record_id=letter)
    assert (house.closed(), house.waiting()) == ({}, set())
    withdraw_telling(house.leader, issue_id=told, reason="误记")
    assert (list(house.closed()), house.waiting()) == (["notified"], {"notification"})
    house.tell()
    withdraw_issue(house.issuer, issue_id=issued, reason="错号")
    assert (list(house.closed()), house.waiting()) == (["issued", "notified"], {"issue"})
    assert refused(IssueOverError, lambda: withdraw_issue(house.issuer, issue_id=issued, reason="再次"))
    # The same number is its report's own, also after a withdrawal; what was told before counts no more only as long
    # as nothing is issued.
    house.issue()
    with archive.reading(Actor.system("test")) as uow:
        rows = uow.session.scalars(select(Issue).order_by(Issue.at)).all()
        assert sorted((row.kind, row.withdrawn_at is not None) for row in rows) == [
            ("issue", False), ("issue", True), ("notification", False), ("notification", True)
        ]  # fmt: skip
        assert uow.session.get_one(Record, letter).type == "result_notification"
    rounds = list_rounds(house.leader, engagement_id=house.engagement.id).items
    assert [(line.review.round, line.review.verdict, line.number, line.current) for line in rounds] == [
        (2, "passed", 2, True), (1, "returned", 1, False)
    ]  # fmt: skip


def test_a_newer_version_after_passing_closes_the_gates_again(house: House) -> None:
    house.passed()
    house.issue()
    house.tell()
    assert house.closed() == {}
    house.newer()
    assert house.closed() == {
        "review_passed": ["review_missing"], "issued": ["not_issued"], "notified": ["not_notified"]
    }  # fmt: skip
    assert refused(NotReviewedError, house.issue)
    assert refused(NotIssuedError, house.tell)
    house.passed()
    with pytest.raises(AlreadyIssuedError) as told:
        house.issue("HC-2026-002")
    assert told.value.params == {"number": "HC-2026-001"}
    # A second report is one more to review; a signed rendition of the first is not.
    other = file_bytes(house.leader, house.engagement, "分册.txt", b"part two").document_id or ""
    before = house.closed().get("review_passed", [])
    house.as_record(other, "verification_report")
    assert (before, house.closed()["review_passed"]) == ([], ["review_missing"])
    house.change(update(Record).where(Record.document_id == other).values(rendition_of=house.report))
    assert "review_passed" not in house.closed()


def test_a_verdict_about_an_older_version_passes_nothing(house: House) -> None:
    review = house.submit()
    house.newer()
    assert refused(ReportChangedError, lambda: house.verdict(review))
    assert refused(ReviewGoesOnError, house.submit)
    house.verdict(review, "returned")
    second = house.submit()
    house.change(update(Record).where(Record.document_id == house.report).values(type="other"))
    assert refused(NoReportError, lambda: house.verdict(second))
    assert house.closed()["review_passed"] == ["report_missing"]
    take_back_review(house.leader, review_id=second, reason="文件不是报告")
    assert refused(NoReportError, house.submit)
    assert refused(ReviewOverError, lambda: house.verdict(second, "returned"))
    house.as_record(house.report, "verification_report")
    passed = house.passed()
    assert refused(AlreadyPassedError, house.submit)
    assert refused(ReviewOverError, lambda: take_back_review(house.leader, review_id=passed, reason="误"))
    with house.archive.reading(Actor.system("test")) as uow:
        rounds = uow.session.execute(select(Review.round, Review.verdict).order_by(Review.round)).all()
    assert [tuple(row) for row in rounds] == [(1, "returned"), (2, "withdrawn"), (3, "passed")]


def test_reviewer_not_of_the_team_also_at_the_verdict(house: House, people: People) -> None:
    assert refused(ReviewerNotAssignedError, lambda: house.submit(house.member))
    undeclared = people.person("technical_reviewer")
    set_member(house.leader, engagement_id=house.engagement.id, person_id=undeclared.person_id or "", part="reviewer")
    assert refused(ReviewerNotAssignedError, lambda: house.submit(undeclared))
    review = house.submit()
    # Somebody who worked on it, and came to be assigned as the reviewer by another way than the page of the team.
    both = people.person("technical_reviewer", "verifier", "team_leader")
    assign(house, both, "member")
    remark = write_remark(house.reviewer, review_id=review, remark="请说明")
    answer_remark(both, remark_id=remark.id, answer="说明如下")
    of_both = update(Assignment).where(Assignment.person_id == both.person_id)
    house.change(of_both.values(part="reviewer"))
    house.change(update(Review).where(Review.id == review).values(reviewer_id=both.person_id))
    for act in (
        lambda: house.verdict(review, by=both),
        lambda: house.verdict(review, "returned", by=both),
        lambda: write_remark(both, review_id=review, remark="x"),
        lambda: resolve_remark(both, remark_id=remark.id, review_id=review),
    ):
        assert refused_by(REVIEWER_NOT_OF_THE_TEAM, act)
    take_back_review(house.leader, review_id=review, reason="换人")
    assert refused_by(REVIEWER_NOT_OF_THE_TEAM, lambda: house.submit(both))
    # Who filed a version of the report has worked on it, too.
    second = house.submit()
    house.change(update(Version).where(Version.document_id == house.report).values(filed_by=house.reviewer.name))
    assert refused_by(REVIEWER_NOT_OF_THE_TEAM, lambda: house.verdict(second))


def test_a_round_is_its_reviewers_as_long_as_they_are_assigned(house: House, people: People) -> None:
    other = people.person("technical_reviewer")
    assign(house, other)
    review = house.submit()
    remark = write_remark(house.reviewer, review_id=review, remark="请说明", grave=True)
    for act in (
        lambda: house.verdict(review, by=other),
        lambda: write_remark(other, review_id=review, remark="x"),
        lambda: resolve_remark(other, remark_id=remark.id, review_id=review),
    ):
        assert refused(NotTheReviewerError, act)
    # Neither the reviewer nor somebody unassigned answers for the team.
    assert refused(
        NotFoundError,
        lambda: answer_remark(people.person("verifier", "archivist"), remark_id=remark.id, answer="x"),
    )
    remove_member(house.leader, engagement_id=house.engagement.id, person_id=house.reviewer.person_id or "")
    assert refused(NotFoundError, lambda: house.verdict(review))
    take_back_review(house.leader, review_id=review, reason="复核员离开")
    assert house.waiting() == set()
    second = house.submit(other)
    # The remark of who has left stands until somebody sees to it.
    assert refused(GraveRemarksOpenError, lambda: house.verdict(second, by=other))
    resolve_remark(other, remark_id=remark.id, review_id=second)
    assert refused(RemarkResolvedError, lambda: resolve_remark(other, remark_id=remark.id, review_id=second))
    assert refused(RemarkResolvedError, lambda: answer_remark(house.leader, remark_id=remark.id, answer="晚"))
    house.verdict(second, by=other)


def test_what_was_seen_is_what_counts(house: House) -> None:
    review = house.submit()
    version = house.version()
    remark = write_remark(house.reviewer, review_id=review, remark="请说明")
    answered = answer_remark(house.member, remark_id=remark.id, answer="一")
    assert refused(ConflictError, lambda: answer_remark(house.leader, remark_id=remark.id, answer="二"))
    assert refused(ConflictError, lambda: resolve_remark(house.reviewer, remark_id=remark.id, review_id=review))
    seen = answered.answered_at.isoformat() if answered.answered_at else ""
    answer_remark(house.leader, remark_id=remark.id, answer="二", seen=seen)
    house.verdict(review)
    house.newer()
    arguments = {"engagement_id": house.engagement.id, "document_id": house.report, "version_id": version}
    for act in (
        lambda: submit_for_review(house.leader, reviewer_id=house.reviewer.person_id or "", **arguments),
        lambda: issue_report(house.issuer, number="1", **arguments),
        lambda: tell_result(house.leader, telling=Telling("x", "x", house.archive.today()), **arguments),
    ):
        assert refused(ConflictError, act)


def test_the_record_of_a_review(house: House, archive: Archive) -> None:
    annex = file_bytes(house.leader, house.engagement, "附件.txt", b"annex").document_id or ""
    house.change(update(Document).where(Document.id == annex).values(level=Level.SENSITIVE))
    review = house.submit()
    write_remark(house.reviewer, review_id=review, remark="附件数据有误", quote="1.23", document_id=annex, page=2)
    house.verdict(review)
    with archive.reading(Actor.system("test")) as uow:
        record = uow.session.scalars(select(Record).where(Record.type == "technical_review")).one()
        document = uow.session.get_one(Document, record.document_id)
        assert (record.state, document.level, record.originator) == ("accepted", Level.SENSITIVE, "钱复")
    opened = open_content(house.leader, document_id=document.id)
    with opened.stream as stream:
        text = stream.read().decode()
    for told in (house.engagement.number, "钱复", "张敏", "数据可靠", "附件数据有误", "1.23", "通过", "第1轮"):
        assert told in text
    # A verdict that is refused leaves no record.
    with archive.reading(Actor.system("test")) as uow:
        assert len(uow.session.scalars(select(Record).where(Record.type == "technical_review")).all()) == 1


def test_nobody_learns_through_remarks_of_what_is_above_their_level(house: House, people: People) -> None:
    low = people.person("verifier", level=Level.INTERNAL)
    assign(house, low, "member")
    annex = file_bytes(house.leader, house.engagement, "附件.txt", b"annex").document_id or ""
    review = house.submit()
    remark = write_remark(house.reviewer, review_id=review, remark="机密数据", quote="9.99", document_id=annex)
    house.change(update(Document).where(Document.id == annex).values(level=Level.SENSITIVE))
    assert list(view_round(low, engagement_id=house.engagement.id, review_id=review).remarks) == []
    assert len(view_round(house.member, engagement_id=house.engagement.id, review_id=review).remarks) == 1
    assert refused(NotFoundError, lambda: answer_remark(low, remark_id=remark.id, answer="x"))
    house.change(update(Document).where(Document.id == house.report).values(level=Level.SENSITIVE))
    assert refused(NotFoundError, lambda: view_round(low, engagement_id=house.engagement.id, review_id=review))
    assert list_rounds(low, engagement_id=house.engagement.id).items == []
    page = view_review(low, engagement_id=house.engagement.id)
    assert (page.reports, page.issues) == ([], [])
    # Nor is a remark written on what one does not see, or on what is elsewhere.
    elsewhere = file_bytes(house.leader, engagement_of(house.leader), "别处.txt", b"x").document_id or ""
    assert refused(
        NotFoundError, lambda: write_remark(house.reviewer, review_id=review, remark="x", document_id=elsewhere)
    )


def test_a_sealed_file_refuses_everything(house: House, archive: Archive) -> None:
    house.passed()
    issued = house.issue()
    told = house.tell()
    house.newer()
    review = house.submit()
    remark = write_remark(house.reviewer, review_id=review, remark="x")
    house.change(update(Engagement).where(Engagement.id == house.engagement.id).values(sealed_at=archive.clock.now()))
    acts: Sequence[Callable[[], object]] = (
        house.submit,
        lambda: take_back_review(house.leader, review_id=review, reason="x"),
        lambda: write_remark(house.reviewer, review_id=review, remark="x"),
        lambda: answer_remark(house.member, remark_id=remark.id, answer="x"),
        lambda: resolve_remark(house.reviewer, remark_id=remark.id, review_id=review),
        lambda: house.verdict(review),
        lambda: house.issue("2"),
        house.tell,
        lambda: withdraw_issue(house.issuer, issue_id=issued, reason="x"),
        lambda: withdraw_telling(house.leader, issue_id=told, reason="x"),
    )
    for act in acts:
        assert refused(EngagementSealedError, act)


@both_databases
def test_a_verdict_while_a_newer_version_arrives(house: House, archive: Archive) -> None:
    outcomes = set()
    for turn in range(3):
        review = house.submit()
        told: list[str] = []
        gate = threading.Barrier(2)

        def run(act: Callable[[], object], gate: threading.Barrier = gate, told: list[str] = told) -> None:
            with archive.activate():
                gate.wait()
                try:
                    act()
                    told.append("done")
                except ArchiveError as error:
                    told.append(error.code)

        acts = (lambda: house.verdict(review), lambda: house.newer(b"turn %d" % turn))  # noqa: B023
        threads = [threading.Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with archive.reading(Actor.system("test")) as uow:
            row = uow.session.get_one(Review, review)
            version = uow.session.get_one(Version, row.version_id)
            assert not version.current
        # Whichever came first: the newer version is not reviewed, and the gate is closed.
        assert house.closed()["review_passed"] == ["review_missing"]
        assert sorted(told) == (["done", "done"] if row.verdict == "passed" else ["done", "report_changed"])
        outcomes.add(row.verdict)
        if row.verdict == "":
            take_back_review(house.leader, review_id=review, reason="新版")
    assert outcomes <= {"passed", ""}
