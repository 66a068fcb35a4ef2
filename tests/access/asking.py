"""Asks the running application as somebody, and says in one mark what became of it."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlparse

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archive_app.kernel.errors import NotFoundError, PermissionMissingError
from archive_app.kernel.language import translate
from archive_app.web.gate import SESSION_COOKIE
from tests.access.expectation import CONFIRM, DOOR, HIDDEN, IN, MARKED, REFUSED, Row
from tests.functional.api_client import fresh_key

LANGUAGE = "zh_Hans_CN"
DOORS = ("/sign-in", "/sign-in/second-factor", "/account/second-factor", "/material/")
CONFIRM_PAGE = "/confirm"
ALIASES = {
    "upload of another": {"upload_id": "their_upload_id"},
    "access of a colleague": {"access_id": "their_access_id"},
    "request about it": {"request_id": "their_request_id"},
    "loose file": {"inbox_id": "their_loose_id"},
    "shared search": {"search_id": "shared_id"},
    "shared search.change": {"search_id": "shared_id"},
}
_MARKS = {401: DOOR, 404: HIDDEN}
_REGISTER = "题名,文号\n监测报告,JC-2\n".encode()


@dataclass
class Caller:
    """A browser with somebody's session, or a program with their token."""

    app: Flask
    session: str = ""
    token: str = ""
    client: FlaskClient = field(init=False)
    csrf: str = ""

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        if self.session:
            self.client.set_cookie(SESSION_COOKIE, self.session, domain="localhost")
        if not self.token:
            page = self.client.get("/account", follow_redirects=True, headers={"Accept": "text/html"})
            found = re.search(r'name="csrf-token" content="([^"]+)"', page.get_data(as_text=True))
            assert found is not None, page.status
            self.csrf = found[1]

    def ask(self, row: Row, ids: Mapping[str, str], sent: Mapping[str, Any]) -> TestResponse:
        """One request: the row's route about these ids, with this body."""
        told = {name: ids[alias] for name, alias in ALIASES.get(row.about, {}).items()}
        values = {**ids, **told}
        if "/declarations/<person_id>" in row.path or row.path.endswith("/groups"):
            values["person_id"] = ids["leader_id"]
        if "/parts/<path" in row.path:
            values["document_id"] = ids["container_id"]
        more = _filled(sent, values)
        # Pages answer as pages, so that people are led somewhere; refusals are told by their codes elsewhere.
        headers = {"Accept": "application/json" if row.writes or row.is_api else "text/html"}
        if row.is_api:
            headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
            headers |= {"Idempotency-Key": fresh_key()} if row.writes else {}
        elif row.writes:
            headers |= {"X-CSRF-Token": self.csrf}
        return self.client.open(path_of(row.path, values), method=row.method, headers=headers, **_body(more))

    def mark(self, row: Row, ids: Mapping[str, str], sent: Mapping[str, Any]) -> str:
        """The mark of one request; what is no mark of the matrix is told as it is."""
        answer = self.ask(row, ids, sent)
        mark = mark_of(answer, row)
        return self._of_page(answer) if row.bulk and mark == IN and answer.location else mark

    def _of_page(self, answer: TestResponse) -> str:
        """What the page says that a bulk act leads to: each of its subjects is answered by itself."""
        page = self.client.get(answer.location, headers={"Accept": "text/html"})
        said = page.get_data(as_text=True)
        if page.status_code == 404 or translate(LANGUAGE, NotFoundError.message) in said:
            return HIDDEN
        told = translate(LANGUAGE, PermissionMissingError.message, permission="").partition("（")[0]
        return REFUSED if told in said else IN


def mark_of(answer: TestResponse, row: Row) -> str:
    """What an answer amounts to: let in, hidden, refused, sent to the door, asked to confirm."""
    status = answer.status_code
    told = answer.get_json(silent=True)
    code = told.get("code", "") if isinstance(told, dict) else ""
    if status in {301, 302, 303, 307, 308}:
        return _of_redirect(answer, row)
    if status == 403:
        return CONFIRM if code == "confirmation_required" else REFUSED
    if status in _MARKS:
        return _MARKS[status]
    if code == "request_token" or status == 405 or status >= 500:
        return f"[{status} {code}]"
    # What is asked for is no archive, so this one is the package with its cover sheet.
    packed = row.about == "document.original" and answer.data.startswith(b"PK")
    return MARKED if packed else IN


def _of_redirect(answer: TestResponse, row: Row) -> str:
    place = urlparse(answer.location or "")
    if row.path in {"/", "/sign-out", "/material/<token>", "/material/code"}:
        return IN  # these lead to the door by their nature
    if place.path == CONFIRM_PAGE and row.path != CONFIRM_PAGE:
        return CONFIRM
    if place.path in DOORS and place.path != row.path:
        return DOOR
    return MARKED if row.about == "document.original" else IN


def path_of(rule: str, values: Mapping[str, str]) -> str:
    """The path of a rule with values in place of its variable parts."""
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda part: quote(values[part[1]], safe=""), rule)


def _filled(sent: Any, values: Mapping[str, str]) -> Any:
    if isinstance(sent, str):
        return re.sub(r"\{(\w+)\}", lambda part: values[part[1]], sent)
    if isinstance(sent, Mapping):
        return {name: _filled(value, values) for name, value in sent.items()}
    return [_filled(value, values) for value in sent] if isinstance(sent, list) else sent


def _body(sent: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if "query" in sent:
        more["query_string"] = sent["query"]
    if "json" in sent:
        more["json"] = sent["json"]
    elif "bytes" in sent:
        more |= {"data": sent["bytes"].encode(), "content_type": "application/octet-stream"}
    elif "files" in sent:
        files = {name: (io.BytesIO(_REGISTER), told) for name, told in sent["files"].items()}
        more |= {"data": {**sent.get("form", {}), **files}, "content_type": "multipart/form-data"}
    elif "form" in sent:
        more["data"] = sent["form"]
    return more
