"""The persistent formats, fixed by committed vectors and by a second implementation written from the specification.

The generator below shares no code with `storage`: HKDF-Expand (RFC 5869 §2.3) from `hmac`, the chunks of
https://c2sp.org/chunked-encryption one by one. Run this file to record new
vectors: only ever for a new format version.
"""

import hashlib
import hmac
import io
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import COBBLESTONE, KeyFileError, MemoryBackend, MemoryKeyRing, Purpose, Vault, WrappedKey
from storage.keyformat import Argon2Cost, dump_export, dump_key_file, load_export, load_key_file
from storage.keyring import KeyMaterial, MaterialKeyRing

VECTORS: Final = Path(__file__).parents[2] / "vectors"
BLOB_ID: Final = "0" * 32
EPOCH: Final = 7


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


BLOBS: Final[list[dict[str, Any]]] = load("blob_envelope.json")["blobs"]


def plain_of(size_bytes: int) -> bytes:
    """Byte i of every vector's plaintext is i times 31 plus i divided by 256, modulo 256."""
    return bytes((i * 31 + (i >> 8)) % 256 for i in range(size_bytes))


def binding(label: bytes, *parts: str) -> bytes:
    out = label + b"\x00"
    for part in parts:
        raw = part.encode("utf-8")
        out += bytes([len(raw) >> 24 & 255, len(raw) >> 16 & 255, len(raw) >> 8 & 255, len(raw) & 255]) + raw
    return out


def hkdf_expand_sha512(key: bytes, info: bytes, length: int) -> bytes:
    out = block = b""
    counter = 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), "sha512").digest()
        out, counter = out + block, counter + 1
    return out[:length]


