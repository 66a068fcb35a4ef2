"""Who asks for material, who decides about it, and who is reminded when."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from archive_app.casework.models import RequestCode
from archive_app.casework.requests.answering import view_own_request
from archive_app.casework.requests.deciding import NothingReturnedError, return_line, tell_returned
from archive_app.casework.requests.opening import CodeWrongError, ask_code, enter_code
from archive_app.casework.requests.own import RequestOverError
from archive_app.casework.requests.preparing import LineHasMaterialError, LineWish, RequestWish, change_request
from archive_app.casework.requests.reminding import remind
from archive_app.casework.requests.sending import make_code, send_request
from archive_app.casework.requests.viewing import view_request
from archive_app.engagements.teams import remove_member, set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.worklist.models import Notice, Task
from tests.conftest import SetClock
from tests.factories import People, declare, engagement_of
from tests.material import SYSTEM, acting, asked, brings, count, entering, link_of, standing

ANYBODY = Actor.anonymous(address="192.0.2.9")


def test_the_leader_changes_and_lines_with_material_stay(archive: Archive, people: People, clock: SetClock) -> None:
    """A request goes on under the next leader; the one before has nothing to do with it any more."""
    leader, heir = people.person("team_leader", name="前组长"), people.person("team_leader", name="新组长")
    engagement = engagement_of(leader)
    request, (line, photos) = asked(leader, engagement)
    token = send_request(leader, request_id=request.id, by_mail=False).token
    client = entering(leader, request, token)
    brings(client, line, "a.txt", b"a")
    set_member(leader, engagement_id=engagement.id, person_id=heir.person_id or "", part="leader")
    declare(archive, engagement.id)
    remove_member(heir, engagement_id=engagement.id, person_id=leader.person_id or "")
    assert view_own_request(client).leaders == ["新组长"]
    with pytest.raises(NotFoundError):
        make_code(leader, request_id=request.id)
    ask_code(ANYBODY, token=token)
    with archive.reading(heir) as uow:
        waiting = uow.session.scalars(select(Task.kind).where(uow.visible("task"), Task.closed_at.is_(None))).all()
    assert {"casework.code_asked", "casework.line_delivered"} <= set(waiting)
    assert len(make_code(heir, request_id=request.id)) == 6
    wish = RequestWish(recipient="王会计", channel="told")
    edition = view_request(heir, request_id=request.id).edition
    with pytest.raises(LineHasMaterialError):
        change_request(heir, request_id=request.id, wish=wish, lines=[], seen=edition)
    for bad in (RequestWish("王", "email", "not an address"), RequestWish("", "told"), RequestWish("王", "pigeon")):
        with pytest.raises(InvalidInputError):
            change_request(heir, request_id=request.id, wish=bad, lines=[], seen=edition)
    # Turned round, with a line of another request refused.
    turned = [LineWish(one.name, one.record_type, line_id=one.id) for one in (photos, line)]
    change_request(heir, request_id=request.id, wish=wish, lines=turned, seen=edition)
    assert [one.id for one in standing(request)] == [photos.id, line.id]
    assert [one.line.id for one in view_own_request(client).lines] == [photos.id, line.id]


def test_a_wrong_address_opens_nothing_once_it_is_put_right(archive: Archive, people: People) -> None:
    """Whoever came in by the wrong address is out, and the code that went there is good for nothing; other words of the
    request change nobody's session."""
    leader = people.person("team_leader")
    request, lines = asked(leader, engagement_of(leader), channel="email", address="stranger@b.example")
    token = send_request(leader, request_id=request.id, by_mail=False).token
    stranger = entering(leader, request, token)
    code = make_code(leader, request_id=request.id)
    kept = [LineWish(one.name, one.record_type, line_id=one.id) for one in lines]
    wrong, right = (RequestWish("王会计", "email", f"{who}@b.example", message="请") for who in ("stranger", "wang"))

    def change(wish: RequestWish) -> None:
        edition = view_request(leader, request_id=request.id).edition
        change_request(leader, request_id=request.id, wish=wish, lines=kept, seen=edition)

    change(wrong)
    assert len(view_own_request(stranger).lines) == 2
    change(right)
    with pytest.raises(RequestOverError):
        view_own_request(stranger)
    with pytest.raises(CodeWrongError):
        enter_code(ANYBODY, token=token, code=code, name="外人")
    assert view_own_request(entering(leader, request, token)).lines


