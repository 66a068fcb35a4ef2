"""Behind the routes: every use case asks for the permission that the table says, whoever calls it; commands act as the
operator, by the use cases that the table names."""

import inspect

import pytest

from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConfirmationRequiredError, PermissionMissingError, SignInRequiredError
from tests.access.columns import HALF, NOBODY, columns
from tests.access.inside import (
    acting_for_others,
    commands,
    commands_found,
    expected_use_cases,
    name_of,
)
from tests.access.world import people_of
from tests.architecture.house import listing, use_cases
from tests.factories import People


def test_every_use_case_asks_for_what_the_table_says() -> None:
    found = {name_of(each): (str(each.permission), each.confirmed) for each in use_cases()}  # type: ignore[attr-defined]
    expected = expected_use_cases()
    assert not found.keys() - expected.keys(), (
        f"say in inside.toml who may do these:{listing(found.keys() - expected.keys())}"
    )
    assert not expected.keys() - found.keys(), f"these are gone:{listing(expected.keys() - found.keys())}"
    wrong = [f"{name}: {expected[name]} {found[name]}" for name in found if found[name] != expected[name]]
    assert not wrong, f"expected, found:{listing(wrong)}"


def test_whoever_lacks_the_permission_is_refused_by_the_use_case_itself(archive: Archive, people: People) -> None:
    """No view is between: what a route forgets, the use case still refuses, before it looks at anything."""
    acting = people_of(people)
    asked, wrong = 0, []
    for use_case in use_cases():
        permission, _confirmed = expected_use_cases()[name_of(use_case)]
        for column in columns():
            if column.may(permission):
                continue
            asked += 1
            try:
                use_case(acting[column.key])  # type: ignore[operator]
            except (PermissionMissingError, SignInRequiredError):
                continue
            except Exception as error:  # noqa: BLE001  # whatever else comes is the finding
                wrong.append(f"{name_of(use_case)} as {column.key}: {error!r}")
            else:
                wrong.append(f"{name_of(use_case)} as {column.key} was done")
    assert asked > 1000
    assert not wrong, f"these were not refused:{listing(wrong)}"


def test_what_asks_for_a_fresh_proof_does_so_itself(archive: Archive, people: People) -> None:
    acting = people_of(people, confirmed=False)
    confirmed = [each for each in use_cases() if expected_use_cases()[name_of(each)][1]]
    assert len(confirmed) > 5
    for use_case in confirmed:
        permission, _ = expected_use_cases()[name_of(use_case)]
        column = next(column for column in columns() if column.may(permission) and column.awaits not in {NOBODY, HALF})
        with pytest.raises(ConfirmationRequiredError):
            use_case(acting[column.key])  # type: ignore[operator]


def test_commands_act_as_the_operator_by_these_use_cases() -> None:
    assert {told.name: sorted(told.use_cases) for told in commands()} == commands_found()
    assert not acting_for_others()


def test_every_use_case_takes_its_actor_first() -> None:
    wrong = [name_of(each) for each in use_cases() if next(iter(inspect.signature(each).parameters)) != "actor"]  # type: ignore[arg-type]
    assert not wrong
