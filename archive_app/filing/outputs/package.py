"""The whole case file as a ZIP: every item byte by byte, the manifests of its seals, printed papers, and a list of
digests that tools on every machine can check. It is made while it goes out, in constant memory.
"""

import hashlib
import json
import unicodedata
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, cast

from archive_app.documents.errors import ContentCorruptError, MarkedOnlyError, storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.looking import look_at
from archive_app.documents.models import Version
from archive_app.documents.outgoing import WhileAllowed
from archive_app.documents.packing import Sink, inner_name, zip_entry
from archive_app.filing.outputs.papers import Paper, papers_pdf
from archive_app.filing.outputs.taking import LEFT_OUT, Taken, look_into, record_taking
from archive_app.filing.reading import ItemView
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.language import translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import NoChineseFontError, TypesettingError, plain_text
from archive_app.kernel.use_case import staged_use_case
from storage import Purpose

FORMAT = "lantai-case-package/1"
MANIFEST, SUMS = "manifest.json", "manifest-sha256.txt"
_CHUNK_BYTES = 256 * 1024
_NAME_BYTES = 160
_ENDING_BYTES = 20
_UNFIT = frozenset('<>:"/\\|?*')


@staged_use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def open_case_package(actor: Actor, archive: Archive, *, case_file_id: str, language: str) -> "CasePackage":
    """The package of a case file; each item counts as a download when its turn comes. The caller closes it.

    What may not be taken is left out, and the manifest says so. Raises: NotFoundError.
    """
    taken = look_into(archive, actor, case_file_id)
    moment = archive.clock.now().astimezone(archive.rules.zone)
    missing = ""
    try:
        papers: bytes | None = papers_pdf(
            taken.view, (Paper.COVER, Paper.CATALOGUE, Paper.NOTE), language=language, moment=moment
        )
    except (NoChineseFontError, TypesettingError) as error:
        # The originals do not wait for what can be printed later.
        papers = None
        missing = "no_chinese_font" if isinstance(error, NoChineseFontError) else "not_printed"
    record_taking(archive, actor, taken, "zip")
    return CasePackage(archive, actor, taken, papers, moment, language, missing)


