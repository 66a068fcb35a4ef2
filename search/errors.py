"""What can go wrong in the search library. Messages are for developers; callers translate by class and code."""

from __future__ import annotations


class SearchError(Exception):
    """Root of every error this library raises on purpose."""


class QueryError(SearchError):
    """The query text cannot be searched for.

    `code` is stable: `too_long` (characters) or `too_many_terms`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class IndexBusy(SearchError):  # noqa: N818 - a state of the index, named as callers speak of it
    """Another process holds the index for writing."""


class IndexUnavailable(SearchError):  # noqa: N818 - as above
    """There is no index to read in the memory directory (yet), or the directory is not ours alone."""


class IndexUnsealable(SearchError):  # noqa: N818 - as above
    """The sealed index is missing, damaged, under another key or of another layout: rebuild from the database."""


class SealFailed(SearchError):  # noqa: N818 - as above
    """The index was committed in memory but not sealed to disk; the earlier sealed state stands, commit again later."""


class EngineFailed(SearchError):  # noqa: N818 - as above
    """The engine could not write, for example because the memory is full; close the index and open it again."""


class EngineMissing(SearchError):  # noqa: N818 - as above
    """The search engine that was asked for, or every one, is not installed."""
