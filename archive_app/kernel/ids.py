"""Identifiers: random enough not to be guessed, ordered by time so that lists can be paged by them."""

import re
import secrets
from datetime import datetime
from uuid import UUID

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_id(now: datetime, order: int = 0) -> str:
    """A UUID version 7 as text, 36 characters (RFC 9562 §5.7); `now` is aware.

    `order` sorts identifiers of the same instant (RFC 9562 §6.2, method 1); it wraps at 4,096.
    """
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds & (2**48 - 1)) << 80 | (order & 0xFFF) << 64 | secrets.randbits(64)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def is_id(text: str) -> bool:
    """Whether `text` has the form of an identifier of this archive."""
    return _IDENTIFIER.fullmatch(text) is not None


def lowest_id(moment: datetime) -> str:
    """A text that sorts after every identifier made before `moment` and before all others, to the millisecond."""
    milliseconds = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
