"""Durability of names: a file's name is safe only when its directory has been synced as well."""

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Write a directory's entries to stable storage. Raises `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: memoryview) -> None:
    """Write every byte; one call may take only a part, as it does on a disk that is nearly full. Raises `OSError`."""
    while data:
        data = data[os.write(descriptor, data) :]
