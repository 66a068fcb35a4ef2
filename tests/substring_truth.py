"""The rule of `search.analysis` once more, one character at a time, by the names of characters: an oracle."""

import unicodedata
from functools import cache

_JOINED_NAMES = (
    "CJK UNIFIED",
    "CJK COMPATIBILITY IDEO",
    "HIRAGANA",
    "KATAKANA LETTER",
    "KATAKANA-HIRAGANA PRO",
    "HANGUL",
)


@cache
def class_of(character: str) -> str:
    if unicodedata.name(character, "").startswith(_JOINED_NAMES) or character >= "\U0001f000":
        return "joined"
    category = unicodedata.category(character)
    if category == "Nd":
        return "digits"
    return "word" if category[0] in "LNM" else "separator"


def slow_canonical(text: str) -> str:
    normal = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    form, last, only_space = ["|"], "", True
    for character in normal:
        now = class_of(character)
        if now == "separator":
            only_space = only_space and character.isspace()
            if last in {"word", "digits"} or not only_space:
                last = last if last == "joined" and only_space else "border"
            continue
        if last and now != last:
            form.append("|")
        form.append(character)
        last, only_space = now, True
    return "".join(form) + "|"


def slow_needle(term: str) -> str:
    needle = slow_canonical(term).strip("|")
    before = "" if class_of(needle[0]) == "joined" else "|"
    after = "" if class_of(needle[-1]) == "joined" else "|"
    return before + needle + after
