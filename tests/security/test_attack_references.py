"""Identifiers guessed: whoever knows the address of something learns no more from it than whoever made one up."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from werkzeug.routing import Rule

from archive_app.documents.fields import SEARCH_FIELDS
from archive_app.documents.looking import PREVIEW_WIDTHS_PX
from archive_app.documents.question import PARAMETERS
from archive_app.identity.access_tokens import make_token, scopes_for
from tests.security.attacked import KNOWN_TO_COLLEAGUES, SECRETS, World, request_token

MADE_UP = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"
INTRUDERS = ("colleague", "other_leader", "stranger", "client_contact", "supervisor", "officer", "half", "anonymous")
COLLEAGUES = {"colleague", "other_leader", "officer"}
SAFE = {"GET", "HEAD", "OPTIONS"}
TABLES = {
    "search_id": "saved_search",
    "row_id": "register_row",
    "file_id": "register_file",
    "inbox_id": "inbox_file",
    "session_id": "sign_in_session",
    "token_id": "access_token",
    "grant_id": "supervision_grant",
    "request_id": "access_request",
    "member_id": "assignment",
    "material_id": "material_request",
    "line_id": "material_line",
    "delivery_id": "material_delivery",
}
"""Arguments of routes that are not called after their table."""
OTHER_ARGUMENTS = {
    "number": 1,
    "page": 1,
    "width": PREVIEW_WIDTHS_PX[0],
    "part": "1",
    "start": 0,
    "token": "guessed",
    "code": "guessed",
}
REACHED = {
    "documents.content",
    "documents.document_page",
    "documents.engagement_page",
    "documents.picture",
    "documents.upload_line",
    "documents.upload_list",
    "engagements.team_page",
    "finding.similar_page",
    "inbox.file_page",
    "readings.part_content",
    "registers.register_page",
    "registers.report",
    "registers.rows_page",
    "trail.event_page",
    "trail.proof",
}
"""What its owner gets at the addresses that the others guess, among others."""
REFUSED = {303, 400, 401, 403, 404, 405, 409, 413, 415, 422}


def references(world: World) -> Iterator[tuple[Rule, dict[str, Any], dict[str, Any]]]:
    """Every route with arguments that name something, with the victim's identifiers and with made-up ones."""
    for rule in world.app.url_map.iter_rules():
        if not rule.arguments or rule.endpoint.endswith("static"):
            continue
        theirs: dict[str, Any] = {}
        for name in rule.arguments:
            theirs[name] = OTHER_ARGUMENTS[name] if name in OTHER_ARGUMENTS else world.ids.get(_table(name), MADE_UP)
        if "part" in theirs:
            theirs["document_id"] = world.ids["package"]
        made_up = {name: MADE_UP if _is_id(value) else value for name, value in theirs.items()}
        if made_up != theirs:
            yield rule, theirs, made_up


def _table(argument: str) -> str:
    return TABLES.get(argument, argument.removesuffix("_id"))


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def path_of(world: World, rule: Rule, values: dict[str, Any], method: str) -> str:
    return str(world.app.url_map.bind("localhost").build(rule.endpoint, values, method=method))


def leaked(text: str, intruder: str) -> list[str]:
    """The victim's words in what an intruder was answered."""
    allowed = KNOWN_TO_COLLEAGUES if intruder in COLLEAGUES else set()
    return [name for name, word in SECRETS.items() if word in text and name not in allowed]


