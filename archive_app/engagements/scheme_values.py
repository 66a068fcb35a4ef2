"""What a scheme 业务类型 says, as values: the shapes of the files in `config/schemes`."""

from dataclasses import dataclass, field

from archive_app.engagements.data_files import Code, Shape, Text, Words

MOVERS = frozenset({"leader", "member", "reviewer", "archivist", "issuer"})
"""Who may take an engagement on: parts of its team, whoever keeps the archive, whoever issues reports."""
GATES = frozenset(
    {
        "declared",
        "team_complete",
        "competent",
        "person_days",
        "material_decided",
        "nonconformities_closed",
        "review_passed",
        "issued",
        "notified",
        "sealed",
    }
)
"""Conditions of leaving a stage besides its records. What each looks at is registered by the room that knows."""
FORMS = frozenset(
    {
        "verification_plan",
        "declaration",
        "document_review",
        "site_checklist",
        "sign_in_sheet",
        "nonconformity_sheet",
    }
)
"""Forms that the archive fills from an engagement."""
ACTIVITIES = ("verification", "validation", "certification", "evaluation", "service", "management")
"""What an engagement is about; lists of schemes stand in this order."""
INDEPENDENT_ACTIVITIES = frozenset(ACTIVITIES) - {"service", "management"}
"""Activities that judge what others did: whoever does them has to be independent (S0 5.5)."""
BRINGERS = frozenset({"team", "client"})
COMPETENT = frozenset({"leader", "anybody", "everybody", "reviewer"})
COUNTED = frozenset({"working", "calendar"})
CLIENT_SECTOR = "client_sector"
"""Stands for the sector of the client in a rule of competence."""


@dataclass(frozen=True)
class Group(Shape):
    """A group inside the team, such as 核查技术工作组 and 现场核查组. Where `stage` is named, it is asked for from the
    end of that stage on; everywhere else from the first."""

    code: Code
    name: Words
    least_people: int
    source: Text
    stage: str = ""


@dataclass(frozen=True)
class TeamRule(Shape):
    """Who has to be on the team: at least `least_people`, of them `leaders` leaders; a reviewer where `reviewer`."""

    least_people: int
    leaders: int
    reviewer: bool
    source: Text
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class CompetenceRule(Shape):
    """What somebody on the team has to be able to do: of the leader, of anybody, of everybody, of the reviewer (`of`);
    a competence of `kind` with `code`, or for the client's sector where the code is `client_sector`."""

    kind: Code
    code: Code
    of: Text
    source: Text


@dataclass(frozen=True)
class RequiredRecord(Shape):
    """A type of record that belongs to a stage; `by` says who brings it: team or client."""

    type: Code
    source: Text
    required: bool = True
    by: Text = "team"


@dataclass(frozen=True)
class Stage(Shape):
    """A step of the scheme. `moved_by` may take the engagement on from it (`MOVERS`), to one of `next`, or back to one
    of `back`. `needs` are conditions besides the records (`GATES`). `about` says what is done in it."""

    code: Code
    name: Words
    source: Text
    moved_by: tuple[str, ...]
    next: tuple[str, ...]
    back: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    records: tuple[RequiredRecord, ...] = ()
    about: Words | None = None


@dataclass(frozen=True)
class DeadlineRule(Shape):
    """A term: `days` working or calendar days (`counted`) from entering or leaving a stage (`starts`, such as
    `left:report`), or the day `month_day` of the year after the year of the engagement (`starts = "yearly"`), kept by
    leaving the stage `kept_by`."""

    code: Code
    name: Words
    starts: Text
    kept_by: Code
    source: Text
    days: int = 0
    counted: Text = "working"
    month_day: str = ""


@dataclass(frozen=True)
class RequestLine(Shape):
    """What the client is asked for: a type of record, with an explanation and an example."""

    code: Code
    name: Words
    explanation: Words
    example: Words
    record_type: Code


@dataclass(frozen=True)
class SchemeFile(Shape):
    """What a file holds. `stages` stand in their order; the first is where an engagement begins, and the one without
    `next` where it ends.

    `activity` is the one it is for. `parent` says whether it follows another engagement, and `follows` of which
    schemes that may be (of any where nothing is said). `report` is the type of record that is reviewed and issued.
    """

    code: Code
    version: Text
    name: Words
    summary: Words
    sources: tuple[Text, ...]
    team: TeamRule
    stages: tuple[Stage, ...]
    report: Code
    activity: Text = "verification"
    parent: bool = False
    follows: tuple[Code, ...] = ()
    person_days: bool = True
    competences: tuple[CompetenceRule, ...] = ()
    deadlines: tuple[DeadlineRule, ...] = ()
    request_lines: tuple[RequestLine, ...] = ()
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scheme(SchemeFile):
    """A scheme of one version, with the very text that it was read from."""

    text: str = field(default="", repr=False)

    def stage(self, code: str) -> Stage:
        """The stage of this code. Raises: KeyError."""
        for stage in self.stages:
            if stage.code == code:
                return stage
        raise KeyError(code)

    def position(self, code: str) -> int:
        """Where the stage stands in the order, from 0. Raises: ValueError."""
        return [stage.code for stage in self.stages].index(code)
