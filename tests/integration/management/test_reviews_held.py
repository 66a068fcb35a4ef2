"""Holding a management review: in person, complete, once; its report is what was confirmed, and is read back."""

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import docx
import pytest
from sqlalchemy import func, select

from archive_app.casework.forms.pages import form_pdf
from archive_app.casework.forms.sheets import PrintedForm
from archive_app.casework.models import Record
from archive_app.documents.looking import open_content
from archive_app.documents.models import Document, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import MANAGEMENT_REVIEW_IN_PERSON, DutiesNotSeparateError
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event
from archive_app.kernel.typesetting import NoChineseFontError
from archive_app.management.reviews import holding
from archive_app.management.reviews.agenda import agenda
from archive_app.management.reviews.deciding import Decided, add_decision, decide_nothing
from archive_app.management.reviews.filling import fill_figures, say
from archive_app.management.reviews.holding import ReviewTooEarlyError, hold_review, report_as_word
from archive_app.management.reviews.missing import ReviewIncompleteError
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from archive_app.management.reviews.planning import Attending, add_attendance
from archive_app.management.reviews.rules import ReviewStateError
from archive_app.management.reviews.showing import find_review, view_review
from archive_app.management.reviews.trend import curve_of
from tests.cases import add_record
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of
from tests.management_reviews import CONCLUSION, ZH, ReviewHouse, review_house
from tests.printed import page_texts, squeezed

_TESTER = Actor.system("test")


@pytest.fixture
def house(people: People) -> ReviewHouse:
    return review_house(people)


def pages_of(house: ReviewHouse, review_id: str) -> list[str]:
    report = find_review(house.top, review_id=review_id).report_id or ""
    with open_content(house.top, document_id=report).stream as stream:
        return page_texts(stream.read())


def state_of(archive: Archive, review_id: str) -> tuple[str, int]:
    """The state of a review, and how many documents there are."""
    with archive.reading(_TESTER) as uow:
        count = uow.session.scalar(select(func.count()).select_from(Document)) or 0
        return uow.session.get_one(ManagementReview, review_id).state, count


def test_nobody_else_holds_it(house: ReviewHouse, archive: Archive) -> None:
    review = house.ready()
    apart: Sequence[Actor] = (house.other("top_manager"), Actor.system("cli"), Actor.system("recurring"))
    for actor in apart:
        with pytest.raises(DutiesNotSeparateError) as refused:
            house.hold(review, by=actor)
        assert refused.value.rule is MANAGEMENT_REVIEW_IN_PERSON
    for role in (
        "management_representative",
        "quality_manager",
        "system_administrator",
        "security_officer",
        "archivist",
    ):
        with pytest.raises(PermissionMissingError):
            house.hold(review, by=house.other(role))
    foreign = house.people.person("top_manager")
    with pytest.raises(NotFoundError):
        house.hold(review, by=foreign)
    # The named person themselves, unproven, or with the proof of a while ago.
    for moment in (None, archive.clock.now() - archive.rules.confirmation_window):
        with pytest.raises(ConfirmationRequiredError):
            house.hold(review, by=replace(house.top, confirmed_at=moment))
    assert state_of(archive, review) == ("planned", 0)
    with archive.reading(_TESTER) as uow:
        denied = uow.session.scalar(select(func.count()).select_from(Event).where(Event.code == "access.denied"))
    assert denied
    assert house.hold(review).state == "held"


def test_it_is_held_complete_and_on_its_day(house: ReviewHouse, archive: Archive, clock: SetClock) -> None:
    review = house.planned()
    with pytest.raises(ReviewIncompleteError) as refused:
        house.hold(review)
    needed = {("input_missing", one.code) for one in agenda().inputs_for(house.kind)}
    told = {(code, about) for code, about, _ in refused.value.reasons("en")}
    assert told >= needed
    assert len(told) == view_review(house.top, review_id=review).missing
    assert all(words for *_, words in refused.value.reasons(ZH))
    fill_figures(house.preparer, review_id=review)
    # Without figures of their own, these need words; zero counted is something that is known.
    with pytest.raises(ReviewIncompleteError) as refused:
        house.hold(review)
    unsaid = {one.code for one in refused.value.missing if one.part == "input"}
    page = view_review(house.top, review_id=review)
    assert (
        unsaid
        == {one.code for one in page.inputs if not one.figures}
        == {"improvement"} - unsaid.symmetric_difference(unsaid)
    )
    house.say_all(review)
    house.decide_all(review)
    for code in CONCLUSION:
        with pytest.raises(InvalidInputError):
            hold_review(house.top, review_id=review, conclusion={**CONCLUSION, code: "  "}, language=ZH)
    decide_nothing(house.preparer, review_id=review, code="system_decisions", reason="")
    with pytest.raises(ReviewIncompleteError) as refused:
        house.hold(review)
    assert [one.code for one in refused.value.missing] == ["system_decisions"]
    decide_nothing(house.preparer, review_id=review, code="system_decisions", reason="无")
    # The day is that of the archive's zone.
    clock.instant = datetime(2026, 11, 20, 15, 59, tzinfo=UTC)
    with pytest.raises(ReviewTooEarlyError):
        house.hold(review)
    assert state_of(archive, review) == ("planned", 0)
    clock.advance(minutes=1)
    held = house.hold(review)
    assert (held.held_at, held.suitability, held.effectiveness) == (
        clock.instant, CONCLUSION["suitability"], CONCLUSION["effectiveness"],
    )  # fmt: skip
    with pytest.raises(ReviewStateError):
        house.hold(review)


