"""Tiles: the hashes of the tree in files or rows of up to 256, as C2SP tlog-tiles lays them out (hashes only).

A tile of level l holds consecutive hashes of complete subtrees of 256**l leaves. Full tiles never change; a partial
tile is the rightmost of its level. A tree of 70,000 leaves has 273 full tiles and one of width 112 on level 0, one full
and one of width 17 on level 1, and one of width 1 on level 2.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from archive_app.proof.errors import TileError, TreeError
from archive_app.proof.merkle import HASH_BYTES, MAX_TREE_SIZE, HashReader, node_hash, require_size

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_TILE_LEVEL: Final = 63

_PATH: Final = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, order=True)
class Tile:
    """Where a tile stands: level 0..63, index within the level, width 1..256 in hashes (256: full).

    Raises:
        TileError: a coordinate is outside its range.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MAX_TILE_LEVEL:
            raise TileError(f"tile level {self.level} is not between 0 and {MAX_TILE_LEVEL}")
        if not 0 <= self.index <= MAX_TREE_SIZE:
            raise TileError(f"tile index {self.index} is not between 0 and {MAX_TREE_SIZE}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise TileError(f"tile width {self.width} is not between 1 and {TILE_WIDTH}")

    @property
    def is_full(self) -> bool:
        """A full tile never changes again."""
        return self.width == TILE_WIDTH

    @property
    def size_bytes(self) -> int:
        """Length of the tile's content."""
        return self.width * HASH_BYTES

    @property
    def path(self) -> str:
        """The address below a log's prefix: level 0, index 1234067, width 5 → `tile/0/x001/x234/067.p/5`."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return f"tile/{self.level}/{number}" + ("" if self.is_full else f".p/{self.width}")

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """The inverse of `path`; every tile has exactly one accepted spelling.

        Raises:
            TileError: any other spelling.
        """
        match = _PATH.fullmatch(path)
        if match is None:
            raise TileError(f"not a tile path: {path!r}")
        level, number, width = match.groups()
        tile = cls(int(level), int(re.sub("[x/]", "", number)), int(width or TILE_WIDTH))
        # The pattern lets surplus leading zeroes, `.p/256` and the like pass; writing the path again does not.
        if tile.path != path:
            raise TileError(f"not the one spelling of a tile path: {path!r}, which is {tile.path!r}")
        return tile


TileLoader = Callable[[Tile], bytes]


def tree_tiles(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, level by level, from left to right.

    Raises:
        TreeError: no tree has this size.
    """
    require_size(size)
    level, count = 0, size
    while count:
        full, rest = divmod(count, TILE_WIDTH)
        yield from (Tile(level, index) for index in range(full))
        if rest:
            yield Tile(level, full, rest)
        level, count = level + 1, full


def grow(size: int, leaf_hashes: Sequence[bytes], load: TileLoader) -> dict[Tile, bytes]:
    """The tiles to store when these leaves are appended to a tree of `size` leaves, with their content.

    Contains every full tile that was completed and, on each level that changed, the partial tile of the grown tree.
    `load` is asked only for the partial tiles of the tree of `size` leaves. Partial tiles that were replaced may
    be deleted afterwards.

    Raises:
        TreeError: no tree has this size, the tree would become too large, or a leaf hash has not 32 bytes.
        TileError: a loaded tile has the wrong length.
    """
    require_size(size)
    require_size(size + len(leaf_hashes))
    if any(len(leaf) != HASH_BYTES for leaf in leaf_hashes):
        raise TreeError(f"every leaf hash must have {HASH_BYTES} bytes")
    changed: dict[Tile, bytes] = {}
    level, count, added = 0, size, b"".join(leaf_hashes)
    while added:
        index, kept_width = divmod(count, TILE_WIDTH)
        kept = load_tile(Tile(level, index, kept_width), load) if kept_width else b""
        tiles = _cut(level, index, kept + added)
        changed.update(tiles)
        # Only full tiles are hashed into the level above (tlog-tiles, "Partial Tiles").
        added = b"".join(_subtree_root(content) for tile, content in tiles.items() if tile.is_full)
        level, count = level + 1, index
    return changed


def hash_reader(size: int, load: TileLoader) -> HashReader:
    """A reader for `merkle` over the stored tiles of a tree of `size` leaves.

    Each tile is loaded and cut down to a hash per question; a loader that goes over a network may cache.

    Raises:
        TreeError: no tree has this size.
        TileError: raised by the reader for subtrees that are not complete in the tree, and for malformed tiles.
    """
    require_size(size)

    def read(level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > size:
            raise TileError(f"subtree {index} of level {level} is not complete in a tree of {size} leaves")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        width = min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - tile_index * TILE_WIDTH)
        content = load_tile(Tile(tile_level, tile_index, width), load)
        return _subtree_root(content[first * HASH_BYTES : (first + (1 << height)) * HASH_BYTES])

    return read


def load_tile(tile: Tile, load: TileLoader) -> bytes:
    """The content of a tile; a wider stored version of the same tile serves as well, and is cut to the width.

    A log keeps only the widest version of a partial tile, and a smaller tree is a prefix of it.

    Raises:
        TileError: what the loader answers is too short, longer than a full tile, or no whole number of hashes.
    """
    content = load(tile)
    if not tile.size_bytes <= len(content) <= TILE_WIDTH * HASH_BYTES or len(content) % HASH_BYTES:
        raise TileError(f"{tile.path} has {len(content)} bytes, expected {tile.size_bytes}")
    return content[: tile.size_bytes]


def _cut(level: int, first_index: int, content: bytes) -> dict[Tile, bytes]:
    """Hashes of one level, beginning at a tile border, as tiles."""
    step = TILE_WIDTH * HASH_BYTES
    pieces = [content[i : i + step] for i in range(0, len(content), step)]
    return {Tile(level, first_index + i, len(piece) // HASH_BYTES): piece for i, piece in enumerate(pieces)}


def _subtree_root(content: bytes) -> bytes:
    """The root over 1, 2, 4 … 256 concatenated hashes."""
    row = [content[i : i + HASH_BYTES] for i in range(0, len(content), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
