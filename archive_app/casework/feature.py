"""What the composition root needs to know of the work on a case."""

# Imported for what they register: conditions of stages, and what follows from opening and from changes of the team.
import archive_app.casework.conditions
import archive_app.casework.nonconformities.deciding
import archive_app.casework.reviewing.issuing
import archive_app.casework.reviewing.rounds
import archive_app.casework.stages  # noqa: F401
from archive_app.casework import policy
from archive_app.casework.records import proposing
from archive_app.casework.records.describing import record_panel
from archive_app.casework.requests import reminding
from archive_app.kernel.feature import DocumentPanel, Door, EngagementTab, Feature
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission

FEATURE = Feature(
    name="casework",
    policy=policy.register,
    jobs={
        proposing.PROPOSE: proposing.propose_one,
        proposing.PROPOSE_ALL: proposing.propose_all,
        reminding.REMIND: reminding.remind,
    },
    lanes={proposing.PROPOSE: "reading", proposing.PROPOSE_ALL: "reading"},
    periodic={proposing.PROPOSE_ALL: 86_400, reminding.REMIND: 1800},
    tabs=(
        EngagementTab(N_("Progress"), "progress.progress_page", Permission.ENGAGEMENTS_READ, 10),
        EngagementTab(N_("Records"), "records.records_page", Permission.DOCUMENTS_READ, 25),
        EngagementTab(N_("Material"), "requests.requests_page", Permission.ENGAGEMENTS_READ, 40),
        EngagementTab(N_("Nonconformities"), "nonconformities.list_page", Permission.ENGAGEMENTS_READ, 50),
        EngagementTab(N_("Review"), "reviewing.review_page", Permission.DOCUMENTS_READ, 60),
    ),
    panels=(DocumentPanel("records/panel.html", record_panel, Permission.DOCUMENTS_READ, 10),),
    doors=(Door("/material/", "archive_app.casework.requests.client.views:authenticate", "material.asked_page"),),
    blueprints=(
        "archive_app.casework.progress.views:blueprint",
        "archive_app.casework.api:blueprint",
        "archive_app.casework.records.views:blueprint",
        "archive_app.casework.records.api:blueprint",
        "archive_app.casework.requests.views:blueprint",
        "archive_app.casework.requests.client.views:blueprint",
        "archive_app.casework.requests.api:blueprint",
        "archive_app.casework.nonconformities.views:blueprint",
        "archive_app.casework.nonconformities.client.views:blueprint",
        "archive_app.casework.nonconformities.api:blueprint",
        "archive_app.casework.reviewing.issue.views:blueprint",
        "archive_app.casework.reviewing.api:blueprint",
        "archive_app.casework.forms.views:blueprint",
    ),
)
