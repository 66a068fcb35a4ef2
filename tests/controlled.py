"""Controlled documents for tests: people with a hand in them, and editions brought into force by the use cases."""

import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.management.controlled.deciding import ask_approver, ask_reviewers, decide_approval, decide_review
from archive_app.management.controlled.distributing import change_distribution
from archive_app.management.controlled.drafting import add_file, revise
from archive_app.management.controlled.issuing import issue_edition
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.controlled.registering import Description, register_document
from tests.factories import People

TEXT = "第一条 监测计划每年评审一次。\n第二条 记录保存五年。\n"


@dataclass(frozen=True)
class Cast:
    """The people of a management system: who writes, who reviews, who approves, who controls, who only reads."""

    author: Actor
    reviewer: Actor
    approver: Actor
    controller: Actor
    reader: Actor


@dataclass(frozen=True)
class IssuedDocument:
    """A controlled document that was issued, its edition and the document that is the edition's file."""

    controlled_id: str
    edition_id: str
    document_id: str
    number: str
    cast: Cast


def controlled_cast(people: People, organisation: str = "绿源核查") -> Cast:
    """People of an organisation who carry controlled documents through their life; each holds one role."""
    return Cast(
        author=people.person("staff_member", name="起草人", organisation=organisation),
        reviewer=people.person("staff_member", name="审核人", organisation=organisation),
        approver=people.person("management_representative", name="批准人", organisation=organisation),
        controller=people.person("document_controller", name="文件管理员", organisation=organisation),
        reader=people.person("staff_member", name="使用人", organisation=organisation),
    )


def drafted_document(
    cast: Cast,
    *,
    title: str = "监测程序",
    kind: str = "procedure",
    keeping: str = "maintain",
    number: str = "",
    level: Level = Level.INTERNAL,
    review_months: int | None = 12,
    content: bytes = TEXT.encode(),
    name: str = "程序.txt",
) -> tuple[str, str]:
    """A registered document with a file in its first edition; the ids of both. The author owns it."""
    issuer = "国家标准化管理委员会" if kind == "external" else ""
    described = Description(title, department="质量部", review_months=review_months, issuer=issuer)
    made = register_document(cast.author, kind=kind, described=described, number=number, keeping=keeping, level=level)
    add_file(cast.author, edition_id=made.edition_id, stream=io.BytesIO(content), name=name)
    return made.controlled_id, made.edition_id


def approve_edition(cast: Cast, edition_id: str, *, reviewed: bool = False) -> None:
    """Has a draft with a file approved, reviewed first where that is wanted."""
    author = cast.author
    if reviewed:
        [step] = ask_reviewers(author, edition_id=edition_id, people=[cast.reviewer.person_id or ""])
        decide_review(cast.reviewer, step_id=step.id, agrees=True)
    asked = ask_approver(author, edition_id=edition_id, person=cast.approver.person_id or "")
    decide_approval(cast.approver, step_id=asked.id, agrees=True)


def issued_document(
    people: People,
    cast: Cast | None = None,
    *,
    title: str = "监测程序",
    kind: str = "procedure",
    keeping: str = "maintain",
    number: str = "",
    level: Level = Level.INTERNAL,
    review_months: int | None = 12,
    content: bytes = TEXT.encode(),
    name: str = "程序.txt",
    to: Collection[Actor] = (),
    roles: Collection[str] = (),
    effective_on: date | None = None,
) -> IssuedDocument:
    """A controlled document with an edition that is issued, in force today unless another day is said; distributed to
    the people `to` and to all who hold one of `roles`."""
    cast = cast or controlled_cast(people)
    controlled_id, edition_id = drafted_document(
        cast,
        title=title,
        kind=kind,
        keeping=keeping,
        number=number,
        level=level,
        review_months=review_months,
        content=content,
        name=name,
    )
    approve_edition(cast, edition_id)
    if to or roles:
        named = [person.person_id or "" for person in to]
        change_distribution(cast.controller, controlled_id=controlled_id, people=named, roles=roles)
    issue_edition(cast.controller, edition_id=edition_id, effective_on=effective_on)
    return _issued(people, cast, edition_id)


def next_edition(
    people: People,
    issued: IssuedDocument,
    *,
    content: bytes = TEXT.encode() + "第三条 新增。\n".encode(),
    name: str = "程序.txt",
) -> IssuedDocument:
    """The next edition of it, in force today."""
    edition = revise(issued.cast.author, controlled_id=issued.controlled_id, change_note="按评审意见修订")
    add_file(issued.cast.author, edition_id=edition.id, stream=io.BytesIO(content), name=name)
    approve_edition(issued.cast, edition.id)
    issue_edition(issued.cast.controller, edition_id=edition.id)
    return _issued(people, issued.cast, edition.id)


def _issued(people: People, cast: Cast, edition_id: str) -> IssuedDocument:
    with people.archive.reading(Actor.system("test")) as uow:
        row = uow.session.execute(
            select(ControlledDocument.id, ControlledDocument.number, Edition.document_id)
            .join(Edition, Edition.controlled_document_id == ControlledDocument.id)
            .where(Edition.id == edition_id)
        ).one()
    return IssuedDocument(row[0], edition_id, row[2] or "", row[1], cast)
