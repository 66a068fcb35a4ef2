"""Pages of controlled documents: the master list, registering one, one with its editions, and patterns of numbers."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.kernel.archive import current_archive
from archive_app.kernel.levels import read_level
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.drafting import revise
from archive_app.management.controlled.editing.views import document_shown
from archive_app.management.controlled.forms import DescriptionForm, NewDocumentForm, PatternForm, RevisionForm
from archive_app.management.controlled.kinds import BADGES, DOCUMENT_STATES, KINDS, STATES
from archive_app.management.controlled.master_list import (
    REVIEWS,
    Filters,
    export_list,
    list_controlled,
    other_organisations,
)
from archive_app.management.controlled.numbering import list_patterns, set_pattern
from archive_app.management.controlled.registering import describe_document, next_label, register_document
from archive_app.management.controlled.showing import ControlledPage, view_controlled, view_owners
from archive_app.web.downloads import package_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "controlled",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/controlled/static",
)
_WORDS = {"kinds": KINDS, "states": STATES, "document_states": DOCUMENT_STATES, "badges": BADGES}


@blueprint.get("/controlled")
@requires(Permission.CONTROLLED_READ)
def list_page() -> ResponseReturnValue:
    """The master list, filters in the URL."""
    filters = _filters()
    page = list_controlled(current_actor(), filters=filters, after=request.args.get("after"))
    actor = current_actor()
    others = other_organisations(actor) if actor.may(Permission.SUPERVISION_USE) else ()
    return render_template("controlled/list.html", page=page, filters=filters, others=others, reviews=REVIEWS, **_WORDS)


@blueprint.get("/controlled/list.xlsx")
@requires(Permission.CONTROLLED_READ, confirmed=True)
def export() -> ResponseReturnValue:
    """The same as a workbook, all of it."""
    blocks = export_list(current_actor(), filters=_filters(), language=current_language())
    day = current_archive().today().isoformat()
    return package_answer(blocks, name=_("Controlled documents %(day)s", day=day) + ".xlsx")


@blueprint.get("/controlled/new")
@requires(Permission.CONTROLLED_WRITE)
def new_page() -> ResponseReturnValue:
    """The form to register one."""
    return _new(NewDocumentForm(current_language(), current_actor().highest_level, formdata=None))


@blueprint.post("/controlled")
@requires(Permission.CONTROLLED_WRITE)
def register_action() -> ResponseReturnValue:
    """Registers one."""
    form = NewDocumentForm(current_language(), current_actor().highest_level)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            done = register_document(
                current_actor(),
                kind=form.kind.data,
                described=form.described(),
                number=form.number.data or "",
                keeping=form.keeping.data,
                level=read_level(form.level.data),
                label=form.label.data or "",
            )
            flash(
                _("%(number)s is on the list. Add the file of its first edition next.", number=done.number), "success"
            )
            return _to(done.controlled_id)
    return _new(form)


@blueprint.get("/controlled/patterns")
@requires(Permission.CONTROLLED_MANAGE)
def patterns_page() -> ResponseReturnValue:
    """How each kind of document is numbered."""
    return _patterns(PatternForm(current_language(), formdata=None))


@blueprint.post("/controlled/patterns")
@requires(Permission.CONTROLLED_MANAGE)
def pattern_action() -> ResponseReturnValue:
    """Sets the pattern of a kind."""
    form = PatternForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            set_pattern(current_actor(), kind=form.kind.data, pattern=form.pattern.data)
            flash(_("New documents of this kind are numbered like this. Numbers that were given stay."), "success")
            return redirect(url_for("controlled.patterns_page"), 303)
    return _patterns(form)


@blueprint.get("/controlled/<controlled_id>")
@requires(Permission.CONTROLLED_READ)
def document_page(controlled_id: str) -> ResponseReturnValue:
    """One controlled document: the edition in force, the one on its way, and its history."""
    return document_shown(controlled_id)


@blueprint.get("/controlled/<controlled_id>/description")
@requires(Permission.CONTROLLED_MANAGE)
def description_page(controlled_id: str) -> ResponseReturnValue:
    """The form that says anew what it is about."""
    page = view_controlled(current_actor(), controlled_id=controlled_id)
    form = DescriptionForm(formdata=None, obj=page.controlled)
    form.owner.data = ""
    return _description(page, form)


@blueprint.post("/controlled/<controlled_id>/description")
@requires(Permission.CONTROLLED_MANAGE)
def describe_action(controlled_id: str) -> ResponseReturnValue:
    """Says it."""
    form = DescriptionForm()
    page = view_controlled(current_actor(), controlled_id=controlled_id)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            describe_document(current_actor(), controlled_id=controlled_id, described=form.described())
            return _to(controlled_id)
    return _description(page, form)


@blueprint.get("/controlled/<controlled_id>/revision")
@requires(Permission.CONTROLLED_WRITE)
def revision_page(controlled_id: str) -> ResponseReturnValue:
    """The form that begins the next edition."""
    page = view_controlled(current_actor(), controlled_id=controlled_id)
    form = RevisionForm(formdata=None)
    form.label.data = next_label(page.in_force.edition.label) if page.in_force else ""
    return _revision(page, form)


@blueprint.post("/controlled/<controlled_id>/revision")
@requires(Permission.CONTROLLED_WRITE)
def revise_action(controlled_id: str) -> ResponseReturnValue:
    """Begins it."""
    form = RevisionForm()
    page = view_controlled(current_actor(), controlled_id=controlled_id)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            edition = revise(
                current_actor(),
                controlled_id=controlled_id,
                change_note=form.change_note.data or "",
                label=form.label.data or "",
            )
            flash(_("Edition %(label)s is begun. The one in force stays in force.", label=edition.label), "success")
            return _to(controlled_id)
    return _revision(page, form)


def _filters() -> Filters:
    args = request.args
    names = ("text", "kind", "state", "department", "owner", "review", "organisation")
    told = {name: args.get(name, "") for name in names}
    return Filters(**told, mine=bool(args.get("mine")))


def _to(controlled_id: str) -> ResponseReturnValue:
    return redirect(url_for("controlled.document_page", controlled_id=controlled_id), 303)


def _new(form: NewDocumentForm) -> ResponseReturnValue:
    shown = render_template("controlled/new.html", form=form, owners=view_owners(current_actor()))
    return shown, form_status(form)


def _description(page: ControlledPage, form: DescriptionForm) -> ResponseReturnValue:
    owners = view_owners(current_actor())
    return render_template("controlled/description.html", page=page, form=form, owners=owners), form_status(form)


def _revision(page: ControlledPage, form: RevisionForm) -> ResponseReturnValue:
    return render_template("controlled/revision.html", page=page, form=form), form_status(form)


def _patterns(form: PatternForm) -> ResponseReturnValue:
    patterns = list_patterns(current_actor())
    shown = render_template("controlled/patterns.html", form=form, patterns=patterns, kinds=KINDS)
    return shown, form_status(form)
