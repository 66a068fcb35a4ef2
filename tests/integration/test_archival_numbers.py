"""Archival numbers: unique and without a gap whoever asks at the same time, never given twice, and noticed where
somebody changed them in the database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import ColumnElement, Executable, Update, select, update

from archive_app.engagements.models import Engagement
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile, NumberSeries
from archive_app.filing.numbering import (
    NumberRuleMissingError,
    SeriesBrokenError,
    change_rule,
    probe_series,
)
from archive_app.filing.placing import SubmittedError
from archive_app.filing.shelving import FileFacts, NumberGivenError, add_file, change_file, end_file, move_file
from archive_app.filing.submitting import submit, withdraw_submission
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.health import State
from tests.case_files import SYSTEM, file_record, short_engagement
from tests.conftest import both_databases
from tests.factories import People

FILERS = 50
PREFIX = "J019-ZY·HC·2026·D10"


@dataclass(frozen=True)
class Numbering:
    archive: Archive
    leader: Actor
    archivist: Actor

    def ready(self) -> Engagement:
        """An engagement with one document, arranged."""
        engagement = short_engagement(self.leader)
        file_record(self.leader, engagement, "一.txt", "work_plan")
        propose(self.leader, engagement_id=engagement.id)
        return engagement

    def files(self, *where: ColumnElement[bool]) -> list[CaseFile]:
        with self.archive.reading(SYSTEM) as uow:
            return list(uow.session.scalars(select(CaseFile).where(*where).order_by(CaseFile.sequence)))

    def states(self) -> list[State]:
        with self.archive.reading(SYSTEM) as uow:
            return [line.state for line in probe_series(uow)]

    def by_hand(self, *statements: Executable) -> None:
        """What somebody does to the database from outside."""
        with self.archive.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def ours(people: People) -> Numbering:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    change_rule(archivist, fonds="j019", file_digits=3, item_digits=3)
    return Numbering(people.archive, leader, archivist)


@both_databases
def test_fifty_filers_at_once_leave_no_gap(ours: Numbering) -> None:
    engagements = [ours.ready() for _ in range(FILERS)]
    together = threading.Barrier(FILERS)

    def file(engagement: Engagement) -> None:
        with ours.archive.activate():
            together.wait()
            submit(ours.leader, engagement_id=engagement.id)

    with ThreadPoolExecutor(FILERS) as pool:
        list(pool.map(file, engagements))

    files = ours.files()
    assert [row.sequence for row in files] == list(range(1, FILERS + 1))
    assert [row.number for row in files] == [f"{PREFIX}-{place:03}" for place in range(1, FILERS + 1)]
    with ours.archive.reading(SYSTEM) as uow:
        assert uow.session.scalars(select(NumberSeries.last)).one() == FILERS
    assert ours.states() == [State.GOOD]


def test_numbers_stay_and_are_never_given_again(ours: Numbering, people: People) -> None:
    other = people.person("team_leader", organisation="另一机构")
    foreign = Numbering(ours.archive, other, other).ready()
    with pytest.raises(NumberRuleMissingError):
        submit(other, engagement_id=foreign.id)
    for wrong in ("", "J-19", "全宗"):
        with pytest.raises(InvalidInputError):
            change_rule(ours.archivist, fonds=wrong, file_digits=3, item_digits=3)

    first, second = ours.ready(), ours.ready()
    submit(ours.leader, engagement_id=first.id)
    with pytest.raises(SubmittedError):
        submit(ours.leader, engagement_id=first.id)
    withdraw_submission(ours.leader, engagement_id=first.id)
    submit(ours.leader, engagement_id=first.id)
    withdraw_submission(ours.leader, engagement_id=first.id)
    (row,) = ours.files(CaseFile.engagement_id == first.id)
    assert row.number == f"{PREFIX}-001"
    with pytest.raises(NumberGivenError):
        change_file(ours.leader, case_file_id=row.id, facts=FileFacts("题目", 2026, "ZY·HC", "Y"))
    with pytest.raises(InvalidInputError):
        end_file(ours.leader, case_file_id=row.id)
    end_file(ours.leader, case_file_id=row.id, reason="重新组卷")
    propose(ours.leader, engagement_id=first.id)
    spare = add_file(ours.leader, engagement_id=first.id, title="第二卷")
    move_file(ours.leader, case_file_id=spare.id, position=1)
    end_file(ours.leader, case_file_id=spare.id)
    submit(ours.leader, engagement_id=second.id)
    submit(ours.leader, engagement_id=first.id)
    assert [(row.number, row.voided_reason) for row in ours.files(CaseFile.engagement_id == first.id)] == [
        (f"{PREFIX}-001", "重新组卷"),
        (f"{PREFIX}-003", ""),
    ]
    change_rule(ours.archivist, fonds="J020", file_digits=4, item_digits=2)
    third = ours.ready()
    submit(ours.leader, engagement_id=third.id)
    assert [row.number for row in ours.files(CaseFile.engagement_id == third.id)] == ["J020-ZY·HC·2026·D10-0001"]
    assert ours.states() == [State.GOOD]


def test_what_somebody_changed_in_the_database_is_noticed(ours: Numbering) -> None:
    engagements = [ours.ready() for _ in range(3)]
    for engagement in engagements[:2]:
        submit(ours.leader, engagement_id=engagement.id)
    first, second = ours.files(CaseFile.number.is_not(None))
    of_second = CaseFile.id == second.id
    changes: dict[str, tuple[list[Update], str]] = {
        "the number of a case file": ([update(CaseFile).where(of_second).values(number=f"{PREFIX}-009")], "009"),
        "a case file out of the series": ([update(CaseFile).where(of_second).values(series_id=None)], "2"),
        "the place of a case file": ([update(CaseFile).where(of_second).values(sequence=7)], "2"),
        "the count of the series": ([update(NumberSeries).values(last=1)], "2/1"),
        "the count forwards": ([update(NumberSeries).values(last=5)], "3, 4, 5"),
        "tail and count together": (
            [
                update(CaseFile).where(of_second).values(series_id=None, sequence=None, number=None),
                update(NumberSeries).values(last=1),
            ],
            "2",
        ),
    }
    for what, (statements, missing) in changes.items():
        ours.by_hand(*statements)
        with pytest.raises(SeriesBrokenError) as refused:
            submit(ours.leader, engagement_id=engagements[2].id)
        assert str(missing) in refused.value.text("en"), what
        assert ours.states() == [State.BAD], what
        back = {"number": second.number, "series_id": second.series_id, "sequence": 2}
        ours.by_hand(update(CaseFile).where(of_second).values(**back), update(NumberSeries).values(last=2))
        assert ours.states() == [State.GOOD], what
    assert ours.files(CaseFile.engagement_id == engagements[2].id)[0].number is None
    submit(ours.leader, engagement_id=engagements[2].id)
    assert ours.files(CaseFile.engagement_id == engagements[2].id)[0].number == f"{PREFIX}-003"
    assert first.number == f"{PREFIX}-001"
