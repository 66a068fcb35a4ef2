"""Two versions of a long procedure with known differences, as Word and as PDF, for tests and measurements of comparing.

The PDF is set by a layout program: its lines break where the page ends, a change early in a chapter moves every line
behind it, and over and below each page stand a running head and the number of the page.
"""

import io
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from archive_app.documents.comparing.comparison import Comparison, Kind, Stretch

_SENTENCES = (
    "{who}应当在每{period}结束后的{n}个工作日内完成{what}的统计与复核",
    "经核算，{what}为{amount}吨二氧化碳当量，较上一{period}变化{share}%",
    "{who}负责保存{what}的原始记录，保存期限不少于{n}年",
    "当{what}的偏差超过{share}%时，{who}应当说明原因并报{boss}批准",
    "{what}采用的排放因子为0.{n}tCO2/MWh，来源于国家主管部门公布的最新数据",
    "计量器具每{period}校准一次，校准证书编号由{who}登记入台账",
    "{boss}对{what}的真实性、完整性和准确性负责",
    "内部审核每年至少进行{n}次，审核结果提交{boss}，并作为管理评审的输入",
)
_WHO = ("能源管理部", "生产运行部", "质量管理部", "各用能单位", "碳排放管理办公室", "数据核算人员", "设备部")
_BOSS = ("管理者代表", "最高管理者", "总工程师", "分管副总经理")
_WHAT = (
    "化石燃料燃烧排放",
    "外购电力消耗量",
    "外购热力消耗量",
    "过程排放",
    "天然气活动数据",
    "原煤低位发热量",
    "逸散排放",
)
_ENGLISH = (
    "The operator shall monitor the {what} every {period} and report {amount} tonnes to the verifier within {n} days.",
    "Where the {what} differs from the meter by more than {share} percent, the cause is recorded before month {n}.",
    "Records of the {what} are kept for {n} years by the energy department, together with {amount} readings.",
)
_ENGLISH_WHAT = ("fuel consumption", "purchased electricity", "process emission", "steam balance")
_NUMBER = re.compile(r"\d[\d,.]*\d")
_SPACE = re.compile(r"\s+")
HEAD = "绿源能源集团 温室气体排放管理程序 QMS-CX-07"


@dataclass(frozen=True)
class Item:
    """A piece of the procedure: heading, text or table. Line breaks divide the rows of a table, tabs its cells."""

    kind: str
    text: str


@dataclass(frozen=True)
class Planted:
    """A difference: what a comparison must mark on either side, white space aside. A sentence behind a paragraph is
    told as a change of it or as one that was added: its layout does not say which."""

    kind: Kind
    left: str
    right: str


def procedure(items: int, seed: int = 7) -> list[Item]:
    """The first version: chapters with paragraphs, English ones and tables among them; no two paragraphs are alike."""
    luck = random.Random(seed)
    found: list[Item] = []
    for number in range(items):
        if number % 25 == 0:
            found.append(Item("heading", f"第{number // 25 + 1}章 {luck.choice(_WHAT)}管理"))
        elif number % 25 == 12:
            rows = [f"设施{number}-{row}\t{_amount(luck)}\t{_amount(luck)}\t吨" for row in range(5)]
            found.append(Item("table", "\n".join(("设施\t上年\t本年\t单位", *rows))))
        elif number % 8 == 5:
            found.append(Item("text", " ".join(_said(luck, _ENGLISH) for _ in range(4))))
        else:
            found.append(Item("text", "；".join(_said(luck, _SENTENCES) for _ in range(luck.randrange(3, 7))) + "。"))
    return found


def revised(items: Sequence[Item], changes: int, seed: int = 11) -> tuple[list[Item], list[Planted]]:
    """The second version, with as many differences, of every kind in turn, and what they are."""
    luck = random.Random(seed)
    places = [at for at, item in enumerate(items) if item.kind == "text" and 3 < at < len(items) - 3]
    chosen = sorted(luck.sample(places[::3], changes))
    planted: list[Planted] = []
    after: list[Item] = []
    held: list[Item] = []
    for at, item in enumerate(items):
        if at not in chosen:
            after.append(item)
            continue
        way = _WAYS[chosen.index(at) % len(_WAYS)]
        after += way(item, luck, planted, held)
    # What was taken out to be moved stands at the end, behind everything.
    return [*after, *held], planted


