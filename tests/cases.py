"""What work on a case leaves behind, made directly: records without content, conditions of stages held or broken."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, update

from archive_app.casework.models import Issue, MaterialLine, MaterialRequest, Nonconformity, Review
from archive_app.casework.recording import ACTIVITY_DATA_FIELDS, new_record, record_as
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import (
    Assignment,
    Client,
    Competence,
    Engagement,
    GroupMember,
    PersonDays,
)
from archive_app.engagements.schemes import Scheme, all_schemes
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork

SECTOR = "power_generation"
_TESTER = Actor.system("test")
_LONG = timedelta(days=30)


def add_record(
    archive: Archive, engagement_id: str, record_type: str, *, state: str = "accepted", level: Level = Level.INTERNAL
) -> str:
    """A document without content that is a record of the type; its id."""
    with archive.transaction(_TESTER, eventless=True) as uow:
        return put_record(uow, engagement_id, record_type, state=state, level=level)


def put_record(
    uow: UnitOfWork, engagement_id: str, record_type: str, *, state: str = "accepted", level: Level = Level.INTERNAL
) -> str:
    """The same inside a unit of work."""
    document = Document(
        id=uow.new_id(), engagement_id=engagement_id, title=f"{record_type} {uow.new_id()[-6:]}", level=level,
        created_at=uow.now,
    )  # fmt: skip
    uow.session.add(document)
    uow.session.flush()
    described = new_record(uow, document.id)
    described.type = record_type
    for name in ACTIVITY_DATA_FIELDS:
        setattr(described, name, "x")
    uow.session.add(described)
    record_as(uow, document.id, type=record_type, state=state)
    return document.id


def make_report(archive: Archive, document_id: str, engagement_id: str, record_type: str) -> None:
    """A filed document is the report, reviewed, issued and told."""
    with archive.transaction(_TESTER, eventless=True) as uow:
        record_as(uow, document_id, type=record_type, state="accepted")
        version = uow.session.scalar(select(Version.id).where(Version.document_id == document_id)) or ""
        reviewer = uow.session.scalar(select(Assignment.person_id).where(Assignment.engagement_id == engagement_id))
        uow.session.add(
            Review(
                id=uow.new_id(), engagement_id=engagement_id, round=1, version_id=version, reviewer_id=reviewer,
                asked_by="x", asked_at=uow.now, verdict="passed", summary="", decided_at=uow.now,
            )
        )  # fmt: skip
        for kind in ("issue", "notification"):
            uow.session.add(
                Issue(
                    id=uow.new_id(), engagement_id=engagement_id, kind=kind, version_id=version, number="1",
                    told_to="x", way="x", on=uow.archive.today(), by="x", at=uow.now, reason="",
                )
            )  # fmt: skip


def make_ready(archive: Archive, engagement_id: str, scheme: Scheme) -> None:
    """Whoever is assigned declared, is competent, is in every group and wrote down time; the client has a sector."""
    with archive.transaction(_TESTER, eventless=True) as uow:
        engagement = uow.session.get_one(Engagement, engagement_id)
        uow.session.get_one(Client, engagement.client_id).sector = SECTOR
        of_engagement = select(Assignment).where(Assignment.engagement_id == engagement_id)
        for assignment in uow.session.scalars(of_engagement).all():
            assignment.declared_at = uow.now
            person_id = assignment.person_id
            _add_competences(uow, engagement, person_id, scheme)
            if assignment.part == "reviewer":
                continue
            for group in scheme.team.groups:
                uow.session.add(
                    GroupMember(engagement_id=engagement_id, person_id=person_id, group=group.code, named_at=uow.now)
                )
            uow.session.add(
                PersonDays(
                    id=uow.new_id(), engagement_id=engagement_id, person_id=person_id, stage=scheme.stages[0].code,
                    on=uow.archive.today(), quarters=6, on_site=False, remark="", recorded_by="x", recorded_at=uow.now,
                )
            )  # fmt: skip


def _add_competences(uow: UnitOfWork, engagement: Engagement, person_id: str, scheme: Scheme) -> None:
    for rule in scheme.competences:
        code = SECTOR if rule.code == "client_sector" else rule.code
        uow.session.add(
            Competence(
                id=uow.new_id(), organisation_id=engagement.organisation_id, person_id=person_id, kind=rule.kind,
                code=code, title="x", certificate="", issued_by="", valid_from=date(2020, 1, 1), recorded_by="x",
                recorded_at=uow.now,
            )
        )  # fmt: skip


def withdraw_only(archive: Archive, engagement_id: str, document_ids: Collection[str]) -> None:
    """Withdraws these documents of an engagement, and puts back all the others."""
    with archive.transaction(_TESTER, eventless=True) as uow:
        of_engagement = update(Document).where(Document.engagement_id == engagement_id)
        uow.session.execute(of_engagement.where(Document.withdrawn_at.is_not(None)).values(withdrawn_at=None))
        uow.session.execute(of_engagement.where(Document.id.in_(document_ids)).values(withdrawn_at=uow.now))


@dataclass(frozen=True)
class Condition:
    """How a condition of a stage is broken and held again, and the codes of what then stands in the way."""

    codes: frozenset[str]
    set: Callable[[UnitOfWork, str, bool], None]

    def hold(self, archive: Archive, engagement_id: str, *, held: bool) -> None:
        """Holds or breaks it."""
        with archive.transaction(_TESTER, eventless=True) as uow:
            self.set(uow, engagement_id, held)


def _declared(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    # Of a member, because whoever has not declared sees nothing and moves nothing.
    members = update(Assignment).where(Assignment.engagement_id == engagement_id, Assignment.part == "member")
    uow.session.execute(members.values(declared_at=uow.now if held else None))


def _team_complete(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    others = update(Assignment).where(Assignment.engagement_id == engagement_id, Assignment.part != "leader")
    uow.session.execute(others.values(ended_at=None if held else uow.now))


def _competent(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    uow.session.execute(update(Competence).values(withdrawn_at=None if held else uow.now))


def _person_days(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    uow.session.execute(update(PersonDays).values(withdrawn_at=None if held else uow.now))


def _material_decided(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    if held:
        uow.session.execute(update(MaterialLine).values(state="accepted"))
        return
    request = MaterialRequest(
        id=uow.new_id(), engagement_id=engagement_id, recipient="x", channel="told", address="", language="en",
        message="", until=uow.now + _LONG, received_bytes=0, created_by="x", created_at=uow.now,
    )  # fmt: skip
    uow.session.add(request)
    uow.session.flush()
    uow.session.add(
        MaterialLine(
            id=uow.new_id(), request_id=request.id, position=1, record_type="activity_data", name="台账",
            explanation="", example="", state="delivered", reason="", changed_at=uow.now,
        )
    )  # fmt: skip


def _nonconformities_closed(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    if held:
        uow.session.execute(update(Nonconformity).values(state="confirmed"))
        return
    uow.session.add(
        Nonconformity(
            id=uow.new_id(), engagement_id=engagement_id, position=1, grade="major", clause="x", statement="x",
            evidence="x", due_on=uow.archive.today(), provisional=False, state="raised", raised_by="x",
            raised_at=uow.now, effectiveness="",
        )
    )  # fmt: skip


def _reviewed(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    of_engagement = update(Review).where(Review.engagement_id == engagement_id)
    uow.session.execute(of_engagement.values(verdict="passed" if held else "returned"))


def _issue(kind: str) -> Callable[[UnitOfWork, str, bool], None]:
    def set_issue(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
        of_kind = update(Issue).where(Issue.engagement_id == engagement_id, Issue.kind == kind)
        uow.session.execute(of_kind.values(withdrawn_at=None if held else uow.now))

    return set_issue


def _sealed(uow: UnitOfWork, engagement_id: str, held: bool) -> None:
    of_engagement = update(Engagement).where(Engagement.id == engagement_id)
    uow.session.execute(of_engagement.values(sealed_at=uow.now if held else None))


_INCOMPLETE = frozenset({"too_few_people", "too_few_leaders", "no_reviewer", "group_too_small"})
CONDITIONS: Mapping[str, Condition] = {
    "declared": Condition(frozenset({"not_declared"}), _declared),
    "team_complete": Condition(_INCOMPLETE, _team_complete),
    "competent": Condition(frozenset({"nobody_competent", "not_competent"}), _competent),
    "person_days": Condition(frozenset({"no_person_days"}), _person_days),
    "material_decided": Condition(frozenset({"material_undecided"}), _material_decided),
    "nonconformities_closed": Condition(frozenset({"nonconformity_open"}), _nonconformities_closed),
    "review_passed": Condition(frozenset({"review_not_passed"}), _reviewed),
    "issued": Condition(frozenset({"not_issued"}), _issue("issue")),
    "notified": Condition(frozenset({"not_notified"}), _issue("notification")),
    "sealed": Condition(frozenset({"not_sealed"}), _sealed),
}
"""Every condition that a scheme may name."""


def required_types(scheme: Scheme) -> list[tuple[str, str]]:
    """Stage and type of each required record, in order."""
    return [(stage.code, record.type) for stage in scheme.stages for record in stage.records if record.required]


SCHEMES = sorted(all_schemes())
