"""The page about separation of duties says what the code does: names, sources, words, who asks each rule, its tests."""

import re
from collections.abc import Mapping

import pytest

import archive_app.kernel.duties as rules
from archive_app.filing.wording import LANGUAGES as TAGS
from archive_app.filing.wording import PARTS, PLACES, all_declarations
from archive_app.kernel.duties import RULES, Duty
from archive_app.kernel.language import translate
from tests.architecture.house import PRODUCT, ROOT, place, sources

PAGES = {"separation-of-duties.md": ("en", "waits for "), "separation-of-duties.zh.md": ("zh_Hans_CN", "有待：")}
CONSTANTS = {duty.name: name for name, duty in vars(rules).items() if isinstance(duty, Duty)}
WORDS: Mapping[str, tuple[str, ...]] = {
    "complaint_handled_by_others": ("complaint_by_others",),
    "destruction_by_four_people": ("destruction_by_four",),
}
"""Functions that ask a rule for their callers."""


def rows(page: str) -> list[list[str]]:
    """The cells of the page's table."""
    text = (ROOT / "docs" / "security" / page).read_text(encoding="utf-8")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]


def asked_in(rule: str) -> set[str]:
    """The modules of the product that use a rule."""
    names = "|".join((CONSTANTS[rule], *WORDS.get(rule, ())))
    using = re.compile(rf"\b(?:{names})\b\s*[.(]")
    return {
        place(path)
        for path in sources(*PRODUCT)
        if place(path) != "archive_app/kernel/duties.py" and using.search(path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_about_every_rule_in_its_own_words(page: str) -> None:
    language, _ = PAGES[page]
    told = [(row[0].strip("`"), row[1], row[2]) for row in rows(page)]
    assert told == [(rule.name, rule.source, translate(language, rule.reason)) for rule in RULES.values()]


@pytest.mark.parametrize("page", PAGES)
def test_every_rule_is_asked_where_the_page_says_or_waits_for_a_feature(page: str) -> None:
    _, waiting = PAGES[page]
    for row in rows(page):
        name = row[0].strip("`")
        named, asked = set(re.findall(r"`([^`]+)`", row[3])), asked_in(name)
        assert named == asked, f"{name} is asked in {sorted(asked)}"
        assert asked or row[3].startswith(waiting), f"say what {name} waits for"
        assert not (asked and waiting in row[3]), f"{name} waits no longer"


@pytest.mark.parametrize("page", PAGES)
def test_every_rule_has_the_tests_that_the_page_names(page: str) -> None:
    for row in rows(page):
        name, named = row[0].strip("`"), re.findall(r"`([^`]+)`", row[4])
        assert named, f"{name} has no test"
        for path in named:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert CONSTANTS[name] in text or name in text, f"{path} does not name {name}"
        # What a use case asks is tried through the use case too.
        assert len(named) > 1 or not asked_in(name), f"name the test of {name} through its use cases"


def test_the_shipped_declaration_is_complete() -> None:
    versions = all_declarations()
    assert versions
    for version in versions:
        for tag in TAGS:
            wording = version.wordings[tag]
            assert len(wording.parts) == len(PARTS)
            filled = wording.filled({name: f"<{name}>" for name in PLACES}).text()
            missing = [name for name in PLACES if f"<{name}>" not in filled]
            assert not missing, f"version {version.version} in {tag} does not say {missing}"
            # A re-entered password is a confirmation; the law keeps the other word for something else.
            assert not re.search("电子签名|electronic(?:ally)? sign", filled, re.IGNORECASE)
