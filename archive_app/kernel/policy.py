"""Who may see what: one clause per kind of subject, used for single subjects, lists, counts and search alike.

A feature registers, for each kind of subject it owns, SQL clauses that grant and clauses that deny. Visible is what any
grant reaches and no denial does. `allows` asks the database the very same clause for one id, so that a page and a list
can never disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_app.kernel.actor import Actor

Clause = Callable[[Actor], ColumnElement[bool] | None]
"""A clause for an actor; None where it has nothing to say about them."""


@dataclass
class _Rules:
    key: InstrumentedAttribute[str]
    grants: list[Clause] = field(default_factory=list)
    denies: list[Clause] = field(default_factory=list)


class Policy:
    """The registry of clauses; built once at start, read-only afterwards."""

    def __init__(self) -> None:
        self._rules: dict[str, _Rules] = {}

    def subject(self, kind: str, key: InstrumentedAttribute[str]) -> None:
        """Declares a kind of subject by the column that identifies it."""
        if kind in self._rules:
            raise ValueError(f"subject kind {kind!r} is declared twice")
        self._rules[kind] = _Rules(key)

    def grant(self, kind: str, clause: Clause) -> None:
        """Adds a reason to see subjects of `kind`."""
        self._rules[kind].grants.append(clause)

    def deny(self, kind: str, clause: Clause) -> None:
        """Adds a reason not to see subjects of `kind`, stronger than every grant."""
        self._rules[kind].denies.append(clause)

    def visible_to(self, actor: Actor, kind: str) -> ColumnElement[bool]:
        """The clause that selects what `actor` may see of `kind`.

        Raises: KeyError for a kind that nobody declared: nothing is open by default.
        """
        rules = self._rules[kind]
        if actor.is_system:
            return true()
        grants = [clause for grant in rules.grants if (clause := grant(actor)) is not None]
        if not grants:
            return false()
        denies = [clause for deny in rules.denies if (clause := deny(actor)) is not None]
        return and_(or_(*grants), *(not_(clause) for clause in denies))

    def allows(self, session: Session, actor: Actor, kind: str, subject_id: str) -> bool:
        """Whether `actor` may see the one subject."""
        key = self._rules[kind].key
        found = session.scalar(select(key).where(key == subject_id, self.visible_to(actor, kind)))
        return found is not None

    def exists(self, session: Session, kind: str, subject_id: str) -> bool:
        """Whether the subject is there at all: tells a denial from a wrong address in the log, never a person."""
        key = self._rules[kind].key
        return session.scalar(select(key).where(key == subject_id)) is not None
