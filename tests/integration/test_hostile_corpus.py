"""Every hostile file gets its verdict, within its limits, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from search.reading import DEFAULT_LIMITS, ReadingCode
from tests.engines import FULL
from tests.hostile import CUTS, corpus

ROOT = Path(__file__).parents[2]
EVERY = 1 if FULL else 13
ANSWERS = {"text", "text, truncated", *get_args(ReadingCode)}
# Beyond the limit on its wall clock: to start the process, and to hand over what it had.
GRACE_SECONDS = 15.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The verdicts, from a process of its own, so that what it leaves behind is what the readers left."""
    folder = tmp_path_factory.mktemp("hostile")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    for name in ("TMPDIR", "HOME"):
        (folder / name).mkdir()
        environment[name] = str(folder / name)
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile", str(EVERY)],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=True,
        timeout=3600,
    )
    *verdicts, end = (json.loads(line) for line in done.stdout.splitlines())
    end["left"]["the working folder"] = sorted(path.name for path in folder.iterdir() if path.name not in environment)
    return verdicts, end


def test_the_corpus_is_what_it_claims() -> None:
    files = corpus()
    assert len({hostile.name for hostile in files}) == len(files) >= 200
    cuts = [hostile.code for hostile in files if ": cut" in hostile.name]
    assert set(map(cuts.count, cuts)) == {CUTS}
    assert {"docx", "xlsx", "pptx", "ofd", "odt", "zip", "gz", "eml", "pdf", "png", "doc", "msg"} <= set(cuts)


@pytest.mark.timeout(3600)
def test_every_file_gets_its_verdict(run: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    verdicts, end = run
    assert len(verdicts) == end["files"]
    for verdict in verdicts:
        assert verdict["answers"], verdict
        assert set(verdict["answers"].values()) <= ANSWERS, verdict
        first = next(iter(verdict["answers"].values())).partition(",")[0]
        assert not verdict["allowed"] or first in verdict["allowed"], verdict


def test_the_limits_hold(run: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    for verdict in run[0]:
        assert verdict["longest_seconds"] <= DEFAULT_LIMITS.wall_seconds + GRACE_SECONDS, verdict
        # What is resident is less than the address space, which the limit counts.
        assert verdict["child_peak_bytes"] <= DEFAULT_LIMITS.memory_bytes, verdict


def test_nothing_is_left_behind(run: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    verdicts, end = run
    assert not any(verdict["processes_left"] for verdict in verdicts)
    assert not any(end["left"].values()), end
