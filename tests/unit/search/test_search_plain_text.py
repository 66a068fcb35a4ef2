"""In plain text the regular expression finds exactly what the canonical form contains; elsewhere nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import canonical, phrase
from search.plain_text import MASK, plain_form, plain_pattern

# Few characters, so that what is searched for is often there, at every kind of border.
PLAIN = "ab19碳排放气氣GＢ２、，。 \u3000\n\t-/·（“—_\u00d7"
OTHERS = "₂℃é\u0301ﬁ々탄…\u200b\U00020000㎡"
terms = st.text(alphabet=PLAIN, min_size=1, max_size=6)


@settings(max_examples=2_000)
@given(text=st.text(alphabet=PLAIN, max_size=40), term=terms)
def test_in_plain_text_it_is_found_if_and_only_if_the_canonical_form_holds_it(text: str, term: str) -> None:
    needle, plain = phrase(term).needle, plain_form(text)
    assert canonical(plain) == canonical(text)
    if needle:
        assert bool(plain_pattern(needle).search(plain)) == (needle in canonical(text)), (text, term)


@settings(max_examples=2_000)
@given(text=st.text(alphabet=PLAIN + OTHERS, max_size=40), term=terms)
def test_elsewhere_what_is_found_is_there(text: str, term: str) -> None:
    needle = phrase(term).needle
    if needle and plain_pattern(needle).search(plain_form(text)):
        assert needle in canonical(text), (text, term)


@given(text=st.text(max_size=30))
def test_the_plain_form_has_the_places_of_the_text(text: str) -> None:
    plain = plain_form(text)
    assert len(plain) == len(text)
    assert MASK in plain or canonical(plain) == canonical(text)
