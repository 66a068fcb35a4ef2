"""The catalogues hold every text of the code, in every language, and nothing else."""

import io
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo

import archive_app
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_types
from archive_app.kernel.language import LANGUAGES
from archive_app.runtime import FEATURES
from build_catalogues import CATALOGUES, collect_texts, read_catalogue
from tests.architecture.house import listing

TRANSLATED = sorted(set(LANGUAGES) - {"en"})
PLACE = re.compile(r"%\((\w+)\)([sd])")
REPAIR = "run `make catalogues`, then translate"


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every text that is marked anywhere in the code and the templates."""
    return collect_texts()


@pytest.fixture(params=TRANSLATED)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    """The catalogue of one language."""
    path = CATALOGUES / request.param / "LC_MESSAGES" / "messages.po"
    assert path.exists(), f"the catalogue of {request.param} is missing; {REPAIR}"
    return read_catalogue(path)


def test_every_text_stands_in_every_catalogue(catalogue: Catalog, collected: set[str]) -> None:
    assert collected
    missing = collected - set(_texts(catalogue))
    assert not missing, f"{len(missing)} texts are not in the catalogue; {REPAIR}:{listing(missing)}"


def test_every_text_is_translated(catalogue: Catalog) -> None:
    open_texts = [str(message.id) for message in _messages(catalogue) if not all(_strings(message)) or message.fuzzy]
    assert not open_texts, f"without a translation, or only guessed:{listing(open_texts)}"


def test_no_catalogue_keeps_what_nobody_says(catalogue: Catalog, collected: set[str]) -> None:
    unused = set(_texts(catalogue)) - collected
    assert not unused, f"no code says these any more; run `make catalogues`:{listing(unused)}"


def test_a_translation_fills_the_same_places(catalogue: Catalog) -> None:
    apart = [
        f"{message.id!r}: {string!r}"
        for message in _messages(catalogue)
        for string in _strings(message)
        if string and _places_of(string) != _places_of(_text(message))
    ]
    assert not apart, f"the same %(name)s must stand in text and translation:{listing(apart)}"


def test_every_catalogue_compiles(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    assert compiled.getvalue()


def test_english_is_the_key_itself_and_can_be_filled(collected: set[str]) -> None:
    assert not list(CATALOGUES.glob("en*/**/*.po")), "the English texts are the keys; a catalogue could contradict them"
    broken = [text for text in collected if PLACE.search(text) and "%" in PLACE.sub("", text).replace("%%", "")]
    assert not broken, f"write %(name)s for a place and %% for a percent sign:{listing(broken)}"


def test_whatever_the_code_shows_by_its_key_is_marked(collected: set[str]) -> None:
    for found in pkgutil.walk_packages(archive_app.__path__, "archive_app."):
        if "migrations" not in found.name and not found.name.endswith("__main__"):
            import_module(found.name)
    shown = {error.message for error in _all_errors(ArchiveError) if error.__module__.startswith("archive_app.")}
    shown |= {kind.label for kind in event_types() if not kind.code.startswith(("test.", "trial."))}
    shown |= {entry.label for feature in FEATURES for entry in feature.menu}
    assert not shown - collected, f"mark with N_(…) where they are written:{listing(shown - collected)}"


def _all_errors(root: type[ArchiveError]) -> Iterator[type[ArchiveError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _all_errors(kind)


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _texts(catalogue: Catalog) -> Iterator[str]:
    return (_text(message) for message in _messages(catalogue))


def _text(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def _places_of(text: str) -> set[tuple[str, str]]:
    return set(PLACE.findall(text))
