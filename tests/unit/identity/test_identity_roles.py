"""The roles' file: what it gives, and how a wrong one is named."""

import pytest

from archive_app.identity.organisations import KINDS
from archive_app.identity.permission_words import PERMISSION_LABELS, SCOPE_LABELS, scope_of
from archive_app.identity.roles import (
    ADMINISTRATOR,
    AUDITOR,
    OF_THE_FIRST_PERSON,
    OFFICER,
    RolesExcludeError,
    all_roles,
    checked_roles,
    first_roles,
    highest_level_of,
    needs_second_factor,
    parse_roles,
    permissions_of,
    roles_for,
)
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_PEOPLE, OF_THE_HOST, Permission
from archive_app.settings import SettingsError

MEMBERS = (ADMINISTRATOR, OFFICER, AUDITOR)
_NAME = 'name = { zh = "甲", en = "A" }\n'
_REST = "".join(f"[{key}]\n{_NAME}permissions = []\n" for key in sorted(OF_THE_FIRST_PERSON | set(MEMBERS)))


def written(lines: str) -> str:
    """A file with all that is needed and a role [extra] of these lines."""
    return f"[extra]\n{_NAME}{lines}\n{_REST}"


def test_permissions_add_up() -> None:
    both = permissions_of({ADMINISTRATOR, "verifier"}, runs_archive=True)
    assert both == permissions_of({ADMINISTRATOR}, runs_archive=True) | permissions_of({"verifier"}, runs_archive=True)
    assert permissions_of(set(), runs_archive=True) == OF_PEOPLE
    assert permissions_of({"dropped_role"}, runs_archive=True) == OF_PEOPLE


@pytest.mark.parametrize("role", all_roles())
def test_only_people_of_the_host_act_on_the_whole_archive(role: str) -> None:
    here, elsewhere = (permissions_of({role}, runs_archive=host) for host in (True, False))
    assert not elsewhere & OF_THE_HOST
    assert here - elsewhere == here & OF_THE_HOST


@pytest.mark.parametrize("role", MEMBERS)
def test_none_of_the_three_members_reads_content(role: str) -> None:
    held = permissions_of({role}, runs_archive=True)
    assert not {p for p in held if scope_of(p) in {"engagement", "client", "authority"}}
    assert needs_second_factor({role})
    assert all_roles()[role].excludes == set(MEMBERS) - {role}


def test_each_of_the_three_has_what_the_others_lack() -> None:
    for permission, role in (
        (Permission.ACCOUNTS_MANAGE, ADMINISTRATOR),
        (Permission.RIGHTS_GRANT, OFFICER),
        (Permission.ARCHIVE_LOG_READ, AUDITOR),
    ):
        assert [key for key, one in all_roles().items() if permission in one.permissions] == [role]


def test_every_role_is_named_in_both_languages() -> None:
    for role in all_roles().values():
        assert role.name("zh_Hans_CN") != role.name("en")


def test_every_permission_has_words() -> None:
    assert set(PERMISSION_LABELS) == set(Permission)
    assert {scope_of(permission) for permission in Permission} == set(SCOPE_LABELS)
    assert len(set(PERMISSION_LABELS.values())) == len(PERMISSION_LABELS), "two permissions read alike"


def test_a_role_says_all_there_is_to_say() -> None:
    text = written(
        """permissions = ["organisation:people:read", "archive:log:read"]
        second_factor = true
        organisations = ["park", "authority"]
        highest_level = "internal"
        """
    )
    role = parse_roles(text, "roles.toml")["extra"]
    assert (role.key, role.name("zh_Hans_CN"), role.name("en")) == ("extra", "甲", "A")
    assert role.permissions == {Permission.PEOPLE_READ, Permission.ARCHIVE_LOG_READ}
    assert (role.second_factor, role.organisations, role.highest_level) == (
        True,
        frozenset({"park", "authority"}),
        Level.INTERNAL,
    )


