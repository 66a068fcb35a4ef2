"""Whether a law or an obligation holds on a day: in words of Python for one, in SQL for lists. Both say the same.

A law holds from `effective_on` on (from ever, where nobody knows since when) and from `ended_on` on no more: the day on
which the new one takes effect is the first that the old one does not rule. An obligation holds from `valid_from` to
`valid_until`, that day included, and never longer than its law.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, false, or_

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.management.laws.kinds import COMING, ENDED, IN_FORCE, STATES, WITHDRAWN
from archive_app.management.laws.models import Law, Obligation


class NotInForceError(ArchiveError):
    """What does not hold on a day is not evaluated for it."""

    code = "obligation_not_in_force"
    message = N_("%(why)s It is not evaluated for that day, and nothing was recorded.")
    translated = ("why",)


@dataclass(frozen=True)
class Standing:
    """Where something stands on a day: one of `kinds.STATES`, and why, where it does not hold."""

    state: str
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is in force."""
        return self.state == IN_FORCE


_OF_ITS_LAW = {
    WITHDRAWN: N_("Its law was recorded wrongly and is withdrawn."),
    ENDED: N_("Its law has ended."),
}


def law_state(law: Law, day: date) -> str:
    """Where a law stands on a day."""
    if law.withdrawn_at is not None:
        return WITHDRAWN
    # What ends before it begins never holds.
    if law.ended_on is not None and law.ended_on <= max(day, law.effective_on or day):
        return ENDED
    return COMING if law.effective_on is not None and law.effective_on > day else IN_FORCE


def obligation_standing(obligation: Obligation, law: Law, day: date) -> Standing:
    """Where an obligation of the law stands on a day, and why it does not hold."""
    if obligation.withdrawn_at is not None:
        return Standing(WITHDRAWN, N_("This obligation was recorded wrongly and is withdrawn."))
    state = law_state(law, day)
    if state == ENDED and law.replaced_by_id:
        return Standing(ENDED, N_("Its law was replaced."))
    if state in _OF_ITS_LAW:
        return Standing(state, _OF_ITS_LAW[state])
    if obligation.valid_until is not None and obligation.valid_until < day:
        return Standing(ENDED, N_("This obligation has ended."))
    if state == COMING:
        return Standing(COMING, N_("Its law is not in force yet."))
    later = obligation.valid_from is not None and obligation.valid_from > day
    return Standing(COMING, N_("This obligation does not hold yet.")) if later else Standing(IN_FORCE)


def laws_in(state: str, day: date) -> ColumnElement[bool]:
    """The clause for laws that stand there on a day; nothing for a state that there is not."""
    living = Law.withdrawn_at.is_(None)
    ended = and_(
        Law.ended_on.is_not(None),
        or_(Law.ended_on <= day, and_(Law.effective_on.is_not(None), Law.ended_on <= Law.effective_on)),
    )
    going_on = or_(
        Law.ended_on.is_(None),
        and_(Law.ended_on > day, or_(Law.effective_on.is_(None), Law.ended_on > Law.effective_on)),
    )
    clauses = {
        WITHDRAWN: Law.withdrawn_at.is_not(None),
        ENDED: and_(living, ended),
        COMING: and_(living, going_on, Law.effective_on > day),
        IN_FORCE: and_(living, going_on, or_(Law.effective_on.is_(None), Law.effective_on <= day)),
    }
    return clauses[state] if state in STATES else false()


def obligations_in(state: str, day: date) -> ColumnElement[bool]:
    """The same of obligations, in a statement that joins their laws."""
    living = Obligation.withdrawn_at.is_(None)
    over = and_(Obligation.valid_until.is_not(None), Obligation.valid_until < day)
    going_on = or_(Obligation.valid_until.is_(None), Obligation.valid_until >= day)
    later = and_(Obligation.valid_from.is_not(None), Obligation.valid_from > day)
    begun = or_(Obligation.valid_from.is_(None), Obligation.valid_from <= day)
    law_stands = or_(laws_in(IN_FORCE, day), laws_in(COMING, day))
    clauses = {
        WITHDRAWN: or_(Obligation.withdrawn_at.is_not(None), laws_in(WITHDRAWN, day)),
        ENDED: and_(living, or_(laws_in(ENDED, day), and_(law_stands, over))),
        COMING: and_(living, going_on, or_(laws_in(COMING, day), and_(laws_in(IN_FORCE, day), later))),
        IN_FORCE: and_(living, going_on, begun, laws_in(IN_FORCE, day)),
    }
    return clauses[state] if state in STATES else false()
