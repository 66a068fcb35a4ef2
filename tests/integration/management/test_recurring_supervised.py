"""What a supervisor sees of a management system: with the whole body opened, all of it that is not a draft, to be read;
with a year of it opened, nothing."""

from datetime import date

import pytest
from sqlalchemy import select, update

from archive_app.documents.models import Document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError, PermissionMissingError
from archive_app.kernel.levels import Level
from archive_app.management.controlled.master_list import Filters, list_controlled, other_organisations
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.recurring.keeping import Terms, change_duty
from archive_app.management.recurring.listing import list_times
from archive_app.management.recurring.planning import Count, overview, year_plan
from archive_app.management.recurring.settling import settle_done
from archive_app.management.recurring.showing import view_duty, view_occurrence
from archive_app.supervision.scopes import Thing
from tests.conftest import both_databases_in_full
from tests.controlled import controlled_cast, drafted_document, issued_document
from tests.duties import TESTER, Park, own_duty, times_of
from tests.factories import People
from tests.supervised import WHOLE, granted, scene_of

YEAR = Thing(year=2025)


def _titles(archive: Archive, actor: Actor) -> tuple[list[str], list[str], int]:
    """The controlled documents that somebody sees, the titles of documents of the library, and how many editions."""
    with archive.reading(actor) as uow:
        listed = select(ControlledDocument.title).where(uow.visible("controlled_document"))
        shown = select(Document.title).where(uow.visible("document"), Document.control != "")
        editions = select(Edition.id).where(uow.visible("edition"))
        return (
            sorted(uow.session.scalars(listed)),
            sorted(uow.session.scalars(shown)),
            len(uow.session.scalars(editions).all()),
        )


@both_databases_in_full
def test_the_whole_body_and_a_year_of_it(archive: Archive, people: People) -> None:
    """The plan and the master list show with a grant of the whole body, drafts do not, nothing can be changed, and it
    ends with the grant; a grant for a year opens none of it; neither does any grant of another body."""
    scene = scene_of(people)
    cast = controlled_cast(people)
    issued_document(people, cast, title="监测程序")
    secret = issued_document(people, cast, title="最高管理者会议纪要")
    with archive.transaction(TESTER, eventless=True) as uow:
        for table, row_id in ((ControlledDocument, secret.controlled_id), (Document, secret.document_id)):
            uow.session.execute(update(table).where(table.id == row_id).values(level=Level.RESTRICTED))
    drafted_document(cast, title="还在起草的程序")
    duty = own_duty(Park(scene.body_id, cast.approver, cast.author, cast.reader), "年度内审", date(2026, 12, 31))
    found = times_of(archive, duty.id)[0]

    granted(scene, YEAR, by=scene.colleague)
    assert _titles(archive, scene.colleague) == ([], [], 0)
    assert not other_organisations(scene.colleague)
    assert list_controlled(scene.colleague, filters=Filters(organisation=scene.body_id)).items == []
    assert overview(scene.colleague, year=2026).items == []
    with pytest.raises(NotFoundError):
        year_plan(scene.colleague, year=2026, organisation_id=scene.body_id)
    with pytest.raises(NotFoundError):
        view_occurrence(scene.colleague, occurrence_id=found.id)
    assert list_times(scene.colleague).items == []

    granted(scene, WHOLE)
    listed, shown, editions = _titles(archive, scene.supervisor)
    assert listed == ["监测程序"]
    assert [key for key, _name in other_organisations(scene.supervisor)] == [scene.body_id]
    there = list_controlled(scene.supervisor, filters=Filters(organisation=scene.body_id))
    assert [line.controlled.title for line in there.items] == ["监测程序"]
    assert list_controlled(scene.supervisor, filters=Filters()).items == []
    assert len(shown) == editions == 1
    [row] = overview(scene.supervisor, year=2026).items
    assert (row.organisation.id, row.months[:11], row.months[11]) == (scene.body_id, [None] * 11, Count(0, 1, 0))
    plan = year_plan(scene.supervisor, year=2026, organisation_id=scene.body_id)
    assert [line.title.zh for line in plan.rows.items] == ["年度内审"]
    assert not plan.may_manage
    page = view_occurrence(scene.supervisor, occurrence_id=found.id)
    assert page.acts == frozenset()
    assert not view_duty(scene.supervisor, duty_id=duty.id).may_manage
    with pytest.raises(PermissionMissingError):
        settle_done(scene.supervisor, occurrence_id=found.id, records=())
    with pytest.raises(PermissionMissingError):
        change_duty(scene.supervisor, duty_id=duty.id, terms=Terms("x", 1, date(2026, 12, 31)))


def test_somebody_who_manages_duties_elsewhere(archive: Archive, people: People) -> None:
    """A person of an authority who also manages duties there changes nothing of the body that they supervise."""
    scene = scene_of(people)
    cast = controlled_cast(people)
    duty = own_duty(Park(scene.body_id, cast.approver, cast.author, cast.reader), "年度内审", date(2026, 12, 31))
    both = people.person("supervisor", "quality_manager", organisation="江南省生态环境厅")
    granted(scene, WHOLE, by=both)
    found = times_of(archive, duty.id)[0]
    assert view_occurrence(both, occurrence_id=found.id).acts == frozenset()
    with pytest.raises(PermissionMissingError):
        settle_done(both, occurrence_id=found.id, records=())
    with pytest.raises(PermissionMissingError):
        change_duty(both, duty_id=duty.id, terms=Terms(cast.author.person_id or "", 1, date(2026, 12, 31)))
