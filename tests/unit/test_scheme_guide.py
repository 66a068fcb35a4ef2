"""The guide to adding a scheme says what the loader reads: its example is a scheme, its table names every key."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from archive_app.engagements import scheme_values
from archive_app.engagements.data_files import Shape
from archive_app.engagements.schemes import Scheme, parse_scheme
from archive_app.settings import SettingsError

GUIDES = [Path(__file__).parents[2] / "docs" / name for name in ("schemes.md", "schemes.zh.md")]
CODES = (
    frozenset(scheme_values.ACTIVITIES)
    | scheme_values.COMPETENT
    | scheme_values.COUNTED
    | scheme_values.FORMS
    | scheme_values.GATES
    | scheme_values.MOVERS
)


def keys_and_codes() -> set[str]:
    shapes = [
        shape
        for shape in vars(scheme_values).values()
        if isinstance(shape, type) and issubclass(shape, Shape) and shape is not Scheme
    ]
    keys = {field.name for shape in shapes for field in fields(shape)} - {"team", "stages", "competences", "deadlines"}
    return (keys - {"groups", "request_lines"}) | CODES


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_example_is_a_scheme_and_every_key_is_named(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    scheme = parse_scheme(examples[0], "product_footprint.toml")
    assert [stage.code for stage in scheme.stages] == ["planning", "site_visit", "report", "keeping"]
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`\[*([a-z_.]+)", table))
    assert keys_and_codes() - named == set()
    told = re.findall(r"`(product_footprint\.toml:.*?) …`", text)
    with pytest.raises(SettingsError) as refused:
        parse_scheme(examples[0].replace('"activity_data"', '"activty_data"', 1), "product_footprint.toml")
    assert told
    assert str(refused.value).startswith(told[0])


def test_both_languages_show_the_same_example() -> None:
    shown = [
        re.findall(r"^```toml\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        for guide in GUIDES
    ]
    assert shown[0] == shown[1]
