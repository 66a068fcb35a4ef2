"""Files of schemes, types of records and sources: what is refused, in which line and why."""

import importlib
from pathlib import Path

import pytest

from archive_app.engagements.data_files import line_of
from archive_app.engagements.engagements import ACTIVITIES
from archive_app.engagements.record_types import OTHER, all_record_types, parse_record_types, record_type_name
from archive_app.engagements.scheme_pages.words import (
    COMPETENT_WORDS,
    FORM_WORDS,
    GATE_WORDS,
    MOVER_WORDS,
    deadline_words,
    source_words,
)
from archive_app.engagements.scheme_values import ACTIVITIES as CODES_OF_ACTIVITIES
from archive_app.engagements.scheme_values import COMPETENT, FORMS, GATES, MOVERS
from archive_app.engagements.schemes import FOLDER, USUAL_SCHEME, all_schemes, parse_scheme, read_schemes
from archive_app.engagements.sources import all_sources, parse_sources
from archive_app.settings import SettingsError

GOOD = """\
code = "small"
version = "1"
name = { zh = "小", en = "Small" }
summary = { zh = "小例", en = "A small one" }
sources = ["S0 5.6"]
report = "verification_report"
forms = ["sign_in_sheet"]

[team]
least_people = 2
leaders = 1
reviewer = true
source = "S0 5.6"

[[team.groups]]
code = "site"
name = { zh = "组", en = "Group" }
least_people = 1
source = "S0 1.2.1"

[[competences]]
kind = "training"
code = "verification"
of = "everybody"
source = "S0 5.5"

[[stages]]
code = "work"
name = { zh = "工作", en = "Work" }
source = "S0 5.6"
moved_by = ["leader", "reviewer"]
needs = [
  "declared",
  "review_passed",
]
records = [
  { type = "assignment_letter", source = "S0 1.2.1" },
  # A comment, "with = signs" and [brackets].
  { type = "verification_report", source = "S0 1.2.1", by = "team" },
]

[[stages]]
code = "check"
name = { zh = "检查", en = "Check" }
source = "S0 5.6"
moved_by = ["leader"]
back = ["work"]

[[stages]]
code = "keeping"
name = { zh = "保存", en = "Keeping" }
source = "S0 5.8"
moved_by = ["archivist"]

[[deadlines]]
code = "answer"
name = { zh = "答复", en = "Answer" }
starts = "left:work"
days = 7
kept_by = "check"
source = "ETS 12"

[[deadlines]]
code = "yearly"
name = { zh = "年度", en = "Yearly" }
starts = "yearly"
month_day = "06-30"
kept_by = "check"
source = "S0 1.2.1"

[[request_lines]]
code = "report"
record_type = "emission_report"
name = { zh = "报告", en = "Report" }
explanation = { zh = "盖章版", en = "Stamped" }
example = { zh = "报告.pdf", en = "Report.pdf" }
"""

