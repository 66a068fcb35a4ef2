"""What a management review considers and decides, as the configuration says it (`config/management_review.toml`)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from archive_app.engagements.data_files import Code, Finding, Shape, Text, Words, read_file
from archive_app.engagements.sources import all_sources, unknown_clauses
from archive_app.identity.organisations import KINDS
from archive_app.settings import CONFIG

CONCLUSION, DECISION, RECORD = "conclusion", "decision", "record"
_FILE = CONFIG / "management_review.toml"


@dataclass(frozen=True)
class Input(Shape):
    """Something that a review considers; it may answer several clauses."""

    code: Code
    name: Words
    sources: tuple[Text, ...]


@dataclass(frozen=True)
class Output(Shape):
    """Something that a review comes to. `kind`: decisions are taken by the review, the conclusion is top management's,
    the record is the report."""

    code: Code
    kind: Literal["conclusion", "decision", "record"]
    name: Words
    sources: tuple[Text, ...]


@dataclass(frozen=True)
class Section(Shape):
    """A section of the report: what people write, what the archive knows of the review (`facts`), and the inputs that
    stand in it."""

    code: Code
    name: Words
    hint: Words
    facts: Literal["", "basis", "time", "scope", "decisions"] = ""
    inputs: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Chapter(Shape):
    """A chapter of the report."""

    name: Words
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Outline(Shape):
    """How the report is divided where the document `mark` applies; `source` is where it comes from."""

    source: Text
    mark: Text
    chapters: tuple[Chapter, ...]

    def sections(self) -> tuple[Section, ...]:
        """All of its sections."""
        return tuple(section for chapter in self.chapters for section in chapter.sections)


@dataclass(frozen=True)
class Agenda(Shape):
    """The whole file. `organisations`: by kind, the marks of the documents that apply to it."""

    organisations: dict[str, tuple[Text, ...]]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    report: Outline

    def inputs_for(self, kind: str) -> tuple[Input, ...]:
        """The inputs that are required of an organisation of this kind, in their order."""
        return tuple(one for one in self.inputs if _applies(one.sources, self.organisations[kind]))

    def outputs_for(self, kind: str) -> tuple[Output, ...]:
        """The outputs that are required of it."""
        return tuple(one for one in self.outputs if _applies(one.sources, self.organisations[kind]))

    def outline_for(self, kind: str) -> Outline | None:
        """The outline of its report, where a document gives one."""
        return self.report if self.report.mark in self.organisations[kind] else None

    def clauses_for(self, kind: str, sources: Iterable[str]) -> tuple[str, ...]:
        """Those of the clauses that are of documents which apply to it."""
        marks = self.organisations[kind]
        return tuple(one for one in sources if one.partition(" ")[0] in marks)

    def names(self) -> Mapping[str, Words]:
        """What people call every code."""
        named: tuple[Input | Output | Section, ...] = (*self.inputs, *self.outputs, *self.report.sections())
        return {one.code: one.name for one in named}


def parse_agenda(text: str, source: str) -> Agenda:
    """The agenda of a TOML document. Raises: SettingsError naming `source` and the line."""
    return read_file(text, source, Agenda, check=_check)


@cache
def agenda() -> Agenda:
    """The agenda of this installation. Raises: SettingsError."""
    return parse_agenda(_FILE.read_text(encoding="utf-8"), _FILE.name)


def name_of(code: str, language: str) -> str:
    """What people call an input, output or section; one that the configuration dropped keeps its code."""
    words = agenda().names().get(code)
    return words.text(language) if words else code


def decision_codes(kind: str) -> tuple[str, ...]:
    """The outputs that an organisation of this kind decides about."""
    return tuple(one.code for one in agenda().outputs_for(kind) if one.kind == DECISION)


def _applies(sources: Iterable[str], marks: Iterable[str]) -> bool:
    known = set(marks)
    return any(one.partition(" ")[0] in known for one in sources)


def _check(file: Agenda) -> Iterator[Finding]:
    yield from _check_organisations(file)
    codes: set[str] = set()
    parts: dict[str, tuple[Input | Output, ...]] = {"inputs": file.inputs, "outputs": file.outputs}
    for name, listed in parts.items():
        for number, one in enumerate(listed):
            if one.code in codes:
                yield (name, number, "code"), f"stands twice: {one.code}"
            codes.add(one.code)
            if not one.sources:
                yield (name, number, "sources"), "is empty: nothing asks for it"
            for place, source in enumerate(one.sources):
                yield from unknown_clauses(source, (name, number, "sources", place))
    yield from _check_outline(file, codes)


def _check_organisations(file: Agenda) -> Iterator[Finding]:
    for kind, marks in file.organisations.items():
        if kind not in KINDS:
            yield ("organisations", kind), "is no kind of organisation"
        for place, mark in enumerate(marks):
            if mark not in all_sources():
                yield ("organisations", kind, place), f"names a document that does not exist: {mark}"
    for kind in KINDS.keys() - file.organisations.keys():
        yield ("organisations",), f"says nothing of {kind}"


def _check_outline(file: Agenda, codes: set[str]) -> Iterator[Finding]:
    yield from unknown_clauses(file.report.source, ("report", "source"))
    wanted = {one.code for one in file.inputs if _applies(one.sources, (file.report.mark,))}
    placed: set[str] = set()
    for number, chapter in enumerate(file.report.chapters):
        for place, section in enumerate(chapter.sections):
            path = ("report", "chapters", number, "sections", place)
            if section.code in codes:
                yield (*path, "code"), f"stands twice: {section.code}"
            codes.add(section.code)
            for index, code in enumerate(section.inputs):
                if code not in wanted or code in placed:
                    yield (*path, "inputs", index), f"is no input of it, or stands in another section: {code}"
                placed.add(code)
    for code in sorted(wanted - placed):
        yield ("report", "chapters"), f"leave out the input {code}"
    if sum(section.facts == "decisions" for section in file.report.sections()) != 1:
        yield ("report", "chapters"), "put the decisions into exactly one section, which this file does not"
