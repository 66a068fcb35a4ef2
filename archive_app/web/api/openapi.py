"""The schema of the JSON interface: OpenAPI 3.1, made from the declared routes and nothing else."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from archive_app.kernel.answered import KEY_LENGTH
from archive_app.web.api.problems import MEDIA_TYPE, Problem
from archive_app.web.api.reading import PLAIN_TEXT
from archive_app.web.api.routes import ADDRESS, KEY_HEADER, Operation, Resources

Json = dict[str, Any]
Refs = Mapping[Any, Json]
_REF = "#/components/schemas/{model}"
_PLACE = re.compile(r"<(?P<kind>\w+)(?:\([^)]*\))?:(?P<name>\w+)>")
_IN_PATH: Mapping[str, Json] = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    "int": {"type": "integer", "minimum": 1, "maximum": 999_999},
}
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_NO_FACTS = {"default", "anyOf", "title"}
_REASONS = {
    400: "The request cannot be understood, or a write came without an Idempotency-Key.",
    401: "There is no valid access token.",
    403: "The token, or its person, may not do this.",
    404: "There is nothing of this identifier that one may see.",
    409: "Something else got there first.",
    413: "The body is larger than the archive accepts.",
    415: "The body is of another kind than declared.",
    416: "The content has no such part.",
    422: "Values cannot be accepted; `errors` says which and why.",
    500: "Something unexpected, or stored content that is damaged.",
    503: "The archive is busy or still preparing; try again.",
    507: "The archive has no room left.",
}
_ABOUT = """An archive's clients, engagements, documents, audit log and imports, for programs.

Every request carries `Authorization: Bearer …` with an access token that its person made on the account page. Every
write carries a fresh `Idempotency-Key`; repeated within 48 hours with the same request it changes nothing again and
gets the first answer, marked `Idempotency-Replayed: true`. Lists are paged: follow `next`. Refusals are problem
documents (RFC 9457) with a stable `code`. What one may not see answers as if it were not there."""


def schema(rooms: Iterable[Resources], version: str) -> Json:
    """The whole document."""
    operations = [operation for room in rooms for operation in room.operations]
    refs, components = _models(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(_PLACE.sub(r"{\g<name>}", operation.path), {})[operation.method.lower()] = _described(
            operation, refs
        )
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Lantai",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ADDRESS}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": components},
    }


def _models(operations: Iterable[Operation]) -> tuple[Refs, Json]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for operation in operations:
        if operation.answer is not None:
            wanted[operation.answer, "serialization"] = None
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return refs, definitions.get("$defs", {})


def _described(operation: Operation, refs: Refs) -> Json:
    summary, _, rest = operation.summary.partition("\n")
    described: Json = {"operationId": operation.name, "summary": summary.rstrip(".")}
    if rest.strip():
        described["description"] = " ".join(rest.split())
    parameters = [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": refs[operation.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    elif operation.takes_file:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        described["requestBody"] = {"required": True, "description": "The bytes of the file.", "content": content}
    described["responses"] = {str(operation.status): _answer(operation, refs)} | _problems(operation, refs)
    if operation.permission.value.startswith("public:"):
        described["security"] = []
    return described


def _answer(operation: Operation, refs: Refs) -> Json:
    if operation.answer is None:
        content: Json = {operation.media_type: {"schema": {}}}
        if operation.media_type != "application/json":
            content = {operation.media_type: {"schema": {"type": "string", "format": "binary"}}}
    else:
        content = {operation.media_type: {"schema": refs[operation.answer, "serialization"]}}
        if operation.example is not None:
            content[operation.media_type]["example"] = operation.example
    told: Json = {"description": "Done." if operation.writes else "Found.", "content": content}
    if operation.writes:
        told["headers"] = {
            "Idempotency-Replayed": {
                "description": "`true` where this answers a repeated request and nothing was changed again.",
                "schema": {"type": "string", "const": "true"},
            }
        }
        if operation.located:
            told["headers"]["Location"] = {"schema": {"type": "string"}, "description": "Where to read it."}
    return told


def _problems(operation: Operation, refs: Refs) -> Json:
    statuses = {422, 500, 503, *operation.problems}
    if not operation.permission.value.startswith("public:"):
        statuses |= {401, 403}
    if "<" in operation.path:
        statuses.add(404)
    if operation.writes:
        statuses |= {400, 409, 413, 415, 507}
    content = {MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}}
    told = {str(status): {"description": _REASONS[status], "content": content} for status in sorted(statuses)}
    if operation.method == "GET":
        told["304"] = {"description": "Unchanged since the given ETag."}
    return told


def _path_parameters(operation: Operation) -> list[Json]:
    return [
        {"name": place["name"], "in": "path", "required": True, "schema": _IN_PATH[place["kind"]]}
        for place in _PLACE.finditer(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[Json]:
    if operation.query is None:
        return []
    told = operation.query.model_json_schema(ref_template=_REF)
    required = told.get("required", [])
    parameters = []
    for name, described in told["properties"].items():
        plain = _without_null(described)
        parameter = {"name": name, "in": "query", "required": name in required, "schema": plain}
        if text := plain.pop("description", None):
            parameter["description"] = text
        parameters.append(parameter)
    return parameters


def _without_null(described: Json) -> Json:
    """The schema of a parameter: what is not given is absent, never null."""
    # Bounds that are checked after a conversion bear Pydantic's names.
    plain = {_BOUNDS.get(name, name): value for name, value in described.items() if name not in _NO_FACTS}
    if "items" in plain:
        plain["items"] = _without_null(plain["items"])
    if plain.get("type") == "string" and not plain.keys() & {"pattern", "enum", "format", "const"}:
        plain["pattern"] = PLAIN_TEXT
    options = [option for option in described.get("anyOf", ()) if option.get("type") != "null"]
    return (_without_null(options[0]) if options else {}) | plain


def _header_parameters(operation: Operation) -> list[Json]:
    if not operation.writes:
        return []
    key = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": "^[!-~]+$"}
    told: list[Json] = [
        {
            "name": KEY_HEADER,
            "in": "header",
            "required": True,
            "schema": key,
            "description": "Fresh for each write; the same when it is repeated.",
            "example": "5f0c6e0e-6d0f-4d57-9a0c-1d6c1f1f7b1a",
        }
    ]
    if operation.takes_file:
        told.append(
            {
                "name": "Content-Digest",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
                "description": "SHA-256 of the file (RFC 9530); what comes in altered is refused.",
            }
        )
    return told
