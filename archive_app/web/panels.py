"""What rooms above the documents add to the page of a document (`kernel.feature.DocumentPanel`)."""

from flask import current_app

from archive_app.web.gate import current_actor


def document_panels(document_id: str) -> list[tuple[str, object]]:
    """The template of each panel that whoever makes this request gets to see, and what it shows."""
    actor = current_actor()
    panels = [panel for panel in current_app.extensions["lantai_document_panels"] if actor.may(panel.permission)]
    shown = [(panel.template, panel.view(actor, document_id=document_id)) for panel in panels]
    return [(template, panel) for template, panel in shown if panel is not None]
