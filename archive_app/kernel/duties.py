"""Separation of duties: what must not be in one hand, each a named rule with its source.

A rule says who has to differ from whom. The use cases that it governs ask it with the people of the act at hand; the
database's own constraints stand behind some of them, but the words are here, in one place, for the person who is
refused and for the auditor who reads the list.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive_app.kernel.errors import NotTheirsError
from archive_app.kernel.language import N_

RULES: dict[str, "Duty"] = {}


class DutiesNotSeparateError(NotTheirsError):
    """One hand would do what two must; `rule` is the name of the rule."""

    code = "duties_not_separate"
    message = N_("%(reason)s Nothing was changed.")
    translated = ("reason",)

    def __init__(self, rule: "Duty") -> None:
        super().__init__({}, rule=rule.name, source=rule.source, reason=rule.reason)
        self.rule = rule


@dataclass(frozen=True)
class Duty:
    """A rule of separation: its stable name, the source it comes from, and the words for who is refused."""

    name: str
    source: str
    reason: str

    def require_apart(self, acting: str | None, others: Iterable[str | None]) -> None:
        """Refuses when whoever acts is among the others. Raises: DutiesNotSeparateError."""
        if acting is not None and acting in set(others):
            raise DutiesNotSeparateError(self)

    def require_all_different(self, people: Iterable[str | None], *, count: int) -> None:
        """Refuses unless `count` people stand there and nobody twice: one who is missing is not another person.

        Raises: DutiesNotSeparateError.
        """
        listed = list(people)
        if not len(set(listed) - {None}) == len(listed) == count:
            raise DutiesNotSeparateError(self)

    def require_in_person(self, acting: str | None, entitled: Iterable[str]) -> None:
        """Refuses unless whoever acts is one of the entitled themselves: nobody, and not the archive either, does it
        for them. Raises: DutiesNotSeparateError."""
        if acting is None or acting not in set(entitled):
            raise DutiesNotSeparateError(self)


def _rule(name: str, source: str, reason: str) -> Duty:
    return RULES.setdefault(name, Duty(name, source, reason))


REVIEWER_NOT_OF_THE_TEAM = _rule(
    "reviewer_not_of_the_team",
    "S4 6.3.1",
    N_("The technical review of an engagement is done by somebody who is not and was not on its team."),
)
APPROVER_NOT_THE_AUTHOR = _rule(
    "approver_not_the_author", "S1 8.2; S2 8.4", N_("Whoever wrote a document does not approve it.")
)
AUDITOR_NOT_RESPONSIBLE = _rule(
    "auditor_not_responsible",
    "S2 3.16 note 3; S1 10.2.2 b",
    N_("Nobody audits what they are responsible for themselves."),
)
VALIDATION_AND_VERIFICATION_APART = _rule(
    "validation_and_verification_apart",
    "S4 6.4.1",
    N_("A project is validated by one body and verified by another."),
)
COMPLAINT_HANDLED_BY_OTHERS = _rule(
    "complaint_handled_by_others",
    "S0 5.8; ISO/IEC 17029",
    N_("A complaint is investigated and decided by people who are not involved in what it is about."),
)
DESTRUCTION_BY_FOUR_PEOPLE = _rule(
    "destruction_by_four_people",
    "S0 5.8; GB/T 18894",
    N_("Who proposes a destruction, who approves it and its two witnesses are four different people."),
)
MANAGEMENT_REVIEW_IN_PERSON = _rule(
    "management_review_in_person",
    "S1 10.3.1 note 1",
    N_("Top management reviews in person: nobody confirms the management review for them."),
)
RIGHTS_GIVEN_BY_ANOTHER = _rule(
    "rights_given_by_another",
    "GB/T 22239",
    N_("Nobody gives rights to themselves, and nobody grants what they proposed themselves."),
)
ACCESS_DECIDED_BY_ANOTHER = _rule(
    "access_decided_by_another",
    "S2 8.4 d",
    N_("Whoever asks for access does not decide about it."),
)
CORRECTION_CONFIRMED_BY_ANOTHER = _rule(
    "correction_confirmed_by_another",
    "S0 5.6; S1 11.2",
    N_("Whoever corrected a nonconformity does not confirm the correction."),
)
ACCEPTED_BY_ANOTHER = _rule(
    "accepted_by_another",
    "DA/T 58; S0 5.8",
    N_("Whoever submits a file for archiving does not accept it."),
)
ISSUED_BY_ANOTHER = _rule(
    "issued_by_another",
    "S4 6.3.1; S1 B.2",
    N_("A report is issued by somebody who neither worked on the engagement nor reviewed it."),
)

DISCLOSED_BY_ANOTHER = _rule(
    "disclosed_by_another",
    "S1 A.1; S2 5.3",
    N_("Whoever proposes to make a document public does not decide about it."),
)


def complaint_by_others(investigator: str, decider: str, involved: Iterable[str]) -> None:
    """Neither who investigates a complaint nor who decides it is involved. Raises: DutiesNotSeparateError."""
    concerned = set(involved)
    for acting in (investigator, decider):
        COMPLAINT_HANDLED_BY_OTHERS.require_apart(acting, concerned)


def destruction_by_four(proposer: str, approver: str, witnesses: Sequence[str]) -> None:
    """Proposer, approver and exactly two witnesses, all different. Raises: DutiesNotSeparateError."""
    DESTRUCTION_BY_FOUR_PEOPLE.require_all_different([proposer, approver, *witnesses], count=4)
