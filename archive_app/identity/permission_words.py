"""Permissions in words, for people who read what a role may do."""

from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission

SCOPE_LABELS = {
    "archive": N_("In the whole archive"),
    "organisation": N_("In their own organisation"),
    "engagement": N_("In engagements that they reach"),
    "client": N_("As the client"),
    "authority": N_("As the authority"),
    "self": N_("In their own account"),
    "public": N_("Everywhere"),
    "system": N_("The archive itself"),
}
"""The words for the scopes, the first part of every permission, in the order in which people read them."""

PERMISSION_LABELS = {
    Permission.ANYBODY: N_("Use what is open to everybody"),
    Permission.SIGNED_IN: N_("Sign in and see their own account"),
    Permission.SYSTEM: N_("Pass every check"),
    Permission.SECOND_FACTOR_GIVE: N_("Give their second factor"),
    Permission.SECOND_FACTOR_OWN: N_("Enrol a second factor"),
    Permission.TOKENS_OWN: N_("Make access tokens for programs"),
    Permission.ACCESS_ASK: N_("Ask for access to an engagement"),
    Permission.ORGANISATIONS_MANAGE: N_("Add and rename organisations"),
    Permission.ARCHIVE_LOG_READ: N_("Read the log of the archive itself"),
    Permission.HEALTH_READ: N_("See how the archive is doing"),
    Permission.HEALTH_MANAGE: N_("Have failed work done again"),
    Permission.CALENDAR_MANAGE: N_("Enter the yearly holidays"),
    Permission.PEOPLE_READ: N_("See the people and their roles"),
    Permission.ACCOUNTS_MANAGE: N_("Invite and deactivate people, propose roles"),
    Permission.RIGHTS_GRANT: N_("Grant and refuse roles, set the highest level, clear second factors"),
    Permission.LOG_READ: N_("Read the audit log"),
    Permission.LOG_VERIFY: N_("Verify the audit log"),
    Permission.WORK_READ: N_("See what waits for them"),
    Permission.CLIENTS_READ: N_("See the clients"),
    Permission.CLIENTS_MANAGE: N_("Add clients"),
    Permission.ENGAGEMENTS_CREATE: N_("Open engagements"),
    Permission.ENGAGEMENTS_READ_ALL: N_("See all engagements"),
    Permission.ENGAGEMENTS_KEEP: N_("Keep all engagements in order: file into them and decide about them"),
    Permission.DOCUMENTS_REREAD: N_("Have documents read again"),
    Permission.REGISTERS_IMPORT: N_("Take over registers with their files"),
    Permission.INBOX_SORT: N_("Sort the inbox"),
    Permission.SEARCHES_SHARE: N_("Share saved searches"),
    Permission.INTERESTS_READ: N_("See declared interests"),
    Permission.INTERESTS_MANAGE: N_("Record interests"),
    Permission.SUPERVISION_GRANT: N_("Let supervisors see something, and end it"),
    Permission.COMPETENCE_READ: N_("See what people are competent for"),
    Permission.COMPETENCE_MANAGE: N_("Record what people are competent for"),
    Permission.ENGAGEMENTS_READ: N_("Open the engagement"),
    Permission.TEAM_MANAGE: N_("Assign the team"),
    Permission.TEAM_LEAD: N_("Lead the team"),
    Permission.TEAM_JOIN: N_("Be a member of the team"),
    Permission.TECHNICAL_REVIEW: N_("Do the technical review"),
    Permission.ACCESS_DECIDE: N_("Decide who else gets access"),
    Permission.GLASS_BREAK: N_("Open it in an emergency, to everybody's knowledge"),
    Permission.DOCUMENTS_READ: N_("Find and read documents"),
    Permission.DOCUMENTS_ADD: N_("File documents"),
    Permission.DOCUMENTS_CLASSIFY: N_("Set the level of documents"),
    Permission.DOCUMENTS_EXPORT: N_("Take documents and lists along"),
    Permission.STAGES_MOVE: N_("Take it on to the next stage, where the scheme says so"),
    Permission.RECORDS_DESCRIBE: N_("Say what a document is a record of"),
    Permission.RECORDS_ACCEPT: N_("Accept records and send them back"),
    Permission.REQUESTS_MANAGE: N_("Ask the client for material"),
    Permission.NONCONFORMITIES_MANAGE: N_("Raise nonconformities and confirm corrections"),
    Permission.REPORTS_ISSUE: N_("Issue reports"),
    Permission.CASE_FILES_SUBMIT: N_("Arrange case files and submit them for archiving"),
    Permission.CASE_FILES_ACCEPT: N_("Accept case files into the archive"),
    Permission.REQUEST_ANSWER: N_("Answer a material request"),
    Permission.OWN_AFFAIRS_READ: N_("See the engagements about their own organisation"),
    Permission.SUPERVISION_USE: N_("See what was granted to the authority"),
}
"""The words for each permission, without its scope."""


def scope_of(permission: Permission) -> str:
    """The scope of a permission, such as `organisation`."""
    return permission.partition(":")[0]