def same(text: str) -> str:
    """An answer without what differs in any two: identifiers, request tokens, references."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r'(content|value)="[^"]*"', "", text)


def body(world: World) -> list[tuple[str, str]]:
    """A form that names everything of the victim's, whatever it is called."""
    fields = [(f"{table}_id", value) for table, value in world.ids.items()]
    fields += [(name, world.ids[table]) for name, table in TABLES.items() if table in world.ids]
    fields += [("file", world.ids["inbox_file"]), ("document", world.document_id), ("person", world.ids["person"])]
    # Buttons and choices that would do something.
    fields += [("action", "file"), ("decision", "keep"), ("part", "member"), ("reason", "because"), ("text", "x")]
    fields += [("name", "stolen"), ("title", "stolen"), ("roles", "verifier"), ("what", "close"), ("state", "closed")]
    return fields


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_what_somebody_else_has_answers_as_if_it_were_not_there(world: World, intruder: str) -> None:
    client, tried, wrong = world.intruder(intruder), 0, []
    for rule, theirs, made_up in references(world):
        if "GET" not in (rule.methods or ()) or rule.rule.startswith("/api/"):
            continue
        path, other = path_of(world, rule, theirs, "GET"), path_of(world, rule, made_up, "GET")
        found, nothing = client.get(path), client.get(other)
        tried += 1
        if is_known(intruder, rule):
            wrong += [f"{path} tells {name}" for name in leaked(found.text, intruder)]
        elif found.status_code != nothing.status_code or same(found.text) != same(nothing.text):
            wrong.append(f"{path} answered {found.status_code}, a made-up one {nothing.status_code}")
        elif found.status_code not in REFUSED or leaked(found.text, intruder):
            wrong.append(f"{path} answered {found.status_code} with {leaked(found.text, intruder)}")
    assert tried > 20
    assert not wrong, wrong


def is_known(intruder: str, rule: Rule) -> bool:
    """Of their own organisation, people know the clients, and the officer the people, whose rights they give."""
    if rule.arguments == {"person_id"}:
        return intruder == "officer"
    return rule.arguments == {"client_id"} and intruder in COLLEAGUES


def test_whoever_has_it_reaches_it(world: World) -> None:
    """Otherwise the tests here would show nothing: the same addresses answer to their owner."""
    client, reached, not_reached = world.browser(world.victim), set(), []
    for rule, theirs, _ in references(world):
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/"):
            answer = client.get(path_of(world, rule, theirs, "GET"), follow_redirects=True)
            if answer.status_code == 200:
                reached.add(rule.endpoint)
            else:
                not_reached.append(f"{rule.endpoint} answered {answer.status_code}")
    assert len(reached) >= 20, not_reached
    assert reached >= REACHED, not_reached


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_nothing_of_somebody_else_is_changed(world: World, intruder: str) -> None:
    client, before, wrong = world.intruder(intruder), world.rows(), []
    form = {"csrf_token": request_token(client)}
    headers = {"X-CSRF-Token": form["csrf_token"]}
    fields = [*form.items(), *body(world)]
    officers = {"/people/"} if intruder == "officer" else set()
    for rule, theirs, _ in references(world):
        for method in (rule.methods or set()) - SAFE:
            path = path_of(world, rule, theirs, method)
            if rule.rule.startswith("/api/") or any(path.startswith(own) for own in officers):
                continue
            sent = urlencode(fields)
            answer = client.open(
                path, method=method, data=sent, headers=headers, content_type="application/x-www-form-urlencoded"
            )
            if answer.status_code not in REFUSED or leaked(answer.text, intruder):
                wrong.append(f"{method} {path} answered {answer.status_code}")
    for path in ("/inbox/file", "/inbox/discard", "/documents/reading"):
        answer = client.post(path, data=urlencode(fields), content_type="application/x-www-form-urlencoded")
        if leaked(answer.text, intruder):
            wrong.append(f"{path} told {leaked(answer.text, intruder)}")
    assert not wrong, wrong
    assert world.changed(before) == []


