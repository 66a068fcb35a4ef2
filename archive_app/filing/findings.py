"""What the checks of a submitted file find, as it is kept with the submission and shown with the place to mend it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archive_app.engagements.record_types import record_type_name
from archive_app.engagements.schemes import Scheme
from archive_app.filing.models import Submission
from archive_app.kernel.language import N_, translate

RETURNED, OBSTACLE = "returned", "obstacle"
"""Findings that say it in words of their own: the archivist's, and those of a stage's condition in both languages."""
WORDS = {
    "record_missing": N_("The record “%(type)s” of the stage “%(stage)s” is not accepted and not waived."),
    "not_arranged": N_("%(count)s documents are in no case file and not left out with a reason."),
    "file_empty": N_("A case file holds nothing."),
    "number_missing": N_("It has no archival number."),
    "no_record": N_("It is not described as a record that was accepted."),
    "no_date": N_("The date of the evidence is missing (DA/T 97)."),
    "no_originator": N_("The originator is missing (DA/T 97)."),
    "unreadable": N_("Its text could not be read, in version %(version)s."),
    "partly_read": N_("Its text was read in part only, in version %(version)s."),
    "not_read_yet": N_("Its text is not read yet, in version %(version)s."),
    "bytes_wrong": N_("The stored bytes of version %(version)s are not those that were filed (%(result)s)."),
    "derived_wrong": N_("What was made from version %(version)s for showing it is damaged (%(result)s)."),
    "infected": N_("Malware was found in version %(version)s: %(signature)s"),
    "not_scanned": N_("Version %(version)s was not scanned for malware: %(why)s"),
}
"""What each kind of finding says; `%(type)s` and `%(stage)s` are filled in by who shows it."""


@dataclass(frozen=True)
class Finding:
    """Something that was found: a `code` of `WORDS`, whether it stands in the way, and which document or case file it
    is about, if one. `endpoint` is where it is mended, where that is not the document's page."""

    code: str
    grave: bool
    params: Mapping[str, str | int] = field(default_factory=dict)
    document_id: str = ""
    case_file_id: str = ""
    endpoint: str = ""

    def text(self, language: str) -> str:
        """What was found, in `language`."""
        params = dict(self.params)
        if self.code == OBSTACLE:
            return str(params["zh" if language.startswith("zh") else "en"])
        if self.code == RETURNED:
            # The archivist's own words.
            return str(params["reason"])
        return translate(language, WORDS[self.code], **params)


def words_of(finding: Finding, scheme: Scheme, language: str) -> str:
    """What was found, in `language`, with the scheme's own words for stages and records."""
    if finding.code != "record_missing":
        return finding.text(language)
    params = finding.params
    names = {
        "type": record_type_name(str(params["type"])).text(language),
        "stage": scheme.stage(str(params["stage"])).name.text(language),
    }
    return Finding(finding.code, finding.grave, names).text(language)


def keep(submission: Submission, findings: Iterable[Finding]) -> None:
    """Keeps these findings with the submission, instead of those before."""
    submission.findings = json.dumps([_plain(one) for one in findings], ensure_ascii=False)


def kept(submission: Submission) -> list[Finding]:
    """The findings of a submission, what stands in the way first."""
    found = [Finding(**one) for one in json.loads(submission.findings)]
    return sorted(found, key=lambda one: not one.grave)


def _plain(finding: Finding) -> dict[str, object]:
    values = {
        "code": finding.code,
        "grave": finding.grave,
        "params": dict(finding.params),
        "document_id": finding.document_id,
        "case_file_id": finding.case_file_id,
        "endpoint": finding.endpoint,
    }
    return {name: value for name, value in values.items() if value not in ("", {})}
