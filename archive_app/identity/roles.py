"""Roles: named sets of permissions, read from `config/roles.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from archive_app.identity.organisations import KINDS
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_A_REQUEST, OF_HALF_SIGNED_IN, OF_PEOPLE, OF_THE_HOST, Permission
from archive_app.settings import CONFIG, SettingsError

ADMINISTRATOR = "system_administrator"
OFFICER = "security_officer"
AUDITOR = "security_auditor"
OF_THE_FIRST_PERSON = frozenset({ADMINISTRATOR, "archivist", "team_leader"})
_NEEDED = OF_THE_FIRST_PERSON | {OFFICER, AUDITOR}
_FILE = CONFIG / "roles.toml"
_GRANTABLE = frozenset(Permission) - OF_PEOPLE - OF_HALF_SIGNED_IN - OF_A_REQUEST - {Permission.SYSTEM}
_KEYS = {"name", "permissions", "second_factor", "excludes", "organisations", "highest_level"}


class RolesExcludeError(ArchiveError):
    """Nobody holds two of the three members' roles."""

    code = "roles_exclude"
    message = N_(
        "Nobody can be %(one)s and %(other)s at once: who runs the archive, who gives rights and who watches are three "
        "people. Nothing was changed."
    )

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one=one, other=other)

    def text(self, language: str) -> str:
        names = {place: all_roles()[str(role)].name(language) for place, role in self.params.items()}
        return translate(language, self.message, **names)


@dataclass(frozen=True)
class Role:
    """A role as the configuration defines it; `names` by language tag (zh, en). The other fields: see its file."""

    key: str
    names: Mapping[str, str]
    permissions: frozenset[Permission]
    second_factor: bool = False
    excludes: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset(KINDS)
    highest_level: Level = Level.RESTRICTED

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
    for missing in sorted(_NEEDED - roles.keys()):
        raise SettingsError(f"{source}: the role [{missing}] is missing")
    for role in roles.values():
        for other in sorted(role.excludes):
            if role.key not in getattr(roles.get(other), "excludes", ()):
                raise SettingsError(f"{source}: [{role.key}] excludes {other}, which does not exclude it in turn")
    return MappingProxyType(roles)


@cache
def all_roles() -> Mapping[str, Role]:
    """The roles of this installation. Raises: SettingsError."""
    return parse_roles(_FILE.read_text(encoding="utf-8"), str(_FILE))


def permissions_of(roles: Iterable[str], *, runs_archive: bool) -> frozenset[Permission]:
    """What a person with these roles may do; what concerns the whole archive only where their organisation runs it.

    A role that the configuration dropped gives nothing.
    """
    known = all_roles()
    held = OF_PEOPLE.union(*(known[role].permissions for role in roles if role in known))
    return held if runs_archive else held - OF_THE_HOST


def needs_second_factor(roles: Iterable[str]) -> bool:
    """Whether one of these roles is used with a second factor only."""
    known = all_roles()
    return any(known[role].second_factor for role in roles if role in known)


def highest_level_of(roles: Iterable[str]) -> Level:
    """The highest level that a person with these roles may see: of several roles the highest counts."""
    known = all_roles()
    return max((known[role].highest_level for role in roles if role in known), default=Level.PUBLIC)


def first_roles(organisation_kind: str) -> frozenset[str]:
    """What the first person of an archive holds, as far as people of such an organisation can."""
    return OF_THE_FIRST_PERSON & roles_for(organisation_kind)


def roles_for(organisation_kind: str) -> frozenset[str]:
    """The roles that people of such an organisation can hold."""
    return frozenset(key for key, role in all_roles().items() if organisation_kind in role.organisations)


def checked_roles(roles: Iterable[str], organisation_kind: str) -> frozenset[str]:
    """The roles as a set that one person of such an organisation can hold.

    Raises: InvalidInputError when there is none, one that does not exist or that others hold; RolesExcludeError.
    """
    chosen = frozenset(roles)
    known = all_roles()
    if not chosen:
        raise InvalidInputError(field=N_("Roles"), reason=N_("Choose at least one."))
    if not chosen <= known.keys():
        raise InvalidInputError(field=N_("Roles"), reason=N_("There is no such role."))
    for key in sorted(chosen):
        if organisation_kind not in known[key].organisations:
            raise InvalidInputError(field=N_("Roles"), reason=N_("Organisations of this kind do not have this role."))
        for other in sorted(known[key].excludes & chosen):
            raise RolesExcludeError(key, other)
    return chosen


def _parse_role(key: str, table: object, source: str) -> Role:
    if not isinstance(table, dict):
        raise SettingsError(f"{source}: {key} is not a role; a role is a table [{key}]")
    for unknown in sorted(table.keys() - _KEYS):
        raise SettingsError(f"{source}: [{key}] has an unknown key {unknown}")
    names = table.get("name")
    if (
        not isinstance(names, dict)
        or names.keys() != {"zh", "en"}
        or not all(isinstance(n, str) for n in names.values())
    ):
        raise SettingsError(f"{source}: [{key}] name must give zh and en")
    second_factor = table.get("second_factor", False)
    if not isinstance(second_factor, bool):
        raise SettingsError(f"{source}: [{key}] second_factor must be true or false")
    levels = {level.name.lower(): level for level in Level}
    level = table.get("highest_level", "restricted")
    if not isinstance(level, str) or level not in levels:
        raise SettingsError(f"{source}: [{key}] has an unknown highest_level {level!r}")
    return Role(
        key,
        MappingProxyType(names),
        frozenset(map(Permission, _words(key, table, "permissions", _GRANTABLE, source))),
        second_factor,
        _words(key, table, "excludes", None, source),
        _words(key, table, "organisations", KINDS, source) if "organisations" in table else frozenset(KINDS),
        levels[level],
    )


def _words(key: str, table: Mapping[str, Any], name: str, known: Iterable[str] | None, source: str) -> frozenset[str]:
    """The list `name` of a role. Raises: SettingsError for what is no list of known words."""
    listed = table.get(name, None if name == "permissions" else [])
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        raise SettingsError(f"{source}: [{key}] {name} must be a list")
    for word in listed:
        if known is not None and word not in known:
            raise SettingsError(f"{source}: [{key}] has an unknown {name.removesuffix('s')} {word!r}")
    return frozenset(listed)
