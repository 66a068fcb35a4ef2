"""Plain text, Markdown, CSV and JSON: decoded, and told by line."""

from __future__ import annotations

from search.reading.encodings import Decoded, decode
from search.reading.model import ReadingError
from search.reading.writing import TextBuilder

_BLOCK_LINES, _BLOCK_CHARACTERS = 50, 2_000


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Blocks of at most 50 lines, each with the number of its first line.

    Raises: ReadingError ("unreadable").
    """
    del kind_code
    # No encoding spends more than four bytes on what is one byte in the text; trials of the rest would cost memory.
    beginning = content[: 4 * text.room]
    decoded = decode(beginning, whole=len(beginning) == len(content))
    if decoded is None:
        raise ReadingError("unreadable", "the content is no text in any known encoding")
    for doubt in doubts(decoded):
        text.warn(doubt)
    source = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    number, start = 1, 0
    while start < len(source):
        if source[start] == "\n":  # a block begins with the first line that says something
            number, start = number + 1, start + 1
            continue
        end, lines = _block(source, start)
        text.add(f"line:{number}", source[start:end])
        number, start = number + lines, end
    text.truncated |= len(beginning) < len(content)


def doubts(decoded: Decoded) -> list[str]:
    """What a person should know about the decoding, in English."""
    found = [f"{decoded.damaged} characters are damaged"] if decoded.damaged else []
    if decoded.guessed:
        found.append(f"the encoding is a guess: {decoded.label}")
    return found


def _block(source: str, start: int) -> tuple[int, int]:
    """Where the block that begins at `start` ends, and how many lines it has; a long line is never divided."""
    end, lines = start, 0
    while lines < _BLOCK_LINES and end - start < _BLOCK_CHARACTERS and end < len(source):
        found = source.find("\n", end)
        end = len(source) if found < 0 else found + 1
        lines += 1
    return end, lines
