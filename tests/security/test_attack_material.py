"""The client's link: whoever has another one, none, or somebody's account reaches nothing through it."""

import io
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from archive_app.casework.requests.sending import make_code
from archive_app.kernel.permissions import OF_A_REQUEST
from tests.factories import engagement_of
from tests.material import Client, arrive, asked, enter, link_of
from tests.security.attacked import SECRETS, World
from tests.security.test_attack_references import path_of, references, same

ANNOUNCED = {"name": "stolen.txt", "size": 6}
OWN_COOKIES = ("lantai_material", "lantai_material_link")


def addresses(world: World) -> Iterator[tuple[str, str, str]]:
    """Every address behind the door that names something: its method, of the victim's, and of what nobody has."""
    for rule, theirs, made_up in references(world):
        if rule.rule.startswith("/material/") and "token" not in rule.arguments:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path_of(world, rule, theirs, method), path_of(world, rule, made_up, method)


def tries(client: Client, method: str, path: str) -> TestResponse:
    """What a page or a script of the client's would send there."""
    if method == "GET":
        return client.get(path)
    if path.endswith("/uploads"):
        return client.send(method, path, json=ANNOUNCED)
    if path.endswith("/files"):
        client.get("/material/")
        return client.post(path, files=[(io.BytesIO(b"stolen"), "stolen.txt")])
    return client.send(method, path, data=b"stolen")


def another_client(world: World) -> Client:
    """Somebody who has a request of another leader's open."""
    leader = world.intruders["other_leader"]
    request, _lines = asked(leader, engagement_of(leader))
    return arrive(world.browser(None), leader, request, name="别家会计")


@pytest.mark.parametrize("who", ["another client", "signed in", "nobody"])
def test_what_is_anothers_answers_as_if_it_were_not_there(world: World, who: str) -> None:
    """By the ids of the victim's lines, deliveries and uploads, with every method; nothing is told, nothing changes."""
    if who == "another client":
        client = another_client(world)
    else:
        client = Client(world.browser(world.victim if who == "signed in" else None))
    client.get("/material/")
    tried, wrong, before = 0, [], world.rows()
    for method, theirs, nothing in addresses(world):
        found, missing = tries(client, method, theirs), tries(client, method, nothing)
        tried += 1
        if (found.status_code, same(found.text)) != (missing.status_code, same(missing.text)):
            wrong.append(f"{method} {theirs}: {found.status_code}, a made-up one {missing.status_code}")
        if told := [name for name, words in SECRETS.items() if words in found.text]:
            wrong.append(f"{method} {theirs} tells {told}")
    assert tried >= 6
    assert not wrong, wrong
    changed = world.changed(before)
    assert changed == []


def test_a_clients_session_opens_no_other_page_of_the_archive(world: World) -> None:
    """It is no session of a person's, at no route, and holds no permission but to answer."""
    assert {str(permission) for permission in OF_A_REQUEST} == {"public:any:use", "client:requests:answer"}
    client = another_client(world)
    wrong = []
    for rule, theirs, _made_up in references(world):
        if rule.rule.startswith("/material/") or "GET" not in (rule.methods or ()):
            continue
        permission = getattr(world.app.view_functions[rule.endpoint], "permission", None)
        answer = client.get(path_of(world, rule, theirs, "GET"))
        if permission != "public:any:use" and answer.status_code not in {303, 401}:
            wrong.append(f"{rule.rule} answered {answer.status_code}")
    assert not wrong, wrong
    shown = client.get("/material/").text
    assert not [words for words in SECRETS.values() if words in shown]


def test_cookies_and_forms_of_other_sites_open_nothing(world: World) -> None:
    """Both cookies are for this host and no script; a form without the page's token brings nothing."""
    leader = world.intruders["other_leader"]
    request, (line, _photos) = asked(leader, engagement_of(leader))
    client = Client(world.browser(None))
    link = link_of(leader, request)
    answers = [client.get(link)]
    client.get("/material/")
    code = make_code(leader, request_id=request.id)
    answers.append(
        client.browser.post("/material/open", data={"csrf_token": client.token(), "name": "x", "code": code})
    )
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    for name in OWN_COOKIES:
        own = [cookie for cookie in cookies if cookie.startswith(f"{name}=") and "Max-Age=0" not in cookie]
        assert own
        assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie for cookie in own)
    enter(client, "")
    client.get(f"/material/lines/{line.id}")
    good = client.token()
    for token, site in (("", "same-origin"), ("made-up", "same-origin"), (good, "cross-site")):
        for path in (f"/material/lines/{line.id}/files", "/material/close"):
            answer = client.browser.post(
                path,
                data={"csrf_token": token, "files": (io.BytesIO(b"forged"), "forged.txt")},
                headers={"Sec-Fetch-Site": site},
            )
            assert answer.status_code == 400, (path, token, site)
    assert client.get(f"/material/lines/{line.id}").status_code == 200
    assert "forged.txt" not in client.page
    # Names are shown as names, whatever stands in them.
    client.bring(line, ("<script>alert(1)<_script>.txt", b"x"))
    assert "<script>alert" not in client.page
    assert "&lt;script&gt;alert(1)&lt;_script&gt;.txt" in client.page
