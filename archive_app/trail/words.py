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
    "credit_code": N_("Unified social credit code"),
    "document": N_("Document"),
    "engagement": N_("Engagement"),
    "epoch": N_("Key epoch"),
    "faults": N_("Problems"),
    "findings": N_("Problems"),
    "job": N_("Job"),
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
    "session": N_("Session"),
    "sha256": N_("Digest (SHA-256)"),
    "size": N_("Size"),
    "size_bytes": N_("Size in bytes"),
    "source_path": N_("Source path"),
    "source_system": N_("Source system"),
    "title": N_("Title"),
    "upload": N_("Upload"),
    "version": N_("Version"),
    "versions": N_("Versions"),
    "year": N_("Year"),
}
_WAYS = {"web": N_("Browser"), "cli": N_("Command line"), "worker": N_("Worker")}


def word_for(key: str) -> str:
    """The catalogue key of the word for a detail or a kind of subject."""
    return _WORDS.get(key, key)


def way_words(via: str) -> str:
    """The catalogue key of the word for the way in which somebody came."""
    return _WAYS.get(via, via)
