"""The files of one engagement through a real browser over a slow line that breaks in the middle.

    python -m tests.bench.bench_mixed_engagement [--small]

Three hundred files, one gigabyte, 20 Mbit/s: at best seven minutes. Everything must arrive, once, byte for byte.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import create_engine, text

from tests.bench.figures import MEGABYTE, Figure, Scale, below
from tests.engagement_files import FILES, write_engagement
from tests.engines import program
from tests.first_visit import declare, set_up
from tests.service import Service, running_service
from tests.slow_line import SlowLine, slow_line

BITS_PER_SECOND = 20e6
_DOWN_SECONDS = 20.0
_SMALL_FILES = 12
_LONGEST_SECONDS = 3600
# What the line needs at its rate, and a fifth for the break, the repeated part and all that is not content.
_OVERHEAD = 1.2


@dataclass(frozen=True)
class Journey:
    """What came of it: seconds from the choice of the files to the last answer, and what the line carried."""

    seconds: float
    files: int
    size_bytes: int
    sent_bytes: int
    breaks: int


def measure(scale: Scale) -> Iterator[Figure]:
    """Minutes for the whole engagement, against those that the bare line needs for as many bytes."""
    journey = travel(scale.directory, scale.choose(FILES, _SMALL_FILES))
    ideal = journey.size_bytes * 8 / BITS_PER_SECOND
    size_mb = journey.size_bytes / MEGABYTE
    minutes = Figure(
        f"{journey.files} files, {size_mb:,.0f} MB by browser, {journey.breaks} break of {_DOWN_SECONDS:.0f} s",
        journey.seconds / 60,
        "min",
        "the line at 20 Mbit/s",
        ideal / 60,
    )
    yield below((_OVERHEAD * ideal + 2 * _DOWN_SECONDS) / 60, minutes)
    again = (journey.sent_bytes - journey.size_bytes) / MEGABYTE
    yield Figure("sent again, and everything besides content", again, "MB", "content", size_mb)


def travel(directory: Path, files: int) -> Journey:
    """Sends the engagement and compares what was filed. Raises: RuntimeError when anything is missing or twice."""
    paths = write_engagement(directory / "engagement", files)
    size = sum(path.stat().st_size for path in paths)
    (directory / "service").mkdir()
    with running_service(directory / "service") as service, sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=arguments)
        page = browser.new_page(locale="zh-CN")
        address = _open_engagement(page, service)
        port = urlsplit(service.url).port or 0
        with slow_line(
            port, bits_per_second=BITS_PER_SECOND, breaks_after=(size // 2,), down_seconds=_DOWN_SECONDS
        ) as line:
            page.goto(f"http://127.0.0.1:{line.port}{urlsplit(address).path}")
            seconds = _send(page, paths, line)
            browser.close()
            journey = Journey(seconds, len(paths), size, line.sent_bytes, line.breaks)
        _compare(service, paths)
    return journey


def _open_engagement(page: Page, service: Service) -> str:
    set_up(page, service.setup_url)
    page.goto(f"{service.url}/clients")
    page.fill("[name=name]", "江南热电有限公司")
    page.locator("main form .btn-primary").click()
    page.goto(f"{service.url}/engagements/new")
    page.fill("[name=number]", "HC-2026-001")
    page.fill("[name=title]", "2025 年度温室气体排放核查")
    page.locator("main .btn-primary").click()
    declare(page)
    return page.url


def _send(page: Page, paths: Sequence[Path], line: SlowLine) -> float:
    page.locator(".upload-desk.has-script").wait_for()
    started = time.perf_counter()
    page.set_input_files("#choose-files", paths)
    filed = page.locator('.upload[data-state="filed"]')
    while (done := filed.count()) < len(paths):
        seconds = time.perf_counter() - started
        if seconds > _LONGEST_SECONDS:
            raise RuntimeError(f"after an hour {done} of {len(paths)} files are filed")
        print(f"{done} files, {line.sent_bytes / MEGABYTE:,.0f} MB, {seconds / 60:.1f} min", file=sys.stderr)
        page.wait_for_timeout(2000)
    expect(page.locator('.upload[data-state="refused"]')).to_have_count(0)
    return time.perf_counter() - started


def _compare(service: Service, paths: Sequence[Path]) -> None:
    engine = create_engine(f"sqlite:///{service.data / 'archive.db'}")
    with engine.connect() as connection:
        declared = "SELECT document_id FROM declaration"
        sent = f"SELECT name || lower(hex(sha256)) FROM version WHERE document_id NOT IN ({declared})"
        filed = Counter(connection.execute(text(sent)).scalars())
        left = connection.execute(text("SELECT count(*) FROM held_content")).scalar_one()
    engine.dispose()
    offered = Counter(path.name + hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    if filed != offered or left:
        missing, more = offered - filed, filed - offered
        raise RuntimeError(f"{len(missing)} files are missing, {len(more)} are too many, {left} parts are left over")


def main() -> None:
    """Runs it by itself and prints the minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a dozen files, to see that it runs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for figure in measure(Scale(Path(directory), small=chosen.small)):
            words = f"{figure.name}: {figure.ours:.2f} {figure.unit}"
            if figure.denominator:
                words += f", against {figure.denominator:.2f} ({figure.against})"
            print(words if figure.met is None else f"{words}; {figure.goal}: {'met' if figure.met else 'not met'}")


if __name__ == "__main__":
    main()
