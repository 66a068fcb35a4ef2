"""Tiles: addresses, growth and everything that is computed from them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_app.proof.errors import TileError, TreeError
from archive_app.proof.merkle import (
    MAX_TREE_SIZE,
    prove_consistency,
    prove_inclusion,
    read_frontier,
    read_root,
    verify_consistency,
    verify_inclusion,
)
from archive_app.proof.tiles import Tile, grow, hash_reader, tree_tiles
from tests.unit.proof import merkle_oracle as oracle


class TileShelf:
    """Keeps only the widest version of each tile, as a log does, and notes what was asked for."""

    def __init__(self) -> None:
        self.contents: dict[tuple[int, int], bytes] = {}
        self.asked: list[Tile] = []

    def load(self, tile: Tile) -> bytes:
        self.asked.append(tile)
        return self.contents[tile.level, tile.index]

    def grow(self, size: int, added: int) -> dict[Tile, bytes]:
        changed = grow(size, [oracle.leaf(i) for i in range(size, size + added)], self.load)
        for tile, content in changed.items():
            self.contents[tile.level, tile.index] = content
        return changed

    def tiles(self) -> list[Tile]:
        return sorted(Tile(level, index, len(content) // 32) for (level, index), content in self.contents.items())


def shelf_of(size: int) -> TileShelf:
    shelf = TileShelf()
    shelf.grow(0, size)
    return shelf


def defined_content(tile: Tile) -> bytes:
    """The content by the formula of tlog-tiles, "Merkle Tree"."""
    span = 256**tile.level
    first = tile.index * 256
    return b"".join(oracle.mth((first + i) * span, (first + i + 1) * span) for i in range(tile.width))


@pytest.mark.parametrize("size", [*range(20), 254, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 70_000])
def test_tiles_are_the_defined_ones(size: int) -> None:
    shelf = shelf_of(size)
    assert shelf.tiles() == sorted(tree_tiles(size))
    for tile in shelf.tiles():
        assert shelf.contents[tile.level, tile.index] == defined_content(tile)


def test_the_example_of_the_specification() -> None:
    tiles = list(tree_tiles(70_000))
    assert [sum(tile.is_full for tile in tiles if tile.level == level) for level in range(3)] == [273, 1, 0]
    assert [tile for tile in tiles if not tile.is_full] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tree_tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_growing_in_steps_is_growing_at_once(steps: list[int]) -> None:
    shelf, size = TileShelf(), 0
    for step in steps:
        old = set(tree_tiles(size))
        shelf.asked.clear()
        changed = shelf.grow(size, step)
        size += step
        new = set(tree_tiles(size))
        assert set(changed) == new - old
        assert all(not tile.is_full and tile in old for tile in shelf.asked)
    assert shelf.contents == shelf_of(size).contents


@pytest.mark.parametrize("size", [254, 255, 256, 257, 511, 512, 513])
@pytest.mark.parametrize("added", [1, 255, 256, 257, 600])
def test_growing_from_the_border_of_a_tile(size: int, added: int) -> None:
    shelf = shelf_of(size)
    shelf.grow(size, added)
    assert shelf.contents == shelf_of(size + added).contents


@pytest.mark.parametrize(("size", "stored"), [(5, 9), (5, 256), (255, 256), (256, 513), (300, 600)])
def test_growing_again_after_a_crash_gives_the_same_tiles(size: int, stored: int) -> None:
    """Tiles were stored, but the new size was not: wider tiles than the size demands are cut to it."""
    assert shelf_of(stored).grow(size, 7) == shelf_of(size).grow(size, 7)


@pytest.mark.parametrize("size", [65_534, 65_535, 65_536])
def test_crossing_the_border_of_a_level(size: int) -> None:
    shelf = shelf_of(size)
    shelf.grow(size, 1)
    assert read_root(size + 1, hash_reader(size + 1, shelf.load)) == oracle.mth(0, size + 1)
    assert shelf.tiles() == sorted(tree_tiles(size + 1))


def test_every_proof_of_small_trees_from_tiles() -> None:
    shelf = shelf_of(300)
    for size in (1, 2, 3, 7, 8, 100, 255, 256, 257, 299, 300):
        # The tiles of the larger tree serve the smaller ones too.
        read = hash_reader(size, shelf.load)
        assert read_root(size, read) == oracle.mth(0, size)
        for index in range(0, size, 3):
            assert prove_inclusion(index, size, read) == oracle.path(index, 0, size)
            assert prove_consistency(index + 1, size, read) == oracle.subproof(index + 1, 0, size)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
def test_proofs_of_large_trees_from_tiles(size: int) -> None:
    shelf = shelf_of(size)
    read = hash_reader(size, shelf.load)
    for index in {0, 255, 256, 257, 40_000, 65_534, size - 1}:
        proof = prove_inclusion(index, size, read)
        assert proof == oracle.path(index, 0, size)
        verify_inclusion(index, size, oracle.leaf(index), proof, oracle.mth(0, size))
        proof = prove_consistency(index + 1, size, read)
        assert proof == oracle.subproof(index + 1, 0, size)
        verify_consistency(index + 1, size, proof, oracle.mth(0, index + 1), oracle.mth(0, size))


def test_tiles_and_frontier_agree() -> None:
    shelf = shelf_of(66_000)
    frontier = read_frontier(66_000, hash_reader(66_000, shelf.load))
    assert frontier.hashes == read_frontier(66_000, oracle.read).hashes
    frontier.append(oracle.leaf(66_000))
    shelf.grow(66_000, 1)
    assert read_root(66_001, hash_reader(66_001, shelf.load)) == frontier.root()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 600), st.data())
def test_an_altered_tile_gives_another_root(size: int, data: st.DataObject) -> None:
    shelf = shelf_of(size)
    content = bytearray(shelf.contents[0, (size - 1) // 256])
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    altered = shelf.contents | {(0, (size - 1) // 256): bytes(content)}
    found = read_root(size, hash_reader(size, lambda tile: altered[tile.level, tile.index]))
    # The hash of a full tile stands in the level above, so there only the proofs that read the tile itself notice.
    if size % 256:
        assert found != oracle.mth(0, size)
    index = data.draw(st.integers((size - 1) // 256 * 256, size - 1))
    read = hash_reader(size, lambda tile: altered[tile.level, tile.index])
    proof = prove_inclusion(index, size, read)
    assert proof != oracle.path(index, 0, size) or read(0, index) != oracle.leaf(index)


@pytest.mark.parametrize("length", [0, 31, 32 * 4, 32 * 5 - 1, 32 * 5 + 1, 32 * 257])
def test_a_tile_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(TileError, match=r"tile/0/000\.p/5"):
        grow(5, [bytes(32)], lambda _tile: bytes(length))
    with pytest.raises(TileError, match=r"tile/0/000\.p/5"):
        hash_reader(5, lambda _tile: bytes(length))(0, 4)


def test_hash_reader_answers_only_complete_subtrees() -> None:
    read = hash_reader(300, shelf_of(300).load)
    assert read(8, 0) == oracle.mth(0, 256)
    for level, index in [(0, 300), (8, 1), (9, 0), (2, 75), (-1, 0), (0, -1)]:
        with pytest.raises(TileError):
            read(level, index)


def test_impossible_growth_is_refused() -> None:
    for size, leaves in [(-1, []), (-1, [bytes(32)]), (MAX_TREE_SIZE, [bytes(32)])]:
        with pytest.raises(TreeError, match="cannot have"):
            grow(size, leaves, lambda _tile: b"")
    for leaf in (b"", bytes(31), bytes(33)):
        with pytest.raises(TreeError, match="32 bytes"):
            grow(0, [leaf], lambda _tile: b"")
    with pytest.raises(TreeError):
        list(tree_tiles(-1))
    assert grow(0, [], lambda _tile: b"") == {}


@given(st.integers(0, 63), st.integers(0, MAX_TREE_SIZE), st.integers(1, 256))
def test_a_path_and_its_tile_are_one_to_one(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.from_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/67",
        "tile/00/067",
        "tile/64/067",
        "tile/-1/067",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/X001/067",
        "tile/0/067.p/0",
        "tile/0/067.p/00",
        "tile/0/067.p/05",
        "tile/0/067.p/256",
        "tile/0/067.p/999",
        "tile/0/067.p/",
        "tile/0/067.p",
        "tile/0/067/",
        "/tile/0/067",
        "tile/0/067\n",
        "tile/0/\u0660\u0666\u0667",
        "tile/entries/067",
        "tile/0/../067",
        "tile/0/" + "x999/" * 30 + "999",
    ],
)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    with pytest.raises(TileError):
        Tile.from_path(path)


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_impossible_tiles_are_refused(level: int, index: int, width: int) -> None:
    with pytest.raises(TileError):
        Tile(level, index, width)
