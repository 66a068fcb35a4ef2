"""The one table from error codes to HTTP answers."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from flask import Flask, current_app, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.web.api.problems import Fault, is_for_programs, problem, problem_response
from archive_app.web.api.reading import faults_of
from archive_app.web.language import current_language, local_path

STATUS = {
    "not_found": 404,
    "permission_missing": 403,
    "sign_in_required": 401,
    "door_closed": 401,
    "request_over": 401,
    "request_full": 409,
    "request_closed": 409,
    "already_brought": 409,
    "too_many_files": 429,
    "code_wrong": 422,
    "confirmation_required": 403,
    "confirmation_refused": 422,
    "second_factor_wrong": 422,
    "second_factor_unreadable": 409,
    "second_factor_needed": 409,
    "no_second_factor": 409,
    "second_factor_required": 403,
    "enrolment_required": 403,
    "duties_not_separate": 409,
    "not_independent": 409,
    "token_required": 401,
    "unknown_host": 400,
    "idempotency_key_missing": 400,
    "write_in_progress": 409,
    "duplicate": 409,
    "client_exists": 409,
    "already_assigned": 409,
    "too_many_requests": 409,
    "access_opens_nothing": 409,
    "glass_already_broken": 409,
    "engagement_number_taken": 409,
    "occurrence_state": 409,
    "not_responsible": 403,
    "duty_ended": 409,
    "duty_taken_on": 409,
    "duty_records_missing": 422,
    "site_there": 409,
    "site_state": 409,
    "change_withdrawn": 409,
    "revision_on_the_way": 409,
    "kept_as_it_is": 409,
    "controlled_withdrawn": 409,
    "edition_state": 409,
    "edition_without_file": 409,
    "not_the_author": 403,
    "controlled_number_taken": 409,
    "not_asked": 409,
    "reviews_open": 409,
    "controlled_not_in_force": 409,
    "not_disclosable": 409,
    "disclosure_lives": 409,
    "disclosure_decided": 409,
    "public_code_taken": 409,
    "not_the_owner": 403,
    "not_a_withdrawer": 403,
    "register_wrong_step": 409,
    "register_still_running": 409,
    "register_rows_open": 409,
    "register_cannot_undo": 409,
    "nothing_to_file": 409,
    "file_submitted": 409,
    "item_sealed": 409,
    "not_arranged": 409,
    "number_given": 409,
    "number_rule_missing": 409,
    "series_broken": 409,
    "changed_since_checks": 409,
    "open_again": 409,
    "not_sealed": 409,
    "late_faulty": 409,
    "body_incomplete": 400,
    "search_unavailable": 503,
    "invalid_input": 422,
    "conflict": 409,
    "event_pending": 409,
    "stage_incomplete": 409,
    "scheme_altered": 409,
    "stage_changed": 409,
    "stage_not_yours": 403,
    "nothing_to_waive": 409,
    "deadline_over": 409,
    "engagement_sealed": 409,
    "record_missing": 409,
    "record_incomplete": 409,
    "rendition_chain": 409,
    "busy": 503,
    "too_large": 413,
    "too_many_tries": 429,
    "too_many_confirmations": 429,
    "confirmation_unusable": 409,
    "notice_secret_erased": 409,
    "storage_full": 507,
    "storage_unavailable": 503,
    "content_corrupt": 500,
}
_DEFAULT_STATUS = 422
_WAYS_ON = {
    "confirmation_required": ("signing.confirm_page", N_("Confirm that it is you")),
    "second_factor_required": ("signing.second_factor_page", N_("Give the second factor")),
    "enrolment_required": ("signing.enrolment_page", N_("Enrol a second factor")),
}
_SERVER_ERROR = 500
log = logging.getLogger("lantai.web")


def install_errors(app: Flask) -> None:
    """Answers every error with a page or a problem document (RFC 9457), and nothing else."""
    app.register_error_handler(ArchiveError, _archive_error)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unknown_error)


def status_of(error: ArchiveError) -> int:
    """The HTTP status that answers `error`."""
    return STATUS.get(error.code, _DEFAULT_STATUS)


def _archive_error(error: ArchiveError) -> ResponseReturnValue:
    status = status_of(error)
    if status >= _SERVER_ERROR:
        log.error("answered %s with %s", request.endpoint, error.code, exc_info=error)
    language = current_language()
    if is_for_programs():
        body = getattr(g.get("operation"), "body", None)
        return answer(status, error.code, error.text(language), faults=faults_of(error, language, body))
    return answer(status, error.code, error.text(language))


def _forged(_error: CSRFError) -> ResponseReturnValue:
    text = _(
        "This form has expired or did not come from this archive. Nothing was changed; reload the page and try again."
    )
    return answer(400, "request_token", text)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    texts = {
        404: _("There is no such page."),
        405: _("This address does not take that kind of request. Nothing was changed."),
        413: _("This is larger than the archive accepts. Nothing was stored."),
        415: _("This address does not take that kind of content. Nothing was changed."),
        416: _("The content has no such part."),
    }
    if error.response is not None:
        return error.response
    status = error.code or _SERVER_ERROR
    text = texts.get(status, _("The request could not be understood. Nothing was changed."))
    # Which methods there are, how long the content is: what the status promises to tell.
    told = {name: value for name, value in error.get_headers() if name in {"Allow", "Content-Range"}}
    return answer(status, f"http_{status}", text, headers=told)


def _unknown_error(error: Exception) -> ResponseReturnValue:
    reference = secrets.token_hex(6)
    log.error("unexpected error %s at %s", reference, request.endpoint, exc_info=error)
    text = _(
        "Something unexpected happened. What was already filed is safe; please tell your administrator the reference."
    )
    return answer(_SERVER_ERROR, "unexpected", text, reference)


def answer(
    status: int,
    code: str,
    text: str,
    reference: str | None = None,
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    """A page for people, a problem document for programs."""
    if is_for_programs():
        return problem_response(problem(status, code, text, errors=faults, reference=reference), headers)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        response = jsonify(status=status, code=code, detail=text, reference=reference)
        response.content_type = "application/problem+json"
    else:
        way = _way_on(code)
        page = render_template("web/error.html", status=status, text=text, reference=reference, way=way)
        response = make_response(page)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def _way_on(code: str) -> tuple[str, str] | None:
    """The address and the name of the page that lets a refused person go on; from there they come back."""
    if code not in _WAYS_ON:
        return None
    endpoint, words = _WAYS_ON[code]
    return url_for(endpoint, next=_page_behind()), _(words)


def _page_behind() -> str:
    """The page that this request was made from: its own address where that shows one, else where its form stood."""
    if request.method in {"GET", "HEAD"} or current_app.url_map.bind("").test(request.path, "GET"):
        return request.full_path.rstrip("?")
    before = urlsplit(request.referrer or "")
    own = before.netloc == request.host
    return local_path(f"{before.path}?{before.query}".rstrip("?") if own else None, url_for("web.start"))
