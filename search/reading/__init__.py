"""Reading files that nobody vouches for: what they are, their text, and pictures of their pages.

`identify` looks at bytes in this process; `extract_text` and `render_page` work in a locked process for each file, so
that a hostile one costs one ReadingError. Importing this loads none of the readers.
"""

from search.reading.extraction import extract_text, render_page
from search.reading.identification import HEAD_BYTES, TAIL_BYTES, identify
from search.reading.kinds import KINDS, Kind
from search.reading.model import DEFAULT_LIMITS, Isolation, Limits, PageImage, ReadingCode, ReadingError, TextResult
from search.reading.sandbox import isolation_in_force as sandbox_report

__all__ = [
    "DEFAULT_LIMITS",
    "HEAD_BYTES",
    "KINDS",
    "TAIL_BYTES",
    "Isolation",
    "Kind",
    "Limits",
    "PageImage",
    "ReadingCode",
    "ReadingError",
    "TextResult",
    "extract_text",
    "identify",
    "render_page",
    "sandbox_report",
]