BROKEN = [
    # What is written instead of what, in which line it is found, and why it is refused.
    ('code = "small"', 'code = "small', 1, "Illegal character"),
    ('sources = ["S0 5.6"]', 'sources = ["S0 5.6"', 6, "Unclosed array"),
    ('forms = ["sign_in_sheet"]', "forms = [", 9, "Invalid value"),
    ('version = "1"', 'versions = "1"', 2, "versions is not known here"),
    ('version = "1"\n', "", 1, "version is missing"),
    ('version = "1"', "version = 1.10", 2, "version is wrong: Input should be a valid string"),
    ('version = "1"', "version = 2026-01-01", 2, "version is wrong: Input should be a valid string"),
    ('code = "small"', 'code = "Small One"', 1, "code is empty, or not written as it must be"),
    ('{ zh = "小例", en = "A small one" }', '{ zh = "小例" }', 4, "summary.en is missing"),
    ('{ zh = "组", en = "Group" }', '{ zh = "  ", en = "Group" }', 17, "team.groups[1].name.zh is empty"),
    ('en = "Small" }', 'en = "Small", de = "Klein" }', 3, "name.de is not known here"),
    ('sources = ["S0 5.6"]', 'sources = ["S0 5.11"]', 5, "names a clause that does not exist: S0 5.11"),
    ('sources = ["S0 5.6"]', 'sources = [\n  "S0 5.6",\n  "S9 1",\n]', 7, "sources[2] names a document that does not"),
    ('report = "verification_report"', 'report = "novel"', 6, "is not a type of record that is known: novel"),
    ('report = "verification_report"', 'report = "certificate"', 6, "is required in no stage: certificate"),
    ('forms = ["sign_in_sheet"]', 'forms = ["poem"]', 7, "forms[1] is not a form that is known: poem"),
    ('forms = ["sign_in_sheet"]', 'activity = "dance"', 7, "activity is not an activity that is known: dance"),
    ('forms = ["sign_in_sheet"]', 'parent = "yes"', 7, "parent is wrong: Input should be a valid boolean"),
    ('forms = ["sign_in_sheet"]', 'follows = ["small"]', 7, "names schemes, but parent is not true"),
    ('forms = ["sign_in_sheet"]', 'text = "hidden"', 7, "text is not known here"),
    ("least_people = 2", "least_people = 0", 10, "team.least_people must be at least 1"),
    ("least_people = 2", "least_people = true", 10, "team.least_people is wrong: Input should be a valid integer"),
    ("leaders = 1", "leaders = 3", 11, "team.leaders must be from 0 to least_people"),
    ("reviewer = true", "reviewer = false", 31, "names the reviewer, but the team has none"),
    ("reviewer = true", "reviewer = false", 34, "asks for a review, but the team has no reviewer"),
    ('source = "S0 5.6"\n\n[[team', 'source = "S0 12"\n\n[[team', 13, "team.source names a clause that does not exist"),
    ("least_people = 1", "least_people = 0", 18, "team.groups[1].least_people must be at least 1"),
    ("least_people = 1", 'least_people = 1\nstage = "no"', 19, "team.groups[1].stage is not a stage that is known: no"),
    ('kind = "training"', 'kind = "talent"', 22, "is not a kind of competence that is known: talent"),
    ('code = "verification"', 'code = "juggling"', 23, "is not a competence that is known: juggling"),
    ('code = "verification"', 'code = "client_sector"', 23, "client_sector is of the kind sector"),
    ('of = "everybody"', 'of = "nobody"', 24, "is not somebody who can be asked that is known: nobody"),
    ('"leader", "reviewer"]', '"leader", "cook"]', 31, "stages[1].moved_by[2] is not somebody who moves that is known"),
    ('["leader", "reviewer"]', "[]", 31, "names nobody: nobody may take an engagement on from work"),
    (
        '  "declared",\n',
        '  "declared",\n  "blessed",\n',
        34,
        "stages[1].needs[2] is not a condition that is known: blessed",
    ),
    ('  "declared",\n', '  "declared",\n  "person_days",\n', 34, ""),
    ('type = "assignment_letter"', 'type = "novel"', 37, "stages[1].records[1].type is not a type of record"),
    ('type = "assignment_letter"', 'kind = "assignment_letter"', 37, "stages[1].records[1].kind is not known here"),
    ('by = "team" }', 'by = "postman" }', 39, "stages[1].records[2].by is not somebody who brings records"),
    ('source = "S0 1.2.1", by', 'source = "S0 1.2.9", by', 39, "stages[1].records[2].source names a clause"),
    (
        '"verification_report", source',
        '"assignment_letter", source',
        39,
        "records[2].type stands twice: assignment_letter",
    ),
    ('code = "check"\n', 'code = "work"\n', 43, "stages[2].code stands twice: work"),
    ('back = ["work"]', 'back = ["keeping"]', 47, "stages[2].back[1] does not stand before check: keeping"),
    ('back = ["work"]', 'back = ["nowhere"]', 47, "stages[2].back[1] is not a stage that is known: nowhere"),
    ('back = ["work"]', 'next = ["work"]', 47, "stages[2].next leads in a circle: work > check > work"),
    ('back = ["work"]', 'next = ["check"]', 47, "stages[2].next leads in a circle: check > check"),
    ("needs = [\n", 'next = ["keeping"]\nneeds = [\n', 44, "is a stage that no way leads to: check"),
    ('moved_by = ["archivist"]', 'moved_by = ["archivist"]\nnext = ["work"]', 54, "leads in a circle"),
    ('moved_by = ["archivist"]', 'moved_by = ["archivist"]\nnext = ["work"]', 27, "have no end"),
    ('starts = "left:work"', 'starts = "left:lunch"', 58, "deadlines[1].starts is not a stage that is known: lunch"),
    ('starts = "left:work"', 'starts = "sometime"', 58, "is neither entered:<stage> nor left:<stage> nor yearly"),
    ("days = 7", "days = 0", 59, "deadlines[1].days must be at least 1"),
    ("days = 7", 'days = 7\ncounted = "lunar"', 60, "is not a way of counting days that is known: lunar"),
    ("days = 7", 'days = 7\nmonth_day = "06-30"', 60, "deadlines[1].month_day is for yearly deadlines only"),
    ('kept_by = "check"', 'kept_by = "lunch"', 60, "deadlines[1].kept_by is not a stage that is known: lunch"),
    ('source = "ETS 12"', 'source = "ETS 99"', 61, "names a clause that does not exist: ETS 99"),
    ('code = "yearly"', 'code = "answer"', 64, "deadlines[2].code stands twice: answer"),
    ('month_day = "06-30"', 'month_day = "02-29"', 67, "must be a day of every year, as 06-30: '02-29'"),
    ('month_day = "06-30"\n', "", 63, "must be a day of every year, as 06-30: ''"),
    ('month_day = "06-30"', 'month_day = "06-30"\ndays = 3', 68, "deadlines[2].days is not for yearly deadlines"),
    ('record_type = "emission_report"', 'record_type = "novel"', 73, "is not a type of record that is known: novel"),
    ('explanation = { zh = "盖章版", en = "Stamped" }\n', "", 71, "request_lines[1].explanation is missing"),
]


