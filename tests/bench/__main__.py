"""All measures side by side with their denominators, in one table.

    python -m tests.bench [--small] [NAME …]

Nothing here asserts a time: a machine is shared and noisy, so what counts are the ratios of one run.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench import (
    bench_comparing,
    bench_controlled,
    bench_duties,
    bench_ingest,
    bench_lists,
    bench_mixed,
    bench_progress,
    bench_recognition,
    bench_scope,
    bench_search_page,
    bench_start,
    bench_upload,
    bench_verify,
    bench_work,
)
from tests.bench.figures import Figure, Scale

MEASURES: dict[str, Callable[[Scale], Iterable[Figure]]] = {
    "ingest-large": bench_ingest.measure_large,
    "search-page": bench_search_page.measure,
    "upload-memory": bench_upload.measure,
    "second-start": bench_start.measure,
    "ingest-mixed": bench_mixed.measure,
    "ingest-small": bench_ingest.measure_small,
    "verify": bench_verify.measure_blobs,
    "log": bench_verify.measure_log,
    "list-page": bench_lists.measure,
    "work": bench_work.measure,
    "master-list": bench_controlled.measure,
    "year-plan": bench_duties.measure,
    "comparing": bench_comparing.measure,
    "progress": bench_progress.measure,
    "scope": bench_scope.measure,
    "recognition": bench_recognition.measure,
    "recognition-wheel": bench_recognition.measure_rapidocr,
}
_DATA = Path(".bench")
_HEADINGS = ("figure", "ours", "against", "", "ratio", "goal", "")


def main() -> None:
    """Runs the measures that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--small", action="store_true", help="little data, to see that everything runs")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - MEASURES.keys():
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    print(_machine())
    figures = [figure for name in chosen.names or MEASURES for figure in _measure(name, small=chosen.small)]
    rows = [_HEADINGS, *map(_row, figures)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(_padded, row, widths)).rstrip())
    missed = sum(figure.met is False for figure in figures)
    print(f"{sum(figure.met is not None for figure in figures)} goals, {missed} not met")


def _measure(name: str, *, small: bool) -> list[Figure]:
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    _DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_DATA.absolute()) as directory:
        figures = list(MEASURES[name](Scale(Path(directory), small)))
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    return figures


def _machine() -> str:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Linux {platform.release()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{_number(figure.ours)} {figure.unit}",
        figure.against,
        f"{_number(figure.denominator)} {figure.unit}" if figure.denominator is not None else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        figure.goal,
        {True: "met", False: "NOT MET", None: ""}[figure.met],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


if __name__ == "__main__":
    main()
