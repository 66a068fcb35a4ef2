"""The algorithms, behind one small interface, so that a certified module can take their place.

The default is C2SP chunked-encryption with SHA-512 and AES-256-GCM (Cobblestone-256), and AES-256-GCM for keys.
"""

import hashlib
import os
from dataclasses import dataclass
from hmac import compare_digest
from typing import Protocol

from cryptography.cobblestone import Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from storage.errors import AlgorithmUnavailable

KEY_BYTES = 32

_SALT_BYTES = 24
_COMMITMENT_BYTES = 32
_NONCE_BYTES = 12
_DERIVATION_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"


class NotAuthentic(Exception):  # noqa: N818 - it says what was found; callers translate it, so it never leaves storage
    """The bytes were not produced under this key and context."""


@dataclass(frozen=True)
class ChunkLayout:
    """Where the chunks of a ciphertext lie. The last chunk is always shorter than `chunk_bytes`; it may be empty."""

    header_bytes: int
    chunk_bytes: int
    tag_bytes: int

    @property
    def sealed_bytes(self) -> int:
        """Length of a full chunk in the ciphertext."""
        return self.chunk_bytes + self.tag_bytes

    def offset(self, index: int) -> int:
        """Where chunk `index` begins in the ciphertext."""
        return self.header_bytes + index * self.sealed_bytes

    def plain_size(self, stored_size_bytes: int) -> int:
        """Plaintext length of a ciphertext of this length.

        Raises:
            NotAuthentic: no message has a ciphertext of this length, so it was cut or extended.
        """
        full, rest = divmod(stored_size_bytes - self.header_bytes, self.sealed_bytes)
        if full < 0 or rest < self.tag_bytes:
            raise NotAuthentic(f"a length of {stored_size_bytes} bytes is impossible: it was truncated or extended")
        return full * self.chunk_bytes + rest - self.tag_bytes

    def output_bound(self, input_bytes: int) -> int:
        """The most ciphertext that one update with `input_bytes` of plaintext can give."""
        return self.header_bytes + -(-input_bytes // self.chunk_bytes) * self.sealed_bytes


class Digest(Protocol):
    """A running hash."""

    def update(self, data: memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class StreamEncryptor(Protocol):
    """Encrypts one message."""

    def update_into(self, data: memoryview, buf: memoryview, /) -> int: ...
    def finalize(self) -> bytes: ...


class ChunkOpener(Protocol):
    """Decrypts single chunks of one message, in any order."""

    def open_into(self, index: int, sealed: memoryview, plain: memoryview) -> None:
        """Decrypt chunk `index`. Raises `NotAuthentic`; then `plain` holds nothing to be relied on."""


class CryptoProvider(Protocol):
    """The algorithms of an archive. A key and a message belong to exactly one provider."""

    @property
    def layout(self) -> ChunkLayout: ...

    def encryptor(self, key: bytes, context: bytes) -> StreamEncryptor:
        """Begin a message under a 32-byte key, bound to `context`."""

    def opener(self, key: bytes, context: bytes, header: bytes) -> ChunkOpener:
        """Prepare random access to the message with this header. Raises `NotAuthentic` for a foreign header."""

    def seal(self, key: bytes, plain: bytes, aad: bytes) -> bytes:
        """Encrypt a short secret: nonce, ciphertext and tag in one string."""

    def unseal(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        """The inverse of `seal`. Raises `NotAuthentic`."""

    def sm3(self) -> Digest:
        """A new SM3 hash (GB/T 32905). Raises `AlgorithmUnavailable`."""


class _AesGcmChunks:
    """Random access by C2SP chunked-encryption, "Implementation notes": chunk k has the nonce base XOR k."""

    def __init__(self, key: bytes, base_nonce: bytes) -> None:
        self._aead = AESGCM(key)
        self._base_nonce = int.from_bytes(base_nonce, "big")

    def open_into(self, index: int, sealed: memoryview, plain: memoryview) -> None:
        nonce = (self._base_nonce ^ index).to_bytes(_NONCE_BYTES, "big")
        try:
            self._aead.decrypt_into(nonce, sealed, None, plain)
        except InvalidTag:
            raise NotAuthentic(f"chunk {index} does not authenticate") from None


class CobblestoneProvider:
    """Cobblestone-256 (https://c2sp.org/chunked-encryption) for blobs, AES-256-GCM for keys."""

    layout = ChunkLayout(header_bytes=_SALT_BYTES + _COMMITMENT_BYTES, chunk_bytes=16384, tag_bytes=16)

    def encryptor(self, key: bytes, context: bytes) -> StreamEncryptor:
        return Cobblestone256Encryptor(key, context)

    def opener(self, key: bytes, context: bytes, header: bytes) -> ChunkOpener:
        salt, commitment = header[:_SALT_BYTES], header[_SALT_BYTES:]
        length = KEY_BYTES + _NONCE_BYTES + _COMMITMENT_BYTES
        derived = HKDFExpand(SHA512(), length, _DERIVATION_LABEL + salt + context).derive(key)
        if not compare_digest(derived[KEY_BYTES + _NONCE_BYTES :], commitment):
            raise NotAuthentic("the header does not belong to this key, owner and purpose")
        return _AesGcmChunks(derived[:KEY_BYTES], derived[KEY_BYTES : KEY_BYTES + _NONCE_BYTES])

    def seal(self, key: bytes, plain: bytes, aad: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, plain, aad)

    def unseal(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
        # The library answers a nonce that is too short, so a string that was cut, with ValueError.
        except (InvalidTag, ValueError):
            raise NotAuthentic("the sealed secret does not authenticate") from None

    def sm3(self) -> Digest:
        try:
            return hashlib.new("sm3")
        except ValueError as error:
            raise AlgorithmUnavailable("SM3 is configured, but this Python's OpenSSL does not provide it") from error


COBBLESTONE = CobblestoneProvider()
