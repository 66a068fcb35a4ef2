"""Watched folders in the settings: read, or refused by name."""

import dataclasses
from pathlib import Path

import pytest

from archive_app.settings import Settings, SettingsError, load_settings

GOOD = '[[intake.folders]]\nname = "a"\npath = "/srv/scans"\norganisation = "绿源核查"\n'


def load(tmp_path: Path, text: str, **environ: str) -> Settings:
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    return load_settings(
        {"HOME": str(tmp_path / "home"), "LANTAI_CONFIG": str(own), **environ}, data_directory=tmp_path / "data"
    )


def test_folders_are_read_with_their_routes(tmp_path: Path) -> None:
    more = 'routes = ["{engagement}/{name}", "regex:^(?P<engagement>HC-\\\\d+)_"]\nengagement = "HC-1"\n'
    [folder] = load(tmp_path, GOOD + more).intake.watched_folders()
    assert dataclasses.asdict(folder) == {
        "name": "a",
        "path": "/srv/scans",
        "organisation": "绿源核查",
        "engagement": "HC-1",
        "routes": ("{engagement}/{name}", r"regex:^(?P<engagement>HC-\d+)_"),
        "originator": "",
        "activity": "",
    }
    assert load(tmp_path, "").intake.watched_folders() == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + 'orignator = "x"\n', "orignator.*did you mean originator"),
        (GOOD + "engagement = 5\n", "engagement must be text"),
        (GOOD + 'routes = "{engagement}"\n', "routes must be a list of texts"),
        (GOOD + 'routes = ["*.pdf"]\n', "does not say where"),
        (GOOD + 'routes = ["regex:("]\n', "routes"),
        (GOOD + 'routes = ["regex:HC"]\n', "does not say where"),
        (GOOD.replace("/srv/scans", "scans"), "path must be absolute"),
        (GOOD.replace('name = "a"\n', ""), "entry 1: name is missing"),
        (GOOD.replace('"a"', f'"{"a" * 101}"'), "at most 100"),
        (GOOD + GOOD.replace("scans", "other"), "two folders are called 'a'"),
        ("[intake]\nfolders = [1]\n", "must be a table"),
        ("[intake]\nquiet_seconds = 0\n", "intake.quiet_seconds"),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(tmp_path, text)


def test_folders_cannot_come_from_the_environment(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LANTAI_INTAKE__FOLDERS cannot be set here"):
        load(tmp_path, "", LANTAI_INTAKE__FOLDERS="[]")
