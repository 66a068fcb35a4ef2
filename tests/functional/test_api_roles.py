"""The JSON interface as each role: whatever a program sends that the schema allows, about its own, its colleagues' and
another organisation's things, the answer is one that the schema describes and holds nothing of that organisation."""

import io
import itertools
import zipfile
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.generation.modes import GenerationMode

from archive_app.kernel.archive import Archive
from tests.access.columns import HALF, NOBODY, Column, columns
from tests.access.expectation import FOREIGN, OTHER, OWN
from tests.access.things import MARKER
from tests.access.world import World, build
from tests.conftest import Workbench
from tests.engines import FULL
from tests.factories import People
from tests.functional.api_client import Program
from tests.functional.test_api_schema import UNFIT, operations

EXAMPLES = 40 if FULL else 1
NOTHING = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"
# In queries and bodies, what a name of the schema stands for.
NAMED = {
    "engagement": "engagement_id",
    "engagement_id": "engagement_id",
    "client": "client_id",
    "client_id": "client_id",
    "document": "document_id",
    "person": "person_id",
    "row": "row_id",
    "files": "file_id",
}


def asking() -> list[Column]:
    """Whoever can come with a token, strangers last: their own words are no secret to them."""
    return [column for column in columns() if column.awaits not in {NOBODY, HALF}]


@pytest.fixture
def world(archive: Archive, app: Flask, people: People, workbench: Workbench) -> World:
    return build(archive, app, people, workbench)


@pytest.mark.timeout(3600 if FULL else 180)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_as_each_role_nothing_of_another_organisation(world: World, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    checks = [check for check in CHECKS.get_all() if check.__name__ not in UNFIT]
    turn = itertools.count()
    asked: set[tuple[str, str]] = set()
    answered: set[int] = set()
    for operation in operations(schema):

        @seed(2026)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            for column in asking():
                _seed_ids(case, world, column, next(turn), fitting=mode is GenerationMode.POSITIVE)
                answer = case.call(headers={"Authorization": f"Bearer {world.tokens[column.key]}"})
                told = f"{column.key}: {case.method} {case.formatted_path} {case.query}"
                assert answer.status_code < 500, f"{told}: {answer.text}"
                assert MARKER not in _words(answer.content), f"{told} tells of another organisation: {answer.text}"
                case.validate_response(answer, checks=checks)
                asked.add((case.operation.label, column.key))
                answered.add(answer.status_code)

        ask()
    assert len(asked) >= 20 * len(asking())
    assert answered >= ({200, 201, 403, 404} if mode is GenerationMode.POSITIVE else {403, 422})


def test_nobody_finds_the_words_of_another_organisation(world: World) -> None:
    for column in asking():
        program = Program(world.app, world.tokens[column.key])
        for path in (
            f"/search?q={MARKER}",
            f"/engagements?text={MARKER}",
            f"/clients?text={MARKER}",
            "/events",
            "/inbox",
        ):
            answer = program.get(path)
            assert answer.status_code in {200, 403}, (column.key, path)
            assert not answer.json.get("total"), (column.key, path)
            assert MARKER not in str(answer.json.get("items", "")), (column.key, path)


def _seed_ids(case: Any, world: World, column: Column, turn: int, *, fitting: bool) -> None:
    """Puts things that are there in place of what the schema only calls an identifier: own, others', a stranger's, and
    once in a while nobody's."""
    place = (OWN, FOREIGN, OTHER)[turn % 3]
    ids = world.ids(column, place)
    for name in case.path_parameters or {}:
        case.path_parameters[name] = 1 if name == "number" else NOTHING if turn % 7 == 0 else ids[name]
    if not fitting:
        return
    for told in (case.query, case.body):
        if not isinstance(told, dict):
            continue
        # Whatever looks like a key of a page is none, unless a page gave it out.
        told.pop("after", None)
        for name in told.keys() & NAMED.keys():
            value = ids[NAMED[name]]
            told[name] = [value] if isinstance(told[name], list) else value


def _words(content: bytes) -> str:
    """The readable words of an answer, of a workbook those of its parts."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            content = b"".join(package.read(name) for name in package.namelist())
    return content.decode(errors="replace")
