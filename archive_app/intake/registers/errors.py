"""What can go wrong with a register, in words for people."""

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_


class NotARegisterError(ArchiveError):
    code = "not_a_register"
    message = N_(
        "%(name)s is not a table that can be read as a register. Nothing was kept; save it as .xlsx or .csv and try "
        "again."
    )


class RegisterProtectedError(ArchiveError):
    code = "register_protected"
    message = N_(
        "%(name)s is protected by a password. Nothing was kept; save it without a password and bring it again."
    )


class RegisterUnreadableError(ArchiveError):
    code = "register_unreadable"
    message = N_(
        "%(name)s could not be read: it is damaged or needs more room than a register may take. Nothing was kept; "
        "open it in Excel or WPS, save it anew and bring it again."
    )


class RowsUnreadableError(ArchiveError):
    code = "register_rows_unreadable"
    message = N_(
        "A row of %(name)s could not be read: the file is damaged. Rows that were read before are kept; open it in "
        "Excel or WPS, save it anew and bring it as a corrected file."
    )


class RegisterEmptyError(ArchiveError):
    code = "register_empty"
    message = N_("%(name)s has no rows on the sheet that was read. Nothing was kept; choose another sheet or file.")


class RegisterTooLongError(ArchiveError):
    code = "register_too_long"
    message = N_(
        "%(name)s has %(rows)s rows; %(limit)s is the most. Nothing was kept; divide it into several registers."
    )


class ColumnsUnmappedError(ArchiveError):
    code = "columns_unmapped"
    message = N_("No column is marked as %(field)s. Nothing was checked; choose that column first.")


class WrongStepError(ArchiveError):
    code = "register_wrong_step"
    message = N_(
        "This register is at another step by now. Nothing was changed; reload the page to see where it stands."
    )


class StillRunningError(ArchiveError):
    code = "register_still_running"
    message = N_("The worker has this register in hand. Nothing was changed; wait until it has come to its end.")


class CheckStoppedError(ArchiveError):
    code = "register_check_stopped"
    message = N_(
        "The check of %(name)s stopped before its end. Rows that were read are kept; check the rows again, or bring "
        "the file again."
    )


class NothingToFileError(ArchiveError):
    code = "nothing_to_file"
    message = N_("No row is ready: each needs a file and no open fault. Nothing was filed.")


class StillOpenError(ArchiveError):
    code = "register_rows_open"
    message = N_("%(rows)s rows are still open. Nothing was closed; attach their files or close them with a reason.")


class CannotUndoError(ArchiveError):
    code = "register_cannot_undo"
    message = N_(
        "This import cannot be undone any more, because other things happened to %(documents)s of its documents: "
        "%(reasons)s. Nothing was changed."
    )
