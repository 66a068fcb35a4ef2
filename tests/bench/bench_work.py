"""My work with 10,000 things that wait for somebody, among 100,000 that wait for others, beside an endpoint that does
next to nothing; of somebody on the team of a quarter of 2,000 engagements."""

import base64
import json
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import insert

from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.ids import new_id
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import NO_DAY
from tests.bench.bench_search_page import open_client
from tests.bench.figures import Figure, Scale
from tests.bench.filling import Filled, fill_archive
from tests.bench.installation import installation, sign_in
from tests.bench.views import beside_trivial
from tests.factories import People

_ROUNDS = 40
_GOAL_MS = 200
_BENCH = Actor.system("bench")
_BATCH = 5_000


def measure(scale: Scale) -> Iterator[Figure]:
    """Every view in turn, round after round; half of what waits is the person's own, half their part's."""
    own, others, engagements = scale.choose(10_000, 200), scale.choose(100_000, 2_000), scale.choose(2_000, 100)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        filled = fill_archive(archive, [], engagements=engagements, texts=False)
        fill_tasks(archive, filled, own=own, others=others)
        client = open_client(archive, place.settings, sign_in(archive, filled.viewer.person_id))
        views = _views(archive, filled)
        yield from beside_trivial(client, views, rounds=_ROUNDS, goal_ms=_GOAL_MS)


def fill_tasks(archive: Archive, filled: Filled, *, own: int, others: int) -> None:
    """What waits for the viewer by name and by part in their engagements, and as much for others as is asked for."""
    with archive.reading(_BENCH) as uow:
        organisation_id = uow.session.query(Engagement.organisation_id).limit(1).scalar()
    mine = [filled.engagements[name] for name in sorted(filled.own_engagements)]
    theirs = [found for name, found in sorted(filled.engagements.items()) if name not in filled.own_engagements]
    colleague = People(archive, {"绿源核查": organisation_id}).person("verifier").person_id
    rows = []
    for number in range(own + others):
        for_viewer = number % (1 + others // own) == 0 and number // (1 + others // own) < own
        by_part = number % 2 == 0 if not for_viewer else (number // (1 + others // own)) % 2 == 0
        if by_part:
            # The team's members have it; leaders have something else in the same engagements.
            to = {"part": "member" if for_viewer or number % 4 else "leader", "person_id": None}
        else:
            to = {"part": None, "person_id": filled.viewer.person_id if for_viewer else colleague}
        places = mine if for_viewer or (by_part and to["part"] == "leader") else theirs
        rows.append(_row(archive, number, organisation_id, places[number * 7 % len(places)], to))
    for start in range(0, len(rows), _BATCH):
        with archive.transaction(_BENCH, eventless=True) as uow:
            uow.session.execute(insert(Task), rows[start : start + _BATCH])


def _row(
    archive: Archive, number: int, organisation_id: str, engagement_id: str, to: dict[str, str | None]
) -> dict[str, object]:
    now = archive.clock.now()
    day = NO_DAY if number % 10 == 0 else date(2026, 1, 1) + timedelta(days=number * 13 % 700)
    return {
        "id": new_id(now),
        "kind": "engagements.glass_broken" if number % 3 else "engagements.decide_access",
        "organisation_id": organisation_id,
        "engagement_id": engagement_id,
        "subject_id": new_id(now),
        **to,
        "permission": None,
        "about": f"第 {number} 件",
        "due_on": day,
        "provisional": number % 50 == 0,
        "opened_at": now,
        "closed_at": now if number % 9 == 8 else None,
        "outcome": "",
    }


def _views(archive: Archive, filled: Filled) -> dict[str, str]:
    number = f"HC-{min(filled.own_engagements).removeprefix('e').lstrip('0') or 0}"
    return {
        "my work": "/work",
        "my work, overdue": "/work?overdue=1",
        "my work, of a kind": "/work?kind=engagements.decide_access",
        "my work, of an engagement": f"/work?engagement={number}",
        "my work, a later page": f"/work?after={_later(archive, filled)}",
        "my work, the last page": f"/work?after={_later(archive, filled, date(2026, 12, 31))}",
    }


def _later(archive: Archive, filled: Filled, day: date = date(2026, 6, 1)) -> str:
    key = [{"d": day.isoformat()}, new_id(archive.clock.now())]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
