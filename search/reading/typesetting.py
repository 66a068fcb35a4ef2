"""Setting pages: a template and the facts it shows become a PDF of which every character is really in the font.

The facts may be words that strangers wrote. They reach the template as data and are never read as markup; the compiler
works in the same locked process as the readers, without network and without any file but the font.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from search.reading.model import MIB, Limits, ReadingError
from search.reading.sandbox import run_confined

SETTING_LIMITS = Limits(memory_bytes=2048 * MIB, cpu_seconds=40, wall_seconds=60.0, output_bytes=64 * MIB)
_STANDARD = "a-2b"
"""PDF/A-2: the font goes along, and a character that it lacks is an error instead of an empty box."""


def set_pages(
    files: Mapping[str, str],
    facts: Mapping[str, Any],
    *,
    font: tuple[Path, int],
    moment: datetime,
    limits: Limits = SETTING_LIMITS,
) -> bytes:
    """The PDF of the typst template `main.typ` among `files`, which reads `facts` from `data.json`.

    `font` is a file and the number of its face; no other font is used. The same arguments make the same bytes.

    Raises: ReadingError: "unsupported" for a character that the font lacks, "unreadable" for a template that does
    not fit its facts, and those of the limits.
    """
    path, face = font
    content = io.BytesIO(json.dumps({"files": dict(files), "facts": dict(facts)}).encode())
    arguments = {"font_file": str(path), "face": face, "moment": int(moment.timestamp())}
    entry = ("search.reading.typesetting", "set_here")
    return run_confined(entry, content, arguments=arguments, limits=limits, readable=[str(path.parent)]).content


def set_here(content: bytes, *, font_file: str, face: int, moment: int) -> bytes:
    """The same in this process: the locked one. Raises: ReadingError."""
    import typst

    told = json.loads(content)
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(Path(font_file).parent)]
    )
    families = [font.family for font in fonts.fonts() if font.path == font_file and font.index == face]
    if not families:
        raise ReadingError("unsupported", "the font cannot be used for setting pages")
    files = {name: text.encode() for name, text in told["files"].items()}
    files["data.json"] = json.dumps(told["facts"] | {"font": families[0]}).encode()
    # Its types do not know of files by name, nor of fonts beside them.
    compile_pages: Any = typst.compile
    try:
        made = compile_pages(files, font_paths=fonts, format="pdf", pdf_standards=_STANDARD, timestamp=moment)
    except typst.TypstError as error:
        if "could not be displayed" in error.message:
            raise ReadingError("unsupported", "a character is not in the font") from error
        raise ReadingError("unreadable", "the template and its facts do not fit") from error
    return bytes(made)
