"""Words for what stands in an event's detail and subjects; what a later feature adds shows its own key."""

from archive_app.kernel.language import N_

_WORDS = {
    "access": N_("Access"),
    "access_request": N_("Request for access"),
    "action": N_("Action"),
    "activity": N_("Activity"),
    "address": N_("Address"),
    "after": N_("After"),
    "archive": N_("Archive"),
    "before": N_("Before"),
    "blob": N_("Stored file"),
    "check": N_("Verification"),
    "client": N_("Client"),
    "began_on": N_("Began on"),
    "declaration": N_("Declaration"),
    "ended_on": N_("Ended on"),
    "entity": N_("Own organisation in this archive"),
    "interest": N_("Relation"),
    "party": N_("With or in"),
    "project_number": N_("Project number"),
    "province": N_("Province"),
    "relation": N_("Kind"),
    "text_sha256": N_("Digest of the text (SHA-256)"),
    "text_version": N_("Version of the text"),
    "way": N_("Way"),
    "count": N_("Number of entries"),
    "days": N_("Days"),
    "credit_code": N_("Unified social credit code"),
    "document": N_("Document"),
    "engagement": N_("Engagement"),
    "epoch": N_("Key epoch"),
    "expires_at": N_("Expires"),
    "faults": N_("Problems"),
    "findings": N_("Problems"),
    "ground": N_("Ground"),
    "grounds": N_("Grounds"),
    "job": N_("Job"),
    "form": N_("Form"),
    "kind": N_("Kind"),
    "level": N_("Level"),
    "level_after": N_("Highest level after"),
    "level_before": N_("Highest level before"),
    "login": N_("Sign-in name"),
    "name": N_("Name"),
    "number": N_("Number"),
    "organisation": N_("Organisation"),
    "organisation_kind": N_("Kind of organisation"),
    "origin": N_("Log identity"),
    "part": N_("Part in the team"),
    "permission": N_("Permission"),
    "person": N_("Person"),
    "proposed": N_("Proposed"),
    "reason": N_("Reason"),
    "roles": N_("Roles"),
    "saved_search": N_("Saved search"),
    "search": N_("Search"),
    "session": N_("Session"),
    "sha256": N_("Digest (SHA-256)"),
    "shared": N_("Shared"),
    "size": N_("Size"),
    "size_bytes": N_("Size in bytes"),
    "source_path": N_("Source path"),
    "source_system": N_("Source system"),
    "scopes": N_("What the token may do"),
    "title": N_("Title"),
    "token": N_("Access token"),
    "total": N_("Total"),
    "until": N_("Until"),
    "upload": N_("Upload"),
    "version": N_("Version"),
    "versions": N_("Versions"),
    "wanted": N_("Asked for"),
    "year": N_("Year"),
    "type": N_("Type of record"),
    "type_before": N_("Type of record before"),
    "state": N_("State"),
    "shows": N_("What it shows"),
    "methods": N_("Methods"),
    "facet": N_("Point of the verification"),
    "originator": N_("Originator"),
    "evidence_on": N_("Date of the evidence"),
    "period_from": N_("Period, first day"),
    "period_to": N_("Period, last day"),
    "source": N_("Source of the data"),
    "unit": N_("Unit"),
    "monitoring_frequency": N_("Monitoring frequency"),
    "department": N_("Responsible department"),
    "cross_check": N_("Cross-check"),
    "authenticity": N_("Verdict on authenticity"),
    "authenticity_reason": N_("Reason of the verdict"),
    "paper_place": N_("Place of the paper original"),
    "of": N_("The record"),
    "rendition": N_("Rendition"),
    "seal": N_("Seal"),
    "sealed_on": N_("Sealed on"),
    "copies": N_("Copies"),
    "asked_by": N_("Asked for by"),
    "approved_by": N_("Approved by"),
}
_OPERATOR = "system:operator"
_PARTS = {
    "access": N_("Access"),
    "backup": N_("Backup"),
    "check": N_("Integrity check"),
    "doctor": N_("Examination"),
    "indexer": N_("Search index"),
    "init": N_("Set-up"),
    "proposer": N_("Proposals"),
    "reader": N_("Reading"),
    "restore": N_("Restoring"),
    "sequencer": N_("Sequencing"),
    "tidying": N_("Tidying"),
    "verifier": N_("Verification"),
    "worker": N_("Worker"),
}
_WAYS = {"web": N_("Browser"), "api": N_("Program"), "cli": N_("Command line"), "worker": N_("Worker")}


def word_for(key: str) -> str:
    """The catalogue key of the word for a detail or a kind of subject."""
    return _WORDS.get(key, key)


def actor_words(actor_id: str) -> tuple[str, str]:
    """The catalogue keys for an actor who is no person, and for the part of the system that acted; both may be empty.

    >>> actor_words("system:verifier")
    ('System', 'Verification')
    """
    if actor_id == _OPERATOR:
        return N_("Operator"), ""
    if actor_id == "anonymous":
        return N_("Not signed in"), ""
    kind, _colon, part = actor_id.partition(":")
    return (N_("System"), _PARTS.get(part, part)) if kind == "system" else ("", "")


def way_words(via: str) -> str:
    """The catalogue key of the word for the way in which somebody came."""
    return _WAYS.get(via, via)
