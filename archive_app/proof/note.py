"""Signed notes: text signed by one or more Ed25519 keys, as C2SP signed-note describes them.

A note is its text, an empty line, and one line `— <key name> <base64(key id ‖ signature)>` per signature. Signatures by
unknown keys are ignored, so that witnesses may add theirs; at least one known key must have signed, and a known key's
signature that is wrong condemns the note.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from archive_app.proof.errors import NoteError, SignatureError

# Room for many witnesses (the specification asks for 16 or more), but an end to what a hostile file can cost.
MAX_SIGNATURES: Final = 100
MAX_NOTE_BYTES: Final = 1_000_000

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE_PREFIX: Final = "— "


@dataclass(frozen=True)
class VerifierKey:
    """A key that may be trusted: its name and 32-byte Ed25519 public key.

    Raises:
        NoteError: the name is empty or has spaces or plus signs, or the key has not 32 bytes.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise NoteError(f"an Ed25519 public key has {_PUBLIC_KEY_BYTES} bytes")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]; finds the key, proves nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_KEY_ID_BYTES]

    def encode(self) -> str:
        """The vkey to hand out: `<name>+<key id in hex>+<base64(0x01 ‖ public key)>`."""
        material = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def decode(cls, vkey: str) -> "VerifierKey":
        """The inverse of `encode`; every key has exactly one accepted spelling.

        Raises:
            NoteError: not a vkey, another algorithm than Ed25519, or a key id that does not belong to the key.
        """
        # Base64 may contain plus signs, names may not.
        parts = vkey.split("+", 2)
        if len(parts) != len(("name", "key id", "material")):
            raise NoteError("a verifier key has the form <name>+<key id>+<base64>")
        name, _, encoded = parts
        material = decode_base64(encoded)
        if material[:1] != _ED25519:
            raise NoteError("the verifier key is not of type 0x01 (Ed25519)")
        key = cls(name, material[1:])
        if key.encode() != vkey:
            raise NoteError(f"the key id does not belong to this name and key, which have {key.key_id.hex()}")
        return key

    def verify(self, text: str, signature: bytes) -> None:
        """Accept this key's signature over the text.

        Raises:
            SignatureError: it is not.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise SignatureError(f"the signature by {self.name}+{self.key_id.hex()} does not fit the text") from error


@dataclass(frozen=True)
class NoteSigner:
    """A private Ed25519 key under its name.

    Raises:
        NoteError: the name is empty or has spaces or plus signs.
    """

    name: str
    private_key: Ed25519PrivateKey

    def __post_init__(self) -> None:
        _require_name(self.name)

    @property
    def verifier_key(self) -> VerifierKey:
        """What others need to check this signer's notes."""
        return VerifierKey(self.name, self.private_key.public_key().public_bytes_raw())


@dataclass(frozen=True)
class NoteSignature:
    """One signature line, verified or not."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> str:
        """The signature line with its newline."""
        return f"{_LINE_PREFIX}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A note taken apart: the signed text (with its final newline) and its signatures."""

    text: str
    signatures: tuple[NoteSignature, ...]


def sign_note(text: str, signer: NoteSigner) -> str:
    """The text as a note signed by this key. Ed25519 is deterministic: the same call gives the same note.

    Raises:
        NoteError: the text is no note text (final newline missing, control characters, lone surrogates).
    """
    _require_text(text)
    if not text.endswith("\n"):
        raise NoteError("the text of a note must end in a newline")
    signature = signer.private_key.sign(text.encode())
    return f"{text}\n{NoteSignature(signer.name, signer.verifier_key.key_id, signature).encode()}"


def parse_note(note: str) -> Note:
    """Take a note apart WITHOUT verifying anything; whoever needs the text to be true calls `verify_note`.

    Raises:
        NoteError: malformed anywhere, even in the signature line of an unknown key.
    """
    _require_text(note)
    # The text may have empty lines of its own; the last one ends it.
    border = note.rfind("\n\n")
    if border < 0 or not note.endswith("\n"):
        raise NoteError("a note is text, an empty line, and signature lines, each ended by a newline")
    text, lines = note[: border + 1], note[border + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"the note has {len(lines)} signatures, more than {MAX_SIGNATURES}")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def verify_note(note: str, keys: Iterable[VerifierKey]) -> Note:
    """The note's text and only those of its signatures that known keys made; all of those were verified.

    Raises:
        NoteError: the note is malformed, or two of the keys have the same name and key id.
        SignatureError: no known key signed it, or a known key's signature is wrong.
    """
    known = _by_name_and_id(keys)
    parsed = parse_note(note)
    verified = tuple(line for line in parsed.signatures if (line.name, line.key_id) in known)
    for line in verified:
        known[line.name, line.key_id].verify(parsed.text, line.signature)
    if not verified:
        found = ", ".join(f"{line.name}+{line.key_id.hex()}" for line in parsed.signatures)
        raise SignatureError(f"no known key signed the note; it carries signatures by {found}")
    return Note(parsed.text, verified)


def decode_base64(encoded: str) -> bytes:
    """Standard base64 (RFC 4648 §4) in its one canonical spelling.

    Raises:
        NoteError: foreign characters, missing padding or stray bits.
    """
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"not base64: {encoded!r}") from error
    if base64.b64encode(decoded).decode() != encoded:
        raise NoteError(f"not canonical base64: {encoded!r}")
    return decoded


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_LINE_PREFIX).partition(" ")
    if not line.startswith(_LINE_PREFIX) or not space:
        raise NoteError(f"not a signature line: {line!r}")
    _require_name(name)
    blob = decode_base64(encoded)
    if len(blob) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature by {name} is shorter than its key id")
    return NoteSignature(name, blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def _by_name_and_id(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        # Key ids are short enough to collide on purpose; guessing which of two keys is meant would be a hole.
        if known.setdefault((key.name, key.key_id), key) != key:
            raise NoteError(f"two different keys share the name and id {key.name}+{key.key_id.hex()}")
    return known


def _require_text(text: str) -> None:
    if _CONTROL.search(text):
        raise NoteError("a note must not contain control characters other than newline")
    try:
        size_bytes = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise NoteError("a note must be valid UTF-8; this has a lone surrogate") from error
    if size_bytes > MAX_NOTE_BYTES:
        raise NoteError(f"the note has {size_bytes} bytes, more than {MAX_NOTE_BYTES}")


def _require_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError(f"a key name must be non-empty, without spaces and plus signs: {name!r}")
    _require_text(name)
