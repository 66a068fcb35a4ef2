"""What the doctor says about the machine: swap that may keep secrets on a disk, fonts that are missing."""

import os
import struct
from pathlib import Path

import pytest

from archive_app.doctor.machine import look_at_fonts, look_at_swap
from archive_app.kernel.health import State

HEADING = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
CRYPT, VOLUME = "CRYPT-LUKS2-1-swap", "LVM-1-swap"
SWAP: dict[str, tuple[str, dict[str, str], State]] = {
    "a plain disk": ("sda2", {}, State.WATCH),
    "an encrypted disk": ("dm-0", {"dm-0/dm/uuid": CRYPT}, State.GOOD),
    "a volume on an encrypted disk": (
        "dm-1", {"dm-1/dm/uuid": VOLUME, "dm-1/slaves/dm-0/dm/uuid": CRYPT}, State.GOOD,
    ),
    "a volume on two disks, one of them encrypted": (
        "dm-1", {"dm-1/dm/uuid": VOLUME, "dm-1/slaves/dm-0/dm/uuid": CRYPT, "dm-1/slaves/sda/dev": "8:0"}, State.WATCH,
    ),
    "compressed memory": ("zram0", {"zram0/backing_dev": "none"}, State.GOOD),
    "compressed memory that is written out": ("zram0", {"zram0/backing_dev": "/dev/sda3"}, State.WATCH),
}  # fmt: skip


@pytest.mark.parametrize(("device", "told", "state"), SWAP.values(), ids=list(SWAP))
def test_swap_is_named_unless_it_is_known_to_keep_secrets(
    tmp_path: Path, device: str, told: dict[str, str], state: State
) -> None:
    (tmp_path / device).mkdir()
    for name, content in told.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    place = tmp_path / "swap file"
    place.touch()
    number = place.stat().st_dev
    (tmp_path / f"{os.major(number)}:{os.minor(number)}").symlink_to(device)
    swaps = tmp_path / "swaps"
    swaps.write_text(HEADING + str(place).replace(" ", "\\040") + "\tfile\t\t1024\t\t0\t\t-2\n")
    [line] = look_at_swap(swaps, tmp_path)
    assert line.state is state
    assert (str(place) in line.params.values()) is (state is State.WATCH)


@pytest.mark.parametrize(
    ("content", "state"),
    [(None, State.GOOD), (HEADING, State.GOOD), (HEADING + "/gone partition 1 0 -2\n", State.WATCH)],
    ids=["a kernel without swap", "swap is off", "a place that cannot be seen"],
)
def test_swap_that_is_off_or_out_of_sight(tmp_path: Path, content: str | None, state: State) -> None:
    if content is not None:
        (tmp_path / "swaps").write_text(content)
    [line] = look_at_swap(tmp_path / "swaps", tmp_path)
    assert line.state is state


def font(code_pages: int, offset: int = 0) -> bytes:
    """The tables `cmap` and OS/2 of an OpenType font that begins at `offset` of its file."""
    header = struct.pack(">4sH6x", b"OTTO", 2) + struct.pack(">4sIII", b"cmap", 0, 0, 0)
    table = b"\0" * 78 + struct.pack(">I", code_pages)
    return header + struct.pack(">4sIII", b"OS/2", 0, offset + len(header) + 16, len(table)) + table


LATIN, CHINESE = 1, 1 | 1 << 18
FONTS: dict[str, tuple[dict[str, bytes], State]] = {
    "none": ({}, State.WATCH),
    "latin": ({"a.ttf": font(LATIN)}, State.WATCH),
    "chinese beside latin": ({"a.ttf": font(LATIN), "deep/er/b.OTF": font(CHINESE)}, State.GOOD),
    "a chinese collection": ({"c.ttc": struct.pack(">4sIII", b"ttcf", 0, 1, 16) + font(CHINESE, 16)}, State.GOOD),
    "no font at all": ({"a.ttf": b"", "b.otf": b"OTTO\xff\xff", "c.txt": font(CHINESE)}, State.WATCH),
}


@pytest.mark.parametrize(("files", "state"), FONTS.values(), ids=list(FONTS))
def test_missing_chinese_fonts_are_said(tmp_path: Path, files: dict[str, bytes], state: State) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    [line] = look_at_fonts([tmp_path, tmp_path / "absent"])
    assert line.state is state