def test_reminders_go_once_and_in_working_hours(archive: Archive, people: People, clock: SetClock) -> None:
    """Three working days before the due day and after it, by mail or by the leader; never at night or on a Sunday."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    due = date(2026, 11, 27)
    lines = [LineWish("发票", "invoice")]
    by_mail = asked(leader, engagement, lines=lines, channel="email", address="a@b.example", due_on=due)[0]
    both = [*lines, LineWish("台账", "energy_ledger", due_on=date(2026, 11, 26))]
    by_voice = asked(leader, engagement, lines=both, due_on=due)[0]
    silent = asked(leader, engagement, lines=lines)[0]
    unsent = asked(leader, engagement, lines=lines, channel="email", address="c@b.example", due_on=due)[0]
    for request in (by_mail, by_voice, silent):
        link_of(leader, request)

    def reminded() -> tuple[list[str], list[tuple[str, bool]]]:
        for _twice in range(2):
            remind(Workshop(archive), Job(kind="casework.remind"))
        with archive.reading(SYSTEM) as uow:
            keys = uow.session.scalars(select(Notice.key).where(Notice.kind.like("casework.material_%due")))
            tasks = select(Task.subject_id, Task.closed_at.is_(None)).where(Task.kind == "casework.remind_client")
            return sorted(keys), [(row[0], row[1]) for row in uow.session.execute(tasks)]

    # The clock stands on Saturday 21 November 2026, 10:00 in the archive's zone.
    assert reminded() == ([], [])
    clock.advance(days=2)
    assert reminded() == ([], [(by_voice.id, True)])
    # On Tuesday it would be time for the mail, and at seven it is too early.
    clock.advance(days=1, hours=-3)
    assert reminded() == ([], [(by_voice.id, True)])
    clock.advance(hours=3)
    soon = f"material-due:{by_mail.id}:{due}"
    assert reminded() == ([soon], [(by_voice.id, True)])
    # Of two days the leader hears of the first, and of that once.
    with archive.reading(SYSTEM) as uow:
        days = select(Task.due_on).where(Task.kind == "casework.remind_client")
        assert uow.session.scalars(days).all() == [date(2026, 11, 26)]
    assert count(archive, select(Event).where(Event.code == "material.reminded").subquery()) == 2
    for days_on in (3, 2):
        # On the due day itself, and on the Sunday after it.
        clock.advance(days=days_on)
        assert reminded() == ([soon], [(by_voice.id, True)])
    clock.advance(days=1)
    late = f"material-overdue:{by_mail.id}:{due}"
    assert reminded() == ([soon, late], [(by_voice.id, True)])
    for request in (by_mail, by_voice):
        client = acting(leader, request)
        for line in standing(request):
            brings(client, line, "发票.pdf", request.id.encode())
    clock.advance(days=1)
    assert reminded() == ([soon, late], [(by_voice.id, False)])
    assert unsent.id not in "".join(reminded()[0])
    # What is returned is told when the leader says so, each state of it once.
    with pytest.raises(NothingReturnedError):
        tell_returned(leader, request_id=by_mail.id)
    return_line(leader, line_id=standing(by_mail)[0].id, reason="不清楚\n请重新扫描")
    for _press in range(2):
        tell_returned(leader, request_id=by_mail.id)
    assert count(archive, select(Notice).where(Notice.kind == "casework.material_returned").subquery()) == 1
    assert standing(by_mail)[0].reason == "不清楚\n请重新扫描"


def test_only_who_leads_asks_and_only_who_works_decides(archive: Archive, people: People) -> None:
    """Members decide and do not ask; colleagues who only read see the states, not where the client is reached."""
    leader, member = people.person("team_leader"), people.person("verifier")
    auditor, outsider = people.person("internal_auditor"), people.person("team_leader")
    engagement = engagement_of(leader, team=[member])
    request, (_invoices, line) = asked(leader, engagement, channel="email", address="wang@client.example")
    client = acting(leader, request)
    brings(client, line, "a.jpg", b"a")
    for person in (member, auditor):
        with pytest.raises(Exception, match=r"permission_missing|not_found"):
            send_request(person, request_id=request.id, by_mail=False)
    with pytest.raises(NotFoundError):
        view_request(outsider, request_id=request.id)
    assert view_request(member, request_id=request.id).summary.address == "wang@client.example"
    seen = view_request(auditor, request_id=request.id)
    assert seen.summary.address == ""
    assert not seen.openings
    with pytest.raises(Exception, match=r"permission_missing"):
        return_line(auditor, line_id=line.id, reason="x")
    return_line(member, line_id=line.id, reason="x")
    assert count(archive, RequestCode) == 1
    link = timedelta(days=1)
    for days in (0, 181):
        with pytest.raises(InvalidInputError):
            send_request(leader, request_id=request.id, by_mail=False, days=days)
    assert send_request(leader, request_id=request.id, by_mail=False, days=1).until - link <= archive.clock.now()
