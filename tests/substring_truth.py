"""The rule of `search.analysis` once more, one character at a time, by the names of characters: an oracle."""

import unicodedata
from functools import cache

from opencc import OpenCC

_JOINED_NAMES = (
    "CJK UNIFIED",
    "CJK COMPATIBILITY IDEO",
    "HIRAGANA",
    "KATAKANA LETTER",
    "KATAKANA-HIRAGANA PRO",
    "HANGUL",
)

_ALONE = OpenCC("t2s")
_IDEOGRAPHS = [chr(number) for number in range(0x4E00, 0xA000)]
SIMPLIFIED = {
    character: other
    for character in _IDEOGRAPHS
    if (other := _ALONE.convert(character)) != character and "\u4e00" <= other <= "\u9fff"
}


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
    for character in (SIMPLIFIED.get(character, character) for character in normal):
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
