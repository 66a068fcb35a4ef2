"""The files of one engagement by the command line: photographs, scans, PDF, workbooks, letters; 300 files, 1 GB."""

import os
from collections.abc import Iterator

from tests.bench.bench_ingest import add_rows, engagements_in
from tests.bench.bench_vault import bare_put
from tests.bench.figures import MEGABYTE, Figure, Scale, alternate, at_least
from tests.bench.installation import installation
from tests.engagement_files import FILES, write_engagement

_GOAL = 0.5
_ROUNDS = 3


def measure(scale: Scale) -> Iterator[Figure]:
    """`lantai import` of the whole engagement, start of the process included, beside the bare minimum per file."""
    folder, loops = scale.directory / "engagement", scale.directory / "loops"
    paths = write_engagement(folder, scale.choose(FILES, 20))
    size = sum(path.stat().st_size for path in paths)
    loops.mkdir()

    def bare(_round: int) -> None:
        for path in paths:
            bare_put(path, loops / path.name, os.urandom(32))
        for path in paths:
            (loops / path.name).unlink()

    def rows(_round: int) -> None:
        for path in paths:
            add_row(path.name)

    with installation(scale.directory / "archive") as place, add_rows(loops) as add_row:
        engagements = engagements_in(place, _ROUNDS)
        steps = {
            "command": lambda n: place.command("import", str(folder), "--engagement", engagements[n]),
            "bare": bare,
            "rows": rows,
        }
        seconds = alternate(_ROUNDS, steps)
    slower = max(seconds["bare"], seconds["rows"])
    words = "import of an engagement, whole command"
    against = "the slower of: read, SHA-256, GCM, write, fsync; an ORM commit for each"
    files = Figure(words, len(paths) / seconds["command"], "files/s", against, len(paths) / slower)
    yield at_least(_GOAL, files)
    rate, denominator = size / seconds["command"] / MEGABYTE, size / slower / MEGABYTE
    yield Figure(words, rate, "MB/s", against, denominator)
    yield Figure(words, rate, "MB/s", "the bare pipeline", size / seconds["bare"] / MEGABYTE)
    yield Figure(words, len(paths) / seconds["command"], "files/s", "ORM commits", len(paths) / seconds["rows"])
