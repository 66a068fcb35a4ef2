"""Hostile files, one function each: small in themselves, large, slow or endless in the hands of a careless reader.

What they look like is known from public descriptions (entity bombs, overlapping archives, loops in tables); they are
all written here from scratch, reach nothing outside of themselves and contain no code.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

from search.reading.compound_writing import written_compound
from tests import files, office_files, package_files

MIB = 2**20


# --- archives --------------------------------------------------------------------------------------------------------


def rewritten(package: bytes, changes: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """A copy of a package with some members replaced or added; the others keep their order."""
    source = zipfile.ZipFile(io.BytesIO(package))
    members: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    for name, change in changes.items():
        before = members.get(name, b"")
        members[name] = change(before if isinstance(before, bytes) else before.encode()) if callable(change) else change
    return package_files.package(members)


def inflating(package: bytes, name: str, *, mark: bytes, mebibytes: int) -> bytes:
    """A copy of a package, in whose member `name` the text `mark` has become that many MiB of the letter A."""
    source = zipfile.ZipFile(io.BytesIO(package))
    opening, closing = source.read(name).split(mark, 1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other in source.namelist():
            if other != name:
                kind = zipfile.ZIP_STORED if other == "mimetype" else zipfile.ZIP_DEFLATED
                archive.writestr(other, source.read(other), kind)
        with archive.open(name, "w") as member:
            member.write(opening)
            for _ in range(mebibytes):
                member.write(b"A" * MIB)
            member.write(closing)
    return buffer.getvalue()


def zip_of_zeros(mebibytes: int = 600) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros.txt", "w") as member,
    ):
        for _ in range(mebibytes):
            member.write(bytes(MIB))
    return buffer.getvalue()


def zip_of_many(members: int = 70_000) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(members):
            archive.writestr(f"{number}.txt", b"")
    return buffer.getvalue()


def nested_zip(levels: int = 12, width: int = 8) -> bytes:
    """Each archive holds several copies of the next: 8 to the power of 12 files in a few kilobytes."""
    content = files.PHRASE.encode() * 1000
    for _ in range(levels):
        content = files.zip_of({f"{number}.zip": content for number in range(width)})
    return content


def overlapping_zip(entries: int = 2000) -> bytes:
    """Every entry of the directory is the same member, of 10 MiB: 20 GiB by the directory's account."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(10 * MIB)) + packer.flush()
    crc, size = zlib.crc32(bytes(10 * MIB)), 10 * MIB
    sizes = struct.pack("<III", crc, len(packed), size)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0x21) + sizes + struct.pack("<HH", 1, 0) + b"a" + packed
    directory = b"".join(
        b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0x21) + sizes
        + struct.pack("<HHHHHII", 6, 0, 0, 0, 0, 0, 0) + f"{number:06}".encode()
        for number in range(entries)
    )  # fmt: skip
    end = struct.pack("<HHHHIIH", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


def zip_with_flag(flag: int = 1) -> bytes:
    """An archive whose members say that they are encrypted."""
    content = bytearray(files.zip_of({"a.txt": b"secret" * 10}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= flag
    return bytes(content)


def zip_of_paths() -> bytes:
    return files.zip_of(
        dict.fromkeys(("../../etc/cron.d/a", "/etc/passwd", "C:\\a.txt", "a\x00b", "\u202etxt.exe"), b"x")
    )


def gzip_of_zeros(mebibytes: int = 1024) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, buffer, 0) as stream:
        for _ in range(mebibytes):
            stream.write(bytes(MIB))
    return buffer.getvalue()


def tar_of_claims() -> bytes:
    """A member that claims 8 GiB, links that lead outside, a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, target in (
            ("a", tarfile.SYMTYPE, "/etc/passwd"),
            ("b", tarfile.LNKTYPE, "../x"),
            ("c", tarfile.CHRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
        member = tarfile.TarInfo("large")
        member.size = 8 * 2**30
        archive.addfile(member, None)
    return buffer.getvalue()


# --- markup, mail, text ----------------------------------------------------------------------------------------------

_ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPE = f'<!DOCTYPE x [<!ENTITY l0 "lol">{_ENTITIES}]>'.encode()
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def declaring(part: bytes, doctype: bytes = DOCTYPE, entity: bytes = b"&l9;") -> bytes:
    """An XML part with a document type in front, and an entity as its last text."""
    at = part.index(b"?>") + 2 if part.startswith(b"<?xml") else 0
    end = part.rindex(b"</")
    return part[:at] + doctype + part[at:end] + entity + part[end:]


def quadratic_xml() -> bytes:
    return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><x>' + b"&a;" * 50_000 + b"</x>"


def deep_xml(depth: int = 500_000) -> bytes:
    return b'<?xml version="1.0"?>' + b"<a>" * depth + b"words" + b"</a>" * depth


def wide_xml(count: int = 200_000) -> bytes:
    return b'<?xml version="1.0"?><a ' + b" ".join(b'b%d="c"' % number for number in range(count)) + b">words</a>"


def deep_html(depth: int = 300_000) -> bytes:
    return b"<!DOCTYPE html><html><body>" + b"<div>" * depth + b"words"


def fetching_html() -> bytes:
    return files.html(
        '<base href="http://127.0.0.1:9/"><img src="http://127.0.0.1:9/a.png">'
        '<link rel=stylesheet href="//127.0.0.1:9/a.css">'
        '<iframe src="file:///etc/passwd"></iframe><script src="http://127.0.0.1:9/a.js"></script><p>words</p>'
    )


def mail_of_many_parts(parts: int = 10_000) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n"
    return _MAIL + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * parts + b"--b--\r\n"


def deep_mail(depth: int = 3_000) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return _MAIL + head + b"Content-Type: text/plain\r\n\r\nwords\r\n"


def mail_with_long_header(mebibytes: int = 20) -> bytes:
    return _MAIL + b"Subject: " + b"=?utf-8?b?5Lit?= " * (mebibytes * MIB // 17) + b"\r\n\r\nwords\r\n"


def mail_in_mail(depth: int = 500) -> bytes:
    return (_MAIL + b"Content-Type: message/rfc822\r\n\r\n") * depth + _MAIL + b"\r\nwords\r\n"


_MAIL = (
    b"From: a@example.invalid\r\nTo: b@example.invalid\r\nDate: Mon, 02 Mar 2026 09:30:00 +0800\r\n"
    b"MIME-Version: 1.0\r\n"
)


def deep_json(depth: int = 2_000_000) -> bytes:
    return b"[" * depth + b"]" * depth


def one_line(mebibytes: int = 64) -> bytes:
    return files.PHRASE.encode() * (mebibytes * MIB // len(files.PHRASE.encode()))


# --- the older formats -----------------------------------------------------------------------------------------------


def patched(content: bytes, at: int, form: str, *values: int) -> bytes:
    changed = bytearray(content)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def looping_compound(content: bytes) -> bytes:
    """The chain of the directory leads back to its own beginning."""
    directory = struct.unpack_from("<I", content, 48)[0]
    table = 512 * (1 + struct.unpack_from("<I", content, 76)[0])
    return patched(content, table + 4 * directory, "<I", directory)


def looping_directory(content: bytes) -> bytes:
    """The first entry below the root is its own child and sibling."""
    first = 512 * (1 + struct.unpack_from("<I", content, 48)[0]) + 128
    return patched(content, first + 68, "<III", 1, 1, 1)


def sparse_workbook() -> bytes:
    """One cell at each far corner: a careless reader makes 16 million."""
    cells = [(0, 0), (0xFFFF, 0xFF)]
    body = b"".join(struct.pack("<HHHHHd", 0x203, 14, row, column, 0, 1.5) for row, column in cells)
    begin = struct.pack("<HHHHHHII", 0x809, 16, 0x0600, 5, 0x0DBB, 0x07CC, 0, 6)
    names = struct.pack("<HHIHBBc", 0x85, 9, len(begin) + 13 + 4, 0, 1, 0, b"S")
    sheet = struct.pack("<HHHHHHII", 0x809, 16, 0x0600, 0x10, 0x0DBB, 0x07CC, 0, 6) + body + struct.pack("<HH", 0x0A, 0)
    return written_compound({("Workbook",): (begin + names + struct.pack("<HH", 0x0A, 0) + sheet).ljust(4096, b"\0")})


def deep_slides(depth: int = 20_000) -> bytes:
    content = b""
    for _ in range(depth):
        content = struct.pack("<HHI", 0xF, 0xF003, len(content)) + content
    parts = struct.pack("<HHI", 0xF, 0x03EE, len(content)) + content
    whole = office_files.ppt()
    return whole + parts


def looping_slides() -> bytes:
    """The newest edit names itself as the one before it."""
    user = struct.pack("<HHIIII", 0, 0x0FF6, 24, 20, 0xE391C05F, 64) + bytes(12)
    edit = struct.pack("<HHIIIIIIIHH", 0, 0x0FF5, 28, 0, 0, 64, 128, 1, 1, 1, 0)
    table = struct.pack("<HHII", 0, 0x1772, 8, 1 << 20 | 1) + struct.pack("<I", 200)
    document = struct.pack("<HHI", 0xF, 0x03E8, 0xFFFFFFFF)
    stream = edit.rjust(64 + len(edit), b"\0").ljust(128, b"\0") + table.ljust(72, b"\0") + document
    return written_compound({("PowerPoint Document",): stream.ljust(4096, b"\0"), ("Current User",): user})


def message_of_many(attachments: int = 5_000) -> bytes:
    return office_files.msg(attachments=tuple((f"{number}.txt", b"x") for number in range(attachments)))


def message_in_messages(depth: int = 200) -> bytes:
    """Storages inside storages, deeper than any program's own recursion would like."""
    streams: dict[tuple[str, ...], bytes] = {("__properties_version1.0",): bytes(32)}
    path: tuple[str, ...] = ()
    for _ in range(depth):
        path = (*path, "__attach_version1.0_#00000000", "__substg1.0_3701000D")
        streams[*path, "__properties_version1.0"] = bytes(24)
    return written_compound({("__nameid_version1.0", "a"): b"", **streams})


def packed_message() -> bytes:
    """Rich text that says it unpacks to 4 GiB, and then repeats itself."""
    packed = struct.pack("<IIII", 0, 0x3FFFFFF, 0x75465A4C, 0) + b"\0{\\rtf1 ab" + b"\xff" + b"\x00\xef" * 8 * 200_000
    return written_compound({
        ("__nameid_version1.0", "a"): b"", ("__properties_version1.0",): bytes(32), ("__substg1.0_10090102",): packed,
    })  # fmt: skip


def deep_rtf(depth: int = 2_000_000) -> bytes:
    return b"{\\rtf1 " + b"{" * depth


def wordy_rtf(mebibytes: int = 40) -> bytes:
    return b"{\\rtf1 " + b"\\u20013?" * (mebibytes * MIB // 8) + b"}"


def rtf_with_binary() -> bytes:
    return b"{\\rtf1 before{\\pict\\bin2147483647 }after}"


# --- pictures and pages ----------------------------------------------------------------------------------------------


def huge_png(side: int = 20_000) -> bytes:
    """A whole picture of 400 million white pixels, in 50 KB."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = zlib.compress((b"\0" + b"\xff" * (side // 8)) * side, 1)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge_tiff(side: int = 20_000) -> bytes:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    buffer = io.BytesIO()
    Image.new("1", (side, side), 1).save(buffer, "TIFF", compression="group4")
    return buffer.getvalue()


def huge_jpeg(side: int = 20_000) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (side, side), 255).save(buffer, "JPEG", quality=20)
    return buffer.getvalue()


def huge_picture_in_pdf(side: int = 20_000) -> bytes:
    packed = zlib.compress(b"\xff" * (side // 8 * side), 1)
    form = f"/Type /XObject /Subtype /Image /Width {side} /Height {side} /BitsPerComponent 1 /ColorSpace /DeviceGray"
    return _pdf(
        [_stream(form + " /Filter /FlateDecode", packed), _stream("", b"595 0 0 842 0 0 cm /I Do")],
        [f"/MediaBox [0 0 595 842] /Resources << /XObject << /I {_FIRST} 0 R >> >> /Contents {_FIRST + 1} 0 R"],
    )


def tiff_of_loops() -> bytes:
    """A directory whose next one is itself: endless pages."""
    content = files.image("TIFF", (40, 30))
    at = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, at)[0]
    return patched(content, at + 2 + 12 * count, "<I", at)


def gif_of_many_frames(frames: int = 5_000) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    pictures = [Image.new("L", (8, 8), number * 37 % 256) for number in range(frames)]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


_FIRST = 3


def _stream(entries: str, body: bytes) -> bytes:
    return f"<< {entries} /Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream"


def _pdf(objects: list[bytes], pages: list[str], root: str = "") -> bytes:
    """A PDF 1.4 of these objects, numbered from 3, and these pages behind them."""
    first_page = _FIRST + len(objects)
    kids = " ".join(f"{first_page + number} 0 R" for number in range(len(pages)))
    bodies = [
        f"<< /Type /Catalog /Pages 2 0 R {root} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        *objects,
        *(f"<< /Type /Page /Parent 2 0 R {page} >>".encode() for page in pages),
    ]
    content, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(bodies) + 1, table)
    return bytes(content + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start))


_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf_of_many_pages(pages: int = 3_000) -> bytes:
    streams = [
        _stream("", f"BT /F 12 Tf 72 700 Td (page {number} of the report) Tj ET".encode()) for number in range(pages)
    ]
    page = f"/MediaBox [0 0 595 842] /Resources << /Font << /F {_FIRST} 0 R >> >> /Contents"
    return _pdf([_FONT, *streams], [f"{page} {_FIRST + 1 + number} 0 R" for number in range(pages)])


def pdf_with_bomb(mebibytes: int = 1024) -> bytes:
    """A page whose drawing instructions unpack to a gibibyte."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(b"0 0 m " * (MIB // 6)) for _ in range(mebibytes)) + packer.flush()
    return _pdf([_stream("/Filter /FlateDecode", packed)], [f"/MediaBox [0 0 595 842] /Contents {_FIRST} 0 R"])


def pdf_of_loops() -> bytes:
    """A tree of pages that contains itself."""
    return _pdf([b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 99999999 >>"], []).replace(
        b"/Kids []", b"/Kids [3 0 R 2 0 R]"
    )


def pdf_of_a_huge_page() -> bytes:
    return _pdf([_stream("", b"")], [f"/MediaBox [0 0 14400000 14400000] /Contents {_FIRST} 0 R"])


def pdf_that_acts() -> bytes:
    """Opens with a script, a launch and a form that sends itself."""
    actions = "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) /Next << /S /Launch /F (calc.exe) >> >>"
    return _pdf([_FONT], ["/MediaBox [0 0 595 842]"], actions)


def deep_pdf(depth: int = 200_000) -> bytes:
    return _pdf([b"[" * depth + b"]" * depth], [f"/MediaBox [0 0 595 842] /Annots {_FIRST} 0 R"])


# --- spreadsheets ----------------------------------------------------------------------------------------------------


def workbook_of_a_million_rows(rows: int = 1_000_000) -> bytes:
    source = zipfile.ZipFile(io.BytesIO(files.xlsx({"S": (("a",),)})))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in source.namelist():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, source.read(name))
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            member.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for begin in range(0, rows, 10_000):
                member.write(
                    b"".join(
                        b'<row r="%d"><c r="A%d"><v>%d</v></c><c r="B%d"><v>0.5</v></c></row>' % (n, n, n, n)
                        for n in range(begin + 1, begin + 10_001)
                    )
                )
            member.write(b"</sheetData></worksheet>")
    return buffer.getvalue()


def repeating_table() -> bytes:
    """A cell that repeats in every column of every row: 17 thousand million of them."""
    cell = package_files.tag(
        "table:table-cell", package_files.tag("text:p", "words" * 20), table__number_columns_repeated=16_384
    )
    row = package_files.tag("table:table-row", cell, table__number_rows_repeated=1_048_576)
    return rewritten(
        package_files.ods((("a",),)),
        {"content.xml": lambda part: part.replace(b"</table:table>", row.encode() + b"</table:table>")},
    )
