"""The progress of an engagement with 2,000 records, as a member of its team who does not see all of them, beside an
endpoint that does next to nothing; in an archive with other engagements and their documents."""

from collections.abc import Iterator
from itertools import islice

from archive_app.casework.stages import take_to
from archive_app.documents.ingest import DOCUMENT_FILED
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from tests.bench.bench_search_page import open_client
from tests.bench.figures import Figure, Scale
from tests.bench.filling import fill_archive
from tests.bench.installation import installation, sign_in
from tests.bench.views import beside_trivial
from tests.cases import make_ready, put_record
from tests.corpus import documents
from tests.factories import People, declare

_ROUNDS = 60
_GOAL_MS = 300
_BATCH = 500
_BODY_BYTES = 50
_STAGES = 3
_BENCH = Actor.system("bench")


def measure(scale: Scale) -> Iterator[Figure]:
    """Every view in turn, round after round."""
    records, engagements = scale.choose(2_000, 200), scale.choose(200, 20)
    others = documents(scale.choose(20_000, 500), engagements=engagements, body_bytes=_BODY_BYTES)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        filled = fill_archive(archive, others, engagements=engagements, texts=False)
        people = People(archive, {"绿源核查": filled.viewer.organisation_id or ""})
        member, engagement = fill_engagement(archive, people, records)
        client = open_client(archive, place.settings, sign_in(archive, member.person_id))
        views = {
            f"progress with {records:,} records": f"/engagements/{engagement.id}/progress",
        }
        yield from beside_trivial(client, views, rounds=_ROUNDS, goal_ms=_GOAL_MS)


def fill_engagement(archive: Archive, people: People, records: int) -> tuple[Actor, Engagement]:
    """An engagement in the middle of its scheme with so many records of all its types, every third above the level of
    the member who is given back."""
    leader = people.person("team_leader")
    member = people.person("verifier", level=Level.INTERNAL)
    client = add_client(leader, name="江南热电有限公司")
    engagement = open_engagement(leader, client_id=client.id, number="P-1", title="年度核查", year=2025)
    declare(archive, engagement.id)
    team = [(member, "member"), (people.person("technical_reviewer"), "reviewer")]
    for person, part in team + [(people.person("verifier"), "member") for _ in range(4)]:
        set_member(leader, engagement_id=engagement.id, person_id=person.person_id or "", part=part)
    declare(archive, engagement.id)
    with archive.transaction(_BENCH, eventless=True) as uow:
        scheme = scheme_of(uow, engagement)
        row = uow.session.get_one(Engagement, engagement.id)
        for stage in scheme.stages[1:_STAGES]:
            take_to(uow, row, scheme, stage.code, "")
    make_ready(archive, engagement.id, scheme)
    types = [record.type for stage in scheme.stages for record in stage.records]
    numbers = iter(range(records))
    while batch := list(islice(numbers, _BATCH)):
        with archive.transaction(_BENCH) as uow:
            for number in batch:
                level = Level.RESTRICTED if number % 3 == 0 else Level.INTERNAL
                document = put_record(uow, engagement.id, types[number % len(types)], level=level)
                subjects = subjects_of(uow.session, engagement.id, document=document)
                uow.record(DOCUMENT_FILED, subjects, title=f"记录 {number}")
    return member, engagement
