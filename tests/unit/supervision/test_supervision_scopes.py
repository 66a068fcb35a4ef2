"""What a form may say that a grant opens."""

import pytest

from archive_app.kernel.errors import InvalidInputError
from archive_app.supervision.scopes import MOST_THINGS, Thing, TooManyThingsError, read_things

SOME_ID = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"


@pytest.mark.parametrize(
    "code", ["", "all", "client:x", "year:20", "year:１９９９", "year:0001", "year:9999", "engagement:", "whole\n"]
)
def test_a_form_says_nothing_else_than_things(code: str) -> None:
    with pytest.raises(InvalidInputError):
        read_things([code])


@pytest.mark.parametrize(
    "thing",
    [
        Thing(whole=True),
        Thing(engagement_id=SOME_ID),
        Thing(client_id=SOME_ID),
        Thing(client_id=SOME_ID, year=2024),
        Thing(year=2024),
    ],
)
def test_every_thing_is_written_in_one_way_and_read_back(thing: Thing) -> None:
    assert read_things([thing.code, thing.code]) == [thing]


def test_more_rows_than_a_person_chooses_are_refused_before_they_are_read() -> None:
    with pytest.raises(TooManyThingsError):
        read_things(["whole"] * (MOST_THINGS + 1))
