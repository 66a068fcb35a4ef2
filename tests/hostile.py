"""The hostile corpus, and what the readers say to each of its files.

`python -m tests.hostile` reads all of it and prints one line of JSON for each file; `python -m tests.hostile 9` every
ninth that is not slow.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import psutil

from search.reading import (
    HEAD_BYTES,
    KINDS,
    TAIL_BYTES,
    ReadingError,
    extract_child,
    extract_text,
    identify,
    recognise_page,
    render_page,
)
from tests import bombs, files, office_files, package_files
from tests.formats import FORMATS

CUTS = 20
MUTANTS = 4
_HEADER_BYTES = 512
_CHILDREN_TRIED = 3
_PACKAGES = {
    "docx": ("word/document.xml", files.PHRASE.encode()),
    "xlsx": ("xl/worksheets/sheet1.xml", b"<sheetData>"),
    "pptx": ("ppt/slides/slide1.xml", files.PHRASE.encode()),
    "ofd": ("Doc_0/Pages/P1/Content.xml", "二氧".encode()),
    "odt": ("content.xml", files.PHRASE.encode()),
    "ods": ("content.xml", files.PHRASE.encode()),
    "odp": ("content.xml", files.PHRASE.encode()),
}
"""Of each package the part that a bomb goes into, and the text in it that becomes the bomb."""
# Verdicts on a package with a broken part; where that is one page of several, the others are still read.
_SPOILT = {code: ("unreadable", "text") if code == "ofd" else ("unreadable",) for code in _PACKAGES}


@dataclass(frozen=True)
class Hostile:
    """`slow` files cost seconds to make or to read. `allowed` are the verdicts that are right, where only some are."""

    name: str
    code: str
    make: Callable[[], bytes]
    slow: bool = False
    allowed: frozenset[str] = frozenset()
    recognised: bool = False


@dataclass
class Verdict:
    """For each thing that was asked of a file "text" or the code of the refusal; how long, and what was left behind."""

    name: str
    kind: str
    size_bytes: int
    answers: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    seconds: float = 0.0
    longest_seconds: float = 0.0
    processes_left: int = 0
    child_peak_bytes: int = 0


def corpus() -> list[Hostile]:
    return [*_bombs(), *_documents(), *_pictures(), *_cuts(), *_mutants()]


def _one(name: str, make: Callable[[], bytes], *allowed: str, slow: bool = False, recognised: bool = False) -> Hostile:
    return Hostile(name, name.partition(":")[0], make, slow, frozenset(allowed), recognised)


def _bombs() -> Iterator[Hostile]:
    for code, (part, mark) in _PACKAGES.items():
        make = FORMATS[code]
        yield _one(f"{code}: bomb of 600 MiB", partial(_inflated, code, 600), slow=True)
        yield _one(f"{code}: bomb of 200 MiB", partial(_inflated, code, 200), slow=True)
        for name, doctype, entity in (("entities", bombs.DOCTYPE, b"&l9;"), ("file", bombs.OUTSIDE, b"&e;")):
            change = partial(bombs.declaring, doctype=doctype, entity=entity)
            yield _one(f"{code}: outside {name}", partial(_changed, make, part, change), *_SPOILT[code])
        deep = partial(_deepened, mark=mark)
        yield _one(f"{code}: deep elements", partial(_changed, make, part, deep), "unreadable", "text")
    yield _one("zip: 600 MiB of zeros", bombs.zip_of_zeros, slow=True)
    yield _one("zip: 70,000 members", bombs.zip_of_many, slow=True)
    yield _one("zip: nested", bombs.nested_zip, "text")
    yield _one("zip: overlapping", bombs.overlapping_zip)
    yield _one("zip: password", bombs.zip_with_flag, "text")
    yield _one("zip: strange names", bombs.zip_of_paths, "text")
    yield _one("gz: 1 GiB of zeros", bombs.gzip_of_zeros, slow=True)
    yield _one("tar: false claims", bombs.tar_of_claims)
    yield _one("xml: entities", files.entity_bomb, "text")
    yield _one("xml: quadratic entities", bombs.quadratic_xml, "text")
    yield _one("xml: deep", bombs.deep_xml, "text")
    yield _one("xml: many attributes", bombs.wide_xml, "text")
    yield _one("xml: outside file", lambda: b'<?xml version="1.0"?>' + bombs.OUTSIDE + b"<x>&e;</x>", "text")
    yield _one("svg: entities", lambda: files.svg().replace(b"<svg", bombs.DOCTYPE + b"<svg", 1), "text")
    yield _one("svg: script", lambda: files.svg(script=True), "text")
    yield _one("html: deep", bombs.deep_html, "text")
    yield _one("html: fetches", bombs.fetching_html, "text")
    yield _one("html: scripts", files.hostile_html, "text")
    yield _one("json: deep", bombs.deep_json, "text")
    yield _one("txt: one line", bombs.one_line, "text", slow=True)
    yield _one("eml: 10,000 parts", bombs.mail_of_many_parts, "text", slow=True)
    yield _one("eml: deep parts", bombs.deep_mail, "text")
    yield _one("eml: long header", bombs.mail_with_long_header, slow=True)
    yield _one("eml: mails in mails", bombs.mail_in_mail, "text")


def _documents() -> Iterator[Hostile]:
    for code, make in (("doc", office_files.doc), ("xls", office_files.xls), ("ppt", office_files.ppt)):
        for name, change in (("looping chain", bombs.looping_compound), ("looping directory", bombs.looping_directory)):
            yield _one(f"{code}: {name}", partial(_made, change, make))
    for code in ("doc", "wps", "xls", "et", "ppt", "dps", "odt", "ods", "odp", "ofd"):
        maker = {"wps": "doc", "et": "xls", "dps": "ppt"}.get(code, code)
        source = office_files if hasattr(office_files, maker) else package_files
        yield _one(f"{code}: password", partial(getattr(source, maker), encrypted=True), "encrypted")
    yield _one("pdf: password", lambda: files.pdf(password="x"), "encrypted")
    yield _one("office-encrypted: password", lambda: files.ole_container("EncryptedPackage"), "encrypted")
    yield _one("xls: far corners", bombs.sparse_workbook)
    yield _one("xlsx: a million rows", bombs.workbook_of_a_million_rows, "text", slow=True)
    yield _one("ods: repeating cells", bombs.repeating_table, "text", slow=True)
    yield _one("ppt: deep records", bombs.deep_slides)
    yield _one("ppt: looping edits", bombs.looping_slides)
    yield _one("msg: 5,000 attachments", bombs.message_of_many, "text", slow=True)
    yield _one("msg: messages in messages", bombs.message_in_messages)
    yield _one("msg: repeating rich text", bombs.packed_message, slow=True)
    yield _one("rtf: deep groups", bombs.deep_rtf, "unreadable")
    yield _one("rtf: 5 million characters", bombs.wordy_rtf, "text", slow=True)
    yield _one("rtf: false length", bombs.rtf_with_binary, "text")
    for code, folder in (("docx", "word"), ("xlsx", "xl"), ("pptx", "ppt")):
        macros = {f"{folder}/vbaProject.bin": files.ole_container("VBA")}
        yield _one(f"{code}: macros", partial(bombs.rewritten, FORMATS[code](), macros), "text")
        links = {f"{folder}/_rels/{_MAIN[code]}.xml.rels": partial(_linked)}
        yield _one(f"{code}: links", partial(bombs.rewritten, FORMATS[code](), links), "text")
    yield _one("pdf: 3,000 pages", bombs.pdf_of_many_pages, "text", slow=True)
    yield _one("pdf: bomb", bombs.pdf_with_bomb, slow=True)
    yield _one("pdf: looping pages", bombs.pdf_of_loops)
    yield _one("pdf: a page of 200 km", bombs.pdf_of_a_huge_page)
    yield _one("pdf: actions", bombs.pdf_that_acts, "text")
    yield _one("pdf: deep arrays", bombs.deep_pdf)


def _pictures() -> Iterator[Hostile]:
    huge = {"png": bombs.huge_png, "tiff": bombs.huge_tiff, "jpeg": bombs.huge_jpeg, "pdf": bombs.huge_picture_in_pdf}
    for code, make in huge.items():
        yield _one(f"{code}: 20,000 x 20,000", make, slow=True, recognised=True)
    for side in (9_000, 30_000, 2**31 - 1):
        yield _one(f"png: claims {side}", partial(files.png_of_claimed_size, side, side), "too_large", "unreadable")
    yield _one("tiff: looping pages", bombs.tiff_of_loops)
    yield _one("gif: 5,000 frames", bombs.gif_of_many_frames, slow=True)


def _cuts() -> Iterator[Hostile]:
    for code in _readable():
        for point in range(CUTS):
            yield _one(f"{code}: cut at {point}/{CUTS}", partial(_cut, code, point))


def _mutants() -> Iterator[Hostile]:
    for code in _readable():
        for seed in range(MUTANTS):
            yield _one(f"{code}: noise {seed} in the header", partial(_fuzzed, code, seed))


def _readable() -> list[str]:
    return [code for code in FORMATS if KINDS[code].text_readable or KINDS[code].page_images]


_MAIN = {"docx": "document", "xlsx": "workbook", "pptx": "presentation"}


def _inflated(code: str, mebibytes: int) -> bytes:
    part, mark = _PACKAGES[code]
    return bombs.inflating(FORMATS[code](), part, mark=mark, mebibytes=mebibytes)


def _changed(make: Callable[[], bytes], part: str, change: Callable[[bytes], bytes]) -> bytes:
    return bombs.rewritten(make(), {part: change})


def _made(change: Callable[[bytes], bytes], make: Callable[[], bytes]) -> bytes:
    return change(make())


def _deepened(part: bytes, mark: bytes) -> bytes:
    return part.replace(mark, b"<a>" * 300_000 + mark + b"</a>" * 300_000, 1)


def _linked(relations: bytes) -> bytes:
    outside = (
        b'<Relationship Id="rIdX" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"'
        b' Target="http://127.0.0.1:9/template.dotm" TargetMode="External"/></Relationships>'
    )
    return relations.replace(b"</Relationships>", outside)


def _cut(code: str, point: int) -> bytes:
    content = FORMATS[code]()
    return content[: len(content) * point // CUTS]


def _fuzzed(code: str, seed: int) -> bytes:
    chance = random.Random(f"{code} {seed}")
    content = bytearray(FORMATS[code]())
    # The first bytes stay, so that the file is still taken for what it was.
    for _ in range(chance.randint(4, 40)):
        at = chance.randrange(8, min(len(content), _HEADER_BYTES)) if len(content) > 9 else 0
        content[at] = chance.randrange(256)
    return bytes(content)


# --- what becomes of them --------------------------------------------------------------------------------------------


def verdict(hostile: Hostile) -> Verdict:
    """Ask everything of one file that the archive would ask, and look at what is left behind."""
    content = hostile.make()
    tail = content[-TAIL_BYTES:] if len(content) > HEAD_BYTES else b""
    begin = time.monotonic()
    kind = identify(content[:HEAD_BYTES], tail=tail, name=f"x.{hostile.code}")
    found = Verdict(hostile.name, kind.code, len(content), allowed=tuple(hostile.allowed))
    jobs: dict[str, Callable[[], object]] = {}
    if kind.text_readable or not kind.page_images:
        jobs["text"] = lambda: extract_text(io.BytesIO(content), kind.code)
    if kind.page_images:
        jobs["page"] = lambda: render_page(io.BytesIO(content), kind.code, 0, width_px=400)
    if hostile.recognised:
        jobs["recognition"] = lambda: recognise_page(io.BytesIO(content), kind.code, 0)
    for name, job in jobs.items():
        answer = _timed(found, name, job)
        for child in getattr(answer, "children", ())[:_CHILDREN_TRIED] if kind.children else ():
            _timed(found, f"child {child.number}", partial(extract_child, io.BytesIO(content), kind.code, child.number))
    found.seconds = time.monotonic() - begin
    found.processes_left = len(psutil.Process().children(recursive=True))
    found.child_peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return found


def _timed(found: Verdict, name: str, job: Callable[[], object]) -> object:
    begin = time.monotonic()
    answer: object = None
    try:
        answer = job()
        found.answers[name] = "text, truncated" if getattr(answer, "truncated", False) else "text"
        # What stands outside of the file must never come in.
        if "root:" in str(getattr(answer, "text", "")):
            found.answers[name] = "LEAKED"
    except ReadingError as error:
        found.answers[name] = error.code
    found.longest_seconds = max(found.longest_seconds, time.monotonic() - begin)
    return answer


def main() -> None:
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    chosen = [
        hostile for number, hostile in enumerate(corpus()) if every == 1 or (number % every == 0 and not hostile.slow)
    ]
    for hostile in chosen:
        print(json.dumps(asdict(verdict(hostile)), ensure_ascii=False), flush=True)
    left = {
        name: [path.name for path in Path(os.environ[name]).iterdir()]
        for name in ("TMPDIR", "HOME")
        if name in os.environ
    }
    print(json.dumps({"files": len(chosen), "left": left}), flush=True)


if __name__ == "__main__":
    main()
