"""Documents made on the spot for the tests: every function returns the bytes of one file, honest or hostile.

The honest ones carry the phrases they are given and nothing secret; the hostile ones are small, and become large or
slow only in the hands of a careless reader.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Sequence
from email.message import EmailMessage

PHRASE = "二氧化碳排放量核查报告"
ENGLISH_PHRASE = "verified emission factor 0.5703"


# --- plain text and markup -------------------------------------------------------------------------------------------


def plain_text(text: str = f"{PHRASE}\n{ENGLISH_PHRASE}\n", encoding: str = "utf-8") -> bytes:
    """The text in any Python encoding; "utf-16" and "utf-8-sig" write a byte order mark."""
    return text.encode(encoding)


def csv_table(
    rows: Sequence[Sequence[object]] = (("设施", "排放量"), ("一号锅炉", 1234.5)), encoding: str = "utf-8"
) -> bytes:
    return "".join(",".join(str(cell) for cell in row) + "\r\n" for row in rows).encode(encoding)


def markdown(text: str = PHRASE) -> bytes:
    return f"# {text}\n\n- 第一项\n- second *item*\n\n[link](https://example.invalid)\n".encode()


def html(body: str = f"<p>{PHRASE}</p>", *, title: str = "标题", charset: str = "utf-8") -> bytes:
    page = (
        f'<!DOCTYPE html><html><head><meta charset="{charset}"><title>{title}</title></head><body>{body}</body></html>'
    )
    return page.encode(charset)


def hostile_html() -> bytes:
    return html(
        f"<p>{PHRASE}</p><script>var stolen = 'scriptword';</script><style>p{{color:red}}</style>"
        "<img src=x onerror=alert(1)><iframe src='file:///etc/passwd'></iframe>"
    )


def svg(text: str = PHRASE, *, script: bool = False) -> bytes:
    active = "<script>alert('scriptword')</script>" if script else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">'
        f"{active}<text x='1' y='20'>{text}</text></svg>"
    ).encode()


def entity_bomb() -> bytes:
    """The "billion laughs": 3 GB when its entities are expanded."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l9;</x>'.encode()


# --- mail ------------------------------------------------------------------------------------------------------------


def eml(
    text: str = PHRASE,
    *,
    subject: str = "关于补充核查材料的函",
    sender: str = "张三 <zhang@example.invalid>",
    attachments: Sequence[tuple[str, bytes]] = (("排放数据.csv", b"a,b\r\n1,2\r\n"),),
    charset: str = "utf-8",
    html_only: bool = False,
) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = sender
    message["To"] = "李四 <li@example.invalid>"
    message["Date"] = "Mon, 02 Mar 2026 09:30:00 +0800"
    message["Message-ID"] = "<1@example.invalid>"
    if html_only:
        message.set_content(f"<p>{text}</p><script>scriptword</script>", subtype="html", charset=charset)
    else:
        message.set_content(text, charset=charset)
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


# --- office ----------------------------------------------------------------------------------------------------------


def docx(
    paragraphs: Sequence[str] = (PHRASE, ENGLISH_PHRASE),
    *,
    table: Sequence[Sequence[str]] = (("表头甲", "表头乙"), ("单元格一", "12,345.67")),
    header: str = "",
) -> bytes:
    from docx import Document

    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        grid = document.add_table(rows=len(table), cols=len(table[0]))
        for row, cells in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    if header:
        document.sections[0].header.paragraphs[0].text = header
    return _saved(document)


def xlsx(sheets: dict[str, Sequence[Sequence[object]]] | None = None) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    chosen = sheets or {"排放汇总": (("设施", "排放量"), (PHRASE, 98765.25)), "Second": ((ENGLISH_PHRASE, 42),)}
    for name, rows in chosen.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return _saved(workbook)


def pptx(texts: Sequence[str] = (PHRASE, ENGLISH_PHRASE), *, notes: str = "演讲者备注内容") -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    presentation = Presentation()
    for text in texts:
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        slide.shapes.add_textbox(Inches(1), Inches(1), Inches(6), Inches(2)).text_frame.text = text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    return _saved(presentation)


