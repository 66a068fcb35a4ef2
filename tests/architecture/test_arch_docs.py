"""What the documents name exists: paths, modules, links and their anchors."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.house import ROOT, listing, place, project_files

PAGES = [path for path in project_files() if path.suffix == ".md"]
TOP = {path.relative_to(ROOT).parts[0] for path in project_files()}
NAMES = {path.name for path in project_files()}
MODULE = re.compile(r"(?:archive_app|storage|search)(?:\.\w+)+")
PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)+/?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that headings make: lower case, without punctuation, with dashes for spaces."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(span: str) -> bool:
    """Whether a path, module or file named in a page exists; anything else is not our matter."""
    if PATH.fullmatch(span) and span.partition("/")[0] in TOP:
        return any(ROOT.glob(span.rstrip("/")))
    if MODULE.fullmatch(span):
        parts = span.split(".")
        # The last part may be a name inside the module.
        places = (ROOT.joinpath(*parts[:end]) for end in (len(parts), len(parts) - 1) if end > 1)
        return any(path.is_dir() or path.with_suffix(".py").is_file() for path in places)
    return span in NAMES or not re.fullmatch(r"\w+\.py", span)


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether a relative link ends at a file, and its anchor at a heading."""
    address, _, anchor = unquote(target).partition("#")
    goal = (page.parent / address).resolve() if address else page
    return goal.exists() and (not anchor or anchor in anchors(goal))


def test_there_are_pages() -> None:
    assert {"README.md", "docs/architecture.md", "docs/guide.md"} <= {place(page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=place)
def test_every_path_and_module_exists(page: Path) -> None:
    wrong = {span for span in SPAN.findall(prose(page)) if not is_there(span)}
    assert not wrong, f"{place(page)} names what is not there:{listing(wrong)}"


@pytest.mark.parametrize("page", PAGES, ids=place)
def test_every_relative_link_resolves(page: Path) -> None:
    links = {target for target in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", target)}
    wrong = {target for target in links if not leads_somewhere(page, target)}
    assert not wrong, f"{place(page)} links to what is not there:{listing(wrong)}"
