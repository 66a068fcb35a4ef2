"""The JSON interface of management reviews, to read only: holding one asks for a confirmation in person."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from archive_app.management.reviews.showing import (
    PointShown,
    ReviewLine,
    ReviewPage,
    list_reviews,
    view_review,
)
from archive_app.web.api.reading import Paging, Whole
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("reviews", __name__)
State = Literal["planned", "held", "cancelled"]


class ManagementReviewShown(Shown):
    """A management review. `ordinal` counts those of a year; `report_id` is the document that its report is."""

    id: str
    year: int
    ordinal: int
    title: str
    on: date
    place: str
    period_from: date
    period_to: date
    reviewer_id: str
    state: State
    held_at: datetime | None
    report_id: str | None


class ManagementReviewListed(ManagementReviewShown):
    """A management review, with how many of its decisions are open and how many of these are overdue."""

    open_decisions: int
    overdue_decisions: int


class InputShown(Shown):
    """A point of the agenda: the clauses that ask for it, what people said, and what the archive counted, by figure."""

    code: str
    clauses: list[str]
    words: str
    figures: dict[str, int]
    filled_at: datetime | None


class DecisionShown(Shown):
    """What the review decided."""

    id: str
    code: str
    words: str
    owner_id: str
    due_on: date
    done_at: datetime | None
    result: str


class ManagementReviewFull(ManagementReviewShown):
    """A management review with everything in it. `missing` counts the required points that are not there yet."""

    suitability: str
    adequacy: str
    effectiveness: str
    missing: int
    inputs: list[InputShown]
    decisions: list[DecisionShown]


class ManagementReviewQuery(Paging):
    """What a list of management reviews is narrowed to."""

    year: Whole | None = Field(None, ge=2000, le=2200, description="Only of this year.")
    state: State | None = Field(None, description="Only in this state.")


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c77",
    "year": 2026,
    "ordinal": 1,
    "title": "2026年度管理评审",
    "on": "2026-11-20",
    "place": "第一会议室",
    "period_from": "2025-11-01",
    "period_to": "2026-10-31",
    "reviewer_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "state": "held",
    "held_at": "2026-11-20T08:00:00Z",
    "report_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c45",
}
_FULL = {
    **_EXAMPLE,
    "suitability": "适宜",
    "adequacy": "充分",
    "effectiveness": "有效",
    "missing": 0,
    "inputs": [
        {
            "code": "nonconformities",
            "clauses": ["S1 10.3.2d"],
            "words": "均已整改",
            "figures": {"nonconformities_raised": 3, "nonconformities_open": 0},
            "filled_at": "2026-11-18T02:00:00Z",
        }
    ],
    "decisions": [
        {
            "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c88",
            "code": "improvement_decisions",
            "words": "更换计量器具",
            "owner_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c23",
            "due_on": "2026-12-31",
            "done_at": None,
            "result": "",
        }
    ],
}


def _facts(review: ManagementReview) -> dict[str, object]:
    return {name: getattr(review, name) for name in ManagementReviewShown.model_fields}


def _listed(line: ReviewLine) -> ManagementReviewListed:
    told = {"open_decisions": line.open, "overdue_decisions": line.overdue}
    return ManagementReviewListed.model_validate(_facts(line.review) | told)


def _input(point: PointShown) -> dict[str, object]:
    return {
        "code": point.code,
        "clauses": list(point.clauses),
        "words": point.words,
        "figures": {one.code: one.number for one in point.figures},
        "filled_at": point.filled_at,
    }


def _decision(row: ReviewDecision) -> dict[str, object]:
    return {name: getattr(row, name) for name in DecisionShown.model_fields}


def _full(page: ReviewPage) -> ManagementReviewFull:
    review = page.review
    return ManagementReviewFull.model_validate(
        _facts(review)
        | {name: getattr(review, name) for name in ("suitability", "adequacy", "effectiveness")}
        | {
            "missing": page.missing,
            "inputs": [_input(one) for one in page.inputs],
            "decisions": [_decision(row) for output in page.outputs for row, _ in output.decisions],
        }
    )


@blueprint.lists(
    "/management-reviews",
    Permission.REVIEWS_READ,
    of=ManagementReviewListed,
    shows=_listed,
    query=ManagementReviewQuery,
    example={**_EXAMPLE, "open_decisions": 1, "overdue_decisions": 0},
)
def list_of_management_reviews(query: ManagementReviewQuery) -> Page[ReviewLine]:
    """Management reviews of one's organisation, the newest year first."""
    return list_reviews(current_actor(), year=query.year, state=query.state or "", after=query.after, limit=query.limit)


@blueprint.reads(
    "/management-reviews/<id:management_review_id>",
    Permission.REVIEWS_READ,
    answer=ManagementReviewFull,
    shows=_full,
    problems=[404],
    example=_FULL,
)
def get_management_review(management_review_id: str) -> ReviewPage:
    """One management review with its inputs and decisions."""
    return view_review(current_actor(), review_id=management_review_id)
