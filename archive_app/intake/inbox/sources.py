"""Files of a watched folder: which to leave alone, by which to know one again, and how to remove one safely."""

import hashlib
import os
from contextlib import suppress

from archive_app.documents.importing import Found

ASIDE = ".lantai-"
"""Begins the name of a file that is being removed; the row's identifier follows."""
_TEMPORARY_ENDS = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~")
_OF_SYSTEMS = {"thumbs.db", "desktop.ini"}
_MANY = 1000
Identity = tuple[int, int, int]
"""Inode, size in bytes, time of change in nanoseconds: what stays when a file is renamed."""


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that another program is writing, or one that file managers put down."""
    small = name.casefold()
    return small.startswith((".", "~$")) or small.endswith(_TEMPORARY_ENDS) or small in _OF_SYSTEMS


def identity_of(status: os.stat_result) -> Identity:
    """By which the same file is known again."""
    # Without the device: it gets another number when a share is mounted again.
    return status.st_ino, status.st_size, status.st_mtime_ns


def source_key(folder: str, path: str, identity: Identity) -> bytes:
    """A digest of where a file stands and which one it is."""
    parts = (folder.encode(), os.fsencode(path), repr(identity).encode())
    return hashlib.sha256(b"\0".join(parts)).digest()


def person_name(name: str) -> str:
    """A name of this system as people read it: UTF-8, else GB18030, else with U+FFFD for what is no character."""
    raw = os.fsencode(name)
    for coding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(coding)
    return raw.decode("utf-8", "replace")


def remove_source(found: Found, row_id: str, identity: Identity) -> bool:
    """Removes the file if it is still the one of this identity; says whether it was. Another file that took its place
    stays there, under its name.

    Raises: OSError when the folder does not let it go.
    """
    aside = f"{ASIDE}{row_id}"
    # Set aside first: between a look at the name and its removal, somebody could put another file there.
    os.rename(found.name, aside, src_dir_fd=found.folder, dst_dir_fd=found.folder)
    status = os.stat(aside, dir_fd=found.folder, follow_symlinks=False)
    if identity_of(status) != identity:
        put_back(found.folder, aside, found.name)
        return False
    os.unlink(aside, dir_fd=found.folder)
    return True


def put_back(folder: int, aside: str, name: str) -> None:
    """Gives a file that was set aside its name again, or one like it where the name is taken.

    Raises: OSError when the folder does not take it.
    """
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    for number in range(1, _MANY):
        wanted = name if number == 1 else f"{stem} ({number}){ending}"
        if not _is_there(folder, wanted) and _give_name(folder, aside, wanted):
            return


def _give_name(folder: int, aside: str, wanted: str) -> bool:
    """Renames unless somebody took the name in this moment; says whether it did."""
    try:
        # A second name is never put over a file; a renaming would be, and that file would be gone.
        os.link(aside, wanted, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:
        # A share without second names: the look at the name a moment ago has to do.
        os.rename(aside, wanted, src_dir_fd=folder, dst_dir_fd=folder)
        return True
    os.unlink(aside, dir_fd=folder)
    return True


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
