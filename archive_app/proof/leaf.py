"""The leaf: the permanent form of one event in the audit log.

A leaf names the event, its code, time, actor, way in and subjects by ids, and commits to the event's `detail` (names,
titles, reasons) only by a salted digest. The detail can therefore be erased later and every proof stays valid, and
nobody can find out an erased detail by trying likely values. The format is described in `docs/formats/audit-log.md`.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import rfc8785

from archive_app.proof.errors import LeafError

LEAF_VERSION: Final = 1
SALT_BYTES: Final = 32
DIGEST_BYTES: Final = 32

# An entry bundle of C2SP tlog-tiles gives each entry's length in two bytes.
MAX_LEAF_BYTES: Final = 65_535

# Integers beyond this are not exact in every JSON reader (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
MAX_SAFE_INTEGER: Final = 2**53 - 1

# Deep enough for any event, far from the recursion limit of any reader.
MAX_DETAIL_DEPTH: Final = 32

_Json = None | bool | int | str | list["_Json"] | dict[str, "_Json"]


def leaf_bytes(
    *,
    event_id: str,
    code: str,
    occurred_at: datetime,
    actor: str,
    via: str,
    subjects: Mapping[str, str],
    detail_digest: bytes,
) -> bytes:
    """The leaf of one event: RFC 8785 canonical JSON, at most 65,535 bytes, the same bytes on every machine.

    `occurred_at` is any aware datetime; the leaf holds the instant in UTC to the microsecond. `subjects` maps a role
    ("document", "engagement") to an id. `detail_digest` comes from the function of that name.

    Raises:
        LeafError: naive datetime, empty or non-text id, malformed digest, or a leaf that is too long.
    """
    fields = {"event": event_id, "code": code, "actor": actor, "via": via}
    for name, value in fields.items():
        _require_text(name, value)
    for role, subject in subjects.items():
        _require_text("subject role", role)
        _require_text(f"subject {role!r}", subject)
    if len(detail_digest) != DIGEST_BYTES:
        raise LeafError(f"detail_digest must be {DIGEST_BYTES} bytes of SHA-256")
    encoded = rfc8785.dumps(
        {
            "v": LEAF_VERSION,
            **fields,
            "time": _format_time(occurred_at),
            "subjects": dict(subjects),
            "detail": detail_digest.hex(),
        }
    )
    if len(encoded) > MAX_LEAF_BYTES:
        raise LeafError(f"leaf has {len(encoded)} bytes, more than the {MAX_LEAF_BYTES} that an entry may have")
    return encoded


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf), 32 bytes (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def detail_digest(salt: bytes, detail: Mapping[str, object]) -> bytes:
    """SHA-256(salt ‖ canonical JSON of detail), 32 bytes.

    `salt` is 32 fresh random bytes per event, kept and erased together with the detail.

    Raises:
        LeafError: the salt has another length, or the detail holds something that `canonical_detail` refuses.
    """
    if len(salt) != SALT_BYTES:
        raise LeafError(f"salt must be {SALT_BYTES} random bytes")
    return hashlib.sha256(salt + canonical_detail(detail)).digest()


def canonical_detail(detail: Mapping[str, object]) -> bytes:
    """RFC 8785 canonical JSON of a detail made of null, booleans, safe integers, text, lists and objects.

    Text is taken as it is, without Unicode normalisation: a file name is evidence.

    Raises:
        LeafError: floats (NaN too), integers beyond ±(2^53 - 1), keys that are no text, lone surrogates, other types,
            or nesting deeper than 32 levels; the message names the place.
    """
    if not isinstance(detail, Mapping):
        raise LeafError(f"detail must be an object, not {type(detail).__name__}")
    return rfc8785.dumps(_plain(detail, "detail", MAX_DETAIL_DEPTH))


def _plain(value: object, place: str, levels_left: int) -> _Json:
    """Rebuild a detail from plain JSON types, so that nothing but what was checked here reaches the encoder."""
    if levels_left == 0:
        raise LeafError(f"{place} is nested deeper than {MAX_DETAIL_DEPTH} levels")
    match value:
        case None | bool():
            return value
        case int():
            return _safe_integer(value, place)
        case str():
            return _encodable(value, place)
        case list() | tuple():
            return [_plain(item, f"{place}[{i}]", levels_left - 1) for i, item in enumerate(value)]
        case Mapping():
            return {_key(key, place): _plain(item, f"{place}.{key}", levels_left - 1) for key, item in value.items()}
        case float():
            raise LeafError(f"{place} is a float; write figures as text, exactly as they were stated")
        case _:
            raise LeafError(f"{place} has type {type(value).__name__}, which is not plain JSON")


def _safe_integer(value: int, place: str) -> int:
    if abs(value) > MAX_SAFE_INTEGER:
        raise LeafError(f"{place} is an integer beyond ±(2^53 - 1), which not every JSON reader keeps exactly")
    return value


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise LeafError(f"{place} has a key of type {type(key).__name__}; keys must be text")
    return _encodable(key, f"a key of {place}")


def _encodable(text: str, place: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LeafError(f"{place} holds a lone surrogate, which UTF-8 cannot express") from error
    return text


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise LeafError(f"{name} must be non-empty text")
    _encodable(value, name)


def _format_time(moment: datetime) -> str:
    """`2026-11-21T06:45:00.123456Z`: always UTC, always six digits, so that one instant has one spelling."""
    if moment.utcoffset() is None:
        raise LeafError("occurred_at is a naive datetime; without a time zone it names no instant")
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise LeafError("occurred_at lies outside the years 1 to 9999 in UTC") from error
    return in_utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
