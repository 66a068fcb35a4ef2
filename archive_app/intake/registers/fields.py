"""The fields of a register's row, the names that columns give them, and how a header is found."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from archive_app.intake.registers.dates import read_date
from archive_app.intake.registers.keys import name_key
from archive_app.kernel.language import N_
from search.reading import EMPTY, Cell, TableRow

HEADER_SEARCHED_ROWS = 30
_MOSTLY = 0.7


@dataclass(frozen=True)
class Field:
    """One thing a row can say; `limit` counts characters; `names` are the headings that mean it."""

    label: str
    limit: int
    names: tuple[str, ...]


FIELDS: Mapping[str, Field] = {
    "title": Field(
        N_("Title"),
        300,
        (
            "题名",
            "文件题名",
            "案卷题名",
            "卷内文件题名",
            "文件材料题名",
            "标题",
            "文件名称",
            "材料名称",
            "文件标题",
            "title",
            "document title",
            "name of document",
        ),
    ),
    "number": Field(
        N_("Document number"),
        100,
        (
            "文号",
            "文件编号",
            "文件号",
            "文件字号",
            "发文字号",
            "原文号",
            "document number",
            "doc no",
            "reference",
            "number",
        ),
    ),
    "originator": Field(
        N_("Originator"),
        200,
        (
            "责任者",
            "责任人",
            "形成者",
            "作者",
            "编制人",
            "编制单位",
            "发文单位",
            "originator",
            "author",
            "issued by",
        ),
    ),
    "dated_on": Field(
        N_("Date"),
        60,
        (
            "日期",
            "成文日期",
            "文件日期",
            "形成日期",
            "形成时间",
            "文件形成日期",
            "起止日期",
            "时间",
            "date",
            "document date",
        ),
    ),
    "item_number": Field(N_("Item number"), 60, ("件号", "序号", "顺序号", "编号", "item", "item number", "no", "no.")),
    "archive_number": Field(N_("Archival number"), 100, ("档号", "档案号", "archival number", "archive no")),
    "volume_number": Field(N_("Volume number"), 60, ("案卷号", "卷号", "盒号", "volume", "volume number", "file no")),
    "pages": Field(
        N_("Number of pages"), 60, ("页数", "页号", "页次", "起止页号", "页码", "件数", "份数", "pages", "page")
    ),
    "engagement": Field(
        N_("Engagement number"),
        60,
        (
            "项目编号",
            "核查项目编号",
            "核查项目",
            "项目号",
            "项目代码",
            "engagement",
            "engagement number",
            "project number",
        ),
    ),
    "client": Field(
        N_("Client"),
        200,
        (
            "委托单位",
            "重点排放单位",
            "客户",
            "客户名称",
            "企业名称",
            "单位名称",
            "委托方",
            "排放单位",
            "client",
            "company",
        ),
    ),
    "year": Field(N_("Year"), 20, ("年度", "年份", "核查年度", "核查年份", "归档年度", "year")),
    "level": Field(N_("Level"), 20, ("密级", "级别", "文件级别", "公开级别", "公开属性", "level")),
    "retention": Field(N_("Retention period"), 40, ("保管期限", "保存期限", "期限", "retention", "retention period")),
    "file_name": Field(
        N_("File name"),
        300,
        (
            "文件名",
            "电子文件名",
            "电子文件名称",
            "电子文件",
            "附件",
            "原文",
            "文件路径",
            "电子文件路径",
            "file",
            "file name",
            "filename",
            "path",
        ),
    ),
    "barcode": Field(N_("Barcode"), 100, ("条码", "条形码", "条码号", "二维码", "barcode")),
    "remark": Field(N_("Remark"), 900, ("备注", "附注", "说明", "备考", "remark", "remarks", "note", "notes")),
}
TEXT_NUMBERS = frozenset({"number", "item_number", "archive_number", "volume_number", "pages", "engagement", "barcode"})
"""Fields that are numbers for people and text for us: Excel must not have computed with them."""
_BY_NAME = {name_key(name): code for code, told in FIELDS.items() for name in told.names}
_FOOTER = re.compile(r"(备注|说明|注|附注|合计|总计|小计|共计|制表|填表|审核|移交|接收|立卷)[人::]?.*", re.DOTALL)
_FILE_NAME = re.compile(r"[^\\/:*?\"<>|]{1,200}\.[A-Za-z][A-Za-z0-9]{1,4}")
_MARKS = re.compile(r"[*＊#()\[\]【】:：\s]|（[^）]*）|\([^)]*\)")


@dataclass(frozen=True)
class Header:
    """Where the header stands: `rows` are its row numbers, `headings` the words of each column."""

    rows: tuple[int, ...]
    headings: tuple[str, ...]

    @property
    def signature(self) -> str:
        """What a remembered layout is found by: the headings in their order, however they are spaced or cased."""
        return hashlib.sha256("\x1f".join(name_key(heading) for heading in self.headings).encode()).hexdigest()


def field_of(heading: str) -> str | None:
    """The field that a heading names, if it is a known one."""
    return _BY_NAME.get(name_key(heading)) or _BY_NAME.get(name_key(_MARKS.sub("", heading)))


def find_header(rows: Sequence[TableRow], column_count: int, merged: Sequence[tuple[int, int, int, int]]) -> Header:
    """The header among the first rows: the row with the most known names, and the one below where it goes on.

    Without any known name the first row that has most of its cells filled is taken.
    """
    best = max(rows, key=lambda row: (_known(row), len(_texts(row)), -row.number), default=None)
    if best is None:
        return Header((), tuple("" for _ in range(column_count)))
    upper = _spread(best, merged, column_count)
    following = next((row for row in rows if row.number == best.number + 1), None)
    if following is None or not _goes_on(best, following, merged):
        return Header((best.number,), tuple(upper))
    lower = _spread(following, (), column_count)
    joined = tuple(below or above for above, below in zip(upper, lower, strict=True))
    return Header((best.number, following.number), joined)


def propose(header: Header, rows: Sequence[TableRow], today: date) -> dict[int, str]:
    """A field for each column that its name or its content gives away; no field twice, the earlier column first."""
    found: dict[int, str] = {}
    for column, heading in enumerate(header.headings):
        code = field_of(heading)
        if code and code not in found.values():
            found[column] = code
    data = [row for row in rows if row.number > max(header.rows, default=0)]
    for column in range(len(header.headings)):
        code = _by_content([row.cells[column] for row in data if column < len(row.cells)], today)
        if column not in found and code and code not in found.values():
            found[column] = code
    return found


def is_footer(cells: Sequence[Cell]) -> bool:
    """Whether a row is a line below the table (备注, 合计, signatures) and no entry: it fills three cells at most."""
    filled = [cell for cell in cells if cell.text.strip()]
    if not filled or len(filled) > 3:  # noqa: PLR2004  a word, and what it says
        return False
    return filled[0].kind == "text" and bool(_FOOTER.fullmatch(filled[0].text.strip())) and len(filled[0].text) > 0


def _known(row: TableRow) -> int:
    return len({code for cell in row.cells if (code := field_of(cell.text))})


def _texts(row: TableRow) -> list[str]:
    return [cell.text for cell in row.cells if cell.kind == "text"]


def _goes_on(upper: TableRow, lower: TableRow, merged: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether `lower` is the second line of a header: it names columns where the first one is merged or empty."""
    filled = [(column, cell) for column, cell in enumerate(lower.cells) if cell.text.strip()]
    if not filled or any(cell.kind != "text" for _, cell in filled):
        return False
    across = any(top == upper.number and right > left for top, left, _, right in merged)
    down = any(top == upper.number and bottom == lower.number for top, _, bottom, _ in merged)
    named = sum(field_of(cell.text) is not None for _, cell in filled)
    above_empty = all(not _cell(upper, column).text.strip() for column, _ in filled)
    return (across and (down or named > 0)) or (named > 0 and above_empty)


