"""Writing a compound file (MS-CFB): for a message that was kept inside another one."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTOR, _MINI_SECTOR, _MINI_CUTOFF = 512, 64, 4096
_FREE, _END, _FAT_SECTOR, _DIFAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_DIFAT_IN_HEADER, _NUMBERS = 109, _SECTOR // 4
_NAME_UNITS = 31

Path = tuple[str, ...]


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    children: dict[str, _Entry] = field(default_factory=dict)
    number: int = 0
    child: int = _FREE
    left: int = _FREE
    right: int = _FREE
    start: int = _END


def written_compound(streams: Mapping[Path, bytes]) -> bytes:
    """A compound file with these streams, each by the names of its storages and its own, of at most 31 characters.

    Raises: ValueError for a longer name, or a stream that is also a storage.
    """
    root = _Entry("Root Entry", _ROOT)
    for path, content in streams.items():
        parent = root
        for name in path[:-1]:
            parent = parent.children.setdefault(name, _Entry(name, _STORAGE))
        if parent.kind == _STREAM or path[-1] in parent.children or any(len(name) > _NAME_UNITS for name in path):
            raise ValueError("the names of the streams contradict each other or are too long")
        parent.children[path[-1]] = _Entry(path[-1], _STREAM, content)
    entries = _numbered(root)
    return _Sectors().laid_out(entries)


def _numbered(root: _Entry) -> list[_Entry]:
    entries = [root]
    for entry in entries:  # grows while it is walked
        ordered = sorted(entry.children.values(), key=lambda child: (len(child.name), child.name.upper()))
        for child in ordered:
            child.number = len(entries)
            entries.append(child)
        entry.child = _balanced(ordered)
    return entries


def _balanced(ordered: list[_Entry]) -> int:
    """Link siblings to a search tree, as short as can be. Returns the number of its top."""
    if not ordered:
        return _FREE
    middle = len(ordered) // 2
    top = ordered[middle]
    top.left, top.right = _balanced(ordered[:middle]), _balanced(ordered[middle + 1 :])
    return top.number


class _Sectors:
    def __init__(self) -> None:
        self._content = bytearray()
        self._next: list[int] = []

    def laid_out(self, entries: list[_Entry]) -> bytes:
        mini, mini_next = bytearray(), list[int]()
        for entry in entries:
            if entry.kind == _STREAM and 0 < len(entry.content) < _MINI_CUTOFF:
                entry.start = len(mini_next)
                count = -(-len(entry.content) // _MINI_SECTOR)
                mini += entry.content.ljust(count * _MINI_SECTOR, b"\0")
                mini_next += [*range(entry.start + 1, entry.start + count), _END]
            elif entry.kind == _STREAM and entry.content:
                entry.start = self._chain(entry.content)
        entries[0].content = bytes(mini)
        entries[0].start = self._chain(bytes(mini))
        mini_fat = self._chain(_packed(mini_next))
        directory = self._chain(b"".join(map(_directory_entry, entries)), filler=_directory_entry(_Entry("", 0)))
        return self._closed(directory, mini_fat, -(-len(mini_next) // _NUMBERS))

    def _chain(self, content: bytes, filler: bytes = b"\xff") -> int:
        """Append sectors that follow each other. Returns the number of the first."""
        if not content:
            return _END
        first, count = len(self._next), -(-len(content) // _SECTOR)
        missing = count * _SECTOR - len(content)
        self._content += content + (filler * missing)[:missing]
        self._next += [*range(first + 1, first + count), _END]
        return first

    def _closed(self, directory: int, mini_fat: int, mini_fat_sectors: int) -> bytes:
        """Header, sectors, and the table of which sector follows which, which must describe itself too."""
        used = len(self._next)
        fat_sectors = difat_sectors = 0
        while (used + fat_sectors + difat_sectors) > fat_sectors * _NUMBERS:
            fat_sectors += 1
            difat_sectors = -(-max(0, fat_sectors - _DIFAT_IN_HEADER) // (_NUMBERS - 1))
        places = [*range(used, used + fat_sectors)]
        fat = [*self._next, *[_FAT_SECTOR] * fat_sectors, *[_DIFAT_SECTOR] * difat_sectors]
        fat += [_FREE] * (fat_sectors * _NUMBERS - len(fat))
        first_difat = used + fat_sectors if difat_sectors else _END
        header = (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
        )
        header += struct.pack(
            "<IIIIIIIII",
            0,
            fat_sectors,
            directory,
            0,
            _MINI_CUTOFF,
            mini_fat,
            mini_fat_sectors,
            first_difat,
            difat_sectors,
        )
        header += _packed(places[:_DIFAT_IN_HEADER], _DIFAT_IN_HEADER)
        difat = b""
        for number in range(difat_sectors):
            begin = _DIFAT_IN_HEADER + number * (_NUMBERS - 1)
            after = first_difat + number + 1 if number + 1 < difat_sectors else _END
            difat += _packed(places[begin : begin + _NUMBERS - 1], _NUMBERS - 1) + struct.pack("<I", after)
        return header + bytes(self._content) + struct.pack(f"<{len(fat)}I", *fat) + difat


def _packed(numbers: list[int], width: int = 0) -> bytes:
    padded = numbers + [_FREE] * (width - len(numbers))
    return struct.pack(f"<{len(padded)}I", *padded)


def _directory_entry(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    size = len(name) + 2 if entry.kind else 0
    head = name.ljust(64, b"\0") + struct.pack("<HBBIII", size, entry.kind, 1, entry.left, entry.right, entry.child)
    start = entry.start if entry.kind in {_STREAM, _ROOT} else 0
    return head + bytes(36) + struct.pack("<IQ", start, len(entry.content))
