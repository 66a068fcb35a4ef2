"""The committed vectors of the audit log. They never change: a change here is a change of what was promised."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_app.proof.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from archive_app.proof.leaf import canonical_detail, detail_digest, leaf_bytes, leaf_hash
from archive_app.proof.merkle import (
    prove_consistency,
    prove_inclusion,
    root,
    verify_consistency,
    verify_inclusion,
)
from archive_app.proof.note import NoteSigner, VerifierKey, verify_note
from archive_app.proof.tiles import Tile, grow, hash_reader
from tests.unit.proof import merkle_oracle as oracle

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "audit_log.json").read_text(encoding="utf-8")
)
TREE = VECTORS["tree"]
LEAVES = [leaf_hash(bytes.fromhex(data)) for data in TREE["leaves"]]
TILES = grow(0, LEAVES, lambda _tile: b"")


def tile_content(tile: Tile) -> bytes:
    return next(
        content for stored, content in TILES.items() if (stored.level, stored.index) == (tile.level, tile.index)
    )


READ = hash_reader(len(LEAVES), tile_content)


@pytest.mark.parametrize("vector", VECTORS["detail"])
def test_detail(vector: dict[str, Any]) -> None:
    assert canonical_detail(vector["detail"]).decode() == vector["canonical"]
    assert detail_digest(bytes.fromhex(vector["salt"]), vector["detail"]).hex() == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["leaf"])
def test_leaf(vector: dict[str, Any]) -> None:
    leaf = leaf_bytes(
        event_id=vector["event_id"],
        code=vector["code"],
        occurred_at=datetime.fromisoformat(vector["occurred_at"]),
        actor=vector["actor"],
        via=vector["via"],
        subjects=vector["subjects"],
        detail_digest=bytes.fromhex(vector["detail_digest"]),
    )
    assert leaf.decode() == vector["leaf"]
    assert leaf_hash(leaf).hex() == vector["leaf_hash"]


def test_roots_of_the_certificate_transparency_vectors() -> None:
    assert [root(LEAVES[:size]).hex() for size in range(len(LEAVES) + 1)] == TREE["roots"]


@pytest.mark.parametrize("vector", TREE["inclusion"])
def test_inclusion(vector: dict[str, Any]) -> None:
    index, size, proof = vector["index"], vector["size"], [bytes.fromhex(h) for h in vector["proof"]]
    assert prove_inclusion(index, size, READ) == proof
    verify_inclusion(index, size, LEAVES[index], proof, bytes.fromhex(TREE["roots"][size]))


@pytest.mark.parametrize("vector", TREE["consistency"])
def test_consistency(vector: dict[str, Any]) -> None:
    size1, size2, proof = vector["size1"], vector["size2"], [bytes.fromhex(h) for h in vector["proof"]]
    assert prove_consistency(size1, size2, READ) == proof
    root1, root2 = (bytes.fromhex(TREE["roots"][size]) for size in (size1, size2))
    verify_consistency(size1, size2, proof, root1, root2)


@pytest.mark.parametrize(("size", "expected"), VECTORS["counted_tree"]["roots"].items())
def test_counted_tree(size: str, expected: str) -> None:
    assert root(oracle.leaf(position) for position in range(int(size))).hex() == expected


@pytest.mark.parametrize("vector", VECTORS["tile_path"])
def test_tile_path(vector: dict[str, Any]) -> None:
    tile = Tile(vector["level"], vector["index"], vector["width"])
    assert tile.path == vector["path"]
    assert Tile.from_path(vector["path"]) == tile


@pytest.mark.parametrize("vector", VECTORS["note"], ids=lambda vector: vector["source"])
def test_notes_of_other_implementations(vector: dict[str, Any]) -> None:
    key = VerifierKey.decode(vector["vkey"])
    assert key.encode() == vector["vkey"]
    assert verify_note(vector["note"], [key]).signatures[0].name == key.name


def test_a_checkpoint_in_the_wild() -> None:
    vector = next(note for note in VECTORS["note"] if note["source"].startswith("sum.golang.org"))
    checkpoint = open_checkpoint(vector["note"], VerifierKey.decode(vector["vkey"]), "go.sum database tree")
    assert checkpoint.size == 30_055_305


@pytest.mark.parametrize("signed", VECTORS["checkpoint"]["signed"], ids=lambda signed: str(signed["size"]))
def test_checkpoint(signed: dict[str, Any]) -> None:
    origin = VECTORS["checkpoint"]["origin"]
    signer = NoteSigner(origin, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["checkpoint"]["seed"])))
    assert signer.verifier_key.encode() == VECTORS["checkpoint"]["vkey"]
    checkpoint = Checkpoint(origin, signed["size"], bytes.fromhex(signed["root"]))
    assert sign_checkpoint(checkpoint, signer) == signed["note"]
    assert open_checkpoint(signed["note"], signer.verifier_key, origin) == checkpoint
