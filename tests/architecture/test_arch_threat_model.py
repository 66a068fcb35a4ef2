"""The threat model lists exactly the columns that hold readable text, so that it cannot fall behind the tables."""

import re
from pathlib import Path

from sqlalchemy import String

import archive_app.runtime  # noqa: F401  # brings all tables
from archive_app.kernel.tables import Base

DOCUMENT = Path(__file__).parents[2] / "docs" / "threat-model.md"
IDENTIFIER_CHARACTERS = 36


def readable_columns() -> set[str]:
    """Every column of text but those that hold only identifiers."""
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String) and column.type.length != IDENTIFIER_CHARACTERS
    }


def test_the_threat_model_lists_every_readable_column() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Readable on disk")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+\.\w+)`", row)]
    assert len(listed) == len(set(listed))
    assert set(listed) == readable_columns()


def test_the_tests_that_it_names_are_there() -> None:
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)`", DOCUMENT.read_text(encoding="utf-8"))
    tests = Path(__file__).parents[1]
    assert named
    assert [name for name in named if not (tests / "integration" / name).exists() and not (tests / name).exists()] == []
