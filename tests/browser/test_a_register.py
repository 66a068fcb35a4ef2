"""A 300-row register and its folder of 300 files, with twelve planted faults, become records in a real browser."""

import io
import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_the_path import open_engagement
from tests.engines import FULL
from tests.first_visit import set_up
from tests.registers import rows_of, workbook
from tests.service import Service

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
ROWS = 300
HEADER_ROWS = 2

MENDED = {
    "title_missing": (10, "title", "10号机组年度温室气体排放核查资料"),
    "date_impossible": (20, "dated_on", "2025-02-28"),
    "date_unreadable": (30, "dated_on", "2025-07-03"),
    "number_duplicate": (40, "number", "绿核〔2025〕40号"),
    "number_became_date": (50, "pages", "3-1"),
    "number_lost_digits": (60, "number", "绿核〔2025〕60号"),
    "error_value": (70, "remark", ""),
    "file_named_twice": (80, "file_name", "核查资料080.txt"),
    "file_name_forbidden": (90, "file_name", "核查资料090.txt"),
    "control_characters": (100, "title", "100号机组年度温室气体排放核查资料"),
    "title_too_long": (110, "title", "110号机组年度温室气体排放核查资料"),
}
"""Where each fault is planted (number of the record), and what mends it; the twelfth is a file under another name."""
STRAY, STRAY_NAME = 120, "扫描件_20250714_0007.txt"


def planted() -> bytes:
    """The register, with a title line, its header, and a line below."""
    rows: list[list[Any]] = rows_of(ROWS)
    rows[10 - 1][1] = ""
    rows[20 - 1][4] = "2025-02-30"
    rows[30 - 1][4] = "去年七月初"
    rows[40 - 1][2] = rows[39 - 1][2]
    rows[50 - 1][5] = date(2025, 3, 1)
    rows[60 - 1][2] = 3.20123456789012e17
    rows[80 - 1][6] = rows[79 - 1][6]
    rows[90 - 1][6] = "核查资料090?.txt"
    rows[100 - 1][1] = "100号机组\u0007年度温室气体排放核查资料"
    rows[110 - 1][1] = "很长的题名" * 70
    place = {(HEADER_ROWS + 70 - 1, 7): ("=VLOOKUP(A1,B1:C2,5)", "#REF!")}
    return workbook(rows, above=[["江苏绿源核查有限公司卷内文件目录"]], below=[["合计", "300 件"]], formulas=place)


def folder_of_files(directory: Path) -> Path:
    folder = directory / "扫描件"
    folder.mkdir()
    for number in range(1, ROWS + 1):
        name = STRAY_NAME if number == STRAY else f"核查资料{number:03d}.txt"
        # Width and case differ here and there, as they do between a list and a scanner.
        name = name.upper() if number % 50 == 7 else name.replace("0", "０") if number % 50 == 8 else name
        (folder / name).write_text(f"{number}号机组的核查资料正文", encoding="utf-8")
    return folder


class Person:
    """Somebody at the page, whose clicks and typed fields are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.typed = 0

    def click(self, locator: Any) -> None:
        self.clicks += 1
        locator.click()

    def type(self, locator: Any, text: str) -> None:
        self.typed += 1
        locator.fill(text)


def begin(page: Page, service: Service) -> str:
    set_up(page, service.setup_url)
    page.goto("/people")
    return open_engagement(page)


def test_a_register_with_twelve_faults(service: Service, visitor: Visit, tmp_path: Path) -> None:
    page = visitor()
    address = begin(page, service)
    register = tmp_path / "卷内目录.xlsx"
    register.write_bytes(planted())
    folder = folder_of_files(tmp_path)
    person, began = Person(page), time.monotonic()

    page.goto(address)
    bring_and_check(person, register)
    mend(person)
    attach(person, folder)
    book = file_and_close(person)
    assert [sheet.max_row for sheet in book][1] == ROWS + 1
    minutes = (time.monotonic() - began) / 60
    print(
        f"\n300 rows, 300 files, 12 faults: {minutes:.1f} minutes, {person.clicks} clicks, {person.typed} fields typed"
    )

    page.goto(address)
    expect(page.locator("#documents tbody tr").first).to_be_visible()
    page.goto(f"{address}?text=100号机组")
    expect(page.get_by_role("link", name=MENDED["control_characters"][2])).to_be_visible()
    assert person.clicks < 60


def bring_and_check(person: Person, register: Path) -> None:
    """From the engagement's page to the list of faults; the columns are proposed rightly."""
    page = person.page
    person.click(page.get_by_role("link", name="导入目录"))
    page.set_input_files("#register-file", register)
    person.click(page.get_by_role("button", name="读取目录"))
    page.wait_for_url("**/columns")
    means = page.locator(".columns-table select").evaluate_all("found => found.map(one => one.value)")
    assert means == ["item_number", "title", "number", "originator", "dated_on", "pages", "file_name", "remark"]
    person.click(page.get_by_role("button", name="检查各行"))
    page.wait_for_url("**/rows?*")
    expect(page.locator(".fault-counts li")).to_have_count(len(MENDED), timeout=60_000)


