"""What the composition root needs to know of identity."""

from archive_app.identity import policy
from archive_app.identity.tidying import TIDY, TIDY_EVERY_SECONDS, tidy
from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission

FEATURE = Feature(
    name="identity",
    policy=policy.register,
    jobs={TIDY: tidy},
    periodic={TIDY: TIDY_EVERY_SECONDS},
    menu=(
        MenuEntry(N_("People"), "rights.people_page", Permission.PEOPLE_READ),
        MenuEntry(N_("Rights"), "rights.rights_page", Permission.RIGHTS_GRANT),
        MenuEntry(N_("Organisations"), "hosting.organisations_page", Permission.ORGANISATIONS_MANAGE),
    ),
    blueprints=(
        "archive_app.identity.views:blueprint",
        "archive_app.identity.signing.views:blueprint",
        "archive_app.identity.api:blueprint",
        "archive_app.identity.rights.views:blueprint",
        "archive_app.identity.hosting.views:blueprint",
    ),
)