class CasePackage:
    """A ZIP file, made while it is read; `close` lets go of what is open. `name` is what it is called."""

    def __init__(
        self,
        archive: Archive,
        actor: Actor,
        taken: Taken,
        papers: bytes | None,
        moment: datetime,
        language: str,
        missing: str = "",
    ) -> None:
        view = taken.view
        self.name = f"{safe_name(f'{view.number or view.engagement_number} {view.title}')}.zip"
        self._archive, self._actor, self._taken, self._language = archive, actor, taken, language
        self._papers, self._moment, self._missing = papers, moment, missing
        self._open: WhileAllowed | None = None
        self._entries: list[dict[str, Any]] = []
        self._left_out = [_left_out(item, reason, language) for item, reason in taken.left_out]

    def __iter__(self) -> Iterator[bytes]:
        sink = Sink()
        with zipfile.ZipFile(cast("BinaryIO", sink), "w", zipfile.ZIP_STORED) as packed:
            if self._papers is not None:
                self._add_own(packed, "papers.pdf", self._papers, role="papers")
                yield sink.taken()
            else:
                reason = {"code": self._missing, "reason": translate(self._language, LEFT_OUT[self._missing])}
                self._left_out.append({"role": "papers", **reason})
            for manifest in self._taken.manifests:
                path = f"seals/{manifest.ordinal:02d}.json"
                facts = {"role": "seal", "ordinal": manifest.ordinal, "document": manifest.document_id}
                yield from self._original(packed, sink, path, manifest.version_id, manifest.document_id, facts)
            for item in self._taken.items:
                path = f"items/{item.position:04d} {safe_name(item.name)}"
                yield from self._original(packed, sink, path, item.version_id, item.document_id, _item_facts(item))
            self._add_own(packed, MANIFEST, self._manifest(), role="manifest")
            sums = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in self._entries)
            packed.writestr(zip_entry(SUMS, self._moment.timetuple()[:6]), sums.encode())
        yield sink.taken()

    def close(self) -> None:
        """Closes what is open; called by the server, whether it came to the end or not."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _original(
        self, packed: zipfile.ZipFile, sink: Sink, path: str, version_id: str, document_id: str, facts: dict[str, Any]
    ) -> Iterator[bytes]:
        """Adds the exact bytes of a version, or the reason why they are not there. What breaks off in the middle of an
        item ends the package, which then cannot be opened: nobody takes half a file for a whole one."""
        try:
            version = self._look(document_id, version_id)
            with storage_translated():
                blob = self._archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT)
        except (ContentCorruptError, NotFoundError, MarkedOnlyError) as error:
            self._left_out.append({**facts, **_why(error, self._language)})
            return
        self._open = WhileAllowed(blob, self._archive, self._actor, document_id)
        digest, size = hashlib.sha256(), 0
        with packed.open(zip_entry(path, self._moment.timetuple()[:6]), "w", force_zip64=True) as member:
            while chunk := self._open.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
                yield sink.taken()
        self.close()
        if digest.digest() != version.sha256:
            raise ContentCorruptError
        self._entries.append({"path": path, "size_bytes": size, "sha256": digest.hexdigest(), **facts})
        yield sink.taken()

    def _look(self, document_id: str, version_id: str) -> Version:
        look_at(self._archive, self._actor, document_id, "download", bare=True)
        with self._archive.reading(self._actor) as uow:
            uow.require("document", document_id)
            return uow.session.get_one(Version, version_id)

    def _add_own(self, packed: zipfile.ZipFile, path: str, content: bytes, *, role: str) -> None:
        packed.writestr(zip_entry(path, self._moment.timetuple()[:6]), content)
        digest = hashlib.sha256(content).hexdigest()
        self._entries.append({"path": path, "size_bytes": len(content), "sha256": digest, "role": role})

    def _manifest(self) -> bytes:
        view = self._taken.view
        told = {
            "format": FORMAT,
            "archive": self._archive.archive_id,
            "made_at": self._moment.isoformat(timespec="seconds"),
            "made_for": self._actor.display_name,
            "case_file": {
                "id": view.id,
                "archival_number": view.number or None,
                "title": view.title,
                "organisation": view.organisation_name,
                "fonds": view.fonds or None,
                "category": view.category,
                "year": view.year,
                "retention": view.retention,
                "place": [view.position, view.count],
                "engagement": {"number": view.engagement_number, "title": view.engagement_title},
                "client": view.client_name,
                "items": len(view.items),
                "sealed_at": view.sealed_at.isoformat() if view.sealed_at else None,
                "seals": [
                    {"ordinal": seal.ordinal, "kind": seal.kind, "manifest_sha256": seal.manifest_sha256}
                    for seal in view.seals
                ],
                "reopenings": len(view.reopenings),
            },
            "entries": self._entries,
            "left_out": self._left_out,
        }
        return json.dumps(told, ensure_ascii=False, indent=1).encode()


def safe_name(name: str) -> str:
    """A file name that every system takes: no separators, no signs that turn the direction of writing, no reserved
    ending, not too long; its own ending stays. Two may be alike: put a number before them."""
    plain = "".join("_" if letter in _UNFIT else letter for letter in plain_text(unicodedata.normalize("NFC", name)))
    plain = inner_name(plain.replace("\n", " ")).strip().rstrip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending.encode()) > _ENDING_BYTES:
        stem, dot, ending = plain, "", ""
    return (_cut(stem, _NAME_BYTES) or "_") + dot + ending


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore").rstrip(". ")


def _item_facts(item: ItemView) -> dict[str, Any]:
    return {
        "role": "item",
        "position": item.position,
        "archival_number": item.number or None,
        "title": item.title,
        "original_name": item.name,
        "document": item.document_id,
        "version": item.version,
        "record_type": item.type or None,
        "media_type": item.media_type,
        "sm3": item.sm3 or None,
        "dated_on": str(item.dated_on) if item.dated_on else None,
        "first_page": item.first_page,
        "pages": item.pages,
        "late_reason": item.late_reason or None,
    }


def _left_out(item: ItemView, code: str, language: str) -> dict[str, Any]:
    told: dict[str, Any] = {"role": "item", "position": item.position, "archival_number": item.number or None}
    return {**told, "code": code, "reason": translate(language, LEFT_OUT[code])}


def _why(error: Exception, language: str) -> dict[str, str]:
    code = "no_longer_visible"
    if isinstance(error, ContentCorruptError):
        code = "damaged"
    elif isinstance(error, MarkedOnlyError):
        code = "marked_only"
    return {"code": code, "reason": translate(language, LEFT_OUT[code])}
