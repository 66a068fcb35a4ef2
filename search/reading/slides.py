"""The text of a PowerPoint presentation (ISO/IEC 29500-1 §19): slides in their order, notes, comments, charts."""

from __future__ import annotations

from search.reading import embedded
from search.reading.model import ReadingError
from search.reading.open_xml import DrawingWords, Elements, Package, attribute, checked_package
from search.reading.writing import TextBuilder

_PRESENTATION = "ppt/presentation.xml"
_ON_A_SLIDE = ("chart", "chartEx", "diagramData")


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Each slide, hidden ones too, with its tables, charts and diagrams, then its speaker's notes and comments.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    del kind_code
    package = checked_package(content)
    if _PRESENTATION not in package.names:
        raise ReadingError("unreadable", "the package has no presentation part")
    slides = _slides(package)
    text.pages = len(slides)
    comments = 0
    for number, slide in enumerate(slides, 1):
        relations = package.relations(slide).values()
        for part in (slide, *(relation.target for relation in relations if relation.kind in _ON_A_SLIDE)):
            _write(package, part, f"slide:{number}", text)
        for relation in relations:
            if relation.kind == "notesSlide":
                _write(package, relation.target, f"notes:{number}", text)
            elif relation.kind == "comments":
                comments += 1
                _write(package, relation.target, f"comment:{comments}", text)
    embedded.tell(package, text)


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """A file that is embedded in the presentation."""
    del kind_code
    return embedded.take(checked_package(content), number, limit_bytes)


def _slides(package: Package) -> list[str]:
    ids: list[str] = []

    def start(local: str, attributes: dict[str, str]) -> None:
        if local == "sldId":
            # Beside the slide's own "id" stands the relation's, which has a namespace.
            ids.append(attribute({name: value for name, value in attributes.items() if " " in name}, "id"))

    package.stream(_PRESENTATION, Elements(start).feed)
    relations = package.relations(_PRESENTATION)
    return [relations[key].target for key in ids if key in relations and relations[key].kind == "slide"]


def _write(package: Package, part: str, place: str, text: TextBuilder) -> None:
    package.stream(part, DrawingWords(text).feed)
    text.end(place)
