"""Checkpoints: one spelling each, and only those of the pinned log by the pinned key."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archive_app.proof.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from archive_app.proof.errors import CheckpointError, NoteError, SignatureError
from archive_app.proof.merkle import EMPTY_ROOT, MAX_TREE_SIZE
from archive_app.proof.note import NoteSigner, sign_note

ORIGIN = "archive.example/lantai"
ROOT = bytes(range(32))
ROOT64 = base64.b64encode(ROOT).decode()
SIGNER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEY = SIGNER.verifier_key


@given(
    st.integers(1, MAX_TREE_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), max_size=3),
)
def test_signed_checkpoints_open_to_the_same(size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root, tuple(extensions))
    assert Checkpoint.decode(checkpoint.encode()) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), KEY, ORIGIN) == checkpoint


def test_a_checkpoint_is_exactly_this_text() -> None:
    assert Checkpoint(ORIGIN, 20852163, ROOT).encode() == f"{ORIGIN}\n20852163\n{ROOT64}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n5\n",
        f"{ORIGIN}\n5\n{ROOT64}",
        f"\n5\n{ROOT64}\n",
        f"{ORIGIN}\n\n{ROOT64}\n",
        f"{ORIGIN}\n05\n{ROOT64}\n",
        f"{ORIGIN}\n+5\n{ROOT64}\n",
        f"{ORIGIN}\n-5\n{ROOT64}\n",
        f"{ORIGIN}\n5 \n{ROOT64}\n",
        f"{ORIGIN}\n5_0\n{ROOT64}\n",
        f"{ORIGIN}\n0x5\n{ROOT64}\n",
        f"{ORIGIN}\n\u0665\n{ROOT64}\n",
        f"{ORIGIN}\n９\n{ROOT64}\n",
        f"{ORIGIN}\n{MAX_TREE_SIZE + 1}\n{ROOT64}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT64}\n",
        f"{ORIGIN}\n5\n{ROOT64[:-1]}\n",
        f"{ORIGIN}\n5\n{ROOT64} \n",
        f"{ORIGIN}\n5\n{ROOT64[:-2]}9=\n",
        f"{ORIGIN}\n5\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n5\n{base64.b64encode(ROOT + ROOT).decode()}\n",
        f"{ORIGIN}\n5\n{ROOT.hex()}\n",
        f"{ORIGIN}\n0\n{ROOT64}\n",
        f"{ORIGIN}\n5\n{ROOT64}\n\n",
        f"{ORIGIN}\n5\n{ROOT64}\n\nextension\n",
    ],
)
def test_signed_texts_that_are_no_checkpoint_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.decode(text)
    if text.endswith("\n"):
        with pytest.raises(CheckpointError):
            open_checkpoint(sign_note(text, SIGNER), KEY, ORIGIN)


def test_the_empty_log_has_a_checkpoint() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), KEY, ORIGIN) == checkpoint


@pytest.mark.parametrize("origin", ["", "a\nb"])
def test_an_origin_is_one_line(origin: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint(origin, 1, ROOT)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (MAX_TREE_SIZE + 1, ROOT), (1, ROOT[:31]), (1, b""), (0, ROOT)])
def test_impossible_states_are_refused(size: int, root: bytes) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint(ORIGIN, size, root)


def test_extension_lines_cannot_smuggle_lines() -> None:
    for line in ("", "a\nb"):
        with pytest.raises(CheckpointError):
            Checkpoint(ORIGIN, 1, ROOT, (line,))
    with pytest.raises(NoteError):
        sign_checkpoint(Checkpoint(ORIGIN, 1, ROOT, ("a\rb",)), SIGNER)


def test_a_true_checkpoint_of_another_log_is_refused() -> None:
    other = Checkpoint("archive.example/other", 5, ROOT)
    # Signed by the trusted key itself, as after one key served two logs.
    with pytest.raises(CheckpointError, match="other"):
        open_checkpoint(sign_note(other.encode(), SIGNER), KEY, ORIGIN)


def test_a_log_signs_only_for_itself() -> None:
    with pytest.raises(CheckpointError, match="may not sign"):
        sign_checkpoint(Checkpoint("archive.example/other", 5, ROOT), SIGNER)


def test_another_key_under_the_same_name_is_refused() -> None:
    impostor = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    with pytest.raises(SignatureError):
        open_checkpoint(sign_checkpoint(Checkpoint(ORIGIN, 5, ROOT), impostor), KEY, ORIGIN)


def test_an_altered_size_is_refused() -> None:
    signed = sign_checkpoint(Checkpoint(ORIGIN, 5, ROOT), SIGNER)
    with pytest.raises(SignatureError):
        open_checkpoint(signed.replace("\n5\n", "\n6\n"), KEY, ORIGIN)
