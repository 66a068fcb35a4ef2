"""What the access matrix expects of each cell, reasoned from the rules and never recorded from the program.

A row says which permission a route needs and what it is about. Whoever lacks the permission is refused (✗), or sent to
the door (→). Of the others, each is let in (✓) where the rule of the subject opens it to them, and else hears that
there is nothing (·).
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.access.columns import (
    ASSIGNED,
    BODY,
    CLIENT,
    LET_IN,
    LEVELS,
    NOBODY,
    SUPERVISES,
    UNDECLARED,
    Column,
)

ROOMS = Path(__file__).resolve().parent / "rooms"
IN, HIDDEN, REFUSED, DOOR, CONFIRM, NONE, MARKED = "✓", "·", "✗", "→", "!", "–", "▲"
OWN, OTHER, FOREIGN = PLACES = ("own", "other", "foreign")
API = "/api/"
BY_LINK = "client:requests:answer"
Rule = Callable[[Column, str], bool | str]
"""Whether somebody is let in to a subject at a place; or the mark itself, where a refusal is not hidden."""


@dataclass(frozen=True)
class Row:
    """One route in one relation. `sends` are the bodies it is asked with: each must be answered alike. A `bulk` route
    answers of each subject by itself on the page it leads to; one that `spends` may end whoever asks."""

    at: str
    words: str
    may: str
    about: str = ""
    confirmed: bool = False
    bulk: bool = False
    sends: tuple[Mapping[str, Any], ...] = ({},)
    spends: bool = False

    @property
    def method(self) -> str:
        return self.at.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.at.partition(" ")[2]

    @property
    def is_api(self) -> bool:
        return self.path.startswith(API)

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is asked: once if it is about nothing in particular."""
        return PLACES if self.about else (OWN,)


@dataclass(frozen=True)
class Room:
    """A section of the matrix."""

    name: str
    words: str
    rows: tuple[Row, ...]


@cache
def rooms() -> tuple[Room, ...]:
    """All sections, in the order of their files."""
    found = []
    for path in sorted(ROOMS.glob("*.toml")):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        sends = {"sends"}
        rows = tuple(
            Row(**{name: value for name, value in row.items() if name not in sends}, **_sends(row))
            for row in told["routes"]
        )
        assert {row.about for row in rows} <= ABOUT.keys() | {""}, path.name
        found.append(Room(told["name"], told["words"], rows))
    return tuple(found)


def _sends(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"sends": tuple(row["sends"])} if "sends" in row else {}


def all_rows() -> list[Row]:
    """Every row of every section."""
    return [row for room in rooms() for row in room.rows]


def expected(row: Row, column: Column) -> str:
    """The cell: one mark for each place."""
    if not column.may(row.may) or (row.is_api and column.awaits and row.may != "public:any:use"):
        return _refused(row, column) * len(row.places)
    if not row.about:
        return IN
    return "".join(_mark(ABOUT[row.about](column, place)) for place in row.places)


def _mark(opened: bool | str) -> str:
    return opened if isinstance(opened, str) else IN if opened else HIDDEN


def expected_levels(column: Column, permission: str = "engagement:documents:read") -> str:
    """Of documents of each level in one's own engagement: one mark for each level."""
    if not column.may(permission):
        return REFUSED
    return "".join(IN if _reads(column, OWN) and level <= _highest(column) else HIDDEN for level in range(len(LEVELS)))


def _refused(row: Row, column: Column) -> str:
    """Who is known is told that they may not; who is not, where to sign in. Whose second factor is awaited is led to it
    from pages. Behind the door of a client's link nobody is known by their account."""
    if column.awaits == NOBODY or row.may == BY_LINK:
        return DOOR
    return DOOR if column.awaits and row.method == "GET" and not row.is_api else REFUSED


