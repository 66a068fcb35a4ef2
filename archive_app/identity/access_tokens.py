"""Access tokens: what a person gives to a program so that it may do a part of what they may, for a while."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, select, update

from archive_app.identity.actors import Standing, actor_for
from archive_app.identity.models import AccessToken, Organisation, Person, PersonRole, SecondFactor
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import OF_EVERYBODY, Permission
from archive_app.kernel.tables import UtcDateTime
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

TOKEN_MADE = event_type("token.made", N_("Access token made"))
TOKEN_ENDED = event_type("token.ended", N_("Access token ended"))
PREFIX = "lantai_"
"""How every token begins, so that programs that look for leaked secrets find one."""
DEFAULT_DAYS, MOST_DAYS = 90, 365
MOST_TOKENS = 50
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Scope:
    """What a token may be given, as people choose it. `chief` is the permission that it is about; with it come the
    others that it is of no use without."""

    key: str
    label: str
    chief: Permission
    others: frozenset[Permission] = frozenset()

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the scope gives, as far as the person holds it."""
        return self.others | {self.chief}


_SEEING = frozenset({Permission.CLIENTS_READ, Permission.ENGAGEMENTS_READ, Permission.ENGAGEMENTS_READ_ALL})
_WORKING = _SEEING | {Permission.ENGAGEMENTS_KEEP, Permission.DOCUMENTS_ADD}
SCOPES = (
    Scope(
        "read",
        N_("Read and search: clients, engagements, documents and their content"),
        Permission.DOCUMENTS_READ,
        _SEEING
        | {
            Permission.DOCUMENTS_EXPORT,
            Permission.SUPERVISION_USE,
            Permission.OWN_AFFAIRS_READ,
            Permission.CONTROLLED_READ,
            Permission.DUTIES_READ,
            Permission.LAWS_READ,
            Permission.REVIEWS_READ,
        },
    ),
    Scope(
        "file",
        N_("File documents (new versions need reading, too)"),
        Permission.DOCUMENTS_ADD,
        _WORKING,
    ),
    Scope(
        "open",
        N_("Add clients and open engagements"),
        Permission.ENGAGEMENTS_CREATE,
        # Whoever opens an engagement leads it, through a program as well.
        _SEEING | {Permission.CLIENTS_MANAGE, Permission.TEAM_LEAD},
    ),
    Scope("import", N_("Import registers"), Permission.REGISTERS_IMPORT, _WORKING),
    Scope(
        "inbox",
        N_("Put files into the inbox and sort it"),
        Permission.INBOX_SORT,
        _WORKING,
    ),
    Scope(
        "cases",
        N_("Take engagements on from stage to stage"),
        Permission.STAGES_MOVE,
        # Whose turn it is at a stage depends on what the person is: leader, archivist, or who issues reports.
        _SEEING | {Permission.ENGAGEMENTS_KEEP, Permission.TEAM_LEAD, Permission.REPORTS_ISSUE},
    ),
    Scope(
        "records",
        N_("Describe, accept and return records (needs reading, too)"),
        Permission.RECORDS_DESCRIBE,
        _SEEING | {Permission.ENGAGEMENTS_KEEP, Permission.RECORDS_ACCEPT},
    ),
    Scope(
        "nonconformities",
        N_("Raise nonconformities and confirm corrections"),
        Permission.NONCONFORMITIES_MANAGE,
        _SEEING,
    ),
    Scope(
        "duties",
        N_("Record that recurring duties were done (needs reading, too)"),
        Permission.DUTIES_DO,
        # Whoever manages the duties of the organisation settles those of others, through a program as well.
        _SEEING | {Permission.DUTIES_READ, Permission.DUTIES_MANAGE},
    ),
    Scope("log", N_("Read the audit log"), Permission.LOG_READ),
)
_OF_TOKENS = frozenset({Permission.ANYBODY, Permission.SIGNED_IN})


@dataclass(frozen=True)
class NewAccessToken:
    """A token that was just made: the only time it is seen."""

    id: str
    token: str
    name: str
    expires_at: datetime