def mend(person: Person) -> None:
    """Finds each planted fault on its row and column, and mends it there."""
    page = person.page
    rows_address = page.url
    for code, (record, field, text) in MENDED.items():
        number = record + HEADER_ROWS
        fault = page.locator(f"#row-{number} [data-fault={code}]")
        expect(fault).to_have_count(1)
        expect(fault.locator(".fault-place")).to_contain_text(re.compile(r"[A-H] 列"))
        person.type(fault.locator("input[name=value]"), text)
        assert fault.locator("input[name=field]").input_value() == field
        person.click(fault.get_by_role("button", name="保存"))
        expect(page.locator(f"#row-{number} [data-fault={code}]")).to_have_count(0)
    expect(page.locator(".alert-success")).to_be_visible()
    page.goto(rows_address)
    expect(page.locator(".row-card")).to_have_count(0)


def attach(person: Person, folder: Path) -> None:
    """Gives the folder; all but the stray file find their rows, the stray is attached by hand."""
    page = person.page
    person.click(page.get_by_role("link", name="下一步：挂接文件"))
    page.locator(".has-script").wait_for()
    person.clicks += 2  # the button, and the folder in the system's own window
    page.set_input_files("#choose-folder", folder)
    expect(page.locator(".alert-success")).to_have_text(re.compile("299"), timeout=180_000)
    expect(page.locator(".choice [name=row]")).to_have_count(1)
    expect(page.locator(".choice", has_text=STRAY_NAME)).to_have_count(1)
    person.click(page.locator(".choice", has_text=STRAY_NAME))
    person.click(page.get_by_role("button", name="挂接到该行"))
    person.click(page.get_by_role("link", name="下一步：入库"))


def file_and_close(person: Person) -> openpyxl.Workbook:
    """Files everything, takes the report, closes the import."""
    page = person.page
    person.click(page.get_by_role("button", name="现在入库300行"))
    close = page.get_by_role("button", name="结束导入")
    expect(close).to_be_visible(timeout=120_000)
    with page.expect_download() as started:
        person.click(page.get_by_role("link", name="下载报告").last)
    book = openpyxl.load_workbook(io.BytesIO(Path(started.value.path()).read_bytes()))
    person.click(close)
    expect(page.locator(".alert-success")).to_be_visible()
    return book


def test_pages_of_a_register_are_accessible_and_fit(service: Service, visitor: Visit, tmp_path: Path) -> None:
    page = visitor()
    address = begin(page, service)
    register = tmp_path / "卷内目录.xlsx"
    register.write_bytes(planted())
    page.goto(address)
    page.get_by_role("link", name="导入目录").click()
    new_address = page.url
    page.set_input_files("#register-file", register)
    page.get_by_role("button", name="读取目录").click()
    page.get_by_role("button", name="检查各行").click()
    expect(page.locator(".fault-counts li")).to_have_count(len(MENDED), timeout=60_000)
    rows_address = page.url
    row_address = page.locator(".row-head a").first.get_attribute("href") or ""
    stray = tmp_path / STRAY_NAME
    stray.write_text("无主", encoding="utf-8")
    page.goto(rows_address.replace("rows?state=faulty", "files"))
    page.locator(".has-script").wait_for()
    page.set_input_files("#choose-files", stray)
    expect(page.locator(".alert-success")).to_be_visible()
    addresses = ["/registers", new_address, rows_address, row_address, page.url]
    addresses += [page.url.replace("/files", "/columns"), page.url.replace("/files", "/filing")]
    shots = tmp_path / "shots"
    # Every page in both widths and both languages; all four combinations only where nothing is sampled.
    for width, languages in ((1280, ("zh_Hans_CN", "en")[: 1 + FULL]), (390, ("en", "zh_Hans_CN")[: 1 + FULL])):
        page.set_viewport_size({"width": width, "height": 900})
        for language in languages:
            page.goto("/account")
            page.locator(".account-menu summary").click()
            page.locator(f'.menu-sheet button[value="{language}"]').click()
            for number, place in enumerate(addresses):
                page.goto(place)
                page.screenshot(path=shots / f"{number}-{width}-{language}.png", full_page=width == 1280)
                found = Axe().run(page)
                assert found.violations_count == 0, f"{place} {width} {language}: {found.generate_report()}"
                overflow = page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth")
                assert overflow <= 0, f"{place} is {overflow} px too wide at {width} px"
