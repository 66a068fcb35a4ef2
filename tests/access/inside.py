"""What stands behind the routes: every use case with the permission it is expected to ask for, and every command with
the use cases it calls as the operator."""

import ast
import inspect
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from archive_app import cli
from tests.architecture.house import calls, meant, use_cases

_TABLE = Path(__file__).resolve().parent / "inside.toml"
_ROOM = "archive_app."


@dataclass(frozen=True)
class Command:
    """A command, and the use cases that it is expected to call."""

    name: str
    use_cases: tuple[str, ...]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def expected_use_cases() -> dict[str, tuple[str, bool]]:
    """The permission of each use case, and whether only somebody freshly confirmed does it."""
    found = {}
    for room, told in _table()["use_cases"].items():
        for name, permission in told.items():
            asked, _, confirmed = permission.partition(" ")
            found[f"{room}.{name}"] = (asked, confirmed == "confirmed")
    return found


def commands() -> list[Command]:
    """The commands as they are expected."""
    return [Command(name, tuple(told)) for name, told in _table()["commands"].items()]


def name_of(use_case: Any) -> str:
    """A use case as the table calls it."""
    return f"{use_case.__module__.removeprefix(_ROOM)}.{use_case.__name__}"


def commands_found() -> dict[str, list[str]]:
    """The use cases that each command really calls, itself or through functions of its modules."""
    found = {}
    for name, (module, _words) in cli._COMMANDS.items():
        command = __import__(f"archive_app.cli.{module}", fromlist=["command"]).command
        for full, callback in _callbacks(name, command):
            found[full] = sorted({name_of(use_case) for use_case, _ in _called(callback)})
    return found


def acting_for_others() -> list[str]:
    """Calls of use cases by commands whose actor is not the operator."""
    return [
        f"{full} calls {name_of(use_case)} as {ast.unparse(call.args[0])}"
        for name, (module, _words) in cli._COMMANDS.items()
        for full, callback in _callbacks(name, __import__(f"archive_app.cli.{module}", fromlist=["command"]).command)
        for use_case, call in _called(callback)
        if ast.unparse(call.args[0]) not in {"OPERATOR", "actor"}
    ]


def _callbacks(name: str, command: click.Command) -> Iterator[tuple[str, Any]]:
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from _callbacks(f"{name} {below}", each)
    else:
        yield name, command.callback


def _called(function: Any, seen: frozenset[Any] = frozenset()) -> Iterator[tuple[Any, ast.Call]]:
    """Use cases called by a function, itself or through functions of the command line."""
    function = inspect.unwrap(function)
    names = function.__globals__
    for call in calls(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        target: Any = meant(call, names)
        if not inspect.isfunction(target) or target in seen:
            continue
        if target in use_cases():
            yield target, call
        elif target.__module__.startswith("archive_app.cli"):
            yield from _called(target, seen | {function, target})
