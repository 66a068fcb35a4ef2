"""Issue of the report and notification of its result: in which hands, under which number, told when."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, update

from archive_app.casework.requests.deciding import accept_line
from archive_app.casework.reviewing.issuing import ReportNumberTakenError, withdraw_issue
from archive_app.casework.reviewing.remarks import write_remark
from archive_app.casework.reviewing.showing import view_review
from archive_app.casework.waivers import waive_record
from archive_app.documents.models import Document
from archive_app.engagements.models import Assignment, Client
from archive_app.engagements.teams import remove_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import ISSUED_BY_ANOTHER, REVIEWER_NOT_OF_THE_TEAM
from archive_app.kernel.errors import ConfirmationRequiredError, InvalidInputError, NotFoundError
from archive_app.kernel.levels import Level
from tests.factories import People, engagement_of, file_bytes
from tests.integration.test_review import House, assign, house, refused, refused_by
from tests.material import acting, asked, brings

__all__ = ["house"]


def test_issued_by_another(house: House, people: People, archive: Archive) -> None:
    hands = people.person("quality_manager", "verifier", "technical_reviewer", "team_leader")
    house.passed()
    assign(house, hands, "member")
    assert refused_by(ISSUED_BY_ANOTHER, lambda: house.issue(by=hands))
    remove_member(house.leader, engagement_id=house.engagement.id, person_id=hands.person_id or "")
    assert refused_by(ISSUED_BY_ANOTHER, lambda: house.issue(by=hands))
    house.change(update(Assignment).where(Assignment.person_id == hands.person_id).values(part="reviewer"))
    assert refused_by(ISSUED_BY_ANOTHER, lambda: house.issue(by=hands))
    unconfirmed = replace(house.issuer, confirmed_at=None)
    assert refused(ConfirmationRequiredError, lambda: house.issue(by=unconfirmed))
    # The client's own quality manager sees a public report, and issues nothing in the body's name.
    house.change(update(Document).where(Document.id == house.report).values(level=Level.PUBLIC))
    of_client = people.person("quality_manager", "client_contact", organisation="江南热电")
    entity = update(Client).where(Client.id == house.engagement.client_id)
    house.change(entity.values(entity_id=of_client.organisation_id))
    assert view_review(of_client, engagement_id=house.engagement.id).reports == []
    assert refused(NotFoundError, lambda: house.issue(by=of_client))
    house.issue()
    elsewhere = engagement_of(house.leader)
    report = file_bytes(house.leader, elsewhere, "核查报告.txt", b"other").document_id or ""
    other = replace(house, engagement=elsewhere, report=report)
    assign(other, house.reviewer)
    other.as_record(report, "verification_report")
    other.passed()
    assert refused(ReportNumberTakenError, other.issue)
    assert refused(InvalidInputError, lambda: other.issue(" "))
    issued = other.issue("HC-2026-009")
    withdraw_issue(house.issuer, issue_id=issued, reason="误")
    house_issue = [line.issue.id for line in view_review(house.issuer, engagement_id=house.engagement.id).issues]
    withdraw_issue(house.issuer, issue_id=house_issue[0], reason="误")
    # A number is never given to another report, withdrawn or not.
    assert refused(ReportNumberTakenError, other.issue)
    assert archive is house.archive


def test_who_decided_for_the_team_neither_reviews_nor_issues(house: House, people: People) -> None:
    """Whoever keeps the archive may accept what the client brings, and say that a record does not apply: that is the
    team's work, whoever does it."""
    for act in (_accepts, _waives):
        keeper = people.person("archivist", "quality_manager", "technical_reviewer", name=act.__name__)
        act(house, keeper)
        assign(house, keeper)
        assert refused_by(REVIEWER_NOT_OF_THE_TEAM, lambda: house.submit(keeper))  # noqa: B023
        house.change(delete(Assignment).where(Assignment.person_id == keeper.person_id))
        if act is _accepts:
            house.passed()
        assert refused_by(ISSUED_BY_ANOTHER, lambda: house.issue(by=keeper))  # noqa: B023
    house.issue()


def _accepts(house: House, keeper: Actor) -> None:
    request, (_invoice, photos) = asked(house.leader, house.engagement)
    brings(acting(house.leader, request), photos, "现场.txt", b"photograph")
    accept_line(keeper, line_id=photos.id)


def _waives(house: House, keeper: Actor) -> None:
    waive_record(
        keeper,
        engagement_id=house.engagement.id,
        stage=house.engagement.stage,
        record_type="assignment_letter",
        reason="口头委托",
    )


def test_what_is_told_is_checked(house: House, archive: Archive) -> None:
    house.passed()
    house.issue()
    today = archive.today()
    for wrong in ({"on": today + timedelta(days=1)}, {"on": today - timedelta(days=1)}, {"told_to": " "}, {"way": ""}):
        assert refused(InvalidInputError, lambda: house.tell(**wrong))  # noqa: B023
    # The report itself does not become the record of its notification.
    assert refused(InvalidInputError, lambda: house.tell(record_id=house.report))
    elsewhere = file_bytes(house.leader, engagement_of(house.leader), "函.txt", b"x").document_id or ""
    assert refused(NotFoundError, lambda: house.tell(record_id=elsewhere))
    assert refused(
        InvalidInputError,
        lambda: write_remark(house.reviewer, review_id=_reopened(house), remark="x", page=0),
    )


def _reopened(house: House) -> str:
    house.newer(b"third")
    return house.submit()
