"""How forms look, read from `config/forms/*.toml`: their blocks in order, each with the facts that it shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from archive_app.engagements.data_files import Code, Finding, Path, Shape, Text, Words, read_file
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.sources import unknown_clauses
from archive_app.settings import CONFIG, SettingsError

FOLDER = CONFIG / "forms"
NONCONFORMITY = "nonconformity"
VALUES = frozenset(
    {
        "client.name", "client.credit_code", "client.sector", "engagement.number", "engagement.title",
        "engagement.year", "engagement.stage", "body.name", "scheme.name", "team.leaders", "team.reviewers",
        "team.names", "today",
    }
)  # fmt: skip
"""Facts that every form may show."""
NONCONFORMITY_VALUES = frozenset(
    f"nonconformity.{name}"
    for name in (
        "number", "grade", "state", "clause", "statement", "evidence", "due_on", "raised_by", "raised_on", "closed_by",
        "closed_on", "effectiveness",
    )
)  # fmt: skip
"""Facts of forms about one nonconformity."""
LISTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "team": frozenset({"position", "name", "part", "groups", "declared_on", "body"}),
        "stages": frozenset({"position", "name", "source"}),
        "facets": frozenset({"position", "name", "records", "methods", "answer"}),
        "records": frozenset({"position", "title", "type", "number", "dated_on", "originator", "authenticity"}),
        "required_records": frozenset({"position", "name", "stage", "source", "state", "box"}),
        "steps": frozenset({"position", "on", "kind", "name", "content"}),
    }
)
"""Lists that a table may show, with the values of their rows. `steps` are those of a nonconformity."""
_MOST_EMPTY, _MOST_WIDE, _MOST_COLUMNS = 40, 30, 12
_TAKES = {
    "facts": frozenset({"items"}),
    "table": frozenset({"columns", "rows", "empty"}),
    "space": frozenset({"value", "lines"}),
    "text": frozenset({"words"}),
    "signatures": frozenset({"people"}),
}


@dataclass(frozen=True)
class Item(Shape):
    """A fact with its label; without a `value` there is room to write it by hand. A `wide` one has a line to itself."""

    label: Words
    value: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Column(Shape):
    """A column of a table, `width` being its share; without a `value` it is filled in by hand."""

    label: Words
    width: int
    value: str = ""


@dataclass(frozen=True)
class Block(Shape):
    """A part of a form: `facts` in pairs, a `table` of a list with `empty` rows below, `space` for words (with a value
    or without, `lines` high at least), a `text` as it stands, or room for `signatures` of `people`."""

    kind: Literal["facts", "table", "space", "text", "signatures"]
    heading: Words | None = None
    items: tuple[Item, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: str = ""
    empty: int = 0
    value: str = ""
    lines: int = 0
    words: Words | None = None
    people: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Layout(Shape):
    """A form. It is filed as a record of `record_type`; `complete` says that nothing remains to be written by hand, so
    that the archive's own copy is the record. `of` is what there is one form for each of: a nonconformity, or empty
    for the engagement itself."""

    code: Code
    record_type: Code
    source: Text
    complete: bool
    title: Words
    blocks: tuple[Block, ...]
    of: Literal["", "nonconformity"] = ""


def parse_layout(text: str, source: str) -> Layout:
    """The form of a TOML document. Raises: SettingsError naming `source`, the line and what is wrong there."""
    return read_file(text, source, Layout, check=_check)


@cache
def all_layouts() -> Mapping[str, Layout]:
    """The forms of this installation, by code. Raises: SettingsError."""
    layouts: dict[str, Layout] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        layout = parse_layout(path.read_text(encoding="utf-8"), path.name)
        if layout.code in layouts:
            raise SettingsError(f"{path.name}:1: code stands twice: {layout.code}")
        layouts[layout.code] = layout
    return MappingProxyType(layouts)


def _check(layout: Layout) -> Iterator[Finding]:
    if layout.record_type not in all_record_types():
        yield ("record_type",), f"is no type of record: {layout.record_type}"
    yield from unknown_clauses(layout.source, ("source",))
    if not layout.blocks:
        yield ("blocks",), "holds nothing"
    for number, block in enumerate(layout.blocks):
        yield from _check_block(layout, block, ("blocks", number))


def _check_block(layout: Layout, block: Block, path: Path) -> Iterator[Finding]:
    empty = Block(kind=block.kind)
    for name in sorted(set().union(*_TAKES.values()) - _TAKES[block.kind]):
        if getattr(block, name) != getattr(empty, name):
            yield (*path, name), f"belongs to no block of the kind {block.kind}"
    needed = {"facts": "items", "table": "columns", "text": "words", "signatures": "people"}.get(block.kind)
    if needed and not getattr(block, needed):
        yield path, f"needs {needed}"
    values = VALUES | (NONCONFORMITY_VALUES if layout.of == NONCONFORMITY else frozenset())
    for number, item in enumerate(block.items):
        if item.value and item.value not in values:
            yield (*path, "items", number, "value"), f"is not known: {item.value}"
    if block.value and block.value not in values:
        yield (*path, "value"), f"is not known: {block.value}"
    if not 0 <= block.lines <= _MOST_EMPTY:
        yield (*path, "lines"), f"must be from 0 to {_MOST_EMPTY}"
    yield from _check_table(layout, block, path)


def _check_table(layout: Layout, block: Block, path: Path) -> Iterator[Finding]:
    if not 0 <= block.empty <= _MOST_EMPTY:
        yield (*path, "empty"), f"must be from 0 to {_MOST_EMPTY}"
    if block.rows and (block.rows not in LISTS or (block.rows == "steps" and layout.of != NONCONFORMITY)):
        yield (*path, "rows"), f"is not known: {block.rows}"
        return
    if len(block.columns) > _MOST_COLUMNS:
        yield (*path, "columns"), f"are more than {_MOST_COLUMNS}"
    known = LISTS.get(block.rows, frozenset())
    for number, column in enumerate(block.columns):
        if column.value and column.value not in known:
            yield (*path, "columns", number, "value"), f"is not known: {column.value}"
        if not 1 <= column.width <= _MOST_WIDE:
            yield (*path, "columns", number, "width"), f"must be from 1 to {_MOST_WIDE}"
