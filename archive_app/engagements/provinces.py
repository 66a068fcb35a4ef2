"""Provinces by their two digits (GB/T 2260), and the one that a unified social credit code was given in (GB 32100)."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from archive_app.identity.names import checked_credit_code
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.settings import CONFIG, SettingsError

_FILE = CONFIG / "provinces.toml"
_CODE = re.compile(r"[0-9]{2}")
_REGION = slice(2, 4)

Names = Mapping[str, str]


def parse_provinces(text: str, source: str) -> Mapping[str, Names]:
    """The provinces of a TOML document by code, each with its names by language tag (zh, en), in its order.

    Raises: SettingsError naming `source` and the first thing in it that is unknown, wrong or missing.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: {error}") from error
    if tables.keys() != {"provinces"} or not isinstance(tables["provinces"], dict):
        raise SettingsError(f"{source}: holds one table [provinces] and nothing else")
    for code, names in tables["provinces"].items():
        if not _CODE.fullmatch(code):
            raise SettingsError(f"{source}: [provinces] {code} is not a code of two digits")
        if not isinstance(names, dict) or names.keys() != {"zh", "en"}:
            raise SettingsError(f"{source}: [provinces] {code} must give zh and en")
        if not all(isinstance(name, str) and name.strip() for name in names.values()):
            raise SettingsError(f"{source}: [provinces] {code} has a name that is no text")
    return MappingProxyType({code: MappingProxyType(names) for code, names in tables["provinces"].items()})


@cache
def all_provinces() -> Mapping[str, Names]:
    """The provinces of this installation. Raises: SettingsError."""
    return parse_provinces(_FILE.read_text(encoding="utf-8"), str(_FILE))


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
