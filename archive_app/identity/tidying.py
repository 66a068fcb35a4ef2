"""Tidying: rows that have done their work and are nobody's record are removed. The events of the same acts stay."""

from datetime import timedelta

from sqlalchemy import delete

from archive_app.identity.delays import FORGOTTEN_AFTER
from archive_app.identity.models import AccessToken, OneTimeLink, SignInDelay, SignInSession
from archive_app.kernel.actor import Actor
from archive_app.kernel.answered import forget_expired
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job

TIDY = "identity.tidy"
TIDY_EVERY_SECONDS = 3600
_KEPT = timedelta(days=30)


def tidy(workshop: Workshop, _job: Job) -> None:
    """Removes forgotten delays, answers that nobody repeats, and sessions, links and tokens that ended a month ago."""
    with workshop.archive.transaction(Actor.system("tidying"), eventless=True) as uow:
        uow.session.execute(delete(SignInDelay).where(SignInDelay.next_try_at < uow.now - FORGOTTEN_AFTER))
        uow.session.execute(delete(SignInSession).where(SignInSession.expires_at < uow.now - _KEPT))
        uow.session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < uow.now - _KEPT))
        uow.session.execute(delete(AccessToken).where(AccessToken.expires_at < uow.now - _KEPT))
        forget_expired(uow)
