"""Material requests as tests need them: a leader who asks, a client at a browser without an account."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from archive_app.casework.models import MaterialLine, MaterialRequest
from archive_app.casework.requests.bringing import bring_file
from archive_app.casework.requests.opening import actor_of_request, enter_code
from archive_app.casework.requests.preparing import (
    LineWish,
    RequestWish,
    change_request,
    edition_of,
    lines_of,
    make_request,
)
from archive_app.casework.requests.sending import make_code, send_request
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive

SYSTEM = Actor.system("test")
LINES = (
    LineWish("供热发票", "invoice", "全年每月一张", "2025年1月供热发票.pdf"),
    LineWish("现场照片", "photograph", "", "", date(2026, 11, 27)),
)


@dataclass
class Client:
    """The client at a browser, with the page that they saw last."""

    browser: FlaskClient
    page: str = ""

    def __post_init__(self) -> None:
        self.browser.environ_base["HTTP_ACCEPT"] = "text/html"

    def get(self, address: str, **more: Any) -> TestResponse:
        """Opens a page."""
        answer = self.browser.get(address, **more)
        self.page = answer.text
        return answer

    def post(self, address: str, **fields: Any) -> TestResponse:
        """Sends a form of the page that they saw last."""
        answer = self.browser.post(
            address, data={"csrf_token": self.token(), **fields}, follow_redirects=True, buffered=True
        )
        if answer.mimetype == "text/html":
            self.page = answer.text
        return answer

    def token(self) -> str:
        """The request token of the page that they saw last."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.page)
        return found[1] if found else ""

    def send(self, method: str, address: str, **more: Any) -> TestResponse:
        """Sends what a script of the page sends."""
        headers = {"X-CSRF-Token": self.token(), "Accept": "application/json"}
        return self.browser.open(address, method=method, headers=headers, **more)

    def told(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        """What such a request is answered with."""
        told = self.send(method, address, **more).json
        assert isinstance(told, dict)
        return told

    def bring(self, line: MaterialLine, *files: tuple[str, bytes]) -> TestResponse:
        """Brings files with the plain form."""
        chosen = [(io.BytesIO(content), name) for name, content in files]
        return self.post(f"/material/lines/{line.id}/files", files=chosen)


def asked(
    leader: Actor, engagement: Engagement, *, lines: Sequence[LineWish] = LINES, **wish: Any
) -> tuple[MaterialRequest, list[MaterialLine]]:
    """A request with these lines, not sent yet."""
    wanted = RequestWish(**{"recipient": "王会计", "channel": "told", **wish})
    request = make_request(leader, engagement_id=engagement.id, wish=wanted)
    with current_archive().reading(SYSTEM) as uow:
        seen = edition_of(uow.session.get_one(MaterialRequest, request.id), lines_of(uow, request.id))
    request = change_request(leader, request_id=request.id, wish=wanted, lines=lines, seen=seen)
    return request, standing(request)


def standing(request: MaterialRequest) -> list[MaterialLine]:
    """The lines of the request as they stand now."""
    with current_archive().reading(SYSTEM) as uow:
        return list(lines_of(uow, request.id))


def link_of(leader: Actor, request: MaterialRequest, **more: Any) -> str:
    """A fresh link, as a path."""
    return f"/material/{send_request(leader, request_id=request.id, by_mail=False, **more).token}"


def arrive(browser: FlaskClient, leader: Actor, request: MaterialRequest, *, name: str = "王会计") -> Client:
    """A client who opened a fresh link and gave the code that the leader read out."""
    client = Client(browser)
    client.get(link_of(leader, request))
    return enter(client, make_code(leader, request_id=request.id), name=name)


def enter(client: Client, code: str, *, name: str = "王会计") -> Client:
    """Gives a code on the page that asks for it."""
    client.get("/material/")
    client.post("/material/open", name=name, code=code)
    return client


def acting(leader: Actor, request: MaterialRequest, *, name: str = "王会计", **link: Any) -> Actor:
    """The client in a session of the request's, as their use cases see them."""
    return entering(
        leader, request, send_request(leader, request_id=request.id, by_mail=False, **link).token, name=name
    )


def entering(leader: Actor, request: MaterialRequest, token: str, *, name: str = "王会计") -> Actor:
    """The same by a link that is there already."""
    code = make_code(leader, request_id=request.id)
    begun = enter_code(Actor.anonymous(address="192.0.2.7"), token=token, code=code, name=name)
    actor = actor_of_request(current_archive(), begun.token, "192.0.2.7")
    assert actor is not None
    return actor


def brings(client: Actor, line: MaterialLine, name: str, content: bytes) -> None:
    """Brings a file in one piece."""
    bring_file(client, line_id=line.id, name=name, stream=io.BytesIO(content))


def count(archive: Archive, table: Any) -> int:
    """How many rows there are."""
    with archive.reading(SYSTEM) as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0
