"""The layouts of forms: those that are there fit the archive's facts, and a wrong file is refused with its line."""

import pytest

from archive_app.casework.forms.facts import Known
from archive_app.casework.forms.layouts import FOLDER, LISTS, NONCONFORMITY_VALUES, VALUES, all_layouts, parse_layout
from archive_app.casework.forms.sheets import fill
from archive_app.engagements.scheme_values import FORMS
from archive_app.settings import SettingsError
from tests.printed import texts_of

SOUND = """
code = "visit"
record_type = "site_checklist"
source = "S0 5.6"
complete = false
title = { zh = "走访", en = "Visit" }
[[blocks]]
kind = "facts"
items = [{ label = { zh = "单位", en = "Client" }, value = "client.name" }]
[[blocks]]
kind = "table"
rows = "team"
empty = 2
columns = [{ label = { zh = "姓名", en = "Name" }, value = "name", width = 3 }]
"""


def test_every_form_of_the_schemes_is_there() -> None:
    # The declaration is printed by the room that takes it back.
    assert all_layouts().keys() == FORMS - {"declaration"}
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(all_layouts())


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_a_form_shows_every_fact_that_its_layout_names(language: str) -> None:
    values = {name: f"<{name}>" for name in VALUES | NONCONFORMITY_VALUES}
    lists = {name: [{value: f"<{name}.{value}>" for value in known}] for name, known in LISTS.items()}
    for layout in all_layouts().values():
        form = fill(layout, Known(values, lists), language)
        texts = texts_of(form)
        wanted = {f"<{item.value}>" for block in layout.blocks for item in block.items if item.value}
        wanted |= {f"<{block.value}>" for block in layout.blocks if block.value}
        wanted |= {f"<{b.rows}.{column.value}>" for b in layout.blocks for column in b.columns if column.value}
        wanted |= {layout.title.text(language), "<body.name>"}
        assert wanted <= set(texts)
        for block, printed in zip(layout.blocks, form.blocks, strict=True):
            assert len(printed.rows) == bool(block.rows) + block.empty
        assert ("NC-" in form.about) == (layout.of == "nonconformity")


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ('code = "visit"', 'code = "visit"\ncolour = "red"', 3, "colour is not known"),
        ('record_type = "site_checklist"', 'record_type = "poem"', 3, "is no type of record: poem"),
        ("S0 5.6", "S0 99", 4, "names a clause that does not exist"),
        ("client.name", "client.secrets", 9, "is not known: client.secrets"),
        ("client.name", "nonconformity.number", 9, "is not known: nonconformity.number"),
        ('rows = "team"', 'rows = "steps"', 12, "is not known: steps"),
        ('value = "name"', 'value = "salary"', 14, "is not known: salary"),
        ("width = 3", "width = 0", 14, "must be from 1 to 30"),
        ("empty = 2", "empty = 400", 13, "must be from 0 to 40"),
        ('kind = "table"', 'kind = "space"', 12, "belongs to no block of the kind space"),
        ("complete = false", "", 1, "complete is missing"),
    ],
)
def test_a_wrong_layout_is_refused_with_its_line(before: str, after: str, line: int, reason: str) -> None:
    assert parse_layout(SOUND, "visit.toml").code == "visit"
    assert before in SOUND
    with pytest.raises(SettingsError) as refused:
        parse_layout(SOUND.replace(before, after), "visit.toml")
    assert reason in str(refused.value)
    assert f"visit.toml:{line}:" in str(refused.value)
