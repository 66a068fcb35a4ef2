"""Master keys by epoch, and the archive's own named secrets.

A data key is wrapped under the current epoch. Destroying an epoch, after the living keys were re-wrapped, makes every
older copy of a wrapped key useless, wherever it was backed up.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

from storage.crypto import COBBLESTONE, KEY_BYTES, CryptoProvider, NotAuthentic
from storage.errors import KeyCorrupt, KeyMissing

SECRET_NAMES = ("index", "log-signing", "session")


@dataclass(frozen=True)
class WrappedKey:
    """A data key sealed under the master key of an epoch: 12 bytes of nonce, 32 of ciphertext, 16 of tag."""

    epoch: int
    wrapped: bytes


class KeyRing(Protocol):
    """Holds the master keys of one archive and lends their use."""

    @property
    def archive_id(self) -> str: ...

    @property
    def current_epoch(self) -> int: ...

    def epochs(self) -> tuple[int, ...]:
        """The epochs whose master keys are held, in rising order."""

    def wrap(self, data_key: bytes, aad: bytes) -> WrappedKey:
        """Seal a data key under the current epoch, bound to `aad` and the epoch."""

    def unwrap(self, key: WrappedKey, aad: bytes) -> bytes:
        """Open a data key. Raises `KeyMissing` without its epoch, `KeyCorrupt` if it does not authenticate."""

    def add_epoch(self) -> int:
        """Make a new master key and wrap under it from now on; its number, which was never used before."""

    def destroy_epoch(self, epoch: int) -> None:
        """Forget a master key for ever. Raises `KeyMissing` if it is not held, `ValueError` for the current one."""

    def secret(self, name: str) -> bytes:
        """A 32-byte secret made with the ring. Raises `KeyMissing` for an unknown name."""


@dataclass(frozen=True, repr=False)
class KeyMaterial:
    """All that a key ring holds; a value without behaviour of its own. It has no `repr`, so that no log shows it."""

    archive_id: str
    current_epoch: int
    master_keys: Mapping[int, bytes]
    secrets: Mapping[str, bytes]

    @classmethod
    def generate(cls, archive_id: str) -> Self:
        """Fresh keys for a new archive: epoch 1 and every named secret."""
        secrets = {name: os.urandom(KEY_BYTES) for name in SECRET_NAMES}
        return cls(archive_id, 1, {1: os.urandom(KEY_BYTES)}, secrets)

    def with_new_epoch(self) -> Self:
        """One more master key, which becomes the current one."""
        epoch = self.current_epoch + 1
        return replace(self, current_epoch=epoch, master_keys={**self.master_keys, epoch: os.urandom(KEY_BYTES)})

    def without_epoch(self, epoch: int) -> Self:
        """The same without one master key. Raises `KeyMissing`, `ValueError`."""
        self.master_key(epoch)
        if epoch == self.current_epoch:
            raise ValueError(f"epoch {epoch} is the current one; add a new epoch and re-wrap all keys first")
        return replace(self, master_keys={n: key for n, key in self.master_keys.items() if n != epoch})

    def master_key(self, epoch: int) -> bytes:
        """The master key of an epoch. Raises `KeyMissing`."""
        try:
            return self.master_keys[epoch]
        except KeyError:
            raise KeyMissing(f"the master key of epoch {epoch} is not in the key ring") from None


class MaterialKeyRing:
    """The key ring over `KeyMaterial`; subclasses say where the material lives."""

    def __init__(self, material: KeyMaterial, provider: CryptoProvider) -> None:
        self._material = material
        self._provider = provider

    @property
    def archive_id(self) -> str:
        return self._material.archive_id

    @property
    def current_epoch(self) -> int:
        return self._current().current_epoch

    def epochs(self) -> tuple[int, ...]:
        return tuple(sorted(self._current().master_keys))

    def wrap(self, data_key: bytes, aad: bytes) -> WrappedKey:
        material = self._current()
        epoch = material.current_epoch
        sealed = self._provider.seal(material.master_key(epoch), data_key, _with_epoch(aad, epoch))
        return WrappedKey(epoch, sealed)

    def unwrap(self, key: WrappedKey, aad: bytes) -> bytes:
        master_key = self._current().master_key(key.epoch)
        try:
            return self._provider.unseal(master_key, key.wrapped, _with_epoch(aad, key.epoch))
        except NotAuthentic as error:
            raise KeyCorrupt(f"the wrapped data key (epoch {key.epoch}) does not open for this owner") from error

    def add_epoch(self) -> int:
        return self._change(KeyMaterial.with_new_epoch).current_epoch

    def destroy_epoch(self, epoch: int) -> None:
        self._change(lambda material: material.without_epoch(epoch))

    def secret(self, name: str) -> bytes:
        try:
            return self._current().secrets[name]
        except KeyError:
            raise KeyMissing(f"the key ring holds no secret named {name!r}") from None

    def _current(self) -> KeyMaterial:
        """The material as it is now."""
        return self._material

    def _change(self, change: Callable[[KeyMaterial], KeyMaterial]) -> KeyMaterial:
        """Put the changed material in place of the current one and return it."""
        self._material = change(self._material)
        return self._material


class MemoryKeyRing(MaterialKeyRing):
    """Fresh keys that end with the process, for tests and trials."""

    def __init__(self, archive_id: str, *, provider: CryptoProvider = COBBLESTONE) -> None:
        super().__init__(KeyMaterial.generate(archive_id), provider)


def _with_epoch(aad: bytes, epoch: int) -> bytes:
    return aad + epoch.to_bytes(8, "big")
