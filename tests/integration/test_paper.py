"""Set pages and what stands on them: hostile words are words, nothing becomes a box, bars can be read back."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from archive_app.filing.outputs.codes import bar_modules, scanned_number, square_rows
from archive_app.filing.outputs.papers import NotNumberedError, Paper, papers_pdf, register_pdf
from archive_app.filing.reading import CaseFileView, ItemView, ReopeningView, SealView
from archive_app.kernel import typesetting
from archive_app.kernel.fonts import chinese_font_file
from archive_app.kernel.typesetting import NoChineseFontError, TypesettingError, drawable_text, plain_text, typeset
from search.reading import ReadingError, set_pages
from tests.printed import page_texts, picture, scanned, squeezed

ZH = "zh_Hans_CN"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MARKUP = '#panic("x") *粗* $x^2$ = @a <b> #include("/etc/passwd") \\u{41} ` // {#let a = 1}'
HOSTILE = {
    "markup": MARKUP,
    "long": "长" * 150 + "x" * 150,
    "turned": "报\u202eFDP.exe\u2066 \u200e\u200b告",
    "lines": "甲\n乙\r\n丙\u2028丁\x00\x1b",
    "signs": "😀 ‱ ﷽ Ω 𠮷",
    "figures": "1.5×10⁻⁶ tCO₂/m³",
}
TEMPLATE = (
    '#import "paper.typ": *\n#show: paper.with(foot: data.foot)\n#title(data.title)\n#for one in data.all { told(one) }'
)
NUMBER = "J019-ZY·HC·2026·D10-001"


def view(**changes: Any) -> CaseFileView:
    """A case file of three items, one of them not to be seen."""
    items = (
        ItemView("1", 1, f"{NUMBER}-001", 3, 1, title=MARKUP, type="work_plan", originator="绿源核查", document_id="a"),
        ItemView("2", 2, f"{NUMBER}-002", 2, 4, hidden=True),
        ItemView(
            "3", 3, f"{NUMBER}-003", None, None, title="二〇二五年度排放报告", type="emission_report",
            originator="江南热电有限公司", document_number="江热〔2026〕7号", dated_on=date(2026, 3, 9),
            late_reason="客户后补", level=3, document_id="c",
        ),
    )  # fmt: skip
    made = CaseFileView(
        id="f", engagement_id="e", organisation_id="o", organisation_name="绿源核查技术有限公司",
        client_name="江南热电有限公司", engagement_number="HC-2026-017", engagement_title="年度核查",
        engagement_year=2025, position=1, count=2, title="江南热电有限公司 2025 年度温室气体排放核查案卷（一）",
        number=NUMBER,
        fonds="J019", category="ZY·HC", year=2026, retention="D10", remark="附光盘一张", created_at=NOW, voided_at=None,
        voided_reason="", pages=5, from_date=date(2026, 3, 1), to_date=date(2026, 3, 9), submitted_by="张敏",
        submitted_at=NOW, accepted_by="顾言", accepted_at=NOW, sealed_at=NOW, items=items,
        seals=(SealView(1, "first", "d", "ab" * 32, 3, "顾言", NOW),),
        reopenings=(ReopeningView("补充整改证据", "顾言", NOW, 0),),
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "some.typ"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def test_hostile_words_are_printed_as_words(template: Path) -> None:
    facts = {"title": MARKUP, "foot": MARKUP, "all": list(HOSTILE.values())}
    made = typeset(template, facts, language=ZH, moment=NOW)
    text = squeezed("".join(page_texts(made)))
    for words in HOSTILE.values():
        assert squeezed(drawable_text(words)) in text
    assert text.count(squeezed(MARKUP)) == 3
    assert "\u202e" not in text
    assert "[U+1F600]" in text
    # PDF/A: whoever opens it in thirty years has the font, and a sign without a shape would have been refused.
    assert b"pdfaid:part" in made
    assert made == typeset(template, facts, language=ZH, moment=NOW)


def test_texts_lose_what_is_not_seen() -> None:
    assert plain_text(HOSTILE["turned"]) == "报FDP.exe 告"
    assert plain_text(HOSTILE["lines"]) == "甲\n乙\n丙\n丁"
    assert plain_text("a\tb\ud800\ue000") == "a b"
    assert drawable_text("核查 CO₂") == "核查 CO₂"


def test_nothing_is_printed_without_a_font_or_with_a_sign_that_it_lacks(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    font = chinese_font_file()
    assert font is not None
    files = {"main.typ": '#set text(font: json("data.json").font, fallback: false)\n😀'}
    with pytest.raises(ReadingError) as refused:
        set_pages(files, {}, font=(font[0].resolve(), font[1]), moment=NOW)
    assert refused.value.code == "unsupported"
    with pytest.raises(TypesettingError):
        typeset(template, {"title": "没有其余的"}, language=ZH, moment=NOW)
    monkeypatch.setattr(typesetting, "chinese_font_file", lambda: None)
    with pytest.raises(NoChineseFontError) as told:
        typeset(template, {"title": "x"}, language=ZH, moment=NOW)
    assert "fonts" in told.value.text("en")


def test_the_compiler_reaches_no_file_no_network_and_no_end(template: Path) -> None:
    for asked in ('#read("/etc/hostname")', '#import "@preview/cetz:0.3.0"', "#let f(n) = f(n + 1)\n#f(0)"):
        template.write_text(asked, encoding="utf-8")
        with pytest.raises(TypesettingError):
            typeset(template, {}, language=ZH, moment=NOW)


def test_the_papers_of_a_case_file_say_what_it_holds() -> None:
    file = view()
    made = papers_pdf(file, (Paper.COVER, Paper.CATALOGUE, Paper.NOTE), language=ZH, moment=NOW)
    cover, catalogue, note = map(squeezed, page_texts(made))
    for told in (
        file.title,
        file.organisation_name,
        file.client_name,
        NUMBER,
        "10年",
        "2026-03-01–2026-03-09",
        "全宗名称",
    ):
        assert squeezed(told) in cover
    for told in (
        "卷内目录",
        MARKUP,
        "二〇二五年度排放报告",
        "江热〔2026〕7号",
        "2026-03-09",
        "补充归档",
        "3件",
        "补充归档",
    ):
        assert squeezed(told) in catalogue
    for told in ("卷内备考表", "附光盘一张", "客户后补", "补充整改证据", "ab" * 32, "张敏", "顾言"):
        assert squeezed(told) in note
    assert scanned(picture(made)) == {scanned_number(NUMBER)}
    # Not numbered yet: it can be looked at, and has no code and no label.
    draft = replace(file, number="", seals=(), reopenings=())
    text = squeezed(page_texts(papers_pdf(draft, (Paper.COVER,), language="en", moment=NOW))[0])
    assert "Notnumberedyet" in text
    with pytest.raises(NotNumberedError):
        papers_pdf(draft, (Paper.LABELS,), language=ZH, moment=NOW)


@pytest.mark.parametrize("width", [20, 50])
def test_labels_can_be_scanned(width: int) -> None:
    title = "长" * 120
    made = papers_pdf(view(title=title), (Paper.LABELS,), language=ZH, moment=NOW, spine_mm=width)
    page = picture(made)
    assert len(page_texts(made)) == 1
    # The one on the box lies, the one on the spine stands.
    assert scanned(page) == {scanned_number(NUMBER)}
    assert scanned(page.crop((0, 0, page.width // 4, page.height)).rotate(90, expand=True)) == {scanned_number(NUMBER)}


def test_the_catalogue_of_case_files_lists_them() -> None:
    second = NUMBER.replace("001", "002")
    text = squeezed(page_texts(register_pdf([view(), view(number=second)], language=ZH, moment=NOW))[0])
    assert squeezed("案卷目录") in text
    assert squeezed(NUMBER) in text
    assert squeezed(second) in text


def test_codes_hold_the_number() -> None:
    assert scanned_number("J019-ZY·HC·2026·D10-001") == "J019-ZY.HC.2026.D10-001"
    assert bar_modules("") == ""
    assert bar_modules("档-1") == ""
    rows = square_rows(NUMBER)
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == len(rows[0])
    assert set(rows[0]) == {"0"}
    finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert [row[4:11] for row in rows[4:11]] == finder
