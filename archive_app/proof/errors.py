"""Errors of the proof room: each says what was expected and what was found.

Whoever only wants to know "is it proven?" catches `ProofError`. `VerificationError` means that well-formed evidence
contradicts itself; every other class means that the input was not well-formed or the call made no sense.
"""

from typing import ClassVar


class ProofError(Exception):
    """Root of every error of this room; `diagnostics()` explains it to an operator who does not know Merkle trees."""

    explanation: ClassVar[str] = "Something about the audit log could not be proven."

    def diagnostics(self) -> str:
        """What happened in this case, then what an error of this kind means."""
        return f"{self}\n\n{self.explanation}"


class LeafError(ProofError):
    """An event cannot be written as a leaf."""

    explanation = (
        "A leaf is the permanent form of one event. Only values that every JSON reader understands alike may enter it, "
        "so this event was refused rather than written in a form that could not be checked later."
    )


class TreeError(ProofError):
    """Sizes, positions or hashes that no Merkle tree can have."""

    explanation = "The question itself makes no sense for a Merkle tree (RFC 6962 §2.1); nothing was proven or refuted."


class TileError(TreeError):
    """A tile's coordinates, path or content are not what C2SP tlog-tiles allows."""

    explanation = (
        "Tiles are the stored hashes of the audit log. This one is missing, cut short or wrongly named; the tree can "
        "be built again from the leaf hashes."
    )


class NoteError(ProofError):
    """A signed note, key name or verifier key is malformed."""

    explanation = "The text does not follow C2SP signed-note, so its signatures were not even looked at."


class CheckpointError(ProofError):
    """A note whose text is no checkpoint, or one of another log."""

    explanation = (
        "A checkpoint is the log's signed statement of its size and root. This text is none, or it was issued under "
        "another origin than the pinned one, and must not be trusted."
    )


class VerificationError(ProofError):
    """Well-formed evidence that does not hold."""

    explanation = (
        "The evidence was read completely and contradicts itself: something was altered, or belongs elsewhere."
    )


class SignatureError(VerificationError):
    """No known key signed the note, or a known key's signature is wrong."""

    explanation = (
        "Either the text was altered after signing, or it was signed by a key that is not trusted here. Compare the "
        "verifier key with the one that was handed over when the archive was set up."
    )


class InclusionError(VerificationError):
    """The proof does not lead from the leaf to the root."""

    explanation = "The event is not at this position of the log that the root stands for, or the proof was altered."


class ConsistencyError(VerificationError):
    """The newer tree does not continue the older one."""

    explanation = (
        "A log may only grow. The newer state is no continuation of the older one, so entries were changed or removed "
        "in between, or the proof was altered."
    )
