"""What can be wrong with the log, in words for the person who runs the archive."""

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_


class LogWentBackError(ArchiveError):
    """The database's log does not continue the checkpoint that was published in the data directory."""

    code = "log_went_back"
    message = N_(
        "The audit log (%(size)s entries) does not continue the checkpoint that was published at %(published)s "
        "entries. Nothing was added to it. Somebody removed entries, or an older database was put in place: restore "
        "the newest backup, or ask whoever changed the database."
    )


class LogBrokenError(ArchiveError):
    """The stored tree contradicts itself, so nothing may be signed on top of it."""

    code = "log_broken"
    message = N_(
        "The audit log contradicts itself (%(reason)s). Nothing was added to it and no event was lost; "
        "run the verification of the log to see which entries are affected."
    )


class CheckpointFileError(ArchiveError):
    """The file with the published checkpoint is not what this archive signed."""

    code = "checkpoint_file_invalid"
    message = N_(
        "The file %(path)s does not hold a checkpoint signed by this archive (%(reason)s). Nothing was added to the "
        "audit log. Put the file back from a backup or from the copy you downloaded."
    )


class LogKeyError(ArchiveError):
    """The signing key is not the one that verifiers of this log pinned."""

    code = "log_key_mismatch"
    message = N_(
        "The signing key does not belong to this archive's audit log. Nothing was signed; "
        "put the archive's own key file in place."
    )


class EventPendingError(ArchiveError):
    """An event without a leaf has no proof yet."""

    code = "event_pending"
    message = N_("This event is not in the log's tree yet, so there is no proof of it. Try again in a few seconds.")
