"""Every route declares who may use it, and none can be used from somebody else's page."""

import ast
import inspect
import io
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from archive_app.app import create_app
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.permissions import Permission
from archive_app.runtime import FEATURES
from archive_app.settings import Settings
from tests.architecture.house import calls, listing, meant, use_cases

API = "/api/"
SAFE = {"GET", "HEAD", "OPTIONS"}
STREAMING = {
    "editions.file_action": "the file of a draft: the token is the form's first field, checked by form_files",
    "material.files_action": "a form without scripts brings a client's files; its first field is the request token",
    "corrections.own_files_action": "a form brings files of a correction; its first field is the request token",
    "material.part_action": "a script sends the bare bytes of a part of a client's file",
    "documents.receive": "a script sends the bare bytes of one file",
    "documents.receive_part": "a script sends the bare bytes of a part of one file",
    "documents.receive_form": "a form without scripts sends files; its first field is the request token",
    "registers.receive": "a script sends the bare bytes of one file of a register",
    "registers.receive_form": "a form without scripts sends them; its first field is the request token",
    "registers.bring": "a form sends the file of a register; its first field is the request token",
    "filing.bring_own": "a form sends the scan of one's signed declaration; its first field is the request token",
    "acceptance.late_action": "a form sends a late addition; its first field is the request token",
    "filing.bring_for": "a form sends the scan of a colleague's; its first field is the request token",
}
LOOKS = {
    "view_document": "a look at a document is recorded, however it is asked for",
    "compare_versions": "so is a look at two versions beside each other",
    "compare_editions": "and at two editions",
    "open_in_force": "opening writes down which edition is in force, where its day has come and no job did",
    "open_content": "so is a download",
    "page_picture": "so is a preview, which is drawn once and kept",
    "open_part": "so is a download of a file inside of it",
    "part_picture": "and a preview of one",
    "export_list": "so is the master list, taken as a table",
    "open_package": "so is a download of an original with its cover sheet",
    "open_rendition": "and one of a watermarked copy",
    "open_public": "a download of what is public is counted, and no more",
    "open_form": "a form is only made, and kept nowhere",
    "report_as_word": "a report is only made, and kept nowhere",
    "inbox_picture": "so is a look at what waits in the inbox",
    "inbox_text": "and at the beginning of its text",
}


