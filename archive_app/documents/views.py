"""Pages of documents: the engagement's desk, the document, its content."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents import resuming, uploads
from archive_app.documents.checking import check_document
from archive_app.documents.control import CONTROLS, OBSOLETE
from archive_app.documents.errors import MarkedOnlyError
from archive_app.documents.kinds import KIND_NAMES
from archive_app.documents.looking import list_documents, open_content, page_picture, view_document
from archive_app.documents.reading import READING_NOTES, notes_of, read_again
from archive_app.documents.text_view import Spot
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.glass import glass_alarms
from archive_app.engagements.standing import ONLY_READS, view_standing
from archive_app.engagements.teams import list_team
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import read_level
from archive_app.kernel.permissions import Permission
from archive_app.trail.reading import document_history
from archive_app.web.downloads import content_answer
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.panels import document_panels
from archive_app.web.uploads import form_files, request_body
from search import LONGEST_QUERY_CHARS

blueprint = Blueprint(
    "documents", __name__, template_folder="templates", static_folder="static", static_url_path="/documents/static"
)
_PART = re.compile(r"[1-9]\d{0,5}(/[1-9]\d{0,5}){0,5}", re.ASCII)
_LATEST_MILLISECONDS = 2**42
_REPR_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


@blueprint.get("/engagements/<engagement_id>")
@requires(Permission.ENGAGEMENTS_READ)
def engagement_page(engagement_id: str) -> ResponseReturnValue:
    """The desk of an engagement: drop files, see what is there."""
    actor = current_actor()
    view = view_engagement(actor, engagement_id=engagement_id)
    standing = view_standing(actor, engagement_id=engagement_id)
    text = request.args.get("text", "")
    page = list_documents(actor, engagement_id=engagement_id, after=request.args.get("after"), text=text)
    lines = uploads.list_uploads(actor, engagement_id=engagement_id, language=current_language())
    return render_template(
        "documents/engagement.html",
        view=view,
        page=page,
        text=text,
        uploads=lines,
        team=list_team(actor, engagement_id=engagement_id),
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        standing=standing,
        may_add=standing.works and actor.may(Permission.DOCUMENTS_ADD) and view.engagement.sealed_at is None,
        may_classify=standing.leads and actor.may(Permission.DOCUMENTS_CLASSIFY),
        kind_names=KIND_NAMES,
    )


@blueprint.post("/engagements/<engagement_id>/uploads")
@requires(Permission.DOCUMENTS_ADD)
def announce(engagement_id: str) -> ResponseReturnValue:
    """A script announces the files it is going to send."""
    told = request.get_json()
    lines = uploads.announce(
        current_actor(),
        engagement_id=engagement_id,
        offers=_offers(told),
        origin=_origin(told),
        document_id=_text(told, "document_id") or None,
    )
    return jsonify([_line(upload) for upload in lines])


@blueprint.put("/uploads/<upload_id>/content")
@requires(Permission.DOCUMENTS_ADD, streaming=True)
def receive(upload_id: str) -> ResponseReturnValue:
    """A script sends the bytes of one announced file."""
    stream, length = request_body(request)
    upload = uploads.receive(
        current_actor(),
        upload_id=upload_id,
        stream=stream,
        expected_bytes=length,
        claimed_media_type=request.mimetype,
    )
    return jsonify(_line(upload)), 201


@blueprint.get("/uploads/<upload_id>")
@requires(Permission.DOCUMENTS_ADD)
def upload_line(upload_id: str) -> ResponseReturnValue:
    """Where one announced file stands, for a sender whose line broke."""
    return jsonify(_line(uploads.view_upload(current_actor(), upload_id=upload_id)))


@blueprint.put("/uploads/<upload_id>/parts/<int:start>")
@requires(Permission.DOCUMENTS_ADD, streaming=True)
def receive_part(upload_id: str, start: int) -> ResponseReturnValue:
    """A script sends a part of one announced file; the last part files it."""
    stream, length = request_body(request)
    upload = resuming.receive_part(
        current_actor(),
        upload_id=upload_id,
        start=start,
        stream=stream,
        expected_bytes=length,
        claimed_media_type=request.mimetype,
        expected_sha256=_digest_of_whole(),
    )
    return jsonify(_line(upload)), 200 if upload.state == "waiting" else 201


def _digest_of_whole() -> bytes | None:
    """The SHA-256 that the sender knows, as RFC 9530 writes it: `Repr-Digest: sha-256=:…:`."""
    told = request.headers.get("Repr-Digest", "")
    found = _REPR_DIGEST.search(told)
    return base64.b64decode(found[1]) if found else None


@blueprint.post("/engagements/<engagement_id>/files")
@requires(Permission.DOCUMENTS_ADD, streaming=True)
def receive_form(engagement_id: str) -> ResponseReturnValue:
    """A plain form sends files; each is filed or refused by itself."""
    actor = current_actor()
    for part in form_files(request):
        told = part.fields
        offer = uploads.Offer(part.name, 0)
        document_id = told.get("document_id") or None
        try:
            level = read_level(told.get("level", ""))
            origin = uploads.Origin(told.get("activity", ""), told.get("originator", ""), level=level)
            upload = uploads.announce_one(
                actor, engagement_id=engagement_id, offer=offer, origin=origin, document_id=document_id
            )
            uploads.receive(
                actor,
                upload_id=upload.id,
                stream=part.stream,
                expected_bytes=None,
                claimed_media_type=part.media_type,
            )
        except ArchiveError as error:
            flash(f"{part.name}: {error.text(current_language())}", "danger")
    return redirect(url_for("documents.engagement_page", engagement_id=engagement_id), 303)


@blueprint.get("/engagements/<engagement_id>/uploads")
@requires(Permission.DOCUMENTS_READ)
def upload_list(engagement_id: str) -> ResponseReturnValue:
    """The list of files offered, for the script of the page."""
    lines = uploads.list_uploads(current_actor(), engagement_id=engagement_id, language=current_language())
    return jsonify([_shown(line) for line in lines])


@blueprint.post("/engagements/<engagement_id>/uploads/clear")
@requires(Permission.DOCUMENTS_ADD)
def clear_uploads(engagement_id: str) -> ResponseReturnValue:
    """Takes finished lines off the list."""
    uploads.clear_list(current_actor(), engagement_id=engagement_id)
    return redirect(url_for("documents.engagement_page", engagement_id=engagement_id), 303)


@blueprint.post("/uploads/<upload_id>/decision")
@requires(Permission.DOCUMENTS_ADD)
def decide_duplicate(upload_id: str) -> ResponseReturnValue:
    """The person decides about a duplicate: file it all the same, or let it go."""
    actor = current_actor()
    if request.form.get("decision") == "keep":
        document_id = uploads.keep_duplicate(actor, upload_id=upload_id)
        return redirect(url_for("documents.document_page", document_id=document_id), 303)
    engagement_id = uploads.discard_duplicate(actor, upload_id=upload_id)
    return redirect(url_for("documents.engagement_page", engagement_id=engagement_id), 303)


@blueprint.get("/documents/<document_id>")
@requires(Permission.DOCUMENTS_READ)
def document_page(document_id: str) -> ResponseReturnValue:
    """One document: preview or text, metadata, versions, custody history, integrity."""
    actor = current_actor()
    args = request.args
    spot = Spot(
        page=args.get("page", type=int),
        slide=args.get("slide", type=int),
        row=args.get("row", ""),
        part=args.get("part", "") if _PART.fullmatch(args.get("part", "")) else "",
        at=args.get("at", type=int),
        query=args.get("q", "")[:LONGEST_QUERY_CHARS],
    )
    page = view_document(actor, document_id=document_id, number=args.get("version", type=int), spot=spot)
    standing = ONLY_READS if page.in_library else view_standing(actor, engagement_id=page.engagement.id)
    return render_template(
        "documents/document.html",
        page=page,
        alarms=glass_alarms(actor, engagement_id=page.engagement.id),
        standing=standing,
        may_classify=standing.leads and actor.may(Permission.DOCUMENTS_CLASSIFY),
        spot=spot,
        notes=[READING_NOTES[code] for code in notes_of(page.version) if code in READING_NOTES],
        part_notes=READING_NOTES,
        notes_of=notes_of,
        history=document_history(actor, document_id=document_id, after=request.args.get("after")),
        may_add=standing.works and actor.may(Permission.DOCUMENTS_ADD) and page.engagement.sealed_at is None,
        kind_names=KIND_NAMES,
        control=CONTROLS.get(page.document.control, ""),
        obsolete=page.document.control in OBSOLETE,
        panels=document_panels(document_id),
    )


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/content")
@requires(Permission.DOCUMENTS_READ)
def content(document_id: str, number: int) -> ResponseReturnValue:
    """The exact original bytes, as a download; ranges are answered. Who sees it by a mark is led to what bears one."""
    try:
        opened = open_content(current_actor(), document_id=document_id, number=number)
    except MarkedOnlyError:
        return redirect(url_for("giving.package", document_id=document_id, number=number), 303)
    version = opened.version
    return content_answer(
        opened.stream,
        name=version.name,
        size_bytes=version.size_bytes,
        sha256=version.sha256,
        modified_at=version.filed_at,
    )


@blueprint.get(
    "/documents/<document_id>/versions/<int(max=999999):number>/pages/<int(max=999999):page>-<int(max=9999):width>.webp"
)
@requires(Permission.DOCUMENTS_READ)
def picture(document_id: str, number: int, page: int, width: int) -> ResponseReturnValue:
    """A picture of one page, counted from 1."""
    drawn = page_picture(current_actor(), document_id=document_id, number=number, page_index=page - 1, width_px=width)
    return Response(drawn, mimetype="image/webp")


@blueprint.post("/documents/<document_id>/check")
@requires(Permission.DOCUMENTS_READ)
def check(document_id: str) -> ResponseReturnValue:
    """Checks the document's integrity now."""
    faults = check_document(current_actor(), document_id=document_id)
    if faults:
        flash(
            _(
                "%(count)s faults were found. Tell your administrator: they can be restored from a backup.",
                count=len(faults),
            ),
            "danger",
        )
    else:
        flash(_("Every version was read back and is unaltered."), "success")
    return redirect(url_for("documents.document_page", document_id=document_id), 303)


