"""Pages in turn, round after round, beside an endpoint that does next to nothing."""

import time
from collections.abc import Iterator, Mapping

from flask.testing import FlaskClient

from tests.bench.bench_search_page import fetch
from tests.bench.figures import Figure, below, spread

TRIVIAL = "trivial"
_TRIVIAL_ADDRESS = "/web/static/lantai.css"


def beside_trivial(client: FlaskClient, views: Mapping[str, str], *, rounds: int, goal_ms: float) -> Iterator[Figure]:
    """The median and the 95th percentile of each view (name to address), in milliseconds, the latter with a goal. The
    first round warms up and does not count."""
    addresses = {TRIVIAL: _TRIVIAL_ADDRESS, **views}
    times: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(rounds):
        for name, address in addresses.items():
            started = time.perf_counter()
            fetch(client, address)
            times[name].append(time.perf_counter() - started)
    trivial = spread(times[TRIVIAL][1:])
    for name in addresses:
        found = spread(times[name][1:])
        yield Figure(f"{name}, p50", found.p50, "ms", "trivial, p50", trivial.p50)
        p95 = Figure(f"{name}, p95", found.p95, "ms", "trivial, p95", trivial.p95)
        yield p95 if name == TRIVIAL else below(goal_ms, p95)
