"""What file names, folders and beginnings of texts propose about a record, and what they do not."""

from datetime import date

import pytest

from archive_app.casework.records.days_in_names import day_in, period_in
from archive_app.casework.records.proposals import (
    REASONS,
    Proposal,
    Reason,
    Seen,
    pattern_of,
    propose,
    read_reasons,
    type_in,
    written_reasons,
)
from archive_app.engagements.record_types import all_record_types

TODAY = date(2026, 11, 21)

# A file name; the type, the period and the day of the evidence that are proposed for it. Empty: nothing.
NAMES = [
    ("江南热电2025年度温室气体排放报告.pdf", "emission_report", "2025-01-01..2025-12-31", ""),
    ("2025年度碳排放报告（终稿）.docx", "emission_report", "2025-01-01..2025-12-31", ""),
    ("GHG inventory FY 2025.xlsx", "emission_report", "2025-01-01..2025-12-31", ""),
    ("数据质量控制方案V2.1.pdf", "monitoring_plan", "", ""),
    ("监测计划-2026年.docx", "monitoring_plan", "2026-01-01..2026-12-31", ""),
    ("Data quality control plan 2025.pdf", "monitoring_plan", "2025-01-01..2025-12-31", ""),
    ("2025年1-12月能源台账.xlsx", "energy_ledger", "2025-01-01..2025-12-31", ""),
    ("能耗台账2025.xlsx", "energy_ledger", "2025-01-01..2025-12-31", ""),
    ("205-1表_能源购进消费与库存_202503.xls", "energy_ledger", "2025-03-01..2025-03-31", ""),
    ("energy_ledger_2025_Q3.csv", "energy_ledger", "2025-07-01..2025-09-30", ""),
    ("2025年3月电费发票.pdf", "invoice", "2025-03-01..2025-03-31", ""),
    ("增值税专用发票20250402.pdf", "invoice", "", "2025-04-02"),
    ("Invoice 2025-04-02 natural gas.pdf", "invoice", "", "2025-04-02"),
    ("购电结算单 2025年第四季度.pdf", "invoice", "2025-10-01..2025-12-31", ""),
    ("煤炭过磅单2025.03.14.jpg", "invoice", "", "2025-03-14"),
    ("发电量结算单-2025年6月.pdf", "invoice", "2025-06-01..2025-06-30", ""),
    ("电能表检定证书20240618.pdf", "calibration_certificate", "", "2024-06-18"),
    ("皮带秤校准证书（2025年3月14日）.pdf", "calibration_certificate", "", "2025-03-14"),
    ("Calibration_Certificate-belt-scale-14 March 2025.pdf", "calibration_certificate", "", "2025-03-14"),
    ("JJG 195-2019 皮带秤检定证书.pdf", "calibration_certificate", "", ""),
    ("入炉煤低位发热量化验报告2025年1月.pdf", "emission_factor", "2025-01-01..2025-01-31", ""),
    ("煤质化验报告-2025上半年.pdf", "emission_factor", "2025-01-01..2025-06-30", ""),
    ("元素碳含量检测报告202511.pdf", "emission_factor", "2025-11-01..2025-11-30", ""),
    ("Laboratory reports December 2025.zip", "emission_factor", "2025-12-01..2025-12-31", ""),
    ("1号锅炉天然气用量抄表记录2025年下半年.xlsx", "activity_data", "2025-07-01..2025-12-31", ""),
    ("入炉煤消耗量统计_2025年1月至3月.xlsx", "activity_data", "2025-01-01..2025-03-31", ""),
    ("coal consumption 202501-202512.xlsx", "activity_data", "2025-01-01..2025-12-31", ""),
    ("生产月报2025-07.xlsx", "production_data", "2025-07-01..2025-07-31", ""),
    ("产品产量汇总 2025年度.xlsx", "production_data", "2025-01-01..2025-12-31", ""),
    ("monthly production report Aug 2025.pdf", "production_data", "2025-08-01..2025-08-31", ""),
    ("核查工作方案.docx", "work_plan", "", ""),
    ("Verification plan HC-7.docx", "work_plan", "", ""),
    ("核查任务书〔2026〕12号.pdf", "assignment_letter", "", ""),
    ("公正性声明-顾言.pdf", "declaration", "", ""),
    ("资料交接清单2026-05-08.pdf", "material_list", "", "2026-05-08"),
    ("资料清单.xlsx", "material_list", "", ""),
    ("全厂平面布置图.dwg", "process_description", "", ""),
    ("主要设备清单(含铭牌参数).xlsx", "process_description", "", ""),
    ("工艺流程说明.docx", "process_description", "", ""),
    ("营业执照副本.jpg", "legal_papers", "", ""),
    ("排污许可证.pdf", "legal_papers", "", ""),
    ("文件评审表.docx", "document_review", "", ""),
    ("Desk review of Jiangnan plant.docx", "document_review", "", ""),
    ("现场核查计划20260512.docx", "site_plan", "", "2026-05-12"),
    ("首次会议签到表.pdf", "sign_in_sheet", "", ""),
    ("末次会议签到表_2026.5.14.pdf", "sign_in_sheet", "", "2026-05-14"),
    ("首次会议记录.docx", "opening_meeting", "", ""),
    ("opening meeting 2026-05-12.docx", "opening_meeting", "", "2026-05-12"),
    ("末次会议纪要.docx", "closing_meeting", "", ""),
    ("现场核查清单（能源计量）.xlsx", "site_checklist", "", ""),
    ("访谈记录-生产部.docx", "interview_note", "", ""),
    ("Interviews with the energy department.docx", "interview_note", "", ""),
    ("2号锅炉铭牌照片.jpg", "photograph", "", ""),
    ("现场照片 汽轮机.png", "photograph", "", ""),
    ("煤量交叉核对表2025.xlsx", "cross_check", "2025-01-01..2025-12-31", ""),
    ("cross-check of purchased power.xlsx", "cross_check", "", ""),
    ("不符合项报告NC-01.docx", "nonconformity_sheet", "", ""),
    ("整改报告（不符合项）.docx", "correction_evidence", "", ""),
    ("Corrective action NC 01.pdf", "correction_evidence", "", ""),
    ("核查报告初稿.docx", "draft_report", "", ""),
    ("江南热电2025年度核查报告（签章版）.pdf", "verification_report", "2025-01-01..2025-12-31", ""),
    ("Verification Report 2025 final.pdf", "verification_report", "2025-01-01..2025-12-31", ""),
    ("核查报告技术复核记录.docx", "technical_review", "", ""),
    ("报告签发.pdf", "issue_record", "", ""),
    ("核查结论告知书20260601.pdf", "result_notification", "", "2026-06-01"),
    ("管理体系认证证书.pdf", "certificate", "", ""),
    # Nothing that can be known.
    ("扫描件0001.pdf", "", "", ""),
    ("IMG_4711.JPG", "", "", ""),
    ("新建文本文档.txt", "", "", ""),
    ("throughput.xlsx", "", "", ""),
    ("GBT 32151.1-2015 发电企业.pdf", "", "", ""),
    # What could be meant in two ways, or cannot be at all, is not read.
    ("2024年和2025年发票.pdf", "invoice", "", ""),
    ("2025年13月发票.pdf", "invoice", "", ""),
    ("发票20250230.pdf", "invoice", "", ""),
    ("2031年发票.pdf", "invoice", "", ""),
    ("发票20301201.pdf", "invoice", "", ""),
    ("2023-2025年度发票.pdf", "invoice", "2023-01-01..2025-12-31", ""),
    ("发票20250101-20250131.pdf", "invoice", "2025-01-01..2025-01-31", ""),
    ("２０２５年３月发票.pdf", "invoice", "2025-03-01..2025-03-31", ""),
]


