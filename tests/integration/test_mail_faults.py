"""A worker that is killed at any step of sending a mail: the mail comes once, or is known to be uncertain.

Every connection, every word over the line, every write and every sync of the database is a point where the process is
killed. `make test` takes a sample, `make test-full` all of them; the total is printed.
"""

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.worklist.models import Notice
from archive_app.worklist.posting import post_notices
from tests.engines import FULL
from tests.faults import Point, every_point, run_apart, run_killed
from tests.integration import mail_driver
from tests.integration.fault_driver import OPERATOR, opened
from tests.mail_server import Server, listening, mailing

pytestmark = pytest.mark.strace
CALLS = "connect,sendto,recvfrom,pwrite64,fdatasync,fsync,shutdown"
SAMPLED = 13


class Later:
    """The clock of whoever comes after the crash."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with one notice that waits."""
    place = tmp_path_factory.mktemp("mail-faults") / "template"
    (place / "memory").mkdir(parents=True)
    run_apart(mail_driver.make, place)
    return place


def copy(template: Path, name: str, port: int) -> Path:
    place = template.parent / name / "archive"
    shutil.copytree(template, place)
    (place / mail_driver.PORT_FILE).write_text(str(port), encoding="ascii")
    return place


def test_a_worker_killed_anywhere_sends_no_mail_twice_and_loses_none(template: Path) -> None:
    server = Server()
    with listening(server) as port:
        points = every_point(mail_driver.post, copy(template, "count", port), CALLS)
        assert len(server.taken) == 1
    assert {point.call for point in points} >= {"connect", "sendto", "recvfrom", "pwrite64", "fdatasync"}
    chosen = points if FULL else points[:: max(1, len(points) // SAMPLED)]
    with ThreadPoolExecutor(2) as runs:
        found = Counter(runs.map(lambda number: outcome(template, chosen[number], number), range(len(chosen))))
    print(f"\nmail: killed at {len(chosen)} of {len(points)} points: {dict(found)}")
    # Before the content nothing is uncertain, after the answer nothing either; in between it is, and both sides occur.
    assert set(found) <= {("sent", 1), ("uncertain", 0), ("uncertain", 1)}
    assert found["sent", 1] > len(chosen) // 2
    assert sum(count for (state, _), count in found.items() if state == "uncertain") >= 1


def outcome(template: Path, point: Point, number: int) -> tuple[str, int]:
    """What became of the notice once a second worker had its turns, and how often the server has the mail."""
    server = Server()
    with listening(server) as port:
        place = copy(template, f"run-{number}", port)
        killed = run_killed(mail_driver.post, place, point, CALLS)
        assert killed.killed or killed.told == ["done"], (point, killed)
        with opened(place) as archive:
            later = replace(mailing(archive, port), clock=Later())
            for _ in range(2):
                post_notices(Workshop(later), cast("Job", None))
            with archive.reading(OPERATOR) as uow:
                [notice] = uow.session.query(Notice).all()
    assert (notice.wrapped_secret is None) == (notice.state == "sent"), point
    assert notice.state != "waiting", point
    shutil.rmtree(place.parent)
    return notice.state, len(server.taken)