def _reads(column: Column, place: str) -> bool:
    """Whether they read the engagement: by assignment and declaration, let in by name, a supervisor's grant, the
    client's own affairs; or because their role reaches all of their organisation."""
    if not column.may("engagement:engagements:read") or (column.tie == UNDECLARED and place == OWN):
        return False
    if place == OWN and _tied(column):
        return True
    return column.may("organisation:engagements:read") and column.home == BODY and place != FOREIGN


def _tied(column: Column) -> bool:
    return (
        column.tie in {ASSIGNED, LET_IN}
        or (column.tie == SUPERVISES and column.may("authority:supervision:use"))
        or (column.tie == CLIENT and column.may("client:engagements:read"))
    )


def _works(column: Column, place: str) -> bool:
    """Whether they file into it: those who are assigned and declared, and who keeps the archive of the body."""
    return _reads(column, place) and ((place == OWN and column.tie == ASSIGNED) or _keeps(column, place))


def _leads(column: Column, place: str) -> bool:
    """Whether they decide about it: its leader, and who keeps the archive."""
    led = place == OWN and column.tie == ASSIGNED and column.may("engagement:team:lead")
    return _reads(column, place) and (led or _keeps(column, place))


def _answers_for(column: Column, place: str) -> bool:
    """Whether they answer for who sees it: its leader, and those whose role reaches the whole body."""
    of_all = column.may("organisation:engagements:read") and column.home == BODY and place != FOREIGN
    return _reads(column, place) and (_leads(column, place) or of_all)


def _keeps(column: Column, place: str) -> bool:
    return column.may("organisation:engagements:keep") and column.home == BODY and place != FOREIGN


def _reads_documents(column: Column, place: str) -> bool:
    return column.may("engagement:documents:read") and _reads(column, place)


def _works_on_documents(column: Column, place: str) -> bool:
    return _reads_documents(column, place) and _works(column, place)


def _knows_client(column: Column, place: str) -> bool:
    """Clients of engagements one reads; and all of one's organisation for those who keep its list."""
    manages = column.may("organisation:clients:manage") or column.may("organisation:interests:manage")
    return _reads(column, place) or (manages and column.home == BODY and place != FOREIGN)


def _same_organisation(column: Column, place: str) -> bool:
    return place != FOREIGN


def _of_the_body(column: Column, place: str) -> bool:
    """What belongs to the verification body as such: for its own people."""
    return column.home == BODY and place != FOREIGN


def _in_the_body(permission: str, reach: Callable[[Column, str], bool]) -> Rule:
    """What is inside of an engagement and still the body's own business: its registers, its inbox."""
    return lambda column, place: column.may(permission) and _of_the_body(column, place) and reach(column, place)


def _archives(column: Column, place: str) -> bool:
    """How engagements are archived is for the body's own people and for who supervises it, not for the client."""
    own = column.home == BODY or column.may("authority:supervision:use")
    return own and _reads_documents(column, place)


def _arranges(column: Column, place: str) -> bool:
    return _archives(column, place) and _leads(column, place)


def _shared_changeable(column: Column, place: str) -> bool | str:
    """One's own; with the right to share also what colleagues shared, which everybody else sees and is refused."""
    if place == OTHER:
        return IN if column.may("organisation:searches:share") else REFUSED
    return place == OWN


def _gets_original(column: Column, place: str) -> bool | str:
    """Who reads by a supervisor's grant gets content under its mark and never bare; everybody else who reads gets it
    bare and never marked."""
    opened = _reads_documents(column, place)
    return MARKED if opened and column.tie == SUPERVISES else opened


def _of_the_grant(column: Column, place: str) -> bool:
    """Both sides of a grant see it: the authority's supervisors, and who grants for the body."""
    sides = column.may("authority:supervision:use") or column.may("organisation:supervision:grant")
    return sides and place != FOREIGN


def _knows_organisation(column: Column, place: str) -> bool | str:
    """One's own; supervisors ask bodies for access and know which there are."""
    if place == OTHER:
        return NONE
    return place == OWN or column.may("authority:supervision:use")


