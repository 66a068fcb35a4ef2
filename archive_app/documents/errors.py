"""What can go wrong with a document's bytes, in words for people."""

from collections.abc import Iterator
from contextlib import contextmanager

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from storage import (
    BlobCorrupt,
    BlobMissing,
    KeyCorrupt,
    KeyFileError,
    KeyMissing,
    SizeLimitExceeded,
    StorageFull,
    StorageUnavailable,
)


class TooLargeError(ArchiveError):
    code = "too_large"
    message = N_("The file is larger than %(limit_gib)s GiB, the most the archive takes. Nothing of it was kept.")


class EmptyFileError(ArchiveError):
    code = "empty_file"
    message = N_("The file is empty (0 bytes). It was not filed; check the original.")


class NameMissingError(ArchiveError):
    code = "name_missing"
    message = N_("The file has no name. It was not filed; give it a name and try again.")


class NameTooLongError(ArchiveError):
    code = "name_too_long"
    message = N_("The file name has %(size)s bytes; 255 is the most. It was not filed; shorten the name and try again.")


class NameInvalidError(ArchiveError):
    code = "name_invalid"
    message = N_("The file name contains control characters. It was not filed; rename the file and try again.")


class InterruptedError(ArchiveError):  # noqa: A001  # the field's word; the builtin is an alias for a signal
    code = "interrupted"
    message = N_(
        "The transfer broke off after %(received)s of %(expected)s bytes. Nothing of it was kept; send it again."
    )


class ChangedWhileReadError(ArchiveError):
    code = "changed_while_read"
    message = N_("The file changed while it was read. Nothing of it was kept; try again when it is finished.")


class StorageFullError(ArchiveError):
    code = "storage_full"
    message = N_(
        "There is no room left for this file. Nothing of it was kept; what was filed before is safe. "
        "Tell your administrator."
    )


class StorageUnavailableError(ArchiveError):
    code = "storage_unavailable"
    message = N_(
        "The store did not take or give the file. Nothing was changed; try again, and tell your administrator "
        "if it repeats."
    )


class ContentCorruptError(ArchiveError):
    code = "content_corrupt"
    message = N_(
        "The stored content is damaged or missing. Nothing wrong was shown. Tell your administrator: "
        "it can be restored from a backup."
    )


class DuplicateError(ArchiveError):
    code = "duplicate"
    message = N_(
        "The engagement already has a document of exactly this content. Nothing was filed; to file it all the same, "
        "send it again with duplicates=keep and a fresh key."
    )


class PartUnavailableError(ArchiveError):
    code = "part_unavailable"
    message = N_("This file cannot be taken out of the one it is in. The original can be downloaded unchanged.")


class NotPreviewableError(ArchiveError):
    code = "not_previewable"
    message = N_("No picture of this page can be made. The original can be downloaded unchanged.")


class MarkedOnlyError(ArchiveError):
    code = "marked_only"
    message = N_(
        "You see this document by a grant for supervision. It is given to you with a watermark, or as the exact "
        "original together with a cover sheet: both are on its page."
    )


class StampedOnlyError(MarkedOnlyError):
    code = "stamped_only"
    message = N_(
        "This document is not in force any more. It is given out with a stamp that says so; the bare original goes to "
        "those who control documents and to archivists. The stamped copy is on its page."
    )


class RenditionTooLongError(ArchiveError):
    code = "rendition_too_long"
    message = N_(
        "A copy with a watermark is made of %(most)s pages and %(megabytes)s MB at most and within %(seconds)s "
        "seconds; this was more. "
        "Nothing was given out. Download the original with its cover sheet, or try once more: pages that were drawn "
        "are kept."
    )


@contextmanager
def storage_translated(limit_bytes: int = 0) -> Iterator[None]:
    """Turns what the vault raises into words for people; the cause stays attached for the operator's log."""
    try:
        yield
    except SizeLimitExceeded as error:
        raise TooLargeError(limit_gib=f"{limit_bytes / 2**30:.1f}") from error
    except StorageFull as error:
        raise StorageFullError from error
    except StorageUnavailable as error:
        raise StorageUnavailableError from error
    except (BlobCorrupt, BlobMissing, KeyCorrupt, KeyMissing, KeyFileError) as error:
        raise ContentCorruptError from error


class LevelAboveOwnError(ArchiveError):
    """Somebody gives a document a level that they could not see it at themselves."""

    code = "level_above_own"
    message = N_("You do not see documents of this level here yourself. Nothing was changed; choose a lower level.")
