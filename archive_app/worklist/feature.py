"""What the composition root needs to know of the work list."""

from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.worklist import calendar, policy, posted, posting, telling
from archive_app.worklist.tasks import TELL_JOB
from archive_app.worklist.waiting_roles import watch_roles
from archive_app.worklist.work import MOST_COUNTED, count_work

watch_roles()
FEATURE = Feature(
    name="worklist",
    policy=policy.register,
    jobs={
        TELL_JOB: telling.tell_of_task,
        telling.OVERDUE_JOB: telling.tell_of_overdue,
        telling.DIGEST_JOB: telling.tell_digests,
        posting.POST_JOB: posting.post_notices,
        calendar.CALENDAR_JOB: calendar.count_anew,
    },
    # A server that answers slowly keeps nothing else waiting.
    lanes={posting.POST_JOB: posting.POST_LANE},
    periodic={
        telling.OVERDUE_JOB: telling.OVERDUE_EVERY_SECONDS,
        telling.DIGEST_JOB: telling.DIGEST_EVERY_SECONDS,
        posting.POST_JOB: posting.POST_EVERY_SECONDS,
    },
    probes=(posted.probe_mail, calendar.probe_calendar),
    menu=(MenuEntry(N_("My work"), "worklist.work_page", Permission.WORK_READ, count_work, MOST_COUNTED),),
    blueprints=("archive_app.worklist.views:blueprint",),
)
