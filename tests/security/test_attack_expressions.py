"""Exploding regular expressions: no text makes one of ours think for ever."""

import os
import subprocess
import sys
from datetime import date

import pytest

from archive_app.intake.registers.dates import read_date
from search.reading.number_formats import kind_of_format
from tests.security.pumped_expressions import expressions, texts
from tests.service import ROOT

FEWEST = 90
_GIVEN_UP_SECONDS = 280


def test_no_expression_of_ours_explodes() -> None:
    """A limit far above what any needs kills what is killed; nothing here is a measurement."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.security.pumped_expressions"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=_GIVEN_UP_SECONDS
    )
    *slow, counted = ended.stdout.splitlines()
    assert not slow, slow
    assert int(counted.removeprefix("expressions: ")) >= FEWEST


def test_the_texts_hurt_an_expression_that_is_bad() -> None:
    """Of two classical ones: the texts are made of what repeats, so the tests above can fail."""
    import re

    for source in (r"(a+)+$", r"(?:x|[a-z])*z=\s*y"):
        made = list(texts(re.compile(source)))
        assert any(text.startswith(("aaaaaaaaaa", "xxxxxxxxxx")) and text[-1] in "\x00!\n" for text in made)
    assert len({name for name, *_ in expressions()}) >= FEWEST


@pytest.mark.parametrize(
    "cell", ["aaaa至" * 3000 + "bbbb", "2025-1-1" + " " * 30_000 + "x", "一" * 32_767, "9" * 32_767]
)
def test_a_cell_that_is_no_date_is_refused_however_long_it_is(cell: str) -> None:
    for kind in ("text", "number"):
        read = read_date(kind, cell, date(2026, 11, 21))
        assert (read.value, read.note) == (None, "date_unreadable")


def test_a_number_format_of_brackets_is_one_of_numbers() -> None:
    assert kind_of_format(200, "[" * 1_000_000) == "number"
