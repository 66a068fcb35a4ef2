"""Excerpts of hits, cut from their stored texts, each with the place it leads to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select

from archive_app.documents.errors import storage_translated
from archive_app.documents.models import Part
from archive_app.documents.places import CHILD, Place, Places, parse_passages
from archive_app.kernel.unit_of_work import UnitOfWork
from search import Fragment, Synonyms, highlight
from storage import Purpose, WrappedKey

_TEXT_BYTES = 400_000
_PLACES_BYTES = 256 * 1024
_EVERYTHING = 2**62


class _Keyed(Protocol):
    """Those columns of a version that open its blobs."""

    @property
    def id(self) -> str: ...
    @property
    def key_epoch(self) -> int: ...
    @property
    def wrapped_key(self) -> bytes: ...


@dataclass(frozen=True)
class Excerpts:
    """Cuts the excerpts of one search, out of versions that its actor may see."""

    uow: UnitOfWork
    text: str
    synonyms: Synonyms

    def cut(
        self, version: _Keyed, text_blob_id: str | None, places_blob_id: str | None
    ) -> tuple[Sequence[Fragment], Sequence[Place | None]]:
        """The fragments of a version's text, and the place of each. Raises: ContentCorruptError."""
        if text_blob_id is None:
            return (), ()
        body, _ = self._read(version, text_blob_id, _TEXT_BYTES)
        fragments = highlight(body, self.text, synonyms=self.synonyms)
        marks = [fragment.marked_at for fragment in fragments]
        if places_blob_id is None or not any(mark is not None for mark in marks):
            return fragments, [None] * len(fragments)
        places, known = self._places(version, places_blob_id)
        return fragments, [None if mark is None or mark >= known else places.at(mark, body) for mark in marks]

    def _places(self, version: _Keyed, blob_id: str) -> tuple[Places, int]:
        """The places of the beginning of a text, however long the whole list is, and up to which character it goes."""
        written, whole = self._read(version, blob_id, _PLACES_BYTES)
        passages = parse_passages(json.loads(written) if whole else whole_rows(written))
        known = _EVERYTHING if whole else max((passage.start for passage in passages), default=0)
        if not any(passage.place.startswith(CHILD) for passage in passages):
            return Places(passages), known
        names = select(Part.number, Part.name).where(Part.version_id == version.id)
        return Places(passages, {number: name for number, name in self.uow.session.execute(names)}), known  # noqa: C416  # rows

    def _read(self, version: _Keyed, blob_id: str, limit_bytes: int) -> tuple[str, bool]:
        """The beginning of a blob's text, and whether that is all of it."""
        key = WrappedKey(version.key_epoch, version.wrapped_key)
        with storage_translated(), self.uow.archive.vault.open(blob_id, key, version.id, Purpose.TEXT) as blob:
            size = min(blob.size_bytes, limit_bytes)
            return blob.read(size).decode("utf-8", "ignore"), size == blob.size_bytes


def whole_rows(beginning: str) -> list[list[object]]:
    """The rows at the beginning of a JSON list of rows that was cut off anywhere.

    >>> whole_rows('[[0,"page:1"],[9,"row:a],[b!2"],[12,"pa')
    [[0, 'page:1'], [9, 'row:a],[b!2']]
    """
    rows, at, decoder = [], 1, json.JSONDecoder()
    while beginning[at : at + 1] == "[":
        try:
            row, at = decoder.raw_decode(beginning, at)
        except ValueError:
            break
        rows.append(row)
        at += 1
    return rows
