"""The public page of an organisation is opened, closed, and described."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import some_lines
from archive_app.management.disclosure.models import DisclosurePage

PAGE_CHANGED = event_type("disclosure.page_changed", N_("Public page of the organisation changed"))
SHORTEST_CODE, LONGEST_CODE, INTRODUCTION_LIMIT = 3, 40, 2000
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class PublicCodeTakenError(ArchiveError):
    """Another organisation has this address."""

    code = "public_code_taken"
    message = N_("The address %(code)s is taken. Nothing was changed; choose another one.")


@dataclass(frozen=True)
class OwnPage:
    """The public page as its organisation sets it up; `code` is empty as long as none was chosen."""

    organisation: Organisation
    code: str = ""
    open: bool = False
    introduction: str = ""


@query(Permission.DISCLOSURE_PROPOSE)
def view_own_page(actor: Actor, uow: UnitOfWork) -> OwnPage:
    """How the public page of one's own organisation is set up. Raises: NotFoundError for nobody's."""
    if actor.organisation_id is None:
        raise NotFoundError
    organisation = uow.session.get_one(Organisation, actor.organisation_id)
    page = uow.session.get(DisclosurePage, organisation.id)
    return OwnPage(organisation, page.code, page.open, page.introduction) if page else OwnPage(organisation)


@use_case(Permission.DISCLOSURE_DECIDE, confirmed=True)
def set_public_page(actor: Actor, uow: UnitOfWork, *, code: str, shown: bool, introduction: str) -> DisclosurePage:
    """Opens the public page under an address of one's own choice, or closes it. An address that is given up answers as
    one that never was.

    Raises: InvalidInputError, PublicCodeTakenError; NotFoundError for somebody without an organisation.
    """
    if actor.organisation_id is None:
        raise NotFoundError
    code = checked_code(code)
    words = some_lines(introduction, field=N_("Introduction"), limit=INTRODUCTION_LIMIT, required=False)
    # In line with whoever of the same organisation sets it at the same moment.
    uow.session.get_one(Organisation, actor.organisation_id, with_for_update=True)
    others = select(DisclosurePage.code).where(
        DisclosurePage.code == code, DisclosurePage.organisation_id != actor.organisation_id
    )
    if uow.session.scalar(others) is not None:
        raise PublicCodeTakenError(code=code)
    page = uow.session.get(DisclosurePage, actor.organisation_id, populate_existing=True)
    if page is None:
        page = DisclosurePage(organisation_id=actor.organisation_id)
        uow.session.add(page)
    page.code, page.open, page.introduction = code, shown, words
    try:
        uow.session.flush()
    except IntegrityError as error:
        # Of two organisations that choose the same address at once, the database lets one through.
        raise PublicCodeTakenError(code=code) from error
    uow.record(PAGE_CHANGED, {"organisation": actor.organisation_id}, code=code, open=shown, introduction=words)
    return page


def checked_code(text: str) -> str:
    """An address: small letters, digits, and hyphens between them. Raises: InvalidInputError."""
    code = text.strip().lower()
    if not SHORTEST_CODE <= len(code) <= LONGEST_CODE or _CODE.fullmatch(code) is None:
        raise InvalidInputError(
            field=N_("Address"),
            reason=N_("Use 3 to 40 small letters and digits, with single hyphens between them at most."),
        )
    return code
