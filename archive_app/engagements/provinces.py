"""Provinces by their two digits (GB/T 2260), and the one that a unified social credit code was given in (GB 32100)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import StringConstraints

from archive_app.engagements.data_files import Names, Shape, Words, names_of, read_file
from archive_app.identity.names import checked_credit_code
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.settings import CONFIG

_FILE = CONFIG / "provinces.toml"
_REGION = slice(2, 4)


@dataclass(frozen=True)
class _Provinces(Shape):
    provinces: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")], Words]


def parse_provinces(text: str, source: str) -> Mapping[str, Names]:
    """The provinces of a TOML document by code, each with its names by language tag (zh, en), in its order.

    Raises: SettingsError naming `source` and the line of whatever in it is unknown, wrong or missing.
    """
    return names_of(read_file(text, source, _Provinces).provinces)


@cache
def all_provinces() -> Mapping[str, Names]:
    """The provinces of this installation. Raises: SettingsError."""
    return parse_provinces(_FILE.read_text(encoding="utf-8"), _FILE.name)


def province_name(code: str, language: str) -> str:
    """What people call a province in `language`, e.g. `zh_Hans_CN`; a code that the configuration dropped stays."""
    return province_names(code)[language.partition("_")[0]]


def province_names(code: str) -> Names:
    """The same by language tag."""
    return dict(all_provinces().get(code, {"zh": code, "en": code}))


def checked_province(code: str) -> str | None:
    """A province as it is chosen from the list, None for none. Raises: InvalidInputError."""
    code = code.strip()
    if code and code not in all_provinces():
        raise InvalidInputError(field=N_("Province"), reason=N_("Choose a province from the list."))
    return code or None


def province_of(credit_code: str | None) -> str | None:
    """The province whose authority gave out a credit code; None where the code is not valid or says none.

    `91320100MA1MUQJ74W` -> `32`.
    """
    try:
        code = checked_credit_code(credit_code or "")
    except InvalidInputError:
        return None
    region = code[_REGION] if code else ""
    return region if region in all_provinces() else None
