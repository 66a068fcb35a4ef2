"""What a verification of the log can find, each with its stable kind and its words for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from archive_app.kernel.language import N_, translate


class Kind(StrEnum):
    """The stable codes of findings."""

    EVENT_ALTERED = "event_altered"
    EVENT_MISSING = "event_missing"
    EVENT_UNLOGGED = "event_unlogged"
    EVENT_TWICE = "event_twice"
    DETAIL_ALTERED = "detail_altered"
    DETAIL_MISSING = "detail_missing"
    DETAIL_STRAY = "detail_stray"
    SUBJECT_STRAY = "subject_stray"
    PENDING_STRAY = "pending_stray"
    LEAF_ALTERED = "leaf_altered"
    LEAVES_MISSING = "leaves_missing"
    LEAVES_UNSIGNED = "leaves_unsigned"
    TILE_ALTERED = "tile_altered"
    TILE_STRAY = "tile_stray"
    CHECKPOINT_INVALID = "checkpoint_invalid"
    CHECKPOINT_FORKED = "checkpoint_forked"
    FILE_INVALID = "file_invalid"
    FILE_MISSING = "file_missing"
    WENT_BACK = "went_back"


MESSAGES = {
    Kind.EVENT_ALTERED: N_(
        "Entry #%(position)s: event %(event)s, or what it is about, was altered after it was logged."
    ),
    Kind.EVENT_MISSING: N_("Entry #%(position)s: event %(event)s was removed."),
    Kind.EVENT_UNLOGGED: N_("Event %(event)s was inserted past the log: it has no entry and is not waiting for one."),
    Kind.EVENT_TWICE: N_("Entry #%(position)s: event %(event)s is marked as waiting although it was logged."),
    Kind.DETAIL_ALTERED: N_("The words of event %(event)s were altered."),
    Kind.DETAIL_MISSING: N_("The words of event %(event)s were removed, and no erasure of them is registered."),
    Kind.DETAIL_STRAY: N_("There are words for event %(event)s, which does not exist."),
    Kind.SUBJECT_STRAY: N_("A %(subject)s is named for event %(event)s, which does not exist."),
    Kind.PENDING_STRAY: N_("Event %(event)s is marked as waiting but does not exist."),
    Kind.LEAF_ALTERED: N_("Entry #%(position)s (event %(event)s) is not the one that stands there in the tree."),
    Kind.LEAVES_MISSING: N_("Entries #%(first)s to #%(last)s were removed."),
    Kind.LEAVES_UNSIGNED: N_(
        "Entries #%(first)s to #%(last)s stand behind the newest checkpoint and were never signed."
    ),
    Kind.TILE_ALTERED: N_("The stored hashes of the tree, level %(level)s, part %(index)s, were altered or removed."),
    Kind.TILE_STRAY: N_("There are stored hashes outside the tree: level %(level)s, part %(index)s."),
    Kind.CHECKPOINT_INVALID: N_("The checkpoint of size %(size)s was not signed by this archive as it stands."),
    Kind.CHECKPOINT_FORKED: N_("From the checkpoint of size %(size)s on, the entries are not those that were signed."),
    Kind.FILE_INVALID: N_("The published checkpoint file does not hold a checkpoint signed by this archive."),
    Kind.FILE_MISSING: N_("The published checkpoint file is missing, although %(size)s entries were signed."),
    Kind.WENT_BACK: N_("The log does not continue the checkpoint that was published at %(published)s entries."),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; `ids` says where, with the names that the message of its kind uses.

    Positions count from 0.
    """

    kind: Kind
    ids: Mapping[str, str | int]

    def text(self, language: str) -> str:
        """The message in `language`."""
        return translate(language, MESSAGES[self.kind], **self.ids)


def found(kind: Kind, **ids: str | int) -> Finding:
    """A finding of `kind` with the ids that its message names."""
    return Finding(kind, ids)
