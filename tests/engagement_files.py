"""The files of one engagement as they come from a site: photographs, colour scans, PDF, XLSX and DOCX, by seed.

    python -m tests.engagement_files FOLDER [FILES]

A power plant's twelve months are 300 files and 1 GB; fewer files keep the mixture. No two are the same.
"""

import io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from xlsxwriter import Workbook

FILES = 300
_PLANTS = ("一号机组", "二号机组", "燃料车间", "化学水处理间", "计量间", "煤场", "脱硫岛")
_ITEMS = ("入炉煤低位发热量", "外购电量", "柴油消耗量", "供热量", "元素碳含量", "计量器具检定", "入厂煤采制化")
_FONT = "STSong-Light"


def write_engagement(folder: Path, files: int = FILES, *, seed: int = 1) -> list[Path]:
    """Writes the files below `folder`, in a folder for each kind; returns their paths."""
    written = []
    for number, (kind, make) in enumerate(_mixture(files)):
        chance = random.Random(f"{seed}-{number}")
        month = 1 + number % 12
        words = f"2025年{month:02}月_{chance.choice(_PLANTS)}_{chance.choice(_ITEMS)}_{number + 1:03}"
        path = folder / kind / f"{words}.{_ENDINGS[kind]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(chance, words))
        written.append(path)
    return written


def _mixture(files: int) -> Iterator[tuple[str, Callable[[random.Random, str], bytes]]]:
    """Of ten files four are photographs, two scans, two PDFs, one a workbook, one a letter."""
    turn = (
        ("现场照片", _photograph), ("扫描件", _scan), ("现场照片", _photograph), ("报告", _report), ("台账", _ledger),
        ("现场照片", _photograph), ("扫描件", _scan), ("报告", _report), ("现场照片", _photograph), ("函件", _letter),
    )  # fmt: skip
    for number in range(files):
        yield turn[number % len(turn)]


_ENDINGS = {"现场照片": "jpg", "扫描件": "pdf", "报告": "pdf", "台账": "xlsx", "函件": "docx"}


def _photograph(chance: random.Random, words: str) -> bytes:
    """A picture of twelve megapixels whose grain makes it as large as a telephone's: 3 to 6 MB."""
    picture = _grainy(chance, (4032, 3024), softness=chance.uniform(0.55, 0.8))
    ImageDraw.Draw(picture).rectangle((200, 200, 1400, 900), fill=tuple(chance.randbytes(3)))
    return _jpeg(picture, 90)


def _scan(chance: random.Random, words: str) -> bytes:
    """Pages of A4 in colour at 200 dpi, 1 to 2 MB each."""
    pages = []
    for _page in range(chance.randint(3, 6)):
        paper = _grainy(chance, (1654, 2339), softness=0.5, tone=0.9)
        draw = ImageDraw.Draw(paper)
        for line in range(40):
            draw.line((150, 200 + line * 50, 150 + chance.randint(400, 1350), 200 + line * 50), (40, 40, 60), 9)
        draw.ellipse((1000, 1700, 1400, 2100), outline=(200, 30, 30), width=14)
        pages.append(_jpeg(paper, 90))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, (595, 842), invariant=1)
    canvas.setTitle(words)
    for page in pages:
        canvas.drawImage(ImageReader(io.BytesIO(page)), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _report(chance: random.Random, words: str) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, (595, 842), invariant=1)
    canvas.setTitle(words)
    for page in range(chance.randint(4, 30)):
        canvas.setFont(_FONT, 14)
        canvas.drawString(70, 780, f"{words} 第{page + 1}页")
        canvas.setFont(_FONT, 10)
        for line in range(40):
            canvas.drawString(70, 750 - line * 17, _sentence(chance))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _ledger(chance: random.Random, words: str) -> bytes:
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        for name in ("消耗量", "低位发热量", "汇总"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ("日期", "项目", "数值", "单位", "数据来源", "责任部门"))
            for row in range(1, chance.randint(400, 4000)):
                value = round(chance.uniform(10, 90_000), 3)
                cells = (
                    f"2025-{1 + row % 12:02}-{1 + row % 28:02}",
                    chance.choice(_ITEMS),
                    value,
                    "t",
                    words,
                    "生技部",
                )
                sheet.write_row(row, 0, cells)
    return buffer.getvalue()


def _letter(chance: random.Random, words: str) -> bytes:
    document = docx.Document()
    document.add_heading(words, 1)
    for _paragraph in range(chance.randint(20, 120)):
        document.add_paragraph(_sentence(chance) + _sentence(chance))
    document.add_picture(io.BytesIO(_jpeg(_grainy(chance, (1200, 900), softness=0.6), 85)))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _sentence(chance: random.Random) -> str:
    value = f"{chance.uniform(1, 99_999):,.2f}"
    return (
        f"{chance.choice(_PLANTS)}{chance.choice(_ITEMS)}为{value},与台账核对一致,凭证号{chance.randrange(10**8):08}。"
    )


def _grainy(chance: random.Random, size: tuple[int, int], *, softness: float, tone: float = 0.5) -> Image.Image:
    """Grain on a slope of light. The grain is a tile, so that making it takes less time than encoding it."""
    tile = Image.frombytes("RGB", (512, 512), chance.randbytes(512 * 512 * 3)).filter(
        ImageFilter.GaussianBlur(softness)
    )
    grain = Image.new("RGB", size)
    for left in range(0, size[0], 512):
        for top in range(0, size[1], 512):
            grain.paste(tile.rotate(90 * ((left + top) // 512 % 4)), (left, top))
    light = Image.linear_gradient("L").resize(size).convert("RGB")
    paper = Image.blend(light, Image.new("RGB", size, "white"), tone)
    return Image.blend(paper, grain, 0.3)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


if __name__ == "__main__":
    made = write_engagement(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else FILES)
    print(f"{len(made)} files, {sum(path.stat().st_size for path in made) / 1e6:,.0f} MB")
