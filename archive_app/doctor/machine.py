"""The machine below the archive: what it keeps to itself, what it can draw and read."""

import os
import shutil
import stat
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from search.reading import sandbox_report

_ENGINES = {
    "tesseract": N_("text in scanned pages"),
    "clamscan": N_("virus scanning"),
    "libreoffice": N_("previews of office files"),
    "pg_dump": N_("backup of a PostgreSQL database"),
}
# Where the page renderer looks.
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_FONT_ENDINGS = {".ttf", ".ttc", ".otf"}
# OpenType, table OS/2: `ulCodePageRange1` stands at this place, and this bit of it is simplified Chinese.
_CODE_PAGES_OFFSET, _SIMPLIFIED_CHINESE = 78, 1 << 18


def look_at_swap(swaps: Path = Path("/proc/swaps"), devices: Path = Path("/sys/dev/block")) -> Iterator[Line]:
    """Whether memory, and with it keys and readable words, may reach a disk."""
    # A kernel without swap has no such file; the first line is a heading.
    lines = swaps.read_text(encoding="utf-8").splitlines()[1:] if swaps.exists() else []
    places = [line.split()[0].replace("\\040", " ") for line in lines]
    readable = [place for place in places if not _keeps_secrets(Path(place), devices)]
    if not readable:
        yield Line(N_("Swap"), State.GOOD, N_("off, encrypted, or kept in memory"))
        return
    text = N_("%(places)s is not known to be encrypted: keys and readable words may be written there")
    yield Line(N_("Swap"), State.WATCH, text, {"places": ", ".join(readable)})


def look_at_fonts(folders: Sequence[Path] = _FONT_FOLDERS) -> Iterator[Line]:
    """Whether pages whose fonts are not embedded can be drawn in Chinese."""
    fonts = (path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _FONT_ENDINGS)
    if any(_is_chinese(path) for path in fonts):
        yield Line(N_("Fonts"), State.GOOD, N_("Chinese fonts are there"))
        return
    text = N_(
        "no Chinese font is installed: page images of PDF files that bring none show gaps. Install one "
        "(apt: fonts-noto-cjk)."
    )
    yield Line(N_("Fonts"), State.WATCH, text)


def _look_at_sandbox() -> Iterator[Line]:
    isolation = sandbox_report()
    if isolation.complete:
        yield Line(N_("Sandbox"), State.GOOD, N_("complete"))
    else:
        params = {"gaps": "; ".join(isolation.gaps)}
        yield Line(N_("Sandbox"), State.WATCH, N_("the kernel does not give: %(gaps)s"), params)


def _look_at_engines() -> Iterator[Line]:
    for program, use in _ENGINES.items():
        found = shutil.which(program)
        text = N_("%(program)s is there: %(use)s") if found else N_("%(program)s is not installed: no %(use)s")
        yield Line(N_("Optional engine"), State.GOOD, text, {"program": program, "use": use})


LOOKS: Mapping[str, Callable[[], Iterator[Line]]] = {
    N_("Sandbox"): _look_at_sandbox,
    N_("Swap"): look_at_swap,
    N_("Fonts"): look_at_fonts,
    N_("Optional engine"): _look_at_engines,
}
"""What there is to look at, by its title, in the order in which it is told."""


def file_system(place: Path) -> str:
    """The type of the file system that holds `place`, as the kernel names it."""
    best, kind = "", ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _device, point, mounted, *_ = line.split(" ")
        if place.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, mounted
    return kind


def _keeps_secrets(place: Path, devices: Path) -> bool:
    try:
        status = place.stat()
    except OSError:
        return False
    number = status.st_rdev if stat.S_ISBLK(status.st_mode) else status.st_dev
    return _is_encrypted(devices / f"{os.major(number)}:{os.minor(number)}")


def _is_encrypted(device: Path) -> bool:
    """Whether a block device, a folder of the kernel's, is encrypted or only compressed memory."""
    device = device.resolve()
    if device.name.startswith("zram"):
        return _text_of(device / "backing_dev") in {"", "none"}
    if _text_of(device / "dm" / "uuid").startswith("CRYPT-"):
        return True
    # A volume is encrypted where everything below it is.
    below = list((device / "slaves").glob("*"))
    return bool(below) and all(_is_encrypted(other) for other in below)


def _text_of(path: Path) -> str:
    """What a file says; nothing where it is absent."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def _is_chinese(font: Path) -> bool:
    """Whether a font says that it is for simplified Chinese, which is what the page renderer goes by too."""
    with suppress(OSError, struct.error), font.open("rb") as file:
        start = 0
        if file.read(4) == b"ttcf":
            # The fonts of a collection differ in their preferences, not in what they cover.
            file.seek(12)
            (start,) = struct.unpack(">I", file.read(4))
        file.seek(start + 4)
        (tables,) = struct.unpack(">H6x", file.read(8))
        for _ in range(tables):
            name, place = struct.unpack(">4s4xI4x", file.read(16))
            if name == b"OS/2":
                file.seek(place + _CODE_PAGES_OFFSET)
                (pages,) = struct.unpack(">I", file.read(4))
                return bool(pages & _SIMPLIFIED_CHINESE)
    return False
