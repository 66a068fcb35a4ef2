"""What the composition root needs to know of engagements."""

from archive_app.engagements import access, policy
from archive_app.engagements.provinces import all_provinces
from archive_app.engagements.relations import policy as relations
from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(rules: Policy) -> None:
    """Who sees clients, engagements and relations. Raises: SettingsError when the provinces' file is wrong."""
    all_provinces()
    policy.register(rules)
    relations.register(rules)


FEATURE = Feature(
    name="engagements",
    policy=register,
    jobs={"access.expire": access.expire_access},
    periodic={"access.expire": access.EXPIRE_EVERY_SECONDS},
    menu=(
        MenuEntry(N_("Engagements"), "engagements.list_page", Permission.ENGAGEMENTS_READ),
        MenuEntry(N_("Access"), "admission.own_page", Permission.ACCESS_ASK),
        MenuEntry(N_("Independence"), "relations.independence_page", Permission.INTERESTS_READ),
    ),
    blueprints=(
        "archive_app.engagements.views:blueprint",
        "archive_app.engagements.admission.views:blueprint",
        "archive_app.engagements.relations.views:blueprint",
        "archive_app.engagements.api:blueprint",
    ),
)
