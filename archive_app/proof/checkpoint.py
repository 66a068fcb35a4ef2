"""Checkpoints: the log's signed statement of its origin, size and root, as C2SP tlog-checkpoint describes them."""

import base64
import re
from dataclasses import dataclass
from typing import Final

from archive_app.proof.errors import CheckpointError, NoteError
from archive_app.proof.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from archive_app.proof.note import NoteSigner, VerifierKey, decode_base64, sign_note, verify_note

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_MIN_LINES: Final = 3


@dataclass(frozen=True)
class Checkpoint:
    """The state of one log: its origin, number of leaves, and 32-byte root.

    Lantai writes no extension lines; `extensions` keeps those of other logs.

    Raises:
        CheckpointError: an impossible size or root, an empty origin, or a line that cannot stand in a note.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise CheckpointError(f"origin and extension lines must be one non-empty line each: {line!r}")
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise CheckpointError(f"a log cannot have {self.size} leaves")
        if len(self.root) != HASH_BYTES:
            raise CheckpointError(f"a root has {HASH_BYTES} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise CheckpointError("an empty log can only have the root of the empty tree")

    def encode(self) -> str:
        """The note text: origin, size, base64 root, extension lines, each ended by a newline."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def decode(cls, text: str) -> "Checkpoint":
        """The inverse of `encode`; every checkpoint has exactly one accepted spelling.

        Raises:
            CheckpointError: the text is no checkpoint.
        """
        lines = text.split("\n")
        if lines.pop() or len(lines) < _MIN_LINES:
            raise CheckpointError("a checkpoint has at least three lines, each ended by a newline")
        origin, size, encoded_root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise CheckpointError(f"the tree size is not a plain decimal number: {size!r}")
        try:
            root = decode_base64(encoded_root)
        except NoteError as error:
            raise CheckpointError(f"the root hash is malformed: {error}") from error
        return cls(origin, int(size), root, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> str:
    """The checkpoint as a note signed by the log. The key carries the log's origin as its name.

    Whoever signs must have made sure that the checkpoint continues every earlier one: a log never signs a fork.

    Raises:
        CheckpointError: the signer's name is not the origin.
        NoteError: origin or extension lines have control characters.
    """
    if signer.name != checkpoint.origin:
        raise CheckpointError(f"the key {signer.name!r} may not sign for the log {checkpoint.origin!r}")
    return sign_note(checkpoint.encode(), signer)


def open_checkpoint(text: str, vkey: VerifierKey, origin: str) -> Checkpoint:
    """The checkpoint in a signed note, after verifying that `vkey` signed it for the log `origin`.

    Both are pinned by the verifier: a true checkpoint of another log proves nothing about this one.

    Raises:
        NoteError: the note is malformed.
        SignatureError: the key did not sign it, or the signature is wrong.
        CheckpointError: the text is no checkpoint, or one of another log.
    """
    checkpoint = Checkpoint.decode(verify_note(text, [vkey]).text)
    if checkpoint.origin != origin:
        raise CheckpointError(f"the checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint
