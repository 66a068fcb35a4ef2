"""Schemes 业务类型: what a complete file of each kind of engagement holds and by which steps it comes about, as data.

`config/schemes/*.toml` holds one scheme a file. An engagement keeps the version that it began with, whatever the file
says later: the text is kept beside it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.engagements.data_files import Finding, Words, line_of, read_file
from archive_app.engagements.models import Engagement, SchemeEdition
from archive_app.engagements.scheme_rules import findings_of
from archive_app.engagements.scheme_values import (
    ACTIVITIES,
    CompetenceRule,
    DeadlineRule,
    Group,
    RequestLine,
    RequiredRecord,
    Scheme,
    SchemeFile,
    Stage,
    TeamRule,
)
from archive_app.kernel.database import insert_for
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.settings import CONFIG, SettingsError

__all__ = [
    "CompetenceRule",
    "DeadlineRule",
    "Group",
    "RequestLine",
    "RequiredRecord",
    "Scheme",
    "Stage",
    "TeamRule",
    "Words",
    "all_schemes",
    "changed_schemes",
    "keep_edition",
    "kept_scheme",
    "parse_scheme",
    "read_schemes",
    "scheme_named",
    "scheme_of",
    "schemes_of",
]

FOLDER = CONFIG / "schemes"
USUAL_SCHEME = "key_emitter_verification"


class SchemeChangedError(ArchiveError):
    """A scheme's file was changed without a new version while engagements already follow the old text."""

    code = "scheme_changed"
    message = N_(
        "The scheme %(scheme)s was changed without a new version, and engagements already follow version %(version)s. "
        "Nothing was opened; the operator gives the file a new version."
    )


class SchemeAlteredError(ArchiveError):
    """The text that engagements began with is not the text that was kept: the database was changed from outside."""

    code = "scheme_altered"
    message = N_(
        "The text of the scheme %(scheme)s, version %(version)s, is not the one that was kept when engagements began "
        "with it. Nothing was changed. Somebody changed the database; tell your administrator, who finds it under "
        "Health."
    )


@cache
def all_schemes() -> Mapping[str, Scheme]:
    """The schemes of this installation, by code. Raises: SettingsError."""
    return read_schemes(FOLDER)


def read_schemes(folder: Path) -> Mapping[str, Scheme]:
    """The schemes of a folder's files, by code: the usual one first, then by activity. Raises: SettingsError."""
    schemes: dict[str, Scheme] = {}
    for path in sorted(path for path in folder.iterdir() if path.name.endswith(".toml")):
        scheme = parse_scheme(path.read_text(encoding="utf-8"), path.name)
        if scheme.code != path.name.removesuffix(".toml"):
            line = line_of(scheme.text, ("code",))
            raise SettingsError(f"{path.name}:{line}: code differs from the name of the file: {scheme.code}")
        schemes[scheme.code] = scheme
    if USUAL_SCHEME not in schemes:
        raise SettingsError(f"{folder.name}: holds no {USUAL_SCHEME}.toml, which engagements follow by default")
    for scheme in schemes.values():
        for number, code in enumerate(scheme.follows):
            if code not in schemes:
                line = line_of(scheme.text, ("follows", number))
                reason = f"follows[{number + 1}] is not a scheme that is known: {code}"
                raise SettingsError(f"{scheme.code}.toml:{line}: {reason}")
    ordered = sorted(
        schemes.values(), key=lambda one: (one.code != USUAL_SCHEME, ACTIVITIES.index(one.activity), one.code)
    )
    return MappingProxyType({scheme.code: scheme for scheme in ordered})


def parse_scheme(text: str, source: str) -> Scheme:
    """The scheme of a TOML document. Raises: SettingsError naming `source`, the line and what is wrong with it."""
    return _read(text, source, known_words=True)


def scheme_named(code: str) -> Scheme:
    """The scheme of this code. Raises: InvalidInputError."""
    if code not in all_schemes():
        raise InvalidInputError(field=N_("Scheme"), reason=N_("Choose one from the list."))
    return all_schemes()[code]


