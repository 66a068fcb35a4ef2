"""`proof` can be lifted out and audited alone: it imports nothing of the archive and reaches nothing outside."""

import ast
import sys
from pathlib import Path

import pytest

import archive_app.proof

ROOM = Path(archive_app.proof.__file__).parent
OUTSIDE_PARTS = {"cryptography", "rfc8785", "rfc3161_client"}
# Pure: no files, no network, no clock, no randomness, no processes. Times and salts are handed in.
IMPURE = {"io", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "time"}


@pytest.mark.parametrize("module", sorted(ROOM.glob("**/*.py")), ids=lambda path: path.name)
def test_the_room_stands_alone(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            imported.add(node.module or "")
        elif isinstance(node, ast.Name):
            assert node.id not in {"open", "__import__", "input", "print"}
    outside = {name.split(".")[0] for name in imported if not f"{name}.".startswith("archive_app.proof.")}
    assert outside <= (sys.stdlib_module_names - IMPURE) | OUTSIDE_PARTS
