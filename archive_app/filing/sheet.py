"""The text as one person declares it for one engagement: on the page, on paper, and as it is filed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archive_app.documents.ingest import Entry
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.filing.wording import Wording, all_declarations, in_force, language_tag, plain_code, sheet_code
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import LANGUAGES, N_, translate
from archive_app.kernel.unit_of_work import UnitOfWork

CONFIRMED, SIGNED = "confirmed", "signed"
WAYS = {CONFIRMED: N_("System confirmation"), SIGNED: N_("Signed on paper and scanned")}


@dataclass(frozen=True)
class Assigned:
    """Somebody's assignment with what the text needs: rows of the engagement, its client, the person and their body."""

    engagement: Engagement
    client: Client
    person: Person
    body: Organisation
    assignment: Assignment

    def facts(self) -> dict[str, str]:
        """What is filled into the text."""
        return {
            "person": self.person.display_name,
            "body": self.body.name,
            "client": self.client.name,
            "engagement": self.engagement.number,
            "year": str(self.engagement.year),
        }


@dataclass(frozen=True)
class Sheet:
    """A text as one person declares it for one engagement, with the code that a printed sheet carries."""

    version: str
    language: str
    wording: Wording
    code: str


class SheetUnknownError(ArchiveError):
    """The code belongs to no sheet of this person and engagement."""

    code = "sheet_unknown"
    message = N_(
        "This code is on no sheet that is good here: of another person, engagement or assignment, or printed before "
        "something in the text changed. Nothing was filed; look at the code again, or print and sign the sheet anew."
    )


def sheet_for(uow: UnitOfWork, assigned: Assigned, language: str) -> Sheet:
    """A step: the text that counts today. Raises: InvalidInputError for a language that there is none in."""
    if language not in LANGUAGES:
        raise InvalidInputError(field=N_("Language"), reason=N_("The archive does not speak this language."))
    version = in_force(all_declarations(), uow.archive.today())
    return _printed(assigned, version.version, language, version.wordings[language_tag(language)])


def _printed(assigned: Assigned, version: str, language: str, wording: Wording) -> Sheet:
    filled = wording.filled(assigned.facts())
    assignment = assigned.assignment
    code = sheet_code(
        assignment.engagement_id,
        assignment.person_id,
        assignment.assigned_at.isoformat(),
        version,
        language,
        filled.digest().hex(),
    )
    return Sheet(version, language, filled, code)


def sheet_of_code(uow: UnitOfWork, assigned: Assigned, typed: str) -> Sheet:
    """A step: the sheet that was printed, of a version that counts or has counted since the assignment.

    Raises: SheetUnknownError.
    """
    assigned_on = assigned.assignment.assigned_at.astimezone(uow.archive.rules.zone).date()
    since = in_force(all_declarations(), assigned_on).effective_from
    for version in all_declarations():
        if since <= version.effective_from <= max(uow.archive.today(), since):
            for language in LANGUAGES:
                sheet = _printed(assigned, version.version, language, version.wordings[language_tag(language)])
                if sheet.code == plain_code(typed):
                    return sheet
    raise SheetUnknownError


def file_name(assigned: Assigned, sheet: Sheet, ending: str) -> str:
    """What the file of a declaration is called."""
    name = f"{translate(sheet.language, N_('Declaration'))} {assigned.person.display_name} {assigned.engagement.number}"
    # A slash in a name would be read as a folder.
    return name.replace("/", "_").replace("\\", "_")[:60] + ending


def entry_of(assigned: Assigned, sheet: Sheet, name: str) -> Entry:
    """How the record of a declaration is described."""
    return Entry(
        name=name,
        title=f"{sheet.wording.title} {assigned.person.display_name}"[:300],
        originator=assigned.person.display_name,
        activity=translate(sheet.language, N_("Declaration")),
    )


def record_text(assigned: Assigned, sheet: Sheet, moment: datetime) -> str:
    """The text with what proves it: who declared which version of it, when and by which way."""
    facts: Mapping[str, str] = {
        N_("Declared by"): f"{assigned.person.display_name} ({assigned.person.login})",
        N_("Verification body"): assigned.body.name,
        N_("Engagement"): f"{assigned.engagement.number} {assigned.engagement.title}",
        N_("Client"): assigned.client.name,
        N_("Relation with this client"): translate(sheet.language, N_("None, as declared")),
        N_("Version of the text"): sheet.version,
        N_("Way"): translate(sheet.language, WAYS[CONFIRMED]),
        N_("Time"): moment.isoformat(sep=" ", timespec="seconds"),
        N_("SHA-256 of the text above"): sheet.wording.digest().hex(),
    }
    lines = [
        translate(sheet.language, N_("%(label)s: %(value)s"), label=translate(sheet.language, label), value=value)
        for label, value in facts.items()
    ]
    return "\n".join([sheet.wording.text(), "----", *lines, ""])
