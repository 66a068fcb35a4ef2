"""The first page of the management system, and the tabs that its pages share."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, current_app, redirect, url_for
from flask.typing import ResponseReturnValue

from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires

blueprint = Blueprint("management", __name__, template_folder="templates")


@dataclass(frozen=True)
class SystemTab:
    """A page of the management system, for those who hold the permission."""

    label: str
    endpoint: str
    permission: Permission


TABS = (
    SystemTab(N_("Controlled documents"), "controlled.list_page", Permission.CONTROLLED_READ),
    SystemTab(N_("Year plan"), "recurring.plan_page", Permission.DUTIES_READ),
    SystemTab(N_("Laws"), "laws.list_page", Permission.LAWS_READ),
    SystemTab(N_("Management reviews"), "reviews.list_page", Permission.REVIEWS_READ),
    SystemTab(N_("Disclosure"), "disclosure.list_page", Permission.DISCLOSURE_PROPOSE),
)


@blueprint.get("/system")
@requires(Permission.CONTROLLED_READ)
def home_page() -> ResponseReturnValue:
    """Leads to the first of the tabs."""
    return redirect(url_for(tabs_shown()[0].endpoint), 303)


@blueprint.app_context_processor
def _shown() -> dict[str, object]:
    return {"system_tabs": tabs_shown}


def tabs_shown() -> Sequence[SystemTab]:
    """The tabs of whoever asks."""
    actor = current_actor()
    return [tab for tab in TABS if actor.may(tab.permission) and tab.endpoint in current_app.view_functions]
