"""What controlled documents 受控文件 are, and where they and their editions stand, in words."""

from collections.abc import Mapping

from archive_app.documents.control import DRAFT, IN_FORCE, SUPERSEDED, WITHDRAWN
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_

KINDS: Mapping[str, str] = {
    "manual": N_("Manual"),
    "procedure": N_("Procedure"),
    "regulation": N_("Regulation"),
    "instruction": N_("Work instruction"),
    "form": N_("Form to fill in"),
    "external": N_("External document"),
    "plan": N_("Plan"),
    "other": N_("Other document"),
}
"""Kinds of controlled documents (S1 8.2, S2 8.4)."""
REGULATION, EXTERNAL = "regulation", "external"
LETTERS: Mapping[str, str] = {
    "manual": "SC",
    "procedure": "CX",
    "regulation": "ZD",
    "instruction": "ZY",
    "form": "BD",
    "external": "WL",
    "plan": "FA",
    "other": "QT",
}
"""What `{kind}` becomes in a number: 手册, 程序, 制度, 作业, 表单, 外来, 方案, 其他."""
MAINTAIN, RETAIN = "maintain", "retain"
KEEPING: Mapping[str, str] = {
    MAINTAIN: N_("Maintained: it is revised as things change"),
    RETAIN: N_("Retained: it stays as it was issued"),
}
"""How a document is kept: 保持 or 保留 (S2 7.3.1)."""

IN_REVIEW, IN_APPROVAL, APPROVED, ABANDONED = "in_review", "in_approval", "approved", "abandoned"
STATES: Mapping[str, str] = {
    DRAFT: N_("Draft"),
    IN_REVIEW: N_("In review"),
    IN_APPROVAL: N_("In approval"),
    APPROVED: N_("Approved"),
    IN_FORCE: N_("In force"),
    SUPERSEDED: N_("Superseded"),
    WITHDRAWN: N_("Withdrawn from use"),
    ABANDONED: N_("Abandoned"),
}
"""Where an edition stands."""
UNDER_DECISION = frozenset({IN_REVIEW, IN_APPROVAL})
DOCUMENT_STATES: Mapping[str, str] = {
    DRAFT: N_("Not issued yet"),
    IN_FORCE: N_("In force"),
    WITHDRAWN: N_("Withdrawn from use"),
}
"""Where a controlled document stands."""
BADGES: Mapping[str, str] = {
    DRAFT: "quiet",
    IN_REVIEW: "watch",
    IN_APPROVAL: "watch",
    APPROVED: "watch",
    IN_FORCE: "good",
    SUPERSEDED: "bad",
    WITHDRAWN: "bad",
    ABANDONED: "quiet",
}
"""How each of these states looks."""

REVIEW, APPROVAL = "review", "approval"
PARTS: Mapping[str, str] = {REVIEW: N_("Review of the text"), APPROVAL: N_("Approval")}
WAITING, AGREED, REFUSED, VOID = "waiting", "agreed", "refused", "void"
STEP_STATES: Mapping[str, str] = {
    WAITING: N_("Waits"),
    AGREED: N_("Agreed"),
    REFUSED: N_("Not agreed"),
    VOID: N_("Not needed any more"),
}


def checked_kind(kind: str) -> str:
    """One of `KINDS`. Raises: InvalidInputError."""
    if kind not in KINDS:
        raise InvalidInputError(field=N_("Kind"), reason=N_("Choose one from the list."))
    return kind


def checked_keeping(keeping: str) -> str:
    """One of `KEEPING`. Raises: InvalidInputError."""
    if keeping not in KEEPING:
        raise InvalidInputError(field=N_("Keeping"), reason=N_("Choose one from the list."))
    return keeping
