"""Reading without the sandbox around it, through the same packing and checking."""

from __future__ import annotations

from typing import Any

from search.reading.extraction import _text_result
from search.reading.model import Isolation, Limits, TextResult
from search.reading.readers import read_child, read_text
from search.reading.sandbox import Answer

LIMIT = 10**6
_NOTHING = Isolation((), 0, False, ())


def read_in_process(content: bytes, kind_code: str, limit_bytes: int = LIMIT, **budget: Any) -> TextResult:
    facts, body = read_text(content, kind_code=kind_code, limit_bytes=limit_bytes, **budget)
    return _text_result(Answer(facts, body, _NOTHING, input_cut=False), Limits(output_bytes=limit_bytes))


def child_in_process(content: bytes, kind_code: str, number: int, limit_bytes: int = LIMIT) -> bytes:
    return read_child(content, kind_code=kind_code, number=number, limit_bytes=limit_bytes)


def places_and_texts(result: TextResult) -> list[tuple[str, str]]:
    """Each passage's place with its text, from which the whole text can be put together again."""
    ends = [passage.start for passage in result.passages[1:]] + [len(result.text)]
    return [
        (passage.place, result.text[passage.start : end].rstrip("\n"))
        for passage, end in zip(result.passages, ends, strict=True)
    ]
