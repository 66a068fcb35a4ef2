"""The values of reading: limits, results and the one error. Light, because both sides of the sandbox import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.errors import SearchError

MIB = 2**20

ReadingCode = Literal[
    "unreadable", "too_large", "timeout", "memory", "killed", "encrypted", "output_limit", "unsupported"
]


class ReadingError(SearchError):
    """One file could not be read; the archive, the worker and the other files are unharmed.

    `code` is stable and drives what the user is told; the message is for developers and never quotes the file.
    """

    def __init__(self, code: ReadingCode, message: str) -> None:
        super().__init__(message)
        self.code: ReadingCode = code


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Beyond any of these its reader is stopped.

    `memory_bytes` is address space (RLIMIT_AS), which for mapped libraries is well above what is resident.
    `processes` counts the reader's threads; it can never start another process.
    """

    memory_bytes: int = 1024 * MIB
    cpu_seconds: int = 20
    wall_seconds: float = 40.0
    output_bytes: int = 16 * MIB
    input_bytes: int = 256 * MIB
    processes: int = 32
    open_files: int = 64


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class TextResult:
    """The text of a file, lines ended by "\\n", without control characters.

    `pages` counts PDF pages and is None for other kinds; `truncated` says that text beyond a limit was left out.
    """

    text: str
    pages: int | None
    reader: str
    truncated: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PageImage:
    """One page or picture as WebP, with `width` and `height` in pixels."""

    content: bytes
    media_type: str
    width: int
    height: int
    page_count: int


@dataclass(frozen=True)
class Isolation:
    """What holds a reader on this machine. `gaps` names, in English, what the kernel would not give."""

    namespaces: tuple[str, ...]
    landlock_abi: int
    syscall_filter: bool
    gaps: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.gaps
