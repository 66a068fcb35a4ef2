"""Keys of pages: what a page gave out is taken back, whatever stands in it; what it did not is refused in words."""

import base64

import pytest

from archive_app.engagements.clients import add_client, list_clients
from archive_app.kernel.errors import InvalidInputError
from tests.conftest import both_databases
from tests.factories import People


@both_databases
def test_a_page_goes_on_after_a_name_with_a_wide_space(people: People) -> None:
    leader = people.person("team_leader")
    names = {add_client(leader, name=f"江南\u3000热电\u00a0{number:03d}").name for number in range(3)}
    found, after = set(), None
    for _ in names:
        page = list_clients(leader, after=after, limit=1)
        found |= {client.name for client in page.items}
        after = page.next_key
    assert (found, after) == (names, None)


@pytest.mark.parametrize(
    "told", ["[" * 5000, '["\\u0000", "x"]', '["\\ud800", "x"]', "5", '{"t": 1}', '[{"t": 5}, "x"]', "[null, null]"]
)
def test_what_no_page_gave_out_is_refused(people: People, told: str) -> None:
    leader = people.person("team_leader")
    with pytest.raises(InvalidInputError):
        list_clients(leader, after=base64.urlsafe_b64encode(told.encode()).decode())