def said(proposal: Proposal) -> tuple[str, str, str]:
    period = f"{proposal.period_from}..{proposal.period_to}" if proposal.period_from else ""
    return proposal.type, period, str(proposal.evidence_on or "")


@pytest.mark.parametrize(("name", "kind", "period", "day"), NAMES, ids=[row[0] for row in NAMES])
def test_a_file_name_proposes(name: str, kind: str, period: str, day: str) -> None:
    proposal = propose(Seen(name), all_record_types(), TODAY)
    assert said(proposal) == (kind, period, day)
    # Each thing that is proposed has its reason, and the words of the reason stand in the name.
    assert {reason.what for reason in proposal.reasons} == {
        what for what, value in (("type", kind), ("period", period), ("evidence_on", day)) if value
    }
    assert all(reason.source == "name" and reason.words for reason in proposal.reasons)


def test_the_table_is_large_and_covers_both_languages() -> None:
    assert len(NAMES) >= 60
    assert sum(name.isascii() for name, *_ in NAMES) >= 15


def test_the_folder_speaks_where_the_name_is_silent_and_the_text_where_both_are() -> None:
    types = all_record_types()
    by_folder = propose(Seen("IMG_4711.JPG", "现场照片/2025年3月/IMG_4711.JPG"), types, TODAY)
    assert (by_folder.type, by_folder.source_of("type")) == ("photograph", "path")
    assert (by_folder.period_from, by_folder.source_of("period")) == (date(2025, 3, 1), "path")
    # The name of the file itself is no folder.
    assert propose(Seen("IMG.JPG", "发票.pdf"), types, TODAY).type == ""
    text = "江南供电公司\n电费结算单\n填报单位：江南供电公司财务部\n开具日期：2025年4月2日\n" + "x" * 100
    by_text = propose(Seen("扫描件0001.pdf", text=text), types, TODAY)
    assert (by_text.type, by_text.source_of("type")) == ("invoice", "text")
    assert (by_text.evidence_on, by_text.source_of("evidence_on")) == (date(2025, 4, 2), "text")
    # What the text is about says nothing of the day that the name bears.
    report = propose(Seen("核查报告20250420.pdf", text="2024年度\n温室气体排放核查报告\n"), types, TODAY)
    assert (report.period_from, report.source_of("period")) == (date(2024, 1, 1), "text")
    assert (report.evidence_on, report.source_of("evidence_on")) == (date(2025, 4, 20), "name")
    assert (by_text.originator, by_text.source_of("originator")) == ("江南供电公司财务部", "text")
    # Beyond the beginning of the text, and in the middle of a long line, a word says nothing.
    assert propose(Seen("a.pdf", text="\n" * 2000 + "发票"), types, TODAY) == Proposal()
    assert propose(Seen("a.pdf", text="我们" * 40 + "发票"), types, TODAY) == Proposal()


