"""Queries behind the pages of a controlled document: where it stands, what was said about its editions, and what
whoever asks can do next. What a page offers is what the use cases would let through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.documents.control import DRAFT
from archive_app.documents.models import Version
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues
from archive_app.management.controlled.deciding import has_written
from archive_app.management.controlled.drafting import BEFORE_ISSUE
from archive_app.management.controlled.issuing import in_force_edition
from archive_app.management.controlled.kinds import (
    AGREED,
    APPROVAL,
    APPROVED,
    IN_APPROVAL,
    IN_REVIEW,
    REVIEW,
    UNDER_DECISION,
    WAITING,
)
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.controlled.rules import edition_on_the_way, has_charge, name_of, require_revisable
from archive_app.management.controlled.waiting import NEEDED, is_able
from archive_app.management.own import require_own

EDITIONS_SHOWN = 20


@dataclass(frozen=True)
class StepShown:
    """What somebody was asked and said; `left` where it waits for them and they cannot answer any more."""

    step: EditionStep
    name: str
    left: bool
    asked_by: str


@dataclass(frozen=True)
class FileShown:
    """A file that an edition had; the newest is what people decide about."""

    document_id: str
    ordinal: int
    name: str
    size_bytes: int
    added_by: str
    row: EditionFile


@dataclass(frozen=True)
class EditionShown:
    """An edition with its people: `approver` is empty while nobody approved it."""

    edition: Edition
    author: str
    approver: str
    author_left: bool = False


@dataclass(frozen=True)
class Coming:
    """An edition on its way, as those see it who have a hand in it. `own_step` is what waits for whoever asks."""

    shown: EditionShown
    steps: Sequence[StepShown]
    files: Sequence[FileShown]
    acts: frozenset[str]
    own_step: EditionStep | None


@dataclass(frozen=True)
class UnderWay:
    """What everybody else is told of it."""

    name: str
    label: str
    since: date


@dataclass(frozen=True)
class ControlledPage:
    """A controlled document as its page shows it. `state` is by the days, whatever was written down yet."""

    controlled: ControlledDocument
    owner: str
    owner_left: bool
    in_force: EditionShown | None
    coming: Coming | None
    under_way: UnderWay | None
    editions: Page[EditionShown]
    acts: frozenset[str]

    @property
    def state(self) -> str:
        """draft, in_force or withdrawn."""
        return "in_force" if self.in_force else self.controlled.state


@dataclass(frozen=True)
class Choices:
    """Whom an edition can be given to decide about, and the colleagues it can be handed over to."""

    reviewers: Sequence[Colleague]
    approvers: Sequence[Colleague]
    authors: Sequence[Colleague]


NO_CHOICES = Choices((), (), ())


@dataclass(frozen=True)
class StepPage:
    """What somebody is asked to decide: the document, its edition and file, and what others said."""

    controlled: ControlledDocument
    coming: Coming
    step: EditionStep
    base: Edition | None


@dataclass(frozen=True)
class EditionPanel:
    """Which edition of which controlled document a document is; `newest` says that it is the edition's own file and not
    one that came before it; `in_force` is the edition that people work by."""

    controlled: ControlledDocument
    edition: Edition
    newest: bool
    in_force: Edition | None


@query(Permission.CONTROLLED_READ)
def view_controlled(actor: Actor, uow: UnitOfWork, *, controlled_id: str, after: str | None = None) -> ControlledPage:
    """A controlled document with its edition in force, the one on its way, and its history. Raises: NotFoundError."""
    uow.require("controlled_document", controlled_id)
    controlled = uow.session.get_one(ControlledDocument, controlled_id)
    owner = uow.session.get_one(Person, controlled.owner_id)
    in_force = in_force_edition(uow, controlled_id)
    on_the_way = edition_on_the_way(uow, controlled_id)
    if on_the_way is not None and on_the_way is in_force:
        on_the_way = None
    seen = on_the_way is not None and uow.archive.policy.allows(uow.session, actor, "edition", on_the_way.id)
    return ControlledPage(
        controlled=controlled,
        owner=owner.display_name,
        owner_left=not owner.active,
        in_force=_shown(uow, in_force) if in_force else None,
        coming=_coming(uow, on_the_way) if on_the_way and seen else None,
        under_way=_under_way(uow, on_the_way) if on_the_way and not seen else None,
        editions=_editions(uow, controlled_id, after),
        acts=_acts_of_document(uow, controlled, in_force),
    )


@query(Permission.CONTROLLED_READ)
def view_choices(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Choices:
    """Whom to ask about an edition: those who may and did not write it.

    Raises: NotFoundError, PermissionMissingError for a supervisor.
    """
    uow.require("edition", edition_id)
    edition = uow.session.get_one(Edition, edition_id)
    organisation_id = uow.session.get_one(ControlledDocument, edition.controlled_document_id).organisation_id
    require_own(uow, organisation_id, Permission.CONTROLLED_WRITE)
    writers = has_written(uow, edition)
    found = [
        colleagues(uow, organisation_id, permission)
        for permission in (Permission.CONTROLLED_READ, Permission.CONTROLLED_APPROVE, Permission.CONTROLLED_WRITE)
    ]
    reviewers, approvers = ([one for one in each if one.person_id not in writers] for each in found[:2])
    return Choices(reviewers, approvers, [one for one in found[2] if one.person_id != edition.author_id])


@query(Permission.CONTROLLED_WRITE)
def view_owners(actor: Actor, uow: UnitOfWork) -> Sequence[Colleague]:
    """Colleagues who can have charge of a controlled document."""
    return colleagues(uow, actor.organisation_id or "", Permission.CONTROLLED_READ)


@query(Permission.CONTROLLED_READ)
def view_edition(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Edition:
    """An edition that the actor sees. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    return uow.session.get_one(Edition, edition_id)