def _spread(row: TableRow, merged: Sequence[tuple[int, int, int, int]], column_count: int) -> list[str]:
    """The texts of a row, those of merged cells in every column they cover."""
    texts = [_cell(row, column).text.strip() for column in range(column_count)]
    for top, left, bottom, right in merged:
        if top <= row.number <= bottom:
            for column in range(left, min(right + 1, column_count)):
                texts[column] = texts[column] or texts[left]
    return [re.sub(r"\s+", " ", text)[:100] for text in texts]


def _cell(row: TableRow, column: int) -> Cell:
    return row.cells[column] if column < len(row.cells) else EMPTY


def _by_content(cells: Sequence[Cell], today: date) -> str | None:
    filled = [cell for cell in cells if cell.text.strip()]
    if len(filled) < 3:  # noqa: PLR2004  too few to tell anything
        return None
    days = sum(cell.kind in {"date", "moment", "text"} and _is_day(cell, today) for cell in filled)
    if days > _MOSTLY * len(filled):
        return "dated_on"
    names = sum(bool(_FILE_NAME.fullmatch(cell.text.strip())) for cell in filled)
    return "file_name" if names > _MOSTLY * len(filled) else None


def _is_day(cell: Cell, today: date) -> bool:
    return read_date(cell.kind, cell.text, today).value is not None
