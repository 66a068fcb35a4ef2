"""Building the tree again from its leaves, in constant memory, and comparing it with what was stored and signed."""

from collections.abc import Iterator, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from archive_app.kernel.archive import Archive
from archive_app.proof.checkpoint import Checkpoint
from archive_app.proof.errors import ProofError
from archive_app.proof.merkle import HASH_BYTES, Frontier
from archive_app.proof.tiles import TILE_WIDTH, Tile, grow
from archive_app.trail.checkpoints import open_row
from archive_app.trail.findings import Finding, Kind, found
from archive_app.trail.models import LogCheckpoint, LogTile
from archive_app.trail.tree import tile_loader

_CHECKPOINTS_AT_ONCE = 500


class Replay:
    """The tree as its leaves make it. Findings gather in `findings`; whoever drives it takes them out.

    `torn` says that leaves are missing whose hashes nothing tells: from there on the tree cannot be built.
    """

    def __init__(self, archive: Archive, session: Session, published: Checkpoint | None) -> None:
        self.findings: list[Finding] = []
        self.torn = False
        self._archive = archive
        self._session = session
        self._published = published
        self._frontier = Frontier()
        self._partial: dict[int, bytes] = {}
        self._load = tile_loader(session)
        self._tile: tuple[int, bytes] = (-1, b"")
        self._checkpoints = self._signed()
        self._next = next(self._checkpoints, None)
        self._forked = False
        self.signed_size = self._newest_signed_size()

    @property
    def size(self) -> int:
        """How many leaves were appended."""
        return self._frontier.size

    def stored_hash(self, position: int) -> bytes | None:
        """What the stored tiles hold for the leaf at `position`; None outside of them."""
        if position < 0:
            return None
        index, place = divmod(position, TILE_WIDTH)
        if self._tile[0] != index:
            self._tile = (index, self._load(Tile(0, index)))
        content = self._tile[1][place * HASH_BYTES : (place + 1) * HASH_BYTES]
        return content if len(content) == HASH_BYTES else None

    def fill(self, end: int) -> None:
        """Names the leaves that are missing before `end`, and goes on with their hashes from the tiles if they last."""
        if self.torn or self.size >= end:
            return
        self.findings.append(found(Kind.LEAVES_MISSING, first=self.size, last=end - 1))
        while self.size < end and (stored := self.stored_hash(self.size)) is not None:
            self.extend([stored])
        self.torn = self.size < end

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Appends leaf hashes; compares every tile that they complete and every checkpoint that they reach."""
        size = self.size
        for leaf in leaves:
            self._frontier.append(leaf)
            self._compare_checkpoints()
        for tile, content in grow(size, leaves, lambda tile: self._partial[tile.level]).items():
            if tile.is_full:
                self._compare_tile(tile, content)
            else:
                self._partial[tile.level] = content

    def finish(self) -> None:
        """Compares what is left: leaves that were signed and are gone or never signed, partial and surplus tiles."""
        published_size = self._published.size if self._published else 0
        self.fill(max(self.signed_size, published_size))
        if self.signed_size < published_size:
            self.findings.append(found(Kind.WENT_BACK, published=published_size))
        if self.signed_size < self.size and not self.torn:
            self.findings.append(found(Kind.LEAVES_UNSIGNED, first=self.signed_size, last=self.size - 1))
        if not self.torn:
            self._compare_partial_tiles()
            self._find_surplus_tiles()
        while self._next is not None:
            self._next = next(self._checkpoints, None)

    def _compare_partial_tiles(self) -> None:
        level, count = 0, self.size
        while count:
            if width := count % TILE_WIDTH:
                self._compare_tile(Tile(level, count // TILE_WIDTH, width), self._partial[level])
            level, count = level + 1, count // TILE_WIDTH

    def _compare_checkpoints(self) -> None:
        size, published = self.size, self._published
        if self._next is not None and self._next.size == size:
            if self._next.root != self._frontier.root() and not self._forked:
                # The tree only grows, so every later checkpoint fails with the first one: one finding says it all.
                self._forked = True
                self.findings.append(found(Kind.CHECKPOINT_FORKED, size=size))
            self._next = next(self._checkpoints, None)
        if published is not None and published.size == size and published.root != self._frontier.root():
            self.findings.append(found(Kind.WENT_BACK, published=size))

    def _compare_tile(self, tile: Tile, content: bytes) -> None:
        stored = self._load(tile)
        # Single hashes of level 0 are compared, and named, by whoever appends the leaves.
        same = len(stored) == len(content) if tile.level == 0 else stored == content
        if not same:
            self.findings.append(found(Kind.TILE_ALTERED, level=tile.level, index=tile.index))

    def _find_surplus_tiles(self) -> None:
        outside = [LogTile.level < 0, LogTile.index < 0]
        level, count = 0, self.size
        while count:
            tiles = -(-count // TILE_WIDTH)
            outside.append((LogTile.level == level) & (LogTile.index >= tiles))
            level, count = level + 1, count // TILE_WIDTH
        outside.append(LogTile.level >= level)
        surplus = select(LogTile.level, LogTile.index).where(or_(*outside)).order_by(LogTile.level, LogTile.index)
        for tile_level, index in self._session.execute(surplus):
            self.findings.append(found(Kind.TILE_STRAY, level=tile_level, index=index))

    def _signed(self) -> Iterator[Checkpoint]:
        """The checkpoints that this archive signed, by size; any other is a finding."""
        size: int | None = None
        while True:
            later = select(LogCheckpoint).order_by(LogCheckpoint.size).limit(_CHECKPOINTS_AT_ONCE)
            rows = self._session.scalars(later if size is None else later.where(LogCheckpoint.size > size)).all()
            self._session.expunge_all()
            if not rows:
                return
            for row in rows:
                size = row.size
                try:
                    yield open_row(self._archive, row)
                except ProofError:
                    self.findings.append(found(Kind.CHECKPOINT_INVALID, size=row.size))

    def _newest_signed_size(self) -> int:
        newest = select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1)
        row = self._session.scalar(newest)
        while row is not None:
            try:
                return open_row(self._archive, row).size
            except ProofError:
                # The forged one is named when its turn comes; the one before it may be true.
                row = self._session.scalar(newest.where(LogCheckpoint.size < row.size))
        return 0
