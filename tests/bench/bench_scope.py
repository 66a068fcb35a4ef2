"""What it costs that somebody may not see all: the same pages over 100,000 documents, in turn as a verifier assigned to
500 engagements scattered among 2,000 and as the archivist who sees them all."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from urllib.parse import urlencode

from archive_app.documents.index_key import index_key
from archive_app.documents.indexing import describe_all
from archive_app.kernel.archive import Archive
from archive_app.runtime import index_memory_directory
from search import rebuild
from tests.bench.bench_search_page import fetch, open_client
from tests.bench.figures import Figure, Scale, Spread, at_most, spread
from tests.bench.filling import Filled, fill_archive
from tests.bench.installation import Installation, installation, sign_in
from tests.corpus import documents
from tests.factories import People

_ROUNDS, _WARM_UP = 60, 5
_BODY_BYTES = 50
_GOAL_RATIO = 1.5
_AGAINST = "the archivist's"


def measure(scale: Scale) -> Iterator[Figure]:
    """Every page once as each of the two, round after round: whatever else the machine does hits both alike."""
    engagements = scale.choose(2_000, 100)
    filed = documents(scale.choose(100_000, 2_000), engagements=engagements, body_bytes=_BODY_BYTES)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        filled = fill_archive(archive, filed, engagements=engagements, texts=False)
        people = People(archive, organisations={"": filled.viewer.organisation_id or ""})
        archivist = people.person("archivist", organisation="")
        with _indexed(place, archive):
            sides = {"scattered": filled.viewer, "all": archivist}
            clients = {
                name: open_client(archive, place.settings, sign_in(archive, person.person_id))
                for name, person in sides.items()
            }
            spreads = in_turn(
                {name: lambda address, client=client: fetch(client, address) for name, client in clients.items()},  # type: ignore[misc]
                _pages(filled),
                scale.choose(_ROUNDS, 10),
            )
    for page, found in spreads.items():
        ours, theirs = found["scattered"], found["all"]
        yield at_most(_GOAL_RATIO, Figure(f"{page}, p50", ours.p50, "ms", _AGAINST, theirs.p50))
        yield Figure(f"{page}, p99", ours.p99, "ms", _AGAINST, theirs.p99)


def _indexed(place: Installation, archive: Archive) -> AbstractContextManager[object]:
    memory, sealed = index_memory_directory(place.settings, archive.archive_id), place.settings.data_directory / "index"
    return rebuild(
        memory, sealed, index_key(archive), archive.archive_id, documents=describe_all(archive), watermark=None
    )


def in_turn(
    sides: Mapping[str, Callable[[str], object]], pages: Mapping[str, str], rounds: int
) -> dict[str, dict[str, Spread]]:
    """By page and side, how long a page took. Who begins changes from round to round."""
    times: dict[str, dict[str, list[float]]] = {page: {side: [] for side in sides} for page in pages}
    order = list(sides)
    for number in range(_WARM_UP + rounds):
        order.reverse()
        for page, address in pages.items():
            for side in order:
                started = time.perf_counter()
                sides[side](address)
                if number >= _WARM_UP:
                    times[page][side].append(time.perf_counter() - started)
    return {page: {side: spread(values) for side, values in found.items()} for page, found in times.items()}


def _pages(filled: Filled) -> dict[str, str]:
    # The viewer is on the team of the first engagement of the corpus, which has the most documents.
    largest = filled.engagements["e0000"]
    return {
        "search without words": "/search",
        "search for a common word": _search(q="排放"),
        "search for a rare word": _search(q="1234"),
        "search, narrowed by year and kind": _search(q="排放", year="2023", kind="pdf"),
        "search, narrowed to an engagement": _search(engagement=largest),
        "suggestions": "/search/suggestions?" + urlencode({"q": "排放"}),
        "engagements": "/engagements",
        "documents of an engagement": f"/engagements/{largest}",
        "clients": "/clients",
    }


def _search(**asked: str) -> str:
    return "/search?" + urlencode(asked)
