"""How alike texts are: a fingerprint of each text's passages, and the words that stand out in it.

A *passage* is three tokens of the analysis in a row, about four Chinese characters or three words. The fingerprint is a
MinHash over the set of passages: the share of equal places in two of them estimates the Jaccard similarity of the sets
(Broder, "On the resemblance and containment of documents", 1997). Groups of four of its first 64 places are *bands*,
kept as terms of the index: texts that share half of their passages share a band in two cases of three, at four fifths
in practically every case. More bands would find more of the former and cost every document more terms.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from operator import eq, itemgetter
from typing import Any

from search.analysis import index_text
from search.values import Similar

FINGERPRINT = "rensa-r/128x3/16x4" if find_spec("rensa") else "none"
"""What fingerprints an index made here has, as a part of its layout."""

LIKE = 0.5
"""From here on two texts count as versions of each other rather than as texts on the same matter."""

_LEAST_RELEVANCE = 0.2
_PLACES, _BANDED, _BAND, _SEED = 128, 64, 4, 1
_FEWEST_PASSAGES = 8
_PASSAGES_AT_A_TIME = 20_000
_TELLING_TOKENS = 48
_ASKED_TOKENS = 25
_COUNTED_TOKENS = 50_000
_by_count = itemgetter(1)
_FORM = struct.Struct(f"<{_PLACES}I")


@dataclass(frozen=True, slots=True)
class Portrait:
    """What the index keeps of a text to find its like. `fingerprint` is empty where there is too little text."""

    fingerprint: tuple[int, ...]
    tokens: tuple[tuple[str, int], ...]
    """The tokens that stand in it most often, with how often."""

    @property
    def bands(self) -> list[str]:
        """The terms that near copies share."""
        places = self.fingerprint
        return [
            f"{at:x}." + ".".join(f"{place:x}" for place in places[at : at + _BAND])
            for at in range(0, min(len(places), _BANDED), _BAND)
        ]

    def shared_bands(self, other: Portrait) -> int:
        """How many bands both have."""
        own, others = self.fingerprint[:_BANDED], other.fingerprint[:_BANDED]
        starts = range(0, min(len(own), len(others)), _BAND)
        return sum(own[at : at + _BAND] == others[at : at + _BAND] for at in starts)

    def to_bytes(self) -> bytes:
        """As it is stored."""
        fingerprint = _FORM.pack(*self.fingerprint) if self.fingerprint else b""
        words = " ".join(f"{token} {count}" for token, count in self.tokens)
        return bytes([bool(fingerprint)]) + fingerprint + words.encode()

    @staticmethod
    def from_bytes(stored: bytes) -> Portrait:
        """What `to_bytes` gave."""
        size = _FORM.size if stored[0] else 0
        words = stored[1 + size :].decode().split(" ")
        tokens = tuple(zip(words[::2], map(int, words[1::2]), strict=True)) if len(words) > 1 else ()
        return Portrait(_FORM.unpack(stored[1 : 1 + size]) if size else (), tokens)

    def likeness(self, other: Portrait) -> float | None:
        """The estimated share of passages that both have, 0 to 1; None where it cannot be told."""
        if not self.fingerprint or not other.fingerprint:
            return None
        equal: int = sum(map(eq, self.fingerprint, other.fingerprint))
        return equal / _PLACES


def portrait(body_tokens: str) -> Portrait:
    """The portrait of a text, from its tokens as `search.analysis.index_text` gives them."""
    tokens = body_tokens.split(" ")
    counted = Counter(tokens[:_COUNTED_TOKENS])
    often = [pair for pair in counted.items() if pair[1] > 1 and _tells(pair[0])]
    if len(often) < _TELLING_TOKENS:  # in a short text few words stand twice
        often = [pair for pair in counted.items() if _tells(pair[0])]
    often.sort(key=_by_count, reverse=True)
    return Portrait(_fingerprint(tokens), tuple(often[:_TELLING_TOKENS]))


def _tells(token: str) -> bool:
    return len(token) > 1 and not token.isdigit()


def telling(shown: Portrait, title: str, rarity: Callable[[str], float]) -> dict[str, float]:
    """The tokens by which a text's like are looked for: frequent in it or in its title, rare elsewhere.

    Their weights add up to 1.
    `rarity` is the inverse document frequency of a token, 0 for one that no document has.
    """
    counts = Counter(dict(shown.tokens))
    counts.update({token: 3 for token in index_text(title).split(" ") if len(token) > 1})
    weights = {token: (1 + math.log(count)) * rarity(token) for token, count in counts.items()}
    heaviest = [token for token in sorted(weights, key=lambda token: (-weights[token], token)) if weights[token] > 0]
    together = sum(weights[token] for token in heaviest[:_ASKED_TOKENS])
    return {token: weights[token] / together for token in heaviest[:_ASKED_TOKENS]}


def _fingerprint(tokens: Sequence[str]) -> tuple[int, ...]:
    new = _new_minhash()
    if new is None or len(tokens) < _FEWEST_PASSAGES + 2:
        return ()
    minhash = new(num_perm=_PLACES, seed=_SEED)
    passages = _passages(tokens)
    while some := list(islice(passages, _PASSAGES_AT_A_TIME)):
        minhash.update(some)
    return tuple(minhash.digest())


def _passages(tokens: Sequence[str]) -> Iterator[str]:
    return map(" ".join, zip(tokens, islice(tokens, 1, None), islice(tokens, 2, None), strict=False))


@cache
def _new_minhash() -> Callable[..., Any] | None:
    """Where there is no compiled package for the machine, there are no fingerprints, and everything else works."""
    if not find_spec("rensa"):
        return None
    from rensa import RMinHash

    new: Callable[..., Any] = RMinHash
    return new


def rank_similar(shown: Portrait, found: Iterable[tuple[str, str, float, Portrait]], limit: int) -> list[Similar]:
    """The likest of what was found: key, document, summed weight (1 for each shared band, `telling` adds up to 1)."""
    answers = []
    for key, document_id, weight, other in found:
        likeness = shown.likeness(other)
        relevance = min(1.0, max(0.0, weight - shown.shared_bands(other)))
        if relevance >= _LEAST_RELEVANCE or (likeness or 0.0) >= LIKE:
            answers.append(Similar(key, document_id, likeness, round(relevance, 3)))
    return sorted(answers, key=_likest_first)[:limit]


def _likest_first(answer: Similar) -> tuple[float, float, str]:
    likeness = answer.likeness or 0.0
    return -likeness if likeness >= LIKE else 0.0, -answer.relevance, answer.key
