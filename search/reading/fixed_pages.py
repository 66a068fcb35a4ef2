"""OFD, China's national format for pages as they are printed (GB/T 33190): a package of XML parts.

Read here because no library does it under a licence and in a quality that the archive could use.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from search.reading.model import ReadingError
from search.reading.open_xml import Elements, Package, attribute, checked_package
from search.reading.writing import TextBuilder

_ROOT = "OFD.xml"
_ENCRYPTION = frozenset({"Encryption", "Encryptions", "Encryptinfo"})
_DESCRIBES = frozenset({"Title", "Author", "Subject", "Abstract", "Keyword", "CustomData"})
_PAGES_LIMIT, _TEMPLATES_KEPT, _SIGNATURES_LIMIT = 20_000, 200, 200
# In sizes of the type: further apart is a space between words, further up or down another line.
_WORD_GAP, _LINE_GAP = 0.7, 0.5
_USUAL_SIZE = 4.0  # millimetres


@dataclass
class _Attachment:
    name: str
    location: str


@dataclass
class _Parts:
    """What a document consists of: names of members by their role, in the order of the document."""

    pages: list[tuple[str, str]] = field(default_factory=list)  # id, member
    templates: dict[str, str] = field(default_factory=dict)
    annotations: list[str] = field(default_factory=list)
    attachment_lists: list[str] = field(default_factory=list)


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """The description, the pages with their templates and annotations, what has signed, and the attachments.

    Raises: ReadingError ("unreadable", "encrypted", "too_large"); Full.
    """
    del kind_code
    _Reader(content).read(text)


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """Attachment `number`. Raises: ReadingError ("unsupported", "unreadable", "too_large")."""
    del kind_code
    reader = _Reader(content)
    attachments = reader.attachments()
    if not 1 <= number <= len(attachments):
        raise ReadingError("unsupported", "there is no such attachment")
    location = attachments[number - 1].location
    if location not in reader.package.names:
        raise ReadingError("unreadable", "the attachment is not in the package")
    return reader.package.content(location, limit_bytes)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.package: Package = checked_package(content)
        self._roots: list[str] = []
        self._signatures: list[str] = []
        self._description: list[str] = []
        self._read_root()
        self._documents = [self._parts_of(root) for root in self._roots]
        self._templates: dict[str, str] = {}

    def read(self, text: TextBuilder) -> None:
        text.add("body", "\n".join(self._description))
        pages = [(number, page) for number, parts in enumerate(self._documents) for page in parts.pages]
        text.pages = len(pages)
        if len(pages) > _PAGES_LIMIT:
            text.truncated = True
        annotations = [self._annotations_of(parts) for parts in self._documents]
        unread = 0
        for number, (document, (identifier, member)) in enumerate(pages[:_PAGES_LIMIT], 1):
            members = [member, *annotations[document].get(identifier, ())]
            try:
                written = [self._page_words(part, self._documents[document].templates, text) for part in members]
            except ReadingError:
                unread += 1
                continue
            text.add(f"page:{number}", "\n".join(written))
            if not any(written):
                text.blank_pages.append(number - 1)
        if unread:
            text.warn(f"{unread} of {len(pages)} pages could not be read")
        if unread == len(pages):
            raise ReadingError("unreadable", "the document has no page that can be read")
        text.add("body", "\n".join(filter(None, map(self._signature_line, self._signature_parts()))))
        for attachment in self.attachments():
            there = attachment.location in self.package.names
            size = self.package.size_bytes(attachment.location) if there else None
            text.child(attachment.name, size, None if there else "unreadable")

    def attachments(self) -> list[_Attachment]:
        found: list[_Attachment] = []
        for parts in self._documents:
            for member in parts.attachment_lists:
                found += self._attachments_in(member)
        return found

    def _read_root(self) -> None:
        if _ROOT not in self.package.names:
            raise ReadingError("unreadable", "the package has no root part")
        for local, attributes, words in self._leaves(_ROOT):
            if local in _ENCRYPTION:
                raise ReadingError("encrypted", "the document is encrypted")
            if local == "DocRoot":
                self._roots.append(_resolved(_ROOT, words))
            elif local == "Signatures":
                self._signatures.append(_resolved(_ROOT, words))
            elif local in _DESCRIBES and words:
                self._description.append(" ".join(filter(None, (attribute(attributes, "Name"), words))))

    def _parts_of(self, root: str) -> _Parts:
        parts = _Parts()
        for local, attributes, words in self._leaves(root):
            location = attribute(attributes, "BaseLoc")
            if local == "Page" and location:
                parts.pages.append((attribute(attributes, "ID"), _resolved(root, location)))
            elif local == "TemplatePage" and location:
                parts.templates[attribute(attributes, "ID")] = _resolved(root, location)
            elif local == "Annotations" and words:
                parts.annotations.append(_resolved(root, words))
            elif local == "Attachments" and words:
                parts.attachment_lists.append(_resolved(root, words))
        return parts

    def _annotations_of(self, parts: _Parts) -> dict[str, list[str]]:
        """The annotation parts of each page, by its id."""
        found: dict[str, list[str]] = {}
        page = ""
        for member in filter(self.package.names.__contains__, parts.annotations):
            for local, attributes, words in self._leaves(member):
                page = attribute(attributes, "PageID") or page
                if local == "FileLoc" and page and (location := _resolved(member, words)) in self.package.names:
                    found.setdefault(page, []).append(location)
        return found

    def _attachments_in(self, member: str) -> list[_Attachment]:
        found: list[_Attachment] = []
        for local, attributes, words in self._leaves(member) if member in self.package.names else ():
            if local == "Attachment":
                form = attribute(attributes, "Format").lstrip(".").lower()
                name = attribute(attributes, "Name") or attribute(attributes, "ID")
                ending = f".{form}" if form and not name.lower().endswith(f".{form}") else ""
                found.append(_Attachment(name + ending, ""))
            elif local == "FileLoc" and found:
                found[-1].location = _resolved(member, words)
        return found

    def _signature_parts(self) -> list[tuple[str, str]]:
        """Kind and member of each signature."""
        return [
            (attribute(attributes, "Type"), _resolved(member, attribute(attributes, "BaseLoc")))
            for member in self._signatures
            if member in self.package.names
            for local, attributes, _ in self._leaves(member)
            if local == "Signature"
        ][:_SIGNATURES_LIMIT]

    def _signature_line(self, signature: tuple[str, str]) -> str:
        """Kind, provider, method and time as the file claims them: nothing is verified here."""
        kind, member = signature
        said = [kind or "Sign"]
        for local, attributes, words in self._leaves(member) if member in self.package.names else ():
            if local == "Provider":
                said += [attribute(attributes, name) for name in ("ProviderName", "Company")]
            elif local in {"SignatureMethod", "SignatureDateTime"}:
                said.append(words)
        return f"[{' '.join(filter(None, said))}]"

    def _leaves(self, member: str) -> list[tuple[str, dict[str, str], str]]:
        """Name, attributes and own text of each element, in the order in which they begin."""
        if member not in self.package.names:
            raise ReadingError("unreadable", "a part that the document needs is absent")
        found: list[tuple[str, dict[str, str], list[str]]] = []
        open_ones: list[list[str]] = []

        def start(local: str, attributes: dict[str, str]) -> None:
            open_ones.append([])
            found.append((local, attributes, open_ones[-1]))

        def end(local: str) -> None:
            del local
            open_ones.pop()

        def characters(words: str) -> None:
            open_ones[-1].append(words)

        self.package.stream(member, Elements(start, end, characters).feed)
        return [(local, attributes, "".join(words).strip()) for local, attributes, words in found]

    def _page_words(self, member: str, templates: dict[str, str], text: TextBuilder) -> str:
        if member not in self.package.names:
            raise ReadingError("unreadable", "a page is absent")
        page = _PageWords(text.room)
        self.package.stream(member, page.feed)
        text.check_time()
        below = [self._template_words(templates[name], text) for name in page.templates if name in templates]
        return "\n".join(filter(None, [*below, page.words()]))

    def _template_words(self, member: str, text: TextBuilder) -> str:
        if member not in self._templates:
            template = _PageWords(text.room)
            if member in self.package.names:
                self.package.stream(member, template.feed)
            if len(self._templates) >= _TEMPLATES_KEPT:
                self._templates.clear()
            self._templates[member] = template.words()
        return self._templates[member]


class _PageWords:
    """The text of one page part, in the order in which it is drawn; runs on one line are put together."""

    def __init__(self, room: int) -> None:
        self.templates: list[str] = []
        self._elements = Elements(self._start, self._end, self._characters)
        self._room = room  # characters that are still worth collecting
        self._pieces: list[str] = []
        self._left = self._top = 0.0
        self._size = _USUAL_SIZE
        self._run: list[str] | None = None
        self._at = (0.0, 0.0)  # where the run begins
        self._step = 0.0  # from its first to its last character
        self._line: tuple[float, float, float] | None = None  # begin, end and height of what was written last

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)

    def words(self) -> str:
        return "".join(self._pieces)

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if local == "Template":
            self.templates.append(attribute(attributes, "TemplateID"))
        elif local == "TextObject":
            box = [*map(_millimetres, attribute(attributes, "Boundary").split()), 0.0, 0.0]
            self._left, self._top = box[0], box[1]
            self._size = abs(_millimetres(attribute(attributes, "Size"))) or _USUAL_SIZE
        elif local == "TextCode":
            # Where a run does not say its place, it follows the one before in the same object.
            x, y = (attribute(attributes, name) for name in ("X", "Y"))
            self._at = (self._left + _millimetres(x), self._top + _millimetres(y))
            self._step = _sum_of_steps(attribute(attributes, "DeltaX"))
            self._run = []

    def _end(self, local: str) -> None:
        if local != "TextCode" or self._run is None:
            return
        words, self._run = "".join(self._run), None
        if words.strip():
            gap = self._gap()
            self._pieces.append(gap + words)
            last = self._size * (0.5 if words[-1].isascii() else 1.0)
            step = self._step or self._size * sum(0.5 if char.isascii() else 1.0 for char in words[:-1])
            self._line = (self._at[0], self._at[0] + step + last, self._at[1])

    def _characters(self, found: str) -> None:
        if self._run is not None and self._room > 0:
            self._run.append(found)
            self._room -= len(found)

    def _gap(self) -> str:
        if self._line is None:
            return ""
        begin, end, height = self._line
        x, y = self._at
        if abs(y - height) > _LINE_GAP * self._size or x < begin:
            return "\n"
        return " " if x - end > _WORD_GAP * self._size else ""


def _resolved(base: str, location: str) -> str:
    """The member that a location names: from the root of the package, or from the part in which it stands."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), location.strip())).lstrip("/")


def _millimetres(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e6 else 0.0  # noqa: PLR2004  a kilometre; also what is no number


def _sum_of_steps(written: str) -> float:
    """Distances between characters; `g 3 5.5` stands for three times 5.5 (GB/T 33190 §11.3)."""
    total, parts, at = 0.0, written.split(), 0
    while at < len(parts):
        if parts[at] == "g" and at + 2 < len(parts):
            total += _millimetres(parts[at + 1]) * _millimetres(parts[at + 2])
            at += 3
        else:
            total += _millimetres(parts[at])
            at += 1
    return total