def test_what_a_role_does_not_say() -> None:
    role = parse_roles(written("permissions = []"), "roles.toml")["extra"]
    assert (role.permissions, role.second_factor, role.excludes) == (frozenset(), False, frozenset())
    assert (role.organisations, role.highest_level) == (frozenset(KINDS), Level.RESTRICTED)


def test_exclusion_goes_both_ways() -> None:
    other = f'[other]\n{_NAME}permissions = []\nexcludes = ["extra"]\n'
    roles = parse_roles(written('permissions = []\nexcludes = ["other"]\n') + other, "roles.toml")
    assert roles["extra"].excludes == {"other"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (written('permissions = ["archive:log:burn"]'), "archive:log:burn"),
        (written('permissions = ["system:any:run"]'), "system:any:run"),
        (written('permissions = ["self:second_factor:give"]'), "self:second_factor:give"),
        (written('permissions = ["public:any:use"]'), "public:any:use"),
        (written('permissions = "organisation:people:read"'), "[extra] permissions"),
        (written("permissions = [1]"), "[extra] permissions"),
        (written(""), "[extra] permissions"),
        (written("permissions = []\nallow = 1"), "allow"),
        (written('permissions = []\nsecond_factor = "true"'), "[extra] second_factor"),
        (written("permissions = []\nsecond_factor = 1"), "[extra] second_factor"),
        (written('permissions = []\nhighest_level = "secret"'), "'secret'"),
        (written("permissions = []\nhighest_level = 3"), "[extra]"),
        (written('permissions = []\nhighest_level = ["public"]'), "[extra]"),
        (written('permissions = []\norganisations = ["ministry"]'), "'ministry'"),
        (written('permissions = []\norganisations = "park"'), "[extra] organisations"),
        (written('permissions = []\nexcludes = ["emperor"]'), "emperor"),
        (written('permissions = []\nexcludes = ["verifier"]'), "verifier"),
        (written('permissions = []\nexcludes = "archivist"'), "[extra] excludes"),
        (f'[extra]\nname = {{ en = "A" }}\npermissions = []\n{_REST}', "[extra] name"),
        (f'[extra]\nname = {{ zh = "甲", en = "A", fr = "A" }}\npermissions = []\n{_REST}', "[extra] name"),
        (f'[extra]\nname = {{ zh = "甲", en = 1 }}\npermissions = []\n{_REST}', "[extra] name"),
        (f'[extra]\nname = "A"\npermissions = []\n{_REST}', "[extra] name"),
        (f"extra = 1\n{_REST}", "extra"),
        (_REST.replace("[archivist]", "[other]"), "[archivist]"),
        (_REST.replace("[security_officer]", "[other]"), "[security_officer]"),
        (_REST.replace("[security_auditor]", "[other]"), "[security_auditor]"),
        ("[extra", "Expected"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_name(text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_roles(text, "roles.toml")
    assert "roles.toml" in str(refused.value)
    assert named in str(refused.value)


def test_the_highest_of_several_levels_counts() -> None:
    assert highest_level_of({"top_manager"}) is Level.INTERNAL
    assert highest_level_of({"top_manager", "verifier"}) is Level.RESTRICTED
    assert highest_level_of({"dropped_role"}) is highest_level_of(set()) is Level.PUBLIC


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_organisation_can_be_run_and_watched(kind: str) -> None:
    assert {*MEMBERS, "archivist"} <= roles_for(kind)
    assert first_roles(kind) <= roles_for(kind)
    assert checked_roles(first_roles(kind), kind) == first_roles(kind)


def test_what_one_person_can_hold() -> None:
    for roles in ([], ["emperor"], ["verifier", "supervisor"]):
        with pytest.raises(InvalidInputError):
            checked_roles(roles, "verification_body")
    with pytest.raises(RolesExcludeError) as refused:
        checked_roles([OFFICER, AUDITOR], "authority")
    assert "安全保密员" in refused.value.text("zh_Hans_CN")
    assert "Security officer" in refused.value.text("en")
