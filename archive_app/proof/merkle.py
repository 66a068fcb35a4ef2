"""The Merkle tree of RFC 6962 §2.1 over SHA-256: roots, the compact range, proofs and their verification.

Trees are never held in memory. A proof is made from a *hash reader*: `read(level, index)` answers the hash of the
complete subtree of `2**level` leaves that begins at leaf `index * 2**level`; `tiles.hash_reader` makes one from stored
tiles. Verification raises and returns nothing: there is no result that a caller could forget to look at.

A root does not commit to its size, so some proofs hold for several sizes: a verifier takes size and root from the same
signed checkpoint.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from archive_app.proof.errors import ConsistencyError, InclusionError, TreeError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

# The readers of checkpoints in use keep sizes in a signed 64-bit integer.
MAX_TREE_SIZE: Final = 2**63 - 1

HashReader = Callable[[int, int], bytes]


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right): the hash of an inner node (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Iterable[bytes]) -> bytes:
    """The Merkle Tree Hash over these leaf hashes (RFC 6962 §2.1); `EMPTY_ROOT` if there are none.

    Raises:
        TreeError: a hash has not 32 bytes.
    """
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """A compact range: the roots of the complete subtrees that a tree of `size` leaves falls into, largest first.

    That is all one needs to go on appending: at most 63 hashes, however long the log. `Frontier(size, hashes)` restores
    a stored one.

    Raises:
        TreeError: the number of hashes is not the number of one-bits of `size`, or a hash has not 32 bytes.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        require_size(size)
        self._size = size
        self._hashes = [_require_hash(value) for value in hashes]
        if len(self._hashes) != size.bit_count():
            raise TreeError(f"a tree of {size} leaves has {size.bit_count()} frontier hashes, not {len(self._hashes)}")

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """What to store so that `Frontier(size, hashes)` goes on from here."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at position `size`.

        Raises:
            TreeError: the hash has not 32 bytes, or the tree is full.
        """
        _require_hash(leaf)
        require_size(self._size + 1)
        carry = leaf
        # Each one-bit at the low end of the size is a complete subtree that the new leaf completes to a larger one.
        lowest_bits = self._size
        while lowest_bits & 1:
            carry = node_hash(self._hashes.pop(), carry)
            lowest_bits >>= 1
        self._hashes.append(carry)
        self._size += 1

    def root(self) -> bytes:
        """The Merkle Tree Hash of the tree as it is now."""
        return _fold(self._hashes) if self._hashes else EMPTY_ROOT


def read_frontier(size: int, read: HashReader) -> Frontier:
    """The compact range of the first `size` leaves, from stored hashes.

    Raises:
        TreeError: the size is impossible, or the reader answers something that is no hash.
    """
    require_size(size)
    return Frontier(size, _subtree_hashes(0, size, read))


def read_root(size: int, read: HashReader) -> bytes:
    """The root of the first `size` leaves, from stored hashes.

    Raises:
        TreeError: the size is impossible, or the reader answers something that is no hash.
    """
    return read_frontier(size, read).root()


