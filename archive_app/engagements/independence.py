"""Independence: which relations stand in the way of whom (S0 5.5; 条例 §13).

Whoever consulted for a client or worked for it does not verify it; whoever compiles reports in a province does not
verify there. That holds for a person and for the whole body, while the relation lasts and for some calendar years after
its end (`rules.interest_years`).
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import aliased

from archive_app.engagements.models import Assignment, Client, Engagement, Interest
from archive_app.engagements.provinces import province_name, province_names
from archive_app.engagements.scheme_values import INDEPENDENT_ACTIVITIES
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

CONSULTING, EMPLOYMENT, REPORT_COMPILING = "consulting", "employment", "report_compiling"
KINDS = {
    CONSULTING: N_("Consulting"),
    EMPLOYMENT: N_("Employment"),
    REPORT_COMPILING: N_("Compiling of emission reports"),
}
OF_PERSONS_ONLY = frozenset({EMPLOYMENT})
_SOURCES = {
    CONSULTING: N_("S0 5.5"),
    EMPLOYMENT: N_("S0 5.5"),
    REPORT_COMPILING: N_("Interim Regulations, article 13"),
}
_LEAP_DAY, _MARCH = 29, 3


@dataclass(frozen=True)
class Conflict:
    """A relation that stands in the way: whose it is (`whose`, and their id, None for the body), which, until when.

    `about` is the party's name, or the code of the province. `counts_until` is the last day on which it counts, None
    while it goes on. `undecided`: nobody can say, because the client's province is not recorded.
    """

    person_id: str | None
    whose: str
    kind: str
    about: str
    ended_on: date | None
    counts_until: date | None
    undecided: bool = False

    def source(self) -> str:
        """The catalogue key of where the rule comes from."""
        return _SOURCES[self.kind]

    def about_in(self, language: str) -> str:
        """What the relation is about, in words."""
        return province_name(self.about, language) if self.kind == REPORT_COMPILING else self.about

    def about_words(self) -> str | Mapping[str, str]:
        """What the relation is about, for an error: the party's name, or the names of the province by language."""
        return province_names(self.about) if self.kind == REPORT_COMPILING else self.about


class NotIndependentError(ArchiveError):
    """Somebody, or the whole body, has a relation that rules the work out."""

    code = "not_independent"
    translated = ("relation", "source")
    message = N_(
        "%(whose)s is not independent here: %(relation)s (%(about)s), which goes on (%(source)s). Nothing was changed. "
        "Have somebody without such a relation do it; a wrong record can be withdrawn under Independence."
    )
    ended = N_(
        "%(whose)s is not independent here: %(relation)s (%(about)s), which ended on %(ended)s and counts until "
        "%(until)s (%(source)s). Nothing was changed. Have somebody without such a relation do it; a wrong record can "
        "be withdrawn under Independence."
    )

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(
            whose=conflict.whose,
            relation=KINDS[conflict.kind],
            about=conflict.about_words(),
            source=conflict.source(),
            ended=str(conflict.ended_on or ""),
            until=str(conflict.counts_until or ""),
        )
        self.conflict = conflict
        if conflict.ended_on is not None:
            self.message = self.ended


class ClientProvinceMissingError(ArchiveError):
    """Reports are compiled in some province, and nobody knows whether the client is there."""

    code = "client_province_missing"
    translated = ("source",)
    message = N_(
        "%(whose)s compiles emission reports in %(about)s, and the province of %(client)s is not recorded: nobody can "
        "say whether that rules the work out (%(source)s). Nothing was changed; record the client's province first."
    )

    def __init__(self, conflict: Conflict, client: Client) -> None:
        super().__init__(
            whose=conflict.whose, about=conflict.about_words(), client=client.name, source=conflict.source()
        )
        self.conflict = conflict


def years_before(day: date, years: int) -> date:
    """The same day `years` calendar years earlier; the 29th of February has the 28th where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=_LEAP_DAY - 1)


def years_after(day: date, years: int) -> date:
    """The same day `years` calendar years later; the 29th of February has the 1st of March where there is none, so that
    the years are full."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, _MARCH, 1)


def counts(ended_on: date | None, today: date, years: int) -> bool:
    """Whether a relation stands in the way today: it goes on, or ended less than `years` calendar years ago."""
    return ended_on is None or ended_on > years_before(today, years)


def counts_until(ended_on: date | None, years: int) -> date | None:
    """The last day on which a relation stands in the way; None while it goes on."""
    return years_after(ended_on, years) - timedelta(days=1) if ended_on else None


