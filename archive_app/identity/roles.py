"""Roles: named sets of permissions, read from `config/roles.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import OF_PEOPLE, Permission
from archive_app.settings import CONFIG, SettingsError

ADMINISTRATOR = "system_administrator"
OF_THE_FIRST_PERSON = frozenset({ADMINISTRATOR, "archivist", "team_leader"})
_FILE = CONFIG / "roles.toml"
_GRANTABLE = frozenset(Permission) - OF_PEOPLE - {Permission.SYSTEM}


@dataclass(frozen=True)
class Role:
    """A role as the configuration defines it; `names` by language tag (zh, en)."""

    key: str
    names: Mapping[str, str]
    permissions: frozenset[Permission]

    def name(self, language: str) -> str:
        """What people call the role in `language`, e.g. `zh_Hans_CN`."""
        return self.names[language.partition("_")[0]]


def parse_roles(text: str, source: str) -> Mapping[str, Role]:
    """The roles of a TOML document, by key, in its order.

    Raises: SettingsError naming `source` and the first thing in it that is unknown, wrong or missing.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: {error}") from error
    roles = {key: _parse_role(key, table, source) for key, table in tables.items()}
    for missing in sorted(OF_THE_FIRST_PERSON - roles.keys()):
        raise SettingsError(f"{source}: the role [{missing}] is missing")
    return MappingProxyType(roles)


@cache
def all_roles() -> Mapping[str, Role]:
    """The roles of this installation. Raises: SettingsError."""
    return parse_roles(_FILE.read_text(encoding="utf-8"), str(_FILE))


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """What a person with these roles may do. A role that the configuration dropped gives nothing."""
    known = all_roles()
    return OF_PEOPLE.union(*(known[role].permissions for role in roles if role in known))


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    """The roles as a set. Raises: InvalidInputError when there is none, or one that does not exist."""
    chosen = frozenset(roles)
    if not chosen:
        raise InvalidInputError(field=N_("Roles"), reason=N_("Choose at least one."))
    if not chosen <= all_roles().keys():
        raise InvalidInputError(field=N_("Roles"), reason=N_("There is no such role."))
    return chosen


def _parse_role(key: str, table: object, source: str) -> Role:
    if not isinstance(table, dict):
        raise SettingsError(f"{source}: {key} is not a role; a role is a table [{key}]")
    for unknown in sorted(table.keys() - {"name", "permissions"}):
        raise SettingsError(f"{source}: [{key}] has an unknown key {unknown}")
    names, granted = table.get("name"), table.get("permissions")
    if (
        not isinstance(names, dict)
        or names.keys() != {"zh", "en"}
        or not all(isinstance(n, str) for n in names.values())
    ):
        raise SettingsError(f"{source}: [{key}] name must give zh and en")
    if not isinstance(granted, list):
        raise SettingsError(f"{source}: [{key}] permissions must be a list")
    for permission in granted:
        if permission not in _GRANTABLE:
            raise SettingsError(f"{source}: [{key}] has an unknown permission {permission!r}")
    return Role(key, MappingProxyType(names), frozenset(map(Permission, granted)))
