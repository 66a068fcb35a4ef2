"""The cover sheet of what is given out under a mark or a stamp: who got it, when and what for, that it is not in force
any more, and how to check the exact original.

Once as a page that is drawn, before the pictures of a document; once as a page for a browser, beside the original.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from PIL import Image, ImageDraw

from archive_app.kernel.fonts import can_draw, font_of
from archive_app.kernel.language import N_, translate
from archive_app.kernel.marks import Mark, Stamp

WIDTH_PX, HEIGHT_PX = 1240, 1754
_MARGIN_PX, _TITLE_PX, _TEXT_PX, _LABEL_PX = 110, 44, 27, 22
_HANGING = "，。；：、！？）》」』”’"
"""What no line begins with: it hangs over the end of the one before."""
_STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#22262b}"
    "dt{color:#5a6169;font-size:.85em}dd{margin:0 0 .8em}code{overflow-wrap:anywhere}"
)


@dataclass(frozen=True)
class Given:
    """The file that is given out at a `moment` (in the archive's zone), under a mark, a stamp or both; `page_count` is
    that of a rendition, None for the exact original."""

    title: str
    name: str
    number: int
    size_bytes: int
    sha256: str
    moment: datetime
    sm3: str = ""
    page_count: int | None = None
    mark: Mark | None = None
    stamp: Stamp | None = None


def facts_of(given: Given, language: str) -> list[tuple[str, str]]:
    """Pairs of words and values, in the order in which they are read."""
    told = [
        *([(N_("Not in force any more"), " · ".join(given.stamp.lines))] if given.stamp else []),
        *(_who_and_why(given.mark) if given.mark else []),
        (N_("Time"), f"{given.moment:%Y-%m-%d %H:%M:%S %z}"),
        *(_by_which_grant(given.mark) if given.mark else []),
        (N_("Document"), given.title),
        (N_("Original name"), f"{given.name} · {translate(language, N_('Version'))} {given.number}"),
        (N_("Size of the original"), translate(language, N_("%(count)s bytes"), count=given.size_bytes)),
        (N_("SHA-256 of the original"), given.sha256),
        *([(N_("SM3 of the original"), given.sm3)] if given.sm3 else []),
    ]
    return [(translate(language, label), value) for label, value in told]


def _who_and_why(mark: Mark) -> list[tuple[str, str]]:
    return [
        (N_("Given to"), f"{mark.person} ({mark.login})"),
        (N_("Authority"), mark.organisation),
        (N_("Purpose"), mark.purpose),
        (N_("Reference number"), mark.reference),
    ]


def _by_which_grant(mark: Mark) -> list[tuple[str, str]]:
    return [
        (N_("Given by"), mark.source),
        (N_("Number of the grant"), mark.grant_id),
        (N_("Until"), f"{mark.until:%Y-%m-%d %H:%M %z}"),
    ]


def how_to_check(given: Given, language: str) -> str:
    """What to do with the digest."""
    if given.page_count is not None:
        words = N_(
            "This is a picture of the document with a watermark, not the original: its own digest is another. To check "
            "the bytes, download the exact original with its cover sheet and compare its SHA-256 with the one above."
        )
    else:
        words = N_(
            "The file in the folder original is the exact original, byte by byte. To check it, compute its SHA-256 "
            "(Linux: sha256sum -c SHA256SUMS; macOS: shasum -a 256 -c SHA256SUMS; Windows: certutil -hashfile … "
            "SHA256) and compare it with the one above, and with what the archive's log says of this document."
        )
    return translate(language, words)


def cover_page(given: Given, language: str) -> Image.Image:
    """The sheet as a picture (RGB) of an A4 page."""
    drawable = all(can_draw(value) for _, value in facts_of(given, language))
    if not drawable:
        language = "en"
    facts = [(label, _drawable(value)) for label, value in facts_of(given, language)]
    page = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "white")
    pen, top = ImageDraw.Draw(page), float(_MARGIN_PX)
    words = (
        N_("Watermarked copy for supervision") if given.mark else N_("Stamped copy of what is not in force any more")
    )
    title = translate(language, words)
    top = _write(pen, [title], top, _TITLE_PX, "#86261f") + 30
    for label, value in facts:
        top = _write(pen, [label], top, _LABEL_PX, "#5a6169")
        top = _write(pen, _broken(value, _TEXT_PX), top, _TEXT_PX, "#22262b") + 10
    _write(pen, _broken(how_to_check(given, language), _LABEL_PX), top + 16, _LABEL_PX, "#22262b")
    return page


def cover_html(given: Given, language: str) -> str:
    """The sheet for a browser: one file that asks for no other."""
    of_supervision = N_("Original with its cover sheet, for supervision")
    words = of_supervision if given.mark else N_("Original with its cover sheet: not in force any more")
    title = translate(language, words)
    rows = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in facts_of(given, language))
    return (
        f'<!doctype html><html lang="{"en" if language == "en" else "zh-CN"}"><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1><dl>{rows}</dl>"
        f"<p>{escape(how_to_check(given, language))}</p></html>\n"
    )


def _drawable(text: str) -> str:
    return text if can_draw(text) else text.encode("ascii", "backslashreplace").decode()


def _broken(text: str, size_px: int) -> list[str]:
    """Lines that fit the page, broken between words where there are some, else between characters."""
    font, most = font_of(size_px), WIDTH_PX - 2 * _MARGIN_PX
    lines, line = [], ""
    for letter in text:
        if font.getlength(line + letter) <= most or letter in _HANGING:
            line += letter
            continue
        head, blank, rest = line.rpartition(" ")
        lines.append(head if blank and letter != " " else line)
        line = (rest if blank and letter != " " else "") + letter.lstrip()
    return [*lines, line]


def _write(pen: ImageDraw.ImageDraw, lines: Sequence[str], top: float, size_px: int, colour: str) -> float:
    for line in lines:
        pen.text((_MARGIN_PX, top), line, font=font_of(size_px), fill=colour)  # type: ignore[arg-type]  # as in `watermark`
        top += size_px * 1.45
    return top