@blueprint.post("/documents/<document_id>/read-again")
@requires(Permission.DOCUMENTS_ADD)
def repeat_reading(document_id: str) -> ResponseReturnValue:
    """Has the text read again."""
    read_again(current_actor(), document_id=document_id)
    flash(_("The document will be read again in a moment."), "success")
    return redirect(url_for("documents.document_page", document_id=document_id), 303)


def _offers(told: Any) -> list[uploads.Offer]:
    files = told.get("files") if isinstance(told, dict) else None
    if not isinstance(files, list):
        raise InvalidInputError(field=N_("Files"), reason=N_("A list of files is missing."))
    return [_offer(entry) for entry in files]


def _offer(entry: Any) -> uploads.Offer:
    if not isinstance(entry, dict):
        raise InvalidInputError(field=N_("Files"), reason=N_("A list of files is missing."))
    size, modified = entry.get("size"), entry.get("modified")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise InvalidInputError(field=N_("Files"), reason=N_("The size of a file is missing."))
    moment = None
    if type(modified) is int and 0 < modified < _LATEST_MILLISECONDS:
        moment = datetime.fromtimestamp(modified / 1000, UTC)
    return uploads.Offer(_text(entry, "path"), size, moment)


def _origin(told: Mapping[str, Any]) -> uploads.Origin:
    level = read_level(_text(told, "level"))
    return uploads.Origin(_text(told, "activity"), _text(told, "originator"), _text(told, "source_system"), level)


def _text(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key, "")
    if not isinstance(value, str):
        raise InvalidInputError(field=key, reason=N_("This must be text."))
    return value


def _line(upload: Any) -> dict[str, object]:
    return _shown(uploads.line_of(upload, current_language()))


def _shown(line: uploads.UploadLine) -> dict[str, object]:
    return {
        "id": line.id,
        "name": line.name,
        "path": line.path,
        "size": line.size_bytes,
        "state": line.state,
        "reason": line.reason,
        "received": line.received_bytes,
        "address": url_for("documents.upload_line", upload_id=line.id),
        "parts": url_for("documents.receive_part", upload_id=line.id, start=0).removesuffix("0"),
        "document": url_for("documents.document_page", document_id=line.document_id) if line.document_id else None,
        "title": line.document_title,
        "content": url_for("documents.receive", upload_id=line.id),
        "decision": url_for("documents.decide_duplicate", upload_id=line.id),
    }
