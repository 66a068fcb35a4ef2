"""The sealed memory index: one writer, any number of readers in other processes.

The readable files live in memory (`search.memory`); after each commit the new ones are sealed to disk
(`search.sealing`). The engine between them (`search.engine`) knows neither.
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

from search.engine import Engine, EngineName, choose_engine, load_engine
from search.errors import EngineMissing, IndexUnavailable, IndexUnsealable, SealFailed
from search.memory import MemoryDirectory
from search.sealing import Manifest, SealedStore
from search.synonyms import NO_SYNONYMS, Synonyms
from search.values import IndexDocument, Query, Results, Scope, Similar, Suggestion

_OPEN_ATTEMPTS = 5


class Index:
    """The writer's side, in one process and one thread. Also a context manager that closes it."""

    def __init__(self, home: MemoryDirectory, store: SealedStore, engine: EngineName) -> None:
        """Internal: use `open_writer` or `rebuild`."""
        self._home, self._store, self._name = home, store, engine
        self._kind = load_engine(engine)
        self._directory: Path | None = None
        self._engine: Engine | None = None
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
            directory, engine.snapshot, layout=self._kind.layout, generation=manifest.generation, watermark=watermark
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
        directory = self._home.new_generation(self._name, self._kind.layout)
        engine = self._kind(directory, create=True)
        try:
            engine.begin_writing()
            engine.put(documents)
            engine.commit()
            generation = secrets.token_hex(16)
            manifest = self._store.seal(
                directory, engine.snapshot, layout=self._kind.layout, generation=generation, watermark=watermark
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

    def _use(self, directory: Path, engine: Engine, manifest: Manifest) -> None:
        before, self._engine = self._engine, engine
        self._directory, self._manifest = directory, manifest
        if before is not None:
            before.close()
        with _noting():
            self._home.note_state(directory, manifest.generation, manifest.digest)
            self._home.switch(directory)

    def _resume(self) -> None:
        """Take up the sealed state: from memory if it is still there, otherwise by unsealing."""
        manifest = self._store.read(self._kind.layout)
        directory = self._home.current()
        engine = self._engine_in_memory(directory, manifest)
        if directory is None or engine is None:
            directory = self._home.new_generation(self._name, self._kind.layout)
            self._store.unseal(manifest, directory)
            engine = self._open_unsealed(directory)
        engine.begin_writing()
        self._use(directory, engine, manifest)

    def _engine_in_memory(self, directory: Path | None, manifest: Manifest) -> Engine | None:
        """What memory holds may be one commit ahead of the disk, or one note behind; anything else is not ours."""
        state = self._home.state(directory) if directory else None
        if directory is None or state is None:
            return None
        if state[0] != manifest.generation or state[1] not in {manifest.digest, manifest.previous}:
            return None
        try:
            return self._kind(directory)
        except ValueError:  # files are missing or broken: the sealed ones replace them
            return None

    def _open_unsealed(self, directory: Path) -> Engine:
        try:
            return self._kind(directory)
        except ValueError as error:
            msg = "the sealed index opened, but its engine cannot read it"
            raise IndexUnsealable(msg) from error

    @property
    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise _closed()
        return self._engine


class IndexReader:
    """The readers' side, for any process and thread: sees each commit and each rebuild at its next query."""

    def __init__(self, home: MemoryDirectory, synonyms: Synonyms) -> None:
        """Internal: use `open_reader`."""
        self._home = home
        self.synonyms = synonyms
        self._directory: Path | None = None
        self._engine: Engine | None = None
        self._commit: object = None
        self._opening = threading.Lock()

    def query(self, query: Query) -> Results:
        """Answer from the last commit.

        Raises:
            QueryError: the text is too long or has too many terms.
            IndexUnavailable: the writer has not (yet) put an index into the memory directory.
        """
        return self._fresh_engine().search(query, self.synonyms)

    def suggest(self, prefix: str, scope: Scope, limit: int = 10) -> list[Suggestion]:
        """Titles, names, clients, engagements, originators and numbers in the scope that contain `prefix`.

        The last word of `prefix` may be the beginning of a word or number; Chinese may begin anywhere. What begins with
        `prefix` comes first, then what stands in most documents. At most 50; nothing that the scope hides is read.

        Raises:
            IndexUnavailable: as for `query`.
        """
        return self._fresh_engine().suggest(prefix, scope, limit)

    def similar(self, key: str, scope: Scope, limit: int = 10) -> list[Similar]:
        """Other documents in the scope that are like the version `key`, the likest first; none if that is not in it.

        At most 50.

        Raises:
            IndexUnavailable: as for `query`.
        """
        return self._fresh_engine().similar(key, scope, limit)

    @property
    def engine(self) -> EngineName | None:
        """The engine that made the index in use; None while there is none."""
        directory = self._home.current()
        made_by = self._home.made_by(directory) if directory else None
        return EngineName(made_by[0]) if made_by and made_by[0] in set(EngineName) else None

    @property
    def count(self) -> int:
        """Documents in the last commit.

        Raises:
            IndexUnavailable: as for `query`.
        """
        return self._fresh_engine().count

    def _fresh_engine(self) -> Engine:
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

    def _opened(self, directory: Path) -> Engine:
        if self._engine is None or directory != self._directory:
            self._home.check()
            kind = _engine_of(self._home.made_by(directory))
            self._commit = kind.last_commit(directory)
            self._engine, self._directory = kind(directory), directory
        elif self._commit != (commit := self._engine.last_commit(directory)):
            self._engine.reload()
            self._commit = commit
        return self._engine


def open_writer(
    memory_dir: Path, sealed_dir: Path, seal_key: bytes, archive_id: str, *, engine: EngineName | None = None
) -> Index:
    """Take up the index where it was last sealed; then put again whatever is newer than its `watermark`.

    `engine` is the first that is installed if none is named.

    Raises:
        EngineMissing: the engine is not installed.
        IndexBusy: another writer has it.
        IndexUnsealable: there is no usable sealed index: call `rebuild` with everything from the database.
        IndexUnavailable: `memory_dir` is not ours alone.
    """
    index = _take(memory_dir, sealed_dir, seal_key, archive_id, engine)
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
    engine: EngineName | None = None,
) -> Index:
    """Make the index anew, whatever was there before (nothing, for a new archive), and open it for writing.

    Raises:
        EngineMissing: as `open_writer`.
        IndexBusy: another writer has it; inside the writer use `Index.rebuild`.
        IndexUnavailable: `memory_dir` is not ours alone.
        SealFailed: as `Index.rebuild`.
    """
    index = _take(memory_dir, sealed_dir, seal_key, archive_id, engine)
    try:
        index.rebuild(documents=documents, watermark=watermark)
    except BaseException:
        index.close()
        raise
    return index


