"""The printed papers of a case file in the layouts of DA/T 22 and GB/T 9705: 案卷封面, 卷内目录, 卷内备考表, labels for
spine and box, and the catalogue of several case files 案卷目录."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from archive_app.engagements.record_types import record_type_name
from archive_app.filing.categories import RETENTIONS
from archive_app.filing.outputs.codes import bar_modules, square_rows
from archive_app.filing.reading import CaseFileView, ItemView
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.typesetting import typeset

SPINE_WIDTHS_MM = (20, 30, 40, 50)
_TEMPLATE = Path(__file__).with_name("papers.typ")
_LEVELS = {
    Level.PUBLIC: N_("Public"),
    Level.INTERNAL: N_("Internal"),
    Level.SENSITIVE: N_("Sensitive"),
    Level.RESTRICTED: N_("Restricted"),
}
_WORDS = {
    "cover": N_("Case file"),
    "catalogue": N_("Contents of the case file"),
    "note": N_("Note to the case file"),
    "register": N_("Catalogue of case files"),
    "fonds_name": N_("Name of the fonds"),
    "category": N_("Category"),
    "title": N_("Title of the case file"),
    "client": N_("Client"),
    "engagement": N_("Engagement"),
    "span": N_("Dates"),
    "year": N_("Year"),
    "retention": N_("Retention"),
    "level": N_("Secrecy level"),
    "count": N_("Number of items"),
    "pages": N_("Number of pages"),
    "number": N_("Archival number"),
    "place": N_("Item No."),
    "originator": N_("Originator"),
    "document_number": N_("Document number"),
    "item_title": N_("Title"),
    "date": N_("Date of the document"),
    "page": N_("Begins on page"),
    "remark": N_("Remarks"),
    "sum": N_("This case file holds %(items)s items on %(pages)s pages."),
    "sum_known": N_("This case file holds %(items)s items; the pages that are known are %(pages)s."),
    "situation": N_("State of the case file"),
    "filed_by": N_("Arranged by"),
    "checked_by": N_("Checked by"),
    "on": N_("On this day"),
    "draft": N_("Not numbered yet"),
    "cut": N_("Cut along the line"),
}


class Paper(StrEnum):
    """What can be printed of a case file."""

    COVER = "cover"
    CATALOGUE = "catalogue"
    NOTE = "note"
    LABELS = "labels"


class NotNumberedError(ArchiveError):
    """A label bears the archival number, and there is none yet."""

    code = "case_file_not_numbered"
    message = N_(
        "This case file has no archival number yet, which labels are made of. Nothing was printed; it gets its number "
        "when it is submitted for archiving."
    )


def papers_pdf(
    view: CaseFileView, papers: Sequence[Paper], *, language: str, moment: datetime, spine_mm: int = SPINE_WIDTHS_MM[1]
) -> bytes:
    """The papers one after another. Raises: NotNumberedError, NoChineseFontError, TypesettingError."""
    if Paper.LABELS in papers and not view.number:
        raise NotNumberedError
    facts = {
        "papers": [paper.value for paper in papers],
        "file": file_facts(view, language, moment),
        "items": [_item_row(item, language) for item in view.items],
        "spine": spine_mm,
        "foot": " · ".join(filter(None, (view.number or view.engagement_number, view.title))),
    }
    return typeset(_TEMPLATE, _with_words(facts, language), language=language, moment=moment)


def register_pdf(views: Sequence[CaseFileView], *, language: str, moment: datetime) -> bytes:
    """The catalogue of several case files 案卷目录. Raises: NoChineseFontError, TypesettingError."""
    facts = {
        "papers": ["register"],
        "files": [file_facts(view, language, moment) for view in views],
        "foot": views[0].organisation_name if views else "",
    }
    return typeset(_TEMPLATE, _with_words(facts, language), language=language, moment=moment)


def file_facts(view: CaseFileView, language: str, moment: datetime) -> dict[str, Any]:
    """A case file in words, as papers show it."""
    shown = [item for item in view.items if not item.hidden]
    level = max((Level(item.level) for item in shown), default=Level.INTERNAL)
    retention = RETENTIONS.get(view.retention, view.retention)
    all_known = all(item.pages is not None for item in view.items)
    days = [str(day) for day in (view.from_date, view.to_date) if day]
    return {
        "number": view.number,
        "fonds": view.fonds,
        "organisation": view.organisation_name,
        "category": view.category,
        "title": view.title,
        "client": view.client_name,
        "engagement": f"{view.engagement_number} {view.engagement_title}",
        "year": str(view.year),
        "retention": translate(language, retention),
        "retention_code": view.retention,
        "level": translate(language, _LEVELS[level]),
        "span": " – ".join(dict.fromkeys(days)),
        "count": str(len(view.items)),
        # Of files that nobody counted there is room to write it by hand.
        "pages": str(view.pages or ""),
        "place": f"{view.position} / {view.count}",
        "sum": translate(
            language, _WORDS["sum" if all_known else "sum_known"], items=len(view.items), pages=view.pages
        ),
        "remark": view.remark,
        "situation": "\n".join(_situation(view, language)),
        "filed_by": view.submitted_by,
        "filed_on": _day(view.submitted_at, moment),
        "checked_by": view.accepted_by,
        "checked_on": _day(view.accepted_at, moment),
        "printed_on": str(moment.date()),
        "bars": bar_modules(view.number),
        "squares": square_rows(view.number) if view.number else [],
    }


def _situation(view: CaseFileView, language: str) -> list[str]:
    """What a note says besides numbers: what is missing, was added late or opened again, and the seals."""
    told = []
    if view.remark:
        told.append(view.remark)
    unknown = sum(1 for item in view.items if item.pages is None)
    if unknown:
        told.append(translate(language, N_("The pages of %(count)s items are not known."), count=unknown))
    hidden = sum(1 for item in view.items if item.hidden)
    if hidden:
        told.append(
            translate(language, N_("%(count)s items are above your level and stand without a title."), count=hidden)
        )
    told += [
        translate(
            language,
            N_("Added late: item %(place)s, because: %(reason)s"),
            place=item.position,
            reason=item.late_reason,
        )
        for item in view.items
        if item.late_reason
    ]
    told += [
        translate(
            language,
            N_("Opened again on %(day)s by %(name)s, because: %(reason)s"),
            day=_day(one.reopened_at, view.created_at),
            name=one.reopened_by,
            reason=one.reason,
        )
        for one in view.reopenings
    ]
    told += [
        translate(
            language,
            N_("Seal %(ordinal)s of %(day)s by %(name)s, digest of its manifest (SHA-256): %(digest)s"),
            ordinal=seal.ordinal,
            day=_day(seal.sealed_at, view.created_at),
            name=seal.sealed_by,
            digest=seal.manifest_sha256,
        )
        for seal in view.seals
    ]
    return told


def _item_row(item: ItemView, language: str) -> dict[str, str]:
    if item.hidden:
        title = translate(language, N_("(above your level)"))
        return _row(item, title=title)
    remarks = [record_type_name(item.type).text(language)] if item.type else []
    if item.late_reason:
        remarks.append(translate(language, N_("Added late")))
    if item.withdrawn:
        remarks.append(translate(language, N_("Withdrawn")))
    if item.remark:
        remarks.append(item.remark)
    return _row(
        item,
        title=item.title,
        originator=item.originator,
        document_number=item.document_number,
        date=str(item.dated_on) if item.dated_on else "",
        remark="\n".join(remarks),
    )


def _row(item: ItemView, *, title: str, originator: str = "", document_number: str = "", **more: str) -> dict[str, str]:
    return {
        "place": str(item.position),
        "number": item.number,
        "title": title,
        "originator": originator,
        "document_number": document_number,
        "page": str(item.first_page) if item.first_page else "",
        "pages": "" if item.pages is None else str(item.pages),
        "date": "",
        "remark": "",
        **more,
    }


def _with_words(facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    words = {name: translate(language, text) for name, text in _WORDS.items() if "%(" not in text}
    return {**facts, "words": words}


def _day(instant: datetime | None, like: datetime) -> str:
    return str(instant.astimezone(like.tzinfo).date()) if instant else ""
