"""For whom a file that is being archived waits: the archivist, or the leader who mends it."""

from archive_app.engagements.models import Engagement
from archive_app.filing.models import Submission
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

_PAGE = "case_files.archiving_page"
ACCEPT = task_kind(
    "filing.accept", N_("Accept or return the submitted file"), why=N_("You keep the archive"), endpoint=_PAGE
)
MEND = task_kind(
    "filing.mend", N_("Mend the file and submit it again"), why=N_("You lead this engagement"), endpoint=_PAGE
)
ACCEPT_LATE = task_kind(
    "filing.accept_late", N_("Accept or refuse a late addition"), why=N_("You keep the archive"), endpoint=_PAGE
)


def submission_checked(uow: UnitOfWork, engagement: Engagement, submission: Submission) -> None:
    """The step after the checks: the file waits for the archivist, or for the leader."""
    if submission.state == "waiting":
        wait_for(uow, ACCEPT, engagement)
    else:
        wait_for(uow, MEND, engagement)


def wait_for(uow: UnitOfWork, kind: TaskKind, engagement: Engagement) -> None:
    """The step that opens the one task of a kind about an engagement's file."""
    to = Addressee(part="leader") if kind is MEND else Addressee(permission=Permission.CASE_FILES_ACCEPT)
    open_task(
        uow,
        kind,
        to=to,
        subject_id=engagement.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=f"{engagement.number} {engagement.title}",
    )


def no_longer(uow: UnitOfWork, engagement: Engagement, *kinds: TaskKind, outcome: str = "done") -> None:
    """The step that closes tasks about an engagement's file."""
    for kind in kinds:
        close_tasks(uow, kind, subject_id=engagement.id, outcome=outcome)
