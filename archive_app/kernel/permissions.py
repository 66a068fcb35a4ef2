"""Every permission there is, as `scope:resource:action`. `config/roles.toml` says which role holds which."""

from enum import StrEnum


class Permission(StrEnum):
    """What a use case or a route asks for before anything else."""

    ANYBODY = "public:any:use"
    SIGNED_IN = "self:any:use"
    SYSTEM = "system:any:run"

    # One's own account. Somebody who has not given their second factor yet may do that and nothing else.
    SECOND_FACTOR_GIVE = "self:second_factor:give"
    SECOND_FACTOR_OWN = "self:second_factor:manage"
    TOKENS_OWN = "self:tokens:manage"
    ACCESS_ASK = "self:access:ask"

    # The archive as a whole: only for people of the organisation that runs it.
    ORGANISATIONS_MANAGE = "archive:organisations:manage"
    ARCHIVE_LOG_READ = "archive:log:read"
    HEALTH_READ = "archive:health:read"
    HEALTH_MANAGE = "archive:health:manage"
    CALENDAR_MANAGE = "archive:calendar:manage"

    # One's own organisation.
    PEOPLE_READ = "organisation:people:read"
    ACCOUNTS_MANAGE = "organisation:accounts:manage"
    RIGHTS_GRANT = "organisation:rights:grant"
    LOG_READ = "organisation:log:read"
    LOG_VERIFY = "organisation:log:verify"
    WORK_READ = "organisation:work:read"
    CLIENTS_READ = "organisation:clients:read"
    CLIENTS_MANAGE = "organisation:clients:manage"
    ENGAGEMENTS_CREATE = "organisation:engagements:create"
    ENGAGEMENTS_READ_ALL = "organisation:engagements:read"
    ENGAGEMENTS_KEEP = "organisation:engagements:keep"
    DOCUMENTS_REREAD = "organisation:documents:reread"
    REGISTERS_IMPORT = "organisation:registers:import"
    INBOX_SORT = "organisation:inbox:sort"
    SEARCHES_SHARE = "organisation:searches:share"
    INTERESTS_READ = "organisation:interests:read"
    INTERESTS_MANAGE = "organisation:interests:manage"
    SUPERVISION_GRANT = "organisation:supervision:grant"
    COMPETENCE_READ = "organisation:competence:read"
    COMPETENCE_MANAGE = "organisation:competence:manage"
    CONTROLLED_READ = "organisation:controlled:read"
    CONTROLLED_WRITE = "organisation:controlled:write"
    CONTROLLED_APPROVE = "organisation:controlled:approve"
    CONTROLLED_MANAGE = "organisation:controlled:manage"
    DUTIES_READ = "organisation:duties:read"
    DUTIES_DO = "organisation:duties:do"
    DUTIES_MANAGE = "organisation:duties:manage"
    LAWS_READ = "organisation:laws:read"
    LAWS_EVALUATE = "organisation:laws:evaluate"
    LAWS_MANAGE = "organisation:laws:manage"
    REVIEWS_READ = "organisation:reviews:read"
    REVIEWS_PREPARE = "organisation:reviews:prepare"
    REVIEWS_HOLD = "organisation:reviews:hold"
    DISCLOSURE_PROPOSE = "organisation:disclosure:propose"
    DISCLOSURE_DECIDE = "organisation:disclosure:decide"

    # Engagements that the person reaches; the policy says which.
    ENGAGEMENTS_READ = "engagement:engagements:read"
    TEAM_MANAGE = "engagement:team:manage"
    TEAM_LEAD = "engagement:team:lead"
    TEAM_JOIN = "engagement:team:join"
    TECHNICAL_REVIEW = "engagement:technical_review:do"
    STAGES_MOVE = "engagement:stages:move"
    RECORDS_DESCRIBE = "engagement:records:describe"
    RECORDS_ACCEPT = "engagement:records:accept"
    REQUESTS_MANAGE = "engagement:requests:manage"
    NONCONFORMITIES_MANAGE = "engagement:nonconformities:manage"
    REPORTS_ISSUE = "engagement:reports:issue"
    CASE_FILES_SUBMIT = "engagement:case_files:submit"
    CASE_FILES_ACCEPT = "engagement:case_files:accept"
    ACCESS_DECIDE = "engagement:access:decide"
    GLASS_BREAK = "engagement:glass:break"
    DOCUMENTS_READ = "engagement:documents:read"
    DOCUMENTS_ADD = "engagement:documents:add"
    DOCUMENTS_CLASSIFY = "engagement:documents:classify"
    DOCUMENTS_EXPORT = "engagement:documents:export"

    # From outside the organisation that an engagement belongs to.
    OWN_AFFAIRS_READ = "client:engagements:read"
    REQUEST_ANSWER = "client:requests:answer"
    SUPERVISION_USE = "authority:supervision:use"


OF_EVERYBODY = frozenset({Permission.ANYBODY})
OF_HALF_SIGNED_IN = frozenset({Permission.ANYBODY, Permission.SECOND_FACTOR_GIVE})
"""Of people whose password was right and whose second factor is still awaited."""
OF_SIGNED_IN = frozenset({Permission.ANYBODY, Permission.SIGNED_IN, Permission.SECOND_FACTOR_OWN})
"""Of people whose roles ask for a second factor that they do not have yet."""
OF_PEOPLE = OF_SIGNED_IN | {Permission.TOKENS_OWN, Permission.ACCESS_ASK}
OF_A_REQUEST = frozenset({Permission.ANYBODY, Permission.REQUEST_ANSWER})
"""Of somebody without an account who opened the link of a material request and gave its one-time code."""
OF_THE_HOST = frozenset(permission for permission in Permission if permission.startswith("archive:"))
"""What only people of the organisation that runs the archive may do, whatever the roles say."""
