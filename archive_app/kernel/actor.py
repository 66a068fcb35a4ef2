"""Who acts."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_EVERYBODY, Permission


@dataclass(frozen=True)
class Actor:
    """A person, the system itself, or nobody in particular, as they are at this moment.

    `name` goes into the log as the actor's id: a person's id, `system:<part>` or `anonymous`.
    `via` says by which way they came: web, api, cli, worker. `highest_level` bounds the levels of content that they
    see. `confirmed_at` is when they last proved who they are. `awaits` names what keeps a person who has signed in from
    their permissions: "second_factor" until it is given, "enrolment" until there is one; empty where nothing does.
    """

    name: str
    via: str
    permissions: frozenset[Permission] = OF_EVERYBODY
    person_id: str | None = None
    organisation_id: str | None = None
    roles: frozenset[str] = frozenset()
    display_name: str = ""
    address: str = ""
    session_id: str | None = None
    highest_level: Level = Level.PUBLIC
    confirmed_at: datetime | None = None
    awaits: str = ""

    @classmethod
    def system(cls, part: str, via: str = "worker") -> Self:
        """The archive acting by itself, or its operator at the command line: passes every check."""
        return cls(name=f"system:{part}", via=via, permissions=frozenset(Permission), highest_level=Level.RESTRICTED)

    @classmethod
    def anonymous(cls, via: str = "web", address: str = "") -> Self:
        """Somebody who has not signed in."""
        return cls(name="anonymous", via=via, address=address)

    @property
    def is_system(self) -> bool:
        """Whether this is the archive itself rather than a person."""
        return Permission.SYSTEM in self.permissions

    @property
    def rights(self) -> Self:
        """The same person with nothing but what rights depend on: alike in all of their sessions."""
        return replace(self, via="", display_name="", address="", session_id=None, confirmed_at=None)

    def may(self, permission: Permission) -> bool:
        """Whether the actor's roles include `permission`, whatever the subject."""
        return permission in self.permissions
