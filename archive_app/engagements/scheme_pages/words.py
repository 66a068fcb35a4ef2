"""The codes of schemes in words."""

from collections.abc import Iterable

from archive_app.engagements.scheme_values import DeadlineRule, Scheme
from archive_app.engagements.sources import all_sources
from archive_app.kernel.language import N_, translate

MOVER_WORDS = {
    "leader": N_("Team leader"),
    "member": N_("Team member"),
    "reviewer": N_("Technical reviewer"),
    "archivist": N_("Archivist"),
    "issuer": N_("Whoever issues the report"),
}
GATE_WORDS = {
    "declared": N_("everybody assigned has declared their impartiality"),
    "team_complete": N_("the team is complete"),
    "competent": N_("the team is competent"),
    "person_days": N_("everybody on the team has recorded person-days"),
    "material_decided": N_("what the client brought is accepted or returned"),
    "nonconformities_closed": N_("all nonconformities are closed"),
    "review_passed": N_("the technical review is passed"),
    "issued": N_("the report is issued"),
    "notified": N_("the result is notified"),
    "sealed": N_("the file is sealed"),
}
FORM_WORDS = {
    "verification_plan": N_("Verification plan"),
    "declaration": N_("Declaration of impartiality"),
    "document_review": N_("Document review sheet"),
    "site_checklist": N_("Checklist of the site visit"),
    "sign_in_sheet": N_("Sign-in sheet"),
    "nonconformity_sheet": N_("Nonconformity sheet"),
}
BRINGERS_WORDS = {"team": N_("The team"), "client": N_("The client")}
COMPETENT_WORDS = {
    "leader": N_("the leader"),
    "anybody": N_("somebody on the team"),
    "everybody": N_("everybody on the team"),
    "reviewer": N_("the technical reviewer"),
}
_TERMS = {
    ("entered", "working"): N_("%(days)s working days after “%(stage)s” begins"),
    ("entered", "calendar"): N_("%(days)s days after “%(stage)s” begins"),
    ("left", "working"): N_("%(days)s working days after “%(stage)s” is done"),
    ("left", "calendar"): N_("%(days)s days after “%(stage)s” is done"),
}
_YEARLY = N_("by %(day)s of the year after the year of the engagement")


def deadline_words(scheme: Scheme, rule: DeadlineRule, language: str) -> str:
    """When a term ends, in words."""
    if rule.starts == "yearly":
        return translate(language, _YEARLY, day=rule.month_day)
    event, _, code = rule.starts.partition(":")
    stage = scheme.stage(code).name.text(language)
    return translate(language, _TERMS[event, rule.counted], days=rule.days, stage=stage)


def source_words(scheme: Scheme, language: str) -> Iterable[tuple[str, str]]:
    """The documents that a scheme refers to: their marks, in the order of the installation, and their names.

    A document that the configuration dropped is not among them; its mark still stands beside what it asks for.
    """
    used = {reference.partition(" ")[0] for reference in _references(scheme)}
    return [(mark, source.name.text(language)) for mark, source in all_sources().items() if mark in used]


def _references(scheme: Scheme) -> Iterable[str]:
    yield from scheme.sources
    yield scheme.team.source
    yield from (group.source for group in scheme.team.groups)
    yield from (rule.source for rule in scheme.competences)
    yield from (rule.source for rule in scheme.deadlines)
    for stage in scheme.stages:
        yield stage.source
        yield from (record.source for record in stage.records)
