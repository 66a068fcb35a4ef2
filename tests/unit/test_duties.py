"""The rules of separation, each with who may and who may not."""

from collections.abc import Callable

import pytest

from archive_app.kernel.duties import (
    ACCEPTED_BY_ANOTHER,
    ACCESS_DECIDED_BY_ANOTHER,
    APPROVER_NOT_THE_AUTHOR,
    AUDITOR_NOT_RESPONSIBLE,
    COMPLAINT_HANDLED_BY_OTHERS,
    CORRECTION_CONFIRMED_BY_ANOTHER,
    DESTRUCTION_BY_FOUR_PEOPLE,
    DISCLOSED_BY_ANOTHER,
    ISSUED_BY_ANOTHER,
    MANAGEMENT_REVIEW_IN_PERSON,
    REVIEWER_NOT_OF_THE_TEAM,
    RIGHTS_GIVEN_BY_ANOTHER,
    RULES,
    VALIDATION_AND_VERIFICATION_APART,
    DutiesNotSeparateError,
    Duty,
    complaint_by_others,
    destruction_by_four,
)
from archive_app.kernel.language import translate

Act = Callable[[], None]
TABLE: list[tuple[Duty, list[Act], list[Act]]] = [
    (
        REVIEWER_NOT_OF_THE_TEAM,
        [lambda: REVIEWER_NOT_OF_THE_TEAM.require_apart("reviewer", ["leader", "member"])],
        [lambda: REVIEWER_NOT_OF_THE_TEAM.require_apart("member", ["leader", "member"])],
    ),
    (
        APPROVER_NOT_THE_AUTHOR,
        [lambda: APPROVER_NOT_THE_AUTHOR.require_apart("approver", ["author", "second author"])],
        [lambda: APPROVER_NOT_THE_AUTHOR.require_apart("second author", ["author", "second author"])],
    ),
    (
        AUDITOR_NOT_RESPONSIBLE,
        [lambda: AUDITOR_NOT_RESPONSIBLE.require_apart("auditor", ["head", "deputy"])],
        [lambda: AUDITOR_NOT_RESPONSIBLE.require_apart("head", ["head", "deputy"])],
    ),
    (
        VALIDATION_AND_VERIFICATION_APART,
        [lambda: VALIDATION_AND_VERIFICATION_APART.require_apart("this body", ["another body"])],
        [lambda: VALIDATION_AND_VERIFICATION_APART.require_apart("this body", ["another body", "this body"])],
    ),
    (
        COMPLAINT_HANDLED_BY_OTHERS,
        [
            lambda: complaint_by_others("investigator", "decider", ["leader", "member"]),
            # One person may do both, as long as they are not involved.
            lambda: complaint_by_others("handler", "handler", ["leader"]),
        ],
        [
            lambda: complaint_by_others("leader", "decider", ["leader", "member"]),
            lambda: complaint_by_others("investigator", "member", ["leader", "member"]),
        ],
    ),
    (
        DESTRUCTION_BY_FOUR_PEOPLE,
        [lambda: destruction_by_four("proposer", "approver", ["first", "second"])],
        [
            lambda: destruction_by_four("proposer", "proposer", ["first", "second"]),
            lambda: destruction_by_four("proposer", "approver", ["proposer", "second"]),
            lambda: destruction_by_four("proposer", "approver", ["first", "approver"]),
            lambda: destruction_by_four("proposer", "approver", ["first", "first"]),
            lambda: destruction_by_four("proposer", "approver", ["first"]),
            lambda: destruction_by_four("proposer", "approver", ["first", "second", "third"]),
        ],
    ),
    (
        MANAGEMENT_REVIEW_IN_PERSON,
        [lambda: MANAGEMENT_REVIEW_IN_PERSON.require_in_person("top manager", ["top manager", "another one"])],
        [
            lambda: MANAGEMENT_REVIEW_IN_PERSON.require_in_person("assistant", ["top manager"]),
            lambda: MANAGEMENT_REVIEW_IN_PERSON.require_in_person(None, ["top manager"]),
            lambda: MANAGEMENT_REVIEW_IN_PERSON.require_in_person("anybody", []),
        ],
    ),
    (
        RIGHTS_GIVEN_BY_ANOTHER,
        [lambda: RIGHTS_GIVEN_BY_ANOTHER.require_apart("officer", ["administrator", "person"])],
        [
            lambda: RIGHTS_GIVEN_BY_ANOTHER.require_apart("officer", ["administrator", "officer"]),
            lambda: RIGHTS_GIVEN_BY_ANOTHER.require_apart("officer", ["officer", "person"]),
        ],
    ),
    (
        ACCESS_DECIDED_BY_ANOTHER,
        [lambda: ACCESS_DECIDED_BY_ANOTHER.require_apart("leader", ["asker"])],
        [lambda: ACCESS_DECIDED_BY_ANOTHER.require_apart("asker", ["asker"])],
    ),
    (
        CORRECTION_CONFIRMED_BY_ANOTHER,
        [lambda: CORRECTION_CONFIRMED_BY_ANOTHER.require_apart("member", ["leader"])],
        [lambda: CORRECTION_CONFIRMED_BY_ANOTHER.require_apart("leader", ["leader", "member"])],
    ),
    (
        ACCEPTED_BY_ANOTHER,
        [lambda: ACCEPTED_BY_ANOTHER.require_apart("archivist", ["leader"])],
        [lambda: ACCEPTED_BY_ANOTHER.require_apart("archivist", ["archivist"])],
    ),
    (
        ISSUED_BY_ANOTHER,
        [lambda: ISSUED_BY_ANOTHER.require_apart("manager", ["leader", "member", "reviewer"])],
        [lambda: ISSUED_BY_ANOTHER.require_apart("reviewer", ["leader", "member", "reviewer"])],
    ),
    (
        DISCLOSED_BY_ANOTHER,
        [lambda: DISCLOSED_BY_ANOTHER.require_apart("manager", ["archivist"])],
        [lambda: DISCLOSED_BY_ANOTHER.require_apart("manager", ["manager"])],
    ),
]


def test_every_rule_has_its_table() -> None:
    assert [rule.name for rule, *_ in TABLE] == list(RULES)


@pytest.mark.parametrize(("rule", "may", "_may_not"), TABLE, ids=list(RULES))
def test_who_may(rule: Duty, may: list[Act], _may_not: list[Act]) -> None:
    for act in may:
        act()


@pytest.mark.parametrize(("rule", "_may", "may_not"), TABLE, ids=list(RULES))
def test_who_may_not_and_what_they_are_told(rule: Duty, _may: list[Act], may_not: list[Act]) -> None:
    for act in may_not:
        with pytest.raises(DutiesNotSeparateError) as refused:
            act()
        assert refused.value.code == "duties_not_separate"
        assert refused.value.rule is rule
        for language in ("zh_Hans_CN", "en"):
            told = refused.value.text(language)
            assert translate(language, rule.reason) in told
            # A row of a register keeps message and parameters, and fills them in later.
            assert translate(language, refused.value.message, **refused.value.params)


def test_a_missing_person_is_not_another_one() -> None:
    with pytest.raises(DutiesNotSeparateError):
        DESTRUCTION_BY_FOUR_PEOPLE.require_all_different(["a", "b", "c", None], count=4)
    REVIEWER_NOT_OF_THE_TEAM.require_apart(None, [None])  # the archive itself, which is nobody's hand