def test_what_was_recorded_at_the_entry_comes_before_what_the_text_says() -> None:
    seen = Seen(
        "检定证书20240618.pdf",
        text="校准机构：别处\n日期：2023年1月1日",
        originator="计量院",
        dated_on=date(2024, 6, 20),
        client_name="江南热电",
    )
    proposal = propose(seen, all_record_types(), TODAY)
    assert (proposal.originator, proposal.source_of("originator")) == ("计量院", "entry")
    assert (proposal.evidence_on, proposal.source_of("evidence_on")) == (date(2024, 6, 20), "entry")
    by_name = propose(Seen("江南热电-能源台账.xlsx", client_name="江南热电"), all_record_types(), TODAY)
    assert (by_name.originator, by_name.source_of("originator")) == ("江南热电", "name")
    future = propose(Seen("a.pdf", dated_on=date(2027, 1, 1)), all_record_types(), TODAY)
    assert future.evidence_on is None


def test_a_period_and_a_day_in_one_text_are_told_apart() -> None:
    quarter = period_in("2025年第一季度 (2025年4月2日)", latest=TODAY)
    assert quarter is not None
    assert quarter.first == date(2025, 1, 1)
    assert day_in("2025年第一季度 (2025年4月2日)", latest=TODAY) == (date(2025, 4, 2), "2025年4月2日")
    assert period_in("2025年5月至2025年2月", latest=TODAY) is None
    assert day_in("2025-01-02 2025-03-04", latest=TODAY) is None
    assert period_in("20250131-20250101", latest=TODAY) is None


def test_the_longest_word_counts_and_a_name_ends_in_what_it_is() -> None:
    types = all_record_types()
    assert type_in("现场核查计划", types) == ("site_plan", "现场核查计划")
    assert type_in("签到表（首次会议）", types) == ("sign_in_sheet", "签到表")
    certificate = type_in("CALIBRATION CERTIFICATE", types)
    assert certificate is not None
    assert certificate[0] == "calibration_certificate"
    assert type_in("", types) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("能源台账2024.xlsx", "能源台账 2025（终稿）.xlsx", True),
        ("2024年3月电费发票.pdf", "2025年3月电费发票-v2.pdf", True),
        ("能源台账.xlsx", "能源统计.xlsx", False),
    ],
)
def test_names_of_the_same_file_in_two_years_have_one_pattern(one: str, other: str, same: bool) -> None:
    assert (pattern_of(one) == pattern_of(other)) is same


def test_reasons_come_back_from_their_row_and_fit_it() -> None:
    reasons = tuple(Reason(what, source, "字" * 300) for what, source in REASONS)
    kept = written_reasons(Proposal(reasons=reasons[:4]))
    assert len(kept) <= 1000
    assert [(one.what, one.source) for one in read_reasons(kept)] == list(REASONS)[:4]
    assert read_reasons('[["type","of another release","x"]]') == ()
    assert read_reasons("") == read_reasons("a reason in words") == ()
