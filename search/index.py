"""The sealed memory index: one writer, any number of readers in other processes.

The readable files live in memory (`search.memory`); after each commit the new ones are sealed to disk
(`search.sealing`). The engine between them (`search.tantivy_engine`) knows neither.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from search.errors import IndexUnavailable, IndexUnsealable, SealFailed
from search.memory import MemoryDirectory
from search.sealing import Manifest, SealedStore
from search.tantivy_engine import COMMIT_FILE, LAYOUT, TantivyEngine
from search.values import IndexDocument, Query, Results

_OPEN_ATTEMPTS = 5


class Index:
    """The writer's side, in one process and one thread. Also a context manager that closes it."""

    def __init__(self, home: MemoryDirectory, store: SealedStore) -> None:
        """Internal: use `open_writer` or `rebuild`."""
        self._home, self._store = home, store
        self._directory: Path | None = None
        self._engine: TantivyEngine | None = None
        self._manifest: Manifest | None = None

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add documents, each in place of an earlier one with the same key; found and durable after `commit`."""
        self._open_engine.put(documents)

    def remove(self, keys: Iterable[str]) -> None:
        """Stop finding documents, after `commit`; unknown keys are fine.

        Their words stay in the index files until merging happens to rewrite them: `rebuild` erases.
        """
        self._open_engine.remove(keys)

    def commit(self, watermark: str | None) -> None:
        """Make all changes visible to readers, then durable on disk together with the caller's `watermark`.

        Raises:
            SealFailed: visible, but perhaps not durable: `watermark` says how far. Commit again.
            EngineFailed: nothing since the last commit is kept; close the index and open it again.
        """
        engine, directory, manifest = self._open_engine, self._directory, self._manifest
        if directory is None or manifest is None:
            raise _closed()
        engine.commit()
        self._manifest = self._store.seal(
            directory, engine.snapshot, layout=LAYOUT, generation=manifest.generation, watermark=watermark
        )
        with _noting():
            self._home.note_state(directory, self._manifest.generation, self._manifest.digest)

    def query(self, query: Query) -> Results:
        """Answer from the last commit.

        Raises:
            QueryError: the text is too long or has too many terms.
        """
        return self._open_engine.search(query)

    @property
    def watermark(self) -> str | None:
        """The watermark of the last sealed commit: whatever came after it must be put again."""
        return self._manifest.watermark if self._manifest else None

    @property
    def count(self) -> int:
        """Documents in the last commit."""
        return self._open_engine.count

    def rebuild(self, *, documents: Iterable[IndexDocument], watermark: str | None) -> None:
        """Replace the whole index by `documents`; readers follow at once, and nothing of the old files is kept.

        Until the end the old index answers. Needs memory for both.

        Raises:
            SealFailed: the old index stands, or the new one does and old files could not be removed.
            EngineFailed: the old index stands.
        """
        directory = self._home.new_generation()
        engine = TantivyEngine(directory, create=True)
        try:
            engine.begin_writing()
            engine.put(documents)
            engine.commit()
            generation = secrets.token_hex(16)
            manifest = self._store.seal(
                directory, engine.snapshot, layout=LAYOUT, generation=generation, watermark=watermark
            )
        except BaseException:
            engine.close()
            shutil.rmtree(directory)
            raise
        self._use(directory, engine, manifest)

    def close(self) -> None:
        """Finish merges and let another writer in. Uncommitted changes are lost."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _use(self, directory: Path, engine: TantivyEngine, manifest: Manifest) -> None:
        before, self._engine = self._engine, engine
        self._directory, self._manifest = directory, manifest
        if before is not None:
            before.close()
        with _noting():
            self._home.note_state(directory, manifest.generation, manifest.digest)
            self._home.switch(directory)

    def _resume(self) -> None:
        """Take up the sealed state: from memory if it is still there, otherwise by unsealing."""
        manifest = self._store.read(LAYOUT)
        directory = self._home.current()
        engine = self._engine_in_memory(directory, manifest)
        if directory is None or engine is None:
            directory = self._home.new_generation()
            self._store.unseal(manifest, directory)
            engine = _open_unsealed(directory)
        engine.begin_writing()
        self._use(directory, engine, manifest)

    def _engine_in_memory(self, directory: Path | None, manifest: Manifest) -> TantivyEngine | None:
        """What memory holds may be one commit ahead of the disk, or one note behind; anything else is not ours."""
        state = self._home.state(directory) if directory else None
        if directory is None or state is None:
            return None
        if state[0] != manifest.generation or state[1] not in {manifest.digest, manifest.previous}:
            return None
        try:
            return TantivyEngine(directory)
        except ValueError:  # files are missing or broken: the sealed ones replace them
            return None

    @property
    def _open_engine(self) -> TantivyEngine:
        if self._engine is None:
            raise _closed()
        return self._engine


