"""One use case, one transaction; and no way into a room past its permission."""

from pathlib import Path

import pytest

from archive_app.kernel.permissions import Permission
from tests.architecture.house import (
    called,
    calls,
    functions,
    listing,
    meant,
    module,
    place,
    shape,
    use_case_modules,
    use_cases,
)

UNDECLARED = {
    "archive_app/documents/uploads.py:open_line": "a step of taking bytes, which `receive` and `receive_part` declare",
    "archive_app/documents/uploads.py:refuse": "a step of the same: keeps why a file was refused",
    "archive_app/documents/rotation.py:key_state": "a step: the probe and `lantai keys` ask it inside what they may do",
    "archive_app/documents/searching.py:scope_of": "a step: compiles the policy into the scope of a search",
}
OPENING = {"transaction", "reading", "note_denial"}


def test_whoever_takes_an_actor_declares_a_permission() -> None:
    undeclared = {
        f"{place(path)}:{node.name}"
        for path in use_case_modules()
        for node in functions(path)
        if node.args.args and node.args.args[0].arg == "actor" and not node.name.startswith("_") and not shape(node)
    }
    unknown, gone = undeclared - UNDECLARED.keys(), UNDECLARED.keys() - undeclared
    assert not unknown, f"declare @use_case, @query or @staged_use_case(Permission.…):{listing(unknown)}"
    assert not gone, f"take these off the list of exceptions:{listing(gone)}"


def test_the_declared_permission_reaches_the_caller() -> None:
    assert use_cases()
    lost = [
        getattr(f, "__qualname__", f) for f in use_cases() if not isinstance(getattr(f, "permission", None), Permission)
    ]
    assert not lost, f"the declaring decorator must stand first, above every other:{listing(lost)}"


@pytest.mark.parametrize("path", use_case_modules(), ids=place)
def test_inside_its_unit_a_use_case_opens_no_other(path: Path) -> None:
    names = vars(module(path))
    wrong = [
        f"{node.name} calls {called(call)}"
        for node in functions(path)
        if shape(node) in {"use_case", "query"}
        for call in calls(node)
        if call not in [below for decorator in node.decorator_list for below in calls(decorator)]
        and (called(call) in OPENING or meant(call, names) in use_cases())
    ]
    assert not wrong, f"call a step (uow, …) instead, or make it a staged use case:{listing(wrong)}"
