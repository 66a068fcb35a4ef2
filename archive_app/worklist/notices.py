"""Notices by mail: what a room has to tell somebody, written in its own transaction and sent once by the worker.

A notice names the number of an engagement and what is to be done, never more: mail is read by many machines on its way.
What it must carry and nobody else may read (a one-time code, the token of a link) is its secret: wrapped like a data
key as long as it waits, erased when it was sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select

from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.wrapped_secrets import WrappedSecrets, keep_wrapped
from archive_app.worklist.models import Notice
from storage import WrappedKey

WAITING, CLAIMED, HANDING_OVER = "waiting", "claimed", "handing_over"
SENT, UNCERTAIN, REFUSED, VOID = "sent", "uncertain", "refused", "void"
SECRET_KEPT = timedelta(days=7)
"""How long a secret waits to be sent; afterwards its notice is void, because it opens nothing any more."""
SECRET_PLACE = "{secret}"  # noqa: S105  # where the secret stands in a link
_LONGEST, _LONGEST_LOCAL, _REASON_LIMIT = 254, 64, 300
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_KINDS: dict[str, "NoticeKind"] = {}
KINDS: Mapping[str, "NoticeKind"] = MappingProxyType(_KINDS)


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: its stable code, and the catalogue keys of its subject, of what it says, and of why somebody
    gets it. `subject` and `body` may name `%(number)s` (of the engagement) and, `body` alone, `%(secret)s`."""

    code: str
    subject: str
    body: str
    why: str


def notice_kind(code: str, *, subject: str, body: str, why: str) -> NoticeKind:
    """Declares a kind of notice at the top of a feature's module. Raises: ValueError when the code is taken."""
    if code in _KINDS:
        raise ValueError(f"the notice kind {code} is declared twice")
    _KINDS[code] = NoticeKind(code, subject, body, why)
    return _KINDS[code]


def send_notice(
    uow: UnitOfWork,
    *,
    key: str,
    kind: NoticeKind,
    language: str,
    link: str,
    organisation_id: str | None,
    person_id: str | None = None,
    address: str | None = None,
    engagement_id: str | None = None,
    task_id: str | None = None,
    secret: bytes = b"",
    not_before: datetime | None = None,
) -> Notice:
    """A step: somebody is told by mail, once for each `key`, after this transaction has committed.

    Either `person_id`, who is told where they want it, or `address` of somebody without an account. `link` is a path on
    this archive, beginning with a slash; `{secret}` in it becomes the secret, UTF-8, and so does `%(secret)s` in the
    kind's body. Raises: ValueError for neither or both of person and address, a link that is no path, or an address
    that a mail cannot go to.
    """
    if (person_id is None) == (address is None):
        raise ValueError("a notice goes to a person or to an address")
    if not link.startswith("/") or link.startswith("//"):
        raise ValueError("the link of a notice is a path on this archive")
    if address is not None and not is_address(address):
        raise ValueError("no mail can go to this address")
    known = uow.session.scalar(select(Notice).where(Notice.key == key))
    if known is not None:
        return known
    notice = Notice(
        id=uow.new_id(),
        key=key,
        kind=kind.code,
        organisation_id=organisation_id,
        person_id=person_id,
        task_id=task_id,
        engagement_id=engagement_id,
        address=address,
        language=language if language in LANGUAGES else DEFAULT_LANGUAGE,
        link=link,
        state=WAITING,
        attempts=0,
        not_before=not_before or uow.now,
        reason="",
        created_at=uow.now,
    )
    if secret:
        wrapped = uow.archive.vault.keyring.wrap(secret, _context(notice.id))
        notice.key_epoch, notice.wrapped_secret = wrapped.epoch, wrapped.wrapped
    uow.session.add(notice)
    uow.session.flush()
    return notice


def is_address(text: str) -> bool:
    """Whether a mail can go there: something@host.domain in letters that every server takes, and nothing that could
    end a line of a header or of the protocol."""
    local, at, host = text.rpartition("@")
    return (
        bool(at and _LOCAL.fullmatch(local) and _HOST.fullmatch(host))
        and len(local) <= _LONGEST_LOCAL
        and len(text) <= _LONGEST
    )


def secret_of(uow: UnitOfWork, notice: Notice) -> str:
    """A step: the secret that the notice carries, empty where it has none. Raises: KeyMissing, KeyCorrupt."""
    if notice.key_epoch is None or notice.wrapped_secret is None:
        return ""
    key = WrappedKey(notice.key_epoch, notice.wrapped_secret)
    return uow.archive.vault.keyring.unwrap(key, _context(notice.id)).decode()


def end_notice(notice: Notice, state: str, reason: str = "") -> None:
    """The end of a notice, with its secret erased."""
    notice.state, notice.reason, notice.claimed_until = state, reason[:_REASON_LIMIT], None
    notice.key_epoch, notice.wrapped_secret = None, None


def _context(notice_id: str) -> bytes:
    return b"notice:" + notice_id.encode()


keep_wrapped(WrappedSecrets("notice", Notice.id, Notice.key_epoch, Notice.wrapped_secret, _context))