def keep_edition(uow: UnitOfWork, scheme: Scheme) -> None:
    """A step: keeps the scheme's text, so that engagements that begin with it follow it to their end.

    Raises: SchemeChangedError where another text was kept under the same version.
    """
    sha256 = _digest(scheme)
    row = {"code": scheme.code, "version": scheme.version, "sha256": sha256, "text": scheme.text, "kept_at": uow.now}
    begun = insert_for(uow.session)(SchemeEdition).values(row)
    # Two bodies may begin with a scheme at the same moment: one of them keeps it, the other finds it kept.
    uow.session.execute(begun.on_conflict_do_nothing(index_elements=["code", "version"]))
    kept = select(SchemeEdition.sha256).where(
        SchemeEdition.code == scheme.code, SchemeEdition.version == scheme.version
    )
    if uow.session.scalar(kept) != sha256:
        raise SchemeChangedError(scheme=scheme.code, version=scheme.version)


def scheme_of(uow: UnitOfWork, engagement: Engagement) -> Scheme:
    """The step that gives the scheme an engagement follows, of the version that it began with.

    Raises: SchemeAlteredError.
    """
    return kept_scheme(uow.session.get_one(SchemeEdition, (engagement.scheme, engagement.scheme_version)))


def schemes_of(session: Session, engagements: Iterable[Engagement]) -> Mapping[tuple[str, str], Scheme]:
    """The schemes that engagements follow, by code and version, for lists that name them: one whose text was altered
    does not hide the others."""
    followed: dict[tuple[str, str], Scheme] = {}
    for engagement in engagements:
        key = (engagement.scheme, engagement.scheme_version)
        if key not in followed:
            followed[key] = _scheme(session.get_one(SchemeEdition, key))
    return followed


def kept_scheme(edition: SchemeEdition) -> Scheme:
    """The scheme of a text that was kept. Raises: SchemeAlteredError."""
    if is_altered(edition):
        raise SchemeAlteredError(scheme=edition.code, version=edition.version)
    return _scheme(edition)


def is_altered(edition: SchemeEdition) -> bool:
    """Whether the text is another than the one that was kept."""
    return hashlib.sha256(edition.text.encode("utf-8", "surrogatepass")).digest() != edition.sha256


def changed_schemes(session: Session, schemes: Mapping[str, Scheme]) -> list[Scheme]:
    """Those of `schemes` whose text is another than the one that engagements follow under the same version."""
    kept = {(row.code, row.version): row.sha256 for row in session.execute(_DIGESTS)}
    return [
        scheme
        for scheme in schemes.values()
        if kept.get((scheme.code, scheme.version), _digest(scheme)) != _digest(scheme)
    ]


def _scheme(edition: SchemeEdition) -> Scheme:
    return _kept(edition.text, f"{edition.code} {edition.version}")


_DIGESTS = select(SchemeEdition.code, SchemeEdition.version, SchemeEdition.sha256)


def _digest(scheme: Scheme) -> bytes:
    return hashlib.sha256(scheme.text.encode()).digest()


@cache
def _kept(text: str, source: str) -> Scheme:
    # What was right when an engagement began with it is followed to the end, also when the installation meanwhile
    # dropped a type of record or a clause that it names.
    return _read(text, source, known_words=False)


def _read(text: str, source: str, *, known_words: bool) -> Scheme:
    def check(file: SchemeFile) -> Iterable[Finding]:
        return findings_of(file) if known_words else ()

    file = read_file(text, source, SchemeFile, prepare=_follow_one_another, check=check)
    return Scheme(**{one.name: getattr(file, one.name) for one in fields(SchemeFile)}, text=text)


def _follow_one_another(tables: dict[str, Any]) -> None:
    """Stages that do not say what comes next are followed by the one below them."""
    stages = tables.get("stages")
    if isinstance(stages, list):
        for stage, below in zip(stages, [*stages[1:], None], strict=True):
            if isinstance(stage, dict):
                code = below.get("code") if isinstance(below, dict) else None
                stage.setdefault("next", [code] if isinstance(code, str) else [])
