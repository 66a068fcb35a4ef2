"""By which path a file finds its engagement."""

import pytest

from archive_app.intake.inbox.routing import folded, route_of
from archive_app.intake.inbox.sources import is_temporary

NUMBERS = {folded(number): number for number in ("HC-1", "HC-12", "HC-2026-001", "核2026（3）", "é-5")}
FOLDERS, ANYWHERE = ("{engagement}/{name}",), ("*{engagement}*", "**{engagement}**")
CASES = [
    ("HC-12/a.pdf", FOLDERS, "HC-12"),
    ("HC-1/a.pdf", FOLDERS, "HC-1"),
    ("HC-12/b/a.pdf", FOLDERS, None),
    ("hc-12/a.pdf", FOLDERS, "HC-12"),
    ("ＨＣ－１２/a.pdf", FOLDERS, "HC-12"),
    ("HC-13/a.pdf", FOLDERS, None),
    ("HC-12_现场照片.jpg", ANYWHERE, "HC-12"),
    ("现场 HC-1 照片.jpg", ANYWHERE, "HC-1"),
    ("HC-123.jpg", ANYWHERE, None),
    ("XHC-1.jpg", ANYWHERE, None),
    ("HC-1 and HC-12.jpg", ANYWHERE, None),
    ("a/b/HC-2026-001/c.jpg", ANYWHERE, "HC-2026-001"),
    ("核2026(3)监测计划.docx", ANYWHERE, "核2026（3）"),
    ("E\u0301-5.txt", ANYWHERE, "é-5"),
    ("", ANYWHERE, None),
    ("a" * 5000 + "HC-1", ANYWHERE, None),
    ("scan_HC-12_0001.tif", (r"regex:^scan_(?P<engagement>HC-\d+)_",), "HC-12"),
    ("scan_HC-77_0001.tif", (r"regex:^scan_(?P<engagement>HC-\d+)_",), None),
    ("HC-12/a.pdf", (r"regex:(?P<engagement>nothing)", "{engagement}/{name}"), "HC-12"),
    ("[HC-1]/a.pdf", ("[{engagement}]/{name}",), "HC-1"),
    ("HC-1/a.pdf", ("[{engagement}]/{name}",), None),
]


@pytest.mark.parametrize(("path", "routes", "engagement"), CASES)
def test_a_path_leads_to_one_engagement_or_to_none(path: str, routes: tuple[str, ...], engagement: str | None) -> None:
    assert route_of(path, routes, NUMBERS) == engagement


@pytest.mark.parametrize(
    ("name", "temporary"), [("a.pdf", False), ("~$a.docx", True), ("A.PART", True), ("part", False)]
)
def test_what_is_still_being_written_is_known_by_its_name(name: str, temporary: bool) -> None:
    assert is_temporary(name) is temporary
