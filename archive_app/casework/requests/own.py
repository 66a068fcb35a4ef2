"""What the client's session reaches: its own request, the lines of it, and nothing else.

Every use case of the client's begins here, and asks again inside its transaction: a link may be ended while a file is
on its way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from archive_app.casework.models import MaterialDelivery, MaterialLine, MaterialRequest, RequestSession
from archive_app.casework.requests.opening import ACTOR_PREFIX, is_alive
from archive_app.casework.requests.preparing import DROPPED
from archive_app.documents.models import Upload
from archive_app.documents.resuming import PARTS_KEPT
from archive_app.documents.uploads import OPEN_STATES
from archive_app.engagements.engagements import EngagementSealedError, lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

_A_MINUTE = timedelta(minutes=1)


class RequestOverError(ArchiveError):
    """The session, or the request itself, ended meanwhile."""

    code = "request_over"
    message = N_(
        "This link opens nothing any more: it has expired or was ended. What arrived whole before was kept, this was "
        "not. Please ask whoever sent it for a new link."
    )


class RequestClosedError(ArchiveError):
    """The file of the engagement is sealed: nothing is added to it by the link."""

    code = "request_closed"
    message = N_(
        "The verification body has closed its file, so this was not taken. What you brought before was kept. Please "
        "talk to whoever sent you the link."
    )


class LineDecidedError(ArchiveError):
    """The team accepted the line: it waits for nothing."""

    code = "line_decided"
    message = N_("%(name)s has been accepted, so this was not taken. What you brought was kept.")


class RequestFullError(ArchiveError):
    """More was brought than one request may hold."""

    code = "request_full"
    message = N_(
        "By one link %(files)s files and %(gib)s GiB can be brought at most, and this would be more. It was not kept; "
        "what you brought before was. Please talk to whoever sent you the link."
    )


class TooManyFilesError(ArchiveError):
    """Files came faster than one person brings them."""

    code = "too_many_files"
    message = N_(
        "More than %(count)s files came within a minute. This one was not kept, those before it were; please wait a "
        "minute and go on."
    )


def own_request(uow: UnitOfWork) -> MaterialRequest:
    """The step that gives the request whose session acts. Raises: RequestOverError."""
    session = uow.session.get(RequestSession, uow.actor.session_id or "", populate_existing=True)
    if session is None or uow.actor.name != ACTOR_PREFIX + session.request_id:
        raise RequestOverError
    request = uow.session.get_one(MaterialRequest, session.request_id, populate_existing=True)
    if not is_alive(session, request, uow.now):
        raise RequestOverError
    return request


def lock_own(uow: UnitOfWork) -> MaterialRequest:
    """The same with engagement and request locked, for a change. Raises: RequestOverError, RequestClosedError."""
    with sealing_told():
        lock_engagement(uow.session, own_request(uow).engagement_id)
    request_id = own_request(uow).id
    return uow.session.get_one(MaterialRequest, request_id, with_for_update=True, populate_existing=True)


@contextmanager
def sealing_told() -> Iterator[None]:
    """Tells the client of a sealed file in words of their own: the team's name the engagement and what they can do."""
    try:
        yield
    except EngagementSealedError as error:
        raise RequestClosedError from error


def is_closed(uow: UnitOfWork, request: MaterialRequest) -> bool:
    """Whether nothing more is taken for the request, because its file is sealed."""
    return uow.session.get_one(Engagement, request.engagement_id).sealed_at is not None


def own_line(uow: UnitOfWork, line_id: str, *, lock: bool = False) -> MaterialLine:
    """A line of the actor's own request that was not dropped. Raises: RequestOverError, NotFoundError."""
    request = own_request(uow)
    line = uow.session.get(MaterialLine, line_id, with_for_update=lock, populate_existing=True)
    if line is None or line.request_id != request.id or line.state == DROPPED:
        raise NotFoundError
    return line


def open_line(uow: UnitOfWork, line_id: str, *, lock: bool = False) -> MaterialLine:
    """The same of a line that still takes files. Raises: LineDecidedError besides."""
    line = own_line(uow, line_id, lock=lock)
    if line.state == "accepted":
        raise LineDecidedError(name=line.name)
    return line


def require_room(uow: UnitOfWork, request: MaterialRequest, size_bytes: int, *, besides: Upload | None = None) -> int:
    """Refuses what would be more than one request may hold, or comes too fast; says how many bytes there is room for.

    What is on its way counts like what came, except `besides`, whose place this is.
    Raises: RequestFullError, TooManyFilesError.
    """
    rules = uow.archive.rules.requests
    files, lately = uow.session.execute(
        select(func.count(), func.count().filter(MaterialDelivery.delivered_at > uow.now - _A_MINUTE)).where(
            _of_request(request.id)
        )
    ).one()
    waiting, held = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(Upload.received_bytes), 0)).where(
            Upload.engagement_id == request.engagement_id,
            Upload.person_id == uow.actor.name,
            Upload.state.in_(OPEN_STATES),
            Upload.changed_at > uow.now - PARTS_KEPT,
            Upload.id != (besides.id if besides else ""),
        )
    ).one()
    left = rules.total_bytes - request.received_bytes - int(held)
    if files + waiting >= rules.files or size_bytes > left:
        raise full(uow)
    if lately >= rules.files_per_minute:
        raise TooManyFilesError(count=rules.files_per_minute)
    return left


def full(uow: UnitOfWork) -> RequestFullError:
    """The refusal of what is more than one request may hold."""
    rules = uow.archive.rules.requests
    return RequestFullError(files=rules.files, gib=f"{rules.total_bytes / 2**30:.1f}")


def _of_request(request_id: str) -> ColumnElement[bool]:
    lines = select(MaterialLine.id).where(
        MaterialLine.id == MaterialDelivery.line_id, MaterialLine.request_id == request_id
    )
    return lines.correlate(MaterialDelivery).exists()
