"""A verification body with engagements, an authority with supervisors, and grants between them."""

from dataclasses import dataclass
from datetime import date, timedelta

from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import current_archive
from archive_app.supervision.granting import ask_for_access, grant_access
from archive_app.supervision.models import SupervisionGrant
from archive_app.supervision.scopes import Thing
from tests.factories import People, engagement_of

AUTHORITY, OTHER_BODY = "江南省生态环境厅", "清源核查"
WHOLE = Thing(whole=True)


@dataclass(frozen=True)
class Scene:
    """Two engagements of the body with clients of their own, one of another body, two supervisors of one authority."""

    people: People
    archivist: Actor
    leader: Actor
    supervisor: Actor
    colleague: Actor
    first: Engagement
    second: Engagement
    elsewhere: Engagement
    other_archivist: Actor

    @property
    def body_id(self) -> str:
        return self.first.organisation_id


def scene_of(people: People) -> Scene:
    """The cast, made anew."""
    archivist, leader = people.person("archivist", name="档案员甲"), people.person("team_leader", name="顾言")
    people.organisation(AUTHORITY, "authority")
    people.organisation(OTHER_BODY)
    other_leader = people.person("team_leader", organisation=OTHER_BODY)
    return Scene(
        people=people,
        archivist=archivist,
        leader=leader,
        supervisor=people.person("supervisor", name="沈督察", organisation=AUTHORITY),
        colleague=people.person("supervisor", name="陆督察", organisation=AUTHORITY),
        first=engagement_of(leader, title="年度核查甲", year=2024),
        second=engagement_of(leader, title="年度核查乙", year=2025),
        elsewhere=engagement_of(other_leader, title="别处的核查"),
        other_archivist=people.person("archivist", organisation=OTHER_BODY),
    )


def days(count: int) -> date:
    """A day from today on."""
    return current_archive().today() + timedelta(days=count)


def asked(scene: Scene, *, until: date | None = None, by: Actor | None = None) -> SupervisionGrant:
    """A request that waits."""
    return ask_for_access(
        by or scene.supervisor,
        organisation_id=scene.body_id,
        purpose="年度双随机检查",
        reference="江环函〔2026〕18号",
        wanted="2024 年全部委托方",
        until=until or days(30),
    )


def granted(scene: Scene, *things: Thing, until: date | None = None, by: Actor | None = None) -> SupervisionGrant:
    """A living grant of these things."""
    grant = asked(scene, by=by)
    grant_access(scene.archivist, grant_id=grant.id, things=list(things), until=until or days(7))
    return grant
