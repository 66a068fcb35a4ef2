"""Passwords: what is accepted, and how one is kept and checked (argon2id, RFC 9106 §4, second recommended option).

Length and guessability decide, never which kinds of characters there are (ASVS 5.0 6.2). How many tries a guesser needs
is estimated with zxcvbn, which knows the passwords that people choose most, keyboard rows, dates and repetitions.
"""

import secrets
import string
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_

MAX_LENGTH = 128
# The estimate's cost grows steeply with what is written in digits and signs for letters; a good beginning is enough.
_LOOKED_AT = 24
_MOST_DIGITS_ASKED = 10
_LEAST_WORD_LENGTH = 2
_PRODUCT = ("lantai", "兰台")
_IGNORED = frozenset(string.punctuation + string.whitespace)
_HASHER = PasswordHasher()
# One hash takes 64 MiB. Two at a time keep a flood of sign-ins from taking the machine's memory.
_TURN = threading.BoundedSemaphore(2)
# The estimator keeps what it is working on in a place of its own that all threads share.
_ESTIMATING = threading.Lock()


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
    """Known, or little more than known words, the login or the organisation's name."""

    code = "password_guessable"
    message = N_(
        "This password is easily guessed: it is little more than common words, your login or your organisation's name. "
        "Nothing was changed; choose another."
    )


def check_password(password: str, *, min_length: int, own_words: Iterable[str]) -> None:
    """Refuses a new password that is too short, too long or easily guessed.

    Lengths count characters after NFKC. `own_words` are words that a guesser knows of the person; what stands beside
    them has to be hard to guess by itself. What is asked for is a hundred times easier than random digits of the least
    length, and never more than ten thousand million tries; without punctuation and own words, ten thousand times less.
    Raises: PasswordTooShortError, PasswordTooLongError, PasswordGuessableError.
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < min_length:
        raise PasswordTooShortError(length=min_length)
    if len(normal) > MAX_LENGTH:
        raise PasswordTooLongError(length=MAX_LENGTH)
    asked = min(min_length - 2, _MOST_DIGITS_ASKED)
    rest = _fold(password)
    for word in sorted(_known(own_words), key=len, reverse=True):
        rest = rest.replace(word, "")
    if _guesses_digits(normal) < asked or _guesses_digits(rest) < asked - 4:
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


def _known(own_words: Iterable[str]) -> set[str]:
    words = [*_PRODUCT, *(part for word in own_words for part in (word, *word.split()))]
    return {word for word in map(_fold, words) if len(word) >= _LEAST_WORD_LENGTH}


def _guesses_digits(text: str) -> float:
    """The decimal logarithm of the tries that a guesser needs for the beginning of `text`."""
    if not text:
        return 0.0
    # Reading its lists takes as long as starting the rest of the program: only who chooses a password waits for it.
    from zxcvbn import zxcvbn

    with _ESTIMATING:
        return float(zxcvbn(text[:_LOOKED_AT])["guesses_log10"])


@cache
def _nobodys_hash() -> str:
    # Random bytes in the place of a digest: checking against it costs what every check costs, making it nothing.
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_HASHER.salt_len, _HASHER.hash_len)
    )
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
