"""Tesseract by its C interface (capi.h, version 5), inside the sandbox: no other program is ever started.

The library comes with the operating system; where it is not installed there is no recognition by it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from search.reading.model import ReadingError

_LIBRARY = "libtesseract.so.5"
_LEPTONICA = "liblept.so.5", "libleptonica.so.6"
_LSTM_ONLY = 1
BLOCKS, COLUMN, ONE_BLOCK = 3, 4, 6
"""Ways of looking at a page: full layout analysis, one column of varying sizes, one block."""
_WORD_LEVEL = "5"
_TSV_COLUMNS = 12


@dataclass(frozen=True)
class Word:
    """A word in pixels of the picture; `line` numbers its line within the page."""

    text: str
    confidence: float
    line: tuple[int, int, int]
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Grey:
    """A picture of one byte per pixel, rows without padding."""

    pixels: bytes
    width: int
    height: int
    dots_per_inch: int


def version() -> str:
    """The version of the installed library. Raises: OSError where there is none."""
    return str(_load().TessVersion().decode())


class Engine:
    """Recognition with some language models of one folder; use as a context."""

    def __init__(self, folder: str, languages: str) -> None:
        self._lib, self._folder, self._languages = _load(), folder, languages
        self._handle: int | None = None

    def __enter__(self) -> Self:
        self._handle = self._begin()
        # Chinese has no spaces that a dictionary could explain, and a page that was filed is not a screen to invert.
        self._lib.TessBaseAPISetVariable(self._handle, b"tessedit_do_invert", b"0")
        return self

    def __exit__(self, *_error: object) -> None:
        self._lib.TessBaseAPIDelete(self._handle)

    def words(self, picture: Grey, layout: int) -> Iterator[Word]:
        """Every word that stands on the picture, in reading order."""
        self._show(self._handle, picture, layout)
        if self._lib.TessBaseAPIRecognize(self._handle, None) != 0:
            raise ReadingError("unreadable", "the recognition of a page failed")
        pointer = self._lib.TessBaseAPIGetTsvText(self._handle, 0)
        try:
            table = ctypes.string_at(pointer).decode("utf-8", "replace")
        finally:
            self._lib.TessDeleteText(pointer)
        return _words(table)

    def skew(self, picture: Grey) -> float:
        """By how many degrees (clockwise is positive) the lines of the picture must be turned to lie level."""
        leptonica = _leptonica()
        if leptonica is None:
            return 0.0
        self._show(self._handle, picture, ONE_BLOCK)
        pix = ctypes.c_void_p(self._lib.TessBaseAPIGetThresholdedImage(self._handle))
        angle, certainty = ctypes.c_float(), ctypes.c_float()
        failed = leptonica.pixFindSkew(pix, ctypes.byref(angle), ctypes.byref(certainty))
        leptonica.pixDestroy(ctypes.byref(pix))
        return 0.0 if failed or certainty.value < _CERTAIN_SKEW else float(angle.value)

    def _begin(self) -> int:
        handle: int = self._lib.TessBaseAPICreate()
        if self._lib.TessBaseAPIInit2(handle, self._folder.encode(), self._languages.encode(), _LSTM_ONLY) != 0:
            self._lib.TessBaseAPIDelete(handle)
            raise ReadingError("unsupported", "the language data of the recognition cannot be loaded")
        return handle

    def _show(self, handle: int | None, picture: Grey, layout: int) -> None:
        self._lib.TessBaseAPISetPageSegMode(handle, layout)
        self._lib.TessBaseAPISetImage(handle, picture.pixels, picture.width, picture.height, 1, picture.width)
        self._lib.TessBaseAPISetSourceResolution(handle, picture.dots_per_inch)


_CERTAIN_SKEW = 2.0


def _words(table: str) -> Iterator[Word]:
    for row in table.splitlines():
        cells = row.split("\t", _TSV_COLUMNS - 1)
        if len(cells) == _TSV_COLUMNS and cells[0] == _WORD_LEVEL and cells[11].strip():
            block, paragraph, line = int(cells[2]), int(cells[3]), int(cells[4])
            left, top, width, height = map(int, cells[6:10])
            yield Word(cells[11].strip(), float(cells[10]), (block, paragraph, line), left, top, width, height)


def _load() -> Any:
    lib = ctypes.CDLL(_LIBRARY)
    handle, integer, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "TessVersion": (text, ()),
        "TessBaseAPICreate": (handle, ()),
        "TessBaseAPIDelete": (None, (handle,)),
        "TessBaseAPIInit2": (integer, (handle, text, text, integer)),
        "TessBaseAPISetVariable": (integer, (handle, text, text)),
        "TessBaseAPISetPageSegMode": (None, (handle, integer)),
        "TessBaseAPISetImage": (None, (handle, text, integer, integer, integer, integer)),
        "TessBaseAPISetSourceResolution": (None, (handle, integer)),
        "TessBaseAPIRecognize": (integer, (handle, handle)),
        "TessBaseAPIGetTsvText": (handle, (handle, integer)),
        "TessBaseAPIGetThresholdedImage": (handle, (handle,)),
        "TessDeleteText": (None, (handle,)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def _leptonica() -> Any | None:
    for name in _LEPTONICA:
        try:
            lib = ctypes.CDLL(name)
        except OSError:
            continue
        lib.pixFindSkew.restype, lib.pixFindSkew.argtypes = ctypes.c_int, (ctypes.c_void_p,) * 3
        lib.pixDestroy.restype, lib.pixDestroy.argtypes = None, (ctypes.c_void_p,)
        return lib
    return None


@contextmanager
def opened(folder: str, languages: str) -> Iterator[Engine]:
    """The engine with these languages. Raises: OSError where the library is not installed; ReadingError."""
    with Engine(folder, languages) as engine:
        yield engine
