"""One attacked archive for all tests of this folder: they ask much and change nothing of the victim's."""

from collections.abc import Iterator

import pytest

from tests.security.attacked import World, attacked_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The archive with something to steal in it."""
    with attacked_world(tmp_path_factory.mktemp("attacked")) as made:
        yield made
