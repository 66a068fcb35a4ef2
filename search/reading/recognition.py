"""Recognition of scanned pages as its callers see it: which engine this machine has, and one page at a time."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from search.reading.kinds import KINDS, UNKNOWN
from search.reading.model import DEFAULT_LIMITS, Limits, Passage, ReadingError, RecognisedPage
from search.reading.passages import clean_row
from search.reading.sandbox import run_confined

_TESSDATA: tuple[str, ...] = (
    "/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata",
    "/usr/share/tesseract/tessdata",
)  # fmt: skip
_WANTED = ("chi_sim", "eng")
_FULL_CIRCLE, _PERCENT = 360, 100
_RECOGNISER = "search.reading.recogniser"


@dataclass(frozen=True)
class Recognition:
    """What this machine recognises with: `engine` is name and version, or None; `missing` are language data that
    recognition would be better with."""

    engine: str | None
    languages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def recognition_engine() -> str | None:
    """Name and version of what `recognise_page` uses, such as `tesseract/5.3.0`; None where there is none."""
    return recognition_report().engine


def recognition_report() -> Recognition:
    """The engine and its languages: Tesseract where it is installed with Chinese or English, otherwise RapidOCR.

    Looked for once. Where the look itself failed, on a machine with too much to do, it is taken again next time.
    """
    try:
        return _look_for_engine()
    except ReadingError:
        return Recognition(None)


@cache
def _look_for_engine() -> Recognition:
    folder, languages = _tessdata()
    if folder and ("chi_sim" in languages or "eng" in languages):
        engine = _described(folder)
        if engine:
            return Recognition(engine, languages, tuple(name for name in _WANTED if name not in languages))
    engine = _described("")
    return Recognition(engine, ("chi_sim", "eng") if engine else ())


def recognise_page(
    content: BinaryIO, kind_code: str, page_index: int, *, limits: Limits = DEFAULT_LIMITS
) -> RecognisedPage:
    """The text on page `page_index` (from 0) of a PDF or picture, line by line with confidence and box, in the sandbox.

    The page need not stand upright. Its place in the passages is `page:N`, N from 1. A page without text gives none.

    Raises: ReadingError, "unsupported" also where no engine is installed; whatever reading `content` raises.
    """
    if not KINDS.get(kind_code, UNKNOWN).page_images:
        raise ReadingError("unsupported", f"no page images for kind {kind_code!r}")
    report = recognition_report()
    if report.engine is None:
        raise ReadingError("unsupported", "no recognition is installed")
    name = report.engine.partition("/")[0]
    folder = _tessdata()[0] if name == "tesseract" else ""
    answer = run_confined(
        (_RECOGNISER, "recognised_page"),
        content,
        arguments={
            "kind_code": kind_code,
            "page_index": page_index,
            "engine": name,
            "tessdata": folder,
            "languages": report.languages,
        },
        limits=limits,
        readable=(folder,) if folder else (),
    )
    try:
        return _page(answer.facts, json.loads(answer.content), page_index)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ReadingError("killed", "the reader answered outside of its protocol") from error


def _page(facts: Any, lines: Any, page_index: int) -> RecognisedPage:
    """The answer of a process that may be in a hostile file's hands.

    Raises: ValueError, TypeError, KeyError, OverflowError.
    """
    texts: list[str] = []
    passages: list[Passage] = []
    start = 0
    for text, confidence, box in lines:
        if not isinstance(text, str) or "\n" in text:
            raise ValueError("a line is one line of text")
        left, top, width, height = (_within(float(value), 1.0) for value in box)
        text = clean_row(text)  # noqa: PLW2901  what no store after us could carry is not recognised either
        if not text:
            continue
        passages.append(
            Passage(start, f"page:{page_index + 1}", int(_within(confidence, _PERCENT)), (left, top, width, height))
        )
        texts.append(text)
        start += len(text) + 1
    turned = int(facts["turned"])
    if not 0 <= turned < _FULL_CIRCLE:
        raise ValueError("no angle")
    return RecognisedPage(
        text="\n".join(texts),
        passages=tuple(passages),
        confidence=int(_within(facts["confidence"], _PERCENT)),
        engine=clean_row(str(facts["engine"]))[:60],
        turned=turned,
        page_count=max(1, int(facts["page_count"])),
    )


def _within(value: float, limit: float) -> float:
    if not 0 <= value <= limit:
        raise ValueError("out of range")
    return value


def _tessdata() -> tuple[str, tuple[str, ...]]:
    """The folder of language data and the wanted languages that are in it."""
    for folder in map(Path, _TESSDATA):
        languages = [name for name in _WANTED if (folder / f"{name}.traineddata").is_file()]
        if languages:
            return str(folder), tuple(languages)
    return "", ()


def _described(folder: str) -> str | None:
    facts = run_confined((_RECOGNISER, "describe"), io.BytesIO(), arguments={"tessdata": folder}).facts
    return clean_row(str(facts.get("engine", "")))[:60] or None
