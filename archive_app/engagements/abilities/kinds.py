"""Kinds and codes of competence, read from `config/competences.toml`; sectors from `config/sectors.toml`."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from archive_app.engagements.data_files import Code, Finding, Names, Words, names_of, read_file
from archive_app.kernel.language import N_
from archive_app.settings import CONFIG

KINDS = {
    "education": N_("Education"),
    "title": N_("Professional title"),
    "training": N_("Training"),
    "sector": N_("Sector"),
}
SECTOR = "sector"
_FILE, _SECTORS = CONFIG / "competences.toml", CONFIG / "sectors.toml"
_Codes = dict[Code, Words]


def parse_codes(text: str, source: str) -> Mapping[str, Names]:
    """The codes of a TOML document with their names by language tag (zh, en), in its order.

    Raises: SettingsError naming `source` and the line of whatever in it is unknown, wrong or missing.
    """
    return names_of(read_file(text, source, _Codes))


def parse_competences(text: str, source: str) -> Mapping[str, Mapping[str, Names]]:
    """Codes by kind. Raises: SettingsError, also for a kind that is unknown or missing."""
    tables = read_file(text, source, dict[str, _Codes], check=_check)
    return MappingProxyType({kind: names_of(codes) for kind, codes in tables.items()})


@cache
def all_competences() -> Mapping[str, Mapping[str, Names]]:
    """What people can be competent for in this installation, by kind and code. Raises: SettingsError."""
    named = parse_competences(_FILE.read_text(encoding="utf-8"), _FILE.name)
    return MappingProxyType({**named, SECTOR: parse_codes(_SECTORS.read_text(encoding="utf-8"), _SECTORS.name)})


def competence_name(kind: str, code: str, language: str) -> str:
    """What people call a competence in `language`; a code that the configuration dropped stays."""
    names = all_competences().get(kind, {}).get(code)
    return names[language.partition("_")[0]] if names else code


def _check(tables: Mapping[str, object]) -> Iterator[Finding]:
    wanted = KINDS.keys() - {SECTOR}
    yield from (((kind,), "is no kind of competence") for kind in tables.keys() - wanted)
    yield from (((kind,), "is missing") for kind in wanted - tables.keys())
