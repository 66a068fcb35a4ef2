"""What can be wrong with a row of a register: its code, how grave it is, and what a person is told to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default

from archive_app.kernel.language import N_

REFUSE, WARN = "refuse", "warn"


@dataclass(frozen=True)
class FaultKind:
    """`words` explain, `advice` says what to do; `confirmable` says that a person may accept it as it is."""

    severity: str
    words: str
    advice: str
    confirmable: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault of one row: the field it is in (empty for the row), the cell's value, and the values of its words."""

    code: str
    field: str
    value: str
    params: Mapping[str, str] = default(default_factory=dict)

    @property
    def kind(self) -> FaultKind:
        return FAULTS[self.code]


_TYPE_AGAIN = N_("Type what the paper says, or confirm the value as it is.")
_TYPE_DATE = N_("Type the date as 2025-03-01, or leave the field empty.")
_LOOK = N_("Nothing needs to be done if this is right.")

FAULTS: Mapping[str, FaultKind] = {
    "title_missing": FaultKind(REFUSE, N_("The title is empty."), N_("Type a title, or close the row.")),
    "title_too_long": FaultKind(
        REFUSE, N_("The title has %(length)s characters; 300 is the most."), N_("Shorten it; the remark has more room.")
    ),
    "value_too_long": FaultKind(
        REFUSE, N_("This has %(length)s characters; %(limit)s is the most."), N_("Shorten it.")
    ),
    "control_characters": FaultKind(
        REFUSE,
        N_("This contains control characters, which nobody sees."),
        N_("Type it anew, or save it as shown here."),
    ),
    "error_value": FaultKind(
        REFUSE, N_("This formula has come to the error %(value)s."), N_("Type the value that belongs here.")
    ),
    "date_impossible": FaultKind(REFUSE, N_("There is no such day."), _TYPE_DATE),
    "date_unreadable": FaultKind(REFUSE, N_("This is not a date that can be read."), _TYPE_DATE),
    "date_partial": FaultKind(
        WARN, N_("The day is missing. The text is kept in the remark, the date stays empty."), _LOOK, confirmable=True
    ),
    "date_range": FaultKind(
        WARN, N_("These are two dates. The text is kept in the remark, the date stays empty."), _LOOK, confirmable=True
    ),
    "date_serial": FaultKind(
        WARN, N_("This is a day in Excel's own count. It was taken as %(taken)s."), _LOOK, confirmable=True
    ),
    "date_two_digit_year": FaultKind(
        WARN, N_("The year has two digits. It was taken as %(taken)s."), _LOOK, confirmable=True
    ),
    "date_future": FaultKind(WARN, N_("This day has not come yet."), _LOOK, confirmable=True),
    "number_became_date": FaultKind(
        REFUSE,
        N_("Excel has made a date of what was typed here, perhaps of %(guess)s."),
        _TYPE_AGAIN,
        confirmable=True,
    ),
    "number_lost_digits": FaultKind(
        REFUSE, N_("Excel keeps 15 digits of a number; the rest of this one is lost."), N_("Type the whole number.")
    ),
    "leading_zeros": FaultKind(
        WARN,
        N_("Excel may have dropped zeros: other rows have %(width)s digits here."),
        N_("Type the number with its zeros, or confirm the value as it is."),
        confirmable=True,
    ),
    "number_duplicate": FaultKind(
        REFUSE,
        N_("This number also stands in rows %(rows)s."),
        N_("Correct the wrong one, or confirm that the number belongs to several records."),
        confirmable=True,
    ),
    "number_in_archive": FaultKind(
        # Not which: the row is shown to people who may not see that document.
        WARN,
        N_("The engagement already has a document of this number."),
        _LOOK,
        confirmable=True,
    ),
    "file_named_twice": FaultKind(
        REFUSE, N_("This file is also named in rows %(rows)s."), N_("Correct the wrong one; a file belongs to one row.")
    ),
    "file_names_alike": FaultKind(
        REFUSE,
        N_("This file name differs only by case, width or spelling from that of rows %(rows)s."),
        N_("Correct the wrong one; a file belongs to one row."),
    ),
    "file_name_forbidden": FaultKind(
        REFUSE,
        N_("A file name cannot contain %(characters)s."),
        N_("Type the name that the file really has, or leave the field empty and attach the file by hand."),
    ),
    "merged": FaultKind(
        WARN,
        N_("The cell is merged with the one above; its value was taken for this row too."),
        _LOOK,
        confirmable=True,
    ),
    "formula": FaultKind(
        WARN, N_("This was computed by a formula; the value stored last was taken."), _LOOK, confirmable=True
    ),
    "hidden_row": FaultKind(
        WARN,
        N_("The row is hidden in the file."),
        N_("Close the row if it should not be taken over."),
        confirmable=True,
    ),
    "engagement_missing": FaultKind(
        REFUSE, N_("The row names no engagement."), N_("Type the number of its engagement, or close the row.")
    ),
    "engagement_other": FaultKind(
        REFUSE,
        N_("The row names another engagement than %(number)s, which this register was brought into."),
        N_("Correct the number, or close the row and import it there."),
    ),
    "engagement_new": FaultKind(
        WARN, N_("An engagement of this number will be opened for %(client)s, %(year)s."), _LOOK, confirmable=True
    ),
    "engagement_unknown": FaultKind(
        REFUSE,
        N_("There is no engagement of this number that you may see, and client or year to open one are missing."),
        N_("Correct the number, or fill in client and year."),
    ),
    "client_unknown": FaultKind(
        REFUSE,
        N_("There is no client of this name. The nearest is %(nearest)s."),
        N_("Type the client's name as it is kept here, or confirm that a new client shall be added."),
        confirmable=True,
    ),
    "client_differs": FaultKind(WARN, N_("The engagement is for another client: %(client)s."), _LOOK, confirmable=True),
    "level_unknown": FaultKind(
        REFUSE,
        N_("This is no level of this archive: public, internal, sensitive, restricted."),
        N_("Type one of them, or leave the field empty for internal."),
    ),
    "year_unreadable": FaultKind(REFUSE, N_("This is not a year of emissions."), N_("Type four digits, such as 2025.")),
}


