"""Logins: one form, whatever was typed; and who shares a delay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.identity.delays import _delay_after, try_key
from archive_app.identity.names import checked_credit_code, checked_login, fold_login
from archive_app.kernel.errors import InvalidInputError


@given(st.text(max_size=80))
def test_a_login_is_accepted_only_in_its_one_form(text: str) -> None:
    try:
        login = checked_login(text)
    except InvalidInputError:
        return
    assert login == fold_login(login) == fold_login(text)
    assert not any(character.isspace() for character in login)


@pytest.mark.parametrize("text", ["", " ", "a", "a b", "a/b", "a\x00b", "<script>", "x" * 65, "a\u202eb"])
def test_what_is_no_login(text: str) -> None:
    with pytest.raises(InvalidInputError):
        checked_login(text)


@pytest.mark.parametrize(
    ("typed", "login"), [("ＷａｎｇMin", "wangmin"), (" 王敏 ", "王敏"), ("A.B+c@d-e_f", "a.b+c@d-e_f")]
)
def test_width_case_and_outer_space_do_not_matter(typed: str, login: str) -> None:
    assert checked_login(typed) == login


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "192.0.2.1", False),
    ],
)
def test_one_source_shares_one_delay(first: str, second: str, together: bool) -> None:
    assert (try_key("a", first) == try_key("a", second)) is together
    assert try_key("a", first) != try_key("b", first)


def test_delays_grow_and_stay_bounded() -> None:
    delays = [_delay_after(failures).total_seconds() for failures in (1, 3, 4, 5, 6, 12, 13, 10**9)]
    assert delays == [0, 0, 2, 4, 8, 512, 900, 900]


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.data())
def test_one_last_character_fits_and_a_slip_of_one_is_found(code: str, data: st.DataObject) -> None:
    fitting = [last for last in "0123456789ABCDEFGHJKLMNPQRTUWXY" if accepted(code + last)]
    assert len(fitting) == 1
    place = data.draw(st.integers(0, 16))
    slip = data.draw(st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY".replace(code[place], "")))
    assert not accepted(code[:place] + slip + code[place + 1 :] + fitting[0])


def accepted(code: str) -> bool:
    try:
        return checked_credit_code(code) == code
    except InvalidInputError:
        return False


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        # The example of GB 32100-2015.
        ("91350100M000100Y43", "91350100M000100Y43"),
        (" 91350100m000100y43 ", "91350100M000100Y43"),
        ("９１３５０１００M000100Y43", "91350100M000100Y43"),
        ("", None),
        ("  ", None),
    ],
)
def test_a_credit_code_in_its_one_form(typed: str, code: str | None) -> None:
    assert checked_credit_code(typed) == code


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100I000100Y43",
        "91350100M000100Y4\n3",
        "九1350100M000100Y43",
    ],
)
def test_what_is_no_credit_code(text: str) -> None:
    with pytest.raises(InvalidInputError):
        checked_credit_code(text)