@both_databases
def test_the_report_is_filed_in_the_library_and_read_back(house: ReviewHouse, archive: Archive) -> None:
    review = house.planned()
    engagement = engagement_of(house.people.person("team_leader", organisation=house.organisation))
    add_record(archive, engagement.id, "internal_audit_report")
    fill_figures(house.preparer, review_id=review)
    house.say_all(review, "逐条讨论 <b>#set text(red)</b> 😀 CO₂")
    house.decide_all(review)
    add_attendance(house.preparer, review_id=review, attending=Attending("王工", "外部顾问"))
    held = house.hold(review)
    with archive.reading(_TESTER) as uow:
        document = uow.session.get_one(Document, held.report_id)
        version = uow.session.scalars(select(Version).where(Version.document_id == document.id)).one()
        record = uow.session.get_one(Record, document.id)
        event = uow.session.scalars(select(Event).where(Event.code == "management_review.held")).one()
    assert (document.title, document.control, document.dated_on) == (
        "2026年度管理评审 管理评审报告", "", date(2026, 11, 21)
    )  # fmt: skip
    assert (version.kind, version.name) == ("pdf", "2026年度管理评审 管理评审报告.pdf")
    assert (record.type, record.state) == ("management_review", "accepted")
    assert event is not None
    texts = pages_of(house, review)
    told = squeezed("".join(texts))
    page = view_review(house.top, review_id=review)
    expected = [
        "望溪纸业", "2026年度管理评审", "2025-11-01 – 2026-10-31", "第一会议室", "王工", "外部顾问", "陆建国",
        "修订方针，纳入可再生能源比例", "丁一", "2026-12-31", "本年度无变化", "<b>#set text(red)</b>", "[U+1F600]",
        *CONCLUSION.values(), "第一章", "第三章", "S1 10.3.2d", "2026-11-21 10:00", "亲自",
    ]  # fmt: skip
    assert [words for words in expected if squeezed(words) not in told] == []
    assert [one.code for one in page.inputs if squeezed("逐条讨论") not in told] == []
    # Whoever reads the management system sees the report; another organisation does not.
    open_content(house.owner, document_id=held.report_id or "").stream.close()
    stranger = review_house(house.people, "邻厂").top
    with pytest.raises(NotFoundError):
        open_content(stranger, document_id=held.report_id or "")


def test_the_report_of_a_park_has_the_six_chapters(people: People) -> None:
    park = review_house(people, "临港园区", "park")
    first = park.ready(year=2025)
    park.hold(first)
    review = park.ready()
    say(park.preparer, review_id=review, code="b_overview", words="位于东海之滨，面积八平方公里")
    park.hold(review)
    told = squeezed("".join(pages_of(park, review)))
    chapters = (
        "第一章 评审事项说明", "第二章 产业园区基本情况", "第三章 产业园区碳排放管理情况",
        "第四章 产业园区碳排放状况分析",
        "第五章 碳排放目标指标完成情况", "第六章 评审建议",
    )  # fmt: skip
    places = [told.find(squeezed(chapter)) for chapter in chapters]
    assert -1 not in places
    assert places == sorted(places)
    sections = (
        "一、评审目的",
        "四、评审范围和内容",
        "二、产业发展概况",
        "三、碳排放管理实施情况",
        "二、与基准、绩效（指标）对比",
        "二、改进建议",
    )
    assert [one for one in sections if squeezed(one) not in told] == []
    # What was said stands in its chapter, what was not says so, and the figures stand beside those of the year before.
    assert places[1] < told.find(squeezed("位于东海之滨，面积八平方公里")) < places[2]
    empty = squeezed("没有说明")
    assert empty in told[places[1] : places[2]], told[places[1] : places[2]]
    for one in agenda().inputs_for("park"):
        assert told.count(squeezed(one.name.zh + " (S2")) == 1, one.code
    assert squeezed("2025") in told[places[2] :]
    assert places[5] < told.find(squeezed(CONCLUSION["adequacy"]))


