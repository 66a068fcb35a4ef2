"""Originals on their way out: exact bytes, whole or in parts (RFC 9110 §14), never shown by a browser."""

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO, cast
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import wrap_file

_COPY_BYTES = 256 * 1024


def package_answer(package: Iterable[bytes], *, name: str) -> Response:
    """A file that is made while it goes out; its `close`, if it has one, is called at the end of the answer. No ranges:
    the next time it says another moment."""
    response = Response(package, mimetype="application/octet-stream", direct_passthrough=True)
    response.headers["Content-Disposition"] = _attached(name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _attached(name: str) -> str:
    # Only the RFC 8187 form: a header with the bare name would not survive every server.
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def content_answer(stream: object, *, name: str, size_bytes: int, sha256: bytes, modified_at: datetime) -> BaseResponse:
    """The bytes of `stream`, which is readable, seekable and closed at the end of the answer. HEAD, Range, If-Range
    and If-None-Match are answered. Raises: RequestedRangeNotSatisfiable."""
    source = cast("BinaryIO", stream)
    response = Response(
        wrap_file(request.environ, source, _COPY_BYTES), mimetype="application/octet-stream", direct_passthrough=True
    )
    response.content_length = size_bytes
    response.headers["Content-Disposition"] = _attached(name)
    response.set_etag(sha256.hex())
    response.last_modified = modified_at
    try:
        return response.make_conditional(request, accept_ranges=True, complete_length=size_bytes)
    except RequestedRangeNotSatisfiable:
        source.close()
        raise
