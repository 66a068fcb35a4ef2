"""What people say about a record, checked before any of it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from archive_app.casework.models import Record
from archive_app.casework.recording import ACTIVITY_DATA_FIELDS
from archive_app.engagements.record_types import all_record_types
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.words import one_line

METHODS = {
    "examine": N_("Examine papers"),
    "ask": N_("Ask people"),
    "look": N_("Look on site"),
    "verify": N_("Verify data"),
}
"""How it was verified: 查, 问, 看, 验 (S0 1.2.2)."""
FACETS = {
    "basic_information": N_("Basic information"),
    "boundary_and_sources": N_("Boundary and emission sources"),
    "method": N_("Method of accounting"),
    "activity_data": N_("Activity data"),
    "emission_factors": N_("Emission factors"),
    "calculation": N_("Calculation"),
    "production_data": N_("Production data"),
    "control_plan": N_("Data quality control plan"),
}
"""What point of the verification it is about (S0 1.2.1)."""
VERDICTS = {
    "authentic": N_("Authentic"),
    "doubtful": N_("Doubtful"),
    "not_authentic": N_("Not authentic"),
}
"""The verdict on the material (S0 5.6)."""
FIRST_DAY = date(1900, 1, 1)
_PLANS = frozenset({"monitoring_plan", "work_plan", "site_plan", "calibration_certificate", "certificate"})
_TYPE, _PERIOD, _EVIDENCE_ON = N_("Type of record"), N_("Period"), N_("Date of the evidence")
_CHOICE = N_("Choose one from the list.")
_LIMITS = {
    "shows": (N_("What it shows"), 500),
    "originator": (N_("Originator"), 200),
    "source": (ACTIVITY_DATA_FIELDS["source"], 200),
    "unit": (ACTIVITY_DATA_FIELDS["unit"], 60),
    "monitoring_frequency": (ACTIVITY_DATA_FIELDS["monitoring_frequency"], 100),
    "department": (ACTIVITY_DATA_FIELDS["department"], 200),
    "cross_check": (ACTIVITY_DATA_FIELDS["cross_check"], 500),
    "authenticity_reason": (N_("Reason of the verdict"), 500),
    "paper_place": (N_("Place of the paper original"), 200),
}
"""Fields of text: their names for people, and how many characters they may have."""


@dataclass(frozen=True)
class Facts:
    """What somebody says about a record; empty is what they do not say. Fields are those of `Record`."""

    type: str = ""
    shows: str = ""
    methods: tuple[str, ...] = ()
    facet: str = ""
    originator: str = ""
    evidence_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    source: str = ""
    unit: str = ""
    monitoring_frequency: str = ""
    department: str = ""
    cross_check: str = ""
    authenticity: str = ""
    authenticity_reason: str = ""
    paper_place: str = ""

    def over(self, other: "Facts") -> "Facts":
        """These facts, and those of `other` where these say nothing. The two ends of a period belong together, and so
        do a verdict and its reason."""
        said = {name: value for name, value in self.as_mapping().items() if value}
        for one, another in (("period_from", "period_to"), ("authenticity", "authenticity_reason")):
            if one in said or another in said:
                said |= {one: getattr(self, one), another: getattr(self, another)}
        return replace(other, **said)

    def as_mapping(self) -> Mapping[str, Any]:
        """The facts by their names."""
        return {name: getattr(self, name) for name in FACT_NAMES}


FACT_NAMES = tuple(field.name for field in fields(Facts))


def facts_of(record: Record) -> Facts:
    """What a record says."""
    told = {name: getattr(record, name) for name in FACT_NAMES}
    return Facts(**told | {"methods": tuple(filter(None, record.methods.split(",")))})


def write_facts(record: Record, facts: Facts) -> None:
    """Has the record say this."""
    for name, value in facts.as_mapping().items():
        setattr(record, name, ",".join(value) if name == "methods" else value)


def tidied(facts: Facts, today: date) -> Facts:
    """The facts as they are kept. Raises: InvalidInputError for what cannot be meant, with the field's name."""
    if facts.type not in all_record_types():
        raise InvalidInputError(field=_TYPE, reason=_CHOICE)
    if facts.facet and facts.facet not in FACETS:
        raise InvalidInputError(field=N_("Point of the verification"), reason=_CHOICE)
    if set(facts.methods) - METHODS.keys():
        raise InvalidInputError(field=N_("Methods"), reason=_CHOICE)
    texts: dict[str, Any] = {
        name: one_line(" ".join(getattr(facts, name).split()), field=words, limit=limit, required=False)
        for name, (words, limit) in _LIMITS.items()
    }
    _check_verdict(facts.authenticity, texts["authenticity_reason"])
    _check_days(facts, today)
    return replace(facts, **texts, methods=tuple(code for code in METHODS if code in facts.methods))


def _check_verdict(verdict: str, reason: str) -> None:
    if verdict and verdict not in VERDICTS:
        raise InvalidInputError(field=N_("Verdict on authenticity"), reason=_CHOICE)
    if verdict and not reason:
        raise InvalidInputError(field=_LIMITS["authenticity_reason"][0], reason=N_("A verdict needs its reason."))
    if reason and not verdict:
        raise InvalidInputError(field=N_("Verdict on authenticity"), reason=N_("A reason needs its verdict."))


def _check_days(facts: Facts, today: date) -> None:
    if facts.evidence_on is not None:
        if facts.evidence_on > today:
            raise InvalidInputError(field=_EVIDENCE_ON, reason=N_("This day has not come yet."))
        _check_first(_EVIDENCE_ON, facts.evidence_on)
    first, last = facts.period_from, facts.period_to
    if first is None and last is None:
        return
    if first is None or last is None:
        raise InvalidInputError(field=_PERIOD, reason=N_("Say both the first and the last day."))
    if last < first:
        raise InvalidInputError(field=_PERIOD, reason=N_("The last day is before the first."))
    if first > today and facts.type not in _PLANS:
        # Plans, and what is valid for a time, may cover a year that has not begun.
        raise InvalidInputError(field=_PERIOD, reason=N_("It has not begun yet."))
    _check_first(_PERIOD, first)


def _check_first(field: str, day: date) -> None:
    if day < FIRST_DAY:
        raise InvalidInputError(field=field, reason=N_("This is not a day that can be meant."))
