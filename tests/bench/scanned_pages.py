"""Pages as scanners and telephones give them, made on the spot, each with the text that stands on it.

Everything follows from a seed: the same page is the same page on every machine with the same fonts.
"""

import io
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

DOTS_PER_INCH = 200
_WIDTH, _HEIGHT, _MARGIN = 1654, 2339, 190  # A4 at 200 dpi
_FONTS = tuple(
    Path("/usr/share/fonts/opentype/noto") / name for name in ("NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc")
)
_SIMPLIFIED = 2  # the face of simplified Chinese in these collections
_BODY_PX, _HEADING_PX = 30, 46
_INK = (28, 28, 32)

_SUBJECTS = ("核查组", "受核查方", "江南热电厂", "技术负责人", "数据统计部门", "计量管理岗", "第三方检测机构")
_VERBS = ("核对了", "抽查了", "交叉核验了", "重新计算了", "现场查看了", "要求补充", "确认了")
_OBJECTS = (
    "二号锅炉燃煤的低位发热量", "外购电力结算单", "化石燃料消耗量台账", "皮带秤校准记录", "元素碳含量检测报告",
    "生产月报与财务明细账", "排放因子的来源", "监测计划的执行情况", "温室气体排放报告", "煤样的留存与送检",
)  # fmt: skip
_TAILS = (
    "未发现不符合项。", "结果一致，偏差在允许范围之内。", "并留存了照片及复印件。", "发现一处需要澄清的问题。",
    "其数据可追溯至原始凭证。", "检测频次符合《核算指南》的要求。", "缺失部分按保守性原则处理。",
)  # fmt: skip
_ENGLISH = (
    "The verification team reviewed the emission factor of purchased electricity.",
    "Activity data were cross-checked against invoices and monthly reports.",
    "No material misstatement was found within the reporting boundary.",
    "GHG statement prepared in accordance with ISO 14064-1:2018.",
)
_TITLES = ("年度温室气体排放核查报告", "现场核查记录", "燃料消耗量统计说明", "不符合项关闭情况说明", "检测报告")


@dataclass(frozen=True)
class ScannedPage:
    """A page as a file, and the lines that a person reads on it."""

    content: bytes
    kind_code: str
    text: str


def fonts_present() -> bool:
    """Whether pages can be made on this machine."""
    return all(font.exists() for font in _FONTS)


def pages(kind: str, count: int) -> Iterator[ScannedPage]:
    """`count` pages of one class of CLASSES."""
    for number in range(count):
        yield CLASSES[kind](random.Random(f"{kind} {number}"))


def _clean(chance: random.Random) -> ScannedPage:
    return _file(*_prose(chance), chance)


