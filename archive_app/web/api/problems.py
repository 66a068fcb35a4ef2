"""Problem documents (RFC 9457): every refusal of the JSON interface, with a stable code and words for people."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from flask import Response, request
from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field

from archive_app.kernel.language import N_

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: N_("The request cannot be understood"),
    401: N_("A valid access token is needed"),
    403: N_("This is not allowed"),
    404: N_("Nothing is here"),
    405: N_("This address takes no such request"),
    408: N_("The request took too long"),
    409: N_("Something else got there first"),
    413: N_("This is too large"),
    415: N_("This kind of content is not taken here"),
    416: N_("The content has no such part"),
    422: N_("The values cannot be accepted"),
    429: N_("Too many tries"),
    503: N_("The archive is busy"),
    507: N_("The archive is full"),
}
_OTHER_TITLE = N_("Something unexpected happened")


class Fault(BaseModel):
    """One value that cannot be accepted, or one of several reasons. `pointer` (RFC 6901) is the value's place in the
    body, `parameter` its name in the address or among the headers; `code` names the reason, `about` what it is about.
    """

    model_config = ConfigDict(frozen=True)

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    code: str | None = None
    about: str | None = None


class Problem(BaseModel):
    """What went wrong, in the language of Accept-Language: what happened, what was kept, what to do."""

    model_config = ConfigDict(frozen=True, title="Problem")

    type: Annotated[str, Field(examples=["urn:lantai:problem:not_found"])]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(description="Stable; the last part of `type`.", examples=["not_found"])]
    errors: list[Fault] | None = None
    document_id: Annotated[str | None, Field(description="With `duplicate`: the document of the same content.")] = None
    reference: Annotated[str | None, Field(description="With `unexpected`: what to tell the administrator.")] = None


def is_for_programs() -> bool:
    """Whether the present request is for the JSON interface rather than for a page."""
    return request.path.startswith(PREFIX)


def problem(
    status: int,
    code: str,
    text: str,
    *,
    errors: Sequence[Fault] = (),
    reference: str | None = None,
    document_id: str | None = None,
) -> Problem:
    """The problem as a document."""
    return Problem(
        type=f"urn:lantai:problem:{code}",
        title=_(_TITLES.get(status, _OTHER_TITLE)),
        status=status,
        detail=text,
        code=code,
        errors=list(errors) or None,
        reference=reference,
        document_id=document_id,
    )


def problem_response(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as an answer, with what its status asks for besides."""
    response = Response(told.model_dump_json(exclude_none=True), told.status, mimetype=MEDIA_TYPE)
    response.vary.add("Accept-Language")
    response.headers.update(headers or {})
    if told.status == 401:  # noqa: PLR2004  # RFC 9110 §15.5.2
        fault = ', error="invalid_token"' if "Authorization" in request.headers else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="lantai"{fault}'
    elif told.code == "permission_missing":
        response.headers["WWW-Authenticate"] = 'Bearer realm="lantai", error="insufficient_scope"'
    elif told.code in {"write_in_progress", "busy"}:
        response.headers["Retry-After"] = "2"
    return response
