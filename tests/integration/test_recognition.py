"""Recognition by the real engines, in the sandbox: what it reads, where that stands, and what it can never do."""

import io
import json
import math
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFont

from search.reading import DEFAULT_LIMITS, Limits, ReadingError, RecognisedPage, recognise_page, recognition_report
from search.reading import recognition as recognition_module
from search.reading.model import Isolation
from search.reading.sandbox import Answer, run_confined
from tests import files
from tests.bench.scanned_pages import CLASSES, fonts_present, pages
from tests.character_errors import distance, error_rate
from tests.engines import FULL, require

SLOW = Limits(memory_bytes=2 * 2**30, cpu_seconds=120, wall_seconds=240)
FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"


@pytest.fixture
def tesseract() -> None:
    require("tesseract")
    if not fonts_present():
        pytest.skip("fonts-noto-cjk is not installed")


def picture(*lines: str, size: tuple[int, int] = (1000, 420), form: str = "PNG", angle: int = 0) -> bytes:
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((60, 50 + 80 * number), line, font=ImageFont.truetype(FONT, 36, index=2), fill="black")
    buffer = io.BytesIO()
    sheet.rotate(-angle, expand=True).save(buffer, form)
    return buffer.getvalue()


def recognised(content: bytes, kind: str, page_index: int = 0, limits: Limits = SLOW) -> RecognisedPage:
    return recognise_page(io.BytesIO(content), kind, page_index, limits=limits)


@pytest.mark.usefixtures("tesseract")
def test_lines_come_with_confidence_and_place() -> None:
    page = recognised(picture("二氧化碳排放量核查报告", "verified emission factor 0.5703"), "png")
    lines = page.text.split("\n")
    assert lines == ["二氧化碳排放量核查报告", "verified emission factor 0.5703"]
    assert page.confidence > 80
    assert page.engine.startswith("tesseract/")
    assert [passage.start for passage in page.passages] == [0, len(lines[0]) + 1]
    for number, passage in enumerate(page.passages):
        assert passage.place == "page:1"
        assert passage.box is not None
        left, top, width, height = passage.box
        assert left * 1000 == pytest.approx(60, abs=8)
        assert 50 + 80 * number <= (top + height / 2) * 420 <= 110 + 80 * number
        assert width > 0.3


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("kind", ["clean", "tilted", "stamped", "tables"] if FULL else ["tables"])
def test_generated_pages_are_read(kind: str) -> None:
    page = next(pages(kind, 1))
    assert error_rate(recognised(page.content, page.kind_code).text, page.text) < 0.04


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("angle", [90, 180, 270] if FULL else [90])
def test_a_page_on_its_side_is_turned_and_its_boxes_are_those_of_the_page(angle: int) -> None:
    # Enough words for the direction of writing to be seen.
    lines = [f"核查组第{n}次抽查了外购电力结算单并确认了数据来源" for n in range(1, 9)]
    page = recognised(picture(*lines, size=(1100, 800), angle=angle), "png")
    assert page.turned == (360 - angle) % 360
    assert error_rate(page.text, "\n".join(lines)) < 0.05
    box = page.passages[0].box
    assert box is not None
    centre = (box[0] + box[2] / 2, box[1] + box[3] / 2)
    first = {90: (0.9, 0.45), 180: (0.55, 0.9), 270: (0.1, 0.55)}[angle]
    assert centre == pytest.approx(first, abs=0.12)


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize(
    ("form", "kind"), [("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp"), ("BMP", "bmp")][: None if FULL else 1]
)
def test_every_kind_of_picture_is_read(form: str, kind: str) -> None:
    assert "排放量核查" in recognised(picture("温室气体排放量核查", form=form), kind).text


