"""How fast the vault stores large content, beside the bare pipeline it is measured against.

    python tests/bench/bench_vault.py DIRECTORY [SIZE_BYTES]

The bare pipeline is read, SHA-256, AES-256-GCM, write, fsync, in blocks of 1 MiB on one thread. It makes one digest
and no receipt of the ciphertext; the vault makes two digests, random access and a durable name.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage import MemoryKeyRing, PosixBackend, Purpose, StoredBlob, Vault

BLOCK_BYTES = 1024 * 1024
ROUNDS = 3


def measure(directory: Path, size_bytes: int) -> dict[str, float]:
    """Medians of alternating rounds in MB/s, and the vault's ratios to the bare loops of the same run.

    `directory` must exist and have room for four times `size_bytes`; everything made there is removed.
    """
    source = directory / "source.bin"
    target = directory / "bare.bin"
    vault = Vault(PosixBackend(directory / "vault"), MemoryKeyRing("bench"), archive_id="bench")
    seconds: dict[str, list[float]] = {"bare_put": [], "vault_put": [], "bare_verify": [], "vault_verify": []}
    try:
        fill(source, size_bytes)
        for _ in range(ROUNDS):
            key = os.urandom(32)
            seconds["bare_put"].append(_time(partial(bare_put, source, target, key)))
            seconds["bare_verify"].append(_time(partial(bare_verify, target, key)))
            target.unlink()
            _measure_vault(vault, source, seconds)
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
    result = {f"{name}_mb_per_s": size_bytes / 1e6 / median(values) for name, values in seconds.items()}
    for step in ("put", "verify"):
        result[f"{step}_ratio"] = result[f"vault_{step}_mb_per_s"] / result[f"bare_{step}_mb_per_s"]
    return result


def _measure_vault(vault: Vault, source: Path, seconds: dict[str, list[float]]) -> None:
    key = vault.new_key("owner")
    receipts: list[StoredBlob] = []

    def put() -> None:
        with source.open("rb", buffering=0) as stream:
            receipts.append(vault.put(stream, key, "owner", Purpose.CONTENT))

    def verify() -> None:
        blob = receipts[0]
        vault.verify(blob.blob_id, key, "owner", Purpose.CONTENT, size_bytes=blob.size_bytes, sha256=blob.sha256)

    seconds["vault_put"].append(_time(put))
    seconds["vault_verify"].append(_time(verify))
    vault.erase(receipts[0].blob_id)


def _time(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def fill(path: Path, size_bytes: int) -> None:
    block = os.urandom(BLOCK_BYTES)
    with path.open("wb") as file:
        for written in range(0, size_bytes, BLOCK_BYTES):
            file.write(block[: min(BLOCK_BYTES, size_bytes - written)])
        file.flush()
        os.fsync(file.fileno())


def bare_put(source: Path, target: Path, key: bytes) -> None:
    aead, digest, block = AESGCM(key), hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES))
    sealed = memoryview(bytearray(BLOCK_BYTES + 16))
    with source.open("rb", buffering=0) as reading, target.open("wb", buffering=0) as writing:
        index = 0
        while count := reading.readinto(block):
            digest.update(block[:count])
            aead.encrypt_into(index.to_bytes(12, "big"), block[:count], None, sealed[: count + 16])
            writing.write(sealed[: count + 16])
            index += 1
        os.fsync(writing.fileno())


def bare_verify(target: Path, key: bytes) -> None:
    aead, digest, sealed = AESGCM(key), hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES + 16))
    plain = memoryview(bytearray(BLOCK_BYTES))
    with target.open("rb", buffering=0) as reading:
        index = 0
        while count := reading.readinto(sealed):
            aead.decrypt_into(index.to_bytes(12, "big"), sealed[:count], None, plain[: count - 16])
            digest.update(plain[: count - 16])
            index += 1


if __name__ == "__main__":
    chosen_size_bytes = int(sys.argv[2]) if len(sys.argv) > 2 else 1024**3
    print(json.dumps(measure(Path(sys.argv[1]), chosen_size_bytes), indent=2))
