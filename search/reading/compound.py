"""OLE compound files (MS-CFB), the container of the office formats before 2007 and of Outlook messages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from search.reading.model import ReadingError

_STREAM = 2  # object type of MS-CFB §2.6.1
# Whatever olefile raises on a damaged file: it promises OSError only, and does not keep the promise.
_BROKEN = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


Path = tuple[str, ...]


class Compound:
    """The storages and streams of one compound file; names are paths such as `("ObjectPool", "_1")`."""

    def __init__(self, content: bytes) -> None:
        """Raises: ReadingError ("unreadable")."""
        import olefile

        try:
            self._file: Any = olefile.OleFileIO(io.BytesIO(content))
            # By our own walk: olefile looks every name up along all of its siblings.
            self._entries = {_lower(path): (path, entry) for path, entry in _streams(self._file.root)}
        except _BROKEN as error:
            raise ReadingError("unreadable", f"the compound file is damaged: {type(error).__name__}") from error

    def paths(self) -> list[Path]:
        """All streams, in the order of the directory."""
        return [path for path, _ in self._entries.values()]

    def has(self, *path: str) -> bool:
        return _lower(path) in self._entries

    def size_bytes(self, *path: str) -> int:
        """The length of a stream, 0 where it is absent."""
        return int(self._entries[_lower(path)][1].size) if self.has(*path) else 0

    def stream(self, *path: str) -> bytes:
        """The content of a stream, which is never longer than the file.

        Raises: ReadingError ("unreadable") where it is absent or damaged.
        """
        if not self.has(*path):
            raise ReadingError("unreadable", "a stream that the format needs is absent")
        try:
            entry = self._entries[_lower(path)][1]
            return bytes(self._file._open(entry.isectStart, entry.size).read())  # noqa: SLF001  see the walk above
        except _BROKEN as error:
            raise ReadingError("unreadable", f"a stream is damaged: {type(error).__name__}") from error

    def stream_if_any(self, *path: str) -> bytes:
        """The content of a stream, empty where it is absent.

        Raises: ReadingError ("unreadable") where it is damaged.
        """
        return self.stream(*path) if self.has(*path) else b""


def _lower(path: Path) -> Path:
    return tuple(part.lower() for part in path)


def _streams(root: Any) -> Iterator[tuple[Path, Any]]:
    """The streams below a storage of olefile, which has made sure that no entry is reached twice."""
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, entry = waiting.pop()
        if path and entry.entry_type == _STREAM:
            yield path, entry
        waiting += [((*path, kid.name), kid) for kid in reversed(entry.kids)]
