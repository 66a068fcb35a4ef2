"""Catalogues of recurring duties: what the files hold, and a mistake in one is named with its file, line and reason."""

from datetime import date
from pathlib import Path

import pytest

from archive_app.management.recurring.catalogue import (
    CHANGES,
    FOLDER,
    all_catalogues,
    catalogue_of,
    known_duty,
    parse_catalogue,
    read_catalogues,
)
from archive_app.settings import SettingsError

DUTY = """code = "x"
name = { zh = "甲", en = "A" }
organisations = ["park"]

[[duties]]
code = "one"
name = { zh = "甲", en = "A" }
about = { zh = "做甲。", en = "Do A." }
sources = ["S2 7.1"]
interval = "planned"
every_months = 12
day = "01-31"
records = ["targets"]
reviewed_again_by = ["output"]
"""


def test_what_the_files_hold() -> None:
    """Each kind of organisation but authorities has a catalogue; the four yearly reviews are set by the source and are
    the only ones that all five major changes of S2 7.3.1 make due; every name stands once in its catalogue."""
    for kind, code in (("park", "park"), ("reporting_entity", "enterprise"), ("verification_body", "body")):
        found = catalogue_of(kind)
        assert found is not None
        assert found.code == code
        names = [duty.name.zh for duty in found.duties]
        assert len(names) == len(set(names))
        assert all(duty.records and duty.sources for duty in found.duties)
    assert catalogue_of("authority") is None
    assert known_duty("park", "") is None
    major = list(CHANGES)[:5]
    reviews = {duty.code: duty for duty in all_catalogues()["park"].duties if set(major) <= set(duty.reviewed_again_by)}
    assert [duty.source for duty in reviews.values()] == ["S2 7.3.2", "S2 7.3.3", "S2 7.3.4", "S2 7.3.5"]
    assert all(duty.interval == "rule" and duty.every_months == 12 for duty in reviews.values())
    clauses = {source for duty in all_catalogues()["enterprise"].duties for source in duty.sources}
    asked = {"S1 10.1.2d", "S1 10.1.3", "S1 10.2.2", "S1 10.3", "S1 9.6.1e", "S1 8.5c", "S1 12.4.1", "S1 7.8", "S1 8.3"}
    assert asked <= clauses
    assert {"S0 5.8", "S0 5.9"} <= {source for duty in all_catalogues()["body"].duties for source in duty.sources}


def test_the_day_that_is_proposed() -> None:
    """The next one from today on, today included."""
    duty = parse_catalogue(DUTY, "x.toml").duties[0]
    assert duty.proposed_day(date(2026, 1, 31)) == date(2026, 1, 31)
    assert duty.proposed_day(date(2026, 2, 1)) == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"S2 7.1"', '"S2 77"', "x.toml:9: duties[1].sources[1] names a clause that does not exist: S2 77"),
        ('sources = ["S2 7.1"]', "sources = []", "x.toml:9: duties[1].sources names no clause"),
        ("every_months = 12", "every_months = 0", "x.toml:11: duties[1].every_months is not between 1 and 120: 0"),
        ('"01-31"', '"02-29"', "x.toml:12: duties[1].day is not a day of every year, as month and day: 02-29"),
        ('"01-31"', '"1-31"', "x.toml:12: duties[1].day is not a day of every year, as month and day: 1-31"),
        ('"targets"', '"target"', "x.toml:13: duties[1].records[1] is not a type of record that is known: target"),
        (
            '["output"]',
            '["weather"]',
            "x.toml:14: duties[1].reviewed_again_by[1] is not a kind of change that is known",
        ),
        ('["output"]', '["output", "output"]', "x.toml:14: duties[1].reviewed_again_by[2] stands twice: output"),
        ('["park"]', '["parc"]', "x.toml:3: organisations[1] is not a kind of organisation: parc"),
        ('interval = "planned"', 'interval = "often"', "x.toml:10: duties[1].interval is wrong"),
        ('day = "01-31"\n', "", "x.toml:5: duties[1].day is missing"),
        ('day = "01-31"', 'day = "01-31"\nowner = "x"', "x.toml:13: duties[1].owner is not known here"),
        ('zh = "甲", en = "A"', 'zh = "甲"', "x.toml:2: name.en is missing"),
        ("[[duties]]", "[[duties]", "x.toml:5"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, said: str) -> None:
    """With the file, the line and the reason."""
    assert old in DUTY
    with pytest.raises(SettingsError) as refused:
        parse_catalogue(DUTY.replace(old, new, 1), "x.toml")
    assert said in str(refused.value)


def test_files_that_do_not_go_together(tmp_path: Path) -> None:
    """A code that is not the name of its file; a duty and a kind of organisation that stand twice."""
    (tmp_path / "y.toml").write_text(DUTY, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"y\.toml:1: code differs from the name of the file: x"):
        read_catalogues(tmp_path)
    (tmp_path / "y.toml").rename(tmp_path / "x.toml")
    (tmp_path / "z.toml").write_text(DUTY.replace('code = "x"', 'code = "z"'), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"z\.toml:3: organisations\[1\] has its duties in x\.toml already: park"):
        read_catalogues(tmp_path)
    twice = DUTY + DUTY[DUTY.index("[[duties]]") :]
    with pytest.raises(SettingsError, match=r"x\.toml:16: duties\[2\]\.code stands twice: one"):
        parse_catalogue(twice, "x.toml")
    assert read_catalogues(FOLDER) == all_catalogues()
