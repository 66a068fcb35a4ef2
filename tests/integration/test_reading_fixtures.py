"""Files of a real office program: every planted text is found, at its place, without a broken character."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from search.reading import extract_text, identify
from tests.reading_here import places_and_texts

FIXTURES = Path(__file__).parent.parent / "fixtures"
REPORT = {
    "paragraph:1": "二氧化碳排放量核查报告",
    "paragraph:2": "verified emission factor 0.5703",
    "paragraph:3": "第一段：燃煤锅炉全年排放 12,345.67 吨。  両端の〇㎡①€—“引号”",
    "paragraph:4": "第二段制表\t之后\n换行，生僻字𠮷𪚥。",
    "paragraph:5": "链接文字后文",
    "paragraph:6": "设施\t排放量",
    "paragraph:7": "一号锅炉\t1234.5",
    "paragraph:8": "文本框之前。",
    "paragraph:9": "清单甲",
    "paragraph:10": "清单乙",
    "paragraph:11": "末尾",
    "header": "页眉：青山认证中心内部资料",
    "footer": "页脚：编号 QS-2026-017",
    "footnote:1": "脚注：数据来自月度台账。",
    "footnote:2": "尾注：完。",
    "comment:1": "批注：请补充凭证。",
    "body": "文本框里的话",
}
SLIDES = {
    "slide:1": "二氧化碳排放量核查报告\n要点一：边界\n要点二：方法",
    "notes:1": "演讲者备注内容",
    "slide:2": "verified emission factor 0.5703\n组合里的形状\nplain ascii shape",
}


def _read(name: str) -> dict[str, str]:
    packed = (FIXTURES / name).read_bytes()
    content = gzip.decompress(packed) if name.endswith(".gz") else packed
    kind = identify(content, name=name.removesuffix(".gz"))
    assert kind.code == name.removesuffix(".gz").rpartition(".")[2]
    result = extract_text(io.BytesIO(content), kind.code)
    assert (result.truncated, result.warnings) == (False, ())
    return dict(places_and_texts(result))


@pytest.mark.parametrize("name", ["report.doc", "report.rtf", "report.odt"])
def test_a_report(name: str) -> None:
    assert _read(name) == REPORT


@pytest.mark.parametrize("name", ["slides.ppt.gz", "slides.odp"])
def test_slides(name: str) -> None:
    assert _read(name) == SLIDES


@pytest.mark.parametrize(("name", "month"), [("table.xls", "2026-03-02"), ("table.ods", "2026年3月")])
def test_a_table(name: str, month: str) -> None:
    found = _read(name)
    assert found["row:排放汇总!1"] == "设施\t排放量\t日期"
    assert found["row:排放汇总!4"] == f"二氧化碳排放量核查报告\t98765.25\t{month}"
    assert found["row:Second!1!1"].startswith("verified emission factor 0.5703\t")
    assert "单元格批注" in found.values()