def _saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def rich_docx() -> bytes:
    """A document with what hides beside its paragraphs: footnote, comment, text box, chart, header, embedded file."""
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    drawing = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    lines = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in ("框内一", "框内二"))
    box = f"<w:pict><w:txbxContent>{lines}</w:txbxContent></w:pict>"
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    row = f"<w:tr>{cell.format('甲', '乙')}{cell.format('', '丙')}</w:tr>"
    body = f"<w:p><w:r><w:t>正文一</w:t></w:r></w:p><w:p><w:r>{box}<w:t>正文二</w:t></w:r></w:p><w:tbl>{row}</w:tbl>"
    note = "<w:{0} w:type='separator'><w:p/></w:{0}><w:{0}><w:p><w:r><w:t>{1}</w:t></w:r></w:p></w:{0}>"
    parts = {
        "document": f"<w:document {word}><w:body>{body}</w:body></w:document>",
        "header1": f"<w:hdr {word}><w:p><w:r><w:t>页眉</w:t></w:r></w:p></w:hdr>",
        "header2": f"<w:hdr {word}><w:p><w:r><w:t>页眉</w:t></w:r></w:p></w:hdr>",
        "footer1": f"<w:ftr {word}><w:p><w:r><w:t>页脚</w:t></w:r></w:p></w:ftr>",
        "footnotes": f"<w:footnotes {word}>{note.format('footnote', '脚注文字')}</w:footnotes>",
        "comments": f"<w:comments {word}>{note.format('comment', '批注文字')}</w:comments>",
        "charts/chart1": f"<c:chart xmlns:c='x' {drawing}><a:p><a:t>图题</a:t></a:p><c:v>3.5</c:v></c:chart>",
    }
    members = {f"word/{name}.xml": xml.encode() for name, xml in parts.items()}
    return zip_of({"[Content_Types].xml": b"<Types/>", "word/embeddings/inner.xlsx": xlsx(), **members})


def rich_xlsx() -> bytes:
    """A workbook with comments, header, hidden sheet, text box, chart, defined name, dates and gaps."""
    import datetime as dt

    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    book = Workbook(buffer)
    sheet, hidden = book.add_worksheet("排放汇总"), book.add_worksheet("隐藏表")
    hidden.hide()
    hidden.write("C5", "隐藏内容")
    sheet.write("B2", "设施甲")
    sheet.write_row("C2", [0.5703, 1e-7, 123456789012])
    sheet.write_formula("F2", "=C2*2", None, 1.1406)
    sheet.write_datetime("A3", dt.datetime(2026, 3, 2), book.add_format({"num_format": 'yyyy"年"m"月"d"日"'}))  # noqa: DTZ001
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_datetime("B3", dt.datetime(2026, 3, 2, 9, 30), moment)  # noqa: DTZ001
    sheet.write("C3", "多行\n一\t格")
    sheet.write_comment("B2", "批注内容")
    sheet.insert_textbox("H5", "文本框内容")
    sheet.set_header('&C&"宋体,Bold"&12页眉&R&P')
    chart = book.add_chart({"type": "column"})
    chart.add_series({"name": "系列", "values": "=排放汇总!$C$2:$C$2"})
    chart.set_title({"name": "图表标题"})
    sheet.insert_chart("J9", chart)
    book.define_name("排放因子", "=0.5703")
    book.close()
    return buffer.getvalue()


def xlsx_of_rows(rows: int, cells: int = 6) -> bytes:
    """A workbook with one sheet of so many rows, packed small."""
    with zipfile.ZipFile(io.BytesIO(xlsx({"大表": ((1,),)}))) as honest:
        members = {name: honest.read(name) for name in honest.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(b"<worksheet><sheetData>")
            for first in range(1, rows + 1, 1000):
                numbers = range(first, min(first + 1000, rows + 1))
                part.write("".join(f'<row r="{n}">{f"<c><v>{n}.5</v></c>" * cells}</row>' for n in numbers).encode())
            part.write(b"</sheetData></worksheet>")
    return buffer.getvalue()


# --- PDF and pictures ------------------------------------------------------------------------------------------------


def pdf(pages: Sequence[str] = (f"{PHRASE}\n{ENGLISH_PHRASE}",), *, password: str = "") -> bytes:
    """One string per page, one line per text line; Chinese by the built-in CID font: extractable, not embedded."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    encryption = StandardEncryption(password, canPrint=0) if password else None
    canvas = Canvas(buffer, pagesize=(595, 842), invariant=1, encrypt=encryption)
    for page in pages:
        canvas.setFont("STSong-Light", 14)
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 770 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def scanned_pdf(pages: int = 1) -> bytes:
    """Pages that are only pictures: there is no text to extract."""
    from PIL import Image

    images = [Image.new("L", (300, 420), 200 + number % 40) for number in range(pages)]
    buffer = io.BytesIO()
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:])
    return buffer.getvalue()


def stamped_scan(stamp: str = "第 3 页 共 10 页", *, pages: int = 1) -> bytes:
    """Pages that are pictures, each with a few characters of text on it, as scanning programs and stamps leave them."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842), invariant=1)
    for _ in range(pages):
        canvas.drawImage(ImageReader(io.BytesIO(image("PNG", (60, 84), colour="silver"))), 0, 0, 595, 842)
        canvas.setFont("STSong-Light", 10)
        canvas.drawString(250, 20, stamp)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def pdf_with_broken_xref(text: str = PHRASE, *, trailer: bool = True) -> bytes:
    """Whole objects, but the table and `startxref` point nowhere; without `trailer` nothing names the first object."""
    head, _, rest = pdf((text,)).rpartition(b"\nxref")
    kept = rest[rest.index(b"trailer") : rest.index(b"startxref")] if trailer else b""
    return head + b"\nxref\n0 2\n9999999999 65535 f \n8888888888 00000 n \n" + kept + b"startxref\n99999\n%%EOF\n"


def image(form: str = "PNG", size: tuple[int, int] = (64, 48), *, colour: str = "navy", orientation: int = 0) -> bytes:
    """A picture of one colour; `form` is Pillow's name (PNG, JPEG, GIF, WEBP, BMP, TIFF), `orientation` is EXIF's."""
    from PIL import Image

    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form, **({"exif": exif} if orientation else {}))
    return buffer.getvalue()


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims any size: a decompression bomb for readers that believe it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


