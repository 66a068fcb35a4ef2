"""Reading files that nobody vouches for: what they are, their text, the files inside of them, pictures of their pages.

`identify` looks at bytes in this process; everything else works in a locked process for each file, so
that a hostile one costs one ReadingError. Importing this loads none of the readers.
"""

from search.reading.binding import BINDING_LIMITS, SCREENING_LIMITS, Chapter, Screened, bind_pdf, screen_pdf
from search.reading.extraction import READERS_NOW, extract_child, extract_text, render_page
from search.reading.identification import HEAD_BYTES, TAIL_BYTES, identify
from search.reading.kinds import KINDS, Kind
from search.reading.model import (
    CHILD_LIMITS,
    DEFAULT_LIMITS,
    Child,
    Isolation,
    Limits,
    PageImage,
    Passage,
    ReadingCode,
    ReadingError,
    RecognisedPage,
    TextResult,
)
from search.reading.recognition import Recognition, recognise_page, recognition_engine, recognition_report
from search.reading.sandbox import isolation_in_force as sandbox_report
from search.reading.tables import EMPTY, TABLE_KINDS, Cell, CellKind, Sheet, Table, TableRow, extract_table
from search.reading.typesetting import SETTING_LIMITS, set_pages

__all__ = [
    "BINDING_LIMITS",
    "CHILD_LIMITS",
    "DEFAULT_LIMITS",
    "EMPTY",
    "HEAD_BYTES",
    "KINDS",
    "READERS_NOW",
    "SCREENING_LIMITS",
    "SETTING_LIMITS",
    "TABLE_KINDS",
    "TAIL_BYTES",
    "Cell",
    "CellKind",
    "Chapter",
    "Child",
    "Isolation",
    "Kind",
    "Limits",
    "PageImage",
    "Passage",
    "ReadingCode",
    "ReadingError",
    "RecognisedPage",
    "Recognition",
    "Screened",
    "Sheet",
    "Table",
    "TableRow",
    "TextResult",
    "bind_pdf",
    "extract_child",
    "extract_table",
    "extract_text",
    "identify",
    "recognise_page",
    "recognition_engine",
    "recognition_report",
    "render_page",
    "sandbox_report",
    "screen_pdf",
    "set_pages",
]