@pytest.fixture
def routes(app: Flask) -> list[tuple[Rule, Any]]:
    """Every route with its view, static files left out."""
    rules = [(rule, app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()]
    return [(rule, view) for rule, view in rules if view.__name__ != "send_static_file"]


def test_every_route_declares_its_permission(routes: list[tuple[Rule, Any]]) -> None:
    open_routes = [rule for rule, view in routes if not isinstance(getattr(view, "permission", None), Permission)]
    assert not open_routes, f"put @requires(Permission.…) directly under the route:{listing(open_routes)}"
    for_system = [rule for rule, view in routes if view.permission is Permission.SYSTEM]
    assert not for_system, f"no person holds Permission.SYSTEM, so nobody can use:{listing(for_system)}"


def test_only_static_files_are_called_static(routes: list[tuple[Rule, Any]]) -> None:
    named = [rule for rule, _ in routes if rule.endpoint.endswith("static")]
    assert not named, f"the gate lets endpoints named …static pass without a check; rename:{listing(named)}"


def test_every_streaming_route_is_known(routes: list[tuple[Rule, Any]]) -> None:
    streaming = {rule.endpoint for rule, view in routes if getattr(view, "streaming", False) and not _is_api(rule)}
    assert streaming == set(STREAMING), "a streaming route checks its own token: add it to STREAMING with a reason"


def test_reading_a_page_changes_nothing(routes: list[tuple[Rule, Any]]) -> None:
    wrong = [
        f"{rule} calls {name}"
        for rule, view in routes
        if (rule.methods or set()) <= SAFE
        for name, shape in _use_cases_of(view)
        if shape == "use_case" or (shape == "staged_use_case" and name not in LOOKS)
    ]
    assert not wrong, f"give these routes POST, PUT, PATCH or DELETE:{listing(wrong)}"


def test_no_change_is_accepted_without_the_request_token(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for feature in FEATURES:
        for door in feature.doors:
            by = door.authenticate.replace(":", ".")
            monkeypatch.setattr(by, lambda _request: Actor.system("test", via="web"))
    monkeypatch.setattr("archive_app.identity.views.authenticate", lambda _request: Actor.system("test", via="web"))
    app = create_app(archive, settings, FEATURES)
    accepted = []
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - SAFE if not _is_api(rule) else ():
            code = _answer_without_token(app, rule, method)
            if code != "request_token":
                accepted.append(f"{method} {rule} answered {code}")
    assert not accepted, f"the token must be checked before anything else:{listing(accepted)}"


def test_the_json_interface_is_declared_and_nothing_else_is(routes: list[tuple[Rule, Any]]) -> None:
    declared = {rule.rule for rule, view in routes if hasattr(view, "operation")}
    below = {rule.rule for rule, _ in routes if _is_api(rule)} - {"/api/v1/openapi.json"}
    assert declared == below, "declare routes below /api/ by reads, lists and writes of `Resources`, and no others"
    open_to_all = [rule for rule, view in routes if _is_api(rule) and view.permission is Permission.ANYBODY]
    assert [rule.rule for rule in open_to_all] == ["/api/v1/openapi.json"]


def test_a_write_of_the_json_interface_is_one_use_case(routes: list[tuple[Rule, Any]]) -> None:
    """Its answer is kept in the transaction of that use case; a second one would stand outside."""
    wrong = [
        f"{rule} {view.operation.method} calls {changing}"
        for rule, view in routes
        if hasattr(view, "operation")
        for changing in [[name for name, shape in _use_cases_of(view) if shape != "query"]]
        if view.operation.writes != (len(changing) == 1) and not set(changing) <= LOOKS.keys()
    ]
    assert not wrong, f"call one use case, and queries at most beside it:{listing(wrong)}"


def test_no_cookie_opens_the_json_interface(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_app.identity.views.authenticate", lambda _request: Actor.system("test", via="web"))
    app = create_app(archive, settings, FEATURES)
    rules = [rule for rule in app.url_map.iter_rules() if _is_api(rule) and not rule.rule.endswith("openapi.json")]
    wrong = [
        f"{method} {rule} answered {code}"
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD"}
        if (code := _answer_without_token(app, rule, method)) != "token_required"
    ]
    assert rules
    assert not wrong, f"only a bearer token may open these:{listing(wrong)}"


def _is_api(rule: Rule) -> bool:
    return rule.rule.startswith(API)


def _answer_without_token(app: Flask, rule: Rule, method: str) -> str:
    streaming = getattr(app.view_functions[rule.endpoint], "streaming", False)
    body: Any = {"file": (io.BytesIO(b"bytes"), "name.txt")} if streaming and method == "POST" else b""
    some_id = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"
    values = {
        name: 1 if re.search(rf"int(\(.*?\))?:{name}", rule.rule) else some_id if f"id:{name}" in rule.rule else "x"
        for name in rule.arguments
    }
    path = app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method=method)
    answer = app.test_client().open(path, method=method, data=body, headers={"Accept": "application/json"})
    told = answer.get_json(silent=True) or {}
    return str(told.get("code", answer.status_code))


def _use_cases_of(view: Any, seen: frozenset[Any] = frozenset()) -> Iterator[tuple[str, str]]:
    """Names and shapes of the use cases that a view calls, itself or through functions of its own module."""
    view = inspect.unwrap(view)
    names = view.__globals__
    for call in calls(ast.parse(textwrap.dedent(inspect.getsource(view)))):
        target: Any = meant(call, names)
        if not inspect.isfunction(target) or target in seen:
            continue
        if target in use_cases():
            yield target.__name__, use_cases()[target]
        elif target.__module__ == view.__module__:
            yield from _use_cases_of(target, seen | {view, target})
