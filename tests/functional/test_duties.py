"""Pages and interface of recurring duties, by HTTP."""

import io
import re
from datetime import date
from http import HTTPStatus

from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from archive_app.kernel.archive import Archive
from archive_app.management.recurring.catalogue import all_catalogues
from tests.conftest import SetClock, SignedIn
from tests.duties import Park, own_duty, park_of, run_job, taken_on, times_of
from tests.factories import People

FIRST = date(2026, 12, 31)


def _post(client: FlaskClient, address: str, **fields: object) -> TestResponse:
    page = client.get("/duties")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token is not None
    return client.post(address, data={"csrf_token": token[1], **fields})


def _park(people: People) -> Park:
    people.organisation()
    return park_of(people)


def test_from_taking_on_to_done(archive: Archive, people: People, english: SignedIn) -> None:
    """The catalogue is offered with its days; what is taken on stands in the plan, is done with a remark, and is shown
    as done in the plan, on its page and in the list; the table holds it."""
    park = _park(people)
    manager, doer = english(park.manager), english(park.doer)
    assert "No recurring duty was taken on yet." in manager.get("/duties").text
    offered = manager.get("/duties/take-on").text
    assert all(f'name="take_{duty.code}"' in offered for duty in all_catalogues()["park"].duties)
    assert 'value="2027-03-31"' in offered

    refused = _post(manager, "/duties/take-on", take_training="y", first_training="", owner=park.doer.person_id)
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    chosen = {"take_training": "y", "first_training": "2026-12-31", "take_targets": "y", "first_targets": "2027-01-31"}
    answer = _post(manager, "/duties/take-on", owner=park.doer.person_id, owner_targets=park.other.person_id, **chosen)
    assert answer.status_code == HTTPStatus.SEE_OTHER

    plan = manager.get("/duties?year=2026").text
    assert "Training" in plan
    assert "2026-12-31" in plan
    address = re.search(r'class="mark mark-open" href="(/duties/times/[^"]+)"', plan)
    assert address is not None
    page = doer.get(address[1]).text
    assert "S2 8.2b" in page
    assert "Training record" in page
    missing = _post(doer, f"{address[1]}/done", remark="")
    assert missing.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "There is no record of this type yet" in missing.text
    # Whoever is not responsible has no form, and is refused.
    other = english(park.other)
    assert "Record as done" not in other.get(address[1]).text
    assert _post(other, f"{address[1]}/done", remark="x").status_code == HTTPStatus.FORBIDDEN
    assert _post(doer, f"{address[1]}/done", remark="Held on paper").status_code == HTTPStatus.SEE_OTHER
    assert "Held on paper" in doer.get(address[1]).text
    assert "mark-done" in doer.get("/duties?year=2026").text
    assert "Held on paper" not in doer.get("/duties/times?mark=open").text
    listed = doer.get("/duties/times?mark=done&mine=1").text
    assert address[1] in listed
    table = _post(doer, "/duties/times/table?year=2026")
    assert table.status_code == HTTPStatus.OK
    rows = list(load_workbook(io.BytesIO(table.data)).active.iter_rows(values_only=True))
    assert [row[2] for row in rows[1:]] == ["Training"]
    back = _post(doer, f"{address[1]}/take-back", reason="Wrong year")
    assert back.status_code == HTTPStatus.SEE_OTHER
    assert "mark-done" not in doer.get("/duties?year=2026").text.partition("<tbody>")[2]