def seal_blob(data_key: bytes, salt: bytes, context: bytes, plain: bytes) -> bytes:
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    derived = hkdf_expand_sha512(data_key, info, 76)
    key, base, commitment = derived[:32], derived[32:44], derived[44:]
    out = salt + commitment
    for number in range(len(plain) // 16384 + 1):
        nonce = bytes(a ^ b for a, b in zip(base, number.to_bytes(12, "big"), strict=True))
        out += AESGCM(key).encrypt(nonce, plain[number * 16384 : (number + 1) * 16384], None)
    return out


def ring_of(master_key: bytes, archive_id: str) -> MaterialKeyRing:
    return MaterialKeyRing(KeyMaterial(archive_id, EPOCH, {EPOCH: master_key}, {}), COBBLESTONE)


@pytest.mark.parametrize("vector", BLOBS, ids=lambda vector: vector["name"])
def test_the_recorded_blobs_are_what_the_specification_gives_and_the_vault_reads_them(vector: dict[str, Any]) -> None:
    master_key, data_key, salt = (bytes.fromhex(vector[name]) for name in ("master_key", "data_key", "salt"))
    archive_id, owner_id, purpose = vector["archive_id"], vector["owner_id"], Purpose(vector["purpose"])
    plain = plain_of(vector["size_bytes"])
    stored = seal_blob(data_key, salt, binding(b"lantai/blob/v1", archive_id, owner_id, purpose), plain)
    assert hashlib.sha256(stored).hexdigest() == vector["stored_sha256"]
    assert hashlib.sha256(plain).hexdigest() == vector["sha256"]
    if "stored" in vector:
        assert stored.hex() == vector["stored"]

    wrapped = bytes.fromhex(vector["wrapped_key"])
    aad = binding(b"lantai/data-key/v1", archive_id, owner_id) + EPOCH.to_bytes(8, "big")
    assert AESGCM(master_key).decrypt(wrapped[:12], wrapped[12:], aad) == data_key

    vault = Vault(MemoryBackend(), ring_of(master_key, archive_id), archive_id=archive_id)
    key = WrappedKey(EPOCH, wrapped)
    vault.put_stored(BLOB_ID, io.BytesIO(stored), stored_sha256=bytes.fromhex(vector["stored_sha256"]))
    vault.verify(
        BLOB_ID, key, owner_id, purpose, size_bytes=vector["size_bytes"], sha256=bytes.fromhex(vector["sha256"])
    )


def test_the_vectors_cover_the_borders_of_chunks_and_every_purpose() -> None:
    assert {0, 1, 16383, 16384, 16385} <= {vector["size_bytes"] for vector in BLOBS}
    assert {vector["purpose"] for vector in BLOBS} == set(Purpose)


@settings(max_examples=30, deadline=None)
@given(
    size_bytes=st.one_of(st.sampled_from([0, 16383, 16384, 16385, 32768]), st.integers(0, 50_000)),
    names=st.tuples(st.text(max_size=8), st.text(max_size=8)),
    purpose=st.sampled_from(Purpose),
)
def test_what_the_vault_writes_is_what_the_second_implementation_writes(
    size_bytes: int, names: tuple[str, str], purpose: Purpose
) -> None:
    archive_id, owner_id = names
    ring, backend = MemoryKeyRing(archive_id), MemoryBackend()
    vault = Vault(backend, ring, archive_id=archive_id)
    key, plain = vault.new_key(owner_id), plain_of(size_bytes)
    stored = backend.stored[vault.put(io.BytesIO(plain), key, owner_id, purpose).blob_id][0]
    data_key = ring.unwrap(key, binding(b"lantai/data-key/v1", archive_id, owner_id))
    assert stored == seal_blob(data_key, stored[:24], binding(b"lantai/blob/v1", *names, purpose), plain)


def test_the_recorded_key_file_and_export_open_and_give_the_recorded_keys() -> None:
    vector = load("key_export.json")
    material = load_key_file(vector["key_file"].encode())
    assert load_export(vector["export"].encode(), vector["passphrase"], COBBLESTONE) == material
    assert dump_key_file(material).decode() == vector["key_file"]
    assert (material.archive_id, material.current_epoch) == (vector["archive_id"], vector["current_epoch"])
    assert {str(n): key.hex() for n, key in material.master_keys.items()} == vector["master_keys"]
    assert {name: secret.hex() for name, secret in material.secrets.items()} == vector["secrets"]


def test_the_recorded_export_opens_for_no_other_passphrase() -> None:
    vector = load("key_export.json")
    with pytest.raises(KeyFileError, match="passphrase"):
        load_export(vector["export"].encode(), vector["passphrase"] + "!", COBBLESTONE)


def record_blob(name: str, size_bytes: int, purpose: Purpose) -> dict[str, Any]:
    archive_id, owner_id, master_key = "lantai-测试", f"version-{size_bytes}", os.urandom(32)
    ring, backend = ring_of(master_key, archive_id), MemoryBackend()
    vault = Vault(backend, ring, archive_id=archive_id)
    key = vault.new_key(owner_id)
    blob = vault.put(io.BytesIO(plain_of(size_bytes)), key, owner_id, purpose)
    stored = backend.stored[blob.blob_id][0]
    vector = {
        "name": name,
        "archive_id": archive_id,
        "owner_id": owner_id,
        "purpose": purpose.value,
        "master_key": master_key.hex(),
        "epoch": EPOCH,
        "wrapped_key": key.wrapped.hex(),
        "data_key": ring.unwrap(key, binding(b"lantai/data-key/v1", archive_id, owner_id)).hex(),
        "salt": stored[:24].hex(),
        "size_bytes": size_bytes,
        "sha256": blob.sha256.hex(),
        "stored_sha256": blob.stored_sha256.hex(),
    }
    return {**vector, "stored": stored.hex()} if len(stored) < 200 else vector


def record() -> None:
    purposes = list(Purpose)
    sizes = [0, 1, 100, 16383, 16384, 16385, 32768, 1_100_000]
    blobs = [record_blob(f"{size} bytes", size, purposes[turn % 3]) for turn, size in enumerate(sizes)]
    about = "Byte i of each plaintext is (i * 31 + i // 256) mod 256. See docs/formats/blob-envelope.md."
    material = KeyMaterial.generate("lantai-测试").with_new_epoch()
    passphrase = "兰台 archive ２０２６"
    keys = {
        "about": "Test keys, used nowhere. See docs/formats/key-file.md.",
        "archive_id": material.archive_id,
        "current_epoch": material.current_epoch,
        "master_keys": {str(n): key.hex() for n, key in material.master_keys.items()},
        "secrets": {name: secret.hex() for name, secret in material.secrets.items()},
        "passphrase": passphrase,
        "key_file": dump_key_file(material).decode(),
        "export": dump_export(material, passphrase, Argon2Cost(), COBBLESTONE).decode(),
    }
    for name, content in (("blob_envelope.json", {"about": about, "blobs": blobs}), ("key_export.json", keys)):
        (VECTORS / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record()
