"""Pages of forms: which there are, taken along as PDF or Word, filed with one click."""

from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.forms.filling import DECLARATION_SOURCE, FileType, file_form, list_forms, open_form
from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.language import LANGUAGES
from archive_app.kernel.permissions import Permission
from archive_app.web.downloads import package_answer
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

FILE_TYPES = (("pdf", "PDF"), ("docx", "Word"))
"""What a form can be taken as: names that are the same in every language."""

blueprint = Blueprint("forms", __name__, template_folder="templates")


@blueprint.get("/engagements/<engagement_id>/forms")
@requires(Permission.ENGAGEMENTS_READ)
def forms_page(engagement_id: str) -> ResponseReturnValue:
    """The forms of an engagement."""
    page = list_forms(current_actor(), engagement_id=engagement_id, after=request.args.get("after"))
    shown = {"languages": LANGUAGES, "language": _language(), "file_types": FILE_TYPES}
    return render_template("forms/forms.html", page=page, declaration_source=DECLARATION_SOURCE, **shown)


@blueprint.get("/engagements/<engagement_id>/forms/<form>.<file_type>")
@requires(Permission.ENGAGEMENTS_READ)
def form_file(engagement_id: str, form: str, file_type: str) -> ResponseReturnValue:
    """A form of the engagement as a file."""
    return _file(engagement_id, form, file_type, None)


@blueprint.get("/engagements/<engagement_id>/forms/nonconformities/<nonconformity_id>/<sheet>.<file_type>")
@requires(Permission.ENGAGEMENTS_READ)
def nonconformity_file(engagement_id: str, nonconformity_id: str, sheet: str, file_type: str) -> ResponseReturnValue:
    """A form about one nonconformity as a file."""
    return _file(engagement_id, sheet, file_type, nonconformity_id)


@blueprint.post("/engagements/<engagement_id>/forms/<form>/file")
@requires(Permission.RECORDS_DESCRIBE)
def file_action(engagement_id: str, form: str) -> ResponseReturnValue:
    """Files a form as a document of its record type."""
    try:
        filed = file_form(
            current_actor(),
            engagement_id=engagement_id,
            code=form,
            file_type=_file_type(request.form.get("file_type", "")),
            language=request.form.get("language", ""),
            nonconformity_id=request.form.get("nonconformity_id") or None,
        )
    except NotFoundError:
        raise
    except ArchiveError as error:
        flash(error.text(current_language()), "danger")
        return redirect(url_for("forms.forms_page", engagement_id=engagement_id), 303)
    if filed.again:
        flash(_("This form is in the engagement already, exactly as it is. Nothing was filed again."), "info")
    elif filed.complete:
        flash(_("The form was filed as a record."), "success")
    else:
        flash(
            _(
                "The form was filed and proposed as a record. Once it is filled in and signed, bring its scan as a new "
                "version and confirm the record."
            ),
            "success",
        )
    return redirect(url_for("documents.document_page", document_id=filed.document_id), 303)


def _file(engagement_id: str, code: str, file_type: str, nonconformity_id: str | None) -> ResponseReturnValue:
    made = open_form(
        current_actor(),
        engagement_id=engagement_id,
        code=code,
        file_type=_file_type(file_type),
        language=_language(),
        nonconformity_id=nonconformity_id,
    )
    return package_answer(BytesIO(made.content), name=made.name)


def _file_type(wanted: str) -> FileType:
    try:
        return FileType(wanted)
    except ValueError:
        raise NotFoundError from None


def _language() -> str:
    """The language that somebody chose for the forms, else that of the pages."""
    return request.args.get("language") or current_language()
