"""Pages of searching: hits, suggestions, saved searches, the list to take along, and what is like a document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, urlencode

from flask import Blueprint, Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.exporting import MOST_ROWS, Form, export_hits
from archive_app.documents.fields import SEARCH_FIELDS, fields_in
from archive_app.documents.kinds import KIND_NAMES
from archive_app.documents.likeness import similar_documents
from archive_app.documents.notes import SEARCH_NOTES
from archive_app.documents.question import kept_pairs, question_of
from archive_app.documents.saved_searches import (
    MOST_NEW,
    change_search,
    delete_search,
    list_searches,
    open_search,
    save_search,
)
from archive_app.documents.searching import LAST_OFFSET, PAGE_SIZE, SearchPage, search_documents
from archive_app.documents.suggesting import Suggested, suggest
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, is_confirmed, requires
from archive_app.web.language import current_language
from search import Sort

blueprint = Blueprint("finding", __name__)
_SOME_ID = "00000000-0000-7000-8000-000000000000"
_MEDIA_TYPES = {
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.CSV: "text/csv; charset=utf-8",
}


@blueprint.get("/search")
@requires(Permission.DOCUMENTS_READ)
def search_page() -> ResponseReturnValue:
    """Hits with excerpts, counts to narrow by; everything in the URL."""
    pairs = list(request.args.items(multi=True))
    question = question_of(pairs)
    offset = min(max(request.args.get("offset", 0, type=int), 0), LAST_OFFSET)
    page = error = None
    try:
        page = search_documents(
            current_actor(),
            text=question.text,
            filters=question.filters,
            sort=question.sort,
            offset=offset,
            synonyms=question.synonyms,
        )
    except ArchiveError as failure:
        error = failure.text(current_language())
    links = _Links(pairs)
    notes = page.notes if page else ()
    return render_template(
        "documents/search.html",
        question=question,
        page=page,
        error=error,
        sorts=list(Sort),
        offset=offset,
        page_size=PAGE_SIZE,
        last_offset=LAST_OFFSET,
        most_rows=MOST_ROWS,
        links=links,
        kind_words=_kind_words(page),
        uses=fields_in(question.text, notes),
        notes=[SEARCH_NOTES[note] for note in notes],
        search_fields=SEARCH_FIELDS,
        document_address=_address_before(url_for("documents.document_page", document_id=_SOME_ID)),
        engagement_address=_address_before(url_for("documents.engagement_page", engagement_id=_SOME_ID)),
        may_share=current_actor().may(Permission.SEARCHES_SHARE),
        may_export=current_actor().may(Permission.DOCUMENTS_EXPORT),
        is_confirmed=is_confirmed(),
    )


@blueprint.get("/search/suggestions")
@requires(Permission.DOCUMENTS_READ)
def suggestions() -> ResponseReturnValue:
    """What may be meant by what is being typed, for the script of the search box."""
    language = current_language()
    found = suggest(current_actor(), text=request.args.get("q", ""), language=language)
    return jsonify([_suggestion(one, language) for one in found])


@blueprint.post("/search/export")
@requires(Permission.DOCUMENTS_EXPORT, confirmed=True)
def export() -> ResponseReturnValue:
    """The list of hits as a table; the question stands in the address, the form in the body."""
    try:
        form = Form(request.form.get("form", ""))
    except ValueError as error:
        raise InvalidInputError(field=N_("Form"), reason=N_("This form is not known.")) from error
    table = export_hits(
        current_actor(),
        pairs=request.args.items(multi=True),
        form=form,
        language=current_language(),
        address=_full_address(),
    )
    response = Response(table.blocks, mimetype=_MEDIA_TYPES[form])
    name = f"{current_archive().today().isoformat()}.{form.value}"
    response.headers["Content-Disposition"] = f'attachment; filename="search-{name}"'
    return response


@blueprint.get("/search/saved")
@requires(Permission.DOCUMENTS_READ)
def saved_page() -> ResponseReturnValue:
    """One's own saved searches and those of one's organisation, with what is new in each."""
    actor = current_actor()
    return render_template(
        "documents/saved_searches.html",
        page=list_searches(actor, after=request.args.get("after")),
        may_share=actor.may(Permission.SEARCHES_SHARE),
        most_new=MOST_NEW,
    )


@blueprint.post("/search/saved")
@requires(Permission.DOCUMENTS_READ)
def save() -> ResponseReturnValue:
    """Keeps the search in the address under a name, and goes back to it."""
    pairs = list(request.args.items(multi=True))
    try:
        save_search(
            current_actor(), name=request.form.get("name", ""), pairs=pairs, shared=request.form.get("shared") == "1"
        )
    except ArchiveError as error:
        flash(error.text(current_language()), "danger")
    else:
        flash(_("The search was saved."), "success")
    return redirect(f"{url_for('finding.search_page')}?{urlencode(kept_pairs(pairs))}", 303)


@blueprint.post("/search/saved/<search_id>")
@requires(Permission.DOCUMENTS_READ)
def change(search_id: str) -> ResponseReturnValue:
    """Renames a saved search, shares it or takes it back."""
    try:
        change_search(
            current_actor(),
            search_id=search_id,
            name=request.form.get("name", ""),
            shared=request.form.get("shared") == "1",
        )
    except ArchiveError as error:
        flash(error.text(current_language()), "danger")
    return redirect(url_for("finding.saved_page"), 303)


@blueprint.post("/search/saved/<search_id>/open")
@requires(Permission.DOCUMENTS_READ)
def open_saved(search_id: str) -> ResponseReturnValue:
    """Goes to a saved search, and remembers that it was looked through."""
    address = open_search(current_actor(), search_id=search_id)
    return redirect(f"{url_for('finding.search_page')}?{address}", 303)


@blueprint.post("/search/saved/<search_id>/delete")
@requires(Permission.DOCUMENTS_READ)
def delete(search_id: str) -> ResponseReturnValue:
    """Deletes a saved search."""
    delete_search(current_actor(), search_id=search_id)
    flash(_("The saved search was deleted."), "success")
    return redirect(url_for("finding.saved_page"), 303)


@blueprint.get("/documents/<document_id>/similar")
@requires(Permission.DOCUMENTS_READ)
def similar_page(document_id: str) -> ResponseReturnValue:
    """Near-duplicates of a document, and others like it."""
    page = similar_documents(current_actor(), document_id=document_id)
    return render_template("documents/similar.html", page=page, kind_names=KIND_NAMES)


class _Links:
    """Where this search leads when one of its parameters is changed; always to its first page."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        # `url_for` would take as long for the links of one page as the search itself.
        self.pairs = [pair for pair in pairs if pair[0] != "offset"]
        self._chosen = frozenset(self.pairs)
        self.address = urlencode(self.pairs)
        self._before = f"?{self.address}&" if self.address else "?"

        # The words of the search, for a page that marks them where the hit stands.
        words = next((value for name, value in self.pairs if name == "q"), "")
        self.asked = f"&q={quote_plus(words)}" if words else ""

    def chosen(self, name: str, value: str) -> bool:
        """Whether the search is narrowed to the value."""
        return (name, value) in self._chosen

    def with_value(self, name: str, value: str) -> str:
        """The search with the value added, or taken back."""
        if self.chosen(name, value):
            return "?" + urlencode([pair for pair in self.pairs if pair != (name, value)])
        return f"{self._before}{name}={quote_plus(value)}"

    def with_only(self, name: str, value: str) -> str:
        """The search with the value in place of every other of that name; without any if it is empty."""
        others = [pair for pair in self.pairs if pair[0] != name]
        return "?" + urlencode([*others, (name, value)] if value else others)

    def at(self, offset: int) -> str:
        """A later or earlier page."""
        return f"{self._before}offset={offset}"


def _kind_words(page: SearchPage | None) -> Mapping[str, str]:
    """The names of the kinds on the page, in the reader's language."""
    if page is None:
        return {}
    kinds = {found.version.kind for found in page.found} | {entry.value for entry in page.facets.get("kind", ())}
    return {kind: translate(current_language(), KIND_NAMES.get(kind, kind)) for kind in kinds}


def _address_before(address: str) -> str:
    """What stands before `_SOME_ID` in the address of a page: made once for a page with many links to it."""
    return address.removesuffix(_SOME_ID)


def _full_address() -> Callable[[str, int], str]:
    # Whoever sends a request says which host they mean; the list is read elsewhere, so only the settings say it.
    page = url_for("documents.document_page", document_id=_SOME_ID)
    before = _address_before(current_app.config["LANTAI_BASE_URL"] + page)
    return lambda document_id, number: f"{before}{document_id}?version={number}"


def _suggestion(one: Suggested, language: str) -> dict[str, Any]:
    search = url_for("finding.search_page")
    told = {"words": one.words, "label": translate(language, one.label)}
    if one.address:
        return told | {"href": f"{search}?{one.address}"}
    return told | {"text": one.text, "count": one.count, "href": f"{search}?{urlencode({'q': one.text})}"}
