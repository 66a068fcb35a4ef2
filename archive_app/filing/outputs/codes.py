"""Codes that machines read: an archival number as Code 128 (ISO/IEC 15417) and as QR code (ISO/IEC 18004)."""

from collections.abc import Mapping
from types import MappingProxyType

_DOTS: Mapping[int, str] = MappingProxyType({ord(dot): "." for dot in "·•‧・"})
_QUIET = 4
"""The quiet zone of a QR code, in modules."""


def scanned_number(number: str) -> str:
    """What a reader of the bar code gives for an archival number. Code 128 has ASCII: the middle dot is a full stop,
    which no archival number has otherwise. `J019-ZY·HC·2026·D10-001` -> `J019-ZY.HC.2026.D10-001`."""
    return number.translate(_DOTS)


def bar_modules(number: str) -> str:
    """The bars of `scanned_number(number)`, a sign a module: "1" a bar, "0" none. Empty where it holds other signs than
    Code 128 has; the QR code holds them all."""
    text = scanned_number(number)
    if not text or not text.isascii() or not text.isprintable():
        return ""
    from barcode.codex import Code128

    return str(Code128(text).build()[0])


def square_rows(text: str) -> list[str]:
    """A QR code of `text`, a string a row, with its quiet zone: "1" is dark."""
    import segno

    made = segno.make_qr(text, error="m", encoding="utf-8")
    return ["".join("1" if dark else "0" for dark in row) for row in made.matrix_iter(border=_QUIET)]
