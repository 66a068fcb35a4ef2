"""Originals on their way out: exact bytes, whole or in parts (RFC 9110 §14), never shown by a browser."""

from datetime import datetime
from typing import BinaryIO, cast
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import wrap_file

_COPY_BYTES = 256 * 1024


def content_answer(stream: object, *, name: str, size_bytes: int, sha256: bytes, modified_at: datetime) -> BaseResponse:
    """The bytes of `stream`, which is readable, seekable and closed at the end of the answer. HEAD, Range, If-Range
    and If-None-Match are answered. Raises: RequestedRangeNotSatisfiable."""
    source = cast("BinaryIO", stream)
    response = Response(
        wrap_file(request.environ, source, _COPY_BYTES), mimetype="application/octet-stream", direct_passthrough=True
    )
    response.content_length = size_bytes
    # Only the RFC 8187 form: a header with the bare name would not survive every server.
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.set_etag(sha256.hex())
    response.last_modified = modified_at
    try:
        return response.make_conditional(request, accept_ranges=True, complete_length=size_bytes)
    except RequestedRangeNotSatisfiable:
        source.close()
        raise
