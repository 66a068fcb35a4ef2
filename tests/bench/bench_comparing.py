"""Two versions of a procedure of 200 pages beside each other, as Word and as PDF: the whole request, and whether what
it says is right; and what two texts take that have nothing in common."""

import io
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from flask.testing import FlaskClient

from archive_app.documents.comparing.versions import ComparedPage, compare_versions
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.reading import read_version
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from tests.bench.bench_search_page import fetch, open_client
from tests.bench.figures import Figure, Scale, below, spread
from tests.bench.installation import installation, sign_in
from tests.factories import People, engagement_of, file_bytes
from tests.two_versions import Planted, docx_of, pdf_of, procedure, revised, told

_ROUNDS = 5
_GOAL_SECONDS = 5
_CHANGES = 40
_PARAGRAPHS_OF_200_PAGES = 1_050


def measure(scale: Scale) -> Iterator[Figure]:
    """Each pair of files: the page several times over, then what the comparison found."""
    items = procedure(scale.choose(_PARAGRAPHS_OF_200_PAGES, 200))
    after, planted = revised(items, _CHANGES if not scale.small else 7)
    pairs = {
        "docx": (docx_of(items), docx_of(after)),
        "pdf": (pdf_of(items), pdf_of(after)),
        "docx, all of it other": (docx_of(items), docx_of(procedure(len(items), seed=99))),
        "txt, nothing in common": (_noise(len(items) * 190, 1), _noise(len(items) * 190, 2)),
    }
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        leader = People(archive).person("team_leader")
        client = open_client(archive, place.settings, sign_in(archive, leader.person_id))
        engagement = engagement_of(leader)
        for name, contents in pairs.items():
            document_id = _filed(archive, leader, engagement, f"程序.{name.partition(',')[0]}", contents)
            yield from _figures(client, leader, document_id, name, planted if "," not in name else None)


def _figures(
    client: FlaskClient, leader: Actor, document_id: str, name: str, planted: Sequence[Planted] | None
) -> Iterator[Figure]:
    seconds = spread([_seconds(client, f"/documents/{document_id}/compare") for _ in range(_ROUNDS)])
    page = compare_versions(leader, document_id=document_id).compared
    pages = page.right.version.page_count
    words = f"compare {name}" + (f" of {pages} pages" if pages else f" of {len(page.right.text or ''):,} characters")
    # `spread` speaks of milliseconds.
    yield below(_GOAL_SECONDS, Figure(f"{words}, longest", seconds.p99 / 1000, "s"))
    if planted is not None:
        yield from _rightness(page, planted, words)


def _rightness(page: ComparedPage, planted: Sequence[Planted], words: str) -> Iterator[Figure]:
    if page.comparison is None:
        raise RuntimeError(f"{words}: no text was read")
    found, expected = told(page.comparison, page.left.text or "", page.right.text or ""), Counter(planted)
    right, invented = (found & expected).total(), (found - expected).total()
    against = "were made", float(len(planted))
    yield Figure(f"{words}: found", right, "", *against, goal="all", met=right == len(planted))
    yield Figure(f"{words}: invented", invented, "", goal="none", met=not invented)


def _seconds(client: FlaskClient, address: str) -> float:
    started = time.perf_counter()
    fetch(client, address)
    return time.perf_counter() - started


def _filed(archive: Archive, leader: Actor, engagement: Engagement, name: str, contents: Sequence[bytes]) -> str:
    """The id of a document with two versions that have been read."""
    first, second = contents
    filed = file_bytes(leader, engagement, name, first)
    entry = Entry(name=name)
    again = add_document(
        leader, engagement_id=engagement.id, stream=io.BytesIO(second), entry=entry, document_id=filed.document_id
    )
    for version_id in (filed.version_id, again.version_id):
        read_version(Workshop(archive), Job(kind="documents.read", subject_id=version_id))
    return filed.document_id or ""


def _noise(characters: int, seed: int) -> bytes:
    luck = random.Random(seed)
    return "".join(chr(luck.randrange(0x4E00, 0x9000)) for _ in range(characters)).encode()
