"""The search as a person meets it: the whole page, as somebody who may see a quarter of the archive.

Beside it the bare engine answers the same queries in the same engagements, with the same facets, and cuts twenty
excerpts out of plain strings in memory.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from urllib.parse import urlencode

from flask.testing import FlaskClient

from archive_app.app import create_app
from archive_app.documents.index_key import index_key
from archive_app.documents.indexing import describe_all
from archive_app.documents.searching import search_documents
from archive_app.kernel.archive import Archive
from archive_app.runtime import FEATURES, index_memory_directory
from archive_app.settings import Settings
from archive_app.web.gate import SESSION_COOKIE
from search import Filters, rebuild
from tests.bench.bench_search import BareIndex, make_queries
from tests.bench.figures import Figure, Scale, Spread, below_either, spread
from tests.bench.filling import fill_archive
from tests.bench.installation import Browser, installation, serving_pages, sign_in
from tests.corpus import ENGAGEMENTS, documents

_QUERIES = 400
_WARM_UP = 20
_GOAL_RATIO, _GOAL_MS = 4, 10
_AGAINST = "bare engine, plain excerpts"


def measure(scale: Scale) -> Iterator[Figure]:
    """Every query once on each side, in turn."""
    filed = list(documents(scale.choose(20_000, 1_000)))
    with installation(scale.directory / "archive") as place, place.opened() as archive:
        filled = fill_archive(archive, filed, engagements=ENGAGEMENTS, texts=True)
        bare = BareIndex(scale.directory / "bare", filed)
        bodies = {document.key: document.body for document in filed}
        queries = make_queries(filed, scale.choose(_QUERIES, 60))
        memory = index_memory_directory(place.settings, archive.archive_id)
        sealed = place.settings.data_directory / "index"
        with rebuild(
            memory, sealed, index_key(archive), archive.archive_id, documents=describe_all(archive), watermark=None
        ):
            token = sign_in(archive, filled.viewer.person_id)
            client = open_client(archive, place.settings, token)
            with serving_pages(place) as service:
                browser = Browser(service.port, token)
                spreads = _in_turn(
                    queries,
                    {
                        "bare": lambda text: bare.page(text, bodies, filled.own_engagements),
                        "use case": lambda text: search_documents(filled.viewer, text=text, filters=Filters()),
                        "page": lambda text: fetch(client, _address(text)),
                        "browser": lambda text: browser.get(_address(text)),
                    },
                )
    yield from _figures(spreads)


def _figures(spreads: dict[str, Spread]) -> Iterator[Figure]:
    bare = spreads["bare"]
    yield Figure("search without the page, p50", spreads["use case"].p50, "ms", _AGAINST, bare.p50)
    for name, words in (("page", "search page"), ("browser", "search page through gunicorn")):
        p50 = Figure(f"{words}, p50", spreads[name].p50, "ms", _AGAINST, bare.p50)
        yield below_either(_GOAL_RATIO, _GOAL_MS, p50)
        yield Figure(f"{words}, p99", spreads[name].p99, "ms", _AGAINST, bare.p99)


def _in_turn(queries: Sequence[str], sides: dict[str, Callable[[str], object]]) -> dict[str, Spread]:
    for text in queries[:_WARM_UP]:
        for side in sides.values():
            side(text)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for text in queries[_WARM_UP:]:
        for name, side in sides.items():
            started = time.perf_counter()
            side(text)
            times[name].append(time.perf_counter() - started)
    return {name: spread(values) for name, values in times.items()}


def open_client(archive: Archive, settings: Settings, token: str) -> FlaskClient:
    """The web application, asked without a server between, as the holder of a session."""
    client = create_app(archive, settings, FEATURES).test_client()
    client.set_cookie(SESSION_COOKIE, token)
    return client


def fetch(client: FlaskClient, address: str) -> None:
    """A page in full. Raises: RuntimeError for another answer than 200."""
    response = client.get(address)
    if response.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{address} answered {response.status}")


def _address(text: str) -> str:
    return "/search?" + urlencode({"q": text})
