"""Strict input: what the schema does not allow is refused with its place and a reason."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar, get_origin

from flask import Request
from gunicorn.http.errors import ParseException
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from archive_app.kernel.errors import ArchiveError, InvalidInputError, SeveralReasonsError
from archive_app.kernel.language import N_, translate
from archive_app.web.api.problems import Fault

M = TypeVar("M", bound=BaseModel)
JSON = "application/json"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
PLAIN_TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""The same for the schema: what `Text` takes, as a regular expression of ECMA-262."""
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WHOLE = re.compile(r"-?[0-9]{1,12}")
_UNKNOWN = N_("There is nothing of this name here.")
_OTHER_REASON = N_("This value is not allowed here.")
_REASONS = {
    "missing": N_("This is missing."),
    "extra_forbidden": _UNKNOWN,
    "string_type": N_("This must be text."),
    "string_too_long": N_("This is too long."),
    "string_too_short": N_("This must not be empty."),
    "too_long": N_("These are too many."),
    "too_short": N_("These are too few."),
    "int_type": N_("This must be a whole number."),
    "int_parsing": N_("This must be a whole number."),
    "bool_type": N_("This must be true or false."),
    "bool_parsing": N_("This must be true or false."),
    "list_type": N_("This must be a list."),
    "model_type": N_("This must be an object."),
    "model_attributes_type": N_("This must be an object."),
    "day": N_("This must be a date such as 2026-11-21."),
    "instant": N_("This must be an instant with its offset, such as 2026-11-21T10:00:00+08:00."),
    "value_error": _OTHER_REASON,
    "control_characters": N_("This contains control characters."),
    "greater_than_equal": N_("This number is too small."),
    "less_than_equal": N_("This number is too large."),
}


class InvalidRequestError(ArchiveError):
    """Values that the schema does not allow."""

    code = "invalid_input"
    message = N_("The request has values that cannot be accepted. Nothing was changed; the errors say which and why.")

    def __init__(self, faults: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._faults = faults

    def faults(self, language: str) -> list[Fault]:
        """The single values, in `language`."""
        return [Fault(**{where: place}, detail=translate(language, why)) for where, place, why in self._faults]


def _day(value: object) -> object:
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise PydanticCustomError("day", "not a date")
    return date.fromisoformat(value)


def _instant(value: object) -> object:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("instant", "not an instant")
    return datetime.fromisoformat(value)


def _whole(value: object) -> object:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise PydanticCustomError("int_parsing", "not a whole number")
    return int(value)


def _plain(value: str) -> str:
    if _CONTROL.search(value):
        raise PydanticCustomError("control_characters", "control characters")
    return value


Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    Field(json_schema_extra={"type": "string", "format": "date", "examples": ["2026-11-21"]}),
]
"""A calendar day, as RFC 3339 full-date and nothing else."""
Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(json_schema_extra={"type": "string", "format": "date-time", "examples": ["2026-11-21T10:00:00+08:00"]}),
]
"""An instant with its offset from UTC (RFC 3339)."""
Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number in an address: digits only."""
Identifier = Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""An identifier of the archive."""
Text = Annotated[str, AfterValidator(_plain)]
"""Text that every database can hold."""


class Asked(BaseModel):
    """What a program sends: exactly the fields that are declared, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class After(Asked):
    """Where a list goes on."""

    after: Text | None = Field(None, max_length=1000, description="Where the page before ended; stands in its `next`.")


class Paging(After):
    """Where a list goes on, and how much of it is wanted."""

    limit: Whole = Field(50, ge=1, le=200, description="How many entries at most.")


def parse_query(request: Request, model: type[M]) -> M:
    """The parameters of the address. Raises: InvalidRequestError."""
    told: dict[str, Any] = {}
    names = {field.alias or name: field for name, field in model.model_fields.items()}
    for name, values in request.args.lists():
        many = name in names and get_origin(_bare(names[name].annotation)) is list
        if not many and len(values) > 1:
            raise InvalidRequestError([("parameter", name, N_("This was given twice."))])
        told[name] = values if many else values[0]
    try:
        return model.model_validate(told, strict=True)
    except ValidationError as error:
        raise InvalidRequestError(
            [("parameter", _name(f["loc"]), _reason(f["type"])) for f in _found(error)]
        ) from error


def parse_json(request: Request, model: type[M]) -> M:
    """The body. Raises: UnsupportedMediaType, BadRequest for what is no JSON, InvalidRequestError."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    try:
        return model.model_validate_json(_whole_body(request), strict=True)
    except ValidationError as error:
        found = _found(error)
        if found and found[0]["type"] == "json_invalid":
            raise BadRequest from error
        faults = [("pointer", _pointer(f["loc"]), _reason(f["type"])) for f in found]
        raise InvalidRequestError(faults) from error


def _whole_body(request: Request) -> bytes:
    """The body, complete as announced. Raises: BadRequest."""
    try:
        body = request.get_data(cache=True)
    except (OSError, ParseException) as error:
        raise BadRequest from error
    if request.content_length is not None and len(body) != request.content_length:
        raise BadRequest
    return body


def faults_of(error: ArchiveError, language: str, model: type[BaseModel] | None) -> list[Fault]:
    """The places that an error speaks of. Use cases know the names of fields for people: a field of the body that
    carries the same title is the one that is meant."""
    if isinstance(error, InvalidRequestError):
        return error.faults(language)
    if isinstance(error, SeveralReasonsError):
        return [Fault(detail=words, code=code, about=about or None) for code, about, words in error.reasons(language)]
    if not isinstance(error, InvalidInputError):
        return []
    label, reason = str(error.params["field"]), str(error.params["reason"])
    if model is None:
        return [Fault(parameter=label, detail=translate(language, reason))]
    named = (name for name, field in model.model_fields.items() if field.title == label)
    return [Fault(pointer=_pointer([next(named, "")]), detail=translate(language, reason))]


def _bare(annotation: Any) -> Any:
    """The type without `| None`."""
    options = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    is_optional = type(None) in getattr(annotation, "__args__", ())
    return options[0] if is_optional else annotation


def _found(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _reason(kind: str) -> str:
    return _REASONS.get(kind, _OTHER_REASON)


def _name(place: Iterable[str | int]) -> str:
    return str(next(iter(place), ""))


def _pointer(place: Iterable[str | int]) -> str:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in place if step != ""]
    return "".join(f"/{step}" for step in steps)
