"""What the composition root needs to know of the intake."""

from archive_app.intake.inbox import policy as inbox_policy
from archive_app.intake.inbox.probing import probe_folders
from archive_app.intake.registers import policy as register_policy
from archive_app.intake.registers.filing import file_job
from archive_app.intake.registers.loading import check_job
from archive_app.intake.registers.undoing import undo_job
from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def declare(policy: Policy) -> None:
    """Declares the subjects of the intake."""
    inbox_policy.register(policy)
    register_policy.register(policy)


FEATURE = Feature(
    name="intake",
    policy=declare,
    jobs={"registers.check": check_job, "registers.file": file_job, "registers.undo": undo_job},
    probes=(probe_folders,),
    menu=(
        MenuEntry(N_("Inbox"), "inbox.inbox_page", Permission.INBOX_SORT),
        MenuEntry(N_("Registers"), "registers.list_page", Permission.REGISTERS_IMPORT),
    ),
    blueprints=(
        "archive_app.intake.registers.views:blueprint",
        "archive_app.intake.inbox.views:blueprint",
        "archive_app.intake.api:blueprint",
        "archive_app.intake.registers.api:blueprint",
        "archive_app.intake.inbox.api:blueprint",
    ),
)
