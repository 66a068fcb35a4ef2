"""What the archive knows of an engagement, as texts for its forms, in one language and as the reader may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.casework.checklist import STATE_WORDS, checklist_of
from archive_app.casework.models import Nonconformity, NonconformityDocument, NonconformityStep, Record
from archive_app.casework.nonconformities.rules import GRADES, STATES
from archive_app.casework.nonconformities.showing import hides_evidence
from archive_app.casework.records.facts import FACETS, VERDICTS
from archive_app.documents.models import Document
from archive_app.engagements.abilities.groups import groups_of
from archive_app.engagements.abilities.kinds import SECTOR, competence_name
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.record_types import record_type_name
from archive_app.engagements.schemes import Scheme, scheme_of
from archive_app.engagements.teams import PARTS, TEAM_PARTS
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork

MOST_RECORDS = 400
"""How many records a form lists; beyond them it would be a catalogue, which the case file has."""
STEP_WORDS = {
    "answered": N_("Answered"),
    "shown": N_("Evidence shown"),
    "returned": N_("Returned"),
    "confirmed": N_("Confirmed"),
    "withdrawn": N_("Withdrawn"),
    "raised": N_("Raised"),
}
_METHODS, _ANSWER = N_("□ examine □ ask | □ look □ verify"), N_("□ yes | □ no")
"""What is ticked by hand; the stroke is where a line ends."""
Row = Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """Facts by their names, and lists of rows by theirs (`layouts.VALUES`, `layouts.LISTS`)."""

    values: Mapping[str, str]
    lists: Mapping[str, Sequence[Row]]


def known_of(uow: UnitOfWork, engagement_id: str, nonconformity_id: str | None, language: str) -> Known:
    """The step that reads what forms show of an engagement, and of one nonconformity of it where one is named.

    Whoever calls it has checked that the actor sees the engagement. Raises: NotFoundError.
    """
    engagement = uow.session.get_one(Engagement, engagement_id)
    client = uow.session.get_one(Client, engagement.client_id)
    body = uow.session.get_one(Organisation, engagement.organisation_id)
    scheme = scheme_of(uow, engagement)
    team = _team(uow, engagement, scheme, body, language)
    values = {
        "client.name": client.name,
        "client.credit_code": client.credit_code or "",
        "client.sector": competence_name(SECTOR, client.sector, language) if client.sector else "",
        "engagement.number": engagement.number,
        "engagement.title": engagement.title,
        "engagement.year": str(engagement.year),
        "engagement.stage": scheme.stage(engagement.stage).name.text(language),
        "body.name": body.name,
        "scheme.name": scheme.name.text(language),
        "team.leaders": _names(team, language, "leader"),
        "team.reviewers": _names(team, language, "reviewer"),
        "team.names": _names(team, language, *TEAM_PARTS),
        "today": str(uow.archive.today()),
    }
    lists: dict[str, Sequence[Row]] = {
        "team": team,
        "stages": [{"name": stage.name.text(language), "source": stage.source} for stage in scheme.stages],
        **_records(uow, engagement_id, language),
        "required_records": _required(uow, engagement, language),
        "steps": [],
    }
    if nonconformity_id is not None:
        values |= _nonconformity(uow, nonconformity_id, language)
        lists["steps"] = _steps(uow, nonconformity_id, language)
    numbered = {
        name: [{"position": str(place), **row} for place, row in enumerate(rows, 1)] for name, rows in lists.items()
    }
    return Known(values, numbered)


def _team(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, body: Organisation, language: str) -> list[Row]:
    groups = {group.code: group.name.text(language) for group in scheme.team.groups}
    works_in = groups_of(uow, engagement)
    rows = uow.session.execute(
        select(Person.id, Person.display_name, Assignment.part, Assignment.declared_at)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement.id, Assignment.ended_at.is_(None))
        .order_by(Assignment.part, Person.display_name, Person.id)
    ).all()
    zone = uow.archive.rules.zone
    return [
        {
            "name": name,
            "part_code": part,
            "part": translate(language, PARTS[part]),
            "groups": _listed([groups.get(code, code) for code in works_in.get(person_id, ())], language),
            "declared_on": str(declared_at.astimezone(zone).date()) if declared_at else "",
            "body": body.name,
        }
        for person_id, name, part, declared_at in rows
    ]


def _records(uow: UnitOfWork, engagement_id: str, language: str) -> dict[str, Sequence[Row]]:
    """The records that may be seen, and the points of the verification with those about each."""
    rows = uow.session.execute(
        select(Document, Record)
        .join(Record, Record.document_id == Document.id)
        .where(Document.engagement_id == engagement_id, Document.withdrawn_at.is_(None), uow.visible("document"))
        .where(Record.state.in_(("accepted", "delivered")), Record.rendition_of.is_(None))
        # A form is carried to the client and filed for everybody in the engagement.
        .where(Document.level <= Level.INTERNAL)
        .order_by(Record.type, Document.id)
        .limit(MOST_RECORDS)
    ).all()
    told = [
        {
            "title": document.title,
            "type": record_type_name(record.type).text(language),
            "number": document.number or "",
            "dated_on": _day(record.evidence_on or document.dated_on),
            "originator": record.originator,
            "authenticity": translate(language, VERDICTS[record.authenticity]) if record.authenticity else "",
            "facet": record.facet,
        }
        for document, record in rows
    ]
    methods, answer = (translate(language, words).replace(" | ", "\n") for words in (_METHODS, _ANSWER))
    facets = [
        {
            "name": translate(language, words),
            "records": "\n".join(row["title"] for row in told if row["facet"] == code),
            "methods": methods,
            "answer": answer,
        }
        for code, words in FACETS.items()
    ]
    return {"records": told, "facets": facets}


def _required(uow: UnitOfWork, engagement: Engagement, language: str) -> list[Row]:
    checklist = checklist_of(uow, engagement)
    stages = {one.stage.code: one.stage.name.text(language) for one in checklist.stages}
    return [
        {
            "name": record_type_name(line.type).text(language),
            "stage": stages[line.stage],
            "source": line.record.source,
            "state": translate(language, STATE_WORDS[line.state]),
            "box": "□",
        }
        for line in checklist.lines
        if line.record.required
    ]


def _nonconformity(uow: UnitOfWork, nonconformity_id: str, language: str) -> dict[str, str]:
    found = uow.session.get_one(Nonconformity, nonconformity_id)
    zone = uow.archive.rules.zone
    names = _people(uow, [found.raised_by, found.closed_by or ""])
    closed = found.closed_at.astimezone(zone).date() if found.closed_at else None
    told = {
        "number": str(found.position),
        "grade": translate(language, GRADES[found.grade]),
        "state": translate(language, STATES[found.state]),
        "clause": found.clause,
        "statement": found.statement,
        "evidence": "" if hides_evidence(uow, found) else found.evidence,
        "due_on": _day(found.due_on),
        "raised_by": names[found.raised_by],
        "raised_on": _day(found.raised_at.astimezone(zone).date()),
        "closed_by": names[found.closed_by or ""],
        "closed_on": _day(closed),
        "effectiveness": found.effectiveness,
    }
    return {f"nonconformity.{name}": value for name, value in told.items()}


def level_of(uow: UnitOfWork, nonconformity_id: str) -> Level:
    """The step that gives the level of a form about a nonconformity: whoever reads its evidence in words sees the
    documents that it is about. Where the actor does not see them, the words are left out."""
    if hides_evidence(uow, uow.session.get_one(Nonconformity, nonconformity_id)):
        return Level.INTERNAL
    levels = (
        select(Document.level)
        .join(NonconformityDocument, NonconformityDocument.document_id == Document.id)
        .where(NonconformityDocument.nonconformity_id == nonconformity_id)
        .where(NonconformityDocument.purpose == "evidence", Document.withdrawn_at.is_(None))
    )
    return max([Level.INTERNAL, *(Level(level) for level in uow.session.scalars(levels))])


def _steps(uow: UnitOfWork, nonconformity_id: str, language: str) -> list[Row]:
    rows = uow.session.scalars(
        select(NonconformityStep)
        .where(NonconformityStep.nonconformity_id == nonconformity_id)
        .order_by(NonconformityStep.id)
    ).all()
    zone = uow.archive.rules.zone
    return [
        {
            "on": _day(row.at.astimezone(zone).date()),
            "kind": translate(language, STEP_WORDS.get(row.kind, row.kind)),
            "name": row.name,
            "content": _content(row, language),
        }
        for row in rows
    ]


def _content(row: NonconformityStep, language: str) -> str:
    told = (
        (N_("Correction"), row.correction),
        (N_("Cause"), row.cause),
        (N_("Similar cases"), row.similar_cases),
        (N_("Corrective action"), row.corrective_action),
        (N_("Reason"), row.reason),
    )
    said = [
        translate(language, N_("%(label)s: %(value)s"), label=translate(language, label), value=value)
        for label, value in told
        if value
    ]
    return "\n".join(said)


def _people(uow: UnitOfWork, actors: Sequence[str]) -> dict[str, str]:
    rows = uow.session.execute(select(Person.id, Person.display_name).where(Person.id.in_(set(actors))))
    return {actor: actor for actor in actors} | {row[0]: row[1] for row in rows}


def _names(team: Sequence[Row], language: str, *parts: str) -> str:
    return _listed([row["name"] for row in team if row["part_code"] in parts], language)


def _listed(words: Sequence[str], language: str) -> str:
    return ("、" if language.startswith("zh") else ", ").join(words)


def _day(day: date | None) -> str:
    return str(day) if day else ""
