"""What the vault promises of a single blob: it comes back exactly, or not at all."""

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import (
    BlobCorrupt,
    BlobMissing,
    KeyCorrupt,
    KeyMissing,
    MemoryBackend,
    MemoryKeyRing,
    Purpose,
    SizeLimitExceeded,
    StorageFull,
    StoredBlob,
    Vault,
    WrappedKey,
)

CHUNK: Final = 16384
SEALED: Final = CHUNK + 16
HEADER: Final = 56
MEBIBYTE: Final = 1024 * 1024
BORDERS: Final = [
    0,
    1,
    15,
    16,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    2 * CHUNK,
    3 * CHUNK + 5,
    MEBIBYTE - 1,
    MEBIBYTE,
    MEBIBYTE + 1,
]
RING: Final = MemoryKeyRing("archive-1")

sizes = st.one_of(st.sampled_from(BORDERS), st.integers(0, 4 * CHUNK))


class Bench:
    """A vault in memory with one key, and a hand inside its backend."""

    def __init__(self, *, sm3: bool = False) -> None:
        self.backend = MemoryBackend()
        self.vault = Vault(self.backend, RING, archive_id="archive-1", sm3=sm3)
        self.key = self.vault.new_key("owner-1")

    def put(self, plain: bytes, purpose: Purpose = Purpose.CONTENT) -> StoredBlob:
        return self.vault.put(io.BytesIO(plain), self.key, "owner-1", purpose)

    def read(self, blob_id: str) -> bytes:
        with self.vault.open(blob_id, self.key, "owner-1", Purpose.CONTENT) as reader:
            return reader.read()

    def verify(self, blob: StoredBlob) -> None:
        size_bytes, sha256 = blob.size_bytes, blob.sha256
        self.vault.verify(blob.blob_id, self.key, "owner-1", Purpose.CONTENT, size_bytes=size_bytes, sha256=sha256)

    def stored(self, blob_id: str) -> bytes:
        return self.backend.stored[blob_id][0]

    def alter(self, blob_id: str, data: bytes) -> None:
        self.backend.stored[blob_id] = (data, self.backend.stored[blob_id][1])


def sample(size_bytes: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


@settings(max_examples=40, deadline=None)
@given(size_bytes=sizes, pieces=st.lists(st.integers(1, 3 * CHUNK), min_size=1, max_size=5))
def test_what_was_written_in_any_pieces_is_read_back_and_the_receipt_tells_the_truth(
    size_bytes: int, pieces: list[int]
) -> None:
    bench, plain = Bench(), sample(size_bytes)
    with bench.vault.writer(bench.key, "owner-1", Purpose.CONTENT) as writer:
        start = turn = 0
        while start < size_bytes:
            piece = pieces[turn % len(pieces)]
            buffer = bytearray(plain[start : start + piece])
            writer.write(buffer)
            buffer[:] = bytes(len(buffer))  # The writer promises that the caller may reuse its buffer at once.
            start, turn = start + piece, turn + 1
        blob = writer.commit()
    stored = bench.stored(blob.blob_id)
    assert bench.read(blob.blob_id) == plain
    assert blob == StoredBlob(
        blob_id=blob.blob_id,
        size_bytes=size_bytes,
        sha256=hashlib.sha256(plain).digest(),
        sm3=None,
        stored_size_bytes=len(stored),
        stored_sha256=hashlib.sha256(stored).digest(),
    )
    assert len(stored) == HEADER + size_bytes + 16 * (size_bytes // CHUNK + 1)
    bench.verify(blob)


@pytest.mark.parametrize("size_bytes", [3 * MEBIBYTE, 3 * MEBIBYTE + 1, 5 * MEBIBYTE - 16384, 5 * MEBIBYTE + 12345])
def test_blobs_larger_than_the_buffers_pass_through_the_second_thread_whole(size_bytes: int) -> None:
    bench, plain = Bench(), sample(size_bytes)
    blob = bench.put(plain)
    assert bench.read(blob.blob_id) == plain
    assert blob.stored_sha256 == hashlib.sha256(bench.stored(blob.blob_id)).digest()


@settings(max_examples=40, deadline=None)
@given(size_bytes=sizes, data=st.data())
def test_reads_at_random_positions_equal_slices(size_bytes: int, data: st.DataObject) -> None:
    bench, plain = Bench(), sample(size_bytes)
    blob = bench.put(plain)
    with bench.vault.open(blob.blob_id, bench.key, "owner-1", Purpose.CONTENT) as reader:
        assert (reader.readable(), reader.seekable(), reader.size_bytes) == (True, True, size_bytes)
        for _ in range(6):
            start = data.draw(st.integers(0, size_bytes + 3), label="start")
            length = data.draw(st.integers(0, 2 * CHUNK), label="length")
            whence = data.draw(st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]), label="whence")
            origin = {io.SEEK_SET: 0, io.SEEK_CUR: reader.tell(), io.SEEK_END: size_bytes}[whence]
            assert reader.seek(start - origin, whence) == start == reader.tell()
            expected = plain[start : start + length]
            assert reader.read(length) == expected
            assert reader.tell() == start + len(expected)


