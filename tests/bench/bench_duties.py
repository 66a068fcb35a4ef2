"""The year plans of 200 organisations with 25 duties each over three years, as a supervisor to whom each was opened
as a whole, and the plan of one of them, beside an endpoint that does next to nothing."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import insert

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.ids import new_id
from archive_app.management.recurring.catalogue import all_catalogues
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.supervision.models import SupervisionGrant, SupervisionScope
from tests.bench.bench_search_page import open_client
from tests.bench.figures import Figure, Scale
from tests.bench.installation import installation, sign_in
from tests.bench.views import beside_trivial
from tests.factories import People

_ROUNDS = 40
_GOAL_MS = 300
_BENCH = Actor.system("bench")
_DUTIES = 25
_BATCH = 5_000


def measure(scale: Scale) -> Iterator[Figure]:
    """Every view in turn, round after round."""
    count = scale.choose(200, 10)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        people = People(archive)
        people.organisation()
        people.organisation("江南省生态环境厅", "authority")
        supervisor = people.person("supervisor", organisation="江南省生态环境厅")
        doer = people.person("staff_member", organisation="江南低碳园区")
        first = fill_duties(archive, supervisor, doer, count)
        client = open_client(archive, place.settings, sign_in(archive, supervisor.person_id))
        views = _views(archive.today().year, first)
        yield from beside_trivial(client, views, rounds=_ROUNDS, goal_ms=_GOAL_MS)


def fill_duties(archive: Archive, supervisor: Actor, doer: Actor, count: int) -> str:
    """Organisations with duties of the year before, this year and the next, done in part, each opened as a whole to the
    supervisor; the id of the first."""
    now, today = archive.clock.now(), archive.today()
    rows: dict[type, list[dict[str, object]]] = {
        table: [] for table in (Organisation, OwnDuty, Occurrence, SupervisionGrant, SupervisionScope)
    }
    ids = [new_id(now) for _ in range(count)]
    for number, organisation_id in enumerate(ids):
        rows[Organisation].append(
            {
                "id": organisation_id,
                "name": f"园区{number:03}",
                "kind": "park",
                "credit_code": None,
                "runs_archive": False,
                "created_at": now,
            }
        )
        _open_to(supervisor, organisation_id, archive, rows)
        for place in range(_DUTIES):
            _add(organisation_id, doer, place, today, archive, rows)
    for table, lines in rows.items():
        for start in range(0, len(lines), _BATCH):
            with archive.transaction(_BENCH, eventless=True) as uow:
                uow.session.execute(insert(table), lines[start : start + _BATCH])
    return ids[0]


def _open_to(
    supervisor: Actor, organisation_id: str, archive: Archive, rows: dict[type, list[dict[str, object]]]
) -> None:
    now = archive.clock.now()
    grant_id, until = new_id(now), now + timedelta(days=30)
    rows[SupervisionGrant].append(
        {
            "id": grant_id,
            "authority_id": supervisor.organisation_id,
            "person_id": supervisor.person_id,
            "organisation_id": organisation_id,
            "offered_to": "",
            "purpose": "年度检查",
            "reference": "",
            "wanted": "",
            "asked_at": now,
            "asked_until": until,
            "outcome": "granted",
            "decided_at": now,
            "decided_by": None,
            "reason": "",
            "until": until,
            "ended_at": None,
            "ended_by": None,
            "end_reason": "",
        }
    )
    rows[SupervisionScope].append(
        {"id": new_id(now), "grant_id": grant_id, "whole": True, "engagement_id": None, "client_id": None, "year": None}
    )


def _add(
    organisation_id: str,
    doer: Actor,
    place: int,
    today: date,
    archive: Archive,
    rows: dict[type, list[dict[str, object]]],
) -> None:
    now, duties = archive.clock.now(), all_catalogues()["park"].duties
    duty_id, known = new_id(now), duties[place % len(duties)]
    first = date(today.year - 1, place % 12 + 1, place % 27 + 1)
    rows[OwnDuty].append(
        {
            "id": duty_id,
            "organisation_id": organisation_id,
            "site_id": None,
            "code": known.code,
            "title": known.name.zh,
            "source": known.source,
            "records": "",
            "template_id": None,
            "owner_id": doer.person_id,
            "every_months": 12,
            "first_on": first,
            "taken_on_by": doer.name,
            "taken_on_at": now,
            "ended_on": None,
            "ended_reason": "",
        }
    )
    for year in range(today.year - 1, today.year + 2):
        day = first.replace(year=year)
        done = day < today and place % 9 != 0
        rows[Occurrence].append(
            {
                "id": new_id(now),
                "organisation_id": organisation_id,
                "own_duty_id": duty_id,
                "key": day.isoformat(),
                "change_id": None,
                "year": year,
                "due_on": day,
                "provisional": False,
                "owner_id": doer.person_id,
                "state": "done" if done else "open",
                "void_by": "",
                "remark": "",
                "settled_by": doer.name if done else None,
                "settled_at": now if done else None,
                "created_at": now,
            }
        )


def _views(year: int, organisation_id: str) -> dict[str, str]:
    return {
        "year plans of all": f"/duties?year={year}",
        "year plan of one": f"/duties?year={year}&organisation={organisation_id}",
        "duties by day": f"/duties/times?year={year}",
        "overdue duties": f"/duties/times?year={year}&mark=overdue",
    }
