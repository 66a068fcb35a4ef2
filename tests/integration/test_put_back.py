"""A file of a watched folder that is given its name back never takes the place of another."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive_app.intake.inbox import sources
from archive_app.intake.inbox.sources import put_back


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "台账.tar.gz").write_bytes(b"theirs")
    (tmp_path / ".lantai-1").write_bytes(b"ours")
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_a_name_that_is_taken_in_the_last_moment_is_not_taken_away(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_is_there", lambda _folder, _name: False)
    put_back(folder, ".lantai-1", "台账.tar.gz")
    assert contents(tmp_path) == {"台账.tar.gz": b"theirs", "台账.tar (2).gz": b"ours"}


def test_a_share_without_second_names_gives_a_free_name(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)
    put_back(folder, ".lantai-1", "台账.tar.gz")
    assert contents(tmp_path) == {"台账.tar.gz": b"theirs", "台账.tar (2).gz": b"ours"}
