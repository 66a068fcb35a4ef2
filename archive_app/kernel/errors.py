"""What can go wrong, in words for the person it happens to.

Every error has a stable `code` for programs and a message for people that says what happened, what was kept and what to
do next. It carries no HTTP number: `web/errors.py` holds the one table that maps codes to answers.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from archive_app.kernel.language import N_, translate


class ArchiveError(Exception):
    """The root of all errors that a person may be shown.

    `translated` names the values of the message that are catalogue keys themselves. A value that is a mapping holds its
    words by language tag (zh, en).
    """

    code = "error"
    message = N_("Something went wrong. Nothing was changed.")
    translated: Collection[str] = ()

    def __init__(self, **params: object) -> None:
        super().__init__(self.code, params)
        self.params = params

    def text(self, language: str) -> str:
        """The message in `language`."""
        return _told(language, self.message, self.params, self.translated)

    def kept(self) -> str:
        """The message with its values as a row keeps it, for `read_kept`."""
        return kept_words(self.message, self.params, self.translated)

    def __str__(self) -> str:
        return f"{self.code}: {self.text('en')}"


class NotFoundError(ArchiveError):
    """Does not exist, or may not be seen by the asker: the answer is the same."""

    code = "not_found"
    message = N_("Nothing is here that you may see. It may have been moved, or you may not be on its team.")


class NotTheirsError(ArchiveError):
    """What somebody tried is for others to do; `subject` is what it is about. Like every try to do what one may not, it
    is noted as a denial."""

    def __init__(self, subject: Mapping[str, str], **params: object) -> None:
        super().__init__(**params)
        self.subject = dict(subject)
        self.noted = False


class PermissionMissingError(ArchiveError):
    """The actor's roles do not include the permission."""

    code = "permission_missing"
    message = N_("Your role does not allow this (%(permission)s). Nothing was changed. Ask your administrator.")


class SignInRequiredError(ArchiveError):
    """Nobody is signed in."""

    code = "sign_in_required"
    message = N_("Please sign in first. Nothing was changed.")


class SecondFactorRequiredError(ArchiveError):
    """The password was right; the second factor is still awaited."""

    code = "second_factor_required"
    message = N_("Please give your second factor first. Nothing was changed.")


class EnrolmentRequiredError(ArchiveError):
    """The person's roles are used with a second factor only, and they have none yet."""

    code = "enrolment_required"
    message = N_("Your roles need a second factor, and you have none yet. Nothing was changed; enrol one first.")


class ConfirmationRequiredError(ArchiveError):
    """What is asked for is done only by somebody who proved lately who they are."""

    code = "confirmation_required"
    message = N_("Please confirm first that it is you. Nothing was changed; then do this once more.")


class InvalidInputError(ArchiveError):
    """What was sent cannot be accepted; `field` names the place."""

    code = "invalid_input"
    message = N_("%(field)s: %(reason)s Nothing was changed.")
    translated = ("field", "reason")

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(field=field, reason=reason)


class SeveralReasonsError(ArchiveError, ABC):
    """Refused for several reasons at once, each with words of its own."""

    @abstractmethod
    def reasons(self, language: str) -> Sequence[tuple[str, str, str]]:
        """Of each reason its stable code, what it is about (empty where that is clear), and its words in `language`."""


class ConflictError(ArchiveError):
    """Somebody or something else got there first."""

    code = "conflict"
    message = N_("This has changed in the meantime. Nothing of yours was stored; reload the page and try again.")


class BusyError(ArchiveError):
    """The database stayed locked for longer than the busy timeout."""

    code = "busy"
    message = N_("The archive is busy. Nothing was changed; please try again in a moment.")


class NoRoomError(ArchiveError):
    """The disk of the database is full; the transaction was rolled back."""

    code = "storage_full"
    message = N_(
        "There is no room left on the archive's disk. Nothing of this was kept; what was filed before is safe. "
        "Tell your administrator."
    )


class DatabaseFailedError(ArchiveError):
    """The disk of the database failed. A commit that failed this way may yet be there, complete, after a restart."""

    code = "storage_unavailable"
    message = N_(
        "The disk of the archive's database failed. What was filed before is safe. Tell your administrator, and look "
        "whether this was done before you try again."
    )


def kept_words(message: str, params: Mapping[str, Any], translated: Collection[str] = ()) -> str:
    """A message as a row keeps it (JSON): readable in every language later."""
    return json.dumps({"message": message, "params": params, "translated": list(translated)}, default=str)


def read_kept(kept: str | None, language: str) -> str:
    """A message that a row keeps, in `language`; empty where it keeps none."""
    if not kept:
        return ""
    told = json.loads(kept)
    # Rows of earlier releases do not name what is translated.
    return _told(language, told["message"], told["params"], told.get("translated", ()))


def _told(language: str, message: str, params: Mapping[str, Any], translated: Collection[str]) -> str:
    words = {name: _value(language, value, translate_it=name in translated) for name, value in params.items()}
    return translate(language, message, **words)


def _value(language: str, value: object, *, translate_it: bool) -> object:
    if isinstance(value, Mapping):
        return value[language.partition("_")[0]]
    # The catalogue answers the empty key with its own head.
    return translate(language, str(value)) if translate_it and value else value
