"""Habits that keep the house readable, and what must never stand in the repository."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.house import (
    PRODUCT,
    ROOT,
    called,
    calls,
    functions,
    listing,
    place,
    project_files,
    sources,
    tree,
)

LOCKS = sorted((ROOT / "lock").glob("*.txt"))
LONGEST_FILE_LINES = 450
LONGEST_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "managers", "manager", "misc", "common"}
INDEX_HOSTS = re.compile("|".join((r"pypi\.", r"pythonhosted\.", r"npmjs\.", r"crates\.io", r"anaconda\.org")))
MACHINE_PATH = re.compile(r"(?<![\w.}>*])/(?:home|work|tmp|root|Users)/\w")
REQUIREMENT = re.compile(
    r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,._-]+\])?==[^\s;]+(?: ;[^\n]+?)?(?: \\\n +--hash=sha256:[0-9a-f]{64})+\n"
)
TEXTS = {
    ".py",
    ".toml",
    ".md",
    ".html",
    ".js",
    ".css",
    ".svg",
    ".txt",
    ".cfg",
    ".json",
    ".po",
    ".yml",
    ".yaml",
    ".mako",
    "",
}


def test_modules_are_named_after_what_they_do() -> None:
    empty = [place(path) for path in sources(*PRODUCT, "tests") if EMPTY_NAMES & {*path.parts, path.stem}]
    assert not empty, f"a name that says nothing collects everything; name the thing:{listing(empty)}"


def test_no_file_grows_past_its_purpose() -> None:
    code = [path for path in project_files() if path.suffix in {".py", ".js", ".css", ".html"}]
    counted = {place(path): path.read_text(encoding="utf-8").count("\n") for path in code}
    long = [f"{name}: {lines} lines" for name, lines in counted.items() if lines > LONGEST_FILE_LINES]
    assert not long, f"divide by use case, at most {LONGEST_FILE_LINES} lines a file:{listing(long)}"


def test_no_function_grows_past_a_screen() -> None:
    # Migrations are lists of statements in their order, one a table.
    measured = {
        f"{place(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources(*PRODUCT, "tests")
        if "migrations/versions" not in place(path)
        for node in functions(path)
    }
    long = [f"{name}: {lines} lines" for name, lines in measured.items() if lines > LONGEST_FUNCTION_LINES]
    assert not long, f"divide, at most {LONGEST_FUNCTION_LINES} lines a function:{listing(long)}"


def test_only_the_command_line_speaks_to_the_terminal() -> None:
    printing = [
        f"{place(path)}:{call.lineno}"
        for path in sources(*PRODUCT)
        if not place(path).startswith("archive_app/cli/")
        for call in calls(tree(path))
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert not printing, f"use a logger:{listing(printing)}"


def test_chance_comes_from_the_operating_system() -> None:
    weak = [
        place(path)
        for path in sources(*PRODUCT)
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "random")
        or (isinstance(node, ast.Call) and called(node) in {"uuid1", "uuid4"})
    ]
    assert not weak, f"use `secrets`, and `kernel.ids.new_id` for identifiers:{listing(weak)}"


def test_time_comes_from_the_clock() -> None:
    direct = [
        f"{place(path)}:{call.lineno}"
        for path in sources("archive_app")
        if place(path) != "archive_app/kernel/clock.py"
        for call in calls(tree(path))
        if ast.unparse(call.func) in {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    ]
    assert not direct, f"use `archive.clock` or `uow.now`:{listing(direct)}"


def test_nothing_names_the_machine_it_was_made_on() -> None:
    found = [
        f"{place(path)}:{number}"
        for path in _texts()
        if not place(path).startswith("tests/")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not found, f"no absolute path of a machine belongs into the project:{listing(found)}"


def test_nothing_names_an_index_of_packages() -> None:
    found = [
        f"{place(path)}:{number}"
        for path in _texts()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if INDEX_HOSTS.search(line)
    ]
    assert not found, f"the index is whatever the machine's pip is set up for; take the host out:{listing(found)}"


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_part_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rest = REQUIREMENT.sub("", text)
    assert REQUIREMENT.search(text)
    assert not rest.strip(), (
        f"{path.name} holds more than `name==version` with hashes; renew it by `make lock`:\n{rest[:300]}"
    )


def test_both_locks_agree() -> None:
    pinned = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
    versions = {path.name: dict(pinned.findall(path.read_text(encoding="utf-8"))) for path in LOCKS}
    run, dev = versions["run.txt"], versions["dev.txt"]
    apart = [f"{name} {version}, dev.txt: {dev.get(name)}" for name, version in run.items() if dev.get(name) != version]
    assert not apart, f"what is tested must be what runs; renew both by `make lock`:{listing(apart)}"


def test_nothing_compiled_is_kept() -> None:
    kept = [place(path) for path in project_files() if path.suffix in {".mo", ".pyc", ".so"}]
    assert not kept, f"compiled files are made by `make setup`; take them out:{listing(kept)}"


def _texts() -> list[Path]:
    return [path for path in project_files() if path.suffix in TEXTS]