def prove_inclusion(index: int, size: int, read: HashReader) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962 §2.1.1), lowest node first.

    Raises:
        TreeError: `index` lies outside the tree, or the reader answers something that is no hash.
    """
    _require_index(index, size)
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(begin, middle, read))
            begin = middle
    return path[::-1]


def prove_consistency(size1: int, size2: int, read: HashReader) -> list[bytes]:
    """The proof that the tree of `size2` leaves continues the tree of `size1` leaves (RFC 6962 §2.1.2).

    Raises:
        TreeError: not 0 < size1 <= size2, or the reader answers something that is no hash.
    """
    _require_growth(size1, size2)
    proof: list[bytes] = []
    begin, end = 0, size2
    while size1 != end:
        middle = begin + _split(end - begin)
        if size1 <= middle:
            proof.append(_range_root(middle, end, read))
            end = middle
        else:
            proof.append(_range_root(begin, middle, read))
            begin = middle
    # At begin 0 the remaining subtree is the old tree itself, whose root the verifier already holds.
    if begin > 0:
        proof.append(_range_root(begin, end, read))
    return proof[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Accept that `leaf` is the leaf hash at `index` of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).

    Raises:
        TreeError: `index` lies outside the tree, or something has not the length of a hash.
        InclusionError: the proof is too short or too long, or does not lead to the root.
    """
    _require_index(index, size)
    _require_hashes(leaf, root, *proof)
    # The path has one sibling per level at which the leaf's node is not the last one without a partner.
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise InclusionError(f"the proof has {len(proof)} hashes, more than leaf {index} of {size} needs")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            # A last node without a partner rises unchanged until it becomes somebody's right child.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise InclusionError(f"the proof has {len(proof)} hashes, fewer than leaf {index} of {size} needs")
    if current != root:
        raise InclusionError(f"leaf {index} of {size} leads to root {current.hex()}, not to {root.hex()}")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Accept that the tree (size2, root2) only appended to the tree (size1, root1) (RFC 9162 §2.1.4.2).

    `size1` 0 is refused: everything continues the empty tree, so such a proof would prove nothing.

    Raises:
        TreeError: not 0 < size1 <= size2, or something has not the length of a hash.
        ConsistencyError: the proof is too short or too long, or does not lead to both roots.
    """
    _require_growth(size1, size2)
    _require_hashes(root1, root2, *proof)
    if size1 == size2:
        _verify_same(size1, proof, root1, root2)
        return
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # A size1 that is a power of two is a subtree of the new tree, so the proof leaves its root out.
    path = [root1, *proof] if node == 0 else list(proof)
    if not path:
        raise ConsistencyError(f"the proof from {size1} to {size2} is empty")
    old, new = _climb(node, last, path)
    if old != root1:
        raise ConsistencyError(f"the proof leads to root {old.hex()} at size {size1}, not to {root1.hex()}")
    if new != root2:
        raise ConsistencyError(f"the proof leads to root {new.hex()} at size {size2}, not to {root2.hex()}")


def _verify_same(size: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    if proof:
        raise ConsistencyError(f"both trees have {size} leaves, so the proof must be empty, not {len(proof)} hashes")
    if root1 != root2:
        raise ConsistencyError(f"two roots for the same size {size}: {root1.hex()} and {root2.hex()}")


def _climb(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """From the node where the trees part, up to the old and the new root."""
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ConsistencyError("the proof has more hashes than these sizes need")
        if node & 1 or node == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ConsistencyError("the proof has fewer hashes than these sizes need")
    return old, new


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 6962 §2.1, there called k)."""
    return 1 << (size - 1).bit_length() - 1


def _range_root(begin: int, end: int, read: HashReader) -> bytes:
    return _fold(_subtree_hashes(begin, end, read))


def _subtree_hashes(begin: int, end: int, read: HashReader) -> list[bytes]:
    """The hashes of the complete subtrees that [begin, end) falls into, largest first.

    `begin` is a multiple of the largest of them, as it is for every range that the recursion of RFC 6962 reaches.
    """
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(_require_hash(read(level, begin >> level)))
        begin += 1 << level
    return hashes


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Join subtree roots from the right, the smallest first."""
    *larger, current = hashes
    for left in reversed(larger):
        current = node_hash(left, current)
    return current


def require_size(size: int) -> None:
    """Refuse what no tree can have as its number of leaves.

    Raises:
        TreeError: negative, or beyond `MAX_TREE_SIZE`.
    """
    if not 0 <= size <= MAX_TREE_SIZE:
        raise TreeError(f"a tree cannot have {size} leaves")


def _require_index(index: int, size: int) -> None:
    require_size(size)
    if not 0 <= index < size:
        raise TreeError(f"leaf {index} lies outside a tree of {size} leaves")


def _require_growth(size1: int, size2: int) -> None:
    require_size(size2)
    if size1 == 0:
        raise TreeError("a consistency proof from size 0 proves nothing: everything continues the empty tree")
    if not 0 < size1 <= size2:
        raise TreeError(f"a tree of {size2} leaves cannot continue one of {size1}")


def _require_hash(value: bytes) -> bytes:
    if len(value) != HASH_BYTES:
        raise TreeError(f"a hash has {HASH_BYTES} bytes, this has {len(value)}")
    return value


def _require_hashes(*values: bytes) -> None:
    for value in values:
        _require_hash(value)
