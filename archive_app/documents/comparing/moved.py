"""Paragraphs that stand elsewhere on the other side, unchanged."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping

from archive_app.documents.comparing.paragraphs import Side

_LEAST_TOKENS = 10
_Words = Mapping[int, tuple[int, ...]]


class Moved:
    """Paragraphs that moved: `theirs` by ours, `ours` by theirs."""

    def __init__(self, theirs: Mapping[int, int]) -> None:
        self.theirs = theirs
        self.ours = {their: our for our, their in theirs.items()}

    def without(self, ours: Container[int]) -> "Moved":
        """The same without some of them."""
        return Moved({our: their for our, their in self.theirs.items() if our not in ours})


def find_moved(left: Side, right: Side, ours: Iterable[int], theirs: Iterable[int]) -> Moved:
    """Of the paragraphs without a counterpart those that are on the other side all the same.

    Only what is long enough, and there once on both sides, is known to have moved; what is short, such as its heading,
    goes along with what moved beside it.
    """
    our_words = {index: left.words(index) for index in ours}
    their_words = {index: right.words(index) for index in theirs}
    places = _once(their_words)
    moved = {index: places[words] for words, index in _once(our_words).items() if words in places}
    taken = set(moved.values())
    for pair in sorted(moved.items()):
        for step in (-1, 1):
            index, other = pair[0] + step, pair[1] + step
            while _goes_along(index, other, our_words, their_words) and index not in moved and other not in taken:
                moved[index] = other
                taken.add(other)
                index, other = index + step, other + step
    return Moved(moved)


def _once(words: _Words) -> dict[tuple[int, ...], int]:
    counts = Counter(words.values())
    return {own: index for index, own in words.items() if counts[own] == 1 and len(own) >= _LEAST_TOKENS}


def _goes_along(index: int, other: int, our_words: _Words, their_words: _Words) -> bool:
    return index in our_words and our_words[index] == their_words.get(other)