@dataclass(frozen=True)
class AccessTokenLine:
    """A token as its owner sees it; `scopes` are keys of `SCOPES`."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def scopes_for(permissions: Collection[Permission]) -> list[Scope]:
    """The scopes that somebody with these permissions has."""
    return [scope for scope in SCOPES if scope.chief in permissions]


def actor_of_token(archive: Archive, token: str, address: str) -> Actor | None:
    """The person behind `token`, with what both they and it may do; None when it opens nothing.

    One query; at most one write a minute.
    """
    now = archive.clock.now()
    with archive.reading(Actor.anonymous(via="api", address=address)) as uow:
        rows = uow.session.execute(_HOLDER, {"token_digest": token_digest(token), "now": now}).all()
        if not rows:
            return None
        token_id, scopes, last_used_at, person, runs_archive, enrolled_at, _ = rows[0]
        roles = frozenset(filter(None, (role for *_, role in rows)))
        whole = actor_for(person, Standing(roles, runs_archive, enrolled_at is not None), address=address)
    # What the token was made for, its person confirmed when they made it: no later act can confirm it again.
    # A role that is used with a second factor only gives a program nothing either until its person has one.
    permissions = OF_EVERYBODY if whole.awaits else _OF_TOKENS | (whole.permissions & _permissions(scopes))
    actor = replace(whole, via="api", permissions=permissions, confirmed_at=now)
    if last_used_at is None or now - last_used_at >= _SEEN_EVERY:
        _note_used(archive, actor, token_id)
    return actor


@use_case(Permission.TOKENS_OWN, confirmed=True)
def make_token(actor: Actor, uow: UnitOfWork, *, name: str, scopes: Iterable[str], days: int) -> NewAccessToken:
    """Makes a token for the actor. Raises: InvalidInputError."""
    name = one_line(name, field=N_("Name"), limit=100)
    granted = _granted(actor, scopes)
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInputError(field=N_("Days"), reason=N_("A token is good for 1 to 365 days."))
    person = uow.session.get(Person, actor.person_id or "", with_for_update=True)
    if person is None or not person.active:
        raise NotFoundError
    _keep_few(uow, person.id)
    token = PREFIX + new_token()
    row = AccessToken(
        id=uow.new_id(),
        token_digest=token_digest(token),
        person_id=person.id,
        name=name,
        scopes=" ".join(sorted(granted)),
        created_at=uow.now,
        expires_at=uow.now + timedelta(days=days),
    )
    uow.session.add(row)
    uow.record(TOKEN_MADE, _subjects(row), name=name, scopes=sorted(granted), expires_at=row.expires_at.isoformat())
    return NewAccessToken(row.id, token, name, row.expires_at)


@use_case(Permission.TOKENS_OWN)
def end_token(actor: Actor, uow: UnitOfWork, *, token_id: str) -> None:
    """Ends one of the actor's own tokens at once; the operator may end anybody's. Raises: NotFoundError."""
    row = uow.session.get(AccessToken, token_id, with_for_update=True)
    if row is not None and not (actor.is_system or row.person_id == actor.person_id):
        raise DeniedError("token", token_id)
    if row is None or row.ended_at is not None:
        raise NotFoundError
    row.ended_at = uow.now
    uow.record(TOKEN_ENDED, _subjects(row), name=row.name)


@query(Permission.TOKENS_OWN)
def list_own_tokens(actor: Actor, uow: UnitOfWork, *, after: str | None = None) -> Page[AccessTokenLine]:
    """The actor's tokens that still open something, newest first."""
    return _living(uow, actor.person_id or "", after)


@query(Permission.ACCOUNTS_MANAGE)
def list_tokens_of(actor: Actor, uow: UnitOfWork, *, person_id: str, after: str | None = None) -> Page[AccessTokenLine]:
    """A person's tokens that still open something, newest first. Raises: NotFoundError."""
    uow.require("person", person_id)
    return _living(uow, person_id, after)


def end_tokens(uow: UnitOfWork, person_id: str) -> None:
    """A step: ends all tokens of the person. The act that causes it is what gets recorded."""
    theirs = update(AccessToken).where(AccessToken.person_id == person_id, AccessToken.ended_at.is_(None))
    uow.session.execute(theirs.values(ended_at=uow.now))


def _living(uow: UnitOfWork, person_id: str, after: str | None) -> Page[AccessTokenLine]:
    alive = and_(AccessToken.ended_at.is_(None), AccessToken.expires_at > uow.now)
    statement = select(AccessToken).where(AccessToken.person_id == person_id, alive)
    page = fetch_page(uow.session, statement, [AccessToken.id], after=after, descending=True)
    return Page([_line(row) for row, *_ in page.items], page.next_key)


def _line(row: AccessToken) -> AccessTokenLine:
    scopes = tuple(scope.key for scope in scopes_for(_permissions(row.scopes)))
    return AccessTokenLine(row.id, row.name, scopes, row.created_at, row.expires_at, row.last_used_at)


def _granted(actor: Actor, scopes: Iterable[str]) -> frozenset[Permission]:
    """The permissions of the chosen scopes that the actor holds: later roles do not widen a token."""
    offered = {scope.key: scope.permissions for scope in scopes_for(actor.permissions)}
    chosen = frozenset(scopes)
    if not chosen:
        raise InvalidInputError(field=N_("What the token may do"), reason=N_("Choose at least one."))
    if not chosen <= offered.keys():
        raise InvalidInputError(field=N_("What the token may do"), reason=N_("Your roles do not allow this."))
    return actor.permissions & frozenset().union(*(offered[key] for key in chosen))


def _permissions(scopes: str) -> frozenset[Permission]:
    # A permission that a newer or older program knew gives nothing here.
    return frozenset(Permission(word) for word in scopes.split() if word in _KNOWN)


def _keep_few(uow: UnitOfWork, person_id: str) -> None:
    alive = and_(AccessToken.person_id == person_id, AccessToken.ended_at.is_(None), AccessToken.expires_at > uow.now)
    if len(uow.session.scalars(select(AccessToken.id).where(alive).limit(MOST_TOKENS)).all()) >= MOST_TOKENS:
        raise InvalidInputError(field=N_("Access tokens"), reason=N_("50 tokens are the most; end some first."))


def _note_used(archive: Archive, actor: Actor, token_id: str) -> None:
    with archive.transaction(actor, eventless=True) as uow:
        uow.session.execute(update(AccessToken).where(AccessToken.id == token_id).values(last_used_at=uow.now))


def _subjects(row: AccessToken) -> dict[str, str]:
    return {"person": row.person_id, "token": row.id}


_KNOWN = frozenset(map(str, Permission))
# Asked at every request, so it is put together once.
_HOLDER = (
    select(
        AccessToken.id,
        AccessToken.scopes,
        AccessToken.last_used_at,
        Person,
        Organisation.runs_archive,
        SecondFactor.enrolled_at,
        PersonRole.role,
    )
    .join(Person, Person.id == AccessToken.person_id)
    .join(Organisation, Organisation.id == Person.organisation_id)
    .outerjoin(SecondFactor, SecondFactor.person_id == Person.id)
    .outerjoin(PersonRole, and_(PersonRole.person_id == Person.id, PersonRole.granted_at.is_not(None)))
    .where(
        AccessToken.token_digest == bindparam("token_digest"),
        Person.active,
        AccessToken.ended_at.is_(None),
        AccessToken.expires_at > bindparam("now", type_=UtcDateTime()),
    )
)
