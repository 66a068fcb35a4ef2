"""The tree against the recursive definition of RFC 6962, and every altered proof against the verifiers."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archive_app.proof.errors import ConsistencyError, InclusionError, TreeError
from archive_app.proof.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    Frontier,
    prove_consistency,
    prove_inclusion,
    read_frontier,
    read_root,
    root,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.proof import merkle_oracle as oracle

EXHAUSTIVE_SIZE = 300
LARGE_SIZES = [511, 512, 513, 1000, 4095, 4096, 4097]


def test_frontier_gives_the_root_of_every_size() -> None:
    frontier = Frontier()
    for size in range(EXHAUSTIVE_SIZE):
        assert frontier.size == size
        assert frontier.root() == oracle.mth(0, size)
        assert frontier.hashes == read_frontier(size, oracle.read).hashes
        assert Frontier(size, frontier.hashes).root() == frontier.root()
        frontier.append(oracle.leaf(size))


def test_a_restored_frontier_goes_on() -> None:
    frontier = read_frontier(200, oracle.read)
    for position in range(200, EXHAUSTIVE_SIZE):
        frontier = Frontier(frontier.size, frontier.hashes)
        frontier.append(oracle.leaf(position))
    assert frontier.root() == oracle.mth(0, EXHAUSTIVE_SIZE)


def test_root_of_a_sequence() -> None:
    assert root([]) == EMPTY_ROOT
    assert root(oracle.leaf(i) for i in range(257)) == oracle.mth(0, 257)


def test_every_inclusion_proof_is_the_defined_one_and_verifies() -> None:
    for size in range(1, EXHAUSTIVE_SIZE):
        for index in range(size):
            proof = prove_inclusion(index, size, oracle.read)
            assert proof == oracle.path(index, 0, size)
            verify_inclusion(index, size, oracle.leaf(index), proof, oracle.mth(0, size))


def test_every_consistency_proof_is_the_defined_one_and_verifies() -> None:
    for size2 in range(1, EXHAUSTIVE_SIZE):
        for size1 in range(1, size2 + 1):
            proof = prove_consistency(size1, size2, oracle.read)
            assert proof == oracle.subproof(size1, 0, size2)
            verify_consistency(size1, size2, proof, oracle.mth(0, size1), oracle.mth(0, size2))


@pytest.mark.parametrize("size", LARGE_SIZES)
def test_larger_trees(size: int) -> None:
    assert read_root(size, oracle.read) == oracle.mth(0, size)
    for index in {0, 1, size // 3, size - 2, size - 1}:
        proof = prove_inclusion(index, size, oracle.read)
        assert proof == oracle.path(index, 0, size)
        verify_inclusion(index, size, oracle.leaf(index), proof, oracle.mth(0, size))
        proof = prove_consistency(index + 1, size, oracle.read)
        assert proof == oracle.subproof(index + 1, 0, size)
        verify_consistency(index + 1, size, proof, oracle.mth(0, index + 1), oracle.mth(0, size))


sizes = st.integers(1, 600)
mutations = st.sampled_from(["flip", "drop", "double", "insert", "swap"])


def _mutate(proof: list[bytes], how: str, data: st.DataObject) -> list[bytes]:
    """A proof that differs in one place."""
    changed = list(proof)
    if how == "insert":
        changed.insert(data.draw(st.integers(0, len(proof))), data.draw(st.binary(min_size=32, max_size=32)))
        return changed
    assume(proof)
    place = data.draw(st.integers(0, len(proof) - 1))
    if how == "flip":
        changed[place] = _flip(changed[place], data)
    elif how == "drop":
        del changed[place]
    elif how == "double":
        changed.insert(place, changed[place])
    else:
        other = data.draw(st.integers(0, len(proof) - 1))
        changed[place], changed[other] = changed[other], changed[place]
    assume(changed != proof)
    return changed


def _flip(value: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 255))
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(32)


@settings(deadline=None, max_examples=400)
@given(sizes, mutations, st.data())
def test_every_altered_inclusion_proof_is_refused(size: int, how: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = _mutate(oracle.path(index, 0, size), how, data)
    with pytest.raises(InclusionError):
        verify_inclusion(index, size, oracle.leaf(index), proof, oracle.mth(0, size))


@settings(deadline=None, max_examples=300)
@given(sizes, st.data())
def test_another_leaf_root_or_index_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, leaf, root_hash = oracle.path(index, 0, size), oracle.leaf(index), oracle.mth(0, size)
    with pytest.raises(InclusionError):
        verify_inclusion(index, size, _flip(leaf, data), proof, root_hash)
    with pytest.raises(InclusionError):
        verify_inclusion(index, size, leaf, proof, _flip(root_hash, data))
    elsewhere = data.draw(st.integers(0, size - 1))
    assume(elsewhere != index)
    with pytest.raises(InclusionError):
        verify_inclusion(elsewhere, size, leaf, proof, root_hash)


@settings(deadline=None, max_examples=400)
@given(sizes, mutations, st.data())
def test_every_altered_consistency_proof_is_refused(size2: int, how: str, data: st.DataObject) -> None:
    size1 = data.draw(st.integers(1, size2))
    proof = _mutate(oracle.subproof(size1, 0, size2), how, data)
    with pytest.raises(ConsistencyError):
        verify_consistency(size1, size2, proof, oracle.mth(0, size1), oracle.mth(0, size2))


@settings(deadline=None, max_examples=300)
@given(sizes, st.data())
def test_another_root_or_old_size_is_refused(size2: int, data: st.DataObject) -> None:
    size1 = data.draw(st.integers(1, size2))
    proof, root1, root2 = oracle.subproof(size1, 0, size2), oracle.mth(0, size1), oracle.mth(0, size2)
    with pytest.raises(ConsistencyError):
        verify_consistency(size1, size2, proof, _flip(root1, data), root2)
    with pytest.raises(ConsistencyError):
        verify_consistency(size1, size2, proof, root1, _flip(root2, data))
    other = data.draw(st.integers(1, size2))
    assume(other != size1)
    with pytest.raises(ConsistencyError):
        verify_consistency(other, size2, proof, root1, root2)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (8, 8), (9, 8), (-1, 8), (0, -1), (0, MAX_TREE_SIZE + 1)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(TreeError):
        verify_inclusion(index, size, oracle.leaf(0), [], oracle.leaf(0))
    with pytest.raises(TreeError):
        prove_inclusion(index, size, oracle.read)


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 8), (9, 8), (-1, 8), (-2, -1), (1, MAX_TREE_SIZE + 1)])
def test_sizes_that_are_no_growth_are_refused(size1: int, size2: int) -> None:
    with pytest.raises(TreeError):
        verify_consistency(size1, size2, [], EMPTY_ROOT, EMPTY_ROOT)
    with pytest.raises(TreeError):
        prove_consistency(size1, size2, oracle.read)


def test_a_consistency_proof_from_size_0_is_refused_for_that_reason() -> None:
    with pytest.raises(TreeError, match="from size 0 proves nothing"):
        verify_consistency(0, 8, [], EMPTY_ROOT, oracle.mth(0, 8))


def test_an_index_outside_the_tree_with_the_proof_of_the_last_leaf_is_refused() -> None:
    with pytest.raises(TreeError):
        verify_inclusion(5, 5, oracle.leaf(4), oracle.path(4, 0, 5), oracle.mth(0, 5))


@pytest.mark.parametrize(("change", "reason"), [(1, "more"), (-1, "fewer")])
def test_proofs_of_the_wrong_length_are_refused_for_their_length(change: int, reason: str) -> None:
    def resized(proof: list[bytes]) -> list[bytes]:
        return [*proof, bytes(32)] if change > 0 else proof[:change]

    for size in range(9, 40):
        with pytest.raises(InclusionError, match=reason):
            verify_inclusion(3, size, oracle.leaf(3), resized(oracle.path(3, 0, size)), oracle.mth(0, size))
        with pytest.raises(ConsistencyError, match=reason):
            verify_consistency(3, size, resized(oracle.subproof(3, 0, size)), oracle.mth(0, 3), oracle.mth(0, size))


def test_equal_sizes_need_equal_roots_and_no_proof() -> None:
    verify_consistency(8, 8, [], oracle.mth(0, 8), oracle.mth(0, 8))
    with pytest.raises(ConsistencyError, match="two roots"):
        verify_consistency(8, 8, [], oracle.mth(0, 8), oracle.mth(0, 7))
    with pytest.raises(ConsistencyError, match="must be empty"):
        verify_consistency(8, 8, [oracle.mth(0, 8)], oracle.mth(0, 8), oracle.mth(0, 8))


@pytest.mark.parametrize("size1", [1, 3, 4, 7])
def test_an_empty_proof_of_growth_is_refused(size1: int) -> None:
    with pytest.raises(ConsistencyError):
        verify_consistency(size1, 8, [], oracle.mth(0, size1), oracle.mth(0, size1))


@pytest.mark.parametrize("hash_", [b"", bytes(31), bytes(33)])
def test_what_has_not_32_bytes_is_no_hash(hash_: bytes) -> None:
    good = bytes(32)
    for leaf, proof, root_hash in [(hash_, [good], good), (good, [hash_], good), (good, [good], hash_)]:
        with pytest.raises(TreeError):
            verify_inclusion(0, 2, leaf, proof, root_hash)
        with pytest.raises(TreeError):
            verify_consistency(1, 2, proof, leaf, root_hash)
    with pytest.raises(TreeError):
        Frontier().append(hash_)
    with pytest.raises(TreeError):
        Frontier(1, [hash_])
    with pytest.raises(TreeError):
        read_root(1, lambda _level, _index: hash_)


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 0), (6, 1), (6, 3), (7, 2), (-1, 1)])
def test_a_frontier_of_another_size_is_refused(size: int, count: int) -> None:
    with pytest.raises(TreeError):
        Frontier(size, [bytes(32)] * count)


def test_a_full_tree_takes_no_more() -> None:
    frontier = Frontier(MAX_TREE_SIZE, [bytes(32)] * 63)
    with pytest.raises(TreeError):
        frontier.append(bytes(32))
    assert frontier.size == MAX_TREE_SIZE
    assert len(frontier.hashes) == 63
