"""What the composition root needs to know of engagements."""

from archive_app.engagements import policy
from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission

FEATURE = Feature(
    name="engagements",
    policy=policy.register,
    menu=(MenuEntry(N_("Engagements"), "engagements.list_page", Permission.ENGAGEMENTS_READ),),
    blueprints=("archive_app.engagements.views:blueprint", "archive_app.engagements.api:blueprint"),
)
