"""An organisation with everybody whom a management review needs, and a review that is ready to be held."""

from dataclasses import dataclass
from datetime import date

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.reviews.agenda import agenda, decision_codes
from archive_app.management.reviews.deciding import Decided, add_decision, decide_nothing
from archive_app.management.reviews.filling import fill_figures, say
from archive_app.management.reviews.holding import hold_review
from archive_app.management.reviews.models import ManagementReview
from archive_app.management.reviews.planning import Plan, plan_review
from archive_app.management.reviews.showing import view_review
from tests.factories import People

ZH = "zh_Hans_CN"
CONCLUSION = {"suitability": "体系适合本组织", "adequacy": "要求均已覆盖", "effectiveness": "目标已实现九成"}
TODAY = date(2026, 11, 21)
"""The day on which the clock of tests stands."""


@dataclass
class ReviewHouse:
    """Who prepares, who is top management, who does what was decided."""

    archive: Archive
    people: People
    organisation: str
    kind: str
    preparer: Actor
    top: Actor
    owner: Actor

    def plan(self, **change: object) -> Plan:
        told: dict[str, object] = {
            "year": 2026, "on": TODAY, "period_from": date(2025, 11, 1), "period_to": date(2026, 10, 31),
            "reviewer": self.top.person_id or "", "place": "第一会议室",
        }  # fmt: skip
        return Plan(**{**told, **change})  # type: ignore[arg-type]

    def planned(self, **change: object) -> str:
        """A planned review; its id."""
        return plan_review(self.preparer, plan=self.plan(**change)).id

    def say_all(self, review_id: str, words: str = "已讨论") -> None:
        """Something is said to every required input."""
        for one in agenda().inputs_for(self.kind):
            say(self.preparer, review_id=review_id, code=one.code, words=f"{words}：{one.name.zh}")

    def decide_all(self, review_id: str, due: date = date(2026, 12, 31)) -> str:
        """One decision, and of everything else nothing to decide; the decision's id."""
        first, *others = decision_codes(self.kind)
        decided = Decided(first, "修订方针，纳入可再生能源比例", self.owner.person_id or "", due)
        row = add_decision(self.preparer, review_id=review_id, decided=decided)
        for code in others:
            decide_nothing(self.preparer, review_id=review_id, code=code, reason="本年度无变化")
        return row.id

    def ready(self, **change: object) -> str:
        """A review of which nothing is missing; its id."""
        review_id = self.planned(**change)
        fill_figures(self.preparer, review_id=review_id)
        self.say_all(review_id)
        self.decide_all(review_id)
        return review_id

    def hold(self, review_id: str, by: Actor | None = None, language: str = ZH) -> ManagementReview:
        return hold_review(by or self.top, review_id=review_id, conclusion=CONCLUSION, language=language)

    def other(self, *roles: str) -> Actor:
        """Somebody else of the organisation."""
        return self.people.person(*roles, organisation=self.organisation)


def review_house(people: People, organisation: str = "望溪纸业", kind: str = "reporting_entity") -> ReviewHouse:
    """An organisation of the kind with its people; another one runs the archive."""
    people.organisation()
    people.organisation(organisation, kind)
    return ReviewHouse(
        people.archive,
        people,
        organisation,
        kind,
        preparer=people.person("management_representative", name="沈洁", organisation=organisation),
        top=people.person("top_manager", name="陆建国", organisation=organisation),
        owner=people.person("staff_member", name="丁一", organisation=organisation),
    )


def figures_in(house: ReviewHouse, review_id: str, by: Actor | None = None) -> dict[str, int]:
    page = view_review(by or house.preparer, review_id=review_id)
    return {one.code: one.number for point in page.inputs for one in point.figures}
