"""The agenda of management reviews as a file: what it may say, and what is refused with its line."""

import pytest

from archive_app.management.reviews.agenda import agenda, name_of, parse_agenda
from archive_app.settings import CONFIG, SettingsError

TEXT = (CONFIG / "management_review.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('park = ["S2"]', 'park = ["S9"]', "names a document that does not exist: S9"),
        ('park = ["S2"]\n', "", "says nothing of park"),
        ('park = ["S2"]', 'park = ["S2"]\nclub = ["S1"]', "is no kind of organisation"),
        ('"S1 10.3.2a", "S2 10.3a"', '"S1 10.3.2a", "S2 10.3z"', "names a clause that does not exist: S2 10.3z"),
        ('sources = ["S1 10.3.2c"]', "sources = []", "is empty: nothing asks for it"),
        ('code = "targets"', 'code = "policy"', "stands twice: policy"),
        ('kind = "record"', 'kind = "minutes"', "is wrong"),
        ('inputs = ["targets"]', 'inputs = ["targets", "stakeholder_needs"]', "is no input of it"),
        ('inputs = ["targets"]', "inputs = []", "leave out the input targets"),
        ('facts = "decisions"', 'facts = "time"', "put the decisions into exactly one section"),
        ('code = "b_time"', 'code = "record"', "stands twice: record"),
        ('source = "S2 B"', 'source = "S2 C"', "names a clause that does not exist: S2 C"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(old: str, new: str, reason: str) -> None:
    assert old in TEXT
    with pytest.raises(SettingsError, match=r"a\.toml:") as refused:
        parse_agenda(TEXT.replace(old, new, 1), "a.toml")
    assert reason in str(refused.value)


def test_every_code_has_its_name_and_what_was_dropped_keeps_its_code() -> None:
    assert name_of("audits", "zh_Hans_CN") == "审核结果"
    assert name_of("audits", "en") == "Results of audits"
    assert name_of("dropped_long_ago", "en") == "dropped_long_ago"
    assert [chapter.name.zh for chapter in agenda().report.chapters] == [
        "评审事项说明", "产业园区基本情况", "产业园区碳排放管理情况", "产业园区碳排放状况分析",
        "碳排放目标指标完成情况",
        "评审建议",
    ]  # fmt: skip
