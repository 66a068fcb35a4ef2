"""Forms as Word documents, for whoever wants to go on writing in them. Texts are texts: nothing of them becomes a field
or a link."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from archive_app.casework.forms.pages import SIGN_HERE
from archive_app.casework.forms.sheets import PrintedBlock, PrintedForm
from archive_app.kernel.language import translate
from archive_app.kernel.typesetting import plain_text

_CHAPTER_PT = 14
_FONT, _CHINESE_FONT = "Times New Roman", "SimSun"
_WIDTH_CM, _MARGIN_CM, _ROW_CM, _LINE_CM = 17.0, 2.0, 0.9, 0.75
_SHADE = "F2F2F2"
_FIRST_YEAR = 1980
"""Before it, ZIP files know no dates."""


def form_docx(form: PrintedForm, moment: datetime) -> bytes:
    """The form as DOCX; the same form and moment make the same bytes."""
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(_MARGIN_CM)
    _set_fonts(document)
    properties, naive = document.core_properties, moment.astimezone(UTC).replace(tzinfo=None)
    properties.title, properties.author, properties.comments = plain_text(form.title), plain_text(form.subtitle), ""
    properties.created = properties.modified = naive
    for text, size, bold in ((form.title, 18, True), (form.subtitle, 10, False)):
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(plain_text(text))
        run.bold, run.font.size = bold, Pt(size)
    page.footer.paragraphs[0].text = plain_text(form.foot)
    for block in form.blocks:
        _add(document, block, form.language)
    made = io.BytesIO()
    document.save(made)
    return _dated(made.getvalue(), moment)


def _add(document: Any, block: PrintedBlock, language: str) -> None:
    if block.heading:
        heading = document.add_paragraph()
        heading.paragraph_format.keep_with_next = True
        run = heading.add_run(plain_text(block.heading))
        run.bold = True
        if block.chapter:
            _begin_chapter(heading, run)
    if block.kind == "facts":
        _add_table(document, [(pair.label, pair.value) for pair in block.pairs], (5, 12), labels=True)
    elif block.kind == "table":
        _add_table(document, (block.columns, *block.rows), block.widths, header=True)
    elif block.kind == "space":
        _add_table(document, ((block.text,),), (1,), height_cm=max(1.0, block.lines * _LINE_CM))
    elif block.kind == "text":
        document.add_paragraph(plain_text(block.text))
    else:
        sign = translate(language, SIGN_HERE)
        document.add_paragraph()
        for words in block.people:
            document.add_paragraph(f"{plain_text(words)}    {sign}: ____________________")
    document.add_paragraph().paragraph_format.space_after = 0


def _add_table(
    document: Any,
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    *,
    header: bool = False,
    labels: bool = False,
    height_cm: float = _ROW_CM,
) -> None:
    from docx.shared import Cm

    table = document.add_table(rows=0, cols=len(widths))
    table.style, table.autofit = "Table Grid", False
    shares = [Cm(_WIDTH_CM * width / sum(widths)) for width in widths]
    for number, texts in enumerate(rows):
        row = table.add_row()
        row.height = Cm(height_cm)
        for column, (cell, text, width) in enumerate(zip(row.cells, texts, shares, strict=True)):
            cell.width = width
            cell.paragraphs[0].text = plain_text(text)
            if (header and number == 0) or (labels and column == 0):
                _shade(cell)
    if header:
        _repeat(table.rows[0])


def _begin_chapter(heading: Any, run: Any) -> None:
    """Larger, and in the outline that Word shows beside the pages."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    heading.paragraph_format.space_before, run.font.size = Pt(_CHAPTER_PT), Pt(_CHAPTER_PT)
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "0")
    heading._p.get_or_add_pPr().append(level)  # noqa: SLF001  python-docx knows outlines by its styles alone


def _set_fonts(document: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _CHINESE_FONT)
    style.paragraph_format.space_after = Pt(2)


def _shade(cell: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), _SHADE)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001  python-docx has no words for shading


def _repeat(row: Any) -> None:
    """The row stands again at the top of each page."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001  as above


def _dated(content: bytes, moment: datetime) -> bytes:
    """The same package with every member of the same moment: otherwise no two are alike."""
    made, at = io.BytesIO(), moment.astimezone(UTC)
    date_time = (max(at.year, _FIRST_YEAR), at.month, at.day, at.hour, at.minute, at.second)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(zipfile.ZipInfo(member.filename, date_time), old.read(member), zipfile.ZIP_DEFLATED)
    return made.getvalue()