def test_arranging(archive: Archive, people: People, clock: SetClock, english: SignedIn) -> None:
    """Sites are added, closed and opened again; a change is recorded once; a duty changes hands and ends; own words."""
    park = _park(people)
    manager = english(park.manager)
    assert _post(manager, "/duties/sites", name="一号站").status_code == HTTPStatus.SEE_OTHER
    again = _post(manager, "/duties/sites", name="一号站")
    assert again.status_code == HTTPStatus.CONFLICT or "already" in again.text
    sites = manager.get("/duties/sites").text
    close = re.search(r'action="(/duties/sites/[^"]+/close)"', sites)
    assert close is not None
    wrong = _post(manager, close[1], on="2026-12-01", reason="")
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert _post(manager, close[1], on="2026-12-01", reason="搬迁").status_code == HTTPStatus.SEE_OTHER
    assert "搬迁" in manager.get("/duties/sites").text
    reopen = close[1].replace("/close", "/reopen")
    assert _post(manager, reopen, on="2027-01-01").status_code == HTTPStatus.SEE_OTHER

    taken_on(park, {"emission_review": date(2027, 3, 31), "baseline": date(2027, 5, 31)})
    change = {"kind": "output", "happened_on": "2026-11-20", "description": "新增两条产线"}
    assert _post(manager, "/duties/changes", **change).status_code == HTTPStatus.SEE_OTHER
    assert "新增两条产线" in manager.get("/duties/changes").text
    assert _post(manager, "/duties/changes", **change).status_code == HTTPStatus.SEE_OTHER
    listed = manager.get("/duties/changes").text
    assert listed.count("新增两条产线") == 1
    assert "Made due: 1, of which open: 1." in listed
    withdraw = re.search(r'action="(/duties/changes/[^"]+/withdraw)"', listed)
    assert withdraw is not None
    assert _post(manager, withdraw[1], reason="误录").status_code == HTTPStatus.SEE_OTHER
    assert "误录" in manager.get("/duties/changes").text

    words = {"title": "巡检储罐", "every_months": "1", "first_on": "2026-12-31", "owner": park.doer.person_id}
    made = _post(manager, "/duties/own", **words)
    assert made.status_code == HTTPStatus.SEE_OTHER
    duty = manager.get(made.location).text
    assert "巡检储罐" in duty
    terms = {"owner": park.other.person_id, "every_months": "3", "first_on": "2027-01-31"}
    assert _post(manager, f"{made.location}/terms", **terms).status_code == HTTPStatus.SEE_OTHER
    assert "Every 3 months" in manager.get(made.location).text
    end = _post(manager, f"{made.location}/end", on="2027-06-01", reason="储罐拆除")
    assert end.status_code == HTTPStatus.SEE_OTHER
    assert "储罐拆除" in manager.get(made.location).text
    run_job(archive)
    assert {one.due_on for one in times_of(archive, made.location.rsplit("/", 1)[1]) if one.state == "open"} == {
        date(2027, 1, 29),
        date(2027, 4, 30),
    }


def test_not_needed_asks_who_it_is(archive: Archive, people: People, english: SignedIn) -> None:
    """It is confirmed, needs a reason, and shows to everybody who sees the plan."""
    park = _park(people)
    duty = own_duty(park, "巡检储罐", FIRST)
    found = times_of(archive, duty.id)[0]
    manager, doer = english(park.manager), english(park.doer)
    address = f"/duties/times/{found.id}/not-needed"
    assert doer.get(address).status_code == HTTPStatus.FORBIDDEN
    assert "Why it is not done this time" in manager.get(address).text
    assert _post(manager, address, reason=" ").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert _post(manager, address, reason="全年停用").status_code == HTTPStatus.SEE_OTHER
    page = doer.get(f"/duties/times/{found.id}").text
    assert "全年停用" in page
    assert "Not needed" in page


def test_bad_addresses(people: People, english: SignedIn) -> None:
    """Years that nobody means, marks and pages that are none, and other organisations' duties."""
    park, elsewhere = _park(people), park_of(people, name="另一园区")
    duty = own_duty(park, "巡检储罐", FIRST)
    manager, stranger = english(park.manager), english(elsewhere.manager)
    for address in (
        "/duties?year=0",
        "/duties?year=²",
        "/duties?year=99999",
        "/duties/times?mark=late",
        "/duties?after=x",
    ):
        assert manager.get(address).status_code == HTTPStatus.UNPROCESSABLE_ENTITY, address
    assert stranger.get(f"/duties/{duty.id}").status_code == HTTPStatus.NOT_FOUND
    assert stranger.get(f"/duties?organisation={park.organisation_id}").status_code == HTTPStatus.NOT_FOUND
    assert "巡检储罐" not in stranger.get(f"/duties/times?organisation={park.organisation_id}").text
    assert _post(stranger, f"/duties/{duty.id}/end", on="2027-01-01", reason="x").status_code == HTTPStatus.NOT_FOUND
