"""The memory directory: where the readable index files live, and which of several generations is in use.

memory_dir/              mode 0700, on memory-backed storage
    current -> g-1f…     a symbolic link, switched by one rename
    g-1f…/               a whole index; made under this name, but used only once `current` points to it
        made-by          engine and layout
        sealed-state     which sealed state it was made from or last sealed as, and since which start of the machine
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from pathlib import Path

from search.errors import IndexUnavailable

_CURRENT = "current"
_STATE = "sealed-state"
_MADE_BY = "made-by"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class MemoryDirectory:
    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the directory if it is absent.

        Raises:
            IndexUnavailable: it is not a directory of ours that nobody else may enter.
        """
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.check()

    def check(self) -> None:
        """Refuse a directory that another user could have laid out for us: `/dev/shm` is open to all.

        Raises:
            IndexUnavailable: it is absent, not a directory, another user's, or open to group or others.
        """
        try:
            found = self._path.lstat()
        except FileNotFoundError as error:
            msg = f"there is no memory directory {self._path}"
            raise IndexUnavailable(msg) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            msg = f"{self._path} must be a directory of this user with mode 0700"
            raise IndexUnavailable(msg)

    def current(self) -> Path | None:
        """The generation in use, if there is one."""
        try:
            return self._path / (self._path / _CURRENT).readlink()
        except FileNotFoundError:
            return None

    def new_generation(self, engine: str, layout: str) -> Path:
        """A directory for files of that engine and layout, not in use yet."""
        directory = self._path / f"g-{secrets.token_hex(8)}"
        directory.mkdir(mode=0o700)
        (directory / _MADE_BY).write_text(json.dumps([engine, layout]), "utf-8")
        return directory

    @staticmethod
    def made_by(directory: Path) -> tuple[str, str] | None:
        """Engine and layout of a generation; None for one of an earlier version, or one that was removed."""
        try:
            engine, layout = json.loads((directory / _MADE_BY).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return engine, layout

    def switch(self, directory: Path) -> None:
        """Put a generation in use, at once for everybody, and remove all others."""
        link = self._path / f"{_CURRENT}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(directory.name)
        link.replace(self._path / _CURRENT)
        self.remove_others(directory)

    def remove_others(self, directory: Path) -> None:
        """Remove all generations but one (readers that have one open keep what they opened)."""
        for path in self._path.glob("g-*"):
            if path != directory:
                shutil.rmtree(path)

    @staticmethod
    def note_state(directory: Path, generation: str, manifest_digest: str) -> None:
        """Remember what sealed state the files in `directory` stand for."""
        new = directory / f"{_STATE}.new"
        new.write_text(json.dumps([generation, manifest_digest, _boot_id()]), "utf-8")
        new.replace(directory / _STATE)

    @staticmethod
    def state(directory: Path) -> tuple[str, str] | None:
        """What `note_state` remembered: generation and manifest digest; None if the machine was started since.

        Not every engine syncs its files. Where they lie on a disk, a power loss may leave them torn.
        """
        try:
            generation, digest, boot_id = json.loads((directory / _STATE).read_text("utf-8"))
        except (FileNotFoundError, ValueError):  # ValueError: torn itself, or of an earlier version
            return None
        return (generation, digest) if boot_id == _boot_id() else None


def _boot_id() -> str:
    """Another one after each start of the kernel; empty where the kernel does not say."""
    return _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else ""
