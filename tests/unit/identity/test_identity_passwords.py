"""Which passwords are accepted, and that checking costs the same with and without an account."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_app.identity import passwords
from archive_app.identity.passwords import (
    MAX_LENGTH,
    PasswordGuessableError,
    PasswordTooLongError,
    PasswordTooShortError,
    check_password,
    hash_password,
    verify_password,
)

OWN_WORDS = ("wangmin", "王敏", "Beijing Carbon Verify")


def check(password: str) -> None:
    check_password(password, min_length=12, own_words=OWN_WORDS)


@pytest.mark.parametrize(
    "password",
    [
        "清晨温室里的光线很柔和呢",
        "三月的雨落在温室屋顶上了",
        "床前明月光，疑是地上霜。",
        "correct horse battery staple",
        "ünï-cödé wörds 42",
        "🐼🎋🍵🏯🌏🚲🎏🧧🀄🎐🪭🥮",
        "wangmin likes quiet mornings",
    ],
)
def test_any_script_may_make_a_password(password: str) -> None:
    check(password)


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("", PasswordTooShortError),
        ("short", PasswordTooShortError),
        ("清晨温室里的光线很柔和", PasswordTooShortError),
        ("abcdefghijk" * 12, PasswordTooLongError),
        # One character that NFKC unfolds into eighteen.
        ("\ufdfa" * 12, PasswordTooLongError),
        ("password1234", PasswordGuessableError),
        ("Pass Word 1234!", PasswordGuessableError),
        ("ｐａｓｓｗｏｒｄ１２３４", PasswordGuessableError),
        ("Admin@123456", PasswordGuessableError),
        ("woaini1314520", PasswordGuessableError),
        ("aaaaaaaaaaaa", PasswordGuessableError),
        ("abababababab", PasswordGuessableError),
        ("wangmin-wangmin", PasswordGuessableError),
        ("WangMin123456", PasswordGuessableError),
        ("Beijing-Carbon-Verify-2026", PasswordGuessableError),
        ("兰台密码兰台密码123456", PasswordGuessableError),
        ("我爱你我爱你我爱你我爱你", PasswordGuessableError),
        ("1qaz2wsx3edc4rfv", PasswordGuessableError),
        ("qwertyuiop[]asdf", PasswordGuessableError),
        ("19900101-19991231", PasswordGuessableError),
        ("p@ssw0rdp@ssw0rd!", PasswordGuessableError),
        ("(4@8{[<(4@8{[<(4@8{[<", PasswordGuessableError),
    ],
)
def test_what_is_refused(password: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(password)


def test_length_is_counted_at_both_borders() -> None:
    letters = "zvkxwjqyhbnf"
    check(letters)
    check((letters * 11)[:MAX_LENGTH])
    with pytest.raises(PasswordTooShortError):
        check(letters[:-1])
    with pytest.raises(PasswordTooLongError):
        check((letters * 11)[: MAX_LENGTH + 1])


def test_a_short_least_length_asks_for_no_more_than_its_random_passwords_have() -> None:
    check_password("zvkxwjqy", min_length=8, own_words=OWN_WORDS)
    with pytest.raises(PasswordGuessableError):
        check_password("password", min_length=8, own_words=OWN_WORDS)


def test_the_estimate_sees_only_the_beginning_and_nobody_else_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import zxcvbn

    seen, running = [], threading.Semaphore(1)

    def watched(text: str) -> dict[str, float]:
        assert running.acquire(blocking=False), "two estimates at once"
        seen.append(text)
        time.sleep(0.001)
        running.release()
        return {"guesses_log10": 20.0}

    monkeypatch.setattr(zxcvbn, "zxcvbn", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, ["4@8({[<369|1!$5+7%20 b" * 5] * 8))
    assert [len(text) for text in seen] == [24] * 16


def test_a_program_that_chooses_no_password_reads_no_lists() -> None:
    code = "import sys, archive_app.identity.views, archive_app.identity.passwords; sys.exit('zxcvbn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=4, deadline=None)
@given(password=st.text(min_size=1, max_size=60), other=st.text(max_size=60))
def test_only_the_same_password_opens(password: str, other: str) -> None:
    kept = hash_password(password)
    same = passwords._encode(password) == passwords._encode(other)
    assert verify_password(kept, password)
    assert verify_password(kept, other) is same


def test_width_and_composition_do_not_matter() -> None:
    kept = hash_password("Ａé-12")
    assert verify_password(kept, "Ae\u0301-12")


def test_hashes_are_argon2id_and_salted() -> None:
    first, second = hash_password("same"), hash_password("same")
    assert first.startswith("$argon2id$")
    assert first != second


def test_without_an_account_the_same_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    class Recorder:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def verify(self, kept: str, password: bytes) -> bool:
            checked.append(kept)
            return real.verify(kept, password)

    real = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", Recorder())
    assert not verify_password(None, "anything")
    (nobodys,) = checked
    assert not real.check_needs_rehash(nobodys)
