"""A form as it is printed: its layout filled with what is known, the same for PDF and Word."""

from dataclasses import dataclass

from archive_app.casework.forms.facts import Known
from archive_app.casework.forms.layouts import Block, Layout
from archive_app.engagements.data_files import Words


@dataclass(frozen=True)
class Pair:
    """A fact with its label; a `wide` one has the whole width."""

    label: str
    value: str
    wide: bool = False


@dataclass(frozen=True)
class PrintedBlock:
    """A block with its texts: `pairs`, or `columns` with `widths` (shares) and `rows`, or `text`
    with `lines` to write on, or `people` who sign. The heading of a `chapter` is larger than others."""

    kind: str
    heading: str = ""
    pairs: tuple[Pair, ...] = ()
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    lines: int = 0
    people: tuple[str, ...] = ()
    chapter: bool = False


@dataclass(frozen=True)
class PrintedForm:
    """A form in one language: `subtitle` says whose it is, `about` what it is about in short, `foot` what stands at the
    bottom of every page."""

    title: str
    subtitle: str
    about: str
    foot: str
    language: str
    blocks: tuple[PrintedBlock, ...]


def fill(layout: Layout, known: Known, language: str) -> PrintedForm:
    """The layout with what is known filled in; what is not known stays empty, to be written by hand."""
    values = known.values
    number = values.get("nonconformity.number") if layout.of else None
    about = f"{values['engagement.number']} NC-{number}" if number else values["engagement.number"]
    title = layout.title.text(language)
    return PrintedForm(
        title=title,
        subtitle=values["body.name"],
        about=about,
        foot=f"{about} · {title}",
        language=language,
        blocks=tuple(_block(block, known, language) for block in layout.blocks),
    )


def _block(block: Block, known: Known, language: str) -> PrintedBlock:
    return PrintedBlock(
        kind=block.kind,
        heading=_words(block.heading, language),
        pairs=tuple(
            Pair(item.label.text(language), known.values.get(item.value, ""), item.wide) for item in block.items
        ),
        columns=tuple(column.label.text(language) for column in block.columns),
        widths=tuple(column.width for column in block.columns),
        rows=_rows(block, known),
        text=known.values.get(block.value, "") if block.kind == "space" else _words(block.words, language),
        lines=block.lines,
        people=tuple(words.text(language) for words in block.people),
    )


def _rows(block: Block, known: Known) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = [
        tuple(row.get(column.value, "") for column in block.columns) for row in known.lists.get(block.rows, ())
    ]
    return tuple(rows + [("",) * len(block.columns)] * block.empty)


def _words(words: Words | None, language: str) -> str:
    return words.text(language) if words else ""
