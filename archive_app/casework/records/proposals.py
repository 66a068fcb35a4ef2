"""What a file's name, its folder and the beginning of its text say about it as a record, each with the reason.

Nothing learns here: the words are those of `config/record_types.toml`, and the same file always gives the same
proposal. A proposal is never a fact; a person confirms it.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath

from archive_app.casework.records.days_in_names import day_in, period_in
from archive_app.engagements.record_types import OTHER, RecordType
from archive_app.kernel.language import N_

TEXT_CHARS = 1500
"""How much of a text's beginning is looked at."""
_HEADING_LINES, _HEADING_CHARS = 8, 60
_LONGEST_WORDS = 60
_HEAD_NOUN = 9
"""From this weight on, a keyword at the very end of a name says what the thing is: 首次会议签到表 is a 签到表."""
_BRACKETS = re.compile(r"[(\[【〔<《][^(\[【〔<《)\]】〕>》]*[)\]】〕>》]")
_SEPARATORS = re.compile(r"[\s_\-.·,+&、，。]+")
_AT_END = re.compile(
    # Possessive, so that a run of digits is taken as a whole and never tried again in parts.
    r"(?:第?[\d一二三四五六七八九十]{1,12}+[版号份]?|v\d{1,6}+|final|copy|副本|定稿|终稿|扫描件|盖章版|签章版|签字版|修订版|版|表|汇总){1,8}+$"
)
_PLAIN = re.compile(r"[\x00-\x7f]+")
_LABELLED_DAY = re.compile(r"(?:日期|时间|date)\s{0,8}[:：]?\s{0,8}(?P<rest>.{4,24})", re.IGNORECASE)
_LABELLED_ORIGINATOR = re.compile(
    r"(?:编制单位|填报单位|报送单位|出具单位|发证机构|检测机构|检定机构|校准机构|检测单位|开具单位|销售方|单位名称|企业名称"
    r"|prepared by|issued by|laboratory)(?:名称)?\s{0,8}(?:\([^()\n]{0,40}\)\s{0,8})?"
    r"[:：]\s{0,8}(?P<who>[^\n\t|,;，；]{2,60})",
    re.IGNORECASE,
)

REASONS = {
    ("type", "name"): N_("The file name says “%(words)s”."),
    ("type", "path"): N_("The folder is called “%(words)s”."),
    ("type", "text"): N_("The text begins with “%(words)s”."),
    ("type", "folder"): N_("What lies in the same folder is of this type (%(words)s)."),
    ("type", "last_year"): N_("Last year's file of this name was of this type (%(words)s)."),
    ("period", "name"): N_("The file name says “%(words)s”."),
    ("period", "path"): N_("The folder is called “%(words)s”."),
    ("period", "text"): N_("The text begins with “%(words)s”."),
    ("evidence_on", "name"): N_("The file name says “%(words)s”."),
    ("evidence_on", "text"): N_("The text says “%(words)s”."),
    ("evidence_on", "entry"): N_("It was filed with this document date."),
    ("originator", "name"): N_("The file name names the client."),
    ("originator", "text"): N_("The text says “%(words)s”."),
    ("originator", "entry"): N_("It was filed with this originator."),
    ("originator", "last_year"): N_("Last year's file of this name came from there (%(words)s)."),
}
"""Why something is proposed: what, and from where; `words` are the words it was seen in."""


@dataclass(frozen=True)
class Reason:
    """Why one thing is proposed; (`what`, `source`) is one of `REASONS`."""

    what: str
    source: str
    words: str = ""

    @property
    def message(self) -> str:
        """The catalogue key."""
        return REASONS[self.what, self.source]


@dataclass(frozen=True)
class Proposal:
    """What is proposed about a document; what is empty is not proposed."""

    type: str = ""
    evidence_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    originator: str = ""
    reasons: tuple[Reason, ...] = ()

    def source_of(self, what: str) -> str:
        """Where a thing is proposed from; empty where it is not proposed."""
        return next((reason.source for reason in self.reasons if reason.what == what), "")

    def with_(self, reason: Reason, **values: object) -> "Proposal":
        """The same with one thing proposed, instead of what was proposed of it."""
        others = tuple(one for one in self.reasons if one.what != reason.what)
        return replace(self, **values, reasons=(*others, reason))  # type: ignore[arg-type]  # checked by the callers


@dataclass(frozen=True)
class Seen:
    """What a proposal is made from. `text` is the beginning of the file's text; `originator` and `dated_on` are what it
    was filed with."""

    name: str
    path: str = ""
    text: str = ""
    originator: str = ""
    dated_on: date | None = None
    client_name: str = ""


def propose(seen: Seen, types: Mapping[str, RecordType], today: date) -> Proposal:
    """What is proposed about a file."""
    stem = seen.name.rpartition(".")[0] or seen.name
    folder = "/".join(PurePosixPath(seen.path.replace("\\", "/")).parts[:-1])
    heading = _heading(seen.text)
    proposal = Proposal()
    for source, words in (("name", stem), ("path", folder), ("text", heading)):
        found = type_in(words, types)
        if found:
            proposal = proposal.with_(Reason("type", source, found[1]), type=found[0])
            break
    return _with_originator(_with_days(proposal, seen, stem, folder, heading, today), seen, stem)


