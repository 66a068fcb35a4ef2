"""Audit log: leaves per second of growing with tiles, beside the bare compact range.

Run: `python tests/bench/bench_log.py`.
"""

import hashlib
import time
from collections.abc import Callable

from archive_app.proof.merkle import Frontier, prove_inclusion, read_root, verify_inclusion
from archive_app.proof.tiles import Tile, grow, hash_reader

LEAVES = 200_000
BATCHES = (1_000, 100, 10, 1)
SINGLE_LEAVES = 5_000
PROOFS = 2_000


class TileShelf:
    """Tiles in a dictionary."""

    def __init__(self) -> None:
        self.contents: dict[tuple[int, int], bytes] = {}

    def load(self, tile: Tile) -> bytes:
        """The widest stored version."""
        return self.contents[tile.level, tile.index]

    def store(self, tiles: dict[Tile, bytes]) -> None:
        """Replace narrower versions."""
        self.contents.update({(tile.level, tile.index): content for tile, content in tiles.items()})


def measure_per_second(count: int, work: Callable[[], object]) -> float:
    """Best of three."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return count / min(seconds)


def append_bare(leaves: list[bytes]) -> bytes:
    """The denominator: nothing but the compact range."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def append_with_frontier(leaves: list[bytes], batch: int) -> bytes:
    """The same with a compact range that is kept from batch to batch, so that roots need no tiles."""
    shelf, frontier = TileShelf(), Frontier()
    root_hash = frontier.root()
    for size in range(0, len(leaves), batch):
        added = leaves[size : size + batch]
        shelf.store(grow(size, added, shelf.load))
        for leaf in added:
            frontier.append(leaf)
        root_hash = frontier.root()
    return root_hash


def append_with_tiles(leaves: list[bytes], batch: int) -> tuple[TileShelf, bytes]:
    """What the sequencer does: per batch, new tiles and the new root, as for a checkpoint."""
    shelf, root_hash = TileShelf(), b""
    for size in range(0, len(leaves), batch):
        added = leaves[size : size + batch]
        shelf.store(grow(size, added, shelf.load))
        root_hash = read_root(size + len(added), hash_reader(size + len(added), shelf.load))
    return shelf, root_hash


def main() -> None:
    """Print every figure with its ratio."""
    leaves = [hashlib.sha256(b"\x00" + str(i).encode()).digest() for i in range(LEAVES)]
    bare = measure_per_second(LEAVES, lambda: append_bare(leaves))
    print(f"compact range alone                {bare:12,.0f} leaves/s")
    for batch in BATCHES:
        # Single leaves cost a root each; fewer of them give the same figure sooner.
        some = leaves[: LEAVES if batch > 1 else SINGLE_LEAVES]
        rate = measure_per_second(len(some), lambda some=some, batch=batch: append_with_tiles(some, batch))  # type: ignore[misc]
        print(f"tiles and root, batches of {batch:5}   {rate:12,.0f} leaves/s   ratio {rate / bare:.2f}")
    kept = measure_per_second(SINGLE_LEAVES, lambda: append_with_frontier(leaves[:SINGLE_LEAVES], 1))
    print(f"the same, compact range kept       {kept:12,.0f} leaves/s   ratio {kept / bare:.2f}")
    shelf, root_hash = append_with_tiles(leaves, LEAVES)
    if root_hash != append_bare(leaves):
        raise SystemExit("tiles and compact range disagree")
    read = hash_reader(LEAVES, shelf.load)
    positions = range(0, LEAVES, LEAVES // PROOFS)
    proofs = [prove_inclusion(position, LEAVES, read) for position in positions]
    proving = measure_per_second(PROOFS, lambda: [prove_inclusion(position, LEAVES, read) for position in positions])
    print(f"inclusion proofs made from tiles   {proving:12,.0f} /s")

    def verify_all() -> None:
        for position, proof in zip(positions, proofs, strict=True):
            verify_inclusion(position, LEAVES, leaves[position], proof, root_hash)

    verifying = measure_per_second(PROOFS, verify_all)
    print(f"inclusion proofs verified          {verifying:12,.0f} /s")


if __name__ == "__main__":
    main()
