"""Words for what stands in an event's detail and subjects; what a later feature adds shows its own key."""

from archive_app.kernel.language import N_

_WORDS = {
    "action": N_("Action"),
    "activity": N_("Activity"),
    "address": N_("Address"),
    "archive": N_("Archive"),
    "blob": N_("Stored file"),
    "check": N_("Verification"),
    "client": N_("Client"),
    "count": N_("Number of entries"),
    "credit_code": N_("Unified social credit code"),
    "document": N_("Document"),
    "engagement": N_("Engagement"),
    "epoch": N_("Key epoch"),
    "expires_at": N_("Expires"),
    "faults": N_("Problems"),
    "findings": N_("Problems"),
    "job": N_("Job"),
    "form": N_("Form"),
    "kind": N_("Kind"),
    "level": N_("Level"),
    "login": N_("Sign-in name"),
    "name": N_("Name"),
    "number": N_("Number"),
    "organisation": N_("Organisation"),
    "origin": N_("Log identity"),
    "part": N_("Part in the team"),
    "permission": N_("Permission"),
    "person": N_("Person"),
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
    "upload": N_("Upload"),
    "version": N_("Version"),
    "versions": N_("Versions"),
    "year": N_("Year"),
}
_OPERATOR = "system:operator"
_PARTS = {
    "backup": N_("Backup"),
    "check": N_("Integrity check"),
    "doctor": N_("Examination"),
    "indexer": N_("Search index"),
    "init": N_("Set-up"),
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
