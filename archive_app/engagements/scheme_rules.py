"""What makes a scheme one that an engagement can follow to its end, beyond the shape of its file."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from archive_app.engagements.abilities.kinds import all_competences
from archive_app.engagements.data_files import Finding, Path
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.scheme_values import (
    ACTIVITIES,
    BRINGERS,
    CLIENT_SECTOR,
    COMPETENT,
    COUNTED,
    FORMS,
    GATES,
    MOVERS,
    DeadlineRule,
    SchemeFile,
    Stage,
)
from archive_app.engagements.sources import unknown_clauses

_STARTS = re.compile(r"(?:entered|left):([a-z0-9_]+)|yearly")
_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)")
_NO_LEAP_YEAR = 2023


def findings_of(scheme: SchemeFile) -> Iterator[Finding]:
    """What is wrong with a scheme: where, and what and why."""
    yield from _head(scheme)
    yield from _team(scheme)
    yield from _stages(scheme)
    yield from _way(scheme)
    yield from _records(scheme)
    yield from _deadlines(scheme)
    yield from _request_lines(scheme)


def _head(scheme: SchemeFile) -> Iterator[Finding]:
    yield from _one_of(scheme.activity, ACTIVITIES, ("activity",), "an activity")
    yield from _one_of(scheme.report, all_record_types().keys(), ("report",), "a type of record")
    records = [record for stage in scheme.stages for record in stage.records]
    # A scheme without any record stands for work that nobody divided into stages (version 0).
    if records and not any(record.type == scheme.report and record.required for record in records):
        yield ("report",), f"is required in no stage: {scheme.report}"
    for number, reference in enumerate(scheme.sources):
        yield from unknown_clauses(reference, ("sources", number))
    for number, form in enumerate(scheme.forms):
        yield from _one_of(form, FORMS, ("forms", number), "a form")
    if scheme.follows and not scheme.parent:
        yield ("follows",), "names schemes, but parent is not true"


def _team(scheme: SchemeFile) -> Iterator[Finding]:
    team = scheme.team
    yield from unknown_clauses(team.source, ("team", "source"))
    if team.least_people < 1:
        yield ("team", "least_people"), "must be at least 1"
    if not 0 <= team.leaders <= team.least_people:
        yield ("team", "leaders"), "must be from 0 to least_people"
    yield from _twice([group.code for group in team.groups], ("team", "groups"))
    for number, group in enumerate(team.groups):
        yield from unknown_clauses(group.source, ("team", "groups", number, "source"))
        if group.least_people < 1:
            yield ("team", "groups", number, "least_people"), "must be at least 1"
        if group.stage:
            codes = {stage.code for stage in scheme.stages}
            yield from _one_of(group.stage, codes, ("team", "groups", number, "stage"), "a stage")
    for number, rule in enumerate(scheme.competences):
        path = ("competences", number)
        yield from unknown_clauses(rule.source, (*path, "source"))
        yield from _one_of(rule.of, COMPETENT, (*path, "of"), "somebody who can be asked")
        yield from _one_of(rule.kind, all_competences().keys(), (*path, "kind"), "a kind of competence")
        if rule.kind in all_competences() and rule.code != CLIENT_SECTOR:
            yield from _one_of(rule.code, all_competences()[rule.kind].keys(), (*path, "code"), "a competence")
        elif rule.code == CLIENT_SECTOR and rule.kind != "sector":
            yield (*path, "code"), f"{CLIENT_SECTOR} is of the kind sector"


def _stages(scheme: SchemeFile) -> Iterator[Finding]:
    codes = [stage.code for stage in scheme.stages]
    yield from _twice(codes, ("stages",))
    for number, stage in enumerate(scheme.stages):
        path = ("stages", number)
        yield from unknown_clauses(stage.source, (*path, "source"))
        for place, mover in enumerate(stage.moved_by):
            yield from _one_of(mover, MOVERS, (*path, "moved_by", place), "somebody who moves")
            if mover == "reviewer" and not scheme.team.reviewer:
                yield (*path, "moved_by", place), "names the reviewer, but the team has none"
        for place, code in enumerate(stage.needs):
            yield from _one_of(code, GATES, (*path, "needs", place), "a condition")
            yield from _idle_condition(scheme, code, (*path, "needs", place))
        for key, listed in (("next", stage.next), ("back", stage.back)):
            for place, code in enumerate(listed):
                yield from _one_of(code, set(codes), (*path, key, place), "a stage")
        for place, code in enumerate(stage.back):
            if code in codes and codes.index(code) >= number:
                yield (*path, "back", place), f"does not stand before {stage.code}: {code}"


def _idle_condition(scheme: SchemeFile, code: str, path: Path) -> Iterator[Finding]:
    if code == "review_passed" and not scheme.team.reviewer:
        yield path, "asks for a review, but the team has no reviewer"
    if code == "person_days" and not scheme.person_days:
        yield path, "asks for person-days, but person_days is false"
    if code == "competent" and not scheme.competences:
        yield path, "asks for competence, but no [[competences]] say which"


def _way(scheme: SchemeFile) -> Iterator[Finding]:
    """Every stage can be entered by somebody, and every way leads to an end."""
    stages = {stage.code: stage for stage in scheme.stages}
    if not stages:
        yield ("stages",), "must hold at least one stage"
        return
    if any(code not in stages for stage in scheme.stages for code in stage.next):
        return  # Said already; the way is not known.
    for number, stage in enumerate(scheme.stages):
        if stage.next and not stage.moved_by:
            yield ("stages", number, "moved_by"), f"names nobody: nobody may take an engagement on from {stage.code}"
    if not any(not stage.next for stage in scheme.stages):
        yield ("stages",), "have no end: every stage has a next one"
    if around := _cycle(scheme.stages[0], stages):
        number = list(stages).index(around[-1])
        yield ("stages", number, "next"), f"leads in a circle: {' > '.join([*around, around[0]])}"
        return
    reached = _reached(scheme.stages[0], stages)
    for number, stage in enumerate(scheme.stages):
        if stage.code not in reached:
            yield ("stages", number, "code"), f"is a stage that no way leads to: {stage.code}"


def _cycle(first: Stage, stages: dict[str, Stage]) -> list[str]:
    finished: set[str] = set()

    def follow(code: str, way: list[str]) -> list[str]:
        if code in way:
            return way[way.index(code) :]
        if code not in finished:
            for following in stages[code].next:
                if around := follow(following, [*way, code]):
                    return around
            finished.add(code)
        return []

    for code in [first.code, *stages]:
        if around := follow(code, []):
            return around
    return []


def _reached(first: Stage, stages: dict[str, Stage]) -> set[str]:
    reached: set[str] = set()
    waiting = [first.code]
    while waiting:
        code = waiting.pop()
        if code not in reached:
            reached.add(code)
            waiting += stages[code].next
    return reached


def _records(scheme: SchemeFile) -> Iterator[Finding]:
    for number, stage in enumerate(scheme.stages):
        yield from _twice([record.type for record in stage.records], ("stages", number, "records"), "type")
        for place, record in enumerate(stage.records):
            path = ("stages", number, "records", place)
            yield from _one_of(record.type, all_record_types().keys(), (*path, "type"), "a type of record")
            yield from _one_of(record.by, BRINGERS, (*path, "by"), "somebody who brings records")
            yield from unknown_clauses(record.source, (*path, "source"))


def _deadlines(scheme: SchemeFile) -> Iterator[Finding]:
    codes = {stage.code for stage in scheme.stages}
    yield from _twice([rule.code for rule in scheme.deadlines], ("deadlines",))
    for number, rule in enumerate(scheme.deadlines):
        path = ("deadlines", number)
        yield from unknown_clauses(rule.source, (*path, "source"))
        yield from _one_of(rule.kept_by, codes, (*path, "kept_by"), "a stage")
        yield from _one_of(rule.counted, COUNTED, (*path, "counted"), "a way of counting days")
        starts = _STARTS.fullmatch(rule.starts)
        if starts is None:
            yield (*path, "starts"), f"is neither entered:<stage> nor left:<stage> nor yearly: {rule.starts}"
        elif starts[1]:
            yield from _one_of(starts[1], codes, (*path, "starts"), "a stage")
        yield from _term(rule, path)


def _term(rule: DeadlineRule, path: Path) -> Iterator[Finding]:
    if rule.starts != "yearly":
        if rule.days < 1:
            yield (*path, "days"), "must be at least 1"
        if rule.month_day:
            yield (*path, "month_day"), "is for yearly deadlines only"
        return
    if rule.days:
        yield (*path, "days"), "is not for yearly deadlines"
    day = _MONTH_DAY.fullmatch(rule.month_day)
    try:
        # A day that every year has.
        date(_NO_LEAP_YEAR, int(day[1]), int(day[2])) if day else date.min.replace(month=0)
    except ValueError:
        yield (*path, "month_day"), f"must be a day of every year, as 06-30: {rule.month_day!r}"


def _request_lines(scheme: SchemeFile) -> Iterator[Finding]:
    yield from _twice([line.code for line in scheme.request_lines], ("request_lines",))
    for number, line in enumerate(scheme.request_lines):
        path = ("request_lines", number, "record_type")
        yield from _one_of(line.record_type, all_record_types().keys(), path, "a type of record")


def _one_of(value: str, known: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
    if value not in set(known):
        yield path, f"is not {what} that is known: {value} (known: {', '.join(sorted(known))})"


def _twice(codes: Sequence[str], path: Path, key: str = "code") -> Iterator[Finding]:
    for number, code in enumerate(codes):
        if code in codes[:number]:
            yield (*path, number, key), f"stands twice: {code}"
