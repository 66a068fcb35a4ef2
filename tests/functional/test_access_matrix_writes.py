"""What pages send: forms, files, what scripts send. Compared with the access matrix, cell by cell."""

import pytest
from flask import Flask

from archive_app.kernel.archive import Archive
from tests.access.driving import compare, on_both
from tests.access.expectation import all_rows
from tests.access.world import build
from tests.conftest import Workbench
from tests.factories import People


@pytest.mark.usefixtures("without_fonts")
@on_both
def test_writes(archive: Archive, app: Flask, people: People, workbench: Workbench) -> None:
    world = build(archive, app, people, workbench)
    compare(world, [row for row in all_rows() if row.writes and not row.is_api])
