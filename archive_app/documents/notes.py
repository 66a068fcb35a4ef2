"""What a search says about how it understood an odd query; the codes come from `search`."""

from archive_app.kernel.language import N_

SEARCH_NOTES = {
    "unbalanced_quote": N_("A quotation mark without its partner was taken as an ordinary character."),
    "unbalanced_parenthesis": N_("A parenthesis without its partner was ignored."),
    "literal_operator": N_("AND, OR or NOT without words on both sides was taken as an ordinary word."),
    "nothing_to_search": N_("There is no word to search for in this."),
    "bad_year": N_("A year is written 2024, a range of years 2024..2026. Anything else is searched for as words."),
    "bad_date": N_(
        "A day is 2026-05-31, a month 2026-05, a range 2026-05..2026-07. Anything else is searched for as words."
    ),
    "bad_kind": N_(
        "A kind is written as the ending of a file name: pdf or xlsx,csv. Anything else is searched for as words."
    ),
}
"""Catalogue keys by code."""
