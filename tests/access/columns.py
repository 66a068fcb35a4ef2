"""Whose eyes the access matrix looks through: every role of `config/roles.toml`, and people in special situations.

What a role may do is read from the file itself and not from the program's own reader of it, so that the expectation
does not lean on what it is to check.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROLES_FILE = Path(__file__).resolve().parents[2] / "config" / "roles.toml"
NOBODY, HALF, ENROLMENT = "nobody", "second_factor", "enrolment"

# Who somebody is, whatever their roles. Their own account is everybody's; an account whose second factor is awaited
# opens nothing but the way to it.
OF_EVERYBODY = frozenset({"public:any:use"})
OF_HALF = OF_EVERYBODY | {"self:second_factor:give"}
OF_UNENROLLED = OF_EVERYBODY | {"self:any:use", "self:second_factor:manage"}
OF_PEOPLE = OF_UNENROLLED | {"self:tokens:manage", "self:access:ask"}
OF_THE_HOST = "archive:"

# How somebody comes to "their own" engagement of the matrix.
ASSIGNED, UNDECLARED, LET_IN, SUPERVISES, CLIENT = "assigned", "undeclared", "let_in", "supervises", "client"
TIES = {
    "team_leader": ASSIGNED,
    "verifier": ASSIGNED,
    "technical_reviewer": ASSIGNED,
    "complaint_handler": LET_IN,
    "supervisor": SUPERVISES,
    "client_contact": CLIENT,
}
BODY, AUTHORITY, ENTITY = "绿源核查", "省生态环境厅", "江南热电"
HOMES = {"supervisor": AUTHORITY, "client_contact": ENTITY}
SHORT = {
    "system_administrator": "adm",
    "security_officer": "sec",
    "security_auditor": "aud",
    "archivist": "arc",
    "team_leader": "lead",
    "verifier": "ver",
    "technical_reviewer": "rev",
    "quality_manager": "qm",
    "top_manager": "top",
    "internal_auditor": "ia",
    "management_representative": "mr",
    "document_controller": "dc",
    "staff_member": "staff",
    "complaint_handler": "comp",
    "supervisor": "sup",
    "client_contact": "cli",
    "identity_custodian": "cust",
    "appraisal_member": "appr",
    "destruction_witness": "wit",
}


@dataclass(frozen=True)
class Column:
    """Somebody in the matrix. `tie` is how they come to the engagement that is called their own; `home` their
    organisation; `awaits` what stands between them and their rights."""

    key: str
    short: str
    words: str
    roles: tuple[str, ...]
    tie: str = ""
    home: str = BODY
    awaits: str = ""

    @property
    def hosts(self) -> bool:
        """Whether their organisation runs the archive."""
        return self.home == BODY

    @property
    def permissions(self) -> frozenset[str]:
        """What they may do, whatever the subject."""
        if self.awaits:
            return {NOBODY: OF_EVERYBODY, HALF: OF_HALF, ENROLMENT: OF_UNENROLLED}[self.awaits]
        given = OF_PEOPLE.union(*(all_roles()[role]["permissions"] for role in self.roles))
        return frozenset(may for may in given if self.hosts or not may.startswith(OF_THE_HOST))

    @property
    def highest_level(self) -> str:
        """The highest level of documents that their roles open."""
        levels: list[str] = [all_roles()[role].get("highest_level", "restricted") for role in self.roles]
        return max(levels, key=LEVELS.index)

    @property
    def second_factor(self) -> bool:
        """Whether one of their roles is used with a second factor only."""
        return any(all_roles()[role].get("second_factor", False) for role in self.roles)

    def may(self, permission: str) -> bool:
        """Whether they hold `permission`."""
        return permission in self.permissions


LEVELS = ("public", "internal", "sensitive", "restricted")


@cache
def all_roles() -> dict[str, Any]:
    """The roles as their file says."""
    return tomllib.loads(ROLES_FILE.read_text(encoding="utf-8"))


@cache
def columns() -> tuple[Column, ...]:
    """Everybody in the matrix: the roles in the order of their file, then the special situations."""
    roles = [
        Column(key, SHORT[key], f"{role['name']['en']} {role['name']['zh']}", (key,), TIES.get(key, ""), _home(key))
        for key, role in all_roles().items()
    ]
    return (
        *roles,
        Column("guest", "+in", "a team leader let in on request, not assigned", ("team_leader",), LET_IN),
        Column(
            "undeclared", "+und", "a team leader and internal auditor who is assigned and has not declared",
            ("team_leader", "internal_auditor"), UNDECLARED,
        ),
        Column(
            "other_host", "+adm", "a system administrator of an authority that does not run the archive",
            ("system_administrator",), home=AUTHORITY,
        ),
        Column("unenrolled", "+enr", "an archivist who has no second factor yet", ("archivist",), awaits=ENROLMENT),
        Column("half", "+half", "an archivist whose second factor is awaited", ("archivist",), awaits=HALF),
        Column("nobody", "–", "nobody signed in", (), awaits=NOBODY),
    )  # fmt: skip


def _home(role: str) -> str:
    return HOMES.get(role, BODY)
