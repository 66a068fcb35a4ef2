"""Every permission there is, as `scope:resource:action`. `config/roles.toml` says which role holds which."""

from enum import StrEnum


class Permission(StrEnum):
    """What a use case or a route asks for before anything else."""

    ANYBODY = "public:any:use"
    SIGNED_IN = "self:any:use"
    SYSTEM = "system:any:run"

    ACCOUNTS_MANAGE = "organisation:accounts:manage"
    CLIENTS_READ = "organisation:clients:read"
    CLIENTS_MANAGE = "organisation:clients:manage"
    ENGAGEMENTS_READ = "engagement:engagements:read"
    ENGAGEMENTS_CREATE = "organisation:engagements:create"
    TEAM_MANAGE = "engagement:team:manage"
    DOCUMENTS_READ = "engagement:documents:read"
    DOCUMENTS_ADD = "engagement:documents:add"
    DOCUMENTS_REREAD = "organisation:documents:reread"
    REGISTERS_IMPORT = "organisation:registers:import"
    INBOX_SORT = "organisation:inbox:sort"
    SEARCHES_SHARE = "organisation:searches:share"
    TOKENS_OWN = "self:tokens:manage"
    LOG_READ = "archive:log:read"
    LOG_VERIFY = "archive:log:verify"
    HEALTH_READ = "archive:health:read"
    HEALTH_MANAGE = "archive:health:manage"


OF_EVERYBODY = frozenset({Permission.ANYBODY})
OF_PEOPLE = frozenset({Permission.ANYBODY, Permission.SIGNED_IN, Permission.TOKENS_OWN})
