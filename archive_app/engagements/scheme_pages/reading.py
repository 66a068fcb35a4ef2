"""Use cases of reading schemes, and whether their files are as engagements know them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.engagements.models import SchemeEdition
from archive_app.engagements.schemes import (
    Scheme,
    all_schemes,
    changed_schemes,
    is_altered,
    kept_scheme,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


@dataclass(frozen=True)
class SchemePage:
    """A scheme as its page shows it: of today's version, or of one that engagements began with. `versions` are those
    that engagements follow, in the order in which they began to."""

    scheme: Scheme
    today: bool
    versions: tuple[str, ...]


@query(Permission.SIGNED_IN)
def view_scheme(actor: Actor, uow: UnitOfWork, *, code: str, version: str = "") -> SchemePage:
    """A scheme in today's version, or in the `version` that engagements began with.

    Raises: NotFoundError, SchemeAlteredError.
    """
    editions = uow.session.scalars(
        select(SchemeEdition.version).where(SchemeEdition.code == code).order_by(SchemeEdition.kept_at)
    )
    versions = tuple(editions)
    if version:
        edition = uow.session.get(SchemeEdition, (code, version))
        if edition is None:
            raise NotFoundError
        of_today = code in all_schemes() and all_schemes()[code].version == version
        return SchemePage(kept_scheme(edition), of_today, versions)
    if code not in all_schemes():
        raise NotFoundError
    return SchemePage(all_schemes()[code], today=True, versions=versions)


def probe_schemes(uow: UnitOfWork) -> Iterator[Line]:
    """Whether every scheme's file is the text that engagements follow under its version, and that text the one that was
    kept."""
    altered = [edition for edition in uow.session.scalars(select(SchemeEdition)) if is_altered(edition)]
    for edition in altered:
        text = N_(
            "%(scheme)s: the text of version %(version)s, which engagements follow, was altered in the database. They "
            "stand still until the database is as it was."
        )
        yield Line(N_("Schemes"), State.BAD, text, {"scheme": edition.code, "version": edition.version})
    changed = changed_schemes(uow.session, all_schemes())
    for scheme in changed:
        text = N_(
            "%(scheme)s: the file was changed without a new version. Engagements that run follow the text of "
            "version %(version)s as it was; new ones are refused. Give the file a new version."
        )
        yield Line(N_("Schemes"), State.BAD, text, {"scheme": scheme.code, "version": scheme.version})
    if not changed and not altered:
        yield Line(
            N_("Schemes"), State.GOOD, N_("%(count)s, as their engagements know them"), {"count": len(all_schemes())}
        )
