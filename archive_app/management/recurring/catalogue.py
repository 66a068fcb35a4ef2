"""Duties that come back, as data: `config/recurring/*.toml` holds one catalogue for each kind of organisation.

A catalogue says what the sources ask for and proposes when; what an organisation took on, with whom and from which day,
is its own (`taking_on.py`). A duty that a file drops stays with those who took it on: its name is kept with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from archive_app.engagements.data_files import Code, Finding, Shape, Text, Words, line_of, read_file
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.sources import unknown_clauses
from archive_app.identity.organisations import KINDS as ORGANISATIONS
from archive_app.kernel.language import N_
from archive_app.management.periods import MOST_MONTHS
from archive_app.settings import CONFIG, SettingsError

FOLDER = CONFIG / "recurring"
CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "organisational_boundary": N_("The organisational boundary changed"),
        "operational_boundary": N_("The operational boundary changed"),
        "output": N_("The output changed"),
        "process": N_("A production process changed"),
        "raw_materials": N_("Raw materials changed"),
        "installations": N_("The scale of the installations changed"),
        "sector": N_("The sector, or the kinds of products or services, changed"),
        "method": N_("An emission factor or the accounting method changed"),
    }
)
"""The changes that make duties due again: the first five are the major changes of S2 7.3.1; the boundaries, the scale
of installations and the sector are the static factors of S2 7.5, to which it adds factors and methods (S1 7.5)."""
_LEAP_YEAR = 2024


@dataclass(frozen=True)
class Duty(Shape):
    """Something that comes back every `every_months`; what each key means says `config/recurring/park.toml`."""

    code: Code
    name: Words
    about: Words
    sources: tuple[Text, ...]
    interval: Literal["rule", "planned"]
    every_months: int
    day: Text
    records: tuple[Code, ...]
    reviewed_again_by: tuple[Code, ...]
    template: Words | None = None

    @property
    def source(self) -> str:
        """Its clauses, as people write them: `S2 5.1b, S2 7.6.2a`."""
        return ", ".join(self.sources)

    def proposed_day(self, today: date) -> date:
        """The next day of the year, from today on, that the file proposes."""
        month, day = map(int, self.day.split("-"))
        this_year = date(today.year, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)


@dataclass(frozen=True)
class Catalogue(Shape):
    """The duties of the organisations of some kinds."""

    code: Code
    name: Words
    organisations: tuple[Code, ...]
    duties: tuple[Duty, ...]

    def duty(self, code: str) -> Duty | None:
        """The duty of this code, None where the file has none."""
        return next((duty for duty in self.duties if duty.code == code), None)


@cache
def all_catalogues() -> Mapping[str, Catalogue]:
    """The catalogues of this installation, by code. Raises: SettingsError."""
    return read_catalogues(FOLDER)


def read_catalogues(folder: Path) -> Mapping[str, Catalogue]:
    """The catalogues of a folder's files, by code; one at most for each kind of organisation. Raises: SettingsError."""
    catalogues: dict[str, Catalogue] = {}
    taken: dict[str, str] = {}
    for path in sorted(path for path in folder.iterdir() if path.name.endswith(".toml")):
        text = path.read_text(encoding="utf-8")
        catalogue = parse_catalogue(text, path.name)
        if catalogue.code != path.name.removesuffix(".toml"):
            raise SettingsError(
                f"{path.name}:{line_of(text, ('code',))}: code differs from the name of the file: {catalogue.code}"
            )
        for number, kind in enumerate(catalogue.organisations):
            if taken.setdefault(kind, path.name) != path.name:
                line = line_of(text, ("organisations", number))
                reason = f"organisations[{number + 1}] has its duties in {taken[kind]} already: {kind}"
                raise SettingsError(f"{path.name}:{line}: {reason}")
        catalogues[catalogue.code] = catalogue
    return MappingProxyType(catalogues)


def parse_catalogue(text: str, source: str) -> Catalogue:
    """The catalogue of a TOML document. Raises: SettingsError naming `source`, the line and what is wrong with it."""
    return read_file(text, source, Catalogue, check=_check)


def catalogue_of(kind: str) -> Catalogue | None:
    """The catalogue for organisations of this kind; None where there is none."""
    return next((one for one in all_catalogues().values() if kind in one.organisations), None)


def known_duty(kind: str, code: str) -> Duty | None:
    """A duty of the catalogue for organisations of this kind; None for one of own words, or that was dropped."""
    catalogue = catalogue_of(kind)
    return catalogue.duty(code) if catalogue and code else None


def _check(catalogue: Catalogue) -> Iterator[Finding]:
    for number, kind in enumerate(catalogue.organisations):
        if kind not in ORGANISATIONS:
            yield ("organisations", number), f"is not a kind of organisation: {kind}"
    codes: set[str] = set()
    for number, duty in enumerate(catalogue.duties):
        here = ("duties", number)
        if duty.code in codes:
            yield (*here, "code"), f"stands twice: {duty.code}"
        codes.add(duty.code)
        if not duty.sources:
            yield (*here, "sources"), "names no clause"
        for place, reference in enumerate(duty.sources):
            yield from unknown_clauses(reference, (*here, "sources", place))
        if not 1 <= duty.every_months <= MOST_MONTHS:
            yield (*here, "every_months"), f"is not between 1 and {MOST_MONTHS}: {duty.every_months}"
        yield from _check_lists(duty, number)
        if not _is_day(duty.day):
            yield (*here, "day"), f"is not a day of every year, as month and day: {duty.day}"


def _check_lists(duty: Duty, number: int) -> Iterator[Finding]:
    lists = (
        ("records", duty.records, all_record_types(), "a type of record"),
        ("reviewed_again_by", duty.reviewed_again_by, CHANGES, "a kind of change"),
    )
    for key, values, known, what in lists:
        for place, value in enumerate(values):
            if value not in known:
                yield ("duties", number, key, place), f"is not {what} that is known: {value}"
            if value in values[:place]:
                yield ("duties", number, key, place), f"stands twice: {value}"


def _is_day(text: str) -> bool:
    try:
        day = date.fromisoformat(f"{_LEAP_YEAR}-{text}")
    except ValueError:
        return False
    return (day.month, day.day) != (2, 29) and text == day.isoformat()[5:]
