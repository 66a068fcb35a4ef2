"""What a search says about how it understood an odd query; the codes come from `search`."""

from archive_app.kernel.language import N_

SEARCH_NOTES = {
    "unbalanced_quote": N_("A quotation mark without its partner was taken as an ordinary character."),
    "unbalanced_parenthesis": N_("A parenthesis without its partner was ignored."),
    "literal_operator": N_("AND, OR or NOT without words on both sides was taken as an ordinary word."),
    "nothing_to_search": N_("There is no word to search for in this."),
}
"""Catalogue keys by code."""
