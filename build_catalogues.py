"""The translation catalogues: collected from the code, compiled for use.

As a hatchling hook it compiles them into the wheel. As a script it compiles in place; with `--collect` it first brings
every catalogue up to date with the texts in the code.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
CATALOGUES = ROOT / "archive_app" / "web" / "translations"


def compile_catalogues(root: Path = CATALOGUES) -> list[Path]:
    """Writes one `.mo` beside each `.po` under `root`; returns the files written."""
    written = []
    for source in sorted(root.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        with source.open("rb") as po:
            catalogue = read_po(po, locale=source.parts[-3])
        temporary = target.with_suffix(".mo.tmp")
        with temporary.open("wb") as mo:
            write_mo(mo, catalogue)
        temporary.replace(target)
        written.append(target)
    return written


def collect_texts(template: Path) -> None:
    """Collects every marked text of the code and the templates into `template`."""
    keywords = ["-k", "N_", "-k", "_l", "-k", "lazy_gettext"]
    extract = ["extract", "-q", "-F", "babel.cfg", *keywords, "--no-location", "--sort-output", "--omit-header"]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *extract, "-o", str(template), "."], cwd=ROOT, check=True)  # noqa: S603


def update_catalogues() -> None:
    """Brings the catalogues up to date; texts that are gone leave them."""
    template = CATALOGUES / "messages.pot"
    collect_texts(template)
    update = ["update", "-q", "-i", str(template), "-d", str(CATALOGUES), "--ignore-obsolete", "--no-fuzzy-matching", "--omit-header"]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *update], cwd=ROOT, check=True)  # noqa: S603
    template.unlink()


class CatalogueHook(BuildHookInterface):  # type: ignore[misc]  # hatchling publishes no types
    """The wheel carries compiled catalogues; the repository carries their sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the interface is hatchling's
        compile_catalogues()


if __name__ == "__main__":
    if "--collect" in sys.argv:
        update_catalogues()
    compile_catalogues()
