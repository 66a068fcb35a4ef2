"""What a management review still lacks before top management can hold it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.kernel.errors import SeveralReasonsError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.agenda import agenda, decision_codes, name_of
from archive_app.management.reviews.filling import figures_in, points_of
from archive_app.management.reviews.models import ManagementReview, ReviewDecision, ReviewNothing
from archive_app.management.reviews.rules import kind_of

INPUT, OUTPUT = "input", "output"
_REASONS = {
    INPUT: N_("%(name)s: nothing was counted and nothing was said."),
    OUTPUT: N_("%(name)s: there is no decision, and it is not said why there is nothing to decide."),
}


@dataclass(frozen=True)
class Missing:
    """An input without words or figures, or an output without a decision or a reason, by its code."""

    part: str
    code: str

    def words(self, language: str) -> str:
        """What is missing, in words."""
        return translate(language, _REASONS[self.part], name=name_of(self.code, language))


class ReviewIncompleteError(SeveralReasonsError):
    """The review cannot be held as it is."""

    code = "management_review_incomplete"
    message = N_(
        "The management review lacks %(count)s of the points that are required, and was not held. What was prepared is "
        "kept; complete it, then hold the review."
    )

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(count=len(missing))
        self.missing = missing

    def reasons(self, language: str) -> Sequence[tuple[str, str, str]]:
        return [(f"{one.part}_missing", one.code, one.words(language)) for one in self.missing]


def missing_in(uow: UnitOfWork, review: ManagementReview) -> list[Missing]:
    """A step: what is missing, in the order of the agenda."""
    kind, points = kind_of(uow, review), points_of(uow, review.id)
    answered = {code for code, point in points.items() if point.words or figures_in(point)}
    inputs = [Missing(INPUT, one.code) for one in agenda().inputs_for(kind) if one.code not in answered]
    decided = set(uow.session.scalars(select(ReviewDecision.code).where(ReviewDecision.review_id == review.id)))
    decided |= set(uow.session.scalars(select(ReviewNothing.code).where(ReviewNothing.review_id == review.id)))
    return inputs + [Missing(OUTPUT, code) for code in decision_codes(kind) if code not in decided]