class IndexReader:
    """The readers' side, for any process and thread: sees each commit and each rebuild at its next query."""

    def __init__(self, home: MemoryDirectory) -> None:
        """Internal: use `open_reader`."""
        self._home = home
        self._directory: Path | None = None
        self._engine: TantivyEngine | None = None
        self._commit: tuple[int, int] | None = None
        self._opening = threading.Lock()

    def query(self, query: Query) -> Results:
        """Answer from the last commit.

        Raises:
            QueryError: the text is too long or has too many terms.
            IndexUnavailable: the writer has not (yet) put an index into the memory directory.
        """
        return self._fresh_engine().search(query)

    @property
    def count(self) -> int:
        """Documents in the last commit.

        Raises:
            IndexUnavailable: as for `query`.
        """
        return self._fresh_engine().count

    def _fresh_engine(self) -> TantivyEngine:
        with self._opening:
            for _ in range(_OPEN_ATTEMPTS):
                directory = self._home.current()
                if directory is None:
                    break
                try:
                    return self._opened(directory)
                except ValueError:  # a rebuild took this generation away while we looked at it
                    self._directory = None
        msg = "the writer has not put an index into the memory directory"
        raise IndexUnavailable(msg)

    def _opened(self, directory: Path) -> TantivyEngine:
        if self._engine is None or directory != self._directory:
            self._home.check()
            self._commit = _last_commit(directory)
            self._engine, self._directory = TantivyEngine(directory), directory
        elif self._commit != (commit := _last_commit(directory)):
            self._engine.reload()
            self._commit = commit
        return self._engine


def open_writer(memory_dir: Path, sealed_dir: Path, seal_key: bytes, archive_id: str) -> Index:
    """Take up the index where it was last sealed; then put again whatever is newer than its `watermark`.

    Raises:
        IndexBusy: another writer has it.
        IndexUnsealable: there is no usable sealed index: call `rebuild` with everything from the database.
        IndexUnavailable: `memory_dir` is not ours alone.
    """
    index = _take(memory_dir, sealed_dir, seal_key, archive_id)
    try:
        index._resume()  # noqa: SLF001 - the two halves of one construction
    except BaseException:
        index.close()
        raise
    return index


def rebuild(
    memory_dir: Path,
    sealed_dir: Path,
    seal_key: bytes,
    archive_id: str,
    *,
    documents: Iterable[IndexDocument],
    watermark: str | None,
) -> Index:
    """Make the index anew, whatever was there before (nothing, for a new archive), and open it for writing.

    Raises:
        IndexBusy: another writer has it; inside the writer use `Index.rebuild`.
        IndexUnavailable: `memory_dir` is not ours alone.
        SealFailed: as `Index.rebuild`.
    """
    index = _take(memory_dir, sealed_dir, seal_key, archive_id)
    try:
        index.rebuild(documents=documents, watermark=watermark)
    except BaseException:
        index.close()
        raise
    return index


def open_reader(memory_dir: Path) -> IndexReader:
    """A reader; the index need not be there yet."""
    return IndexReader(MemoryDirectory(memory_dir))


def _take(memory_dir: Path, sealed_dir: Path, seal_key: bytes, archive_id: str) -> Index:
    store = SealedStore(sealed_dir, seal_key, archive_id)
    home = MemoryDirectory(memory_dir)
    try:
        home.prepare()
    except BaseException:
        store.close()
        raise
    return Index(home, store)


def _last_commit(directory: Path) -> tuple[int, int]:
    """What changes with every commit. Raises: ValueError when the generation is gone."""
    try:
        told = (directory / COMMIT_FILE).stat()
    except OSError as error:
        raise ValueError(str(error)) from error
    return told.st_ino, told.st_mtime_ns


def _open_unsealed(directory: Path) -> TantivyEngine:
    try:
        return TantivyEngine(directory)
    except ValueError as error:
        msg = "the sealed index opened, but its engine cannot read it"
        raise IndexUnsealable(msg) from error


@contextmanager
def _noting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"the memory directory could not be brought up to the sealed state: {error}"
        raise SealFailed(msg) from error


def _closed() -> IndexUnavailable:
    return IndexUnavailable("the index is closed")
