"""What a grant opens, as people choose it: the whole body, engagements, clients, years, years of a client."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.engagements.engagements import FIRST_YEAR, LAST_YEAR
from archive_app.engagements.models import Client, Engagement
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.supervision.models import SupervisionScope

MOST_THINGS = 300
_CODE = re.compile(
    r"(?P<whole>whole)|engagement:(?P<engagement>[0-9a-f-]{36})"
    r"|client:(?P<client>[0-9a-f-]{36})(:(?P<client_year>\d{4}))?|year:(?P<year>\d{4})",
    re.ASCII,
)


class NothingChosenError(ArchiveError):
    """A grant of nothing, which nobody means."""

    code = "supervision_nothing_chosen"
    message = N_("Nothing is chosen that the supervisor may read. Nothing was granted; choose it from the lists.")


class TooManyThingsError(ArchiveError):
    """More rows than a person can have chosen one by one."""

    code = "supervision_too_many"
    message = N_(
        "%(count)s things are chosen; %(most)s is the most. Nothing was granted; choose whole clients or years."
    )


@dataclass(frozen=True)
class Thing:
    """One thing to open; exactly one of the four shapes of `SupervisionScope`."""

    whole: bool = False
    engagement_id: str | None = None
    client_id: str | None = None
    year: int | None = None

    @property
    def code(self) -> str:
        """The one way to write it, for forms."""
        if self.whole:
            return "whole"
        if self.engagement_id:
            return f"engagement:{self.engagement_id}"
        if self.client_id:
            return f"client:{self.client_id}" + (f":{self.year}" if self.year is not None else "")
        return f"year:{self.year}"


@dataclass(frozen=True)
class NamedThing:
    """A thing with what people call it; `kind` is whole, engagement, client, client_year or year."""

    thing: Thing
    kind: str
    name: str = ""

    @property
    def code(self) -> str:
        """As `Thing.code`."""
        return self.thing.code


def read_things(codes: Sequence[str]) -> list[Thing]:
    """Things as forms write them, each once, in order. Raises: InvalidInputError, TooManyThingsError."""
    if len(codes) > MOST_THINGS:
        raise TooManyThingsError(count=len(codes), most=MOST_THINGS)
    return checked_things([_read(code) for code in codes])


def checked_things(things: Sequence[Thing]) -> list[Thing]:
    """Each of the things once, in order. Raises: TooManyThingsError."""
    if len(things) > MOST_THINGS:
        raise TooManyThingsError(count=len(things), most=MOST_THINGS)
    return list(dict.fromkeys(things))


def _read(code: str) -> Thing:
    found = _CODE.fullmatch(code)
    if found is None:
        raise InvalidInputError(field=N_("Scope"), reason=N_("This is nothing that can be granted."))
    year = found["client_year"] or found["year"]
    if year is not None and not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year of emissions."))
    return Thing(bool(found["whole"]), found["engagement"], found["client"], int(year) if year else None)


def name_things(uow: UnitOfWork, organisation_id: str, things: Sequence[Thing]) -> list[NamedThing]:
    """A step: the things with their names, each of this body and visible to the actor, who chooses among their own.

    Raises: NotFoundError where one is of another body, or not there: the answer is the same.
    """
    engagements = {thing.engagement_id for thing in things if thing.engagement_id}
    clients = {thing.client_id for thing in things if thing.client_id}
    names: dict[str, str] = {}
    for row in uow.session.execute(
        select(Engagement.id, Engagement.number, Engagement.title).where(
            Engagement.id.in_(engagements), Engagement.organisation_id == organisation_id, uow.visible("engagement")
        )
    ):
        names[row[0]] = f"{row[1]} {row[2]}"
    of_body = select(Client.id, Client.name).where(Client.id.in_(clients), Client.organisation_id == organisation_id)
    names |= {row[0]: row[1] for row in uow.session.execute(of_body)}
    if names.keys() != engagements | clients:
        raise NotFoundError
    return [_named(thing, names) for thing in things]


def things_of(session: Session, grant_id: str) -> list[NamedThing]:
    """A step: what a grant opens, as it was chosen."""
    rows = session.execute(
        select(SupervisionScope, Engagement.number, Engagement.title, Client.name)
        .outerjoin(Engagement, Engagement.id == SupervisionScope.engagement_id)
        .outerjoin(Client, Client.id == SupervisionScope.client_id)
        .where(SupervisionScope.grant_id == grant_id)
        .order_by(SupervisionScope.id)
        .limit(MOST_THINGS)
    )
    found = []
    for scope, number, title, client in rows:
        thing = Thing(scope.whole, scope.engagement_id, scope.client_id, scope.year)
        names = {scope.engagement_id or "": f"{number} {title}", scope.client_id or "": client or ""}
        found.append(_named(thing, names))
    return found


def keep_things(uow: UnitOfWork, grant_id: str, things: Iterable[Thing]) -> None:
    """A step: writes what a grant opens."""
    for thing in things:
        uow.session.add(
            SupervisionScope(
                id=uow.new_id(),
                grant_id=grant_id,
                whole=thing.whole,
                engagement_id=thing.engagement_id,
                client_id=thing.client_id,
                year=thing.year,
            )
        )


def _named(thing: Thing, names: dict[str, str]) -> NamedThing:
    if thing.whole:
        return NamedThing(thing, "whole")
    if thing.engagement_id:
        return NamedThing(thing, "engagement", names[thing.engagement_id])
    if thing.client_id:
        return NamedThing(thing, "client" if thing.year is None else "client_year", names[thing.client_id])
    return NamedThing(thing, "year")
