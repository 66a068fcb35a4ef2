"""One reader for each kind of text, run inside the sandbox, and its name and version for those outside.

A process reads one file, so a reader's module is imported only when it is used; this one is light.
"""

from __future__ import annotations

import importlib
import math
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, cast

from search.reading.model import ReadingError
from search.reading.passages import packed_children, packed_passages
from search.reading.writing import TIME_IS_OVER, Full, TextBuilder


@dataclass(frozen=True)
class Reader:
    """`module` has `read` as in ReadsText, and for kinds with children `take` as in TakesChildren.

    `version` grows when the same file gives more or better text, so that what an older one read can be read again.
    """

    name: str
    version: int
    module: str

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


class ReadsText(Protocol):
    def read(self, content: bytes, kind_code: str, text: TextBuilder) -> None:
        """Write the text, places and children of a file. Raises: ReadingError; Full, which it lets through."""


class TakesChildren(Protocol):
    def take(self, content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
        """The bytes of child `number`, counted from 1 as `read` told them. Raises: ReadingError."""


def _reader(name: str, version: int, module: str) -> Reader:
    return Reader(name, version, f"search.reading.{module}")


_WORD = _reader("doc", 1, "word_binary")
_WORKBOOK = _reader("xls", 1, "workbook_binary")
_SLIDES = _reader("ppt", 1, "slides_binary")
_OPEN_DOCUMENT = _reader("opendocument", 1, "open_document")
_TEXT, _MARKUP = _reader("text", 2, "plain"), _reader("markup", 2, "markup")

READERS: Mapping[str, Reader] = MappingProxyType({
    "txt": _TEXT, "md": _TEXT, "csv": _TEXT, "json": _TEXT,
    "html": _MARKUP, "xml": _MARKUP, "svg": _MARKUP,
    "eml": _reader("mail", 2, "mail"),
    "pdf": _reader("pdfium", 2, "pdf"),
    "docx": _reader("docx", 2, "word"),
    "xlsx": _reader("xlsx", 2, "spreadsheet"),
    "pptx": _reader("pptx", 2, "slides"),
    "zip": _reader("zip", 1, "archives"), "tar": _reader("tar", 1, "archives"), "gz": _reader("gz", 1, "archives"),
    "doc": _WORD, "wps": _WORD, "xls": _WORKBOOK, "et": _WORKBOOK, "ppt": _SLIDES, "dps": _SLIDES,
    "rtf": _reader("rtf", 1, "rich_text"),
    "odt": _OPEN_DOCUMENT, "ods": _OPEN_DOCUMENT, "odp": _OPEN_DOCUMENT, "odf": _OPEN_DOCUMENT,
    "ofd": _reader("ofd", 1, "fixed_pages"),
    "msg": _reader("msg", 1, "outlook"),
})  # fmt: skip


def read_text(
    content: bytes,
    *,
    kind_code: str,
    limit_bytes: int,
    cpu_seconds: float = math.inf,
    wall_seconds: float = math.inf,
    interrupted: bool = False,
) -> tuple[dict[str, Any], bytes]:
    """Facts for TextResult, and one after the other the UTF-8 text of at most `limit_bytes`, passages and children.

    What was written before a limit of size, time or memory was reached is kept and marked as truncated. `interrupted`
    has a signal end the time also where a reader does not ask for it; only a process of its own may say so.

    Raises: ReadingError.
    """
    reader = READERS[kind_code]
    text = TextBuilder(limit_bytes, cpu_seconds=cpu_seconds, wall_seconds=wall_seconds)
    module = cast("ReadsText", importlib.import_module(reader.module))
    try:
        with _ended_after(cpu_seconds, text) if interrupted else nullcontext():
            module.read(content, kind_code, text)
    except Full:
        text.truncated = True
    except MemoryError:
        if text.empty:
            raise
        text.truncated = True
        text.warn("the reader stopped because its memory was used up")
    parts = (text.text.encode(), packed_passages(text.passages), packed_children(text.children))
    facts = {
        "sizes": [len(part) for part in parts],
        "pages": text.pages,
        "reader": reader.label,
        "truncated": text.truncated,
        "warnings": text.warnings,
        "blank_pages": text.blank_pages,
    }
    return facts, b"".join(parts)


@contextmanager
def _ended_after(cpu_seconds: float, text: TextBuilder) -> Iterator[None]:
    """Have Full raised wherever the reader then is: parsers of others take very long on what nobody writes."""

    def time_is_over(*signalled: object) -> None:
        del signalled
        text.warn(TIME_IS_OVER)
        raise Full

    signal.signal(signal.SIGPROF, time_is_over)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def read_child(content: bytes, *, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """The bytes of child `number`.

    Raises: ReadingError ("unsupported" where there is no such child; its `refused`; "too_large" beyond `limit_bytes`).
    """
    module = cast("TakesChildren", importlib.import_module(READERS[kind_code].module))
    child = module.take(content, kind_code, number, limit_bytes)
    if len(child) > limit_bytes:
        raise ReadingError("too_large", f"the file inside is larger than {limit_bytes} bytes")
    return child
