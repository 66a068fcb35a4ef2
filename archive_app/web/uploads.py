"""Bodies that are files: read as they come, never spooled.

A script sends the bare bytes of one file. A plain form sends multipart: its first field is the request token, checked
before any file is handed out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Request, g
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from archive_app.web.gate import check_token

_BLOCK_BYTES = 256 * 1024
_FIELD_LIMIT_BYTES = 64 * 1024
_FIELDS_LIMIT = 50


@dataclass(frozen=True)
class FilePart:
    """One file of a form: its offered name, claimed type, and its bytes while they come."""

    name: str
    media_type: str
    stream: "PartStream"
    fields: dict[str, str]


class PartStream:
    """The bytes of the present part. Whatever its taker leaves unread is skipped."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def read(self, _size: int = -1, /) -> bytes:
        """The next bytes of the file, as many as came; none at its end."""
        return next(self._parts, b"")


class BodyStream:
    """The bytes of a request's body while they come."""

    def __init__(self, request: Request) -> None:
        self._stream = request.stream

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises: ConnectionResetError when the sender went away before the announced end."""
        try:
            return self._stream.read(size)
        except (ClientDisconnected, ParseException) as error:
            # The server tells a chunked body that ends too early by an error of its parser.
            raise ConnectionResetError("the sender went away") from error


def request_body(request: Request) -> tuple[BodyStream, int | None]:
    """The bare body of a request and its announced length. Refuses a request whose token was not checked."""
    if getattr(g, "token_unchecked", False):
        raise CSRFError("the request token is missing")
    return BodyStream(request), request.content_length


def form_files(request: Request) -> Iterator[FilePart]:
    """The files of a multipart form, one after the other; fields before a file come with it.

    Raises: CSRFError when the token does not come first; BadRequest for what is no such form.
    """
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise BadRequest
    # The decoder refuses what does not fit into its buffer: a block, and what it kept of the one before.
    decoder = MultipartDecoder(boundary.encode("latin-1"), max_form_memory_size=2 * _BLOCK_BYTES, max_parts=2000)
    events = _events(request, decoder)
    fields: dict[str, str] = {}
    count = 0
    for event in events:
        if isinstance(event, Field):
            count += 1
            if count > _FIELDS_LIMIT:
                raise BadRequest
            fields[event.name] = _value(_part(events))
        elif isinstance(event, File):
            if getattr(g, "token_unchecked", False):
                check_token(fields.get("csrf_token"))
            rest = _part(events)
            claimed = event.headers.get("content-type", "")
            yield FilePart(event.filename or "", claimed, PartStream(rest), dict(fields))
            for _unread in rest:
                pass


def _value(blocks: Iterator[bytes]) -> str:
    value = b""
    for block in blocks:
        value += block
        if len(value) > _FIELD_LIMIT_BYTES:
            raise RequestEntityTooLarge
    return value.decode("utf-8", "replace")


def _part(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        if not isinstance(event, Data):
            raise BadRequest
        if event.data:
            yield event.data
        if not event.more_data:
            return


def _events(request: Request, decoder: MultipartDecoder) -> Iterator[Event]:
    body, ended = BodyStream(request), False
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            if ended:
                raise BadRequest
            block = body.read(_BLOCK_BYTES)
            ended = not block
            decoder.receive_data(block or None)
        elif isinstance(event, Epilogue):
            return
        else:
            yield event
