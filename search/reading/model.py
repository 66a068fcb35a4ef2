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
CHILD_LIMITS = Limits(output_bytes=64 * MIB)
"""For files that are taken out of others: what comes out is a whole file, not a text."""


@dataclass(frozen=True)
class Passage:
    """A stretch of a text, from character `start` to the start of the next one, and where it stands in the file.

    `place` is one of `page:3`, `slide:2`, `notes:2`, `row:<sheet>!12` (its cells are set apart by tabs, the first one
    is column A), `sheet:<sheet>` (its name, what belongs to no row), `paragraph:12` (of the body; a table's row is
    one), `line:120`, `header`, `footer`, `comment:3`, `footnote:3`, `mail` (its headers, the names of its
    attachments), `body`; numbers count from 1. Of a text with very many passages neighbours are one: the place is
    that of the first. Recognised text has a `confidence` in percent and a `box`: left, top, width and height as
    fractions of the page.
    """

    start: int
    place: str
    confidence: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Child:
    """A file inside a file: an attachment of a mail, a member of a ZIP. `number` counts from 1 in the file's order.

    `name` is as it stands there on one line, a hostile path included; it may be empty. `size_bytes` is what the
    container says. `refused` is the reason why its content is not taken out.
    """

    number: int
    name: str
    size_bytes: int | None
    refused: ReadingCode | None = None


@dataclass(frozen=True)
class TextResult:
    """The text of a file, lines ended by "\\n", without control characters.

    `pages` counts pages (PDF, OFD, TIFF) or slides and is None for other kinds; `truncated` says that text beyond a
    limit was left out. `reader` is the reader's name and version, such as `docx/2`: a higher number reads better.
    `blank_pages` are the pages (from 0) that have pictures and no text, so that recognition may find some.
    """

    text: str
    pages: int | None
    reader: str
    truncated: bool
    warnings: tuple[str, ...]
    passages: tuple[Passage, ...] = ()
    children: tuple[Child, ...] = ()
    blank_pages: tuple[int, ...] = ()


@dataclass(frozen=True)
class RecognisedPage:
    """The text that recognition found on one page, line by line; `confidence` is the mean in percent, by characters.

    `turned` is by how many degrees clockwise the page was turned to stand upright: 0, 90, 180 or 270. The boxes are
    those of the page as it is. `page_count` is that of the whole file.
    """

    text: str
    passages: tuple[Passage, ...]
    confidence: int
    engine: str
    turned: int = 0
    page_count: int = 1


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
