"""The house as the architecture tests see it: its files, their syntax trees, its use cases."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("archive_app", "storage", "search")
SHAPES = {"use_case", "query", "staged_use_case"}
_NOT_USE_CASES = {"views", "forms", "api", "models", "feature", "policy", "__init__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*rooms: str) -> list[Path]:
    """All Python files of the named top-level folders."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def place(path: Path) -> str:
    """The path as people write it: relative to the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path: Path) -> ModuleType:
    """The imported module of a file."""
    return import_module(place(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call below `node`."""
    return (below for below in ast.walk(node) if isinstance(below, ast.Call))


def called(call: ast.Call) -> str:
    """The last word of what is called: `transaction` in `archive.transaction(…)`."""
    return ast.unparse(call.func).rpartition(".")[2]


def enclosing(path: Path, wanted: Iterable[ast.AST]) -> Iterator[str]:
    """For each wanted node, `path:function` of the innermost function around it."""
    found = set(wanted)
    for function in functions(path):
        inner = {
            below
            for child in ast.walk(function)
            if child is not function and isinstance(child, Function)
            for below in ast.walk(child)
        }
        if any(node in found for node in ast.walk(function) if node not in inner):
            yield f"{place(path)}:{function.name}"


def use_case_modules() -> list[Path]:
    """The rooms in which use cases are defined."""
    rooms = [
        feature.parent for feature in (ROOT / "archive_app").glob("*/feature.py") if feature.parent.name != "kernel"
    ]
    found = [path for room in rooms for path in room.rglob("*.py") if path.stem not in _NOT_USE_CASES]
    return sorted([*found, ROOT / "archive_app" / "web" / "health.py"])


def shape(function: Function) -> str | None:
    """`use_case`, `query` or `staged_use_case`; None for a function that is none of them."""
    names = (called(decorator) for decorator in function.decorator_list if isinstance(decorator, ast.Call))
    return next((name for name in names if name in SHAPES), None)


@cache
def use_cases() -> dict[object, str]:
    """The shape of each declared use case, by the public function that callers hold."""
    return {
        getattr(module(path), function.name): kind
        for path in use_case_modules()
        for function in functions(path)
        if (kind := shape(function))
    }


def meant(call: ast.Call, names: dict[str, object]) -> object:
    """What a call refers to, given the globals of its module; None for anything but a plain or dotted global."""
    if isinstance(call.func, ast.Name):
        return names.get(call.func.id)
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        owner = names.get(call.func.value.id)
        return getattr(owner, call.func.attr, None) if isinstance(owner, ModuleType) else None
    return None


@cache
def project_files() -> list[Path]:
    """Every file that is, or is about to be, under version control."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(path for name in set(names) if name and (path := ROOT / name).is_file())


def listing(entries: Iterable[object]) -> str:
    """One entry a line, for a message."""
    return "".join(f"\n  {entry}" for entry in sorted(map(str, entries)))
