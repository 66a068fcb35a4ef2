"""Filing one file of the inbox, with its outcome."""

from archive_app.documents.describing import outcome
from archive_app.documents.errors import DuplicateError
from archive_app.documents.looking import DocumentLine
from archive_app.intake.inbox.holding import file_held
from archive_app.intake.inbox.models import InboxFile
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case


@use_case(Permission.INBOX_SORT)
def file_one(
    actor: Actor, uow: UnitOfWork, *, inbox_id: str, engagement_id: str, allow_duplicate: bool = False
) -> DocumentLine | DuplicateError:
    """Makes a waiting file a document of the engagement; a duplicate goes on waiting, and is told.

    Raises: NotFoundError, ConflictError when the file does not wait any more.
    """
    uow.require("inbox_file", inbox_id)
    inbox_file = uow.session.get_one(InboxFile, inbox_id)
    filed = file_held(uow, inbox_file, engagement_id=engagement_id, allow_duplicate=allow_duplicate)
    return outcome(uow, filed)