@query(Permission.CONTROLLED_READ)
def view_step(actor: Actor, uow: UnitOfWork, *, step_id: str) -> StepPage:
    """What somebody was asked about an edition that the actor sees. Raises: NotFoundError."""
    step = uow.session.get(EditionStep, step_id)
    if step is None:
        raise NotFoundError
    uow.require("edition", step.edition_id)
    edition = uow.session.get_one(Edition, step.edition_id)
    controlled = uow.session.get_one(ControlledDocument, edition.controlled_document_id)
    base = uow.session.get(Edition, edition.base_id) if edition.base_id else None
    return StepPage(controlled, _coming(uow, edition), step, base)


@query(Permission.CONTROLLED_READ)
def view_panel(actor: Actor, uow: UnitOfWork, *, document_id: str) -> EditionPanel | None:
    """Which controlled document a document is; None for one that is none. Raises: NotFoundError."""
    uow.require("document", document_id)
    of_document = (
        select(Edition)
        .join(EditionFile, EditionFile.edition_id == Edition.id)
        .where(EditionFile.document_id == document_id, uow.visible("edition"))
    )
    edition = uow.session.scalars(of_document).one_or_none()
    if edition is None:
        return None
    controlled = uow.session.get_one(ControlledDocument, edition.controlled_document_id)
    return EditionPanel(controlled, edition, edition.document_id == document_id, in_force_edition(uow, controlled.id))


def _acts_of_document(uow: UnitOfWork, controlled: ControlledDocument, in_force: Edition | None) -> frozenset[str]:
    if uow.actor.organisation_id != controlled.organisation_id:
        return frozenset()
    acts = set()
    if uow.actor.may(Permission.CONTROLLED_MANAGE) and controlled.state != "withdrawn":
        acts.add("describe")
    if uow.actor.may(Permission.CONTROLLED_WRITE):
        try:
            require_revisable(uow, controlled)
        except ArchiveError:
            # Its day has come and the worker has not written that down: the use case does, and goes on.
            if in_force is not None and in_force.on_the_way and controlled.keeping == "maintain":
                acts.add("revise")
        else:
            acts.add("revise")
    return frozenset(acts)


