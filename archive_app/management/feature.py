"""What the composition root needs to know of management systems."""

import archive_app.management.reviews.counting
import archive_app.management.reviews.counting_system
import archive_app.management.reviews.waiting  # noqa: F401
from archive_app.kernel.feature import DocumentPanel, EngagementTab, Feature, MenuEntry
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy
from archive_app.management import policy
from archive_app.management.controlled import acknowledging, issuing, periodic_review, watching
from archive_app.management.controlled.showing import view_panel
from archive_app.management.controlled.stamping import stamp_of
from archive_app.management.disclosure import ending
from archive_app.management.disclosure.showing import disclosure_panel
from archive_app.management.laws import waiting as laws_waiting
from archive_app.management.laws.showing import evaluations_panel
from archive_app.management.recurring import falling_due
from archive_app.management.recurring.catalogue import all_catalogues
from archive_app.management.recurring.showing import panel_of_document as duties_of_document
from archive_app.management.reviews.agenda import agenda


def register(rules: Policy) -> None:
    """Who sees what of a management system. Raises: SettingsError when a catalogue of duties or
    the agenda of reviews is wrong."""
    all_catalogues()
    agenda()
    policy.register(rules)


FEATURE = Feature(
    name="management",
    policy=register,
    jobs={
        falling_due.PLAN_JOB: falling_due.fall_due,
        laws_waiting.JOB: laws_waiting.look_through,
        issuing.TAKE_EFFECT_JOB: issuing.take_effect,
        acknowledging.ACKNOWLEDGE_JOB: acknowledging.remind,
        periodic_review.REVIEW_JOB: periodic_review.remind,
        watching.WATCH_JOB: watching.remind,
        ending.END_JOB: ending.end_what_is_over,
    },
    periodic={
        falling_due.PLAN_JOB: falling_due.PLAN_EVERY_SECONDS,
        laws_waiting.JOB: laws_waiting.EVERY_SECONDS,
        issuing.TAKE_EFFECT_JOB: issuing.TAKE_EFFECT_EVERY_SECONDS,
        acknowledging.ACKNOWLEDGE_JOB: acknowledging.ACKNOWLEDGE_EVERY_SECONDS,
        periodic_review.REVIEW_JOB: periodic_review.REVIEW_EVERY_SECONDS,
        watching.WATCH_JOB: watching.WATCH_EVERY_SECONDS,
        ending.END_JOB: ending.END_EVERY_SECONDS,
    },
    stamper=stamp_of,
    tabs=(EngagementTab(N_("Controlled forms"), "controlled_life.forms_page", Permission.DOCUMENTS_READ, 45),),
    panels=(
        DocumentPanel("controlled/panel.html", view_panel, Permission.CONTROLLED_READ, 5),
        DocumentPanel("laws/panel.html", evaluations_panel, Permission.LAWS_READ, 20),
        DocumentPanel("disclosure/panel.html", disclosure_panel, Permission.DISCLOSURE_PROPOSE, 30),
        DocumentPanel("recurring/panel.html", duties_of_document, Permission.DUTIES_READ, 40),
    ),
    menu=(MenuEntry(N_("Management system"), "management.home_page", Permission.CONTROLLED_READ),),
    blueprints=(
        "archive_app.management.views:blueprint",
        "archive_app.management.recurring.arranging.views:blueprint",
        "archive_app.management.recurring.api:blueprint",
        "archive_app.management.controlled.views:blueprint",
        "archive_app.management.controlled.editing.views:blueprint",
        "archive_app.management.controlled.comparing.views:blueprint",
        "archive_app.management.controlled.api:blueprint",
        "archive_app.management.laws.duties.views:blueprint",
        "archive_app.management.laws.api:blueprint",
        "archive_app.management.controlled.life.upkeep.views:blueprint",
        "archive_app.management.controlled.life.api:blueprint",
        "archive_app.management.disclosure.views:blueprint",
        "archive_app.management.disclosure.api:blueprint",
        "archive_app.management.reviews.views:blueprint",
        "archive_app.management.reviews.decisions.views:blueprint",
        "archive_app.management.reviews.api:blueprint",
    ),
)