@pytest.mark.usefixtures("tesseract")
def test_every_page_of_a_tiff_is_read() -> None:
    sheets = [Image.open(io.BytesIO(picture(f"第{number}页核查记录"))) for number in "一二三"]
    buffer = io.BytesIO()
    sheets[0].save(buffer, "TIFF", save_all=True, append_images=sheets[1:])
    page = recognised(buffer.getvalue(), "tiff", 2)
    assert (page.page_count, page.text, page.passages[0].place) == (3, "第三页核查记录", "page:3")
    with pytest.raises(ReadingError) as caught:
        recognised(buffer.getvalue(), "tiff", 3)
    assert caught.value.code == "unsupported"


@pytest.mark.usefixtures("tesseract")
def test_an_empty_page_has_no_text() -> None:
    page = recognised(files.image(size=(800, 600), colour="white"), "png")
    assert (page.text, page.passages, page.confidence) == ("", (), 0)


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize(
    ("content", "kind", "limits", "code"),
    [
        (lambda: files.png_of_claimed_size(20_000, 20_000), "png", SLOW, "too_large"),
        (lambda: files.truncated(picture("文字")), "png", SLOW, "unreadable"),
        (files.noise, "pdf", SLOW, "unreadable"),
        (lambda: files.pdf(password="secret"), "pdf", SLOW, "encrypted"),
        (lambda: b"text", "txt", SLOW, "unsupported"),
        (lambda: picture(*["文字" * 12] * 40, size=(1000, 3400)), "png", Limits(cpu_seconds=1), "timeout"),
        (lambda: picture("文字", size=(3000, 3000)), "png", Limits(memory_bytes=150 * 2**20), "memory"),
    ],
    ids=["pixels", "truncated", "noise", "password", "kind", "time", "memory"],
)
def test_a_hostile_page_costs_one_error(content: Callable[[], bytes], kind: str, limits: Limits, code: str) -> None:
    with pytest.raises(ReadingError) as caught:
        recognised(content(), kind, limits=limits)
    allowed = {code, "killed"} if code == "memory" else {code}
    assert caught.value.code in allowed


@pytest.mark.usefixtures("tesseract")
def test_the_engine_is_as_confined_as_every_reader() -> None:
    """It runs inside the same locked process: it starts no program, reads nothing but its data, reaches no network."""
    folder, _ = recognition_module._tessdata()
    for code, refused in (
        ("__import__('os').execv('/bin/true', ['true'])", "PermissionError"),
        ("open('/etc/passwd').read()", "PermissionError"),
        ("__import__('socket').socket()", "PermissionError"),
        (f"open({folder + '/new'!r}, 'w')", "PermissionError"),
    ):
        with pytest.raises(ReadingError, match=refused):
            run_confined(("builtins", "eval"), io.BytesIO(code.encode()), readable=(folder,))
    data = f"open({folder + '/eng.traineddata'!r}, 'rb').read(4)"
    assert run_confined(("builtins", "eval"), io.BytesIO(data.encode()), readable=(folder,)).content
    with pytest.raises(ReadingError, match="PermissionError"):
        run_confined(("builtins", "eval"), io.BytesIO(data.encode()))


def forget_engine() -> None:
    """Has the engine looked for again."""
    recognition_module._look_for_engine.cache_clear()


def test_a_look_for_the_engine_that_failed_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def overloaded(*_args: object, **_named: object) -> Answer:
        raise ReadingError("timeout", "the reader did not answer within its wall-clock limit")

    forget_engine()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(recognition_module, "run_confined", overloaded)
            assert recognition_report().engine is None
        facts = {"engine": "tesseract/5.3.0"}
        answer = Answer(facts, b"", Isolation((), 0, syscall_filter=False, gaps=()), input_cut=False)
        monkeypatch.setattr(recognition_module, "run_confined", lambda *_args, **_named: answer)
        assert recognition_report().engine == "tesseract/5.3.0"
    finally:
        monkeypatch.undo()
        forget_engine()


