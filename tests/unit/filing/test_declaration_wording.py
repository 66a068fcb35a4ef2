"""The texts of declarations: read strictly, filled in plainly, known again on paper."""

import hashlib
import re
from datetime import date
from typing import Any

import pytest

from archive_app.filing.wording import PLACES, in_force, parse_declarations, plain_code, sheet_code
from archive_app.settings import SettingsError

WORDING = """
[versions.{tag}]
title = "T"
opening = "{{person}} of {{body}}"
closing = "C"
[versions.{tag}.impartiality]
heading = "I"
statements = ["no relation to {{client}}", "two"]
[versions.{tag}.confidentiality]
heading = "K"
statements = ["{{engagement}} in {{year}}"]
[versions.{tag}.integrity]
heading = "G"
statements = ["none"]
"""
VERSION = '[[versions]]\nversion = "{version}"\neffective_from = {day}\n'
FACTS = {"person": "甲", "body": "乙", "client": "{body}", "engagement": "HC-1", "year": "2025"}


def document(*versions: tuple[str, str], tags: tuple[str, ...] = ("zh", "en")) -> str:
    texts = "".join(WORDING.format(tag=tag) for tag in tags)
    return "".join(VERSION.format(version=version, day=day) + texts for version, day in versions)


GOOD = document(("1", "2026-01-01"))


def test_versions_come_in_the_order_of_their_days_and_each_counts_from_its_own() -> None:
    versions = parse_declarations(document(("b", "2026-06-01"), ("a", "2026-01-01")), "here")
    assert [version.version for version in versions] == ["a", "b"]
    days = {date(2026, 5, 31): "a", date(2026, 6, 1): "b", date(2030, 1, 1): "b", date(2020, 1, 1): "a"}
    assert {day: in_force(versions, day).version for day in days} == days


def test_what_is_filled_in_is_not_read_for_places_again() -> None:
    wording = parse_declarations(GOOD, "here")[0].wordings["zh"].filled(FACTS)
    assert wording.parts[0].statements == ("no relation to {body}", "two")
    assert (
        wording.text()
        == "T\n\n甲 of 乙\n\nI\n1. no relation to {body}\n2. two\n\nK\n1. HC-1 in 2025\n\nG\n1. none\n\nC\n"
    )
    assert wording.digest() == hashlib.sha256(wording.text().encode()).digest()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "x = 1\n", r"here: \[\[versions\]\] 1 en integrity: unknown key x"),
        ("colour = 1\n" + GOOD, "here: unknown key colour"),
        ("", "here: versions is missing"),
        ("versions = []", r"here: holds no \[\[versions\]\]"),
        ("versions = 3", r"here: holds no \[\[versions\]\]"),
        ("[[versions", "here: "),
        (document(("1", "2026-01-01"), tags=("zh",)), r"here: \[\[versions\]\] 1: en is missing"),
        (document(("1", "2026-01-01"), tags=("zh", "en", "fr")), r"here: \[\[versions\]\] 1: unknown key fr"),
        (document(("1", "2026-01-01"), ("2", "2026-01-01")), "two of them have the effective_from 2026-01-01"),
        (document(("1", "2026-01-01"), ("1", "2026-02-01")), "two of them have the version 1"),
        (document(("1", '"2026-01-01"')), "1: effective_from must be a day"),
        (document(("1", "2026-01-01T00:00:00")), "1: effective_from must be a day"),
        (document(("1" * 21, "2026-01-01")), "1: version must be a text"),
        (GOOD.replace('closing = "C"', "closing = 3", 1), "1 zh: closing must be a text of one line"),
        (GOOD.replace('closing = "C"', 'closing = " "', 1), "1 zh: closing must be a text of one line"),
        (GOOD.replace('closing = "C"', 'closing = "a\\nb"', 1), "1 zh: closing must be a text of one line"),
        (GOOD.replace('["none"]', "[]", 1), "1 zh integrity: statements must be a list"),
        (GOOD.replace('["none"]', '"none"', 1), "1 zh integrity: statements must be a list"),
        (GOOD.replace('["none"]', "[1]", 1), "1 zh integrity: statement 1 must be a text"),
        (GOOD.replace("{client}", "{clients}", 1), "1 zh impartiality: statement 1: unknown place {clients}"),
        (GOOD.replace("{client}", "{client.__class__}", 1), "unknown place {client.__class__}"),
        (GOOD.replace("{client}", "{client!r}", 1), "unknown place {client}"),
        (GOOD.replace("{client}", "{client:>9}", 1), "unknown place {client}"),
        (GOOD.replace("{client}", "{}", 1), "unknown place {}"),
        (GOOD.replace("{client}", "{client", 1), "1 zh impartiality: statement 1: "),
        (GOOD.replace('title = "T"', 'title = "{person}"', 1), "1 zh: title: unknown place {person}"),
    ],
)  # fmt: skip
def test_a_file_with_a_mistake_is_refused_by_name_and_place(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_declarations(text, "here")


def test_there_are_five_places() -> None:
    assert {"person", "body", "client", "engagement", "year"} == PLACES


def test_a_code_is_of_its_facts_and_is_known_however_it_is_typed() -> None:
    code = sheet_code("engagement", "person", "1")
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code)
    assert sheet_code("engagement", "person", "1") == code
    others: list[Any] = [("engagement", "person", "2"), ("engagement", "Person", "1"), ("engagementperson", "", "1")]
    assert code not in {sheet_code(*facts) for facts in others}
    assert plain_code(f" {code.lower().replace('-', ' ')} ") == code
    assert plain_code("oIl0-1111") == "0110-1111"
