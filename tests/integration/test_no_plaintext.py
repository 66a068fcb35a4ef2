"""Nothing that stands in a filed document can be read from the disk: not in any file that the archive writes.

The readable index lives in memory and is placed outside; `docs/threat-model.md` says who can read it.
"""

import http.client
import io
import os
import shutil
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast
from urllib.parse import quote

import psutil
import pytest
from sqlalchemy import select

from archive_app.documents.looking import PREVIEW_WIDTHS_PX
from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.runtime import create_archive
from archive_app.settings import load_settings
from tests import files
from tests.bench.installation import PROGRAM, Browser, Installation, sign_in
from tests.factories import People, engagement_of
from tests.plaintext import find_phrases, search_folder, spellings

_WAIT_SECONDS = 120.0
_SUBJECTS = ("燃煤锅炉", "石灰石煅烧", "外购电力", "余热回收", "脱硫脱硝")
_KINDS: Mapping[str, Callable[[str], bytes]] = {
    "txt": files.plain_text,
    "gb.txt": lambda text: files.plain_text(text, "gb18030"),
    "utf16.txt": lambda text: files.plain_text(text, "utf-16"),
    "csv": lambda text: files.csv_table((("项目", text), ("数量", 1))),
    "html": lambda text: files.html(f"<p>{text}</p>"),
    "docx": lambda text: files.docx((text,), header=text),
    "xlsx": lambda text: files.xlsx({"表": ((text, 1),)}),
    "pptx": lambda text: files.pptx((text,)),
    "pdf": lambda text: files.pdf((text,)),
    "eml": lambda text: files.eml(text, attachments=(("附件.docx", files.docx((text,))),)),
}


@dataclass(frozen=True)
class Planted:
    """A document with a phrase in it that stands nowhere else, and a title that may be read."""

    name: str
    phrase: str
    content: bytes


PLANTED = [
    Planted(
        f"标题{number:02d}号.{kind}",
        f"{_SUBJECTS[turn]}机密数字{number:02d}号" if turn % 2 else f"confidential figure Q{number:02d}ZX{turn}",
        make(f"{_SUBJECTS[turn]}机密数字{number:02d}号" if turn % 2 else f"confidential figure Q{number:02d}ZX{turn}"),
    )
    for number, (turn, (kind, make)) in enumerate((turn, entry) for turn in range(5) for entry in _KINDS.items())
]
PHRASES: Mapping[str, Sequence[bytes]] = {planted.phrase: spellings(planted.phrase) for planted in PLANTED}
TITLES: Mapping[str, Sequence[bytes]] = {planted.name: spellings(planted.name) for planted in PLANTED}


