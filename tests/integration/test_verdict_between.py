"""What happens between the writing of a review's record and its verdict is seen: nothing passes on old grounds."""

from collections.abc import Callable

import pytest

from archive_app.casework.reviewing import verdict
from archive_app.casework.reviewing.remarks import write_remark
from archive_app.casework.reviewing.text_records import TextRecord, keep_text
from archive_app.casework.reviewing.verdict import GraveRemarksOpenError, ReportChangedError
from archive_app.documents.ingest import Stored
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError
from tests.integration.test_review import House, house, refused

__all__ = ["house"]


def between(patched: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Lets something happen after the record of a verdict is written and before the verdict is kept."""

    def keep_after(archive: Archive, record: TextRecord) -> Stored:
        happens()
        return keep_text(archive, record)

    patched.setattr(verdict, "keep_text", keep_after)


def test_what_comes_in_between_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    review = house.submit()

    def passing_while(expected: type[ArchiveError], happens: Callable[[], object]) -> None:
        with monkeypatch.context() as patched:
            between(patched, happens)
            assert refused(expected, lambda: house.verdict(review))

    passing_while(ConflictError, lambda: write_remark(house.reviewer, review_id=review, remark="笔误"))
    passing_while(
        GraveRemarksOpenError, lambda: write_remark(house.reviewer, review_id=review, remark="错", grave=True)
    )
    assert house.closed()["review_passed"] == ["review_not_passed"]


def test_a_newer_version_in_between_passes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    review = house.submit()
    between(monkeypatch, house.newer)
    assert refused(ReportChangedError, lambda: house.verdict(review))
    assert house.closed()["review_passed"] == ["review_missing"]
