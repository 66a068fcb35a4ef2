"""Lists as a person meets them, over 100,000 documents, as somebody on the team of a quarter of 2,000 engagements."""

import time
from collections.abc import Iterator
from urllib.parse import quote

from tests.bench.bench_search_page import fetch, open_client
from tests.bench.figures import Figure, Scale, spread
from tests.bench.filling import Filled, fill_archive
from tests.bench.installation import installation, sign_in
from tests.corpus import documents

_ROUNDS = 40
_BODY_BYTES = 50


def measure(scale: Scale) -> Iterator[Figure]:
    """Every list in turn, round after round."""
    engagements = scale.choose(2_000, 100)
    filed = documents(scale.choose(100_000, 2_000), engagements=engagements, body_bytes=_BODY_BYTES)
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        filled = fill_archive(archive, filed, engagements=engagements, texts=False)
        client = open_client(archive, place.settings, sign_in(archive, filled.viewer.person_id))
        times: dict[str, list[float]] = {name: [] for name in _pages(filled)}
        for _ in range(_ROUNDS):
            for name, address in _pages(filled).items():
                started = time.perf_counter()
                fetch(client, address)
                times[name].append(time.perf_counter() - started)
    for name, values in times.items():
        found = spread(values[1:])
        yield Figure(f"{name}, p50", found.p50, "ms")
        yield Figure(f"{name}, p95", found.p95, "ms")


def _pages(filled: Filled) -> dict[str, str]:
    # The first engagement of the corpus has the most documents, and the viewer is on its team.
    largest = filled.engagements["e0000"]
    return {
        "engagements": "/engagements",
        "engagements, filtered by words": f"/engagements?text={quote('核查 7')}",
        "engagements, filtered by year": "/engagements?year=2023",
        "documents of the largest engagement": f"/engagements/{largest}",
        "the same, filtered by words": f"/engagements/{largest}?text={quote('排放')}",
    }
