"""What the whole service needs in memory while a browser sends it 2 GiB, and how fast it takes them."""

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from archive_app.kernel.archive import Archive
from tests.bench.bench_vault import BLOCK_BYTES, bare_put, fill
from tests.bench.figures import MEBIBYTE, MEGABYTE, Figure, Scale, below, seconds_of
from tests.bench.installation import Browser, installation, serving, sign_in
from tests.factories import People, engagement_of

_MEMORY_LIMIT_MIB = 300
_SAMPLE_SECONDS = 0.1


def measure(scale: Scale) -> Iterator[Figure]:
    """The upload as the page's script makes it: announced, then sent as one bare body."""
    size = scale.choose(2 * 2**30, 2**28)
    with installation(scale.directory / "archive") as place:
        with place.opened() as archive:
            token, engagement_id = _prepare(archive)
        with serving(place) as service:
            memory = Memory(service.process.pid)
            browser = Browser(service.port, token)
            browser.get(f"/engagements/{engagement_id}")
            with memory:
                pass
            idle_mib = memory.peak_pss_mib
            with memory:
                seconds = seconds_of(lambda: _upload(browser, engagement_id, size))
    bare = _bare_seconds(scale.directory, size)
    yield Figure("service at rest, PSS", idle_mib, "MiB")
    yield below(_MEMORY_LIMIT_MIB, Figure("service during a large upload, peak PSS", memory.peak_pss_mib, "MiB"))
    yield Figure("the same, peak RSS (shared pages counted again)", memory.peak_rss_mib, "MiB")
    rate, bare_rate = size / seconds / MEGABYTE, size / bare / MEGABYTE
    yield Figure("upload by HTTP", rate, "MB/s", "read, SHA-256, GCM, write, fsync", bare_rate)


@dataclass
class Memory:
    """Samples the memory of a process and all its descendants while the `with` block runs."""

    pid: int
    peak_pss_mib: float = 0.0
    peak_rss_mib: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._stop.clear()
        self._sample()
        self._thread = threading.Thread(target=self._watch, name="memory")
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        first = psutil.Process(self.pid)
        totals = {"Pss": 0, "Rss": 0}
        for process in (first, *first.children(recursive=True)):
            for name, size_bytes in _rollup(process.pid).items():
                totals[name] += size_bytes
        self.peak_pss_mib = max(self.peak_pss_mib, totals["Pss"] / MEBIBYTE)
        self.peak_rss_mib = max(self.peak_rss_mib, totals["Rss"] / MEBIBYTE)


def _rollup(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return {}
    found = (line.split() for line in lines)
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in found if words[0] in {"Pss:", "Rss:"}}


class _Repeated(io.RawIOBase):
    """A long stream made of one block, so that the sender costs neither disk nor memory."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self._block = os.urandom(BLOCK_BYTES)
        self._left = size_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:  # a block at a time, whatever is asked
        block = self._block[: self._left]
        self._left -= len(block)
        return block


def _prepare(archive: Archive) -> tuple[str, str]:
    leader = People(archive).person("team_leader")
    return sign_in(archive, leader.person_id), engagement_of(leader).id


def _upload(browser: Browser, engagement_id: str, size: int) -> None:
    told = {"files": [{"path": "measurements.bin", "size": size}]}
    lines: Any = browser.post_json(f"/engagements/{engagement_id}/uploads", told)
    line: Any = browser.put(lines[0]["content"], _Repeated(size), size)
    if line["state"] != "filed":
        raise RuntimeError(f"the upload ended as {line['state']}: {line['reason']}")


def _bare_seconds(directory: Path, size: int) -> float:
    source, target = directory / "source.bin", directory / "bare.bin"
    fill(source, size)
    try:
        return seconds_of(lambda: bare_put(source, target, os.urandom(32)))
    finally:
        source.unlink()
        target.unlink()
