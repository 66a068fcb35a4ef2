"""How long a person waits: the first `lantai init`, and the two commands that `make run` runs."""

from collections.abc import Iterator
from statistics import median

from tests.bench.figures import Figure, Scale, below, seconds_of
from tests.bench.installation import installation, serving

_SECOND_START_SECONDS = 5.0


def measure(scale: Scale) -> Iterator[Figure]:
    """Whole processes from the command to the first page that answers."""
    with installation(scale.directory / "archive", made=False) as place:
        first = seconds_of(lambda: place.command("init"))
        again: list[float] = []
        start: list[float] = []
        for _ in range(scale.choose(5, 1)):
            again.append(seconds_of(lambda: place.command("init")))
            with serving(place) as service:
                start.append(service.start_seconds)
    yield Figure("first lantai init", first, "s")
    yield Figure("second lantai init", median(again), "s")
    yield Figure("lantai serve, to the first page", median(start), "s")
    both = Figure("second start (init, then serve)", median(again) + median(start), "s")
    yield below(_SECOND_START_SECONDS, both)
