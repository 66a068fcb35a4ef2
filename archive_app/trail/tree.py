"""The stored tree: the tiles of hashes in the database."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.proof.merkle import HashReader
from archive_app.proof.tiles import Tile, TileLoader, hash_reader
from archive_app.trail.models import LogTile


def tile_loader(session: Session) -> TileLoader:
    """Loads stored tiles; a missing one is empty, which whoever asked for it reports as a `TileError`."""

    def load(tile: Tile) -> bytes:
        stored = select(LogTile.hashes).where(LogTile.level == tile.level, LogTile.index == tile.index)
        return session.scalar(stored) or b""

    return load


def stored_hashes(session: Session, size: int) -> HashReader:
    """Reads the hashes of the stored tree of `size` leaves."""
    return hash_reader(size, tile_loader(session))


def store_tiles(session: Session, tiles: Mapping[Tile, bytes]) -> None:
    """Adds tiles, or replaces partial ones by wider ones."""
    for tile, hashes in tiles.items():
        session.merge(LogTile(level=tile.level, index=tile.index, hashes=hashes))
    session.flush()