@dataclass(frozen=True)
class Site:
    """An installation with every place that its processes write to, and an engagement to file into."""

    place: Installation
    root: Path
    engagement: Engagement
    person_id: str


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything below one folder, but the memory-backed index."""
    memory = tmp_path_factory.mktemp("memory")
    (tmp_path / "temporary").mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONPATH": str(Path.cwd()),
        "LANTAI_DATA": str(tmp_path / "data"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(memory),
    }
    place = Installation(environ, load_settings(environ))
    create_archive(place.settings)
    with place.opened() as archive:
        leader = People(archive).person("team_leader")
        engagement = engagement_of(leader)
    yield Site(place, tmp_path, engagement, leader.person_id or "")
    shutil.rmtree(memory)


class Served:
    """`lantai serve` with its output in a log file, and a browser signed in."""

    def __init__(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        with (site.root / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, "serve", "--port", str(self.port)], env=site.place.environ, stdout=log, stderr=log
            )
        wait_until(lambda: self._answers() or self.process.poll() is not None)
        with site.place.opened() as archive:
            token = sign_in(archive, site.person_id)
        self.browser = Browser(self.port, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.browser._connection.close()
        self.process.terminate()
        self.process.wait(_WAIT_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/sign-in")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when it holds, fails when it does not come."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)


def upload(served: Served, engagement: Engagement) -> None:
    """Sends all planted documents as the script of the page does."""
    browser = served.browser
    browser.get(f"/engagements/{engagement.id}")
    offers = [{"path": planted.name, "size": len(planted.content)} for planted in PLANTED]
    lines = browser.post_json(f"/engagements/{engagement.id}/uploads", {"files": offers})
    assert isinstance(lines, list)
    for line, planted in zip(lines, PLANTED, strict=True):
        answer = browser.put(line["content"], cast("io.RawIOBase", io.BytesIO(planted.content)), len(planted.content))
        assert isinstance(answer, dict)
        assert answer["state"] == "filed"


def break_off(served: Served, engagement: Engagement) -> None:
    """Begins an upload of a planted phrase and hangs up before its end."""
    browser, content = served.browser, "\n".join(PHRASES).encode() * 2000
    offers = {"files": [{"path": "断线.txt", "size": len(content)}]}
    [line] = cast("list[dict[str, str]]", browser.post_json(f"/engagements/{engagement.id}/uploads", offers))
    head = [
        f"PUT {line['content']} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in browser.cookies.items())}",
        f"X-CSRF-Token: {browser.csrf_token}",
        f"Content-Length: {len(content)}",
    ]
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + content[: len(content) * 99 // 100])


def versions_of(site: Site) -> list[Version]:
    with site.place.opened() as archive, archive.reading(Actor.system("test")) as uow:
        return list(uow.session.scalars(select(Version)))


def read_all(served: Served, site: Site) -> None:
    """Finds every document by its phrase, opens it, and looks at the pictures of its pages."""
    for planted in PLANTED:
        query = quote(f'"{planted.phrase}"')
        wait_until(lambda query=query, name=planted.name: name in served.browser.get(f"/search?q={query}").decode())  # type: ignore[misc]  # bound now
    # What is inside of a file is read after the file itself.
    wait_until(lambda: {version.reading for version in versions_of(site)} == {"read"})
    versions = versions_of(site)
    for version in versions:
        served.browser.get(f"/documents/{version.document_id}")
        served.browser.get(f"/documents/{version.document_id}/versions/1/content")
        if version.kind == "pdf":
            for width in PREVIEW_WIDTHS_PX:
                served.browser.get(f"/documents/{version.document_id}/versions/1/pages/1-{width}.webp")


def test_no_planted_phrase_is_on_the_disk(site: Site) -> None:
    with Served(site) as served:
        upload(served, site.engagement)
        break_off(served, site.engagement)
        read_all(served, site)
        site.place.command("backup", str(site.root / "backup"))
        # While it works, with the database's log not yet folded in …
        assert search_folder(site.root, PHRASES) == {}
        titles = search_folder(site.root / "data", TITLES)
        assert set().union(*titles.values()) == set(TITLES), "the search does not find what is readable"
        kill_all(served)
    # … as a crash leaves it, and after a start and an orderly end.
    assert search_folder(site.root, PHRASES) == {}
    with Served(site) as again:
        again.browser.get("/search?q=confidential")
    assert search_folder(site.root, PHRASES) == {}
    assert set(search_folder(site.root / "backup", TITLES)), "the backup holds no titles: was it searched?"
    for sealed in ("data/blobs", "data/index", "backup/blobs"):
        contents = [path.read_bytes() for path in (site.root / sealed).rglob("*") if path.is_file()]
        assert contents, f"nothing in {sealed}"
        # What is encrypted cannot be packed any smaller.
        assert [len(c) for c in contents if len(zlib.compress(c)) < len(c) * 0.98] == [], sealed


def kill_all(served: Served) -> None:
    """Ends the service as a power failure would: no process gets to tidy up."""
    processes = [*psutil.Process(served.process.pid).children(recursive=True), psutil.Process(served.process.pid)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    for process in processes:
        process.kill()
    served.process.wait(_WAIT_SECONDS)


@pytest.mark.parametrize("planted", PLANTED[:20], ids=lambda planted: planted.name)
def test_the_search_would_find_a_phrase_in_every_kind_of_file(planted: Planted) -> None:
    assert planted.phrase in find_phrases(planted.content, PHRASES)
    assert planted.phrase in find_phrases(b"before" + zlib.compress(planted.content), PHRASES)


def test_every_phrase_is_planted_once() -> None:
    assert len(PHRASES) == len(TITLES) == 50
    for title in TITLES:
        assert not find_phrases(title.encode(), PHRASES)
