"""Pages of what is made of a case file: print it, take it along."""

from io import BytesIO

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from archive_app.filing.outputs.bound import MOST_MEGABYTES, MOST_PAGES, bind_case_file
from archive_app.filing.outputs.package import open_case_package
from archive_app.filing.outputs.papers import SPINE_WIDTHS_MM
from archive_app.filing.outputs.printing import print_papers, print_register, view_outputs
from archive_app.kernel.permissions import Permission
from archive_app.web.downloads import package_answer
from archive_app.web.gate import current_actor, is_confirmed, requires
from archive_app.web.language import current_language

blueprint = Blueprint("outputs", __name__, template_folder="templates")


@blueprint.get("/case-files/<case_file_id>/outputs")
@requires(Permission.DOCUMENTS_READ)
def outputs_page(case_file_id: str) -> ResponseReturnValue:
    """What can be printed of a case file and taken along."""
    return render_template(
        "outputs/outputs.html",
        file=view_outputs(current_actor(), case_file_id=case_file_id),
        widths=SPINE_WIDTHS_MM,
        most_pages=MOST_PAGES,
        most_megabytes=MOST_MEGABYTES,
        may_export=current_actor().may(Permission.DOCUMENTS_EXPORT),
        is_confirmed=is_confirmed(),
    )


@blueprint.post("/case-files/<case_file_id>/print")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def print_action(case_file_id: str) -> ResponseReturnValue:
    """Papers of a case file as PDF."""
    width = request.form.get("width", str(SPINE_WIDTHS_MM[1]))
    made = print_papers(
        current_actor(),
        case_file_id=case_file_id,
        what=request.form.get("what", ""),
        language=current_language(),
        spine_mm=int(width) if width.isascii() and width.isdigit() else 0,
    )
    return package_answer(BytesIO(made.content), name=made.name)


@blueprint.post("/engagements/<engagement_id>/archiving/register")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def register_action(engagement_id: str) -> ResponseReturnValue:
    """The catalogue of an engagement's case files as PDF."""
    made = print_register(current_actor(), engagement_id=engagement_id, language=current_language())
    return package_answer(BytesIO(made.content), name=made.name)


@blueprint.post("/case-files/<case_file_id>/package")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def package_action(case_file_id: str) -> ResponseReturnValue:
    """The whole case file as a ZIP."""
    made = open_case_package(current_actor(), case_file_id=case_file_id, language=current_language())
    return package_answer(made, name=made.name)


@blueprint.post("/case-files/<case_file_id>/bound")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def bound_action(case_file_id: str) -> ResponseReturnValue:
    """The whole case file as one PDF."""
    made = bind_case_file(current_actor(), case_file_id=case_file_id, language=current_language())
    return package_answer(BytesIO(made.content), name=made.name)
