"""The page on OWASP ASVS lists every requirement, names tests that exist, and counts itself right."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.house import listing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security" / "asvs.md"
STATES = ("met", "partly", "not met", "deployment", "does not apply")
WITHOUT_TEST = {"deployment", "does not apply", "not met"}
NUMBERS = {1: 70, 2: 183}
# The levels of ASVS 5.0.0 by section, one digit for each requirement.
LEVELS = """
1.1 22 1.2 1111122223 1.3 112222222223 1.4 222 1.5 123
2.1 122 2.2 112 2.3 12223 2.4 23
3.1 3 3.2 113 3.3 12223 3.4 11222233 3.5 11122333 3.6 3 3.7 22333
4.1 12233 4.2 23333 4.3 22 4.4 1222
5.1 2 5.2 112333 5.3 113 5.4 222
6.1 122 6.2 111111112222 6.3 11223333 6.4 112233 6.5 22222333 6.6 2223 6.7 33 6.8 2222
7.1 222 7.2 1111 7.3 22 7.4 11222 7.5 223 7.6 22
8.1 1233 8.2 1123 8.3 133 8.4 23
9.1 111 9.2 1222
10.1 22 10.2 223 10.3 22223 10.4 1111122222233333 10.5 22222 10.6 22 10.7 222
11.1 2233 11.2 22233 11.3 11233 11.4 1222 11.5 23 11.6 23 11.7 33
12.1 12233 12.2 11 12.3 22223
13.1 2333 13.2 222223 13.3 2233 13.4 1222233
14.1 22 14.2 12223333 14.3 122
15.1 12233 15.2 12233 15.3 1222222 15.4 3333
16.1 2 16.2 22222 16.3 2222 16.4 222 16.5 2223
17.1 23 17.2 22223333 17.3 22
"""


@dataclass(frozen=True)
class Row:
    """One requirement as the page lists it."""

    number: str
    level: int
    state: str
    asks: str
    how: str
    tests: tuple[str, ...]


def required() -> dict[str, int]:
    """Number and level of every requirement of levels 1 and 2."""
    words = LEVELS.split()
    return {
        f"{section}.{place}": int(level)
        for section, levels in zip(words[::2], words[1::2], strict=True)
        for place, level in enumerate(levels, 1)
        if level in "12"
    }


@cache
def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| \d+\.\d+\.\d+ \|", line):
            number, level, state, asks, how, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            found.append(Row(number, int(level), state, asks, how, tuple(re.findall(r"`([^`]+::\w+)`", tests))))
    return found


def test_every_requirement_of_levels_1_and_2_is_listed_once() -> None:
    assert Counter(required().values()) == NUMBERS
    assert [row.number for row in rows()] == list(required()), "in the order of the standard, each once"
    assert {row.number: row.level for row in rows()} == required()


def test_every_row_has_a_state_a_reason_and_where_it_is_met_a_test() -> None:
    wrong = [row.number for row in rows() if row.state not in STATES or not row.asks or not row.how]
    assert not wrong, f"a state of {STATES}, what is asked, and how or why not:{listing(wrong)}"
    untested = [row.number for row in rows() if row.state not in WITHOUT_TEST and not row.tests]
    assert not untested, f"name the test that holds these:{listing(untested)}"


def test_every_named_test_exists() -> None:
    missing = []
    for name in sorted({name for row in rows() for name in row.tests}):
        path, _, function = name.partition("::")
        file = ROOT / "tests" / path
        if not file.is_file() or not re.search(rf"^def {function}\(", file.read_text(encoding="utf-8"), re.MULTILINE):
            missing.append(name)
    assert not missing, f"named in {PAGE.relative_to(ROOT)} and not there:{listing(missing)}"


def test_the_counts_are_those_of_the_rows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    chapters = sorted({int(row.number.partition(".")[0]) for row in rows()})
    told = {}
    for line in text.partition("## Counts")[2].partition("\n## ")[0].splitlines():
        if found := re.match(r"\| (?:V(\d+) [^|]+|all) \| ([\d |]+) \|$", line):
            told[int(found[1] or 0)] = [int(count) for count in found[2].split("|")]
    counted = {chapter: [row for row in rows() if row.number.startswith(f"{chapter}.")] for chapter in chapters}
    counted[0] = rows()
    expected = {
        chapter: [len(mine), *(sum(row.state == state for row in mine) for state in STATES)]
        for chapter, mine in counted.items()
    }
    assert told == expected
    assert f"{len(rows())}条" in text


def test_the_words_are_our_own() -> None:
    """Not the standard's: every one of its sentences begins alike, and none of ours does."""
    assert not [row.number for row in rows() if row.asks.lower().startswith("verify") or len(row.asks) > 100]
