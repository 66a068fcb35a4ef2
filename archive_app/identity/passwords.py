"""Passwords: what is accepted, and how one is kept and checked (argon2id, RFC 9106 §4, second recommended option)."""

import secrets
import string
import threading
import tomllib
import unicodedata
from base64 import b64encode
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.settings import CONFIG

MAX_LENGTH = 128
_LEAST_OWN_CHARACTERS = 5
_LEAST_WORD_LENGTH = 3
_IGNORED = frozenset(string.punctuation + string.whitespace)
_HASHER = PasswordHasher()
# One hash takes 64 MiB. Two at a time keep a flood of sign-ins from taking the machine's memory.
_TURN = threading.BoundedSemaphore(2)


class PasswordTooShortError(ArchiveError):
    """Shorter than the archive's settings ask for."""

    code = "password_too_short"
    message = N_(
        "The password is too short: use at least %(length)s characters, such as a short sentence. Nothing was changed."
    )


class PasswordTooLongError(ArchiveError):
    """Longer than anybody types."""

    code = "password_too_long"
    message = N_("The password is longer than %(length)s characters. Nothing was changed.")


class PasswordGuessableError(ArchiveError):
    """Little more than a common word, the login or the organisation's name."""

    code = "password_guessable"
    message = N_(
        "This password is easily guessed: it is little more than common words, your login or your organisation's name. "
        "Nothing was changed; choose another."
    )


def check_password(password: str, *, min_length: int, own_words: Iterable[str]) -> None:
    """Refuses a new password that is too short, too long or easily guessed.

    Lengths count characters after NFKC. `own_words` are words that a guesser knows of the person.
    Raises: PasswordTooShortError, PasswordTooLongError, PasswordGuessableError.
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < min_length:
        raise PasswordTooShortError(length=min_length)
    if len(normal) > MAX_LENGTH:
        raise PasswordTooLongError(length=MAX_LENGTH)
    rest = _fold(password)
    known = {word for word in map(_fold, own_words) if len(word) >= _LEAST_WORD_LENGTH} | _common_words()
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(set(rest)) < _LEAST_OWN_CHARACTERS:
        raise PasswordGuessableError


def hash_password(password: str) -> str:
    """The argon2id hash to keep, with its parameters and salt."""
    with _TURN:
        return _HASHER.hash(_encode(password))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether `password` is the one that `kept` was made of. Without `kept` the answer is no, after the same work."""
    with _TURN:
        try:
            _HASHER.verify(kept or _nobodys_hash(), _encode(password))
        except VerifyMismatchError:
            return False
    return kept is not None


def needs_rehash(kept: str) -> bool:
    """Whether `kept` was made with other parameters than hashes are made with today."""
    return _HASHER.check_needs_rehash(kept)


def _encode(password: str) -> bytes:
    # A lone surrogate has no UTF-8 form; it must end as a wrong password, not as an error.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character not in _IGNORED)


@cache
def _common_words() -> frozenset[str]:
    words = tomllib.loads((CONFIG / "passwords.toml").read_text(encoding="utf-8"))["common"]
    return frozenset(map(_fold, words))


@cache
def _nobodys_hash() -> str:
    # Random bytes in the place of a digest: checking against it costs what every check costs, making it nothing.
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_HASHER.salt_len, _HASHER.hash_len)
    )
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