# --- archives, containers and hostile files --------------------------------------------------------------------------


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_with_names(names: Sequence[str], encoding: str) -> bytes:
    """Members whose names are in this encoding and without the mark of UTF-8, as Chinese programs write them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, name in enumerate(names):
            placeholder = f"{number:04}".encode().ljust(len(name.encode(encoding)), b"_")
            archive.writestr(placeholder.decode(), name.encode())
    content = buffer.getvalue()
    for number, name in enumerate(names):
        raw = name.encode(encoding)
        content = content.replace(f"{number:04}".encode().ljust(len(raw), b"_"), raw)
    return content


def zip_with_flags(flags: int, *, name: bytes = b"secret.txt") -> bytes:
    """One member whose general purpose flags are these, such as 1 for encrypted."""
    content = bytearray(zip_of({name.decode(): b"x" * 100}))
    struct.pack_into("<H", content, 6, flags)
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, flags)
    return bytes(content)


def zip_bomb(unpacked_mib: int = 64) -> bytes:
    return zip_of({"bomb.txt": bytes(unpacked_mib * 2**20), "honest.txt": PHRASE.encode()})


def zip_of_overlapping_members(copies: int = 20) -> bytes:
    """Directory entries that all name the same bytes: a small file that would become a huge one."""
    content = zip_of({"a.txt": bytes(100_000)})
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry = content[at:end]
    closing = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, copies, copies, copies * len(entry), at, 0)
    return content[:at] + entry * copies + closing


def tar_of(members: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        for name, target in (links or {}).items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, target
            archive.addfile(header)
    return buffer.getvalue()


def ofd(text: str = PHRASE) -> bytes:
    """The skeleton of China's national page format (GB/T 33190)."""
    page = f'<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:TextCode>{text}</ofd:TextCode></ofd:Page>'
    root = '<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="OFD" Version="1.1"/>'
    return zip_of(
        {"OFD.xml": root.encode(), "Doc_0/Document.xml": b"<x/>", "Doc_0/Pages/Page_0/Content.xml": page.encode()}
    )


def docx_zip_bomb(unpacked_mib: int = 600) -> bytes:
    """A docx whose document.xml unpacks to `unpacked_mib` MiB of one endless paragraph, packed about 1,000 to 1."""
    honest = zipfile.ZipFile(io.BytesIO(docx((PHRASE,), table=())))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in honest.namelist():
            if name != "word/document.xml":
                archive.writestr(name, honest.read(name))
        opening, closing = honest.read("word/document.xml").decode().split(PHRASE)
        with archive.open("word/document.xml", "w") as member:
            member.write(opening.encode())
            for _ in range(unpacked_mib):
                member.write(b"A" * 2**20)
            member.write(closing.encode())
    return buffer.getvalue()


def ole_container(stream_name: str = "WordDocument") -> bytes:
    """The header and directory of an OLE2 compound file (MS-CFB) with one named stream: enough to be recognised."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(6) + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0) + b"\xff" * (512 - len(header) - 4)
    allocation = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * 504

    def entry(name: str, kind: int, child: int) -> bytes:
        encoded = name.encode("utf-16-le")
        links = struct.pack("<HBBIII", len(encoded) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return (encoded.ljust(64, b"\0") + links).ljust(116, b"\0") + struct.pack("<IQ", 0xFFFFFFFE, 0)

    directory = entry("Root Entry", 5, 1) + entry(stream_name, 2, 0xFFFFFFFF) + bytes(256)
    return header + allocation + directory


def signed_data(*, chinese: bool = False) -> bytes:
    """The beginning of a CMS SignedData (RFC 5652 §5.1), or of its SM2 counterpart (GM/T 0010)."""
    oid = bytes.fromhex("060a2a811ccf550601040202" if chinese else "06092a864886f70d010702")
    body = oid + b"\xa0\x82\x03\xe8" + random.Random(7).randbytes(1000)
    return b"\x30\x82" + struct.pack(">H", len(body)) + body


def timestamp_reply() -> bytes:
    """The beginning of a granted TimeStampResp (RFC 3161 §2.4.2)."""
    body = b"\x30\x03\x02\x01\x00" + signed_data()
    return b"\x30\x82" + struct.pack(">H", len(body)) + body


def truncated(content: bytes, share: float = 0.6) -> bytes:
    return content[: int(len(content) * share)]


def noise(size_bytes: int = 4096, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)
