"""Keys of pages: what a page gave out is taken back, whatever stands in it; what it did not is refused in words."""

import base64
import json

import pytest

from archive_app.engagements.clients import add_client, list_clients
from archive_app.engagements.engagements import EngagementFilters, list_engagements
from archive_app.kernel.errors import InvalidInputError
from tests.conftest import both_databases
from tests.factories import People, engagement_of


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


@both_databases
def test_a_key_of_another_list_opens_nothing(people: People) -> None:
    """A key is a place in an order and no right: from wherever it is, only what one may see follows."""
    ours, theirs = people.person("team_leader"), people.person("team_leader", organisation="他人核查")
    own, other = ([engagement_of(leader).id for _ in range(3)] for leader in (ours, theirs))

    def listed(after: str | None) -> list[str]:
        return [line.engagement.id for line in list_engagements(ours, filters=EngagementFilters(), after=after).items]

    foreign = list_engagements(theirs, filters=EngagementFilters(), limit=1).next_key
    assert listed(foreign) == sorted((name for name in own if name < max(other)), reverse=True)
    assert listed(encoded(["ffffffff-ffff-7fff-bfff-ffffffffffff"])) == sorted(own, reverse=True)
    for past_the_end in (["00000000-0000-7000-8000-000000000000"], [""], ["' OR 1=1 --"]):
        assert listed(encoded(past_the_end)) == []
    of_clients = list_clients(ours, limit=1).next_key
    assert of_clients is not None
    with pytest.raises(InvalidInputError):
        listed(of_clients)
    assert foreign is not None
    with pytest.raises(InvalidInputError):
        list_clients(ours, after=foreign)


def encoded(key: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
