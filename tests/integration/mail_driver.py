"""What the fault tests of mail do in a process of their own: a worker's turn at the notices that wait."""

from pathlib import Path
from typing import cast

from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.runtime import create_archive
from archive_app.worklist.notices import send_notice
from archive_app.worklist.posting import post_notices
from archive_app.worklist.wishes import CONFIRM_ADDRESS
from tests.faults import Tell
from tests.integration.fault_driver import OPERATOR, opened, settings_of
from tests.mail_server import mailing

PORT_FILE = "port"


def make(place: Path, tell: Tell) -> None:
    """An archive with one notice that waits, with a secret."""
    create_archive(settings_of(place))
    with opened(place) as archive, archive.transaction(OPERATOR, eventless=True) as uow:
        notice = send_notice(
            uow,
            key="one",
            kind=CONFIRM_ADDRESS,
            address="somebody@body.example",
            language="en",
            link="/account/notices/confirm/{secret}",
            organisation_id=None,
            secret=b"a secret",
        )
    tell(notice.id)


def post(place: Path, tell: Tell) -> None:
    """One turn of the worker; telling is the acknowledgement that it came to its end."""
    with opened(place) as archive:
        sending = mailing(archive, int((place / PORT_FILE).read_text(encoding="ascii")))
        with sending.activate():
            post_notices(Workshop(sending), cast("Job", None))
    tell("done")
