"""What the composition root needs to know of filing."""

# Imported for what it registers: the condition of the stage that waits for the seal.
import archive_app.filing.sealing  # noqa: F401
from archive_app.filing import policy
from archive_app.filing.examining import JOB, check_submission
from archive_app.filing.numbering import probe_series
from archive_app.kernel.feature import EngagementTab, Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission

FEATURE = Feature(
    name="filing",
    policy=policy.register,
    jobs={JOB: check_submission},
    # Large files are read back in full; what is found by name must not wait for that.
    lanes={JOB: "filing"},
    probes=(probe_series,),
    menu=(MenuEntry(N_("Case files"), "case_files.list_page", Permission.CASE_FILES_ACCEPT),),
    tabs=(EngagementTab(N_("Archiving"), "case_files.archiving_page", Permission.DOCUMENTS_ADD, 70),),
    banners=("case_files/banner.html",),
    blueprints=(
        "archive_app.filing.views:blueprint",
        "archive_app.filing.case_files.views:blueprint",
        "archive_app.filing.case_files.api:blueprint",
        "archive_app.filing.acceptance.views:blueprint",
        "archive_app.filing.outputs.views:blueprint",
    ),
)