def open_reader(memory_dir: Path, *, synonyms: Synonyms = NO_SYNONYMS) -> IndexReader:
    """A reader; the index need not be there yet. It follows whatever engine the writer uses."""
    return IndexReader(MemoryDirectory(memory_dir), synonyms)


def _take(memory_dir: Path, sealed_dir: Path, seal_key: bytes, archive_id: str, engine: EngineName | None) -> Index:
    name = engine or choose_engine()
    load_engine(name)
    store = SealedStore(sealed_dir, seal_key, archive_id)
    home = MemoryDirectory(memory_dir)
    try:
        home.prepare()
    except BaseException:
        store.close()
        raise
    return Index(home, store, name)


def _engine_of(made_by: tuple[str, str] | None) -> type[Engine]:
    """The engine that can read a generation. Raises: ValueError: none here can."""
    if made_by is None or made_by[0] not in set(EngineName):
        msg = "the index was made by another version of this program"
        raise ValueError(msg)
    try:
        kind = load_engine(EngineName(made_by[0]))
    except EngineMissing as error:
        raise ValueError(str(error)) from error
    if kind.layout != made_by[1]:
        msg = "the index was made by another version of this program"
        raise ValueError(msg)
    return kind


@contextmanager
def _noting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"the memory directory could not be brought up to the sealed state: {error}"
        raise SealFailed(msg) from error


def _closed() -> IndexUnavailable:
    return IndexUnavailable("the index is closed")
