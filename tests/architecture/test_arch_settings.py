"""The settings, the roles and the commands are what the files and the guides say."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_origin, get_type_hints

import click
import pytest

from archive_app import cli
from archive_app.kernel.permissions import OF_A_REQUEST, OF_HALF_SIGNED_IN, OF_PEOPLE, Permission
from archive_app.settings import Settings
from tests.architecture.house import ROOT, listing

CONFIG = sorted((ROOT / "config").rglob("*.toml"))
OPERATIONS = ROOT / "docs" / "operations.md"


@pytest.mark.parametrize("path", CONFIG, ids=lambda path: path.name)
def test_every_configuration_file_can_be_read(path: Path) -> None:
    assert tomllib.loads(path.read_text(encoding="utf-8")), f"{path.name} is empty; remove it"


def test_the_settings_are_the_keys_of_the_defaults() -> None:
    defaults = tomllib.loads((ROOT / "config" / "default.toml").read_text(encoding="utf-8"))
    sections = {name: kind for name, kind in get_type_hints(Settings).items() if kind is not Path}
    in_code = {
        f"{name}.{field.name}": get_origin(field.type) or field.type
        for name, kind in sections.items()
        for field in fields(kind)
    }
    in_file = {f"{name}.{key}": type(value) for name, keys in defaults.items() for key, value in keys.items()}
    assert in_code == in_file, (
        "config/default.toml and the dataclasses of settings.py must hold the same keys and types"
    )


def test_roles_and_permissions_fit() -> None:
    roles = tomllib.loads((ROOT / "config" / "roles.toml").read_text(encoding="utf-8"))
    granted = {permission for role in roles.values() for permission in role["permissions"]}
    known = set(map(str, set(Permission) - OF_PEOPLE - OF_HALF_SIGNED_IN - OF_A_REQUEST - {Permission.SYSTEM}))
    assert not granted - known, f"roles.toml grants what does not exist or is not for roles:{listing(granted - known)}"
    assert not known - granted, f"no role grants these, so nobody holds them:{listing(known - granted)}"


@pytest.mark.parametrize("name", cli._COMMANDS)
def test_every_command_loads_and_explains_itself(name: str) -> None:
    command = cli._lantai.get_command(click.Context(cli._lantai), name)
    assert command is not None
    assert command.help, f"give `lantai {name}` a help text"


@pytest.fixture
def guide() -> str:
    """The guide for operators."""
    assert OPERATIONS.exists(), "write docs/operations.md, the guide for operators"
    return OPERATIONS.read_text(encoding="utf-8")


def test_the_guide_for_operators_names_every_command(guide: str) -> None:
    silent = [f"lantai {name}" for name in cli._COMMANDS if f"lantai {name}" not in guide]
    assert not silent, f"say in docs/operations.md what these commands are for:{listing(silent)}"


def test_the_guide_for_operators_names_every_section_of_the_settings(guide: str) -> None:
    defaults = tomllib.loads((ROOT / "config" / "default.toml").read_text(encoding="utf-8"))
    silent = [name for name in defaults if f"[{name}]" not in guide and f"{name}." not in guide]
    assert not silent, f"say in docs/operations.md what these sections of the settings are for:{listing(silent)}"
