"""On whose behalf the jobs of a register act: whoever asked, with what they may do now and might do then.

A person may have asked through a program, whose token allows it less than they may themselves. A job that looked only
at the person would do more for that program than the program may.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from archive_app.identity.actors import acting_as
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import SignInRequiredError
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork


def asking(asker: Actor) -> dict[str, Any]:
    """What a job carries of whoever asks for it."""
    return {"actor": asker.name, "held": sorted(asker.permissions)}


def asked_by(job: Job) -> dict[str, Any]:
    """Who asked for a job: `actor_name`, and in `held` the permissions that they had when they asked."""
    told = job.arguments()
    return {"actor_name": str(told["actor"]), "held": told.get("held")}


def actor_named(uow: UnitOfWork, name: str, organisation_id: str, held: Collection[str] | None = None) -> Actor:
    """A step: whoever asked for a job, with the roles they have now; the operator stays the operator.

    `held` are the permissions they asked with: nothing beyond them is given, whatever their roles.
    Raises: SignInRequiredError for a person who is gone or deactivated.
    """
    if name.startswith("system:"):
        system = Actor.system(name.partition(":")[2], via="cli")
        return Actor(system.name, system.via, system.permissions, organisation_id=organisation_id)
    person = uow.session.get(Person, name)
    if person is None or not person.active:
        raise SignInRequiredError
    actor = acting_as(uow, person)
    if held is None:
        return actor
    return replace(actor, permissions=frozenset(may for may in actor.permissions if may in held))


def actor_or_system(uow: UnitOfWork, name: str, organisation_id: str, held: Collection[str] | None = None) -> Actor:
    """A step: as `actor_named`, and the archive itself for somebody who is gone: a job must still come to its end."""
    try:
        return actor_named(uow, name, organisation_id, held)
    except SignInRequiredError:
        return Actor.system("registers")
