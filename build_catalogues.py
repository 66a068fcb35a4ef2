"""The translation catalogues: collected from the code, compiled for use.

As a hatchling hook it compiles them into the wheel. As a script it compiles in place; with `--collect` it first brings
every catalogue up to date with the texts in the code.
"""

import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
CODE = ROOT / "archive_app"
CATALOGUES = CODE / "web" / "translations"
_KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "_l": None, "lazy_gettext": None, "N_": None}
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def compile_catalogues(root: Path = CATALOGUES) -> list[Path]:
    """Writes one `.mo` beside each `.po` under `root`; returns the files written."""
    written = []
    for source in sorted(root.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        temporary = target.with_suffix(".mo.tmp")
        with temporary.open("wb") as mo:
            write_mo(mo, read_catalogue(source))
        temporary.replace(target)
        written.append(target)
    return written


def collect_texts() -> set[str]:
    """Every marked text of the code and the templates."""
    found = extract_from_dir(CODE, _METHODS, keywords=_KEYWORDS)
    return {text for _file, _line, text, _comments, _context in found if isinstance(text, str)}


def update_catalogues() -> None:
    """Brings the catalogues up to date, in the order of their texts; texts that are gone leave them."""
    texts = collect_texts()
    for path in sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po")):
        old = read_catalogue(path)
        new = Catalog(locale=path.parts[-3], project="lantai")
        for text in sorted(texts):
            known = old.get(text)
            new.add(text, known.string if known else "")
        with path.open("wb") as po:
            write_po(po, new, width=120, omit_header=True, no_location=True, sort_output=True)


def read_catalogue(path: Path) -> Catalog:
    """The catalogue in `path`, which stands in a folder named after its locale."""
    with path.open("rb") as po:
        return read_po(po, locale=path.parts[-3])


class CatalogueHook(BuildHookInterface[Any]):
    """The wheel carries compiled catalogues; the repository carries their sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        compile_catalogues()


if __name__ == "__main__":
    if "--collect" in sys.argv:
        update_catalogues()
    compile_catalogues()
