"""How far a recognised text is from the true one."""

import re
import unicodedata


def distance(one: str, other: str) -> int:
    """Insertions, deletions and replacements (Levenshtein) by bit vectors: Myers 1999, as Hyyrö 2003 writes it."""
    if not one:
        return len(other)
    places: dict[str, int] = {}
    for at, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << at
    full, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, edits = full, 0, len(one)
    for character in other:
        equal = places.get(character, 0)
        vertical = equal | down
        horizontal = (((equal & up) + up) ^ up) | equal
        plus, minus = down | (~(horizontal | up) & full), up & horizontal
        edits += bool(plus & last) - bool(minus & last)
        plus, minus = (plus << 1 | 1) & full, (minus << 1) & full
        up, down = minus | (~(vertical | plus) & full), plus & vertical
    return edits


def compared(text: str) -> str:
    """The text without spaces and line ends, its widths folded: what a search compares."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def error_rate(found: str, true: str) -> float:
    """Character errors as a share of the true characters."""
    return distance(compared(found), compared(true)) / max(1, len(compared(true)))
