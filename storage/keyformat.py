"""Key material as text: the key file, and the passphrase-protected export for the safe.

The formats are written down in `docs/formats/key-file.md`. Reading is strict: an unknown or missing key, a wrong
length or a damaged digest refuses the whole text.
"""

import hashlib
import json
import os
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from storage.crypto import KEY_BYTES, CryptoProvider, NotAuthentic
from storage.errors import KeyFileError, KeyFileProblem
from storage.keyring import KeyMaterial

FILE_FORMAT: Final = "lantai-key-file"
EXPORT_FORMAT: Final = "lantai-key-export"

_VERSION = 1
_SALT_BYTES = 16
_MAX_TEXT_BYTES = 1024 * 1024
_PLAIN_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_MAX_COST = {"iterations": 64, "lanes": 64, "memory_kib": 2 * 1024 * 1024}


@dataclass(frozen=True)
class Argon2Cost:
    """What one guess of the passphrase costs; the default is the second choice of RFC 9106 §4."""

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 64 * 1024


def dump_key_file(material: KeyMaterial) -> bytes:
    """The key file's text, with a digest over everything else in it."""
    fields: dict[str, object] = {
        "format": FILE_FORMAT,
        "version": _VERSION,
        "archive_id": material.archive_id,
        "current_epoch": material.current_epoch,
        "master_keys": {str(epoch): _text(key) for epoch, key in sorted(material.master_keys.items())},
        "secrets": {name: _text(secret) for name, secret in sorted(material.secrets.items())},
    }
    return _armour({**fields, "sha256": hashlib.sha256(_canonical(fields)).hexdigest()})


def load_key_file(text: bytes) -> KeyMaterial:
    """The inverse of `dump_key_file`. Raises `KeyFileError` (format)."""
    fields = _fields(text, FILE_FORMAT, {"archive_id", "current_epoch", "master_keys", "secrets", "sha256"})
    digest = fields.pop("sha256")
    if digest != hashlib.sha256(_canonical(fields)).hexdigest():
        raise _refusal("its digest does not match: the text was damaged")
    master_keys = {_epoch(name): _bytes(key, KEY_BYTES) for name, key in _mapping(fields["master_keys"]).items()}
    secrets = {name: _bytes(secret, KEY_BYTES) for name, secret in _mapping(fields["secrets"]).items()}
    current_epoch = _integer(fields["current_epoch"])
    if current_epoch != max(master_keys, default=0):
        raise _refusal("its current epoch is not the newest one it holds")
    return KeyMaterial(_string(fields["archive_id"]), current_epoch, master_keys, secrets)


def dump_export(material: KeyMaterial, passphrase: str, cost: Argon2Cost, provider: CryptoProvider) -> bytes:
    """The key file sealed under a passphrase. Raises `ValueError` for an empty passphrase."""
    if not passphrase:
        raise ValueError("an export needs a passphrase")
    salt = os.urandom(_SALT_BYTES)
    head: dict[str, object] = {
        "format": EXPORT_FORMAT,
        "version": _VERSION,
        "archive_id": material.archive_id,
        "kdf": {"name": "argon2id", "salt": _text(salt), **asdict(cost)},
    }
    key = _derive(passphrase, salt, cost)
    return _armour({**head, "sealed": _text(provider.seal(key, dump_key_file(material), _canonical(head)))})


def load_export(text: bytes, passphrase: str, provider: CryptoProvider) -> KeyMaterial:
    """The inverse of `dump_export`.

    Raises:
        KeyFileError: format, or passphrase (wrong, or the text was altered: the two cannot be told apart).
    """
    fields = _fields(text, EXPORT_FORMAT, {"archive_id", "kdf", "sealed"})
    sealed = _bytes(fields.pop("sealed"))
    kdf = dict(_mapping(fields["kdf"]))
    if kdf.keys() != {"name", "salt", *_MAX_COST} or kdf["name"] != "argon2id":
        raise _refusal("its key derivation is unknown")
    # The bounds keep an altered export from taking the machine's memory or days of its time.
    cost = Argon2Cost(**{name: _integer(kdf[name], limit) for name, limit in _MAX_COST.items()})
    try:
        key = _derive(passphrase, _bytes(kdf["salt"], _SALT_BYTES), cost)
    except ValueError as error:
        raise _refusal(f"its key derivation is impossible: {error}") from error
    try:
        plain = provider.unseal(key, sealed, _canonical(fields))
    except NotAuthentic:
        detail = "the passphrase is wrong, or the export was altered"
        raise KeyFileError(KeyFileProblem.PASSPHRASE, detail) from None
    material = load_key_file(plain)
    if material.archive_id != fields["archive_id"]:
        raise _refusal("it names another archive inside than outside")
    return material


def _derive(passphrase: str, salt: bytes, cost: Argon2Cost) -> bytes:
    # The same passphrase typed on another keyboard may be composed differently; NFKC makes one of all.
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    kdf = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return kdf.derive(secret)


def _canonical(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _armour(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, indent=2).encode() + b"\n"


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _refusal(detail: str) -> KeyFileError:
    return KeyFileError(KeyFileProblem.FORMAT, f"the key text is refused: {detail}")


def _fields(text: bytes, expected_format: str, names: set[str]) -> dict[str, object]:
    if len(text) > _MAX_TEXT_BYTES:
        raise _refusal("it is too long")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal("it is not JSON") from error
    if not isinstance(fields, dict) or fields.get("format") != expected_format:
        raise _refusal(f"it is not a {expected_format}")
    if _integer(fields.get("version")) != _VERSION:
        raise _refusal(f"its version is not {_VERSION}")
    if unexpected := fields.keys() ^ (names | {"format", "version"}):
        raise _refusal(f"unknown or missing: {', '.join(sorted(unexpected))}")
    return fields


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _refusal("an object was expected")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise _refusal("a string was expected")
    return value


def _integer(value: object, limit: int = 2**63 - 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
        raise _refusal(f"a whole number from 1 to {limit} was expected")
    return value


def _epoch(name: str) -> int:
    if not _PLAIN_NUMBER.fullmatch(name):
        raise _refusal("an epoch is not a plain number")
    return int(name)


def _bytes(value: object, length: int | None = None) -> bytes:
    try:
        data = b64decode(_string(value), validate=True)
    except ValueError as error:
        raise _refusal("a value is not base64") from error
    if length is not None and len(data) != length:
        raise _refusal(f"a value is not {length} bytes long")
    return data
