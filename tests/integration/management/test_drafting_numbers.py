"""Numbers of controlled documents: by pattern, without collision, whatever stands in patterns, titles and names."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import inspect, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, PermissionMissingError
from archive_app.kernel.events import Event, EventDetail
from archive_app.management.controlled.master_list import Filters, list_controlled
from archive_app.management.controlled.models import ControlledDocument, NumberPattern
from archive_app.management.controlled.numbering import (
    NumberTakenError,
    NumberTakenUnseenError,
    checked_pattern,
    filled,
    list_patterns,
    set_pattern,
)
from archive_app.management.controlled.registering import Description, Registered, register_document
from tests.conftest import both_databases
from tests.factories import People

HOSTILE = (
    "{0.__class__}",
    "{kind!r}",
    "{seq:>9999999999}",
    "{seq.__class__}",
    "%s%n",
    "{" * 50 + "seq" + "}" * 50,
    "{}",
    "{seq}{seq}",
    "{SEQ}",
    "{seq:02}{",
    "x",
    "{seq:00}",
    "{seq:07}",
    "a\nb{seq}",
    "",
    "文" * 100 + "{seq}",
)


def _register(
    who: Actor, kind: str = "procedure", title: str = "程序", number: str = "", department: str = ""
) -> Registered:
    return register_document(who, kind=kind, number=number, described=Description(title, department=department))


def test_patterns_hold_nothing_but_their_placeholders(archive: Archive, people: People) -> None:
    controller, author = people.person("document_controller"), people.person("staff_member")
    for pattern in HOSTILE:
        with pytest.raises(InvalidInputError):
            checked_pattern(pattern)
        with pytest.raises(InvalidInputError):
            set_pattern(controller, kind="procedure", pattern=pattern)
    with pytest.raises(InvalidInputError):
        set_pattern(controller, kind="law", pattern="{seq}")
    with pytest.raises(PermissionMissingError):
        set_pattern(author, kind="procedure", pattern="{seq}")
    assert filled("%(x)s{kind}/{seq:03}", kind="form", year=2026, department="", sequence=7) == "%(x)sBD/007"
    set_pattern(controller, kind="procedure", pattern="Q/LY {kind}{department}-{year}-{seq:03}")
    with pytest.raises(InvalidInputError):
        _register(author)
    for department in ("{0.__class__}", "{seq}", "生产部"):
        number = _register(author, department=department).number
        assert number.startswith(f"Q/LY CX{department}-2026-00")
    with pytest.raises(InvalidInputError):
        _register(author, department="部" * 150)
    shown = {line.kind: line for line in list_patterns(author)}
    assert (shown["procedure"].last, shown["procedure"].example) == (3, "Q/LY CX…-2026-004")
    assert shown["form"].example == "BD-01"
    for title in ("{0.__class__}", "%(number)s", "<script>", "题" * 200):
        assert _register(author, kind="form", title=title).number.startswith("BD-")
    for title in ("题" * 201, "x" * 300, " ", "a\0b", "a\nb"):
        with pytest.raises(InvalidInputError):
            _register(author, kind="form", title=title)
    with pytest.raises(InvalidInputError):
        _register(author, number="号" * 101)


def test_taken_numbers(archive: Archive, people: People) -> None:
    """A generated number that is taken is passed over and that is recorded; a typed one is refused and says by what."""
    controller, author = people.person("document_controller"), people.person("staff_member")
    other, elsewhere = people.person("staff_member"), people.person("document_controller", organisation="别家")
    for number in ("CX-01", "CX-02", "CX-04"):
        _register(author, number=number, title="先来的")
    assert _register(elsewhere).number == "CX-01"
    made = [_register(author) for _ in range(2)]
    assert [(one.number, one.skipped) for one in made] == [("CX-03", 2), ("CX-05", 1)]
    with archive.reading(Actor.system("test")) as uow:
        details = select(EventDetail.detail).join(Event, Event.id == EventDetail.event_id)
        told = uow.session.scalars(details.where(Event.code == "controlled.registered")).all()
    passed_over = sorted(detail.partition('"skipped":')[2][:1] for detail in told if "skipped" in detail)
    assert passed_over == ["1", "2"]
    with pytest.raises(NumberTakenError) as taken:
        _register(author, number=" CX-04 ")
    assert "先来的" in taken.value.text("en")
    # A draft of somebody else is not told of.
    with pytest.raises(NumberTakenUnseenError) as unseen:
        _register(other, number="CX-04")
    assert "先来的" not in unseen.value.text("zh_Hans_CN")
    # Two kinds with one pattern give no number twice.
    for kind in ("form", "plan"):
        set_pattern(controller, kind=kind, pattern="DOC-{seq:02}")
    kinds = ("form", "plan", "plan", "form")
    assert [_register(author, kind=kind).number for kind in kinds] == ["DOC-01", "DOC-02", "DOC-03", "DOC-04"]
    # A long run of taken numbers is passed over all the same, and one that ends has an end.
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        form = uow.session.scalars(select(ControlledDocument).where(ControlledDocument.number == "DOC-01")).one()
        facts = {column.key: getattr(form, column.key) for column in inspect(ControlledDocument).column_attrs}
        uow.session.add_all(
            ControlledDocument(**{**facts, "id": uow.new_id(), "number": f"BIG-{number}"}) for number in range(1, 451)
        )
    set_pattern(controller, kind="manual", pattern="BIG-{seq}")
    after = _register(author, kind="manual")
    assert (after.number, after.skipped) == ("BIG-451", 450)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(NumberPattern, (form.organisation_id, "manual")).last = 999_999
    with pytest.raises(InvalidInputError) as full:
        _register(author, kind="manual")
    assert "no free number" in full.value.text("en")


@both_databases
def test_numbers_given_at_once(archive: Archive, people: People) -> None:
    """People who register at the same moment, by pattern, by another kind's same pattern and by hand."""
    controller, authors = people.person("document_controller"), [people.person("staff_member") for _ in range(6)]
    for kind in ("form", "plan"):
        set_pattern(controller, kind=kind, pattern="DOC-{seq:02}")
    acts: list[Callable[[], str]] = []
    for who, kind in zip(authors, ("form", "plan") * 3, strict=True):
        acts.append(partial(_number_of, who, kind))
    acts.append(partial(_number_of, controller, "procedure", "DOC-03"))
    told = _at_once(archive, acts)
    given = [one for one in told if isinstance(one, str)]
    assert len(set(given)) == len(given) >= len(acts) - 1
    assert {f"DOC-{number:02}" for number in range(1, 7)} <= set(given) | {"DOC-07"}
    page = list_controlled(controller, filters=Filters(text="DOC-"))
    assert sorted(given) == [line.controlled.number for line in page.items]


def _number_of(who: Actor, kind: str, number: str = "") -> str:
    return _register(who, kind=kind, number=number).number


def _at_once(archive: Archive, acts: Sequence[Callable[[], str]]) -> list[object]:
    start = Barrier(len(acts))

    def run(act: Callable[[], str]) -> object:
        start.wait(timeout=20)
        with archive.activate():
            try:
                return act()
            except NumberTakenError as taken:
                return taken

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
