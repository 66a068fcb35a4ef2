"""The texts that people declare: read from `config/declarations.toml`, by version and language (S0 5.10, annex C)."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import Any

from archive_app.settings import CONFIG, SettingsError

PARTS = ("impartiality", "confidentiality", "integrity")
LANGUAGES = ("zh", "en")
PLACES = frozenset({"person", "body", "client", "engagement", "year"})
_FILE = CONFIG / "declarations.toml"
_LONGEST_VERSION = 20
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH, _GROUP = 8, 4
_MISREAD = str.maketrans("OIL", "011")


@dataclass(frozen=True)
class Part:
    """One of the three parts, with its statements."""

    heading: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """A text in one language. As it stands in the file, or with its places filled in."""

    title: str
    opening: str
    parts: tuple[Part, ...]
    closing: str

    def filled(self, facts: Mapping[str, str]) -> "Wording":
        """The same with `facts` in its places. What is filled in is not read for places again."""
        parts = tuple(
            Part(part.heading.format_map({}), tuple(statement.format_map(facts) for statement in part.statements))
            for part in self.parts
        )
        return Wording(self.title.format_map({}), self.opening.format_map(facts), parts, self.closing.format_map(facts))

    def text(self) -> str:
        """All of it as plain lines: what is digested and filed."""
        lines = [self.title, "", self.opening]
        for part in self.parts:
            lines += ["", part.heading]
            lines += [f"{number}. {statement}" for number, statement in enumerate(part.statements, start=1)]
        return "\n".join([*lines, "", self.closing, ""])

    def digest(self) -> bytes:
        """SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self.text().encode()).digest()


@dataclass(frozen=True)
class TextVersion:
    """A version of the text, in force from a day on until the next one is; `wordings` by language tag."""

    version: str
    effective_from: date
    wordings: Mapping[str, Wording]


def parse_declarations(text: str, source: str) -> Sequence[TextVersion]:
    """The versions of a TOML document, oldest first.

    Raises: SettingsError naming `source` and the first thing in it that is unknown, wrong or missing.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: {error}") from error
    _keys(document, {"versions"}, source)
    listed = document["versions"]
    if not isinstance(listed, list) or not listed:
        raise SettingsError(f"{source}: holds no [[versions]]")
    versions = [_version(table, f"{source}: [[versions]] {place}") for place, table in enumerate(listed, start=1)]
    for name, values in (
        ("version", [version.version for version in versions]),
        ("effective_from", [str(version.effective_from) for version in versions]),
    ):
        for value in values:
            if values.count(value) > 1:
                raise SettingsError(f"{source}: [[versions]] two of them have the {name} {value}")
    return tuple(sorted(versions, key=lambda version: version.effective_from))


@cache
def all_declarations() -> Sequence[TextVersion]:
    """The versions of this installation, oldest first. Raises: SettingsError."""
    return parse_declarations(_FILE.read_text(encoding="utf-8"), str(_FILE))


def in_force(versions: Sequence[TextVersion], day: date) -> TextVersion:
    """The version that counts on `day`; the first one counts before its day too."""
    begun = [version for version in versions if version.effective_from <= day]
    return begun[-1] if begun else versions[0]


def language_tag(language: str) -> str:
    """The tag of a language of the pages. `zh_Hans_CN` -> `zh`."""
    return language.partition("_")[0]


def sheet_code(*facts: str) -> str:
    """The short code on a printed sheet: it ties the paper to its text, version, person and assignment, so that a scan
    is recorded as what was signed. It is no secret. `K7QF-2M9D`."""
    digest = int.from_bytes(hashlib.sha256("\n".join(facts).encode()).digest())
    letters = [_ALPHABET[digest >> 5 * place & 31] for place in range(_CODE_LENGTH)]
    return "".join(letters[:_GROUP]) + "-" + "".join(letters[_GROUP:])


def plain_code(typed: str) -> str:
    """A code as somebody typed it, in its one form: what is easily misread counts as what was meant."""
    letters = "".join(letter for letter in typed.upper() if letter.isalnum()).translate(_MISREAD)
    return letters[:_GROUP] + "-" + letters[_GROUP:]


def _version(table: Any, place: str) -> TextVersion:
    _keys(table, {"version", "effective_from", *LANGUAGES}, place)
    version, day = table["version"], table["effective_from"]
    if not isinstance(version, str) or not 0 < len(version) <= _LONGEST_VERSION or not version.isprintable():
        raise SettingsError(f"{place}: version must be a text of 1 to {_LONGEST_VERSION} characters")
    if not isinstance(day, date) or isinstance(day, datetime):
        raise SettingsError(f"{place}: effective_from must be a day, e.g. 2026-01-01")
    wordings = {tag: _wording(table[tag], f"{place} {tag}") for tag in LANGUAGES}
    return TextVersion(version, day, MappingProxyType(wordings))


def _wording(table: Any, place: str) -> Wording:
    _keys(table, {"title", "opening", "closing", *PARTS}, place)
    title = _words(table["title"], f"{place}: title", frozenset())
    opening, closing = (_words(table[key], f"{place}: {key}") for key in ("opening", "closing"))
    return Wording(title, opening, tuple(_part(table[name], f"{place} {name}") for name in PARTS), closing)


def _part(table: Any, place: str) -> Part:
    _keys(table, {"heading", "statements"}, place)
    listed = table["statements"]
    if not isinstance(listed, list) or not listed:
        raise SettingsError(f"{place}: statements must be a list of texts")
    statements = tuple(_words(one, f"{place}: statement {number}") for number, one in enumerate(listed, start=1))
    return Part(_words(table["heading"], f"{place}: heading", frozenset()), statements)


def _keys(table: Any, wanted: set[str], place: str) -> None:
    if not isinstance(table, dict):
        raise SettingsError(f"{place}: must be a table")
    for unknown in sorted(table.keys() - wanted):
        raise SettingsError(f"{place}: unknown key {unknown}")
    for missing in sorted(wanted - table.keys()):
        raise SettingsError(f"{place}: {missing} is missing")


def _words(text: Any, place: str, places: frozenset[str] = PLACES) -> str:
    """A text of one line whose braces hold known places and nothing else. Raises: SettingsError."""
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise SettingsError(f"{place} must be a text of one line")
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from error
    for _, name, form, conversion in parsed:
        if name is not None and (name not in places or form or conversion):
            raise SettingsError(f"{place}: unknown place {{{name}}}; there are {', '.join(sorted(places)) or 'none'}")
    return text