def worst_of(faults: Sequence[Fault], confirmed: Sequence[str] = ()) -> str:
    """The gravest severity among what nobody has confirmed; empty for none."""
    left = {fault.kind.severity for fault in faults if not (fault.kind.confirmable and fault.code in confirmed)}
    return REFUSE if REFUSE in left else WARN if WARN in left else ""


FAULT_NAMES: Mapping[str, str] = {
    "title_missing": N_("Title missing"),
    "title_too_long": N_("Title too long"),
    "value_too_long": N_("Value too long"),
    "control_characters": N_("Control characters"),
    "error_value": N_("Error of a formula"),
    "date_impossible": N_("Impossible date"),
    "date_unreadable": N_("Unreadable date"),
    "date_partial": N_("Date without day"),
    "date_range": N_("Two dates"),
    "date_serial": N_("Date as a number"),
    "date_two_digit_year": N_("Year of two digits"),
    "date_future": N_("Date in the future"),
    "number_became_date": N_("Number became a date"),
    "number_lost_digits": N_("Number lost digits"),
    "leading_zeros": N_("Leading zeros lost"),
    "number_duplicate": N_("Number twice"),
    "number_in_archive": N_("Number filed already"),
    "file_named_twice": N_("File named twice"),
    "file_names_alike": N_("File names alike"),
    "file_name_forbidden": N_("Impossible file name"),
    "level_unknown": N_("Level unknown"),
    "merged": N_("Merged cell"),
    "formula": N_("Formula"),
    "hidden_row": N_("Hidden row"),
    "engagement_missing": N_("Engagement missing"),
    "engagement_other": N_("Another engagement"),
    "engagement_new": N_("New engagement"),
    "engagement_unknown": N_("Unknown engagement"),
    "client_unknown": N_("Unknown client"),
    "client_differs": N_("Another client"),
    "year_unreadable": N_("Unreadable year"),
}
"""What a list of faults calls each."""
