"""Documents that are packages of XML, made on the spot: OpenDocument and OFD. Every function returns one file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

from tests.files import ENGLISH_PHRASE, PHRASE
from tests.office_files import FOOTER, HEADER, NOTE, REMARK

_OFFICE = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style",
        "presentation": "presentation", "manifest": "manifest",
    }.items()
)  # fmt: skip


def tag(name: str, *content: str, **attributes: object) -> str:
    """One element of XML. In names of attributes `__` stands for the colon."""
    written = "".join(f' {key.replace("__", ":").replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(content)}</{name}>"


_NOTE_XML = tag(
    "text:note", tag("text:note-citation", "1"), tag("text:note-body", tag("text:p", NOTE)), text__note_class="footnote"
)
_REMARK_XML = tag("office:annotation", tag("text:p", REMARK))


def odt(paragraphs: Sequence[str] = (PHRASE, ENGLISH_PHRASE), *, encrypted: bool = False) -> bytes:
    deleted = tag("text:tracked-changes", tag("text:p", "hiddenword"))
    body = "".join(tag("text:p", paragraph) for paragraph in paragraphs)
    noted = tag("text:p", "一", tag("text:s", text__c=2), "二", _NOTE_XML, _REMARK_XML)
    cells = (tag("table:table-cell", *(tag("text:p", word) for word in words)) for words in ("甲乙", "丙"))
    table = tag("table:table", tag("table:table-row", *cells))
    box = tag("text:p", "框前", tag("draw:frame", tag("draw:text-box", tag("text:p", "文本框里的话"))), "框后")
    return _open_document("text", tag("office:text", deleted, body, noted, table, box), encrypted=encrypted)


def ods(
    rows: Sequence[Sequence[object]] = (("设施", "排放量"), (PHRASE, 98765.25), (ENGLISH_PHRASE, 42)),
    *,
    encrypted: bool = False,
) -> bytes:
    """A sheet with one empty column in front, two empty rows after the first row and a million at the end."""
    lines = [
        tag(
            "table:table-row",
            tag("table:table-cell"),
            *(tag("table:table-cell", tag("text:p", str(cell)), office__value=cell) for cell in row),
        )
        for row in rows
    ]
    gap = tag(
        "table:table-row",
        tag("table:table-cell", table__number_columns_repeated=1024),
        table__number_rows_repeated=2,
    )
    end = tag("table:table-row", tag("table:table-cell"), table__number_rows_repeated=1_048_570)
    sheet = tag("table:table", lines[0], gap, *lines[1:], end, table__name="排放汇总")
    return _open_document("spreadsheet", tag("office:spreadsheet", sheet), encrypted=encrypted)


def odp(
    texts: Sequence[str] = (PHRASE, ENGLISH_PHRASE), *, notes: str = "演讲者备注内容", encrypted: bool = False
) -> bytes:
    said = tag("presentation:notes", tag("draw:frame", tag("draw:text-box", tag("text:p", notes))))
    shapes = (tag("draw:g", tag("draw:custom-shape", tag("text:p", text))) for text in texts)
    slides = (tag("draw:page", shape, said) for shape in shapes)
    return _open_document("presentation", tag("office:presentation", *slides), encrypted=encrypted)


def odg(texts: Sequence[str] = (PHRASE, ENGLISH_PHRASE)) -> bytes:
    """A drawing with one page for each text."""
    pages = (tag("draw:page", tag("draw:custom-shape", tag("text:p", text))) for text in texts)
    return _open_document("graphics", tag("office:drawing", *pages), encrypted=False)


def _open_document(kind: str, body: str, *, encrypted: bool) -> bytes:
    header, footer = tag("style:header", tag("text:p", HEADER)), tag("style:footer", tag("text:p", FOOTER))
    page = tag("office:master-styles", tag("style:master-page", header, footer))
    entry = tag("manifest:file-entry", tag("manifest:encryption-data") if encrypted else "")
    parts = {
        "content.xml": tag("office:document-content", tag("office:body", body)),
        "styles.xml": tag("office:document-styles", page),
        "META-INF/manifest.xml": tag("manifest:manifest", entry),
    }
    members = {"mimetype": f"application/vnd.oasis.opendocument.{kind}"}
    for name, part in parts.items():
        locked = encrypted and "manifest" not in name
        members[name] = "noise" if locked else part.replace(">", f" {_OFFICE}>", 1)
    return package(members)


def ofd(
    pages: Sequence[str] = (f"{PHRASE}\n{ENGLISH_PHRASE}", "第二页"),
    *,
    attachments: Sequence[tuple[str, bytes]] = (("排放数据.csv", b"a,b\r\n1,2\r\n"),),
    encrypted: bool = False,
) -> bytes:
    """Pages of text in GB/T 33190, each line in two runs, with a template, an annotation and a seal.

    The pages stand in the package in the opposite order: only the document part tells the right one.
    """
    lock = tag("ofd:Encryptions", "/Doc_0/Encryptions.xml") if encrypted else ""
    where = tag("ofd:DocRoot", "Doc_0/Document.xml"), tag("ofd:Signatures", "/Doc_0/Signs/Signatures.xml")
    listed = (tag("ofd:Page", ID=n, BaseLoc=f"Pages/P{n}/Content.xml") for n in range(1, len(pages) + 1))
    files = (
        tag("ofd:Attachment", tag("ofd:FileLoc", f"f{number}.bin"), ID=number, Name=name)
        for number, (name, _) in enumerate(attachments)
    )
    signed = (
        tag("ofd:Provider", ProviderName="青山签章", Version="1"),
        tag("ofd:SignatureMethod", "1.2.156.10197.1.501"),
        tag("ofd:SignatureDateTime", "20260302093000Z"),
    )
    parts = {
        "OFD.xml": tag("ofd:OFD", tag("ofd:DocBody", tag("ofd:DocInfo", tag("ofd:Title", "盖章版")), *where, lock)),
        "Doc_0/Document.xml": tag(
            "ofd:Document",
            tag("ofd:CommonData", tag("ofd:TemplatePage", ID=90, BaseLoc="Tpls/T0/Content.xml")),
            tag("ofd:Pages", *listed),
            tag("ofd:Annotations", "Annots/Annotations.xml"),
            tag("ofd:Attachments", "Attachs/Attachments.xml"),
        ),
        "Doc_0/Tpls/T0/Content.xml": _ofd_page((HEADER,), ""),
        "Doc_0/Annots/Annotations.xml": tag(
            "ofd:Annotations", tag("ofd:Page", tag("ofd:FileLoc", "Page_1/A.xml"), PageID=1)
        ),
        "Doc_0/Annots/Page_1/A.xml": tag(
            "ofd:PageAnnot", tag("ofd:Annot", tag("ofd:Appearance", _ofd_run(REMARK, 200)))
        ),
        "Doc_0/Signs/Signatures.xml": tag(
            "ofd:Signatures", tag("ofd:Signature", ID="s1", Type="Seal", BaseLoc="S1/Signature.xml")
        ),
        "Doc_0/Signs/S1/Signature.xml": tag("ofd:Signature", tag("ofd:SignedInfo", *signed)),
        "Doc_0/Attachs/Attachments.xml": tag("ofd:Attachments", *files),
    }
    for number in range(len(pages), 0, -1):
        lines = pages[number - 1].split("\n")
        parts[f"Doc_0/Pages/P{number}/Content.xml"] = _ofd_page(lines, tag("ofd:Template", TemplateID=90))
    name = ' xmlns:ofd="http://www.ofdspec.org/2016">'
    members: dict[str, str | bytes] = {part: words.replace(">", name, 1) for part, words in parts.items()}
    members |= {f"Doc_0/Attachs/f{number}.bin": content for number, (_, content) in enumerate(attachments)}
    return package(members)


def _ofd_page(lines: Sequence[str], template: str) -> str:
    runs = (_ofd_run(line, 20 + 8 * number) for number, line in enumerate(lines))
    return tag("ofd:Page", template, tag("ofd:Content", tag("ofd:Layer", *runs)))


def _ofd_run(line: str, top: float) -> str:
    """A line cut into two text objects that stand next to each other, as producers write it."""
    half = len(line) // 2
    runs = ((20, line[:half]), (20 + 4 * half, line[half:]))
    return "".join(
        tag(
            "ofd:TextObject",
            tag("ofd:TextCode", words, X=0, Y=4, DeltaX=f"g {max(1, len(words) - 1)} 4"),
            Boundary=f"{left} {top} 100 5",
            Size=4,
        )
        for left, words in runs
        if words
    )


def package(members: Mapping[str, str | bytes]) -> bytes:
    """A ZIP whose first member, when it is the type, is stored as it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