def docx_of(items: Sequence[Item]) -> bytes:
    """As Word."""
    from docx import Document

    document = Document()
    document.sections[0].header.paragraphs[0].text = HEAD
    for item in items:
        if item.kind == "table":
            rows = [row.split("\t") for row in item.text.split("\n")]
            table = document.add_table(rows=len(rows), cols=len(rows[0]))
            for cells, row in zip(table.rows, rows, strict=True):
                for cell, text in zip(cells.cells, row, strict=True):
                    cell.text = text
        elif item.kind == "heading":
            document.add_heading(item.text)
        else:
            document.add_paragraph(item.text)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pdf_of(items: Sequence[Item], *, head: str = HEAD, size: float = 14) -> bytes:
    """As PDF, set by reportlab; `size` of the letters decides about the number of pages and where lines break."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = {"fontName": "STSong-Light", "leading": size * 1.6, "spaceAfter": size * 0.7, "fontSize": size}
    chinese = ParagraphStyle("chinese", wordWrap="CJK", **style)
    english = ParagraphStyle("english", **{**style, "fontName": "Helvetica"})
    grid = [("FONT", (0, 0), (-1, -1), "STSong-Light", size)]
    flow = [
        Table([row.split("\t") for row in item.text.split("\n")], style=grid)
        if item.kind == "table"
        else Paragraph(item.text, english if item.text.isascii() else chinese)
        for item in items
    ]

    def frame(canvas: object, document: object) -> None:
        number = document.page  # type: ignore[attr-defined]
        canvas.setFont("STSong-Light", 9)  # type: ignore[attr-defined]
        canvas.drawString(72, 800, head)  # type: ignore[attr-defined]
        canvas.drawCentredString(297, 30, f"第 {number} 页")  # type: ignore[attr-defined]

    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, invariant=1).build(flow, onFirstPage=frame, onLaterPages=frame)
    return buffer.getvalue()


def told(comparison: Comparison, left: str, right: str) -> Counter[Planted]:
    """The differences that a comparison tells of, as they are planted.

    What went in one place and came in another moved, also where it was told in two rows: a reader of PDF may have
    taken a paragraph for the end of the table before it.
    """
    found: Counter[Planted] = Counter()
    for row in comparison.rows:
        if row.kind is Kind.CHANGED:
            found[_planted(_marked(left, row.left), _marked(right, row.right))] += 1
        elif row.kind is Kind.MOVED and row.left:
            found[Planted(row.kind, _whole(left, row.left), _whole(left, row.left))] += 1
        elif row.kind in {Kind.LEFT_ONLY, Kind.RIGHT_ONLY}:
            found[_planted(_whole(left, row.left), _whole(right, row.right))] += 1
    for gone in [one for one in found if not one.right and _planted("", one.left) in found]:
        found -= Counter([gone, _planted("", gone.left)])
        found[Planted(Kind.MOVED, gone.left, gone.left)] += 1
    return found


def _planted(left: str, right: str) -> Planted:
    return Planted(Kind.CHANGED if left and right else Kind.LEFT_ONLY if left else Kind.RIGHT_ONLY, left, right)


def bare(text: str) -> str:
    """A text without its white space."""
    return _SPACE.sub("", text)


def _whole(text: str, stretches: Sequence[Stretch]) -> str:
    return "".join(bare(text[stretch.start : stretch.end]) for stretch in stretches)


def _marked(text: str, stretches: Sequence[Stretch]) -> str:
    marked = ""
    for stretch in stretches:
        pieces = "|".join(bare(text[start:end]) for start, end in stretch.marks)
        marked += pieces if stretch.goes_on or not marked or not pieces else f"|{pieces}"
    return marked


def _said(luck: random.Random, sentences: Sequence[str]) -> str:
    sentence = luck.choice(sentences)
    english = sentence.isascii()
    return sentence.format(
        who=luck.choice(_WHO),
        boss=luck.choice(_BOSS),
        what=luck.choice(_ENGLISH_WHAT if english else _WHAT),
        period=luck.choice(("month", "quarter") if english else ("月", "季度", "年")),
        n=luck.randrange(12, 99),
        share=luck.randrange(10, 60) / 10,
        amount=_amount(luck),
    )


def _amount(luck: random.Random) -> str:
    return f"{luck.randrange(1_000_000, 9_999_999):,}"


def _another_number(item: Item, luck: random.Random, planted: list[Planted], _held: list[Item]) -> list[Item]:
    found = luck.choice(list(_NUMBER.finditer(item.text)))
    # Two digits change places, as they do when somebody types a figure.
    other = found[0][:-2] + found[0][-1] + found[0][-2]
    if other == found[0] or not found[0][-2].isdigit():
        other = found[0][:-1] + str((int(found[0][-1]) + 1) % 10)
    planted.append(_planted(found[0], other))
    return [Item("text", item.text[: found.start()] + other + item.text[found.end() :])]


def _longer(item: Item, luck: random.Random, planted: list[Planted], _held: list[Item]) -> list[Item]:
    more = (
        f" Revision {luck.randrange(1000)} applies here."
        if item.text.isascii()
        else f"另按新规执行{luck.randrange(1000)}号令。"
    )
    planted.append(_planted("", bare(more)))
    return [Item("text", item.text + more)]


def _shorter(item: Item, _luck: random.Random, planted: list[Planted], _held: list[Item]) -> list[Item]:
    start = item.text.index(". " if item.text.isascii() else "；") + 1
    end = item.text.find(". " if item.text.isascii() else "；", start) + 1 or len(item.text)
    planted.append(_planted(bare(item.text[start:end]), ""))
    return [Item("text", item.text[:start] + item.text[end:])]


def _gone(item: Item, _luck: random.Random, planted: list[Planted], _held: list[Item]) -> list[Item]:
    planted.append(_planted(bare(item.text), ""))
    return []


def _new(item: Item, luck: random.Random, planted: list[Planted], _held: list[Item]) -> list[Item]:
    added = f"本条为新增条款，编号{luck.randrange(10_000)}，自发布之日起施行，原有规定与本条不一致的以本条为准。"
    planted.append(_planted("", bare(added)))
    return [item, Item("text", added)]


def _elsewhere(item: Item, _luck: random.Random, planted: list[Planted], held: list[Item]) -> list[Item]:
    planted.append(Planted(Kind.MOVED, bare(item.text), bare(item.text)))
    held.append(item)
    return []


_WAYS = (_another_number, _longer, _shorter, _gone, _new, _another_number, _elsewhere)