def test_missing_engines_and_data_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    require("tesseract")
    monkeypatch.setattr(recognition_module, "_WANTED", ("chi_sim", "eng", "tlh"))
    forget_engine()
    try:
        assert recognition_report().missing == ("tlh",)
        monkeypatch.setattr(recognition_module, "_TESSDATA", (str(tmp_path),))
        monkeypatch.setattr(recognition_module, "_described", lambda _folder: None)
        forget_engine()
        assert recognition_report().engine is None
        with pytest.raises(ReadingError) as caught:
            recognised(picture("文字"), "png")
        assert caught.value.code == "unsupported"
    finally:
        monkeypatch.undo()
        forget_engine()


@pytest.mark.usefixtures("tesseract")
def test_without_tesseract_the_wheel_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    require("rapidocr")
    monkeypatch.setattr(recognition_module, "_TESSDATA", ())
    forget_engine()
    try:
        page = recognised(picture("二氧化碳排放量核查报告", "emission factor 0.5703"), "png")
        assert page.engine.startswith("rapidocr/")
        assert error_rate(page.text, "二氧化碳排放量核查报告\nemission factor 0.5703") < 0.05
        assert all(passage.box for passage in page.passages)
    finally:
        monkeypatch.undo()
        forget_engine()


@pytest.mark.parametrize(
    "answer",
    [
        (b"[]", {"engine": "x", "turned": 0, "page_count": 1}),
        (b"[]", {"confidence": 1, "engine": "x", "turned": 0, "page_count": math.inf}),
        (b'[["a", 50, [0, 0, 1]]]', {}),
        (b'[["a\\nb", 50, [0, 0, 1, 1]]]', {}),
        (b'[["a", 101, [0, 0, 1, 1]]]', {}),
        (b'[["a", 50, [0, 0, 1, 1.5]]]', {}),
        (b'[["a", 50, [0, 0, 1, NaN]]]', {}),
        (b'{"a": 1}', {}),
        (b"no json", {}),
    ],
)
def test_an_answer_outside_of_the_protocol_is_refused(
    answer: tuple[bytes, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    body, given = answer
    facts = given or {"confidence": 1, "engine": "x", "turned": 0, "page_count": 1}
    reply = type("Reply", (), {"content": body, "facts": facts})
    monkeypatch.setattr(recognition_module, "run_confined", lambda *_args, **_named: reply)
    report = recognition_module.Recognition("rapidocr/0")
    monkeypatch.setattr(recognition_module, "recognition_report", lambda: report)
    with pytest.raises(ReadingError) as caught:
        recognise_page(io.BytesIO(b""), "png", 0, limits=DEFAULT_LIMITS)
    assert caught.value.code == "killed"


@pytest.mark.parametrize(
    ("one", "other", "edits"), [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("flaw", "lawn", 2)]
)
def test_character_errors_are_counted_right(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == edits


def test_there_are_pages_of_every_kind() -> None:
    assert set(CLASSES) == {"clean", "tilted", "sideways", "noisy", "stamped", "tables", "photographed"}


def test_what_no_store_could_carry_is_left_out_of_recognised_text(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [["\ud800\u0000", 50, [0, 0, 1, 1]], ["排\u0007放\ud83d", 50, [0, 0, 1, 1]], ["量", 50, [0, 0, 1, 1]]]
    facts = {"confidence": 1, "engine": "x\udc00\u0000/1", "turned": 0, "page_count": 1}
    reply = type("Reply", (), {"content": json.dumps(lines).encode(), "facts": facts})
    monkeypatch.setattr(recognition_module, "run_confined", lambda *_args, **_named: reply)
    report = recognition_module.Recognition("rapidocr/0")
    monkeypatch.setattr(recognition_module, "recognition_report", lambda: report)
    page = recognise_page(io.BytesIO(b""), "png", 0)
    assert (page.text, page.engine) == ("排放\n量", "x/1")
    assert [passage.start for passage in page.passages] == [0, 3]
