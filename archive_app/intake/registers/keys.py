"""What two writings of the same name or number have in common."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_SPACE = re.compile(r"\s+")
_BRACKETS = re.compile(r"[()\[\]{}<>〔〕【】〈〉《》「」『』]")
_DASHES = re.compile(r"[-‐‑‒–—―−_/\\·.。,,、:：\s]+")
_PATH = re.compile(r"[\\/]")


def plain(text: str) -> str:
    """Width, case and Unicode form taken away, spaces made single: `ＨＣ　01` and `hc 01` are the same."""
    # No database takes NUL in what it compares; the check of a row names it.
    text = unicodedata.normalize("NFKC", text.replace("\0", ""))
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text.casefold())).strip()


def name_key(text: str) -> str:
    """What a person or a body is compared by."""
    return plain(text).replace(" ", "")


def number_key(text: str) -> str:
    """What a number is compared by: 绿核〔2025〕3号 = 绿核[2025]3号, HC—2025/001 = hc-2025-001."""
    return _DASHES.sub("-", _BRACKETS.sub("-", plain(text))).strip("-")


def file_key(text: str) -> str:
    """What a file name is compared by; of a path only the last part counts."""
    return plain(base_name(text))


def base_name(text: str) -> str:
    """The last part of a name that may be a path of any system."""
    return _PATH.split(text.strip())[-1].strip()


def stem(name: str) -> str:
    """A name without its ending; `报告.v2` has none, because endings are short and made of letters and digits."""
    head, dot, ending = name.rpartition(".")
    return head if dot and head and re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,4}", ending) else name


def portions(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    left = iter(items)
    while portion := list(islice(left, size)):
        yield portion
