"""A synthetic bilingual archive: the same documents for the same seed, on every machine.

Words are drawn by Zipf's law from a made-up dictionary over the 3,755 most used Chinese characters (GB 2312 level 1)
and from the vocabulary of verification, some in traditional characters; between them stand English terms, numbers, case
numbers, clause ids and standards in half and full width, and the small accidents of real files: broken lines, emoji,
rare characters.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate

from search import IndexDocument
from tests.substring_truth import SIMPLIFIED

BODY_BYTES = 2_850
ENGAGEMENTS = 200

_COMMON = [bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)]
_TERMS = [
    "温室气体",
    "碳排放",
    "核查",
    "报告",
    "企业",
    "排放因子",
    "活动数据",
    "监测计划",
    "宏伟目标",
    "组织边界",
    "不符合项",
    "纠正措施",
    "化石燃料",
    "购入电力",
    "重点排放单位",
    "主管部门",
    "数据质量",
    "技术复核",
    "现场核查",
    "排放量",
    "单位",
    "证据",
    "结论",
    "年度",
    "产量",
    "煤耗",
    "热值",
    "碳酸盐",
    "电厂",
    "水泥",
    "钢铁",
]
_ENGLISH = [
    "verification",
    "emission",
    "factor",
    "monitoring",
    "plan",
    "boundary",
    "scope",
    "evidence",
    "report",
    "statement",
    "uncertainty",
    "assurance",
    "Café",
    "ISO",
    "tCO2",
    "MWh",
    "GHG",
    "nonconformity",
    "Corrective",
    "action",
    "site",
    "visit",
    "threshold",
    "naïve",
]
_PLACES = ["长江", "黄河", "太湖", "秦岭", "Alpha", "滨海", "華北", "ＡＢＣ"]
_TRADES = ["电力", "水泥", "钢铁", "化工", "铝业", "Power", "纸业", "玻璃", "陶瓷"]
_TRADITIONAL = {simplified: traditional for traditional, simplified in SIMPLIFIED.items()}
_MARKS = "，，，，。。；：、（）“”《》 — …"
_ODDITIES = [
    "🎉",
    "𠮷田",
    "𠀋",
    "カーボン",
    "ﾃﾞｰﾀ",
    "탄소 배출",
    "e\u0301mission",
    "ﬁnal",
    "①",
    "㎡",
    "‰",
    "℃",
    "x_y",
    "—",
    "··",
]


def documents(
    count: int, *, seed: int = 1, body_bytes: int = BODY_BYTES, engagements: int = ENGAGEMENTS
) -> Iterator[IndexDocument]:
    """`count` documents with bodies of about `body_bytes` UTF-8 bytes, spread over engagements unevenly."""
    words = _Words(seed)
    chance = random.Random(seed + 1)
    for number in range(count):
        engagement = int(engagements * chance.random() ** 2)
        kind = chance.choice(("pdf", "pdf", "docx", "xlsx", "txt"))
        yield IndexDocument(
            key=f"v{number:06}",
            document_id=f"d{number:06}",
            organisation_id=f"o{engagement % 5}",
            engagement_id=f"e{engagement:04}",
            client_id=f"c{engagement % 67:03}",
            level=chance.choice((0, 1, 1, 1, 2, 3)),
            current=chance.random() < 0.95,
            year=chance.choice((None, 2021, 2022, 2023, 2024, 2025)),
            kind=kind,
            filed_on=date(2024, 1, 1) + timedelta(days=chance.randrange(700)),
            title=f"{words.word()}{words.word()}{chance.choice(_TERMS)} {number}",
            name=f"{words.word()}_{chance.choice(_ENGLISH)}-{number:03}.{kind}",
            metadata=f"{chance.choice(_TERMS)} {words.reference()}",
            body=words.text(body_bytes),
            readable=chance.random() < 0.97,
            client=client_name(engagement % 67),
            engagement=f"{_TRADES[engagement % 9]}碳排放核查 {2020 + engagement % 6}\nHC-{engagement:04}",
            originator=("" if number % 3 else f"{_PLACES[number % 8]}检测中心"),
            number=("" if number % 4 else f"环核〔{2020 + number % 6}〕{number}号"),
            dated_on=None if number % 5 == 0 else date(2021, 1, 1) + timedelta(days=number * 37 % 1_800),
        )


def client_name(number: int) -> str:
    """The name of a made-up client; 67 of them are different."""
    return f"{_PLACES[number % 8]}{_TRADES[number % 9]}{'第' if number % 2 else ''}{number}有限公司"


def traditional(text: str) -> str:
    """The same with traditional characters where there are some."""
    return "".join(_TRADITIONAL.get(character, character) for character in text)


class _Words:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        invented = [
            "".join(self._chance.choices(_COMMON, k=self._chance.choice((1, 2, 2, 2, 3, 4)))) for _ in range(8_000)
        ]
        self._dictionary = [*_TERMS, *invented]
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(len(self._dictionary))))

    def word(self) -> str:
        word: str = self._chance.choices(self._dictionary, cum_weights=self._weights)[0]
        return traditional(word) if self._chance.random() < 0.02 else word

    def reference(self) -> str:
        number, year = self._chance.randrange(1, 400), self._chance.randrange(2011, 2026)
        return self._chance.choice(
            (
                f"GB/T {32150 + number % 12}-{year}",
                f"ＧＢ／Ｔ　{32150 + number % 12}－{year}",
                f"D{number % 20}-{number:03}",
                f"京环核〔{year}〕{number}号",
                f"{number % 10}.{number % 7}{'abcde'[number % 5]})",
                f"第{number}条",
                f"{number},{number + 600}.{number % 90} tCO2e",
                f"CO₂e{number}",
                f"单位tCO2/{number}MWh",
            )
        )

    def text(self, size_bytes: int) -> str:
        parts: list[str] = []
        length = 0
        while length < size_bytes:
            part = self._part()
            if self._chance.random() < 0.04:
                part += self._chance.choice(("\n", "\n\n", "\r\n", "　", " "))
            parts.append(part)
            length += len(part.encode())
        return "".join(parts)

    def _part(self) -> str:
        kind = self._chance.random()
        if kind < 0.72:
            return self.word()
        if kind < 0.86:
            return self._chance.choice(_MARKS)
        if kind < 0.93:
            return self._chance.choice((" {} ", "{} ", "{}")).format(self._chance.choice(_ENGLISH))
        return self.reference() if kind < 0.99 else self._chance.choice(_ODDITIES)
