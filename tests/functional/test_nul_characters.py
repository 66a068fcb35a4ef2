"""A NUL in whatever is sent: PostgreSQL takes none in a text, so it must end before it gets there."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from archive_app.kernel.archive import Archive
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import both_databases
from tests.factories import People
from tests.functional.api_client import token_of

NUL = "%00"


@pytest.fixture
def client(archive: Archive, people: People, browser: Callable[[], FlaskClient]) -> FlaskClient:
    made = browser()
    made.set_cookie(SESSION_COOKIE, sign_in(archive, people.person("archivist", "verifier").person_id))
    return made


@both_databases
@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/documents/a{NUL}b", 404),
        (f"/documents/a{NUL}b/versions/1/package.zip", 404),
        (f"/engagements/{NUL}/team", 404),
        (f"/engagements?text={NUL}", 400),
        (f"/search?q=a{NUL}b", 400),
        (f"/clients?after={NUL}", 400),
        (f"/nowhere{NUL}", 404),
        (f"/link/a{NUL}b", 422),
    ],
)
def test_in_an_address(client: FlaskClient, address: str, status: int) -> None:
    assert client.get(address).status_code == status


@both_databases
def test_in_a_form_and_in_a_body(archive: Archive, people: People, client: FlaskClient) -> None:
    page = client.get("/clients").text
    token = (
        page.partition('name="csrf_token" type="hidden" value="')[2].partition('"')[0]
        or (page.partition('name="csrf-token" content="')[2].partition('"')[0])
    )
    sent = client.post("/clients", data={"csrf_token": token, "name": "江南\0热电"})
    assert 400 <= sent.status_code < 500, sent.status_code
    signed_in = client.post("/sign-in", data={"csrf_token": token, "login": "a\0b", "password": "c\0d"})
    assert signed_in.status_code < 500
    program = {"Authorization": f"Bearer {token_of(people.person('archivist'), 'open')}", "Idempotency-Key": "1"}
    answered = client.post("/api/v1/clients", json={"name": "江南\0热电"}, headers=program)
    assert 400 <= answered.status_code < 500, answered.status_code
