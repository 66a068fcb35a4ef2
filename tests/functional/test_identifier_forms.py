"""Whatever somebody writes where an identifier belongs, and whatever of others they name: the same answer as for what
is not there at all. Answers do not tell what exists."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from archive_app.kernel.archive import Archive
from tests.access.asking import ALIASES, Caller
from tests.access.columns import HALF, NOBODY, Column, columns
from tests.access.driving import on_both, routes_of
from tests.access.expectation import FOREIGN, HIDDEN, IN, OWN, Row, all_rows, arguments, expected
from tests.access.world import World, build
from tests.architecture.house import listing
from tests.conftest import Workbench
from tests.factories import People

FORMS = {
    "well-formed": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "short": "x1",
    "number": "0",
    "overlong": "a0" * 2500,
    "sql": "' OR '1'='1' --",
    "sql that waits": "1'; SELECT pg_sleep(9); --",
    "path": "..\\..\\etc\\passwd",
    "path with slashes": "../../etc/passwd",
    "wildcards": "%_*",
    "nul": "a\x00b",
    "line end": "a\r\nSet-Cookie: x=1",
    "blank after": "{own} ",
    "capitals": "{OWN}",
    "another kind": "{client}",
    "no letters": "\u202e汉字😀",
    "template": "{{7*7}}",
}
# Numbers, and words that everybody reads in a list: of these there is nothing to hide.
_NOT_OPAQUE = {"number", "page", "width", "start", "part", "stage", "record_type", "code", "form", "file_type", "sheet"}
_NOT_OPAQUE |= {"figure"}


@pytest.mark.usefixtures("without_fonts")
@on_both
def test_no_form_of_an_identifier_tells_what_exists(
    archive: Archive, app: Flask, people: People, workbench: Workbench
) -> None:
    world = build(archive, app, people, workbench)
    callers: dict[tuple[str, bool], Caller] = {}
    asked, wrong = 0, []
    for row in all_rows():
        column = _who(row)
        if column is None or row.at not in routes_of(app):
            continue
        key = column.key, row.is_api
        if key not in callers:
            callers[key] = _caller(world, column, of_api=row.is_api)
        if not row.is_api:
            callers[key].client.get("/account")  # takes away what earlier acts left to be said
        for name in (name for name in arguments(row.path) if name not in _NOT_OPAQUE):
            # What is hidden from them, or where nothing is, an identifier that nobody gave out.
            hidden = world.ids(column, FOREIGN)[name] if HIDDEN in expected(row, column) else FORMS["well-formed"]
            known = callers[key].ask(row, _with(world, column, name, hidden), row.sends[0])
            for form, value in _forms(world, column, name):
                answer = callers[key].ask(row, _with(world, column, name, value), row.sends[0])
                asked += 1
                if not _alike(answer, known, routed=_is_routed(row, name, value)):
                    wrong.append(
                        f"{row.at} as {column.key}, {name} {form}: {answer.status} {_first_difference(answer, known)}"
                    )
    assert asked > 500
    assert not wrong, f"these answer otherwise than what is hidden:{listing(wrong)}"


def _with(world: World, column: Column, name: str, value: str) -> dict[str, str]:
    """One's own ids, but for the one in question under all its names."""
    aliases = {alias for known_as in ALIASES.values() for told, alias in known_as.items() if told == name}
    aliases |= {"document_id": {"container_id"}, "person_id": {"leader_id"}}.get(name, set())
    return {**world.ids(column, OWN), name: value, **dict.fromkeys(aliases, value)}


def test_no_identifier_in_a_body_tells_what_exists(
    archive: Archive, app: Flask, people: People, workbench: Workbench
) -> None:
    world = build(archive, app, people, workbench)
    callers: dict[tuple[str, bool], Caller] = {}
    asked, wrong = 0, []
    for row, sent, name in _in_bodies():
        column = _who(row)
        if column is None or row.at not in routes_of(app):
            continue
        key = column.key, row.is_api
        if key not in callers:
            callers[key] = _caller(world, column, of_api=row.is_api)
        own = world.ids(column, OWN)
        if not row.is_api:
            # What an earlier act left to be said on the next page is said here and not beside one of the two answers.
            callers[key].client.get("/account", follow_redirects=True)
        hidden = callers[key].ask(row, {**own, name: world.things[FOREIGN].get(name, "")}, sent)
        for form in ("well-formed", "overlong", "nul", "sql", "another kind"):
            value = FORMS[form].replace("{client}", own["engagement_id" if name == "client_id" else "client_id"])
            answer = callers[key].ask(row, {**own, name: value}, sent)
            asked += 1
            if answer.status_code >= 500 or (form == "well-formed" and _told(answer) != _told(hidden)):
                wrong.append(f"{row.at} {sent} {name} {form}: {answer.status} {_first_difference(answer, hidden)}")
    assert asked > 25
    assert not wrong, f"these tell what exists:{listing(wrong)}"


def _in_bodies() -> Iterator[tuple[Row, Any, str]]:
    for row in all_rows():
        for sent in row.sends:
            for name in sorted(set(re.findall(r"\{(\w+_id)\}", str(sent)))):
                if name != "session_id" and IN in "".join(expected(row, column) for column in columns()):
                    yield row, sent, name


def _who(row: Row) -> Column | None:
    """Somebody who is let in where it is their own, and for whom something of others is hidden."""
    for column in columns():
        cell = expected(row, column)
        if cell.startswith(IN) and column.awaits not in {NOBODY, HALF}:
            return column
    return None


def _caller(world: World, column: Column, *, of_api: bool) -> Caller:
    token = world.tokens[column.key] if of_api else ""
    return Caller(world.app, "" if of_api else world.session(column), token)


def _forms(world: World, column: Column, name: str) -> Iterator[tuple[str, str]]:
    own = world.ids(column, OWN)
    for form, value in FORMS.items():
        other = own["client_id"] if name != "client_id" else own["engagement_id"]
        yield form, value.replace("{own}", own[name]).replace("{OWN}", own[name].upper()).replace("{client}", other)


def _is_routed(row: Row, name: str, value: str) -> bool:
    """Whether the path reaches the route: slashes make another path, and some routes know the form of an id."""
    if f"<id:{name}>" in row.path and not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        return False
    # A NUL is no identifier anywhere: the gate answers before the route looks at anything else.
    return "/" not in value and ("\0" not in value or name == "token")


def _alike(answer: TestResponse, known: TestResponse, *, routed: bool) -> bool:
    if routed:
        return answer.status_code == known.status_code and _told(answer) == _told(known)
    # No such route: of whatever is there nothing was asked.
    return answer.status_code in {404, 405}


def _first_difference(answer: TestResponse, known: TestResponse) -> str:
    pairs = zip(_told(answer).splitlines(), _told(known).splitlines(), strict=False)
    return next((f"{one.strip()!r} {other.strip()!r}" for one, other in pairs if one != other), "longer or shorter")


def _told(answer: TestResponse) -> str:
    """The body without what belongs to the request: its token, and the address that it asked for itself."""
    if answer.location:
        place = answer.location.partition("?")[0].split("/")
        return "/".join(part if re.fullmatch("[a-z-]*", part) else "ID" for part in place)
    told = answer.get_data(as_text=True)
    told = re.sub(r'(name="csrf-token" content=|name="csrf_token"[^>]*value=)"[^"]*"', r"\1", told)
    return re.sub(r'(name="next"[^>]*value=|value=)"/[^"]*"', r"\1", told)
