"""The algorithms stand behind one interface: the vault works with another provider, and says what is not available."""

import hashlib
import io
from typing import Final

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from storage import (
    COBBLESTONE,
    AlgorithmUnavailable,
    BlobCorrupt,
    ChunkLayout,
    CryptoProvider,
    MemoryBackend,
    MemoryKeyRing,
    Purpose,
    Vault,
)
from storage.crypto import ChunkOpener, CobblestoneProvider, Digest, NotAuthentic, StreamEncryptor

LAYOUT: Final = ChunkLayout(header_bytes=5, chunk_bytes=100, tag_bytes=16)


class ToyChunks:
    """Tiny chunks of ChaCha20-Poly1305 under one key: for this test only."""

    def __init__(self, key: bytes, context: bytes) -> None:
        self.aead, self.context = ChaCha20Poly1305(key), context
        self.pending, self.index = b"", 0
        self.header = b"toy-1"

    def _next(self, plain: bytes) -> bytes:
        nonce, self.index = self.index.to_bytes(12, "big"), self.index + 1
        header, self.header = self.header, b""
        return header + self.aead.encrypt(nonce, plain, self.context)

    def update_into(self, data: memoryview, buf: memoryview, /) -> int:
        self.pending += bytes(data)
        out = b""
        while len(self.pending) >= LAYOUT.chunk_bytes:
            out += self._next(self.pending[: LAYOUT.chunk_bytes])
            self.pending = self.pending[LAYOUT.chunk_bytes :]
        buf[: len(out)] = out
        return len(out)

    def finalize(self) -> bytes:
        return self._next(self.pending)

    def open_into(self, index: int, sealed: memoryview, plain: memoryview) -> None:
        try:
            plain[:] = self.aead.decrypt(index.to_bytes(12, "big"), bytes(sealed), self.context)
        except InvalidTag:
            raise NotAuthentic(f"toy chunk {index}") from None


class ToyProvider:
    layout = LAYOUT

    def encryptor(self, key: bytes, context: bytes) -> StreamEncryptor:
        return ToyChunks(key, context)

    def opener(self, key: bytes, context: bytes, header: bytes) -> ChunkOpener:
        if header != b"toy-1":
            raise NotAuthentic("not a toy")
        return ToyChunks(key, context)

    def seal(self, key: bytes, plain: bytes, aad: bytes) -> bytes:
        return COBBLESTONE.seal(key, plain, aad)

    def unseal(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        return COBBLESTONE.unseal(key, sealed, aad)

    def sm3(self) -> Digest:
        raise AlgorithmUnavailable("toys have no SM3")


@pytest.mark.parametrize("size_bytes", [0, 1, 99, 100, 101, 1050, 3 * 1024 * 1024])
def test_another_provider_fits_the_same_vault(size_bytes: int) -> None:
    provider: CryptoProvider = ToyProvider()
    backend = MemoryBackend()
    vault = Vault(backend, MemoryKeyRing("a", provider=provider), archive_id="a", provider=provider)
    key, plain = vault.new_key("o"), bytes(size_bytes)
    blob = vault.put(io.BytesIO(plain), key, "o", Purpose.CONTENT)
    assert vault.open(blob.blob_id, key, "o", Purpose.CONTENT).read() == plain
    assert blob.stored_sha256 == hashlib.sha256(backend.stored[blob.blob_id][0]).digest()
    with pytest.raises(BlobCorrupt):
        Vault(backend, vault.keyring, archive_id="a").open(blob.blob_id, key, "o", Purpose.CONTENT)


def test_sm3_that_is_missing_is_said_when_the_vault_is_built_not_at_the_first_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AlgorithmUnavailable, match="toys"):
        Vault(MemoryBackend(), MemoryKeyRing("a"), archive_id="a", sm3=True, provider=ToyProvider())

    def refuse(name: str) -> Digest:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", refuse)
    with pytest.raises(AlgorithmUnavailable, match="SM3"):
        CobblestoneProvider().sm3()


def test_the_layout_refuses_every_length_that_no_message_has() -> None:
    possible = {
        LAYOUT.header_bytes + size_bytes + 16 * (size_bytes // 100 + 1): size_bytes for size_bytes in range(500)
    }
    for stored_size_bytes in range(max(possible)):
        if stored_size_bytes in possible:
            assert LAYOUT.plain_size(stored_size_bytes) == possible[stored_size_bytes]
        else:
            with pytest.raises(NotAuthentic):
                LAYOUT.plain_size(stored_size_bytes)