def test_a_good_scheme_is_read_as_it_is_written() -> None:
    scheme = parse_scheme(GOOD, "small.toml")
    assert [(stage.code, stage.next) for stage in scheme.stages] == [
        ("work", ("check",)),
        ("check", ("keeping",)),
        ("keeping", ()),
    ]
    assert scheme.text == GOOD
    assert scheme.stage("check").back == ("work",)
    assert scheme.position("keeping") == 2
    assert scheme.stage("work").records[1].by == "team"
    assert scheme.deadlines[0].counted == "working"
    with pytest.raises(KeyError):
        scheme.stage("lunch")
    assert deadline_words(scheme, scheme.deadlines[0], "en") == "7 working days after “Work” is done"
    assert [mark for mark, _name in source_words(scheme, "en")] == ["S0", "ETS"]


@pytest.mark.parametrize(("was", "written", "line", "reason"), BROKEN, ids=[f"{row[2]}: {row[3]}" for row in BROKEN])
def test_a_broken_scheme_is_refused_with_line_and_reason(was: str, written: str, line: int, reason: str) -> None:
    assert was in GOOD
    broken = GOOD.replace(was, written, 1)
    if not reason:
        # Person-days are recorded unless a scheme says otherwise: this one is good.
        assert parse_scheme(broken, "small.toml").stage("work").needs[1] == "person_days"
        return
    with pytest.raises(SettingsError) as refused:
        parse_scheme(broken, "small.toml")
    told = str(refused.value).splitlines()
    assert any(one.startswith(f"small.toml:{line}: ") and reason in one for one in told), told


def test_everything_that_is_wrong_is_told_at_once_by_line() -> None:
    broken = GOOD.replace("least_people = 2", "least_people = 0").replace('month_day = "06-30"', 'month_day = "13-01"')
    with pytest.raises(SettingsError) as refused:
        parse_scheme(broken, "small.toml")
    lines = [int(one.split(":")[1]) for one in str(refused.value).splitlines()]
    assert lines == sorted(lines)
    assert {10, 67} <= set(lines)


