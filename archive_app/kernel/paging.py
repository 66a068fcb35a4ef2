"""Lists by key: a page is what follows a row, however long the list is."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Label, Row, Select, SQLColumnExpression, tuple_
from sqlalchemy.orm import Session

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_

T = TypeVar("T")
PAGE_SIZE = 50
_BIGGEST = 2**63


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and the key that the next page starts after (None at the end)."""

    items: Sequence[T]
    next_key: str | None = None


def fetch_page(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    order: Sequence[SQLColumnExpression[Any]],
    *,
    after: str | None,
    descending: bool = False,
    limit: int = PAGE_SIZE,
) -> Page[Row[*tuple[Any, ...]]]:
    """The rows of `statement` that follow the key `after` in the order of the columns `order`, the last of them unique.

    Raises: InvalidInputError when `after` is not a key that a page gave out.
    """
    columns: list[Label[Any]] = [column.label(f"page_key_{place}") for place, column in enumerate(order)]
    statement = statement.add_columns(*columns)
    if after is not None:
        statement = statement.where(follows(order, after, descending=descending))
    statement = statement.order_by(*(column.desc() if descending else column.asc() for column in order))
    rows = session.execute(statement.limit(limit + 1)).all()
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], _encode(rows[limit - 1][-len(order) :]))


def follows(order: Sequence[SQLColumnExpression[Any]], after: str, *, descending: bool = False) -> ColumnElement[bool]:
    """The clause for rows that follow the key `after`, for lists that are put together of several.

    Raises: InvalidInputError when `after` is not a key that a page gave out.
    """
    key, bound = tuple_(*order), tuple_(*_decode(after, [column.label(None).type.python_type for column in order]))
    return key < bound if descending else key > bound


def _encode(values: Sequence[Any]) -> str:
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"d": value.isoformat()} if isinstance(value, date) else value


def _moment(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return date.fromisoformat(value["d"]) if "d" in value else datetime.fromisoformat(value["t"])


def _decode(text: str, kinds: Sequence[type]) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = [_moment(value) for value in plain]
        fitting = len(values) == len(kinds) and all(map(_fits, values, kinds))
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidInputError(field="after", reason=N_("This is not a page of the list.")) from error
    if not fitting:
        raise InvalidInputError(field="after", reason=N_("This is not a page of the list."))
    return values


def _fits(value: object, kind: type) -> bool:
    """Whether a value can be compared with a column of this kind on every database."""
    if isinstance(value, datetime):
        return kind is datetime and value.tzinfo is not None
    if isinstance(value, date):
        return kind is date
    if isinstance(value, str):
        # A lone surrogate or NUL can be in JSON, but in no text of a database. A wide space can be in both.
        return kind is str and not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)
    return kind is int and isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BIGGEST
