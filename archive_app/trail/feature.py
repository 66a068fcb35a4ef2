"""The audit log as the composition root sees it."""

from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.trail.checking import NIGHTLY_JOB, VERIFY_JOB, run_check
from archive_app.trail.policy import register
from archive_app.trail.status import probe_log

_A_DAY_SECONDS = 86_400

FEATURE = Feature(
    name="trail",
    policy=register,
    jobs={VERIFY_JOB: run_check, NIGHTLY_JOB: run_check},
    periodic={NIGHTLY_JOB: _A_DAY_SECONDS},
    probes=(probe_log,),
    menu=(MenuEntry(N_("Audit log"), "trail.log_page", Permission.LOG_READ),),
    blueprints=("archive_app.trail.views:blueprint", "archive_app.trail.api:blueprint"),
)
