"""Who may see what: one clause per kind of subject, used for single subjects, lists, counts and search alike.

A feature registers, for each kind of subject it owns, SQL clauses that grant and clauses that deny. Visible is what any
grant reaches and no denial does. `allows` asks the database the very same clause for one id, so that a page and a list
can never disagree.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import cast

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.kernel.tables import UtcDateTime

_CLAUSES_KEPT = 4_096


@dataclass(frozen=True)
class Reach:
    """What one grant opens: the subjects that `clause` selects, and in them content up to `highest_level`.

    `organisation_id` is given where the clause is nothing but all of one organisation, so that a search can name the
    organisation instead of listing what is in it, and `organisations` where it is all of those that a statement
    selects. What is reached only by `marked` grants goes out with a mark.
    """

    clause: ColumnElement[bool]
    highest_level: Level = Level.RESTRICTED
    organisation_id: str | None = None
    organisations: Select[str] | None = None
    marked: bool = False


Clause = Callable[[Actor], ColumnElement[bool] | None]
"""A clause for an actor, which depends on `Actor.rights` alone; None where it has nothing to say about them."""
Grant = Callable[[Actor], ColumnElement[bool] | Reach | None]
"""The same for what opens; a bare clause opens content of every level."""


@dataclass
class _Rules:
    key: InstrumentedAttribute[str] | None = None
    grants: list[tuple[str, Grant]] = field(default_factory=list)
    denies: list[Clause] = field(default_factory=list)
    hides: list[Clause] = field(default_factory=list)


class Policy:
    """The registry of clauses; built once at start, read-only afterwards."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._rules: dict[str, _Rules] = {}
        # Putting a clause together takes longer than most statements with it. It depends on what the rights of a person
        # depend on and on nothing else; what may change at any moment is asked of the database each time.
        self._kept_clause = lru_cache(maxsize=_CLAUSES_KEPT)(self._clause)
        self._kept_branches = lru_cache(maxsize=_CLAUSES_KEPT)(self._branches)
        # Asked of the clock when a statement runs, not when it is put together: statements are kept, rights expire.
        self.now = bindparam("policy_now", callable_=now, type_=UtcDateTime())

    def subject(self, kind: str, key: InstrumentedAttribute[str]) -> None:
        """Declares a kind of subject by the column that identifies it."""
        if self._of(kind).key is not None:
            raise ValueError(f"subject kind {kind!r} is declared twice")
        self._of(kind).key = key

    def complete(self) -> None:
        """Refuses rules about kinds that nobody declared, once all features have added theirs. Raises: KeyError."""
        for kind in self._rules:
            self._key(kind)

    def grant(self, kind: str, grant: Grant, *, ground: str = "") -> None:
        """Adds a reason to see subjects of `kind`; `ground` is its name, for whoever must tell people why."""
        self._of(kind).grants.append((ground, grant))
        self._kept_clause.cache_clear()
        self._kept_branches.cache_clear()

    def deny(self, kind: str, clause: Clause) -> None:
        """Adds a reason not to see subjects of `kind`, stronger than every grant."""
        self._of(kind).denies.append(clause)
        self._kept_clause.cache_clear()
        self._kept_branches.cache_clear()

    def hide(self, kind: str, clause: Clause) -> None:
        """Adds a reason for which subjects of `kind` do not show themselves, in no list, count or page, and not to the
        archive's own work either. It says nothing about what builds on `kind`: that is opened and denied as if they
        showed."""
        self._of(kind).hides.append(clause)
        self._kept_clause.cache_clear()
        self._kept_branches.cache_clear()

    def visible_to(self, actor: Actor, kind: str) -> ColumnElement[bool]:
        """The clause that selects what `actor` may see of `kind`.

        Raises: KeyError for a kind that nobody declared: nothing is open by default.
        """
        self._key(kind)
        return self._shown(actor, kind) if actor.is_system else self._kept_clause(actor.rights, kind)

    def branches(self, actor: Actor, kind: str) -> Sequence[ColumnElement[bool]]:
        """The clauses that together select what `visible_to` selects, one for each grant: a list in the order of an
        index is taken from each by itself, where their union would be read whole and sorted."""
        self._key(kind)
        return (self._shown(actor, kind),) if actor.is_system else self._kept_branches(actor.rights, kind)

    def reaches(self, actor: Actor, kind: str, *, without: str = "") -> list[Reach]:
        """What each grant opens of `kind` for a person, leaving out the ground `without`. What builds on `kind` asks
        here for the levels as well."""
        return [reach for ground, reach in self._named_reaches(actor, kind) if not without or ground != without]

    def denials(self, actor: Actor, kind: str) -> list[ColumnElement[bool]]:
        """What is denied of `kind` to a person, whatever opens it."""
        return [clause for deny in self._rules[kind].denies if (clause := deny(actor)) is not None]

    def allows(self, session: Session, actor: Actor, kind: str, subject_id: str) -> bool:
        """Whether `actor` may see the one subject."""
        key = self._key(kind)
        found = session.scalar(select(key).where(key == subject_id, self.visible_to(actor, kind)))
        return found is not None

    def among(self, session: Session, actor: Actor, kind: str, subject_ids: Collection[str]) -> set[str]:
        """Those of the subjects that `actor` may see."""
        key = self._key(kind)
        return set(session.scalars(select(key).where(key.in_(subject_ids), self.visible_to(actor, kind))))

    def grounds(self, session: Session, actor: Actor, kind: str, subject_id: str) -> list[tuple[str, Level]]:
        """Why a person sees the one subject: the grounds that open it, each with the highest level of content that it
        opens; none where the subject does not show to them."""
        named = self._named_reaches(actor, kind)
        opens = (case((reach.clause, 1), else_=0) for _, reach in named)
        key = self._key(kind)
        of_subject = select(*opens).select_from(key.class_).where(key == subject_id, self.visible_to(actor, kind))
        row = session.execute(of_subject).one_or_none() if named else None
        if row is None:
            return []
        return [(ground, reach.highest_level) for (ground, reach), opened in zip(named, row, strict=True) if opened]

    def exists(self, session: Session, kind: str, subject_id: str) -> bool:
        """Whether the subject is there at all: tells a denial from a wrong address in the log, never a person."""
        key = self._key(kind)
        return session.scalar(select(key).where(key == subject_id)) is not None

    def _named_reaches(self, actor: Actor, kind: str) -> list[tuple[str, Reach]]:
        opened = [(ground, found) for ground, grant in self._rules[kind].grants if (found := grant(actor)) is not None]
        return [(ground, found if isinstance(found, Reach) else Reach(found)) for ground, found in opened]

    def _clause(self, rights: Actor, kind: str) -> ColumnElement[bool]:
        reaches = self.reaches(rights, kind)
        if not reaches:
            return false()
        return and_(or_(*(reach.clause for reach in reaches)), *self._closed(rights, kind))

    def _branches(self, rights: Actor, kind: str) -> tuple[ColumnElement[bool], ...]:
        closed = self._closed(rights, kind)
        return tuple(and_(reach.clause, *closed) for reach in self.reaches(rights, kind))

    def _shown(self, actor: Actor, kind: str) -> ColumnElement[bool]:
        """What is not hidden."""
        return and_(true(), *map(not_, self._hidden(actor, kind)))

    def _hidden(self, actor: Actor, kind: str) -> list[ColumnElement[bool]]:
        return [clause for hide in self._rules[kind].hides if (clause := hide(actor)) is not None]

    def _closed(self, rights: Actor, kind: str) -> list[ColumnElement[bool]]:
        return [not_(clause) for clause in (*self.denials(rights, kind), *self._hidden(rights, kind))]

    def _of(self, kind: str) -> _Rules:
        return self._rules.setdefault(kind, _Rules())

    def _key(self, kind: str) -> InstrumentedAttribute[str]:
        key = self._rules[kind].key
        if key is None:
            raise KeyError(kind)
        return cast("InstrumentedAttribute[str]", key)  # the descriptor hides its own type
