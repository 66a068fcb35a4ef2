"""Names of the kinds of files, for people; the codes come from `search.reading`."""

from archive_app.kernel.language import N_
from search.reading import KINDS

_NAMES = {
    "unknown": N_("Unknown"),
    "txt": N_("Plain text"),
    "md": "Markdown",
    "csv": "CSV",
    "json": "JSON",
    "html": "HTML",
    "xml": "XML",
    "svg": "SVG",
    "eml": N_("E-mail"),
    "msg": N_("E-mail (Outlook)"),
    "pdf": "PDF",
    "docx": "Word",
    "xlsx": "Excel",
    "pptx": "PowerPoint",
    "doc": N_("Word 97–2003"),
    "xls": N_("Excel 97–2003"),
    "ppt": N_("PowerPoint 97–2003"),
    "wps": N_("WPS Writer"),
    "et": N_("WPS Spreadsheets"),
    "dps": N_("WPS Presentation"),
    "ofd": "OFD",
    "zip": "ZIP",
}
KIND_NAMES = {code: _NAMES.get(code, code.upper()) for code in KINDS}
"""Catalogue keys by kind code; abbreviations are the same in every language."""
