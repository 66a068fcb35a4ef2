"""The inbox 收件箱 and the watched folders that fill it; what registers do with its files stands here."""

from archive_app.intake.inbox.holding import InboxPlace, discard, entry_of, file_held, hold_file
from archive_app.intake.inbox.models import InboxFile

__all__ = ["InboxFile", "InboxPlace", "discard", "entry_of", "file_held", "hold_file"]
