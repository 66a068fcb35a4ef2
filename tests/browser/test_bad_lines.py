"""Thirty files over a slow line that breaks: all arrive, resumed where they were, nothing twice."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.browser.test_the_path import open_engagement
from tests.first_visit import set_up
from tests.service import Service
from tests.slow_line import SlowLine, slow_line

pytestmark = pytest.mark.browser
MIB = 2**20
Visit = Callable[..., Page]


def sample(folder: Path) -> list[Path]:
    """Thirty files, 20 MB: one goes in parts, the others whole."""
    folder.mkdir()
    chance = random.Random(7)
    sizes = [11 * MIB] + [chance.randrange(100_000, 500_000) for _ in range(29)]
    paths = []
    for number, size in enumerate(sizes):
        path = folder / f"{number:02} 现场照片.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0" + chance.randbytes(size))
        paths.append(path)
    return paths


def filed(service: Service) -> list[tuple[str, str]]:
    """Name and SHA-256 of everything that was filed."""
    engine = create_engine(f"sqlite:///{service.data / 'archive.db'}")
    with engine.connect() as connection:
        # The declaration is filed too, and did not come over the line.
        sent = text(
            "SELECT name, lower(hex(sha256)) FROM version "
            "WHERE document_id NOT IN (SELECT document_id FROM declaration)"
        )
        rows = connection.execute(sent).all()
        assert connection.execute(text("SELECT count(*) FROM held_content")).scalar_one() == 0
    engine.dispose()
    return sorted((row[0], row[1]) for row in rows)


def require_same(service: Service, paths: list[Path]) -> None:
    """Exactly these files are there, each once, byte for byte."""
    assert filed(service) == sorted((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths)


def test_thirty_files_over_a_line_that_breaks(service: Service, visitor: Visit, tmp_path: Path) -> None:
    """Once in the second part of the large file, once while small ones are sent."""
    paths = sample(tmp_path / "files")
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    breaks = (9 * MIB, 14 * MIB)
    with slow_line(urlsplit(service.url).port or 0, bits_per_second=160e6, breaks_after=breaks, down_seconds=1) as line:
        over_line(page, address, line)
        # The large one by itself: with others beside it, nobody knows which of its parts the break meets.
        page.set_input_files("#choose-files", paths[:1])
        expect(page.locator('.upload[data-state="filed"]')).to_have_count(1, timeout=60_000)
        assert line.breaks == 1
        # Whoever sent it again from its start would have sent 9 MiB more than there is.
        assert line.sent_bytes - paths[0].stat().st_size < 6 * MIB
        page.set_input_files("#choose-files", paths[1:])
        expect(page.locator('.upload[data-state="filed"]')).to_have_count(len(paths), timeout=60_000)
        assert line.breaks == len(breaks)
        page.context.close()
    require_same(service, paths)


def over_line(page: Page, address: str, line: SlowLine) -> None:
    """Goes on with the same sign-in, through the line."""
    path = urlsplit(address).path
    # Cookies know no ports: the session of the direct connection is that of the slow one.
    page.goto(f"http://127.0.0.1:{line.port}{path}")
    expect(page.locator(".upload-desk.has-script")).to_be_visible()


def test_after_a_reload_a_large_file_goes_on_where_it_was(service: Service, visitor: Visit, tmp_path: Path) -> None:
    large = tmp_path / "大扫描件.pdf"
    large.write_bytes(b"%PDF-1.7\n" + random.Random(3).randbytes(20 * MIB))
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    with slow_line(urlsplit(service.url).port or 0, bits_per_second=80e6) as line:
        over_line(page, address, line)
        page.set_input_files("#choose-files", [large])
        while line.sent_bytes < 10 * MIB:
            page.wait_for_timeout(50)
        page.once("dialog", lambda dialog: dialog.accept())
        page.reload()
        expect(page.locator('.upload[data-state="waiting"]')).to_have_count(1)
        before = line.sent_bytes
        page.set_input_files("#choose-files", [large])
        expect(page.locator('.upload[data-state="filed"]')).to_have_count(1, timeout=30_000)
        # What was in flight at the reload counts as well; from its start it would be 20 MiB and that.
        assert line.sent_bytes - before < 17 * MIB
        page.context.close()
    require_same(service, [large])
