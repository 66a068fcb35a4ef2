"""What stands behind an index: the engines, what they all keep, and which of them there are on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Protocol

from search.errors import EngineMissing
from search.synonyms import NO_SYNONYMS, Synonyms
from search.values import IndexDocument, Query, Results, Scope, Similar, Suggestion

MOST_ANSWERS = 50
"""Suggestions or similar documents in one answer."""


class EngineName(StrEnum):
    """The engines. TANTIVY is fast and compiled, WHOOSH is pure Python and runs everywhere."""

    TANTIVY = "tantivy"
    WHOOSH = "whoosh"


_PLACES = {
    EngineName.TANTIVY: ("tantivy", "search.tantivy_engine", "TantivyEngine"),
    EngineName.WHOOSH: ("whoosh", "search.whoosh_engine", "WhooshEngine"),
}


class Engine(Protocol):
    """One open index directory; writes only after `begin_writing`, and then from one thread.

    Reading may be done from several threads. `tests/contract/test_search_engines.py` is the specification.
    """

    layout: ClassVar[str]
    """What a stored index must have been made by to be readable here."""

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open the index in `directory`; with `create`, make an empty one there.

        Raises:
            ValueError: there is no whole index in the directory.
        """

    @staticmethod
    def last_commit(directory: Path) -> object:
        """A value that changes with every commit. Raises: ValueError when there is no index."""

    def begin_writing(self) -> None:
        """Take the index for writing.

        Raises:
            EngineFailed: the engine cannot write there.
        """

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add documents, each in place of an earlier one with the same key, visible after `commit`.

        Raises:
            EngineFailed: the engine cannot write (any more); nothing since the last commit is kept.
        """

    def remove(self, keys: Iterable[str]) -> None:
        """Take documents out; unknown keys are fine. Raises: EngineFailed, as `put`."""

    def commit(self) -> None:
        """Make everything since the last commit visible here at once and elsewhere after `reload`.

        Raises:
            EngineFailed: as for `put`.
        """

    def close(self) -> None:
        """Let go of the writer. Uncommitted changes are lost."""

    def reload(self) -> None:
        """See what another process has committed. Raises: ValueError: the index is gone."""

    def snapshot(self) -> tuple[dict[str, str], list[str]]:
        """The committed state as files: small ones by content, and names of files that never change under a name.

        Merging may go on in the background, so a named file may be gone by the time it is read: take a new snapshot.
        """

    @property
    def count(self) -> int:
        """Documents in the committed index."""

    def search(self, query: Query, synonyms: Synonyms = NO_SYNONYMS) -> Results:
        """Answer a query from the state last reloaded.

        Raises:
            QueryError: as `search.language.parse_query`.
        """

    def suggest(self, prefix: str, scope: Scope, limit: int) -> list[Suggestion]:
        """What current versions in the scope have in their short fields that contains `prefix`.

        The last word of `prefix` may be the beginning of a word or number; Chinese may begin anywhere. One letter or
        digit alone gives nothing. What begins with `prefix` comes first, then what stands in most documents.
        """

    def similar(self, key: str, scope: Scope, limit: int) -> list[Similar]:
        """Other documents in the scope that are like the version `key`, the likest first; none if that is not in it."""


def load_engine(name: EngineName) -> type[Engine]:
    """The engine of that name.

    Raises:
        EngineMissing: it is not installed.
    """
    package, module, attribute = _PLACES[name]
    if find_spec(package) is None:
        msg = f"the search engine {name} is not installed"
        raise EngineMissing(msg)
    engine: type[Engine] = getattr(import_module(module), attribute)
    return engine


def choose_engine(wanted: str = "auto") -> EngineName:
    """The engine of a setting: a name, or "auto" for the first that is installed.

    Raises:
        EngineMissing: it, or every one, is not installed.
        ValueError: there is no such engine.
    """
    if wanted != "auto":
        load_engine(EngineName(wanted))
        return EngineName(wanted)
    for name, (package, _, _) in _PLACES.items():
        if find_spec(package) is not None:
            return name
    msg = "no search engine is installed"
    raise EngineMissing(msg)
