"""Documents that an organisation makes public, and the people who do it."""

import io
from dataclasses import dataclass
from datetime import date

from archive_app.documents.ingest import Entry, add_document
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.management.disclosure.deciding import decide_disclosure
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.opening import set_public_page
from archive_app.management.disclosure.proposing import Proposal, propose_disclosure
from tests.factories import People, engagement_of

NOBODY = Actor.anonymous()
CODE = "luyuan"
CONTENT = "年度排放信息公开内容".encode() * 50
WHY = Proposal("按标准要求公开", "S2 5.3")


@dataclass(frozen=True)
class Publishers:
    """Who proposes, two who decide, and an engagement whose documents may be public."""

    archivist: Actor
    decider: Actor
    second: Actor
    leader: Actor
    engagement: Engagement


def publishers(people: People, organisation: str = "绿源核查") -> Publishers:
    """The cast, made anew."""
    leader = people.person("team_leader", organisation=organisation)
    return Publishers(
        archivist=people.person("archivist", organisation=organisation),
        decider=people.person("management_representative", organisation=organisation),
        second=people.person("management_representative", organisation=organisation),
        leader=leader,
        engagement=engagement_of(leader),
    )


def filed(
    cast: Publishers, name: str = "排放信息.txt", *, level: Level = Level.PUBLIC, content: bytes = CONTENT
) -> str:
    """A document of the engagement; its id."""
    entry = Entry(name=name, level=level)
    stream = io.BytesIO(content + name.encode())
    return add_document(cast.leader, engagement_id=cast.engagement.id, stream=stream, entry=entry).document_id or ""


def published(cast: Publishers, document_id: str, *, until: date | None = None) -> Disclosure:
    """The document is public."""
    proposal = Proposal(WHY.reason, WHY.source, until)
    row = propose_disclosure(cast.archivist, document_id=document_id, proposal=proposal)
    return decide_disclosure(cast.decider, disclosure_id=row.id, publish=True)


def opened(cast: Publishers, code: str = CODE, *, shown: bool = True) -> None:
    """The public page is open, or closed."""
    set_public_page(cast.decider, code=code, shown=shown, introduction="核查机构\n<b>介绍</b>")
