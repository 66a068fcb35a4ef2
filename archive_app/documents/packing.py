"""ZIP files that are made while they go out, in constant memory."""

import zipfile
from typing import cast


class Sink:
    """Takes what the packer writes and hands it on; it cannot go back, so the packer does not try to."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, content: bytes) -> int:
        """Takes some bytes."""
        self._held += content
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        content = bytes(self._held)
        self._held.clear()
        return content


def zip_entry(name: str, moment: tuple[int, ...]) -> zipfile.ZipInfo:
    """A member with this path inside, as of this moment (year to second)."""
    entry = zipfile.ZipInfo(name, cast("tuple[int, int, int, int, int, int]", moment))
    entry.external_attr = 0o644 << 16
    return entry


def inner_name(name: str) -> str:
    """A file's name inside: whoever unpacks it gets one file in one folder, whatever the original was called."""
    plain = name.replace("/", "_").replace("\\", "_").replace(":", "_")
    return f"_{plain}" if plain.startswith(".") else plain or "_"
