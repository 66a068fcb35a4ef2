"""Which file belongs to which row: by names and numbers that both carry. What is not certain is never guessed."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive_app.intake.registers.keys import file_key, number_key, plain, stem

_GROUP = re.compile(
    r"(.+?)(?:[-_ ]{1,2}(?:附件|附|第|p|page)?\s?(\d{1,3})页?|[（(](\d{1,3})[)）]|[-_ ]附件)", re.IGNORECASE
)
_SHORTEST_NUMBER = 4
"""Shorter numbers stand in too many names by chance; they match only where they are the whole name."""


@dataclass(frozen=True)
class Wanted:
    """What an open row can be recognised by, and its engagement where that is known."""

    row_id: str
    file_name: str = ""
    numbers: tuple[str, ...] = ()
    barcode: str = ""
    engagement_id: str | None = None


@dataclass(frozen=True)
class Match:
    """A file and the row it belongs to; `how` is name, stem, number, barcode or group; `position` orders its group."""

    file_id: str
    row_id: str
    how: str
    position: int = 0


def match_files(
    rows: Iterable[Wanted], files: Mapping[str, str], bound: Mapping[str, str] | None = None
) -> list[Match]:
    """Matches of `files` (id to name) with rows. A file that fits several rows by the same means fits none.

    `bound` names the engagement of files that belong to one: they go to a row of that engagement or to none.
    One file per row, except for groups: `X-1.pdf`, `X-2.pdf`, `X_附件2.pdf`, `X（2）.pdf` all belong to the row of X.
    Two whole names for one row are ambiguous and left to a person.
    """
    rows, bound = list(rows), bound or {}
    everywhere = _tables(rows)
    inside = _tables_by_engagement(rows, set(bound.values()))
    single: dict[str, list[Match]] = defaultdict(list)
    grouped: list[Match] = []
    for file_id, name in files.items():
        tables = inside[bound[file_id]] if file_id in bound else everywhere
        # Whole names before groups before numbers inside a name: each is surer than the next.
        found = next((match for find in (_whole, _group_of, _inside) if (match := find(file_id, name, tables))), None)
        if found is not None and found.row_id:
            (grouped if found.how == "group" else single[found.row_id]).append(found)
    return [*_certain(single, grouped), *grouped]


@dataclass(frozen=True)
class _Tables:
    names: Mapping[str, set[str]]
    stems: Mapping[str, set[str]]
    numbers: Mapping[str, set[str]]
    barcodes: Mapping[str, set[str]]


def _tables(rows: Iterable[Wanted]) -> _Tables:
    names, stems, numbers, barcodes = (defaultdict[str, set[str]](set) for _ in range(4))
    for row in rows:
        if key := file_key(row.file_name):
            names[key].add(row.row_id)
            stems[stem(key)].add(row.row_id)
        for number in row.numbers:
            if key := number_key(number):
                numbers[key].add(row.row_id)
        if key := plain(row.barcode):
            barcodes[key].add(row.row_id)
    return _Tables(names, stems, numbers, barcodes)


def _tables_by_engagement(rows: Sequence[Wanted], engagement_ids: Collection[str]) -> Mapping[str, _Tables]:
    """For each of these engagements the tables of its own rows."""
    own: dict[str, list[Wanted]] = {engagement_id: [] for engagement_id in engagement_ids}
    for row in rows:
        if row.engagement_id in own:
            own[row.engagement_id].append(row)
    return {engagement_id: _tables(of_it) for engagement_id, of_it in own.items()}


def _whole(file_id: str, name: str, tables: _Tables) -> Match | None:
    key = file_key(name)
    bare = stem(key)
    return _looked_up(
        file_id,
        ("name", tables.names, [key]),
        ("stem", tables.stems, [bare]),
        ("barcode", tables.barcodes, [bare]),
        ("number", tables.numbers, [number_key(bare)]),
    )


def _inside(file_id: str, name: str, tables: _Tables) -> Match | None:
    bare = stem(file_key(name))
    # The longest number in the name decides: 绿核-2025-31 is not 绿核-2025-3.
    barcodes, numbers = (
        [piece for piece in pieces if len(piece) >= _SHORTEST_NUMBER]
        for pieces in (_pieces(bare), _runs(number_key(bare)))
    )
    return _looked_up(file_id, ("barcode", tables.barcodes, barcodes), ("number", tables.numbers, numbers))


def _group_of(file_id: str, name: str, tables: _Tables) -> Match | None:
    found = _GROUP.fullmatch(stem(file_key(name)))
    if found is None:
        return None
    base, position = found[1].strip(), int(found[2] or found[3] or 1)
    return _looked_up(
        file_id,
        ("group", tables.stems, [base]),
        ("group", tables.numbers, [number_key(base)]),
        ("group", tables.barcodes, [base]),
        position=position,
    )


def _looked_up(
    file_id: str, *ways: tuple[str, Mapping[str, set[str]], Sequence[str]], position: int = 0
) -> Match | None:
    """The row of the first way that knows one; a match without a row where that way knows several."""
    for how, table, wanted in ways:
        for key in wanted:
            if rows := table.get(key):
                return Match(file_id, next(iter(rows)) if len(rows) == 1 else "", how, position)
    return None


def _certain(single: Mapping[str, Sequence[Match]], grouped: list[Match]) -> list[Match]:
    """One match for each row; of several the one by the surest means, if only one of them has it."""
    certain = []
    order = ("name", "stem", "barcode", "number")
    for matches in single.values():
        best = min(order.index(match.how) for match in matches)
        surest = [match for match in matches if order.index(match.how) == best]
        if len(surest) == 1:
            certain.append(surest[0])
        elif best >= order.index("barcode"):
            # Several names that carry the number of one row are the pages or parts of one record.
            grouped += [Match(match.file_id, match.row_id, "group", place) for place, match in enumerate(surest, 1)]
    return certain


def _pieces(text: str) -> list[str]:
    return sorted(set(re.split(r"[^0-9a-z\u4e00-\u9fff]+", text)) - {""}, key=len, reverse=True)


def _runs(key: str) -> list[str]:
    """Every run of whole parts of a number key, the longest first: a-b-c, a-b, b-c, a, b, c."""
    parts = key.split("-")[:16]
    runs = {"-".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    return sorted(runs, key=lambda run: (-run.count("-"), -len(run), run))
