"""What the page of who may see an engagement says about supervisors."""

from sqlalchemy import select

from archive_app.engagements.audience import Told, Why, tells_of
from archive_app.engagements.models import Engagement
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.supervision.models import SupervisionGrant
from archive_app.supervision.policy import GROUND, GROUND_OF_ALL, opens


@tells_of(GROUND)
def tell_of_parts(uow: UnitOfWork, engagement: Engagement) -> Told:
    """Every supervisor whom a grant of something in particular lets in, with its purpose and its end."""
    return _tell(uow, engagement, whole=False)


@tells_of(GROUND_OF_ALL)
def tell_of_all(uow: UnitOfWork, engagement: Engagement) -> Told:
    """The same of grants of the whole body."""
    return _tell(uow, engagement, whole=True)


def _tell(uow: UnitOfWork, engagement: Engagement, *, whole: bool) -> Told:
    grants = select(SupervisionGrant).where(opens(uow.archive.policy, engagement, whole=whole))
    for grant in uow.session.scalars(grants.order_by(SupervisionGrant.id)):
        told = {"purpose": grant.purpose, "reference": grant.reference}
        message = N_("Grant for supervision: %(purpose)s (%(reference)s)")
        yield grant.person_id or "", Why(message, params=told, until=grant.until)