def _acts_of_edition(uow: UnitOfWork, edition: Edition, steps: Sequence[StepShown]) -> frozenset[str]:
    charged = uow.actor.may(Permission.CONTROLLED_WRITE) and has_charge(uow, edition)
    if not charged or edition.issued_at is not None or edition.state not in BEFORE_ISSUE:
        return frozenset()
    acts = {"abandon", "hand_over"}
    waiting = {one.step.part for one in steps if one.step.state == WAITING}
    if edition.state == DRAFT:
        acts.add("add_file")
    if edition.document_id is not None and edition.state in {DRAFT, IN_REVIEW}:
        acts.add("ask_reviewers")
    if edition.document_id is not None and edition.state != APPROVED and REVIEW not in waiting:
        acts.add("ask_approver")
    if edition.state in {*UNDER_DECISION, APPROVED}:
        acts.add("take_back")
    if edition.state in {IN_REVIEW, IN_APPROVAL} and waiting:
        acts.add("ask_another")
    return frozenset(acts)


def _coming(uow: UnitOfWork, edition: Edition) -> Coming:
    steps = _steps(uow, edition)
    own = (
        one.step
        for one in steps
        if one.step.person_id == uow.actor.person_id
        and one.step.state == WAITING
        and (one.step.part == REVIEW or uow.actor.may(Permission.CONTROLLED_APPROVE))
    )
    return Coming(
        _shown(uow, edition), steps, _files(uow, edition), _acts_of_edition(uow, edition, steps), next(own, None)
    )


def _under_way(uow: UnitOfWork, edition: Edition) -> UnderWay:
    since = edition.begun_at.astimezone(uow.archive.rules.zone).date()
    return UnderWay(name_of(uow, edition.author_id), edition.label, since)


def _steps(uow: UnitOfWork, edition: Edition) -> list[StepShown]:
    rows = (
        select(EditionStep, Person.display_name)
        .join(Person, Person.id == EditionStep.person_id)
        .where(EditionStep.edition_id == edition.id)
        .order_by(EditionStep.asked_at, EditionStep.id)
    )
    found = [(row[0], row[1]) for row in uow.session.execute(rows)]
    asking = select(Person.id, Person.display_name).where(Person.id.in_({step.asked_by for step, _name in found}))
    names = {row[0]: row[1] for row in uow.session.execute(asking)}
    left = {
        step.id
        for step, _name in found
        if step.state == WAITING and not is_able(uow, step.person_id, NEEDED[step.part])
    }
    return [StepShown(step, name, step.id in left, names.get(step.asked_by, "")) for step, name in found]


def _files(uow: UnitOfWork, edition: Edition) -> list[FileShown]:
    rows = (
        select(EditionFile, Version.name, Version.size_bytes, Person.display_name)
        .join(Version, Version.document_id == EditionFile.document_id)
        .join(Person, Person.id == EditionFile.added_by)
        .where(EditionFile.edition_id == edition.id, Version.current)
        .order_by(EditionFile.ordinal.desc())
    )
    return [
        FileShown(row[0].document_id, row[0].ordinal, row[1], row[2], row[3], row[0])
        for row in uow.session.execute(rows)
    ]


def _shown(uow: UnitOfWork, edition: Edition) -> EditionShown:
    author = uow.session.get_one(Person, edition.author_id)
    approved = (
        select(Person.display_name)
        .join(EditionStep, EditionStep.person_id == Person.id)
        .where(EditionStep.edition_id == edition.id, EditionStep.part == APPROVAL, EditionStep.state == AGREED)
        .order_by(EditionStep.decided_at.desc(), EditionStep.id.desc())
    )
    approver = uow.session.scalars(approved.limit(1)).first() if edition.approved_at else None
    return EditionShown(edition, author.display_name, approver or "", not author.active)


def _editions(uow: UnitOfWork, controlled_id: str, after: str | None) -> Page[EditionShown]:
    of_document = select(Edition).where(Edition.controlled_document_id == controlled_id, uow.visible("edition"))
    page = fetch_page(
        uow.session,
        of_document,
        (Edition.ordinal, Edition.id),
        after=after,
        descending=True,
        limit=EDITIONS_SHOWN,
    )
    return Page([_shown(uow, row[0]) for row in page.items], page.next_key)
