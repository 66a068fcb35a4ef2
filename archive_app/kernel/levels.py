"""How widely content may be seen: the levels of documents, and the highest one that somebody may see.

They narrow what a person sees inside of what they may reach at all; they never widen it. The words are not those of
state secrets on purpose.
"""

from enum import IntEnum

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_


class Level(IntEnum):
    """A document's level; the higher, the fewer see it."""

    PUBLIC = 0
    INTERNAL = 1
    SENSITIVE = 2
    RESTRICTED = 3


LEVEL_LABELS = {
    Level.PUBLIC: N_("Public"),
    Level.INTERNAL: N_("Internal"),
    Level.SENSITIVE: N_("Sensitive"),
    Level.RESTRICTED: N_("Restricted"),
}


def read_level(text: str) -> Level:
    """The level that a form or a program names, by its number or its English name; nothing is internal.

    Raises: InvalidInputError.
    """
    named = {str(level.value): level for level in Level} | {level.name.lower(): level for level in Level}
    if (level := named.get(text.strip().lower() or "internal")) is None:
        raise InvalidInputError(field=N_("Level"), reason=N_("There is no such level."))
    return level