def party_key(name: str) -> str:
    """A name as it is compared: without blanks, widths and cases. `江南热电（集团）` and `江南热电(集团) ` are one."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def lock_relations(uow: UnitOfWork, organisation_id: str) -> Organisation:
    """A step: whoever assigns, opens or records a relation in this organisation waits for the others, so that each
    sees what the other did."""
    # Not the key: rows that refer to the organisation need not wait.
    return uow.session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})


def require_independent(uow: UnitOfWork, client: Client, *people: Person, activity: str) -> None:
    """A step: refuses where the client's verification body or one of the people is not independent of the client.
    Activities that judge nobody, such as a service project, ask for no independence.

    Raises: NotIndependentError, ClientProvinceMissingError.
    """
    if activity not in INDEPENDENT_ACTIVITIES:
        return
    found = find_conflicts(uow, client, [person.id for person in people])
    for conflict in sorted(found, key=lambda conflict: conflict.undecided):
        raise ClientProvinceMissingError(conflict, client) if conflict.undecided else NotIndependentError(conflict)


def find_conflicts(uow: UnitOfWork, client: Client, people: Collection[str] | None = None) -> list[Conflict]:
    """A step: what stands in the way at a client, of the body first; of all its people, or of `people` only."""
    other = aliased(Client)
    rows = uow.session.execute(
        select(Interest, other, Person.display_name, Organisation.name)
        .join(Organisation, Organisation.id == Interest.organisation_id)
        .outerjoin(other, other.id == Interest.client_id)
        .outerjoin(Person, Person.id == Interest.person_id)
        .where(Interest.organisation_id == client.organisation_id, Interest.withdrawn_at.is_(None))
        .where(_of(people), counting(uow))
        .order_by(Interest.person_id.is_not(None), Interest.id)
    )
    years = uow.archive.rules.interest_years
    return [
        _conflict(interest, person or body, years, undecided=_undecided(interest, client))
        for interest, row, person, body in rows
        if _undecided(interest, client) or touches(interest, row, client)
    ]


def counting(uow: UnitOfWork) -> ColumnElement[bool]:
    """The clause of relations that stand in the way today, by their end; the same as `counts`."""
    bound = years_before(uow.archive.today(), uow.archive.rules.interest_years)
    return or_(Interest.ended_on.is_(None), Interest.ended_on > bound)


def touches(interest: Interest, known_as: Client | None, client: Client) -> bool:
    """Whether a relation is with this client, whichever row, code, organisation or name it was recorded under, or was
    work in its province. `known_as` is the client row that the relation names, if it names one."""
    if interest.kind == REPORT_COMPILING:
        return client.province is not None and interest.province == client.province
    codes = {interest.party_code, known_as.credit_code if known_as else None} - {None}
    entity = known_as.entity_id if known_as else None
    return (
        interest.client_id == client.id
        or client.credit_code in codes
        or (entity is not None and entity == client.entity_id)
        or party_key(interest.party_name) == party_key(client.name)
    )


@dataclass(frozen=True)
class TouchedAssignment:
    """An assignment that a relation stands in the way of."""

    engagement_id: str
    number: str
    title: str
    display_name: str


def touched_assignments(uow: UnitOfWork, interest: Interest, limit: int = 50) -> list[TouchedAssignment]:
    """A step: living assignments that a relation touches, as far as its recorder may know of them."""
    if interest.ended_on is not None and not counts(
        interest.ended_on, uow.archive.today(), uow.archive.rules.interest_years
    ):
        return []
    known_as = uow.session.get(Client, interest.client_id) if interest.client_id else None
    clients = uow.session.scalars(select(Client).where(Client.organisation_id == interest.organisation_id))
    touched = [client.id for client in clients if touches(interest, known_as, client)]
    rows = uow.session.execute(
        select(Engagement.id, Engagement.number, Engagement.title, Person.display_name)
        .join(Assignment, Assignment.engagement_id == Engagement.id)
        .join(Person, Person.id == Assignment.person_id)
        .where(Engagement.client_id.in_(touched), Assignment.ended_at.is_(None))
        .where(Engagement.activity.in_(INDEPENDENT_ACTIVITIES))
        .where(true() if interest.person_id is None else Assignment.person_id == interest.person_id)
        # Everybody knows what they are assigned to themselves, declared or not.
        .where(or_(uow.visible("engagement"), Assignment.person_id == uow.actor.person_id))
        .order_by(Engagement.id.desc(), Person.display_name)
        .limit(limit)
    )
    return [TouchedAssignment(*row) for row in rows]


def by_person(conflicts: Iterable[Conflict]) -> Mapping[str | None, Conflict]:
    """The first conflict of each person, and of the body under None."""
    first: dict[str | None, Conflict] = {}
    for conflict in conflicts:
        first.setdefault(conflict.person_id, conflict)
    return first


def _of(people: Collection[str] | None) -> ColumnElement[bool]:
    if people is None:
        return true()
    return or_(Interest.person_id.is_(None), Interest.person_id.in_(people))


def _undecided(interest: Interest, client: Client) -> bool:
    return interest.kind == REPORT_COMPILING and client.province is None


def _conflict(interest: Interest, whose: str, years: int, *, undecided: bool) -> Conflict:
    until = counts_until(interest.ended_on, years)
    about = interest.province if interest.kind == REPORT_COMPILING else interest.party_name
    return Conflict(
        interest.person_id, whose, interest.kind, about or "", interest.ended_on, until, undecided=undecided
    )
