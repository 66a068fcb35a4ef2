"""Signed notes: made, verified, and refused when anything is out of place."""

import base64
import string
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archive_app.proof.errors import NoteError, SignatureError
from archive_app.proof.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    parse_note,
    sign_note,
    verify_note,
)

TEXT = "first line\n\nthird line 中文\n"


def signer(name: str, seed: int) -> NoteSigner:
    return NoteSigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG = signer("log.example/a", 1)
WITNESS = signer("witness.example", 2)
KEY = LOG.verifier_key
NOTE = sign_note(TEXT, LOG)
LINE = NOTE.removeprefix(TEXT + "\n")


def line_by(who: NoteSigner, text: str = TEXT) -> str:
    return sign_note(text, who).removeprefix(text + "\n")


def encoded(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def test_a_signed_note_verifies() -> None:
    note = verify_note(NOTE, [KEY])
    assert note.text == TEXT
    assert [(line.name, line.key_id) for line in note.signatures] == [(KEY.name, KEY.key_id)]


def test_text_may_end_in_empty_lines() -> None:
    text = "a\n\n\n"
    assert verify_note(sign_note(text, LOG), [KEY]).text == text


def test_unknown_signatures_are_ignored_wherever_they_stand() -> None:
    for note in (NOTE + line_by(WITNESS), TEXT + "\n" + line_by(WITNESS) + LINE):
        assert [line.name for line in verify_note(note, [KEY]).signatures] == [LOG.name]
        assert len(verify_note(note, [KEY, WITNESS.verifier_key]).signatures) == 2


def test_a_key_is_known_by_name_and_id_together() -> None:
    same_name, same_key = signer(LOG.name, 3), NoteSigner("other.example", LOG.private_key)
    for stranger in (same_name, same_key):
        assert verify_note(NOTE + line_by(stranger), [KEY]).text == TEXT
        with pytest.raises(SignatureError, match="no known key"):
            verify_note(sign_note(TEXT, stranger), [KEY])


def test_a_strangers_line_with_a_known_key_id_is_ignored() -> None:
    line = NoteSignature("stranger.example", KEY.key_id, bytes(64)).encode()
    assert verify_note(NOTE + line, [KEY]).text == TEXT


def test_no_keys_verify_nothing() -> None:
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(NOTE, [])


def test_a_wrong_signature_of_a_known_key_condemns_the_note() -> None:
    wrong = line_by(WITNESS, "other text\n")
    with pytest.raises(SignatureError, match="does not fit"):
        verify_note(NOTE + wrong, [KEY, WITNESS.verifier_key])
    # A second, wrong line of the same key is not hidden behind its good one.
    with pytest.raises(SignatureError):
        verify_note(NOTE + line_by(LOG, "other text\n"), [KEY])


@given(st.data())
def test_any_changed_character_of_the_text_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TEXT) - 1))
    other = data.draw(st.sampled_from("xyz中\n "))
    changed = TEXT[:place] + other + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises((NoteError, SignatureError)):
            verify_note(changed + "\n" + LINE, [KEY])


@given(st.integers(0, 4 + 64 - 1), st.integers(0, 7))
def test_any_changed_bit_of_the_signature_is_refused(place: int, bit: int) -> None:
    blob = bytearray(base64.b64decode(LINE.split(" ")[2]))
    blob[place] ^= 1 << bit
    with pytest.raises(SignatureError):
        verify_note(f"{TEXT}\n— {LOG.name} {encoded(bytes(blob))}\n", [KEY])


