"""Routes of the JSON interface: each declares its permission, what it takes and what it answers, once.

The declaration checks the input, renders the answer, has writes repeated safely, and becomes the schema. A view gets
checked values, calls one use case and returns what that returned.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, request
from pydantic import BaseModel, ConfigDict, create_model
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from archive_app.kernel.answered import (
    KEY_LENGTH,
    KeptAnswer,
    KeyReusedError,
    Reservation,
    keep,
    release,
    renewing,
    reserve,
)
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError, DatabaseFailedError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settled_by
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.web.api.bodies import SentFile, announced_digest
from archive_app.web.api.problems import MEDIA_TYPE, problem
from archive_app.web.api.reading import After, Asked, InvalidRequestError, Paging, parse_json, parse_query
from archive_app.web.errors import status_of
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

View = Callable[..., Any]
Shows = Callable[[Any], BaseModel]
ADDRESS = "/api/v1"
KEY_HEADER = "Idempotency-Key"
_CREATED = 201


class KeyMissingError(ArchiveError):
    """A write without a key could not be repeated safely."""

    code = "idempotency_key_missing"
    message = N_(
        "A request that changes something needs an Idempotency-Key of 1 to 200 visible ASCII characters, a fresh one "
        "for each write. Nothing was changed."
    )


class Shown(BaseModel):
    """What the interface answers."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Operation:
    """One route, as the schema tells of it. `shows` renders what the view returns; a view without it answers itself."""

    method: str
    path: str
    name: str
    permission: Permission
    summary: str
    answer: type[BaseModel] | None = None
    shows: Shows | None = None
    status: int = 200
    query: type[Asked] | None = None
    body: type[Asked] | None = None
    takes_file: bool = False
    problems: Sequence[int] = ()
    located: str = ""
    example: Any = None
    media_type: str = "application/json"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method not in {"GET", "HEAD"}


class IdConverter(BaseConverter):
    """Identifiers in addresses: what has another form is not found."""

    regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Resources(Blueprint):
    """The routes of one room under `/api/v1`."""

    def __init__(self, room: str, import_name: str) -> None:
        super().__init__(f"{room}_api", import_name, url_prefix=ADDRESS)
        self.operations: list[Operation] = []

    def reads(
        self,
        path: str,
        permission: Permission,
        *,
        answer: type[BaseModel] | None = None,
        shows: Shows | None = None,
        query: type[Asked] | None = None,
        problems: Sequence[int] = (),
        example: Any = None,
        media_type: str = "application/json",
    ) -> Callable[[View], View]:
        """Declares a GET. Without `shows` the view makes its own answer."""

        facts = {"answer": answer, "shows": shows, "query": query, "example": example, "media_type": media_type}
        return partial(self._add, _read, method="GET", path=path, permission=permission, problems=problems, **facts)

    def lists(
        self,
        path: str,
        permission: Permission,
        *,
        of: type[BaseModel],
        shows: Shows,
        query: type[After] = Paging,
        problems: Sequence[int] = (),
        example: Any = None,
    ) -> Callable[[View], View]:
        """Declares a list paged by key; the view returns a `Page`, each of whose items is shown."""
        page = create_model(f"{of.__name__}Page", __base__=Shown, items=(list[of], ...), next=(str | None, None))  # type: ignore[valid-type]

        def shown(found: Page[Any]) -> BaseModel:
            told: dict[str, Any] = {"items": [shows(item) for item in found.items], "next": next_address(found)}
            return page(**told)

        example = {"items": [example], "next": None} if example else None
        return self.reads(path, permission, answer=page, shows=shown, query=query, problems=problems, example=example)

    def writes(
        self,
        path: str,
        permission: Permission,
        *,
        answer: type[BaseModel],
        shows: Shows,
        method: str = "POST",
        status: int = _CREATED,
        query: type[Asked] | None = None,
        body: type[Asked] | None = None,
        takes_file: bool = False,
        problems: Sequence[int] = (),
        located: str = "",
        example: Any = None,
    ) -> Callable[[View], View]:
        """Declares a write, which needs an Idempotency-Key. `located` is the address of what it made, with the fields
        of the answer in braces; `takes_file` means that the body is a file and is read as it comes."""

        facts = {"answer": answer, "shows": shows, "query": query, "body": body, "status": status, "example": example}
        facts |= {"takes_file": takes_file, "problems": problems, "located": located}
        return partial(self._add, _write, method=method, path=path, permission=permission, **facts)

    def _add(
        self, answered: Callable[[Operation, View, dict[str, Any]], AnyResponse], view: View, **facts: Any
    ) -> View:
        operation = Operation(name=view.__name__, summary=(view.__doc__ or "").strip(), **facts)

        @wraps(view)
        def run(**in_path: Any) -> AnyResponse:
            g.operation = operation
            arguments = dict(in_path)
            if operation.query is not None:
                arguments["query"] = parse_query(request, operation.query)
            elif request.args:
                raise InvalidRequestError(
                    [("parameter", name, N_("There is nothing of this name here.")) for name in request.args]
                )
            if operation.body is not None:
                arguments["body"] = parse_json(request, operation.body)
            return answered(operation, view, arguments)

        run.operation = operation  # type: ignore[attr-defined]  # read by the architecture tests
        self.operations.append(operation)
        self.add_url_rule(
            operation.path,
            view_func=requires(operation.permission, streaming=operation.takes_file)(run),
            methods=[operation.method],
            provide_automatic_options=False,
        )
        return view