def test_the_report_as_word(house: ReviewHouse, clock: SetClock) -> None:
    review = house.ready()
    name, draft = report_as_word(house.preparer, review_id=review, language="en")
    words = _words_of(draft)
    assert name == "2026年度管理评审 Management review report.docx"
    assert "This is a draft: the review is not held." in words
    house.hold(review)
    clock.advance(days=1)
    _, made = report_as_word(house.top, review_id=review, language=ZH)
    assert made == report_as_word(house.preparer, review_id=review, language=ZH)[1]
    words = _words_of(made)
    for expected in ("管理评审报告", "第二章", "修订方针，纳入可再生能源比例", *CONCLUSION.values()):
        assert expected in words
    with pytest.raises(NotFoundError):
        report_as_word(review_house(house.people, "邻厂").top, review_id=review, language=ZH)


def _words_of(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_what_is_held_is_frozen(house: ReviewHouse, archive: Archive, clock: SetClock) -> None:
    review = house.ready()
    house.hold(review)
    before = [
        (one.code, one.number) for point in view_review(house.top, review_id=review).inputs for one in point.figures
    ]
    texts = pages_of(house, review)
    engagement = engagement_of(house.people.person("team_leader", organisation=house.organisation))
    clock.advance(days=-60)
    add_record(archive, engagement.id, "internal_audit_report")
    clock.advance(days=60)
    acts: Sequence[Callable[[], object]] = (
        lambda: fill_figures(house.preparer, review_id=review),
        lambda: say(house.preparer, review_id=review, code="audits", words="事后改写"),
        lambda: decide_nothing(house.preparer, review_id=review, code="system_decisions", reason="事后"),
    )
    for act in acts:
        with pytest.raises(ReviewStateError):
            act()
    after = [
        (one.code, one.number) for point in view_review(house.top, review_id=review).inputs for one in point.figures
    ]
    assert (after, pages_of(house, review)) == (before, texts)
    # The next one counts it, and shows the way from the one before.
    following = house.planned(title="补充评审")
    fill_figures(house.preparer, review_id=following)
    shown = {one.code: one for point in view_review(house.top, review_id=following).inputs for one in point.figures}
    reports = shown["audit_reports"]
    assert (reports.number, reports.series) == (1, [("2026", 0)])
    assert reports.curve == curve_of([0, 1])
    assert curve_of([None, 3]) is None
    assert curve_of([2, None, 4]) is not None


class PowerCutError(BaseException):
    """The machine stops."""


def test_a_crash_between_bytes_and_commit_leaves_nothing_but_an_orphan(
    house: ReviewHouse, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = house.ready()

    def cut(*_args: object, **_more: object) -> None:
        raise PowerCutError

    for place in ("file_version", "record_as", "keep_review_tasks"):
        with monkeypatch.context() as patched:
            patched.setattr(holding, place, cut)
            with pytest.raises(PowerCutError):
                house.hold(review)
        assert state_of(archive, review) == ("planned", 0), place
    assert house.hold(review).state == "held"
    assert state_of(archive, review) == ("held", 1)


def test_nothing_is_held_about_what_was_not_confirmed(
    house: ReviewHouse, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever changes while the pages are set is seen under the lock."""
    review = house.ready()
    changes: Sequence[Callable[[], object]] = (
        lambda: say(house.preparer, review_id=review, code="audits", words="刚刚改写"),
        lambda: add_attendance(house.preparer, review_id=review, attending=Attending("迟到者")),
        lambda: add_decision(
            house.preparer, review_id=review,
            decided=Decided("policy_decisions", "再加一条", house.owner.person_id or "", date(2027, 1, 1)),
        ),
    )  # fmt: skip
    for change in changes:

        def meanwhile(form: PrintedForm, moment: datetime, change: Callable[[], object] = change) -> bytes:
            change()
            return form_pdf(form, moment)

        with monkeypatch.context() as patched:
            patched.setattr(holding, "form_pdf", meanwhile)
            with pytest.raises(ConflictError):
                house.hold(review)
        assert state_of(archive, review) == ("planned", 0)
    house.hold(review)
    told = squeezed("".join(pages_of(house, review)))
    assert all(squeezed(words) in told for words in ("刚刚改写", "迟到者", "再加一条"))


@both_databases
def test_two_windows_hold_it_once(house: ReviewHouse, archive: Archive) -> None:
    review = house.ready()
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def hold() -> None:
        with archive.activate():
            start.wait()
            try:
                outcomes.append(house.hold(review).state)
            except ArchiveError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held", "management_review_state"]
    assert state_of(archive, review) == ("held", 1)
    with archive.reading(_TESTER) as uow:
        assert uow.session.scalar(select(func.count()).select_from(ReviewDecision)) == 1


def test_without_a_font_nothing_is_held(house: ReviewHouse, archive: Archive, without_fonts: None) -> None:
    review = house.ready()
    with pytest.raises(NoChineseFontError):
        house.hold(review)
    assert state_of(archive, review) == ("planned", 0)


def test_held_with_the_clock_gone_back(house: ReviewHouse, clock: SetClock) -> None:
    """Planned and filled "later" than it is held: the order of events tells what came after what."""
    review = house.ready()
    clock.advance(hours=-1)
    held = house.hold(review)
    assert held.held_at == clock.instant
    assert held.created_at - clock.instant == timedelta(hours=1)
