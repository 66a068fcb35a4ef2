"""The matrix as a person reads it: `docs/security/access-matrix.md`, made of the expectation alone."""

from collections.abc import Iterator
from pathlib import Path

from tests.access.columns import LEVELS, columns
from tests.access.expectation import Room, Row, expected, expected_levels, rooms
from tests.access.inside import commands, expected_use_cases

MATRIX = Path(__file__).resolve().parents[2] / "docs" / "security" / "access-matrix.md"
_HEAD = """# Who may do what

Every route of the service and every use case behind it, for every role, as it is expected. A test asks the running
application for every cell and fails where it answers otherwise; a route without a row fails as well. This file is made
from `tests/access/rooms` and `config/roles.toml`, by
`LANTAI_WRITE_DOCS=1 make test ARGS=tests/functional/test_access_matrix.py`; nothing in it was recorded from the
program.

## How to read it

Where a route is about something, a cell has three marks: for what is **one's own**, for what is of **colleagues**, and
for what is of **another organisation**. One's own engagement is one that the person is assigned to and has declared
for, was let in to by name, supervises by a grant, or that is about their own organisation; for whoever has no such tie
it is any engagement of their organisation. Documents are public ones; the section on levels says how levels narrow
this. Routes about nothing in particular have one mark.

| mark | answer |
|---|---|
| ✓ | let in: done, shown, or refused for what was sent and not for who sent it |
| · | 404, the same as for what does not exist; the denial of what exists is in the log |
| ✗ | 403: the role does not hold the permission |
| → | to the door: sign in, or give or enrol the second factor |
| ▲ | only under the mark of a supervisor's grant: a watermarked copy, or the original with its cover sheet |
| – | there is no such thing |

**c** after a route: done only by somebody who proved within the last minutes who they are; everybody else is asked to.

## Whose eyes
"""


def rendered() -> str:
    """The whole file."""
    parts = [_HEAD, *_people(), *(line for room in rooms() for line in _room(room)), *_levels()]
    parts += [*_use_cases(), *_commands()]
    return "\n".join(parts) + "\n"


def _people() -> Iterator[str]:
    yield "| | who | second factor |"
    yield "|---|---|---|"
    for column in columns():
        yield f"| {column.short} | {column.words} | {'yes' if column.second_factor else ''} |"
    yield ""


def _room(room: Room) -> Iterator[str]:
    yield f"## {room.name}\n\n{room.words}\n"
    yield from _head("route")
    for row in room.rows:
        cells = (expected(row, column) for column in columns())
        yield f"| {_route(row)} | " + " | ".join(_cell(cell) for cell in cells) + " |"
    yield ""


def _head(first: str) -> Iterator[str]:
    yield f"| {first} | " + " | ".join(column.short for column in columns()) + " |"
    yield "|---|" + ":-:|" * len(columns())


def _route(row: Row) -> str:
    path = row.at.replace("(max=999999)", "").replace("(min=1,max=999999)", "").replace("(max=9999)", "")
    return f"{row.words} <br> `{path}`{' **c**' if row.confirmed else ''}"


def _cell(cell: str) -> str:
    # Who is refused wherever it is reads easier with one mark.
    return cell[0] if set(cell) in ({"✗"}, {"→"}) else cell


def _levels() -> Iterator[str]:
    yield "## Levels"
    yield ""
    yield "Documents of each level in one's own engagement: public 公开, internal 内部, sensitive 敏感,"
    yield "restricted 受限."
    yield ""
    yield from _head("document")
    cells = " | ".join(expected_levels(column) for column in columns())
    yield f"| {' '.join(LEVELS)} | {cells} |"
    yield ""


def _use_cases() -> Iterator[str]:
    yield "## Use cases"
    yield ""
    yield "What each asks for before anything else, and the roles that hold it."
    yield ""
    yield "| use case | permission | roles |"
    yield "|---|---|---|"
    for name, (permission, confirmed) in expected_use_cases().items():
        yield f"| `{name}` | `{permission}`{' **c**' if confirmed else ''} | {_holders(permission)} |"
    yield ""


def _holders(permission: str) -> str:
    roles = [column for column in columns() if not column.awaits and column.key in column.roles]
    holding = [column.short for column in roles if column.may(permission)]
    return "everybody" if len(holding) == len(roles) else ", ".join(holding) or "the archive itself"


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield "Whoever may run commands on the machine is the operator, who passes every check; each act stands in the log."
    yield ""
    yield "| command | use cases |"
    yield "|---|---|"
    for told in commands():
        yield f"| `lantai {told.name}` | {', '.join(f'`{name}`' for name in told.use_cases) or 'none'} |"
