"""What the composition root needs to know of engagements."""

from archive_app.engagements import access, policy
from archive_app.engagements.abilities import policy as abilities
from archive_app.engagements.abilities import warning
from archive_app.engagements.abilities.kinds import all_competences
from archive_app.engagements.provinces import all_provinces
from archive_app.engagements.relations import policy as relations
from archive_app.engagements.scheme_pages.reading import probe_schemes
from archive_app.engagements.schemes import all_schemes
from archive_app.kernel.feature import EngagementTab, Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(rules: Policy) -> None:
    """Who sees clients, engagements, relations and competence. Raises: SettingsError when a file of theirs is wrong."""
    all_provinces()
    all_competences()
    all_schemes()
    policy.register(rules)
    relations.register(rules)
    abilities.register(rules)


FEATURE = Feature(
    name="engagements",
    policy=register,
    jobs={"access.expire": access.expire_access, "competence.warn": warning.warn},
    periodic={
        "access.expire": access.EXPIRE_EVERY_SECONDS,
        "competence.warn": warning.WARN_EVERY_SECONDS,
    },
    menu=(
        MenuEntry(N_("Engagements"), "engagements.list_page", Permission.ENGAGEMENTS_READ),
        MenuEntry(N_("Access"), "admission.own_page", Permission.ACCESS_ASK),
        MenuEntry(N_("Independence"), "relations.independence_page", Permission.INTERESTS_READ),
        MenuEntry(N_("Competence"), "abilities.competence_page", Permission.COMPETENCE_READ),
    ),
    probes=(probe_schemes,),
    tabs=(EngagementTab(N_("Team"), "engagements.team_page", Permission.ENGAGEMENTS_READ, 30),),
    blueprints=(
        "archive_app.engagements.views:blueprint",
        "archive_app.engagements.admission.views:blueprint",
        "archive_app.engagements.relations.views:blueprint",
        "archive_app.engagements.abilities.views:blueprint",
        "archive_app.engagements.scheme_pages.views:blueprint",
        "archive_app.engagements.api:blueprint",
    ),
)
