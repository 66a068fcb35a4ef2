"""Category and retention of case files where nobody says otherwise: `config/case_files.toml`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from archive_app.engagements.data_files import Code, Finding, Path, Shape, Text, read_file
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.settings import CONFIG

FILE = CONFIG / "case_files.toml"
RETENTIONS = {"Y": N_("Permanent"), "D30": N_("30 years"), "D10": N_("10 years")}
"""Retention periods 保管期限 by their codes (DA/T 13-2022)."""
# Upper-case letters and digits with middle dots between: what separates the parts of a number cannot stand in one.
_CATEGORY = re.compile(r"[A-Z0-9]{1,6}(·[A-Z0-9]{1,6}){0,2}")


@dataclass(frozen=True)
class Category(Shape):
    """What a scheme's case files are numbered under."""

    category: Text
    retention: Text
    source: Text


@dataclass(frozen=True)
class _Categories(Shape):
    default: Category
    schemes: dict[Code, Category] = field(default_factory=dict)


def category_of(scheme: str) -> Category:
    """What case files of this scheme are numbered under."""
    default, schemes = _read()
    return schemes.get(scheme, default)


def checked_category(text: str) -> str:
    """A category as it stands in numbers, such as ZY·HC. Raises: InvalidInputError."""
    category = text.strip().upper().replace("・", "·").replace(".", "·")  # what keyboards give
    if not _CATEGORY.fullmatch(category):
        raise InvalidInputError(
            field=N_("Archival category"),
            reason=N_("Write capital letters and digits, parts divided by ·, such as ZY·HC."),
        )
    return category


def checked_retention(text: str) -> str:
    """A retention code. Raises: InvalidInputError."""
    if text not in RETENTIONS:
        raise InvalidInputError(field=N_("Retention"), reason=N_("Choose one from the list."))
    return text


def parse(text: str, source: str) -> tuple[Category, Mapping[str, Category]]:
    """The default and what schemes have of their own. Raises: SettingsError naming `source` and the line."""
    file = read_file(text, source, _Categories, check=_check)
    return file.default, file.schemes


@cache
def _read() -> tuple[Category, Mapping[str, Category]]:
    return parse(FILE.read_text(encoding="utf-8"), FILE.name)


def _check(file: _Categories) -> Iterator[Finding]:
    entries: dict[Path, Category] = {("default",): file.default}
    entries |= {("schemes", code): entry for code, entry in file.schemes.items()}
    for path, entry in entries.items():
        if not _CATEGORY.fullmatch(entry.category):
            yield (*path, "category"), f"cannot stand in a number: {entry.category}"
        if entry.retention not in RETENTIONS:
            yield (*path, "retention"), f"must be one of {', '.join(RETENTIONS)}"