def test_files_are_held_against_their_names_and_each_other(tmp_path: Path) -> None:
    usual = (FOLDER / f"{USUAL_SCHEME}.toml").read_text(encoding="utf-8")
    with pytest.raises(SettingsError, match=f"holds no {USUAL_SCHEME}.toml"):
        read_schemes(tmp_path)
    (tmp_path / f"{USUAL_SCHEME}.toml").write_text(usual, encoding="utf-8")
    (tmp_path / "small.toml").write_text(GOOD, encoding="utf-8")
    assert set(read_schemes(tmp_path)) == {"small", USUAL_SCHEME}
    (tmp_path / "other.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"other\.toml:1: code differs from the name of the file: small"):
        read_schemes(tmp_path)
    follower = GOOD.replace('"small"', '"other"').replace("forms", 'parent = true\nfollows = ["small", "gone"]\nforms')
    (tmp_path / "other.toml").write_text(follower, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"other\.toml:8: follows\[2\] is not a scheme that is known: gone"):
        read_schemes(tmp_path)


def test_the_text_of_before_the_schemes_can_be_read() -> None:
    migration = importlib.import_module("archive_app.migrations.versions.0011_schemes_and_competence")
    scheme = parse_scheme(migration._TEXT, "0")
    assert (scheme.code, scheme.version, [stage.code for stage in scheme.stages]) == (
        USUAL_SCHEME,
        "0",
        ["work", "keeping"],
    )


def test_the_eight_kinds_of_work_are_there_and_whole() -> None:
    """S0 1.2.1 and 5.7, S4 6.3 and 7, S1 12.4, S1 and S2; each ends in keeping and asks for its report."""
    schemes = all_schemes()
    assert next(iter(schemes)) == USUAL_SCHEME
    assert set(schemes) == {
        "key_emitter_verification",
        "key_emitter_recheck",
        "organisation_verification",
        "management_system_certification",
        "management_system_surveillance",
        "carbon_service_project",
        "management_system_evaluation",
        "enterprise_management_system",
        "park_management_system",
    }
    for scheme in schemes.values():
        assert scheme.stages[-1].code == "keeping"
        assert scheme.stages[-1].needs == ("sealed",)
        assert all(stage.about for stage in scheme.stages)
        assert scheme.request_lines
        brought = {record.type for stage in scheme.stages for record in stage.records}
        assert {line.record_type for line in scheme.request_lines} <= brought, scheme.code
        # A stage is left by whoever leads, keeps or issues: somebody whom every engagement has.
        assert all(set(stage.moved_by) & {"leader", "archivist", "issuer"} for stage in scheme.stages)
    usual = schemes[USUAL_SCHEME]
    assert len(usual.stages) == 8
    assert (usual.team.least_people, usual.team.leaders) == (2, 1)
    assert [group.code for group in usual.team.groups] == ["technical", "site"]
    feedback = usual.deadlines[0]
    assert (feedback.starts, feedback.days, feedback.counted, feedback.kept_by) == (
        "left:report",
        7,
        "working",
        "notification",
    )
    recheck = schemes["key_emitter_recheck"]
    assert recheck.parent
    assert (recheck.deadlines[0].days, recheck.deadlines[0].counted) == (10, "working")
    assert schemes["management_system_surveillance"].follows == ("management_system_certification",)


def test_the_dossiers_hold_what_their_sources_name() -> None:
    """S1 8.2e names twelve records, S2 annex A twenty-three documents (several of them in one record here)."""
    of_enterprise = {r.type for stage in all_schemes()["enterprise_management_system"].stages for r in stage.records}
    assert of_enterprise >= {
        "emission_source_list",
        "legal_register",
        "compliance_evaluation",
        "base_year",
        "targets",
        "action_evaluation",
        "calibration_certificate",
        "communication_record",
        "document_control",
        "monitoring_record",
        "system_review",
        "emission_report",
        "verification_report",
    }
    park = all_schemes()["park_management_system"]
    planning = {record.type for record in park.stage("planning").records if record.required}
    assert planning >= {"system_review", "trading_review", "asset_review", "neutrality_review"}


def test_every_code_has_words() -> None:
    assert MOVER_WORDS.keys() == MOVERS
    assert GATE_WORDS.keys() == GATES
    assert FORM_WORDS.keys() == FORMS
    assert COMPETENT_WORDS.keys() == COMPETENT
    assert tuple(ACTIVITIES) == CODES_OF_ACTIVITIES


FIXED = frozenset(
    {
        "assignment_letter",
        "work_plan",
        "declaration",
        "material_list",
        "emission_report",
        "monitoring_plan",
        "activity_data",
        "emission_factor",
        "production_data",
        "energy_ledger",
        "invoice",
        "calibration_certificate",
        "process_description",
        "material_authenticity",
        "document_review",
        "site_plan",
        "sign_in_sheet",
        "opening_meeting",
        "site_checklist",
        "interview_note",
        "photograph",
        "cross_check",
        "closing_meeting",
        "nonconformity_sheet",
        "correction_evidence",
        "draft_report",
        "verification_report",
        "verification_statement",
        "technical_review",
        "issue_record",
        "result_notification",
        "certificate",
        "seal_manifest",
        "other",
    }
)
"""Codes that other rooms name in their code."""


def test_types_of_records_are_read_and_refused_with_their_line() -> None:
    types = all_record_types()
    assert types.keys() >= FIXED
    assert {code for code, one in types.items() if one.activity_data} >= {"activity_data", "production_data", "invoice"}
    assert record_type_name("gone").text("zh_Hans_CN") == "gone"
    used = {record.type for scheme in all_schemes().values() for stage in scheme.stages for record in stage.records}
    assert not types.keys() - used - {OTHER}, "types that no scheme asks for"
    text = """\
[[types]]
code = "other"
name = { zh = "其他", en = "Other" }
source = ""
keywords = ["one"]

[[types]]
code = "letter"
name = { zh = "信", en = "Letter" }
source = "S0 5.6"
keywords = ["two", "three"]
"""
    assert parse_record_types(text, "t")["letter"].keywords == ("two", "three")
    for was, written, told in (
        ('code = "letter"', 'code = "other"', "t:8: types[2].code stands twice: other"),
        ('"three"', '"One"', "t:11: types[2].keywords[2] proposes other already: One"),
        ('"S0 5.6"', '"S0 5.60"', "t:10: types[2].source names a clause that does not exist: S0 5.60"),
        ('code = "other"', 'code = "others"', "t:1: types must hold the type other"),
        ('source = ""', "source = 1", "t:4: types[1].source is wrong: Input should be a valid string"),
    ):
        with pytest.raises(SettingsError) as refused:
            parse_record_types(text.replace(was, written, 1), "t")
        assert told in str(refused.value)


def test_sources_name_documents_and_clauses_as_text() -> None:
    assert {"S0", "S1", "S2", "S3", "S4"} <= all_sources().keys()
    assert "5.10" in all_sources()["S0"].clauses
    text = """\
[[sources]]
mark = "S0"
name = { zh = "甲", en = "A" }
clauses = [
  "1.1",
  "1.10",
]
"""
    assert parse_sources(text, "s")["S0"].clauses == ("1.1", "1.10")
    for was, written, told in (
        ('"1.10"', "1.10", "s:6: sources[1].clauses[2] is wrong: Input should be a valid string"),
        ('"1.10"', '"1.1"', "s:6: sources[1].clauses[2] stands twice: 1.1"),
        ('mark = "S0"', 'mark = "S 0"', "s:2: sources[1].mark holds a blank: S 0"),
    ):
        with pytest.raises(SettingsError) as refused:
            parse_sources(text.replace(was, written, 1), "s")
        assert told in str(refused.value)


def test_a_line_is_found_wherever_a_value_stands() -> None:
    text = 'a = 1\n\n[b]\nc = """\n[x]\ny = 2\n"""\nd = [\n  1,\n  { e = 2 }, # c = 3\n]\n[[f]]\n[[f]]\ng.h = 1\n'
    for path, line in (
        (("a",), 1),
        (("b",), 3),
        (("b", "c"), 4),
        (("b", "d", 0), 9),
        (("b", "d", 1, "e"), 10),
        (("f", 0), 12),
        (("f", 1), 13),
        (("f", 1, "g", "h"), 14),
        (("f", 1, "missing"), 13),
        ((), 1),
    ):
        assert line_of(text, path) == line, path
