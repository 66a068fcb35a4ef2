"""One reader for each kind of text, run inside the sandbox: bytes in, cleaned UTF-8 out.

A process reads one file, so each reader is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from search.reading.encodings import Decoded, decode
from search.reading.kinds import KINDS
from search.reading.model import ReadingError
from search.reading.passages import clean


@dataclass(frozen=True)
class _Read:
    text: str
    reader: str
    pages: int | None = None
    truncated: bool = False
    warnings: tuple[str, ...] = ()


def read_text(content: bytes, *, kind_code: str, limit_bytes: int) -> tuple[dict[str, Any], bytes]:
    """Facts for TextResult, and the text as UTF-8 of at most `limit_bytes`.

    Raises: ReadingError.
    """
    read = READERS[kind_code](content, kind_code, limit_bytes)
    encoded = clean(read.text).encode()
    # Cut between characters: what is left of a halved one is ignored.
    kept = encoded if len(encoded) <= limit_bytes else encoded[:limit_bytes].decode("utf-8", "ignore").encode()
    truncated = read.truncated or len(kept) < len(encoded)
    return {"pages": read.pages, "reader": read.reader, "truncated": truncated, "warnings": read.warnings}, kept


def _plain(content: bytes, kind_code: str, limit: int) -> _Read:
    del kind_code
    decoded = decode(content)
    if decoded is None:
        raise ReadingError("unreadable", "the content is no text in any known encoding")
    return _Read(decoded.text[: limit + 1], "text", warnings=_doubts(decoded))


def _markup(content: bytes, kind_code: str, limit: int) -> _Read:
    del kind_code
    from search.reading.markup import markup_text

    found = markup_text(content, limit)
    if found is None:
        raise ReadingError("unreadable", "the content is no text in any known encoding")
    text, cut, decoded = found
    return _Read(text, "markup", truncated=cut, warnings=_doubts(decoded))


def _mail(content: bytes, kind_code: str, limit: int) -> _Read:
    del kind_code
    from search.reading.mail import mail_text

    return _Read(mail_text(content, limit), "mail")


def _pdf(content: bytes, kind_code: str, limit: int) -> _Read:
    del kind_code
    from search.reading.pdf import pdf_text

    text, cut, pages, unread = pdf_text(content, limit)
    warnings = (f"{unread} of {pages} pages could not be read",) if unread else ()
    return _Read(text, "pdfium", pages, cut, warnings)


def _word(content: bytes, kind_code: str, limit: int) -> _Read:
    del kind_code
    from search.reading.open_xml import word_text

    text, cut = word_text(content, limit)
    return _Read(text, "wordprocessingml", truncated=cut)


def _kreuzberg(content: bytes, kind_code: str, limit: int) -> _Read:
    del limit
    from search.reading.open_xml import checked_package, verify_parts

    with checked_package(content) as package:
        verify_parts(package)
    import kreuzberg  # only after the package is known to be sound: it costs 0.1 s

    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        # It would drop passages that look like noise or repeat.
        enable_quality_processing=False,
        content_filter=kreuzberg.ContentFilterConfig(
            include_headers=True, include_footers=True, strip_repeating_text=False
        ),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        result = kreuzberg.extract_bytes_sync(content, KINDS[kind_code].media_type, config)
    except kreuzberg.KreuzbergError as error:
        raise ReadingError("unreadable", f"kreuzberg: {type(error).__name__}") from error
    text = result.content
    if kind_code == "pptx":
        # Above a speaker's notes kreuzberg sets an English heading, which nobody wrote.
        text = text.replace("\n\nNotes:\n\n", "\n\n")
    return _Read(text, "kreuzberg")


def _doubts(decoded: Decoded) -> tuple[str, ...]:
    damaged = (f"{decoded.damaged} characters are damaged",) if decoded.damaged else ()
    guessed = ("the encoding is a guess: Windows-1252",) if decoded.encoding == "cp1252" else ()
    return damaged + guessed


READERS: dict[str, Callable[[bytes, str, int], _Read]] = {
    "txt": _plain, "md": _plain, "csv": _plain, "json": _plain,
    "html": _markup, "xml": _markup, "svg": _markup,
    "eml": _mail, "pdf": _pdf, "docx": _word, "xlsx": _kreuzberg, "pptx": _kreuzberg,
}  # fmt: skip