def _relation(column: Column, place: str) -> bool | str:
    """One's own; a colleague's shows to who reads those of the organisation, and is changed by who keeps them."""
    if place == OTHER and column.may("organisation:interests:read"):
        return IN if column.may("organisation:interests:manage") else REFUSED
    return place == OWN


def _highest(column: Column) -> int:
    """Levels: whoever reaches by their organisation or for an authority sees no restricted content, a client only what
    is public."""
    bound = LEVELS.index(column.highest_level)
    if column.tie in {ASSIGNED, LET_IN}:
        return bound
    return min(bound, LEVELS.index("public" if column.tie == CLIENT else "sensitive"))


ABOUT: dict[str, Rule] = {
    "engagement.archiving": _archives,
    "case_file": _archives,
    "case_file.lead": _arranges,
    "engagement": _reads,
    "engagement.work": _works,
    "engagement.lead": _leads,
    "document": _reads_documents,
    "document.work": _works_on_documents,
    "document.original": _gets_original,
    "review": lambda column, place: _reads_documents(column, place) and column.tie != CLIENT,
    "document.marked": lambda column, place: _gets_original(column, place) == MARKED,
    "assigned": lambda column, place: place == OWN and column.tie in {ASSIGNED, UNDECLARED},
    "grant": _of_the_grant,
    "client": _knows_client,
    "upload": _works,  # a line of one's own list, also in an engagement that one cannot work in
    "upload of another": lambda _column, _place: False,
    "register": _in_the_body("organisation:registers:import", _reads),
    "register.work": _in_the_body("organisation:registers:import", _works),
    "inbox file": _in_the_body("organisation:inbox:sort", _reads),
    "inbox file.work": _in_the_body("organisation:inbox:sort", _works),
    "loose file": _in_the_body("organisation:inbox:sort", _of_the_body),
    "of the body": _of_the_body,  # own and other engagement are both of one's own body
    "of the organisation": _same_organisation,
    "organisation": _knows_organisation,
    "oneself": lambda _column, place: place == OWN,  # other: a colleague's; foreign: a stranger's
    "everywhere": lambda _column, _place: True,
    "access of a colleague": _leads,
    "access of somebody": lambda column, place: place == OWN or _leads(column, place),
    "audience": _answers_for,
    "request about it": _leads,
    "relation": _relation,
    "shared search": _same_organisation,
    "shared search.change": _shared_changeable,
    "controlled": _of_the_body,
    # In nobody's hands who is in the matrix: those who control documents see it all the same.
    "controlled.withdraw": lambda column, place: (
        _of_the_body(column, place)
        if column.may("organisation:controlled:manage") or column.may("organisation:controlled:approve")
        else REFUSED
        if _of_the_body(column, place)
        else HIDDEN
    ),
    # Its owner is in no column: of those who see it, who controls documents does it too.
    "controlled.owner": lambda column, place: (
        HIDDEN if not _of_the_body(column, place) else IN if column.may("organisation:controlled:manage") else REFUSED
    ),
    "controlled.hand": _in_the_body("organisation:controlled:manage", _of_the_body),
    "decision": _in_the_body("organisation:reviews:read", _of_the_body),
    # Whoever settles the duty has to see the review that it is settled with.
    "review.settle": lambda column, place: (
        _of_the_body(column, place) if column.may("organisation:reviews:read") else REFUSED
    ),
    # A duty is in the hands of its owner, who is in no column, and of those who manage duties.
    "duty.settle": lambda column, place: (
        HIDDEN if not _of_the_body(column, place) else IN if column.may("organisation:duties:manage") else REFUSED
    ),
    "nothing": lambda _column, _place: False,
}


def arguments(path: str) -> list[str]:
    """The names of a path's variable parts."""
    return re.findall(r"<(?:[^:<>]*(?:\([^)]*\))?:)?(\w+)>", path)