def _read(operation: Operation, view: View, arguments: dict[str, Any]) -> AnyResponse:
    found = view(**arguments)
    if isinstance(found, AnyResponse):
        return found
    if operation.shows is None:
        raise RuntimeError(f"{operation.name} neither answers nor says how its answer is shown")
    shown = operation.shows(found)
    response = Response(shown.model_dump_json(), mimetype="application/json")
    if following := getattr(shown, "next", None):
        response.headers["Link"] = f'<{following}>; rel="next"'
    response.headers["Cache-Control"] = "private, no-cache"
    # A hash of the answer itself: it spares the way, and needs no clock or counter of its own.
    response.add_etag()
    return response.make_conditional(request)


def _write(operation: Operation, view: View, arguments: dict[str, Any]) -> AnyResponse:
    archive, actor = current_archive(), current_actor()
    sent = SentFile(request) if operation.takes_file else None
    if sent is not None:
        arguments["sent"] = sent
    held = reserve(archive, actor, _key(), _fingerprint(operation))
    if isinstance(held, KeptAnswer):
        if sent is not None and sent.drain() != held.content_sha256:
            raise KeyReusedError
        return _answered(held, replayed=True)
    if sent is not None:
        sent.on_progress = renewing(archive, actor, held)
    kept: list[KeptAnswer] = []

    def step(uow: UnitOfWork, result: Any) -> None:
        if kept:
            raise RuntimeError(f"{operation.name} ended two use cases; a write is one")
        kept.append(_rendered(operation, result, sent))
        keep(uow, held, kept[0])

    try:
        with settled_by(step):
            view(**arguments)
    except BaseException:
        _give_back(held)
        raise
    if not kept:
        raise RuntimeError(f"{operation.name} answered nothing inside its transaction")
    return _answered(kept[0])


def _give_back(held: Reservation) -> None:
    try:
        release(current_archive(), current_actor(), held)
    except (ArchiveError, DatabaseFailedError) as error:
        # What stopped the write is what the caller hears of; the reservation runs out by itself.
        current_app.logger.warning("a reservation was left to run out: %s", error.code)


def _rendered(operation: Operation, result: Any, sent: SentFile | None) -> KeptAnswer:
    """The answer as it is kept: what the use case made, or the refusal that it decided on and recorded."""
    digest = sent.sha256 if sent else None
    if isinstance(result, ArchiveError):
        document_id = result.params.get("document_id")
        told = problem(
            status_of(result), result.code, result.text(current_language()), document_id=str(document_id or "") or None
        )
        return KeptAnswer(told.status, None, told.model_dump_json(exclude_none=True), digest)
    if operation.shows is None:
        raise RuntimeError(f"{operation.name} does not say how its answer is shown")
    shown = operation.shows(result)
    located = ADDRESS + operation.located.format_map(shown.model_dump()) if operation.located else None
    return KeptAnswer(operation.status, located, shown.model_dump_json(), digest)


def _answered(kept: KeptAnswer, *, replayed: bool = False) -> Response:
    refused = kept.status >= 400  # noqa: PLR2004
    response = Response(kept.body, kept.status, mimetype=MEDIA_TYPE if refused else "application/json")
    if kept.location:
        response.headers["Location"] = kept.location
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _key() -> str:
    key: str = request.headers.get(KEY_HEADER, "")
    if not 1 <= len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyMissingError
    return key


def _fingerprint(operation: Operation) -> bytes:
    """A digest of what is asked for: method, address with all parameters, kind of content, and the content itself; of
    a file its announced length and digest, since the file is not here yet."""
    if operation.takes_file:
        announced = announced_digest(request)
        content = [str(request.content_length), announced.hex() if announced else ""]
    else:
        content = [hashlib.sha256(request.get_data(cache=True)).hexdigest()]
    address = f"{request.path}?{urlencode(sorted(request.args.items(multi=True)))}"
    parts = "\n".join([request.method, address, request.mimetype, *content])
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).digest()


def next_address(found: Page[Any]) -> str | None:
    """Where the page after this one is; None at the end."""
    if found.next_key is None:
        return None
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    return f"{request.path}?{urlencode([*kept, ('after', found.next_key)])}"
