"""The two jobs of reading as their callers see them: text, and a page as a picture."""

from __future__ import annotations

from typing import Any, BinaryIO, TypeVar

from search.reading.kinds import KINDS, UNKNOWN
from search.reading.model import DEFAULT_LIMITS, Limits, PageImage, ReadingError, TextResult
from search.reading.sandbox import run_confined

# Of these the beginning is as readable as the whole.
_CUTTABLE = frozenset({"txt", "md", "csv", "json"})
_WIDTH_LIMIT_PX = 4096

Fact = TypeVar("Fact")


def extract_text(content: BinaryIO, kind_code: str, *, limits: Limits = DEFAULT_LIMITS) -> TextResult:
    """The text of a file of this kind (`Kind.code`), read to its end from where the stream stands, in the sandbox.

    An empty text means a readable file without text, such as a scan. Only `content.read(size)` is called.

    Raises: ReadingError; whatever reading `content` raises.
    """
    if not KINDS.get(kind_code, UNKNOWN).text_readable:
        raise ReadingError("unsupported", f"no reader for the text of kind {kind_code!r}")
    answer = run_confined(
        ("search.reading.readers", "read_text"),
        content,
        arguments={"kind_code": kind_code, "limit_bytes": limits.output_bytes},
        limits=limits,
        cut_input=kind_code in _CUTTABLE,
    )
    facts = answer.facts
    pages = facts.get("pages")
    return TextResult(
        text=answer.content.decode("utf-8", "replace"),
        pages=None if pages is None else _fact(pages, int),
        reader=_fact(facts.get("reader"), str),
        truncated=_fact(facts.get("truncated"), bool) or answer.input_cut,
        warnings=tuple(_fact(warning, str) for warning in _fact(facts.get("warnings"), list)),
    )


def render_page(
    content: BinaryIO, kind_code: str, page_index: int, *, width_px: int, limits: Limits = DEFAULT_LIMITS
) -> PageImage:
    """Page `page_index` (from 0) of a PDF at this width, or a picture at most this wide, as WebP, in the sandbox.

    `width_px` is from 1 to 4096. Pictures are upright (EXIF) and on white; animations show their first frame. A page
    that is many times longer than wide comes out narrower. A page index beyond the last is "unsupported".

    Raises: ReadingError; ValueError for a width out of range; whatever reading `content` raises.
    """
    if not KINDS.get(kind_code, UNKNOWN).page_images:
        raise ReadingError("unsupported", f"no page images for kind {kind_code!r}")
    if not 1 <= width_px <= _WIDTH_LIMIT_PX:
        raise ValueError(f"width_px must be from 1 to {_WIDTH_LIMIT_PX}")
    answer = run_confined(
        ("search.reading.pages", "page_picture"),
        content,
        arguments={"kind_code": kind_code, "page_index": page_index, "width_px": width_px},
        limits=limits,
    )
    if not (answer.content.startswith(b"RIFF") and answer.content[8:12] == b"WEBP"):
        raise ReadingError("killed", "the reader answered something that is no WebP picture")
    width, height, page_count = (_fact(answer.facts.get(name), int) for name in ("width", "height", "page_count"))
    return PageImage(answer.content, "image/webp", width, height, page_count)


def _fact(value: Any, kind: type[Fact]) -> Fact:
    """The value, if a reader that may be in a hostile file's hands gave it the promised type."""
    if not isinstance(value, kind):
        raise ReadingError("killed", "the reader answered outside of its protocol")
    return value
