"""A recurring duty for the access matrix; its organisation has a site that closed and a change that was withdrawn."""

from datetime import date

from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from tests.access.expectation import FOREIGN
from tests.access.things import MARKER, add_row

_DAY = date(2026, 12, 31)


def duty_row(uow: UnitOfWork, told: dict[str, str], place: str) -> dict[str, str]:
    """The duty and one time of it, which wait for whoever leads the engagement of the place, and for no column. The
    site and the change are in states in which nothing more is done with them, whoever asks."""
    organisation, leader, now = told["organisation_id"], told["leader_id"], uow.now
    words = MARKER if place == FOREIGN else ""
    site = Site(
        id=uow.new_id(), organisation_id=organisation, name=f"{words}场所{place}", closed_on=date(2026, 11, 20),
        closed_reason="x", created_by="system:test", created_at=now,
    )  # fmt: skip
    change = Change(
        id=uow.new_id(), organisation_id=organisation, kind="output", happened_on=date(2026, 11, 1),
        description=f"{words}扩产", recorded_by="system:test", recorded_at=now, withdrawn_by="system:test",
        withdrawn_at=now, withdrawn_reason="x",
    )  # fmt: skip
    duty = OwnDuty(
        id=uow.new_id(), organisation_id=organisation, code="", title=f"{words}巡检{place}", source="",
        records="system_review", owner_id=leader, every_months=12, first_on=_DAY, taken_on_by="system:test",
        taken_on_at=now, ended_reason="",
    )  # fmt: skip
    occurrence = Occurrence(
        id=uow.new_id(), organisation_id=organisation, own_duty_id=duty.id, key=_DAY.isoformat(), year=_DAY.year,
        due_on=_DAY, provisional=False, owner_id=leader, state="open", void_by="", remark="", created_at=now,
    )  # fmt: skip
    for row in (site, change, duty, occurrence):
        add_row(uow, row)
    return {"site_id": site.id, "change_id": change.id, "duty_id": duty.id, "occurrence_id": occurrence.id}
