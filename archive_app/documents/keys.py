"""The data key of a version, as the vault wants it."""

from archive_app.documents.models import Version
from storage import WrappedKey


def key_of(version: Version) -> WrappedKey:
    """The wrapped key in the version's row."""
    return WrappedKey(version.key_epoch, version.wrapped_key)
