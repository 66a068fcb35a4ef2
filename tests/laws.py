"""An office that keeps a legal register, for tests: its people, an obligation, evaluations, and what waits."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import select

from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    InvalidInputError,
)
from archive_app.management.laws.evaluating import (
    Findings,
)
from archive_app.management.laws.models import Law, Obligation
from archive_app.management.laws.obliging import (
    DutyFacts,
    record_obligation,
)
from archive_app.management.laws.recording import (
    LawFacts,
)
from archive_app.worklist.models import Task
from tests.cases import add_record
from tests.conftest import Workbench
from tests.factories import People, engagement_of

TODAY = date(2026, 11, 21)
FACTS = LawFacts(
    "碳排放权交易管理暂行条例", "regulation", "国务院令第775号", "国务院", date(2024, 2, 4), date(2024, 5, 1)
)
OLD_ENOUGH = date(2026, 11, 20)


@dataclass(frozen=True)
class Office:
    """People of one organisation who keep and evaluate, one of another, and an engagement with evidence."""

    keeper: Actor
    owner: Actor
    other: Actor
    stranger: Actor
    engagement: Engagement
    evidence: str


def office_of(archive: Archive, people: People) -> Office:
    keeper = people.person("quality_manager", name="质量")
    owner, other = people.person("staff_member", name="周宁"), people.person("staff_member", name="何平")
    stranger = people.person("quality_manager", organisation="别家核查")
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    return Office(keeper, owner, other, stranger, engagement, add_record(archive, engagement.id, "photograph"))


def id_of(actor: Actor) -> str:
    return actor.person_id or ""


def duty_for(office: Office, law: Law, **told: object) -> Obligation:
    facts = DutyFacts("原始记录至少保存五年", id_of(office.owner), "第十一条", "档案保管期限表", "档案室")
    return record_obligation(office.keeper, law_id=law.id, facts=replace(facts, **told))  # type: ignore[arg-type]


def complies(**told: object) -> Findings:
    return replace(Findings(TODAY, "complies", "抽查十份", without_evidence="口头确认"), **told)  # type: ignore[arg-type]


def fails(office: Office, **told: object) -> Findings:
    found = Findings(TODAY, "fails", "缺两份", (), "现场查看", "补齐台账", id_of(office.owner), date(2026, 12, 11))
    return replace(found, **told)  # type: ignore[arg-type]


def waiting(archive: Archive) -> set[tuple[str, str, str]]:
    """What waits: the kind, whom it waits for, and until when."""
    with archive.reading(Actor.system("test")) as uow:
        rows = uow.session.scalars(select(Task).where(Task.closed_at.is_(None), Task.kind.like("management.%")))
        return {(row.kind[11:], row.person_id or row.permission or "", row.due_on.isoformat()) for row in rows}


def an_hour_later(workbench: Workbench) -> None:
    workbench.worker.plan_periodic()
    workbench.run()


def refused(act: Callable[[], object], error: type[ArchiveError] = InvalidInputError) -> str:
    with pytest.raises(error) as refused:
        act()
    return refused.value.text("en")


KEEPERS, NO_DAY = "organisation:laws:manage", "9999-12-31"
