"""A controlled document in use: reviewed, watched, copied on paper, taken as a form, withdrawn; and what stands on it
then."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from PIL import Image, ImageChops
from sqlalchemy import select

from archive_app.documents.errors import MarkedOnlyError, StampedOnlyError
from archive_app.documents.giving import open_package, open_rendition
from archive_app.documents.looking import open_content, page_picture, view_document
from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.management.controlled import periodic_review, watching
from archive_app.management.controlled.copies import end_copy, give_copy, list_copies
from archive_app.management.controlled.drafting import revise
from archive_app.management.controlled.forms_in_use import list_forms_taken, take_form
from archive_app.management.controlled.in_use import NotInForceError, NotTheOwnerError
from archive_app.management.controlled.issuing import issue_edition, open_in_force
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.controlled.periodic_review import count_days_anew, record_review
from archive_app.management.controlled.rules import WrongStateError
from archive_app.management.controlled.watching import record_look
from archive_app.management.controlled.withdrawing import NotAWithdrawerError, withdraw_document
from archive_app.worklist.models import CalendarDay, CalendarYear, Task
from search.reading import render_page
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.controlled import approve_edition, controlled_cast, drafted_document, issued_document, next_edition
from tests.factories import People, engagement_of
from tests.files import pdf
from tests.supervised import WHOLE, granted, scene_of

TESTER = Actor.system("test")
NO_JOB = Job(kind="", subject_id="")


def tasks(archive: Archive, kind: str) -> list[tuple[str | None, str, date]]:
    """Whom open tasks of the kind wait for, about what, by which day."""
    with archive.reading(TESTER) as uow:
        found = select(Task).where(Task.kind == f"management.{kind}", Task.closed_at.is_(None)).order_by(Task.id)
        return [
            (task.person_id or task.permission or task.part, task.about, task.due_on)
            for task in uow.session.scalars(found)
        ]


def row_of(archive: Archive, controlled_id: str) -> ControlledDocument:
    with archive.reading(TESTER) as uow:
        return uow.session.get_one(ControlledDocument, controlled_id)


REVIEW_DAYS = (
    (date(2025, 8, 14), 6, date(2026, 2, 14)),  # a Saturday on which people work
    (date(2025, 8, 31), 6, date(2026, 2, 28)),  # the last of a short month, a Saturday on which people work
    (date(2025, 11, 23), 6, date(2026, 5, 22)),  # a Saturday
    (date(2026, 4, 1), 6, date(2026, 9, 30)),  # 1 October is a public holiday
    (date(2028, 2, 29), 12, date(2029, 2, 28)),
    (date(2028, 2, 29), 48, date(2032, 2, 27)),  # 29 February again, a Sunday
)
"""When a document is issued, after how many months it is reviewed, and by which day: never later than the rule."""


def test_the_day_of_a_review(archive: Archive, people: People, clock: SetClock) -> None:
    cast = controlled_cast(people)
    for issued_on, months, due in REVIEW_DAYS:
        clock.instant = datetime(issued_on.year, issued_on.month, issued_on.day, 2, tzinfo=UTC)
        made = issued_document(people, cast, review_months=months)
        assert row_of(archive, made.controlled_id).review_on == due


@both_databases_in_full
def test_periodic_reviews(archive: Archive, people: People, clock: SetClock) -> None:
    made = issued_document(people, review_months=10)
    never = issued_document(people, made.cast, review_months=None, title="不评审")
    cast = made.cast
    assert row_of(archive, made.controlled_id).review_on == date(2027, 9, 21)
    clock.instant = datetime(2027, 8, 20, 2, tzinfo=UTC)
    periodic_review.remind(Workshop(archive), NO_JOB)
    assert tasks(archive, "periodic_review") == []
    clock.advance(days=3)
    for _twice in range(2):
        periodic_review.remind(Workshop(archive), NO_JOB)
        assert [task[::2] for task in tasks(archive, "periodic_review")] == [(cast.author.person_id, date(2027, 9, 21))]
    for stranger, refusal in (
        (cast.reader, NotTheOwnerError),
        (people.person("verifier", organisation="别家"), NotFoundError),
    ):
        with pytest.raises(refusal):
            record_review(stranger, controlled_id=made.controlled_id, outcome="fit")
    for wrong in ({"outcome": "perfect"}, {"outcome": "to_revise"}, {"outcome": "to_withdraw", "remark": " "}):
        with pytest.raises(InvalidInputError):
            record_review(cast.author, controlled_id=made.controlled_id, **wrong)

    record_review(cast.author, controlled_id=made.controlled_id, outcome="fit")
    assert (tasks(archive, "periodic_review"), row_of(archive, made.controlled_id).review_on) == ([], date(2028, 6, 23))
    record_review(cast.controller, controlled_id=made.controlled_id, outcome="to_revise", remark="过时")
    assert [task[0] for task in tasks(archive, "to_revise")] == [cast.author.person_id]
    next_edition(people, made)
    assert tasks(archive, "to_revise") == []
    record_review(cast.author, controlled_id=made.controlled_id, outcome="to_withdraw", remark="合并")
    [(permission, about, _day)] = tasks(archive, "to_withdraw")
    assert (permission, about) == ("organisation:controlled:manage", made.number)
    withdraw_document(cast.controller, controlled_id=made.controlled_id, reason="合并")
    assert tasks(archive, "to_withdraw") == []
    with pytest.raises(NotInForceError):
        record_review(cast.author, controlled_id=made.controlled_id, outcome="fit")
    assert row_of(archive, never.controlled_id).review_on is None


def test_a_calendar_that_is_told_later_moves_the_day(archive: Archive, people: People, clock: SetClock) -> None:
    clock.instant = datetime(2028, 9, 29, 2, tzinfo=UTC)
    made = issued_document(people, review_months=1)
    assert row_of(archive, made.controlled_id).review_on == date(2028, 10, 27), "29 October 2028 is a Sunday"
    periodic_review.remind(Workshop(archive), NO_JOB)
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.add(CalendarYear(year=2028, notice="", entered_by="x", entered_at=uow.now))
        uow.session.add(
            CalendarDay(on=date(2028, 10, 27), working=False, notice="", entered_by="x", entered_at=uow.now)
        )
    with archive.transaction(TESTER, eventless=True) as uow:
        count_days_anew(uow)
    assert row_of(archive, made.controlled_id).review_on == date(2028, 10, 26)
    assert [task[2] for task in tasks(archive, "periodic_review")] == [date(2028, 10, 26)]


@both_databases_in_full
def test_external_documents_are_watched(archive: Archive, people: People, clock: SetClock) -> None:
    made = issued_document(people, kind="external", title="GB/T 32150")
    other = issued_document(people, made.cast)
    with pytest.raises(NotInForceError):
        record_look(other.cast.author, controlled_id=other.controlled_id, outcome="unchanged")
    watching.remind(Workshop(archive), NO_JOB)
    assert tasks(archive, "to_watch") == []
    clock.instant = datetime(2027, 5, 21, 2, tzinfo=UTC)
    for _twice in range(2):
        watching.remind(Workshop(archive), NO_JOB)
        assert [task[::2] for task in tasks(archive, "to_watch")] == [(made.cast.author.person_id, date(2027, 5, 21))]
    with pytest.raises(NotTheOwnerError):
        record_look(made.cast.reader, controlled_id=made.controlled_id, outcome="unchanged")
    record_look(made.cast.author, controlled_id=made.controlled_id, outcome="unchanged")
    watching.remind(Workshop(archive), NO_JOB)
    assert tasks(archive, "to_watch") == [] == tasks(archive, "to_revise")
    with pytest.raises(InvalidInputError):
        record_look(made.cast.author, controlled_id=made.controlled_id, outcome="new_edition")
    record_look(made.cast.controller, controlled_id=made.controlled_id, outcome="new_edition", remark="2027版")
    assert [task[0] for task in tasks(archive, "to_revise")] == [made.cast.author.person_id]


@both_databases_in_full
def test_paper_copies(archive: Archive, people: People) -> None:
    made = issued_document(people)
    controller = made.cast.controller
    copies = [give_copy(controller, edition_id=made.edition_id, holder=holder) for holder in ("王工", "李工", "赵工")]
    assert [copy.number for copy in copies] == [1, 2, 3]
    with pytest.raises(PermissionMissingError):
        give_copy(made.cast.author, edition_id=made.edition_id, holder="自己")
    end_copy(controller, copy_id=copies[2].id, outcome="lost")
    assert give_copy(controller, edition_id=made.edition_id, holder="赵工").number == 4, "no number twice"
    assert tasks(archive, "copies_to_collect") == []
    second = next_edition(people, made)
    assert [task[0] for task in tasks(archive, "copies_to_collect")] == ["organisation:controlled:manage"]
    with pytest.raises(WrongStateError):
        give_copy(controller, edition_id=made.edition_id, holder="来晚了")
    assert give_copy(controller, edition_id=second.edition_id, holder="王工").number == 1
    for copy, outcome in zip(
        list_copies(controller, edition_id=made.edition_id), ("returned", "destroyed", "", "marked"), strict=True
    ):
        if outcome:
            assert tasks(archive, "copies_to_collect")
            end_copy(controller, copy_id=copy.id, outcome=outcome)
    assert tasks(archive, "copies_to_collect") == []
    with pytest.raises(ConflictError):
        end_copy(controller, copy_id=copies[0].id, outcome="lost")
    with pytest.raises(InvalidInputError):
        end_copy(controller, copy_id=copies[0].id, outcome="eaten")
    for stranger in (people.person("document_controller", organisation="别家"),):
        with pytest.raises(NotFoundError):
            end_copy(stranger, copy_id=copies[0].id, outcome="lost")


@both_databases
def test_withdrawn_while_a_case_uses_its_form(archive: Archive, people: People) -> None:
    form = issued_document(people, kind="form", title="现场核查记录表")
    replacement = issued_document(people, form.cast, kind="form", title="新表")
    cast, leader = form.cast, people.person("team_leader", name="组长")
    member, stranger = people.person("verifier"), people.person("verifier")
    engagement = engagement_of(leader, team=[member])
    sealed = engagement_of(leader)
    for one in (engagement, sealed):
        take_form(leader, engagement_id=one.id, controlled_id=form.controlled_id)
    again = take_form(member, engagement_id=engagement.id, controlled_id=form.controlled_id)
    assert (again.document_id, again.use.taken_by) == (form.document_id, leader.person_id), "used once"
    with pytest.raises(NotFoundError):
        take_form(stranger, engagement_id=engagement.id, controlled_id=form.controlled_id)
    procedure = issued_document(people, cast)
    with pytest.raises(InvalidInputError):
        take_form(leader, engagement_id=engagement.id, controlled_id=procedure.controlled_id)
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.get_one(Engagement, sealed.id).sealed_at = uow.now
    revise(cast.author, controlled_id=form.controlled_id, change_note="在改")

    for who, refusal in ((cast.author, NotAWithdrawerError), (cast.controller, ConfirmationRequiredError)):
        unconfirmed = who if refusal is NotAWithdrawerError else Actor(**{**vars(who), "confirmed_at": None})
        with pytest.raises(refusal):
            withdraw_document(unconfirmed, controlled_id=form.controlled_id, reason="停用")
    for wrong in (
        {"reason": " "},
        {"reason": "停用", "replaced_by_id": form.controlled_id},
        {"reason": "停用", "replaced_by_id": "x"},
    ):
        with pytest.raises(InvalidInputError):
            withdraw_document(cast.controller, controlled_id=form.controlled_id, **wrong)
    done = withdraw_document(
        cast.approver, controlled_id=form.controlled_id, reason="停用", replaced_by_id=replacement.controlled_id
    )
    assert (done.engagements_told, done.copies_out) == (1, 0)
    [(part, about, _day)] = tasks(archive, "form_withdrawn")
    assert (part, about) == ("leader", f"{form.number} 现场核查记录表 A/0")
    with archive.reading(TESTER) as uow:
        of_form = select(Edition.state).where(Edition.controlled_document_id == form.controlled_id)
        assert uow.session.scalars(of_form.order_by(Edition.ordinal)).all() == ["withdrawn", "abandoned"]
        assert uow.session.get_one(Document, form.document_id).control == "withdrawn"
    with pytest.raises(NotInForceError):
        take_form(leader, engagement_id=engagement.id, controlled_id=form.controlled_id)
    [line] = list_forms_taken(member, engagement_id=engagement.id)
    assert (line.edition.id, line.obsolete) == (form.edition_id, True)
    opened = open_in_force(cast.reader, controlled_id=form.controlled_id)
    assert (opened.document_id, opened.state) == (None, "withdrawn")
    assert opened.replaced_by is not None
    assert opened.replaced_by.id == replacement.controlled_id
    with pytest.raises(NotInForceError):
        withdraw_document(cast.controller, controlled_id=form.controlled_id, reason="再来")


def test_what_was_never_issued_is_not_withdrawn(archive: Archive, people: People) -> None:
    cast = controlled_cast(people)
    controlled_id, edition_id = drafted_document(cast)
    approve_edition(cast, edition_id)
    issue_edition(cast.controller, edition_id=edition_id, effective_on=archive.today() + timedelta(days=1))
    with pytest.raises(NotInForceError):
        withdraw_document(cast.controller, controlled_id=controlled_id, reason="x")


def picture(person: Actor, document_id: str) -> Image.Image:
    drawn = page_picture(person, document_id=document_id, number=1, page_index=0, width_px=1200)
    return Image.open(io.BytesIO(drawn)).convert("RGB")


@both_databases_in_full
def test_the_stamp_says_what_became_of_it(archive: Archive, people: People, clock: SetClock) -> None:
    content = pdf(["管理制度 第一版"])
    first = issued_document(people, kind="regulation", title="管理制度", content=content, name="制度.pdf")
    cast = first.cast
    clean = picture(cast.reader, first.document_id)
    assert view_document(cast.reader, document_id=first.document_id).stamp is None
    second = next_edition(people, first, content=content + b"\n", name="制度.pdf")
    stamp = view_document(cast.reader, document_id=first.document_id).stamp
    assert stamp is not None
    assert stamp.lines == ("作废", f"{first.number} A/0", "2026-11-21 起", "已被 A/1 替代")
    replacement = issued_document(people, cast, title="新制度", kind="regulation")
    clock.advance(days=2)
    withdraw_document(
        cast.controller, controlled_id=first.controlled_id, reason="废止", replaced_by_id=replacement.controlled_id
    )
    repealed = view_document(cast.reader, document_id=second.document_id).stamp
    assert repealed is not None
    assert repealed.lines == ("废止", f"{first.number} A/1", "2026-11-23 起", f"已被 {replacement.number} 替代")
    assert all(line.isascii() for line in repealed.plain)
    assert repealed.plain[0] == "REPEALED"
    for document_id in (first.document_id, second.document_id):
        stamped = picture(cast.reader, document_id)
        assert ImageChops.difference(clean, stamped).getbbox() is not None
        # Nobody but controllers and archivists takes the original as it is, and nobody looks at a page without it.
        with pytest.raises(StampedOnlyError):
            open_content(cast.reader, document_id=document_id)
        for entitled in (cast.controller, people.person("archivist")):
            with open_content(entitled, document_id=document_id).stream as stream:
                assert stream.read(4) == b"%PDF"
            assert ImageChops.difference(picture(entitled, document_id), stamped).getbbox() is None
        with pytest.raises(StampedOnlyError):
            open_package(cast.reader, document_id=document_id, number=1, language="en")
    copy = open_rendition(cast.reader, document_id=second.document_id, number=1, language="en")
    pages = [render_page(io.BytesIO(copy.content), "pdf", index, width_px=320) for index in range(2)]
    assert [page.page_count for page in pages] == [2, 2]
    with pytest.raises(NotFoundError):
        open_rendition(cast.reader, document_id=replacement.document_id, number=1, language="en")
    assert [one.ordinal for one in editions(archive, first.controlled_id)] == [1, 2]
    ends = [one.ended_at for one in editions(archive, first.controlled_id) if one.ended_at]
    assert len(ends) == 2
    assert ends[0] < ends[1]


def editions(archive: Archive, controlled_id: str) -> list[Edition]:
    with archive.reading(TESTER) as uow:
        return list(
            uow.session.scalars(
                select(Edition).where(Edition.controlled_document_id == controlled_id).order_by(Edition.ordinal)
            )
        )


def test_a_mark_and_a_stamp_know_nothing_of_each_other(archive: Archive, people: People) -> None:
    scene = scene_of(people)
    made = issued_document(people, content=pdf(["监测程序"]), name="程序.pdf")
    granted(scene, WHOLE)
    marked, clean = picture(scene.supervisor, made.document_id), picture(made.cast.reader, made.document_id)
    assert ImageChops.difference(marked, clean).getbbox() is not None
    next_edition(people, made)
    both, stamped = picture(scene.supervisor, made.document_id), picture(made.cast.reader, made.document_id)
    page = view_document(scene.supervisor, document_id=made.document_id)
    assert page.mark is not None
    assert page.stamp is not None
    assert not page.stamp.bare
    # Where the mark was there is the mark, and where the stamp is there is the stamp.
    for one in (marked, stamped, clean):
        assert ImageChops.difference(both, one).getbbox() is not None
    assert view_document(made.cast.reader, document_id=made.document_id).mark is None
    given = open_package(scene.supervisor, document_id=made.document_id, number=1, language="zh_Hans_CN")
    with zipfile.ZipFile(io.BytesIO(b"".join(given))) as packed:
        cover = packed.read("cover.html").decode()
        assert packed.read("original/程序.pdf") == pdf(["监测程序"])
    given.close()
    for words in ("沈督察", "作废", "已被 A/1 替代"):
        assert words in cover
    copy = open_rendition(scene.supervisor, document_id=made.document_id, number=1, language="zh_Hans_CN")
    assert copy.name.startswith("程序.watermarked.")
    with pytest.raises(MarkedOnlyError):
        open_content(scene.supervisor, document_id=made.document_id)
