"""The legal register: who records what, what an evaluation needs, and what two people do at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest

from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import CORRECTION_CONFIRMED_BY_ANOTHER, DutiesNotSeparateError
from archive_app.kernel.errors import (
    ArchiveError,
    ConflictError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.levels import Level
from archive_app.management.laws.acting import (
    ActionStateError,
    NotResponsibleError,
    confirm_action,
    finish_action,
    return_action,
)
from archive_app.management.laws.evaluating import (
    FIRST_EVALUATION,
    EvaluatedMeanwhileError,
    Findings,
    evaluate,
    find_documents,
    withdraw_evaluation,
)
from archive_app.management.laws.figures import NEVER, view_figures
from archive_app.management.laws.obliging import (
    DutyFacts,
    carry_over,
    correct_obligation,
    duty_of,
    hand_over,
    record_obligation,
    withdraw_obligation,
)
from archive_app.management.laws.recording import (
    LawFacts,
    correct_law,
    end_law,
    facts_of,
    record_law,
    withdraw_law,
)
from archive_app.management.laws.reviewing import Look, review_laws
from archive_app.management.laws.rules import LawTakenError, WithdrawnEntryError, stamp_of
from archive_app.management.laws.showing import (
    RegisterFilters,
    evaluations_panel,
    list_laws,
    list_obligations,
    view_law,
    view_obligation,
)
from archive_app.management.laws.validity import NotInForceError
from tests.conftest import SetClock, both_databases
from tests.controlled import issued_document
from tests.factories import People
from tests.laws import (
    FACTS,
    KEEPERS,
    NO_DAY,
    OLD_ENOUGH,
    TODAY,
    Office,
    complies,
    duty_for,
    fails,
    id_of,
    office_of,
    refused,
    waiting,
)


@pytest.fixture
def office(archive: Archive, people: People) -> Office:
    return office_of(archive, people)


@both_databases
def test_from_a_law_to_its_evidence(archive: Archive, people: People, office: Office) -> None:
    """One law, its text, two obligations, an evaluation that rests on a document: the chain shows all of it, and of the
    documents only what somebody may see."""
    text = issued_document(people, kind="external", title="条例全文", number="WL-01", level=Level.INTERNAL)
    law = record_law(office.keeper, facts=replace(FACTS, controlled_document_id=text.controlled_id))
    duty, second = duty_for(office, law), duty_for(office, law, clause="第十二条")
    # A year after today, which is a Sunday: the Friday before it.
    assert (duty.first_on, duty.evaluate_on) == (date(2027, 11, 21), date(2027, 11, 19))
    row = evaluate(
        office.keeper, obligation_id=duty.id, findings=complies(documents=[office.evidence], without_evidence="")
    )
    page = view_law(office.keeper, law_id=law.id)
    assert (page.state, page.text.id if page.text else "") == ("in_force", text.controlled_id)
    chain = {one.obligation.id: one for one in page.chain}
    assert {one.obligation.clause: one.owner for one in page.chain} == {"第十一条": "周宁", "第十二条": "周宁"}
    last = chain[duty.id].last
    assert last is not None
    assert ([shown.document_id for shown in last.evidence], last.hidden, last.evaluated_by) == (
        [office.evidence], False, "质量",
    )  # fmt: skip
    assert chain[second.id].last is None
    # The owner is not on the team: that there is evidence is said, and nothing of it.
    unseen = view_obligation(office.owner, obligation_id=duty.id).evaluations[0]
    assert (unseen.evidence, unseen.hidden) == ((), True)
    assert evaluations_panel(office.keeper, document_id=office.evidence)[0].last.evaluation.id == row.id  # type: ignore[index,union-attr]
    assert evaluations_panel(office.keeper, document_id=text.document_id) is None
    refused(lambda: evaluations_panel(office.owner, document_id=office.evidence), NotFoundError)
    # Nobody of another organisation learns of it, nor does anything to it.
    for act in (
        lambda: view_law(office.stranger, law_id=law.id),
        lambda: view_obligation(office.stranger, obligation_id=duty.id),
        lambda: correct_law(office.stranger, law_id=law.id, facts=FACTS),
        lambda: end_law(office.stranger, law_id=law.id, ended_on=TODAY, reason="x"),
        lambda: record_obligation(office.stranger, law_id=law.id, facts=DutyFacts("x", id_of(office.stranger))),
        lambda: evaluate(office.stranger, obligation_id=duty.id, findings=complies()),
        lambda: withdraw_evaluation(office.stranger, evaluation_id=row.id, reason="x"),
        lambda: review_laws(office.stranger, looks={law.id: Look("unchanged")}),
        lambda: hand_over(office.stranger, owner_id=id_of(office.owner), to=id_of(office.stranger)),
        lambda: evaluate(office.owner, obligation_id=duty.id, findings=complies(documents=[office.evidence])),
        lambda: record_law(office.stranger, facts=replace(FACTS, controlled_document_id=text.controlled_id)),
    ):
        refused(act, NotFoundError)
    assert not list_laws(office.stranger, filters=RegisterFilters()).items
    assert not list_obligations(office.stranger, filters=RegisterFilters()).items
    assert view_figures(office.stranger).obligations == 0
    refused(lambda: record_law(office.owner, facts=FACTS), PermissionMissingError)
    refused(lambda: view_law(people.person("verifier"), law_id=law.id), PermissionMissingError)
    assert [one.document_id for one in find_documents(office.keeper, text="photograph")] == [office.evidence]
    assert not find_documents(office.owner, text="photograph", chosen=[office.evidence])


@both_databases
def test_what_is_recorded_is_corrected_and_never_lost(archive: Archive, office: Office) -> None:
    law = record_law(office.keeper, facts=FACTS)
    assert "already" in refused(lambda: record_law(office.keeper, facts=FACTS), LawTakenError)
    record_law(office.stranger, facts=FACTS)
    seen = stamp_of(facts_of(law))
    correct_law(office.keeper, law_id=law.id, facts=replace(FACTS, issuer="国务院办公厅"), seen=seen)
    refused(lambda: correct_law(office.keeper, law_id=law.id, facts=FACTS, seen=seen), ConflictError)
    duty = duty_for(office, law)
    seen = stamp_of(duty_of(duty))
    facts = replace(duty_of(duty), owner=id_of(office.other), every_months=6)
    correct_obligation(office.keeper, obligation_id=duty.id, facts=facts, seen=seen)
    refused(lambda: correct_obligation(office.keeper, obligation_id=duty.id, facts=facts, seen=seen), ConflictError)
    withdraw_obligation(office.keeper, obligation_id=duty.id, reason="重复登记")
    for act in (
        lambda: evaluate(office.keeper, obligation_id=duty.id, findings=complies()),
        lambda: correct_obligation(office.keeper, obligation_id=duty.id, facts=facts),
        lambda: withdraw_obligation(office.keeper, obligation_id=duty.id, reason="x"),
    ):
        refused(act, WithdrawnEntryError)
    withdraw_law(office.keeper, law_id=law.id, reason="不适用")
    refused(lambda: correct_law(office.keeper, law_id=law.id, facts=FACTS), WithdrawnEntryError)
    # It stays to be read, where it is asked for, and its place is free.
    assert not list_laws(office.keeper, filters=RegisterFilters()).items
    assert [line.law.id for line in list_laws(office.keeper, filters=RegisterFilters(state="withdrawn")).items] == [
        law.id
    ]
    assert view_law(office.keeper, law_id=law.id).chain[0].obligation.withdrawn_reason == "重复登记"
    record_law(office.keeper, facts=FACTS)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": " "}, "Title"),
        ({"title": "x" * 301}, "Title"),
        ({"title": "a\0b"}, "Title"),
        ({"kind": "magic"}, "Kind"),
        ({"effective_on": date(1, 1, 1)}, "In force from"),
        ({"published_on": date(9999, 12, 31)}, "Published on"),
        ({"review_months": 0}, "Looked at every"),
        ({"review_months": 121}, "Looked at every"),
    ],
)
def test_a_law_that_cannot_be(people: People, wrong: dict[str, object], field: str) -> None:
    keeper = people.person("quality_manager")
    assert refused(lambda: record_law(keeper, facts=replace(FACTS, **wrong))).startswith(field)  # type: ignore[arg-type]
    assert not list_laws(keeper, filters=RegisterFilters()).items


def test_what_an_evaluation_needs(people: People, office: Office, clock: SetClock) -> None:
    """A table of findings that are refused, and why; nothing of them is kept."""
    law = record_law(office.keeper, facts=FACTS)
    duty = duty_for(office, law, valid_from=date(2026, 1, 1))
    verifier = people.person("verifier")
    table: list[tuple[Findings, str]] = [
        (complies(result="perfect"), "Result"),
        (complies(evaluated_on=None), "Evaluated on"),
        (complies(evaluated_on=date(2026, 11, 22)), "Evaluated on"),
        (complies(grounds=" "), "Grounds"),
        (complies(without_evidence=" "), "Evidence"),
        (complies(documents=["x"] * 1 + [str(n) for n in range(100)]), "Evidence"),
        (complies(action="还要做"), "Corrective action"),
        (complies(action_due_on=TODAY), "Corrective action"),
        (fails(office, action=" "), "Corrective action"),
        (fails(office, action_owner=""), "Responsible for the action"),
        (fails(office, action_owner="no-such-login"), "Responsible for the action"),
        (fails(office, action_owner=id_of(office.stranger)), "Responsible for the action"),
        (fails(office, action_owner=id_of(verifier)), "Responsible for the action"),
        (fails(office, action_due_on=None), "Action by"),
        (fails(office, action_due_on=date(2026, 11, 20)), "Action by"),
    ]
    for findings, field in table:
        said = refused(lambda f=findings: evaluate(office.keeper, obligation_id=duty.id, findings=f))  # type: ignore[misc]
        assert said.startswith(field), (findings, said)
    before = complies(evaluated_on=date(2025, 12, 31))
    said = refused(lambda: evaluate(office.keeper, obligation_id=duty.id, findings=before), NotInForceError)
    assert "does not hold yet" in said
    assert not view_obligation(office.keeper, obligation_id=duty.id).evaluations
    # What applies to nobody needs no evidence; what complies needs some, or a reason.
    found = evaluate(
        office.keeper, obligation_id=duty.id, findings=complies(result="not_applicable", without_evidence="")
    )
    late = complies(evaluated_on=date(2026, 11, 20))
    assert "later day" in refused(lambda: evaluate(office.keeper, obligation_id=duty.id, findings=late))
    # Taken back, the one before is the last again, and the day of the next one with it.
    clock.advance(days=40)
    second = evaluate(office.owner, obligation_id=duty.id, findings=complies(evaluated_on=date(2026, 12, 31)))
    assert view_obligation(office.owner, obligation_id=duty.id).line.obligation.evaluate_on == date(2027, 12, 31)
    withdraw_evaluation(office.keeper, evaluation_id=second.id, reason="看错了")
    page = view_obligation(office.owner, obligation_id=duty.id)
    assert (page.line.obligation.last_evaluation_id, page.line.obligation.evaluate_on) == (found.id, date(2027, 11, 19))
    assert [one.evaluation.withdrawn_reason for one in page.evaluations] == ["看错了", ""]
    refused(lambda: withdraw_evaluation(office.keeper, evaluation_id=second.id, reason="x"), WithdrawnEntryError)


@both_databases
def test_what_does_not_comply_is_put_right_and_confirmed_by_another(archive: Archive, office: Office) -> None:
    duty = duty_for(office, record_law(office.keeper, facts=FACTS))
    row = evaluate(office.keeper, obligation_id=duty.id, findings=fails(office))
    assert waiting(archive) == {("compliance_action", id_of(office.owner), "2026-12-11")}
    assert view_figures(office.keeper).not_complied == 1
    refused(lambda: confirm_action(office.keeper, evaluation_id=row.id, effect="x"), ActionStateError)
    refused(lambda: finish_action(office.other, evaluation_id=row.id, result="x"), NotResponsibleError)
    finish_action(office.owner, evaluation_id=row.id, result="补了")
    assert waiting(archive) == {("compliance_effect", KEEPERS, NO_DAY)}
    with pytest.raises(DutiesNotSeparateError) as own:
        confirm_action(office.owner, evaluation_id=row.id, effect="x")
    assert own.value.rule is CORRECTION_CONFIRMED_BY_ANOTHER
    refused(lambda: return_action(office.keeper, evaluation_id=row.id, reason="x", due_on=OLD_ENOUGH))
    return_action(office.keeper, evaluation_id=row.id, reason="缺一份", due_on=date(2026, 12, 25))
    assert waiting(archive) == {("compliance_action", id_of(office.owner), "2026-12-25")}
    # Who keeps the register may enter it for them, and then neither of the two confirms it.
    finish_action(office.keeper, evaluation_id=row.id, result="都补了")
    for one in (office.keeper, office.owner):
        refused(lambda who=one: confirm_action(who, evaluation_id=row.id, effect="x"), DutiesNotSeparateError)  # type: ignore[misc]
    confirm_action(office.other, evaluation_id=row.id, effect="抽查无缺")
    assert (waiting(archive), view_figures(office.keeper).not_complied) == (set(), 0)
    refused(lambda: return_action(office.other, evaluation_id=row.id, reason="x", due_on=TODAY), ActionStateError)
    told = view_obligation(office.keeper, obligation_id=duty.id).evaluations[0]
    assert (told.action, told.action_owner, told.action_done_by, told.confirmed_by) == (
        "confirmed", "周宁", "质量", "何平",
    )  # fmt: skip


def _at_once(archive: Archive, acts: Sequence[Callable[[], object]]) -> list[object]:
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(timeout=20)
        with archive.activate():
            try:
                return act()
            except ArchiveError as refused:
                return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@both_databases
def test_two_at_once(archive: Archive, office: Office) -> None:
    """Of two who evaluate the same at once one is told that the other did; of two who carry over, one does; the same
    law is recorded once."""
    law = record_law(office.keeper, facts=FACTS)
    duty = duty_for(office, law)
    both = (office.keeper, office.owner)
    made = _at_once(
        archive,
        [
            lambda who=who: evaluate(who, obligation_id=duty.id, findings=complies(), seen=FIRST_EVALUATION)  # type: ignore[misc]
            for who in both
        ],
    )
    refusals = [one for one in made if isinstance(one, Exception)]
    assert [type(one) for one in refusals] == [EvaluatedMeanwhileError]
    assert len(view_obligation(office.keeper, obligation_id=duty.id).evaluations) == 1
    new = record_law(office.keeper, facts=replace(FACTS, title="新法"))
    end_law(office.keeper, law_id=law.id, ended_on=TODAY, reason="x", replaced_by_id=new.id)
    carried = _at_once(archive, [lambda: carry_over(office.keeper, law_id=law.id, obligation_ids=[duty.id])] * 2)
    assert sorted(isinstance(one, ConflictError) for one in carried) == [False, True]
    twice = _at_once(archive, [lambda: record_law(office.keeper, facts=replace(FACTS, title="同一部法"))] * 2)
    assert sorted(isinstance(one, LawTakenError) for one in twice) == [False, True]


@both_databases
def test_lists_and_figures(archive: Archive, office: Office, clock: SetClock) -> None:
    first = record_law(office.keeper, facts=FACTS)
    second = record_law(office.keeper, facts=LawFacts("GB/T 32150", "national_standard", "32150%"))
    overdue = duty_for(office, first, first_on=OLD_ENOUGH, requirement="按时清缴配额")
    failed = duty_for(office, second, owner=id_of(office.other))
    evaluate(office.keeper, obligation_id=failed.id, findings=fails(office, result="partly"))
    # An end in the future, of what nobody knows the beginning of, is no end yet.
    end_law(office.keeper, law_id=second.id, ended_on=date(2027, 6, 1), reason="将被替代")
    never = duty_for(office, second)
    for filters, laws, duties in (
        (RegisterFilters(), [second, first], [overdue, failed, never]),
        (RegisterFilters(text="清缴"), [first], [overdue]),
        (RegisterFilters(text="0%"), [second], [failed, never]),
        (RegisterFilters(text="a\0"), [], []),
        (RegisterFilters(kind="national_standard"), [second], [failed, never]),
        (RegisterFilters(state="coming"), [], []),
        (RegisterFilters(state="ended"), [], []),
        (RegisterFilters(overdue=True), [first], [overdue]),
        (RegisterFilters(not_complied=True), [second], [failed]),
        (RegisterFilters(owner=id_of(office.other)), [second], [failed]),
        (RegisterFilters(owner="nobody\0"), [], []),
    ):
        shown = [line.law.id for line in list_laws(office.owner, filters=filters).items]
        assert shown == [law.id for law in laws], filters
        listed = {line.obligation.id for line in list_obligations(office.owner, filters=filters).items}
        assert listed == {duty.id for duty in duties}, filters
    refused(lambda: list_laws(office.owner, filters=RegisterFilters(state="x")))
    refused(lambda: list_obligations(office.owner, filters=RegisterFilters(kind="x")))
    page = list_obligations(office.owner, filters=RegisterFilters(), limit=1)
    assert [line.obligation.id for line in page.items] == [overdue.id]
    rest = list_obligations(office.owner, filters=RegisterFilters(), after=page.next_key)
    assert len(rest.items) == 2
    figures = view_figures(office.owner)
    assert (figures.laws, figures.obligations, figures.overdue, figures.not_complied) == (2, 3, 1, 1)
    assert figures.last == {"complies": 0, "partly": 1, "fails": 0, "not_applicable": 0, NEVER: 2}
    assert (figures.evaluations, figures.results["partly"], figures.actions, figures.actions_open) == (1, 1, 1, 1)
    clock.advance(days=365)
    assert view_figures(office.owner).evaluations == 0
