"""Pages of records: the list of an engagement with its keyboard, one record, and the register of the seal."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.recording import ACTIVITY_DATA_FIELDS, STATES
from archive_app.casework.records.at_once import Line, accept_many, confirm_proposals, describe_many, return_many
from archive_app.casework.records.describing import (
    ACCEPTABLE,
    RETURNABLE,
    RecordPage,
    accept_record,
    describe_record,
    return_record,
    stamp_of,
    view_for_describing,
    view_record,
)
from archive_app.casework.records.facts import FACETS, METHODS, VERDICTS, Facts, facts_of
from archive_app.casework.records.forms import RecordForm, SealForm, facts_of_proposal, named, type_choices, values_of
from archive_app.casework.records.listing import UNDESCRIBED, RecordFilters, count_records, list_records
from archive_app.casework.records.renditions import RENDITIONS, link_rendition, part_rendition, rendition_choices
from archive_app.casework.records.seals import export_seal_uses, list_seal_uses, register_seal_use
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.record_types import all_record_types, record_type_name
from archive_app.engagements.standing import view_standing
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.downloads import package_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, is_confirmed, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "records", __name__, template_folder="templates", static_folder="static", static_url_path="/records/static"
)
_KEPT = ("type", "state", "text", "after")


@blueprint.app_context_processor
def record_words() -> dict[str, object]:
    """The words of records, for the pages here and for the panel on the page of a document."""
    return {
        "record_states": STATES,
        "record_type_words": lambda code: record_type_name(code).text(current_language()),
    }


@blueprint.get("/engagements/<engagement_id>/records")
@requires(Permission.DOCUMENTS_READ)
def records_page(engagement_id: str) -> ResponseReturnValue:
    """All documents of the engagement, and what is said or proposed about each."""
    actor, args, language = current_actor(), request.args, current_language()
    filters = RecordFilters(args.get("type", ""), args.get("state", ""), args.get("text", ""))
    standing = view_standing(actor, engagement_id=engagement_id)
    return render_template(
        "records/records.html",
        view=view_engagement(actor, engagement_id=engagement_id),
        page=list_records(actor, engagement_id=engagement_id, filters=filters, after=args.get("after")),
        counts=count_records(actor, engagement_id=engagement_id),
        filters=filters,
        kept={name: args[name] for name in _KEPT if args.get(name)},
        types=type_choices(language),
        facets=named(FACETS, language),
        methods=named(METHODS, language),
        verdicts=named(VERDICTS, language),
        undescribed=UNDESCRIBED,
        acceptable=ACCEPTABLE,
        may_describe=standing.works and actor.may(Permission.RECORDS_DESCRIBE),
        may_accept=standing.works and actor.may(Permission.RECORDS_ACCEPT),
    )


@blueprint.post("/engagements/<engagement_id>/records/describe")
@requires(Permission.RECORDS_DESCRIBE)
def describe_chosen(engagement_id: str) -> ResponseReturnValue:
    """Says the same of all chosen documents."""
    facts = _facts("")
    return _told(
        engagement_id, describe_many(current_actor(), engagement_id=engagement_id, document_ids=_chosen(), facts=facts)
    )


@blueprint.post("/engagements/<engagement_id>/records/confirm")
@requires(Permission.RECORDS_DESCRIBE)
def confirm_chosen(engagement_id: str) -> ResponseReturnValue:
    """Makes what was proposed about the chosen documents, or about one of them, facts as they were shown."""
    proposed = {document_id: _facts(f"-{document_id}") for document_id in _chosen()}
    return _told(engagement_id, confirm_proposals(current_actor(), engagement_id=engagement_id, proposed=proposed))


@blueprint.post("/engagements/<engagement_id>/records/accept")
@requires(Permission.RECORDS_ACCEPT)
def accept_chosen(engagement_id: str) -> ResponseReturnValue:
    """Accepts the chosen records, or one of them."""
    return _told(engagement_id, accept_many(current_actor(), engagement_id=engagement_id, document_ids=_chosen()))


@blueprint.post("/engagements/<engagement_id>/records/return")
@requires(Permission.RECORDS_ACCEPT)
def return_chosen(engagement_id: str) -> ResponseReturnValue:
    """Returns the chosen records."""
    reason = request.form.get("reason", "")
    return _told(
        engagement_id, return_many(current_actor(), engagement_id=engagement_id, document_ids=_chosen(), reason=reason)
    )


@blueprint.get("/engagements/<engagement_id>/records/seals")
@requires(Permission.DOCUMENTS_READ)
def seals_page(engagement_id: str) -> ResponseReturnValue:
    """The register of the seal of one engagement."""
    actor = current_actor()
    return render_template(
        "records/seals.html",
        view=view_engagement(actor, engagement_id=engagement_id),
        page=list_seal_uses(actor, engagement_id=engagement_id, after=request.args.get("after")),
        fresh=is_confirmed(),
    )


@blueprint.post("/engagements/<engagement_id>/records/seals/table")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def export_seals(engagement_id: str) -> Response:
    """The same as a table to take along."""
    actor = current_actor()
    number = view_engagement(actor, engagement_id=engagement_id).engagement.number
    table = export_seal_uses(actor, engagement_id=engagement_id, language=current_language())
    return package_answer([table], name=f"{_('Register of the seal')} {number}.xlsx")


@blueprint.get("/documents/<document_id>/record")
@requires(Permission.DOCUMENTS_READ)
def record_page(document_id: str) -> ResponseReturnValue:
    """One document as a record."""
    return _record_page(view_record(current_actor(), document_id=document_id), SealForm(formdata=None))


@blueprint.route("/documents/<document_id>/record/form", methods=["GET", "POST"])
@requires(Permission.RECORDS_DESCRIBE)
def describe_page(document_id: str) -> ResponseReturnValue:
    """Describes a document as a record."""
    actor = current_actor()
    view = view_for_describing(actor, document_id=document_id)
    known = facts_of(view.record) if view.record else facts_of_proposal(view.proposal)
    form = RecordForm(current_language(), data=values_of(known) | {"seen": stamp_of(view.record)})
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record = describe_record(actor, document_id=document_id, facts=form.facts(), seen=form.seen.data or "")
            if record.state == "accepted":
                flash(_("The record was described."), "success")
            else:
                flash(_("The record was described. It waits until it is accepted."), "info")
            return redirect(url_for("records.record_page", document_id=document_id), 303)
    types = [code for code, one in all_record_types().items() if one.activity_data]
    shown = render_template(
        "records/describe.html", view=view, form=form, activity_data=ACTIVITY_DATA_FIELDS, activity_types=types
    )
    return shown, form_status(form)


@blueprint.post("/documents/<document_id>/record/accept")
@requires(Permission.RECORDS_ACCEPT)
def accept_action(document_id: str) -> ResponseReturnValue:
    """Accepts one record."""
    accept_record(current_actor(), document_id=document_id, seen_state=request.form.get("seen", ""))
    flash(_("The record was accepted."), "success")
    return redirect(url_for("records.record_page", document_id=document_id), 303)


@blueprint.post("/documents/<document_id>/record/return")
@requires(Permission.RECORDS_ACCEPT)
def return_action(document_id: str) -> ResponseReturnValue:
    """Returns one record."""
    told = request.form
    reason = told.get("reason", "")
    return_record(current_actor(), document_id=document_id, reason=reason, seen_state=told.get("seen", ""))
    flash(_("The record was returned."), "success")
    return redirect(url_for("records.record_page", document_id=document_id), 303)


@blueprint.post("/documents/<document_id>/record/renditions")
@requires(Permission.RECORDS_DESCRIBE)
def link_action(document_id: str) -> ResponseReturnValue:
    """Links a rendition to the record."""
    told = request.form
    link_rendition(
        current_actor(), document_id=told.get("document", ""), of=document_id, rendition=told.get("rendition", "")
    )
    flash(_("The rendition was linked."), "success")
    return redirect(url_for("records.record_page", document_id=document_id), 303)


@blueprint.post("/documents/<document_id>/record/parted")
@requires(Permission.RECORDS_DESCRIBE)
def part_action(document_id: str) -> ResponseReturnValue:
    """Takes a rendition from its record."""
    part_rendition(current_actor(), document_id=document_id)
    flash(_("The document is a record of its own again."), "success")
    return redirect(url_for("records.record_page", document_id=document_id), 303)


@blueprint.post("/documents/<document_id>/record/seals")
@requires(Permission.RECORDS_DESCRIBE)
def seal_action(document_id: str) -> ResponseReturnValue:
    """Registers a use of the seal on the record."""
    view = view_for_describing(current_actor(), document_id=document_id)
    form = SealForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            register_seal_use(current_actor(), document_id=document_id, facts=form.facts())
            flash(_("The use of the seal was registered."), "success")
            return redirect(url_for("records.record_page", document_id=document_id), 303)
    return _record_page(view, form)


def _record_page(view: RecordPage, form: SealForm) -> ResponseReturnValue:
    actor, document_id = current_actor(), view.document.id
    may_describe = view.works and actor.may(Permission.RECORDS_DESCRIBE)
    shown = render_template(
        "records/record.html",
        view=view,
        sections=_sections(view),
        form=form,
        choices=rendition_choices(actor, document_id=document_id) if may_describe and _is_main(view) else [],
        renditions=RENDITIONS,
        proposed=facts_of_proposal(view.proposal),
        may_describe=may_describe,
        may_accept=view.works and actor.may(Permission.RECORDS_ACCEPT) and view.record is not None,
        acceptable=ACCEPTABLE,
        returnable=RETURNABLE,
        methods=METHODS,
        facets=FACETS,
        verdicts=VERDICTS,
        missing=[_(ACTIVITY_DATA_FIELDS[name]) for name in view.missing],
    )
    return shown, form_status(form)


def _is_main(view: RecordPage) -> bool:
    return view.record is not None and view.record.rendition_of is None


def _sections(view: RecordPage) -> list[tuple[str, str]]:
    """What is said of activity data, with its name."""
    if view.record is None:
        return []
    return [(words, getattr(view.record, name)) for name, words in ACTIVITY_DATA_FIELDS.items()]


def _chosen() -> list[str]:
    only = request.form.get("only")
    return [only] if only else request.form.getlist("document")


def _facts(suffix: str) -> Facts:
    """What the fields whose names end so say; empty ones say nothing."""
    told = request.form
    days = ("evidence_on", "period_from", "period_to")
    words = ("type", "originator", "shows", "facet", "authenticity", "authenticity_reason", "paper_place")
    values: dict[str, Any] = {name: told.get(f"{name}{suffix}", "").strip() for name in words}
    values |= {name: _day(told.get(f"{name}{suffix}", "")) for name in days}
    return Facts(**values, methods=tuple(told.getlist(f"methods{suffix}")))


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInputError(field=N_("Date"), reason=N_("This is not a date.")) from error


def _told(engagement_id: str, lines: Sequence[Line]) -> ResponseReturnValue:
    kept: dict[str, Any] = {name: request.form[f"kept_{name}"] for name in _KEPT if request.form.get(f"kept_{name}")}
    back = url_for("records.records_page", engagement_id=engagement_id, **kept)
    if len(lines) == 1 and lines[0].error is None:
        flash(_("%(title)s: %(state)s.", title=lines[0].title, state=_(STATES[lines[0].state])), "success")
        return redirect(back, 303)
    view = view_engagement(current_actor(), engagement_id=engagement_id)
    done = sum(line.error is None for line in lines)
    return render_template(
        "records/results.html", view=view, lines=lines, done=done, back=back, language=current_language()
    )
