"""Proving: every blob read back and compared; the log sequenced, and computed again from its rows."""

import hashlib
import os
from collections.abc import Iterator

from archive_app.documents.checking import CHECKED, check_all
from archive_app.documents.ingest import Entry, add_document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.ids import new_id
from archive_app.trail.sequencing import sequence
from archive_app.trail.verification import verify_log
from tests.bench.bench_log import append_bare, measure_per_second
from tests.bench.bench_vault import bare_put, bare_verify, fill
from tests.bench.figures import MEGABYTE, Figure, Scale, alternate, seconds_of
from tests.bench.installation import installation
from tests.factories import People, engagement_of

_ROUNDS = 3
_BATCH = 1_000
_BENCH = Actor.system("bench")


def measure_blobs(scale: Scale) -> Iterator[Figure]:
    """What `lantai verify` does for stored files."""
    size = scale.choose(2**30, 2**27)
    source, sealed, key = scale.directory / "source.bin", scale.directory / "sealed.bin", os.urandom(32)
    fill(source, size)
    bare_put(source, sealed, key)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        leader = People(archive).person("team_leader")
        with source.open("rb", buffering=0) as stream:
            add_document(leader, engagement_id=engagement_of(leader).id, stream=stream, entry=Entry("large.bin"))
        seconds = alternate(
            _ROUNDS, {"ours": lambda _number: _check(archive), "bare": lambda _number: bare_verify(sealed, key)}
        )
    rates = {name: size / value / MEGABYTE for name, value in seconds.items()}
    yield Figure("verification of stored files", rates["ours"], "MB/s", "read, decrypt, SHA-256", rates["bare"])


def measure_log(scale: Scale) -> Iterator[Figure]:
    """Events as use cases record them, put into the tree by the sequencer, and the whole log verified."""
    count = scale.choose(50_000, 2_000)
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        for _ in range(count // _BATCH):
            _record(archive)
        sequencing = count / seconds_of(lambda: sequence(archive))
        verifying = count / seconds_of(lambda: _verify(archive))
    bare = measure_per_second(count, lambda: append_bare(leaves))
    yield Figure("events put into the log", sequencing, "/s", "the bare compact range", bare)
    yield Figure("events verified", verifying, "/s", "the bare compact range", bare)


def _check(archive: Archive) -> None:
    if any(check.faults for check in check_all(archive)):
        raise RuntimeError("a stored file is damaged")


def _record(archive: Archive) -> None:
    with archive.transaction(_BENCH) as uow:
        for _ in range(_BATCH):
            subjects = {"document": new_id(uow.now), "engagement": new_id(uow.now)}
            uow.record(CHECKED, subjects, versions=1, faults=0)


def _verify(archive: Archive) -> None:
    if findings := verify_log(archive):
        raise RuntimeError(f"the log is not whole: {findings[0]}")