@pytest.mark.parametrize("length", [1, 63, 65, 2500])
def test_signatures_of_another_length_are_wrong_or_unknown_but_well_formed(length: int) -> None:
    line = NoteSignature(WITNESS.name, WITNESS.verifier_key.key_id, bytes(length)).encode()
    assert verify_note(NOTE + line, [KEY]).text == TEXT
    with pytest.raises(SignatureError):
        verify_note(NOTE + line, [KEY, WITNESS.verifier_key])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        TEXT + LINE,
        "no empty line\n" + LINE,
        NOTE[:-1],
        NOTE[:-1] + "x",
        NOTE + "\n",
        NOTE + "\n\n",
        NOTE + "trailing words\n",
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("first", "fir\tst"),
        NOTE.replace("first", "fir\0st"),
        NOTE.replace("first", "fir\x1fst"),
        NOTE.replace("first", "fir\ud800st"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—"),
        NOTE.replace("— ", "—\u00a0"),
        NOTE.replace("— ", "—  "),
        NOTE.replace("— ", " — "),
        NOTE.replace(LOG.name, ""),
        NOTE.replace(LOG.name, "log+example"),
        NOTE.replace(LOG.name, "log\u3000example"),
        NOTE.replace(LOG.name + " ", LOG.name + "  "),
        NOTE.replace(LOG.name + " ", LOG.name),
        NOTE[:-1] + " \n",
        NOTE[:-1] + "=\n",
        NOTE[:-2] + "\n",
        NOTE + "— other.example\n",
        NOTE + "— other.example \n",
        NOTE + "— other.example !!!!\n",
        NOTE + "— other.example AAAA\n",
        NOTE + "— other.example AAAAAA==\n",
        NOTE + "— other.example AAAAAAB=\n",
        NOTE + "— other.example _-AAAAAA\n",
        NOTE + LINE * MAX_SIGNATURES,
        "x" * MAX_NOTE_BYTES + NOTE,
    ],
)
def test_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(NoteError):
        verify_note(note, [KEY])


def test_many_witnesses_are_welcome() -> None:
    assert len(parse_note(TEXT + "\n" + LINE * MAX_SIGNATURES).signatures) == MAX_SIGNATURES


@pytest.mark.parametrize("text", ["", "no newline", "a\rb\n", "a\x00\n", "\udc00\n", "x" * MAX_NOTE_BYTES + "\n"])
def test_texts_that_no_note_can_have_are_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, LOG)


@pytest.mark.parametrize("name", ["", " ", "a b", "a+b", "a\u3000b", "a\nb", "a\tb", "a\u0085b", "a\x00b", "\ud800"])
def test_key_names_without_meaning_are_refused(name: str) -> None:
    with pytest.raises(NoteError):
        NoteSigner(name, LOG.private_key)
    with pytest.raises(NoteError):
        VerifierKey(name, KEY.public_key)


@given(st.binary(min_size=32, max_size=32), st.text(string.ascii_letters + "./中文—", min_size=1))
def test_a_vkey_and_its_key_are_one_to_one(public_key: bytes, name: str) -> None:
    key = VerifierKey(name, public_key)
    assert VerifierKey.decode(key.encode()) == key


def test_every_shortened_or_changed_vkey_is_refused() -> None:
    vkey = KEY.encode()
    pieces = {vkey[i:j] for i in range(len(vkey)) for j in range(i, len(vkey) + 1)} - {vkey}
    changed = {vkey[:i] + chr(ord(vkey[i]) ^ 1) + vkey[i + 1 :] for i in range(len(vkey))}
    for other in pieces | changed | {vkey + "=", vkey + "\n", vkey.replace(KEY.key_id.hex(), KEY.key_id.hex().upper())}:
        with pytest.raises(NoteError):
            VerifierKey.decode(other)


def test_other_algorithms_are_refused() -> None:
    material = encoded(b"\x04" + KEY.public_key)
    with pytest.raises(NoteError, match="0x01"):
        VerifierKey.decode(f"{KEY.name}+{KEY.key_id.hex()}+{material}")
    with pytest.raises(NoteError, match="32 bytes"):
        replace(KEY, public_key=KEY.public_key + b"\x00")


def test_two_keys_with_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify_note(NOTE, [KEY, KEY]).text == TEXT
    monkeypatch.setattr(VerifierKey, "key_id", b"same")
    with pytest.raises(NoteError, match="two different keys"):
        verify_note(NOTE, [KEY, signer(KEY.name, 9).verifier_key])


def test_the_private_key_does_not_show() -> None:
    assert LOG.private_key.private_bytes_raw().hex() not in repr(LOG)
    assert repr(LOG.private_key.private_bytes_raw()) not in repr(LOG)
