"""The master list of an organisation with 20,000 controlled documents beside another one's, as somebody of its staff
who controls nothing, beside an endpoint that does next to nothing."""

from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import quote

from sqlalchemy import insert

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.ids import new_id
from archive_app.management.controlled.kinds import KINDS
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionStep
from tests.bench.bench_search_page import open_client
from tests.bench.figures import Figure, Scale
from tests.bench.installation import installation, sign_in
from tests.bench.views import beside_trivial
from tests.factories import People

_ROUNDS = 40
_GOAL_MS = 300
_BENCH = Actor.system("bench")
_BATCH = 2_000
_EDITIONS = 3
_LONG_AGO = date(2016, 1, 4)


def measure(scale: Scale) -> Iterator[Figure]:
    """Every view in turn, round after round."""
    count = scale.choose(20_000, 300)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        people = People(archive)
        viewer = people.person("staff_member", organisation="江南低碳园区")
        fill_controlled(archive, viewer, count)
        fill_controlled(archive, people.person("staff_member", organisation="绿源核查"), count)
        client = open_client(archive, place.settings, sign_in(archive, viewer.person_id))
        views = _views(count)
        yield from beside_trivial(client, views, rounds=_ROUNDS, goal_ms=_GOAL_MS)


def fill_controlled(archive: Archive, owner: Actor, count: int) -> None:
    """Controlled documents of the owner's organisation, each with editions: one in force, a tenth withdrawn, a tenth
    with a draft under way that the owner was asked about or not."""
    rows: dict[type, list[dict[str, object]]] = {ControlledDocument: [], Edition: [], EditionStep: []}
    for number in range(count):
        _add(archive, owner, number, rows)
        if len(rows[ControlledDocument]) == _BATCH or number == count - 1:
            with archive.transaction(_BENCH, eventless=True) as uow:
                for table, lines in rows.items():
                    if lines:
                        uow.session.execute(insert(table), lines)
                    lines.clear()


def _add(archive: Archive, owner: Actor, number: int, rows: dict[type, list[dict[str, object]]]) -> None:
    now, kinds = archive.clock.now(), list(KINDS)
    controlled_id, edition_ids = new_id(now), [new_id(now) for _ in range(_EDITIONS)]
    withdrawn, revising = number % 10 == 9, number % 10 == 5
    for ordinal, edition_id in enumerate(edition_ids, 1):
        last = ordinal == _EDITIONS
        state = "withdrawn" if last and withdrawn else "draft" if last and revising else "superseded"
        if not withdrawn and ordinal == _EDITIONS - revising:
            state = "in_force"
        rows[Edition].append(
            {
                "id": edition_id,
                "controlled_document_id": controlled_id,
                "ordinal": ordinal,
                "label": f"A/{ordinal - 1}",
                "state": state,
                "on_the_way": state == "draft",
                "base_id": None,
                "change_note": "",
                "document_id": None,
                "author_id": owner.person_id,
                "begun_at": now,
                "approved_at": now,
                "effective_on": _LONG_AGO + timedelta(days=number % 3000 + ordinal),
                "issued_by": owner.name,
                "issued_at": now,
                "ended_at": None,
            }
        )
    rows[ControlledDocument].append(
        {
            "id": controlled_id,
            "organisation_id": owner.organisation_id,
            "number": f"LT-{number % 97:02}-{number:05}",
            "title": f"碳排放数据管理程序 第{number}号",
            "kind": kinds[number % len(kinds)],
            "keeping": "maintain",
            "department": f"部门{number % 40}",
            "owner_id": owner.person_id,
            "clauses": "S2 8.4",
            "level": number % 2,
            "state": "withdrawn" if withdrawn else "in_force",
            "in_force_id": None if withdrawn else edition_ids[-1 - revising],
            "review_months": 12,
            "reviewed_on": None,
            "review_on": _LONG_AGO + timedelta(days=number % 5000),
            "issuer": "",
            "issuer_number": "",
            "watched_on": None,
            "withdrawn_at": now if withdrawn else None,
            "withdrawn_by": None,
            "withdrawn_reason": "",
            "replaced_by_id": None,
            "created_by": owner.name,
            "created_at": now,
        }
    )


def _views(count: int) -> dict[str, str]:
    return {
        "master list": "/controlled",
        "master list, by words": f"/controlled?text={quote('数据管理程序 第7')}",
        "master list, by words that few have": f"/controlled?text={quote(f'第{count - 3}号')}",
        "master list, of a kind": "/controlled?kind=procedure",
        "master list, withdrawn": "/controlled?state=withdrawn",
        "master list, of a department": f"/controlled?department={quote('部门7')}",
    }
