"""The jobs of reading as their callers see them: text with places, files inside of files, a page as a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, BinaryIO, TypeVar

from search.reading.kinds import KINDS, UNKNOWN
from search.reading.model import CHILD_LIMITS, DEFAULT_LIMITS, Limits, PageImage, ReadingError, TextResult
from search.reading.passages import FACTS_BYTES, unpacked_children, unpacked_passages
from search.reading.readers import READERS
from search.reading.sandbox import Answer, run_confined

# Of these the beginning is as readable as the whole.
_CUTTABLE = frozenset({"txt", "md", "csv", "json"})
_WIDTH_LIMIT_PX = 4096
# A reader stops by itself after this share of its time, so that its text is kept; the rest is for handing it over.
_SHARE_OF_TIME = 0.75
_MOST_PAGES = 10**9
_READER = re.compile(r"[a-z0-9-]{1,40}/[0-9]{1,6}")

READERS_NOW: Mapping[str, str] = MappingProxyType({code: reader.label for code, reader in READERS.items()})
"""By kind code the reader that `extract_text` would use today, as in `TextResult.reader`."""

Fact = TypeVar("Fact")


def extract_text(content: BinaryIO, kind_code: str, *, limits: Limits = DEFAULT_LIMITS) -> TextResult:
    """The text of a file of this kind (`Kind.code`), read to its end from where the stream stands, in the sandbox.

    An empty text means a readable file without text, such as a scan. Only `content.read(size)` is called.

    Raises: ReadingError; whatever reading `content` raises.
    """
    if kind_code == "office-encrypted":
        raise ReadingError("encrypted", "the document is protected by a password")
    if not KINDS.get(kind_code, UNKNOWN).text_readable:
        raise ReadingError("unsupported", f"no reader for the text of kind {kind_code!r}")
    answer = run_confined(
        ("search.reading.readers", "read_text"),
        content,
        arguments={
            "kind_code": kind_code,
            "limit_bytes": limits.output_bytes,
            "cpu_seconds": limits.cpu_seconds * _SHARE_OF_TIME,
            "wall_seconds": limits.wall_seconds * _SHARE_OF_TIME,
            "interrupted": True,
        },
        limits=replace(limits, output_bytes=limits.output_bytes + FACTS_BYTES),
        cut_input=kind_code in _CUTTABLE,
    )
    return _text_result(answer, limits)


def extract_child(content: BinaryIO, kind_code: str, number: int, *, limits: Limits = CHILD_LIMITS) -> bytes:
    """The bytes of the child that `extract_text` listed under `number`, of at most `limits.output_bytes`.

    Raises: ReadingError: "unsupported" where there is no such child, the code of `Child.refused` where that is set,
        "too_large"; whatever reading `content` raises.
    """
    if not KINDS.get(kind_code, UNKNOWN).children:
        raise ReadingError("unsupported", f"files of kind {kind_code!r} hold no files")
    answer = run_confined(
        ("search.reading.readers", "read_child"),
        content,
        arguments={"kind_code": kind_code, "number": number, "limit_bytes": limits.output_bytes},
        limits=limits,
    )
    return answer.content


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
    width, height, page_count = (fact(answer.facts.get(name), int) for name in ("width", "height", "page_count"))
    return PageImage(answer.content, "image/webp", width, height, page_count)


def _text_result(answer: Answer, limits: Limits) -> TextResult:
    facts = answer.facts
    encoded, passages, children = _parts(answer)
    if len(encoded) > limits.output_bytes:
        raise ReadingError("output_limit", "the reader wrote more than its limit")
    text = encoded.decode("utf-8", "replace")
    pages = _pages(facts.get("pages"))
    return TextResult(
        text=text,
        pages=pages,
        reader=_reader(fact(facts.get("reader"), str)),
        truncated=fact(facts.get("truncated"), bool) or answer.input_cut,
        warnings=tuple(fact(warning, str) for warning in fact(facts.get("warnings"), list)),
        passages=unpacked_passages(passages, text),
        children=unpacked_children(children),
        blank_pages=_blank_pages(fact(facts.get("blank_pages"), list), pages),
    )


def _parts(answer: Answer) -> tuple[bytes, bytes, bytes]:
    sizes = fact(answer.facts.get("sizes"), list)
    if len(sizes) != 3 or any(fact(size, int) < 0 for size in sizes) or sum(sizes) != len(answer.content):  # noqa: PLR2004
        raise ReadingError("killed", "the reader answered parts that do not fit together")
    text, passages, _ = sizes
    return answer.content[:text], answer.content[text : text + passages], answer.content[text + passages :]


def _pages(count: Any) -> int | None:
    if count is not None and not 0 <= fact(count, int) <= _MOST_PAGES:
        raise ReadingError("killed", "the reader answered a number of pages that no file has")
    return None if count is None else int(count)


def _reader(name: str) -> str:
    if not _READER.fullmatch(name):
        raise ReadingError("killed", "the reader answered a name that no reader has")
    return name


def _blank_pages(numbers: list[Any], pages: int | None) -> tuple[int, ...]:
    found = tuple(fact(number, int) for number in numbers)
    in_order = all(before < after for before, after in zip((-1, *found), found, strict=False))
    if not in_order or (found and found[-1] >= (pages or 0)):
        raise ReadingError("killed", "the reader answered pages that do not exist")
    return found


def fact(value: Any, kind: type[Fact]) -> Fact:
    """The value, if a reader that may be in a hostile file's hands gave it the promised type. Raises: ReadingError."""
    # True is an int to Python, and no number to us.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ReadingError("killed", "the reader answered outside of its protocol")
    return value
