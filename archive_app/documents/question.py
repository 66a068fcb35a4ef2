"""What a person asks for, as it stands in an address: words, filters and order; the page, the export, and what is kept.

An address that somebody saved, mailed or mistyped never fails: what cannot be understood in it narrows nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import parse_qsl, urlencode

from archive_app.documents.kinds import KIND_NAMES
from archive_app.kernel.ids import is_id
from search import Filters, Sort

PARAMETERS = ("q", "engagement", "client", "year", "kind", "from", "to", "versions", "unread", "synonyms", "sort")
"""What makes up a question in an address; the place in the list of hits does not."""
_YEAR_DIGITS = 4


@dataclass(frozen=True)
class Question:
    """A search without who asks it."""

    text: str = ""
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.RELEVANCE
    synonyms: bool = True


def question_of(pairs: Iterable[tuple[str, str]]) -> Question:
    """The question that the parameters of an address ask."""
    values: dict[str, list[str]] = {name: [] for name in PARAMETERS}
    for name, value in pairs:
        if name in values:
            values[name].append(value)
    first = {name: given[0] for name, given in values.items() if given}
    return Question(
        text=first.get("q", ""),
        filters=Filters(
            engagements=frozenset(value for value in values["engagement"] if is_id(value)),
            clients=frozenset(value for value in values["client"] if is_id(value)),
            years=frozenset(int(value) for value in values["year"] if _is_year(value)),
            kinds=frozenset(value for value in values["kind"] if value in KIND_NAMES),
            filed_from=_date(first.get("from")),
            filed_to=_date(first.get("to")),
            current_only=first.get("versions") != "all",
            unread_only=first.get("unread") == "1",
        ),
        sort=Sort(first["sort"]) if first.get("sort") in set(Sort) else Sort.RELEVANCE,
        synonyms=first.get("synonyms") != "off",
    )


def kept_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those parameters of an address that belong to the question, without empty ones, in one order."""
    asked = [(name, value) for name, value in pairs if name in PARAMETERS and value.strip()]
    return sorted(dict.fromkeys(asked), key=lambda pair: PARAMETERS.index(pair[0]))


def address_of(pairs: Sequence[tuple[str, str]]) -> str:
    """The part of an address behind its question mark."""
    return urlencode(pairs)


def pairs_of(address: str) -> list[tuple[str, str]]:
    """The parameters in the part of an address behind its question mark."""
    return parse_qsl(address, keep_blank_values=True)


def _is_year(text: str) -> bool:
    return len(text) == _YEAR_DIGITS and text.isascii() and text.isdecimal()


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