@pytest.mark.parametrize("intruder", ["colleague", "other_leader", "stranger", "client_contact"])
def test_programs_reach_no_further_than_people(world: World, intruder: str) -> None:
    actor, wrong = world.intruders[intruder], []
    scopes = [scope.key for scope in scopes_for(actor.permissions)]
    token = make_token(actor, name="guess", scopes=scopes, days=30).token
    before, client = world.rows(), world.app.test_client()
    for number, (rule, theirs, made_up) in enumerate(references(world)):
        if not rule.rule.startswith("/api/"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answers: list[Any] = []
            for values in (theirs, made_up):
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{number}{method}{len(answers)}"}
                path = path_of(world, rule, values, method)
                answers.append(client.open(path, method=method, headers=headers, json={}))
            if rule.arguments == {"organisation_id"} and theirs["organisation_id"] == actor.organisation_id:
                continue
            if answers[0].status_code not in REFUSED or leaked(answers[0].text, intruder):
                if not (rule.arguments == {"client_id"} and intruder in COLLEAGUES):
                    wrong.append(f"{method} {path_of(world, rule, theirs, method)} answered {answers[0].status_code}")
            elif same(answers[0].text) != same(answers[1].text):
                wrong.append(f"{method} {path_of(world, rule, theirs, method)} tells that it is there")
    assert not wrong, wrong
    assert world.changed(before) == []


def questions(world: World) -> Iterator[str]:
    """Searches that would betray something: by every word, every field, every filter, every order."""
    words = [*SECRETS.values(), "麒麟", "热值", "资料"]
    yield from (urlencode({"q": word}) for word in words)
    for name in (searchable.chinese for searchable in SEARCH_FIELDS):
        yield from (
            urlencode({"q": f"{name}:{word}"}) for word in (SECRETS["client"], SECRETS["document"], "2025", "pdf")
        )
    for name in PARAMETERS:
        for value in (world.ids["engagement"], world.ids["client"], "2025", "pdf", "all", "1", "2026-11-21"):
            yield urlencode({name: value})
    yield from (
        urlencode({"q": "热值", "sort": order, "versions": "all"}) for order in ("newest", "oldest", "title", "x")
    )
    yield urlencode({"q": f"-{SECRETS['text']}"})


@pytest.mark.parametrize("intruder", ["colleague", "other_leader", "stranger", "client_contact", "supervisor"])
def test_no_search_betrays_what_may_not_be_seen(world: World, intruder: str) -> None:
    client, wrong = world.intruder(intruder), []
    for query in questions(world):
        asked = [word for word in SECRETS.values() if quote(word, safe="") in query]
        typed = [f"/search/suggestions?{query}"] if query.startswith("q=") else []
        for path in (f"/search?{query}", *typed):
            answer = client.get(path)
            # What was typed stands on the page again; it must stand nowhere else.
            told = [name for name in leaked(answer.text, intruder) if SECRETS[name] not in asked]
            if answer.status_code != 200 or told or world.document_id in answer.text:
                wrong.append(f"{path} answered {answer.status_code} with {told}")
            if path.startswith("/search?") and asked and 'class="hit"' in answer.text and "-" not in query:
                wrong.append(f"{path} found something")
    assert not wrong, wrong


def test_a_filter_by_something_hidden_narrows_to_nothing(world: World) -> None:
    """Total, counts beside it and order are those of an identifier that nobody ever had."""
    for intruder in ("other_leader", "stranger"):
        client = world.intruder(intruder)
        assert 'class="hit"' in client.get(f"/search?{urlencode({'q': '热值'})}").text
        for name in ("engagement", "client"):
            found, nothing = (
                client.get(f"/search?{urlencode({'q': '热值', name: value})}") for value in (world.ids[name], MADE_UP)
            )
            assert same(found.text) == same(nothing.text)
            assert 'class="hit"' not in found.text


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("intruder", ["colleague", "other_leader", "stranger", "client_contact", "supervisor"])
def test_no_export_holds_what_may_not_be_seen(world: World, intruder: str, form: str) -> None:
    client = world.intruder(intruder)
    token = request_token(client)
    for query in (f"engagement={world.ids['engagement']}", "q=%E7%83%AD%E5%80%BC", "q=*&versions=all"):
        answer = client.post(f"/search/export?{query}", data={"csrf_token": token, "form": form})
        # An empty list, or a refusal: never a line of the victim's.
        assert answer.status_code in {200, 303, 403}, answer.text
        assert leaked(answer.get_data().decode("utf-8", "ignore"), intruder) == []
        assert world.document_id.encode() not in answer.data


@pytest.mark.parametrize("key", ["x", "WzEsMl0", "'", "null", "\x00", "9" * 5000, "WyIwMTlhYTJiNCJd"])
def test_a_made_up_place_in_a_list_tells_nothing(world: World, key: str) -> None:
    for intruder in ("colleague", "stranger"):
        client = world.intruder(intruder)
        for page in ("/engagements", "/clients", "/search/saved", "/account", "/account/tokens"):
            answer = client.get(page, query_string={"after": key})
            assert answer.status_code in {200, 400, 404, 422}, (page, answer.status_code)
            assert leaked(answer.text, intruder) == []
