"""Files that programs send: read as they come, counted, and compared with what was announced."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.web.uploads import BodyStream

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_DIGEST_BYTES = 32
_DIGEST_HEADERS = ("Repr-Digest", "Content-Digest")
_FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
_DRAIN_BYTES = 256 * 1024


class IncompleteBodyError(ArchiveError):
    """The body ended before its announced end, or its sender went silent."""

    code = "body_incomplete"
    message = N_("The transfer broke off after %(received)s bytes. Nothing of it was kept; send it again.")


class DigestMismatchError(ArchiveError):
    """The bytes that came are not those whose digest was announced."""

    code = "digest_mismatch"
    message = N_("The bytes received do not have the announced SHA-256. Nothing of them was kept; send the file again.")


class SentFile:
    """The bytes of one file while they come. `on_progress` is called with each block."""

    def __init__(self, request: Request) -> None:
        if request.mimetype in _FORMS:
            raise UnsupportedMediaType
        self.media_type = request.mimetype
        self.on_progress: Callable[[], None] = _nothing
        self._body = BodyStream(request)
        self._expected_bytes = request.content_length
        self._announced = announced_digest(request)
        self._digest = hashlib.sha256()
        self._received = 0

    @property
    def sha256(self) -> bytes:
        """The digest of all that came so far."""
        return self._digest.digest()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at an end that is as announced. Raises: IncompleteBodyError, DigestMismatchError."""
        try:
            block = self._body.read(size)
        except OSError as error:
            raise IncompleteBodyError(received=self._received) from error
        self._digest.update(block)
        self._received += len(block)
        if size and not block:
            self._confirm()
        self.on_progress()
        return block

    def drain(self) -> bytes:
        """Reads all that is left; the digest of the whole. Raises: IncompleteBodyError, DigestMismatchError."""
        while self.read(_DRAIN_BYTES):
            pass
        return self.sha256

    def _confirm(self) -> None:
        # At the end of the body and before anybody keeps it: whoever takes it never sees that end.
        if self._expected_bytes is not None and self._received != self._expected_bytes:
            raise IncompleteBodyError(received=self._received)
        if self._announced is not None and self.sha256 != self._announced:
            raise DigestMismatchError


def announced_digest(request: Request) -> bytes | None:
    """The SHA-256 of the body that a header announces (RFC 9530 §2, §3). Raises: BadRequest for one that is none."""
    for name in _DIGEST_HEADERS:
        found = _SHA256.search(request.headers.get(name, ""))
        if found:
            try:
                digest = base64.b64decode(found[1], validate=True)
            except binascii.Error as error:
                raise BadRequest from error
            if len(digest) != _DIGEST_BYTES:
                raise BadRequest
            return digest
    return None


def _nothing(*_: Any) -> None:
    """Nobody watches."""