def test_a_seek_before_the_beginning_and_a_closed_reader_are_refused() -> None:
    bench = Bench()
    reader = bench.vault.open(bench.put(b"abc").blob_id, bench.key, "owner-1", Purpose.CONTENT)
    with pytest.raises(ValueError, match="cannot seek"):
        reader.seek(-4, io.SEEK_END)
    reader.close()
    for use in (reader.read, reader.tell, lambda: reader.seek(0)):
        with pytest.raises(ValueError, match="closed"):
            use()


@pytest.mark.parametrize("size_bytes", [0, 20])
def test_every_flipped_bit_of_a_small_blob_is_found_on_opening(size_bytes: int) -> None:
    bench = Bench()
    blob_id = bench.put(sample(size_bytes)).blob_id
    stored = bench.stored(blob_id)
    for position in range(len(stored) * 8):
        altered = bytearray(stored)
        altered[position // 8] ^= 1 << position % 8
        bench.alter(blob_id, bytes(altered))
        with pytest.raises(BlobCorrupt, match=blob_id):
            bench.vault.open(blob_id, bench.key, "owner-1", Purpose.CONTENT)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, HEADER + 2 * SEALED + 100 + 15), bit=st.integers(0, 7))
def test_a_flipped_bit_in_any_chunk_is_found_and_the_chunk_is_never_released(position: int, bit: int) -> None:
    bench, plain = Bench(), sample(2 * CHUNK + 100)
    blob = bench.put(plain)
    altered = bytearray(bench.stored(blob.blob_id))
    altered[position] ^= 1 << bit
    bench.alter(blob.blob_id, bytes(altered))
    with pytest.raises(BlobCorrupt):
        bench.verify(blob)
    with pytest.raises(BlobCorrupt):
        bench.vault.open(blob.blob_id, bench.key, "owner-1", Purpose.CONTENT, verified=True)
    damaged = (position - HEADER) // SEALED
    if 0 <= damaged < 2:
        with bench.vault.open(blob.blob_id, bench.key, "owner-1", Purpose.CONTENT) as reader:
            reader.seek(damaged * CHUNK)
            released = bytearray(CHUNK)
            with pytest.raises(BlobCorrupt, match=f"chunk {damaged}"):
                reader.readinto(released)
            assert released == bytes(CHUNK)
            reader.seek((1 - damaged) * CHUNK)
            assert reader.read(CHUNK) == plain[(1 - damaged) * CHUNK : (2 - damaged) * CHUNK]


@pytest.mark.parametrize("size_bytes", [0, 20])
def test_a_small_blob_cut_or_extended_at_any_length_is_refused(size_bytes: int) -> None:
    bench = Bench()
    blob_id = bench.put(sample(size_bytes)).blob_id
    stored = bench.stored(blob_id)
    for length in [*range(len(stored)), len(stored) + 1, len(stored) + 16, len(stored) + SEALED]:
        bench.alter(blob_id, (stored + bytes(SEALED))[:length])
        with pytest.raises(BlobCorrupt):
            bench.vault.open(blob_id, bench.key, "owner-1", Purpose.CONTENT)


def test_a_blob_of_several_chunks_cut_anywhere_is_refused() -> None:
    bench = Bench()
    blob_id = bench.put(sample(2 * CHUNK + 100)).blob_id
    stored = bench.stored(blob_id)
    ends = [HEADER + k * SEALED + d for k in range(3) for d in (-1, 0, 1, 15, 16, 17, 100)]
    for length in {*ends, *range(0, len(stored), 997), len(stored) - 1}:
        bench.alter(blob_id, stored[: max(0, length)])
        with pytest.raises(BlobCorrupt):
            bench.vault.open(blob_id, bench.key, "owner-1", Purpose.CONTENT)