def type_in(text: str, types: Mapping[str, RecordType]) -> tuple[str, str] | None:
    """The type that a name or heading speaks of, and the word that says so. The longest word counts, among equals the
    last; a long one at the very end of the name comes first."""
    text = unicodedata.normalize("NFKC", text).lower()
    bare = _BRACKETS.sub(" ", text)
    hits = _hits(bare, types) or _hits(text, types)
    if not hits:
        return None
    end = len(_AT_END.sub("", _closed(bare)))
    # A word at the end may be cut by what follows it: 签到表 ends in a 表.
    last = [hit for hit in hits if hit.weight >= _HEAD_NOUN and hit.end >= end]
    best = max(last or hits, key=lambda hit: (hit.weight, hit.end))
    return best.type, best.keyword


def pattern_of(name: str) -> str:
    """What the names of the same file in different years have in common: no digits, no marks of versions."""
    stem = name.rpartition(".")[0] or name
    folded = unicodedata.normalize("NFKC", stem).lower()
    folded = re.sub(r"副本|终稿|定稿|最终版|修订版|盖章版|扫描件|final|copy|\bv\d+\b", "", folded)
    return re.sub(r"[\d\W_]+", "", folded)


def written_reasons(proposal: Proposal) -> str:
    """The reasons as a row keeps them (JSON)."""
    rows = [[reason.what, reason.source, reason.words[:_LONGEST_WORDS]] for reason in proposal.reasons]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read_reasons(kept: str) -> tuple[Reason, ...]:
    """The reasons that a row keeps; those of another release that are not known any more are left out."""
    rows = json.loads(kept) if kept.startswith("[") else []
    return tuple(Reason(*row) for row in rows if (row[0], row[1]) in REASONS)


@dataclass(frozen=True)
class _Hit:
    type: str
    keyword: str
    weight: int
    end: int


def _hits(text: str, types: Mapping[str, RecordType]) -> list[_Hit]:
    spaced, closed = f" {_SEPARATORS.sub(' ', text)} ", _closed(text)
    found = []
    for code, one in types.items():
        if code == OTHER:
            continue
        for keyword in one.keywords:
            word = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", keyword).lower())
            plain = _PLAIN.fullmatch(word) is not None
            if plain and not _spoken(word, spaced):
                continue
            word = word.replace(" ", "")
            end = closed.rfind(word) + len(word)
            if end >= len(word):
                found.append(_Hit(code, keyword, sum(1 if letter < "\x80" else 3 for letter in word), end))
    return found


def _spoken(word: str, spaced: str) -> bool:
    """Whether an English word or number stands by itself, in the singular or plural."""
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?:s|es)?(?![a-z0-9])", spaced) is not None


def _closed(text: str) -> str:
    return _SEPARATORS.sub("", text)


def _heading(text: str) -> str:
    lines = [line.strip() for line in text[:TEXT_CHARS].splitlines() if line.strip()]
    return "\n".join(line for line in lines[:_HEADING_LINES] if len(line) <= _HEADING_CHARS)


def _with_days(proposal: Proposal, seen: Seen, stem: str, folder: str, heading: str, today: date) -> Proposal:
    places: Sequence[tuple[str, str]] = (("name", stem), ("path", folder), ("text", heading))
    for source, words in places:
        period = period_in(words, latest=today)
        if period:
            reason = Reason("period", source, period.words)
            proposal = proposal.with_(reason, period_from=period.first, period_to=period.last)
            break
    if seen.dated_on and seen.dated_on <= today:
        return proposal.with_(Reason("evidence_on", "entry"), evidence_on=seen.dated_on)
    named = day_in(stem, latest=today)
    # In a name that says a period, a day belongs to that; a period in the text says nothing of the day in the name.
    if named and proposal.source_of("period") not in {"name", "path"}:
        return proposal.with_(Reason("evidence_on", "name", named[1]), evidence_on=named[0])
    for hit in _LABELLED_DAY.finditer(unicodedata.normalize("NFKC", seen.text[:TEXT_CHARS])):
        said = day_in(hit["rest"], latest=today)
        if said:
            return proposal.with_(Reason("evidence_on", "text", said[1]), evidence_on=said[0])
    return proposal


def _with_originator(proposal: Proposal, seen: Seen, stem: str) -> Proposal:
    if seen.originator:
        return proposal.with_(Reason("originator", "entry"), originator=seen.originator[:200])
    said = _LABELLED_ORIGINATOR.search(unicodedata.normalize("NFKC", seen.text[:TEXT_CHARS]))
    if said:
        who = " ".join(said["who"].split())
        return proposal.with_(Reason("originator", "text", " ".join(said[0].split())), originator=who)
    if seen.client_name and _closed(seen.client_name.lower()) in _closed(stem.lower()):
        return proposal.with_(Reason("originator", "name"), originator=seen.client_name)
    return proposal