def _tilted(chance: random.Random) -> ScannedPage:
    picture, text = _prose(chance)
    degrees = chance.choice((-1, 1)) * chance.uniform(1, 3)
    return _file(picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white"), text, chance)


def _sideways(chance: random.Random) -> ScannedPage:
    picture, text = _prose(chance)
    return _file(picture.rotate(chance.choice((90, 180, 270)), expand=True), text, chance)


def _noisy(chance: random.Random) -> ScannedPage:
    """A worn copy: grain, specks, soft edges, a grey ground, hard JPEG compression."""
    picture, text = _prose(chance)
    soft = picture.convert("L").filter(ImageFilter.GaussianBlur(0.9)).point(lambda value: 38 + value * 0.8)
    grain = Image.effect_noise(soft.size, 34)
    worn = ImageChops.add(soft, grain, 1, -128)
    draw = ImageDraw.Draw(worn)
    for _ in range(500):
        x, y, r = chance.randrange(_WIDTH), chance.randrange(_HEIGHT), chance.choice((1, 1, 2))
        draw.ellipse((x, y, x + r, y + r), fill=chance.randrange(60, 140))
    return _file(worn, text, chance, quality=45)


def _stamped(chance: random.Random) -> ScannedPage:
    """A red seal over the text, as on nearly every letter."""
    picture, text = _prose(chance)
    seal = Image.new("RGB", picture.size, "white")
    draw = ImageDraw.Draw(seal)
    red = (chance.randrange(190, 225), chance.randrange(20, 50), chance.randrange(25, 55))
    x, y = chance.randrange(600, 1000), chance.randrange(700, 1500)
    draw.ellipse((x, y, x + 330, y + 330), outline=red, width=11)
    star = _font(120, 0)
    draw.text((x + 165, y + 150), "★", font=star, fill=red, anchor="mm")
    draw.text((x + 165, y + 262), "核查专用章", font=_font(40, 1), fill=red, anchor="mm")
    seal = seal.rotate(chance.uniform(-15, 15), Image.Resampling.BICUBIC, center=(x + 165, y + 165), fillcolor="white")
    return _file(ImageChops.multiply(picture, seal), text, chance)


def _table(chance: random.Random) -> ScannedPage:
    picture, draw = _sheet()
    font, lines = _font(_BODY_PX, 0), ["化石燃料消耗量及排放量汇总表"]
    draw.text((_WIDTH // 2, _MARGIN), lines[0], font=_font(_HEADING_PX, 0), fill=_INK, anchor="ma")
    rows = [("月份", "燃料品种", "消耗量（t）", "低位发热量", "排放量（tCO2）")]
    rows += [
        (f"{month}月", chance.choice(("烟煤", "柴油", "天然气", "焦炭")),
         f"{chance.randrange(900, 99_999):,}.{chance.randrange(10)}",
         f"{chance.uniform(20, 43):.3f}", f"{chance.randrange(1000, 250_000):,}.{chance.randrange(100):02}")
        for month in range(1, 13)
    ]  # fmt: skip
    edges, top, height = (_MARGIN, 350, 620, 880, 1150, _WIDTH - _MARGIN), _MARGIN + 120, 66
    for number, row in enumerate(rows):
        for left, right, cell in zip(edges, edges[1:], row, strict=False):
            y = top + number * height
            draw.rectangle((left, y, right, y + height), outline=_INK, width=2)
            draw.text(((left + right) // 2, y + height // 2), cell, font=font, fill=_INK, anchor="mm")
        lines.append(" ".join(row))
    lines += _lines(draw, chance, top + len(rows) * height + 60, 12, font)
    return _file(picture, "\n".join(lines), chance)


def _photographed(chance: random.Random) -> ScannedPage:
    """A page photographed by hand: seen from the side, a shadow across it, a table around it, a camera's JPEG."""
    picture, text = _prose(chance)
    width, height = picture.size
    lean = [chance.uniform(0.015, 0.045) for _ in range(8)]
    corners = [
        (-lean[0] * width, -lean[1] * height), (-lean[2] * width, height * (1 + lean[3])),
        (width * (1 + lean[4]), height * (1 + lean[5])), (width * (1 + lean[6]), -lean[7] * height),
    ]  # fmt: skip
    quad = tuple(value for corner in corners for value in corner)
    ground = tuple(chance.randrange(70, 130) for _ in range(3))
    seen = picture.transform(picture.size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC, fillcolor=ground)
    shade = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))).resize(seen.size)
    shade = shade.point(lambda value: 120 + value * 0.5)
    lit = ImageChops.multiply(seen, Image.merge("RGB", (shade, shade, shade.point(lambda value: value * 0.94))))
    grain = Image.effect_noise(lit.size, 9).convert("RGB")
    return _file(ImageChops.add(lit.filter(ImageFilter.GaussianBlur(0.6)), grain, 1, -128), text, chance, quality=80)


CLASSES: Mapping[str, Callable[[random.Random], ScannedPage]] = MappingProxyType({
    "clean": _clean, "tilted": _tilted, "sideways": _sideways, "noisy": _noisy, "stamped": _stamped, "tables": _table,
    "photographed": _photographed,
})  # fmt: skip


def _prose(chance: random.Random) -> tuple[Image.Image, str]:
    picture, draw = _sheet()
    title = f"{chance.choice(_SUBJECTS[2:3])}{chance.randrange(2023, 2027)}年{chance.choice(_TITLES)}"
    face = chance.randrange(2)
    draw.text((_WIDTH // 2, _MARGIN), title, font=_font(_HEADING_PX, face), fill=_INK, anchor="ma")
    lines = _lines(draw, chance, _MARGIN + 110, 34, _font(_BODY_PX, face))
    return picture, "\n".join([title, *lines])


def _lines(
    draw: ImageDraw.ImageDraw, chance: random.Random, top: int, count: int, font: ImageFont.FreeTypeFont
) -> list[str]:
    lines: list[str] = []
    text = ""
    while len(lines) < count:
        text += _sentence(chance)
        while len(lines) < count and font.getlength(text) > _WIDTH - 2 * _MARGIN:
            cut = _cut(text, font)
            lines.append(text[:cut].strip())
            text = text[cut:].lstrip()
    for number, line in enumerate(lines):
        draw.text((_MARGIN, top + number * 54), line, font=font, fill=_INK)
    return lines


def _cut(text: str, font: ImageFont.FreeTypeFont) -> int:
    """Where a line ends: never inside an English word or a number, never before a closing mark."""
    end = max(end for end in range(1, len(text)) if font.getlength(text[:end]) <= _WIDTH - 2 * _MARGIN)
    cut = end
    while cut > 1 and (
        (text[cut - 1].isascii() and text[cut].isascii() and text[cut] != " ") or text[cut] in "，。；：、》）%"
    ):
        cut -= 1
    return cut if cut > end // 2 else end


def _sentence(chance: random.Random) -> str:
    if chance.random() < 0.15:
        return chance.choice(_ENGLISH)
    said = f"{chance.choice(_SUBJECTS)}{chance.choice(_VERBS)}{chance.choice(_OBJECTS)}"
    if chance.random() < 0.6:
        said += chance.choice((
            f"，共{chance.randrange(2, 400)}份",
            f"，合计{chance.randrange(1000, 900_000):,}.{chance.randrange(10, 99)}吨",
            f"（{chance.randrange(2022, 2026)}年{chance.randrange(1, 13)}月{chance.randrange(1, 29)}日）",
            f"，编号HC-{chance.randrange(2020, 2027)}-{chance.randrange(1000):03}",
            f"，占{chance.uniform(0.1, 99):.2f}%",
        ))  # fmt: skip
    return f"{said}，{chance.choice(_TAILS)}"


def _sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), (252, 251, 249))
    return picture, ImageDraw.Draw(picture)


def _font(size: int, face: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS[face]), size, index=_SIMPLIFIED)


def _file(picture: Image.Image, text: str, chance: random.Random, *, quality: int = 88) -> ScannedPage:
    """Half of the pages are pictures, half are PDF files that hold nothing but the picture."""
    buffer = io.BytesIO()
    form = chance.choice(("JPEG", "PDF"))
    picture.save(
        buffer,
        form,
        quality=quality,
        **({"resolution": DOTS_PER_INCH} if form == "PDF" else {"dpi": (DOTS_PER_INCH, DOTS_PER_INCH)}),
    )
    return ScannedPage(buffer.getvalue(), "pdf" if form == "PDF" else "jpeg", text)
