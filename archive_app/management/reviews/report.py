"""The report of a management review: its minutes, divided as the sources ask where they do.

For a park it has the six chapters of S2 annex B, into which inputs, decisions and conclusion go; for others inputs,
decisions and conclusion are the chapters. What nobody said anything about says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from archive_app.casework.forms.sheets import Pair, PrintedBlock, PrintedForm
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.language import N_, translate
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.agenda import DECISION, Agenda, Input, Outline, Section, agenda, name_of
from archive_app.management.reviews.figures import FIGURES
from archive_app.management.reviews.filling import figures_in, points_of
from archive_app.management.reviews.models import (
    ManagementReview,
    ReviewAttendance,
    ReviewDecision,
    ReviewInput,
    ReviewNothing,
)
from archive_app.management.reviews.rules import CONCLUSION, decisions_of
from archive_app.management.reviews.trend import Earlier, earlier_figures, year_label

REPORT_TITLE = N_("Management review report")
_NOTHING_SAID = N_("Nothing was said about this.")
_NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True)
class Confirmed:
    """What top management says as it holds the review: the conclusion, by `rules.CONCLUSION`, and when."""

    conclusion: Mapping[str, str] = field(default_factory=dict)
    held_at: datetime | None = None


@dataclass(frozen=True)
class _Told:
    """Everything that a report tells, as rows."""

    review: ManagementReview
    organisation: Organisation
    points: Mapping[str, ReviewInput]
    decisions: Sequence[ReviewDecision]
    nothing: Mapping[str, str]
    attendance: Sequence[ReviewAttendance]
    names: Mapping[str, str]
    earlier: Sequence[Earlier]
    confirmed: Confirmed


def build_report(uow: UnitOfWork, review: ManagementReview, confirmed: Confirmed, language: str) -> PrintedForm:
    """A step: the report as it is printed, with what is known now."""
    told = _told(uow, review, confirmed)
    writer = _Writer(told, agenda(), language, uow)
    return PrintedForm(
        title=translate(language, REPORT_TITLE),
        subtitle=told.organisation.name,
        about=review.title,
        foot=f"{told.organisation.name} · {review.title}",
        language=language,
        blocks=tuple(writer.blocks()),
    )


def _told(uow: UnitOfWork, review: ManagementReview, confirmed: Confirmed) -> _Told:
    decisions = decisions_of(uow, review.id)
    nothing = select(ReviewNothing).where(ReviewNothing.review_id == review.id)
    attendance = select(ReviewAttendance).where(ReviewAttendance.review_id == review.id)
    wanted = {review.reviewer_id, *(row.owner_id for row in decisions)}
    people = select(Person.id, Person.display_name).where(Person.id.in_(wanted))
    fresh = {"populate_existing": True}
    return _Told(
        review=review,
        organisation=uow.session.get_one(Organisation, review.organisation_id),
        points=points_of(uow, review.id),
        decisions=decisions,
        nothing={row.code: row.reason for row in uow.session.scalars(nothing.execution_options(**fresh))},
        attendance=uow.session.scalars(attendance.order_by(ReviewAttendance.id).execution_options(**fresh)).all(),
        names={row[0]: row[1] for row in uow.session.execute(people)},
        earlier=earlier_figures(uow, review),
        confirmed=confirmed,
    )


class _Writer:
    """Writes the blocks of one report in one language."""

    def __init__(self, told: _Told, known: Agenda, language: str, uow: UnitOfWork) -> None:
        self._told, self._agenda, self._language = told, known, language
        self._zone = uow.archive.rules.zone
        self._kind = told.organisation.kind

    def blocks(self) -> Iterator[PrintedBlock]:
        yield self._heading_facts()
        yield self._attendance()
        outline = self._agenda.outline_for(self._kind)
        if outline is None:
            yield from self._minutes()
        else:
            yield from self._outlined(outline)
        yield self._confirmation()

    def _minutes(self) -> Iterator[PrintedBlock]:
        yield self._chapter(1, self._say(N_("What was considered")))
        for one in self._agenda.inputs_for(self._kind):
            yield from self._input(one)
        yield self._chapter(2, self._say(N_("What was decided")))
        yield from self._decided()
        yield self._chapter(3, name_of("overall_conclusion", self._language))
        yield self._concluded("")

    def _outlined(self, outline: Outline) -> Iterator[PrintedBlock]:
        inputs = {one.code: one for one in self._agenda.inputs_for(self._kind)}
        for number, chapter in enumerate(outline.chapters, start=1):
            yield self._chapter(number, chapter.name.text(self._language))
            for place, section in enumerate(chapter.sections, start=1):
                yield from self._section(number, place, section, inputs)

    def _section(
        self, number: int, place: int, section: Section, inputs: Mapping[str, Input]
    ) -> Iterator[PrintedBlock]:
        point = self._told.points.get(section.code)
        known = self._known(section.facts)
        words = "\n".join(filter(None, (point.words if point else "", known)))
        empty = not words and not section.inputs and section.facts != "decisions"
        name = section.name.text(self._language)
        heading = f"{_NUMERALS[place - 1]}、{name}" if self._chinese else f"{number}.{place} {name}"
        yield PrintedBlock("text", heading=heading, text=self._say(_NOTHING_SAID) if empty else words)
        for code in section.inputs:
            yield from self._input(inputs[code])
        if section.facts == "decisions":
            yield from self._decided()
            yield self._concluded(name_of("overall_conclusion", self._language))

    def _input(self, one: Input) -> Iterator[PrintedBlock]:
        point = self._told.points.get(one.code)
        clauses = ", ".join(self._agenda.clauses_for(self._kind, one.sources))
        heading = f"{one.name.text(self._language)} ({clauses})"
        figures = figures_in(point) if point else {}
        words = point.words if point else ""
        if figures and point and point.filled_at:
            yield self._figures(heading, figures)
            counted = translate(self._language, N_("Counted on %(moment)s."), moment=self._moment(point.filled_at))
            yield PrintedBlock("text", text="\n".join(filter(None, (counted, words))))
        else:
            yield PrintedBlock("text", heading=heading, text=words or self._say(_NOTHING_SAID))

    def _figures(self, heading: str, figures: Mapping[str, int]) -> PrintedBlock:
        earlier = self._told.earlier
        columns = [self._say(N_("Figure")), *(year_label(one) for one in earlier), self._say(N_("This time"))]
        rows = [
            (
                self._say(FIGURES[code].words) if code in FIGURES else code,
                *(str(one.figures.get(code, "—")) for one in earlier),
                str(number),
            )
            for code, number in figures.items()
        ]
        return PrintedBlock(
            "table", heading=heading, columns=tuple(columns), widths=(6, *(2 for _ in columns[1:])), rows=tuple(rows)
        )

    def _decided(self) -> Iterator[PrintedBlock]:
        columns = (N_("Decision"), N_("Owner"), N_("Due"))
        for output in self._agenda.outputs_for(self._kind):
            if output.kind != DECISION:
                continue
            clauses = ", ".join(self._agenda.clauses_for(self._kind, output.sources))
            heading = f"{output.name.text(self._language)} ({clauses})"
            rows = tuple(
                (row.words, self._told.names.get(row.owner_id, ""), row.due_on.isoformat())
                for row in self._told.decisions
                if row.code == output.code
            )
            if rows:
                shown = tuple(self._say(words) for words in columns)
                yield PrintedBlock("table", heading=heading, columns=shown, widths=(7, 2, 2), rows=rows)
            else:
                reason = self._told.nothing.get(output.code, "")
                words = translate(self._language, N_("Nothing to decide: %(reason)s"), reason=reason)
                yield PrintedBlock("text", heading=heading, text=words if reason else self._say(_NOTHING_SAID))

    def _concluded(self, heading: str) -> PrintedBlock:
        said = self._told.confirmed.conclusion
        nothing = self._say(_NOTHING_SAID)
        pairs = tuple(
            Pair(self._say(words), said.get(code) or nothing, wide=True) for code, words in CONCLUSION.items()
        )
        return PrintedBlock("facts", heading=heading, pairs=pairs)

    def _heading_facts(self) -> PrintedBlock:
        review = self._told.review
        told = {
            N_("Management review"): review.title,
            N_("Year"): str(review.year),
            N_("Day"): review.on.isoformat(),
            N_("Venue"): review.place,
            N_("Period considered"): self._period,
            N_("Top management that reviews"): self._reviewer,
        }
        return PrintedBlock("facts", pairs=tuple(Pair(self._say(words), value) for words, value in told.items()))

    def _attendance(self) -> PrintedBlock:
        heading = self._say(N_("Who took part"))
        if not self._told.attendance:
            return PrintedBlock("text", heading=heading, text=self._say(_NOTHING_SAID))
        rows = tuple((row.name, row.function) for row in self._told.attendance)
        columns = (self._say(N_("Name of the person")), self._say(N_("Function")))
        return PrintedBlock("table", heading=heading, columns=columns, widths=(1, 2), rows=rows)

    def _confirmation(self) -> PrintedBlock:
        held_at = self._told.confirmed.held_at
        if held_at is None:
            words = self._say(N_("This is a draft: the review is not held."))
        else:
            words = translate(
                self._language,
                N_("%(name)s reviewed in person and confirmed this in the system on %(moment)s."),
                name=self._reviewer,
                moment=self._moment(held_at),
            )
        return PrintedBlock("text", heading=self._say(N_("Confirmation")), text=words)

    def _known(self, facts: str) -> str:
        """What the archive itself knows for a section."""
        review = self._told.review
        if facts == "time":
            return " · ".join(filter(None, (review.on.isoformat(), review.place)))
        if facts == "scope":
            return translate(self._language, N_("Period considered: %(period)s."), period=self._period)
        if facts == "basis":
            clauses = {
                clause
                for one in self._agenda.inputs_for(self._kind)
                for clause in self._agenda.clauses_for(self._kind, one.sources)
            }
            listed = ", ".join(sorted(clauses))
            return translate(self._language, N_("Clauses whose inputs were considered: %(clauses)s."), clauses=listed)
        return ""

    def _chapter(self, number: int, name: str) -> PrintedBlock:
        heading = f"第{_NUMERALS[number - 1]}章 {name}" if self._chinese else f"{number} {name}"
        return PrintedBlock("text", heading=heading, chapter=True)

    def _moment(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    def _say(self, words: str) -> str:
        return translate(self._language, words)

    @property
    def _chinese(self) -> bool:
        return self._language.startswith("zh")

    @property
    def _period(self) -> str:
        return f"{self._told.review.period_from.isoformat()} – {self._told.review.period_to.isoformat()}"

    @property
    def _reviewer(self) -> str:
        return self._told.names.get(self._told.review.reviewer_id, "")