def chunks_of(stored: bytes) -> list[bytes]:
    return [stored[start : start + SEALED] for start in range(HEADER, len(stored), SEALED)]


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 2], [1, 1, 2], [0, 2], [2], [0, 1, 1, 2], [0, 1, 2, 2]])
def test_chunks_in_another_order_dropped_or_doubled_are_refused(order: list[int]) -> None:
    bench = Bench()
    blob = bench.put(sample(2 * CHUNK + 100))
    stored = bench.stored(blob.blob_id)
    chunks = chunks_of(stored)
    bench.alter(blob.blob_id, stored[:HEADER] + b"".join(chunks[index] for index in order))
    with pytest.raises(BlobCorrupt):
        bench.verify(blob)


def test_a_chunk_of_another_blob_under_the_same_key_does_not_fit() -> None:
    bench = Bench()
    first, second = (bench.put(sample(2 * CHUNK, seed)) for seed in (1, 2))
    ours, theirs = bench.stored(first.blob_id), bench.stored(second.blob_id)
    spliced = ours[: HEADER + SEALED] + theirs[HEADER + SEALED : HEADER + 2 * SEALED] + ours[HEADER + 2 * SEALED :]
    bench.alter(first.blob_id, spliced)
    with pytest.raises(BlobCorrupt, match="chunk 1"):
        bench.verify(first)


def test_two_blobs_of_one_owner_that_changed_places_differ_from_what_was_recorded() -> None:
    bench = Bench()
    first, second = bench.put(b"the first"), bench.put(b"a second ")
    ours, theirs = bench.stored(first.blob_id), bench.stored(second.blob_id)
    bench.alter(first.blob_id, theirs)
    bench.alter(second.blob_id, ours)
    for blob in (first, second):
        with pytest.raises(BlobCorrupt, match="SHA-256"):
            bench.verify(blob)
    bench.alter(first.blob_id, bench.stored(bench.put(b"longer than the first").blob_id))
    with pytest.raises(BlobCorrupt, match="21 bytes, but 9"):
        bench.verify(first)


Opening = Callable[[Bench, str], object]


@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(lambda b, i: b.vault.open(i, b.key, "owner-2", Purpose.CONTENT), id="another owner"),
        pytest.param(lambda b, i: b.vault.open(i, b.key, "owner-1", Purpose.TEXT), id="another purpose"),
        pytest.param(
            lambda b, i: b.vault.open(i, b.vault.new_key("owner-1"), "owner-1", Purpose.CONTENT), id="another key"
        ),
        pytest.param(
            lambda b, i: b.vault.open(i, WrappedKey(1, b.key.wrapped[:-1]), "owner-1", Purpose.CONTENT),
            id="a key that was cut",
        ),
        pytest.param(lambda b, i: b.vault.open(i, WrappedKey(1, b""), "owner-1", Purpose.CONTENT), id="no key"),
    ],
)
def test_a_blob_opens_only_for_its_own_key_owner_and_purpose(opening: Opening) -> None:
    bench = Bench()
    with pytest.raises(BlobCorrupt):
        opening(bench, bench.put(b"secret").blob_id)


def test_the_binding_separates_owner_and_archive_whose_names_run_together() -> None:
    ring = MemoryKeyRing("ab")
    vault = Vault(MemoryBackend(), ring, archive_id="ab")
    key = vault.new_key("c")
    with pytest.raises(KeyCorrupt):
        vault.rewrap(key, "bc")
    with pytest.raises(KeyMissing, match="archive ab"):
        Vault(MemoryBackend(), ring, archive_id="a")


def test_rotation_leaves_blobs_alone_and_a_destroyed_epoch_is_named() -> None:
    ring = MemoryKeyRing("archive-1")
    vault = Vault(MemoryBackend(), ring, archive_id="archive-1")
    old = vault.new_key("owner-1")
    blob = vault.put(io.BytesIO(b"kept"), old, "owner-1", Purpose.CONTENT)
    ring.add_epoch()
    new = vault.rewrap(old, "owner-1")
    assert (old.epoch, new.epoch, len(new.wrapped)) == (1, 2, 60)
    ring.destroy_epoch(1)
    assert vault.open(blob.blob_id, new, "owner-1", Purpose.CONTENT, verified=True).read() == b"kept"
    for use in (
        lambda: vault.open(blob.blob_id, old, "owner-1", Purpose.CONTENT),
        lambda: vault.writer(old, "owner-1", Purpose.CONTENT),
        lambda: vault.rewrap(old, "owner-1"),
    ):
        with pytest.raises(KeyMissing, match="epoch 1"):
            use()
    with pytest.raises(KeyCorrupt):
        vault.rewrap(replace(new, wrapped=old.wrapped), "owner-1")


def test_what_is_not_stored_is_missing() -> None:
    bench = Bench()
    for blob_id in ("0" * 32, "../../etc/passwd", "", "A" * 32):
        with pytest.raises(BlobMissing):
            bench.read(blob_id)


