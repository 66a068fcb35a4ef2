"""The roles' file: what it gives, and how a wrong one is named."""

import pytest

from archive_app.identity.roles import OF_THE_FIRST_PERSON, all_roles, parse_roles, permissions_of
from archive_app.kernel.permissions import OF_PEOPLE, Permission
from archive_app.settings import SettingsError

_NAME = 'name = { zh = "甲", en = "A" }\n'
_REST = "".join(f"[{key}]\n{_NAME}permissions = []\n" for key in sorted(OF_THE_FIRST_PERSON))


def test_permissions_add_up() -> None:
    both = permissions_of({"system_administrator", "verifier"})
    assert both == permissions_of({"system_administrator"}) | permissions_of({"verifier"})
    assert permissions_of(set()) == OF_PEOPLE
    assert permissions_of({"dropped_role"}) == OF_PEOPLE


def test_the_administrator_of_accounts_reads_no_documents() -> None:
    held = permissions_of({"system_administrator"})
    assert Permission.ACCOUNTS_MANAGE in held
    assert not {p for p in held if p.startswith("engagement:")}


def test_every_role_is_named_in_both_languages() -> None:
    for role in all_roles().values():
        assert role.name("zh_Hans_CN") != role.name("en")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f'[auditor]\n{_NAME}permissions = ["archive:log:burn"]\n{_REST}', "archive:log:burn"),
        (f'[auditor]\n{_NAME}permissions = ["system:any:run"]\n{_REST}', "system:any:run"),
        (f"[auditor]\n{_NAME}permissions = []\nallow = 1\n{_REST}", "allow"),
        (f'[auditor]\nname = {{ en = "A" }}\npermissions = []\n{_REST}', "[auditor] name"),
        (f"[auditor]\n{_NAME}{_REST}", "[auditor] permissions"),
        (f"auditor = 1\n{_REST}", "auditor"),
        (f"[verifier]\n{_NAME}permissions = []\n", "[archivist]"),
        ("[auditor", "Expected"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_name(text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_roles(text, "roles.toml")
    assert "roles.toml" in str(refused.value)
    assert named in str(refused.value)
