"""The recursive definitions of RFC 6962 §2.1, written down as they stand there, over counted leaves."""

import hashlib
from functools import cache


def leaf(position: int) -> bytes:
    """Leaf hash of the decimal position."""
    return hashlib.sha256(b"\x00" + str(position).encode()).digest()


@cache
def mth(begin: int, end: int) -> bytes:
    """MTH(D[begin:end])."""
    if begin == end:
        return hashlib.sha256(b"").digest()
    if end - begin == 1:
        return leaf(begin)
    middle = begin + split(end - begin)
    return hashlib.sha256(b"\x01" + mth(begin, middle) + mth(middle, end)).digest()


def path(index: int, begin: int, end: int) -> list[bytes]:
    """PATH(index, D[begin:end]) with an absolute index."""
    if end - begin == 1:
        return []
    middle = begin + split(end - begin)
    if index < middle:
        return [*path(index, begin, middle), mth(middle, end)]
    return [*path(index, middle, end), mth(begin, middle)]


def subproof(old_end: int, begin: int, end: int, *, whole: bool = True) -> list[bytes]:
    """SUBPROOF(old_end, D[begin:end], whole) with an absolute end."""
    if old_end == end:
        return [] if whole else [mth(begin, end)]
    middle = begin + split(end - begin)
    if old_end <= middle:
        return [*subproof(old_end, begin, middle, whole=whole), mth(middle, end)]
    return [*subproof(old_end, middle, end, whole=False), mth(begin, middle)]


def split(size: int) -> int:
    """The largest power of two smaller than size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def read(level: int, index: int) -> bytes:
    """A hash reader for `archive_app.proof.merkle`."""
    return mth(index << level, (index + 1) << level)