@pytest.mark.parametrize("excess", [0, 1, 3 * MEBIBYTE])
def test_a_size_limit_holds_to_the_byte_and_leaves_nothing(excess: int) -> None:
    bench, limit = Bench(), 2 * MEBIBYTE
    stream = io.BytesIO(bytes(limit + excess))
    if not excess:
        bench.vault.put(stream, bench.key, "owner-1", Purpose.CONTENT, size_limit_bytes=limit)
        return
    with pytest.raises(SizeLimitExceeded):
        bench.vault.put(stream, bench.key, "owner-1", Purpose.CONTENT, size_limit_bytes=limit)
    assert not bench.backend.stored
    assert not bench.backend.temporaries


class Source:
    """A stream that gives blocks and then does something unkind."""

    def __init__(self, *answers: bytes | Exception | None) -> None:
        self.answers = iter(answers)

    def read(self, size: int, /) -> bytes:
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]  # None is the unkindness of a non-blocking stream.


@pytest.mark.parametrize(
    ("last", "error"), [(OSError(5, "the client hung up"), OSError), (None, BlockingIOError), (KeyError("x"), KeyError)]
)
def test_an_error_of_the_source_passes_unchanged_and_leaves_nothing(
    last: Exception | None, error: type[Exception]
) -> None:
    bench = Bench()
    with pytest.raises(error):
        bench.vault.put(Source(b"x" * 3 * MEBIBYTE, last), bench.key, "owner-1", Purpose.CONTENT)
    assert not bench.backend.stored
    assert not bench.backend.temporaries


def test_a_writer_left_without_commit_leaves_nothing_and_a_closed_one_refuses() -> None:
    bench = Bench()
    with bench.vault.writer(bench.key, "owner-1", Purpose.CONTENT) as writer:
        writer.write(b"draft")
    assert not bench.backend.stored
    assert not bench.backend.temporaries
    for use in (lambda: writer.write(b"more"), writer.commit):
        with pytest.raises(ValueError, match="closed"):
            use()
    writer.abort()


class FullBackend(MemoryBackend):
    """Takes so many bytes and then has no space."""

    def __init__(self, room_bytes: int) -> None:
        super().__init__()
        self.room_bytes = room_bytes

    def create(self, blob_id: str):  # type: ignore[no-untyped-def]
        temporary = super().create(blob_id)
        take = temporary.write

        def write(data: memoryview) -> None:
            self.room_bytes -= len(data)
            if self.room_bytes < 0:
                raise StorageFull("no space")
            take(data)

        temporary.write = write  # type: ignore[method-assign]
        return temporary


@pytest.mark.parametrize("room_bytes", [0, 10, MEBIBYTE, 2 * MEBIBYTE, 4 * MEBIBYTE])
def test_a_failure_on_the_second_thread_reaches_the_caller_and_nothing_is_committed(room_bytes: int) -> None:
    backend = FullBackend(room_bytes)
    vault = Vault(backend, RING, archive_id="archive-1")
    with pytest.raises(StorageFull):
        vault.put(io.BytesIO(bytes(4 * MEBIBYTE)), vault.new_key("o"), "o", Purpose.CONTENT)
    assert not backend.stored
    assert not backend.temporaries


def test_after_a_failed_write_a_commit_is_impossible() -> None:
    vault = Vault(FullBackend(0), RING, archive_id="archive-1")
    writer = vault.writer(vault.new_key("o"), "o", Purpose.CONTENT)
    with pytest.raises(StorageFull):
        writer.write(bytes(4 * MEBIBYTE))
    with pytest.raises(ValueError, match="closed"):
        writer.commit()


def test_sm3_is_computed_where_it_is_configured() -> None:
    blob = Bench(sm3=True).put(b"abc")
    assert blob.sm3 is not None
    # GB/T 32905-2016, Annex A.1.
    assert blob.sm3.hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_equal_content_gives_unequal_blobs() -> None:
    bench = Bench()
    first, second = bench.put(b"same"), bench.put(b"same")
    assert first.blob_id != second.blob_id
    assert bench.stored(first.blob_id) != bench.stored(second.blob_id)
    assert first.sha256 == second.sha256


def test_a_blob_that_shrinks_while_it_is_read_is_refused() -> None:
    bench = Bench()
    blob = bench.put(sample(2 * CHUNK))
    reader = bench.vault.open(blob.blob_id, bench.key, "owner-1", Purpose.CONTENT)
    reader._stored.truncate(HEADER + 10)
    with pytest.raises(BlobCorrupt, match="shorter"):
        reader.read()
