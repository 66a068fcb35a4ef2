"""Writes that are repeated, in parallel, late, or over a crash: done once, answered alike."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from archive_app.documents.models import Version
from archive_app.engagements.models import Client, Engagement
from archive_app.identity.tidying import tidy
from archive_app.kernel import answered, settling
from archive_app.kernel.actor import Actor
from archive_app.kernel.answered import KEPT, LEASE, AnsweredWrite, KeptAnswer, Reservation, keep, reserve
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.kernel.feature import Workshop
from archive_app.kernel.unit_of_work import UnitOfWork
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of
from tests.functional.api_client import Program, token_of
from tests.functional.test_api_plumbing import told

NAME = {"name": "江南热电有限公司"}


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def program(app: Flask, leader: Actor) -> Program:
    return Program(app, token_of(leader, "read", "file", "open"))


def counted(archive: Archive, what: Any) -> int:
    with archive.reading(Actor.system("test")) as uow:
        return uow.session.scalar(select(func.count()).select_from(what)) or 0


def replayed(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


@both_databases
def test_a_repeated_write_is_done_once_and_answered_alike(archive: Archive, program: Program) -> None:
    first, again = (program.post("/clients", NAME, key="k") for _ in range(2))
    assert (first.status_code, replayed(first), replayed(again)) == (201, False, True)
    assert (again.status_code, again.data, again.headers["Location"]) == (201, first.data, first.headers["Location"])
    assert counted(archive, Client) == 1
    with archive.reading(Actor.system("test")) as uow:
        assert len(uow.session.scalars(select(Event.id).where(Event.code == "client.added")).all()) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/clients", {"name": "别的客户"}), ("/clients", {**NAME, "credit_code": ""})],
)
def test_a_key_names_one_request(archive: Archive, program: Program, path: str, body: Any) -> None:
    assert program.post("/clients", NAME, key="k").status_code == 201
    told(program.post(path, body, key="k"), 422, "idempotency_key_reused")
    assert counted(archive, Client) == 1


def test_a_key_belongs_to_its_person(app: Flask, archive: Archive, people: People, program: Program) -> None:
    other = Program(app, token_of(people.person("team_leader", organisation="他方"), "open"))
    assert [p.post("/clients", NAME, key="k").status_code for p in (program, other)] == [201, 201]
    assert counted(archive, Client) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\tin", "键"])
def test_a_write_without_a_usable_key_is_refused(archive: Archive, program: Program, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")} if key else {}
    told(program.ask("POST", "/clients", json=NAME, headers=headers), 400, "idempotency_key_missing")
    assert counted(archive, Client) == 0


def test_a_refusal_frees_the_key(archive: Archive, program: Program) -> None:
    program.post("/clients", NAME)
    told(program.post("/clients", NAME, key="k"), 409, "client_exists")
    assert program.post("/clients", {"name": "另一家"}, key="k").status_code == 201
    assert counted(archive, AnsweredWrite) == 2


@both_databases
def test_a_repeated_file_is_filed_once(archive: Archive, program: Program, leader: Actor) -> None:
    address = f"/engagements/{engagement_of(leader).id}/documents?name=a.txt"
    first, again = (program.send(address, b"content", key="k") for _ in range(2))
    assert (first.status_code, again.data, replayed(again)) == (201, first.data, True)
    told(program.send(address, b"CONTENT", key="k"), 422, "idempotency_key_reused")
    told(program.send(address, b"longer content", key="k"), 422, "idempotency_key_reused")
    assert counted(archive, Version) == 1


@both_databases
@pytest.mark.parametrize("kind", ["json", "file"])
def test_of_many_at_once_one_is_done(archive: Archive, app: Flask, program: Program, leader: Actor, kind: str) -> None:
    address = f"/engagements/{engagement_of(leader).id}/documents?name=a.txt"
    before = counted(archive, Client)
    start = threading.Barrier(6)
    answers: list[Any] = []

    def ask() -> None:
        with archive.activate():
            start.wait()
            answer = program.post("/clients", NAME, key="k") if kind == "json" else program.send(address, b"x", key="k")
            answers.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    done = [answer for answer in answers if answer.status_code == 201]
    assert [replayed(answer) for answer in done].count(False) == 1
    assert len({answer.data for answer in done}) == 1
    assert all(answer.json["code"] == "write_in_progress" for answer in answers if answer.status_code == 409)
    assert (counted(archive, Client) - before, counted(archive, Version)) == ((1, 0) if kind == "json" else (0, 1))


class PulledPlugError(BaseException):
    """The process dies here."""


@both_databases
@pytest.mark.parametrize("when", ["before the change", "before the commit", "after the commit"])
def test_whatever_dies_between_two_steps_a_repeat_does_it_once(
    archive: Archive, program: Program, clock: SetClock, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """What a kill leaves behind: neither a release nor an answer to the caller."""
    with monkeypatch.context() as broken:
        broken.setattr("archive_app.web.api.routes.release", lambda *_: None)
        if when == "before the change":
            broken.setattr("archive_app.engagements.api.add_client", _die)
        elif when == "before the commit":
            broken.setattr("archive_app.web.api.routes.keep", _die)
        else:
            broken.setattr("archive_app.web.api.routes._answered", _die)
        with pytest.raises(PulledPlugError):
            program.post("/clients", NAME, key="k")
    if when != "after the commit":
        assert counted(archive, Client) == 0
        answer = program.post("/clients", NAME, key="k")
        assert answer.headers["Retry-After"] == "2"
        told(answer, 409, "write_in_progress")
        clock.advance(seconds=LEASE.total_seconds())
    again = program.post("/clients", NAME, key="k")
    assert (again.status_code, replayed(again)) == (201, when == "after the commit")
    assert counted(archive, Client) == 1


def _die(*_: object, **__: object) -> None:
    raise PulledPlugError


@both_databases
def test_an_attempt_that_was_overtaken_cannot_commit(archive: Archive, leader: Actor, clock: SetClock) -> None:
    """Slower than its lease: the other attempt owns the key, so the change of this one is undone."""
    slow = reserve(archive, leader, "k", b"request")
    clock.advance(seconds=LEASE.total_seconds())
    quick = reserve(archive, leader, "k", b"request")
    assert isinstance(slow, Reservation)
    assert isinstance(quick, Reservation)
    answer = KeptAnswer(201, None, "{}")

    def add(reservation: Reservation, name: str) -> None:
        from archive_app.engagements.clients import add_client

        with settling.settled_by(lambda uow, _result: keep(uow, reservation, answer)):
            add_client(leader, name=name)

    with pytest.raises(answered.WriteInProgressError):
        add(slow, "慢")
    add(quick, "快")
    with archive.reading(leader) as uow:
        assert uow.session.scalars(select(Client.name)).all() == ["快"]
    assert reserve(archive, leader, "k", b"request") == answer


def test_an_answer_does_not_hide_a_change_without_an_event(archive: Archive, leader: Actor) -> None:
    held = reserve(archive, leader, "k", b"request")
    assert isinstance(held, Reservation)

    def change(uow: UnitOfWork) -> None:
        uow.session.add(Client(id=uow.new_id(), organisation_id=leader.organisation_id, name="x", created_at=uow.now))
        keep(uow, held, KeptAnswer(201, None, "{}"))

    with pytest.raises(RuntimeError, match="recorded no event"), archive.transaction(leader) as uow:
        change(uow)
    assert counted(archive, Client) == 0


def test_a_long_upload_keeps_its_key_while_bytes_come(
    archive: Archive, program: Program, leader: Actor, clock: SetClock
) -> None:
    address = f"/engagements/{engagement_of(leader).id}/documents?name=a.txt"
    meanwhile: list[int] = []

    class Slow:
        """A minute goes by with each block; in between, somebody asks for the same."""

        def __init__(self) -> None:
            self.left = 4
            self.place = 0

        def tell(self) -> int:
            return self.place

        def seek(self, offset: int, whence: int = 0) -> None:
            self.place = 3 if whence == 2 else offset

        def read(self, _size: int = -1) -> bytes:
            clock.advance(seconds=8)
            self.left -= 1
            if self.left == 1:
                meanwhile.append(program.send(address, b"xxx", key="k").status_code)
            return b"x" if self.left >= 1 else b""

    answer = program.ask(
        "POST",
        address,
        input_stream=Slow(),
        headers={"Idempotency-Key": "k", "Content-Length": "3", "Content-Type": "application/octet-stream"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, meanwhile) == (201, [409])


def test_answers_are_forgotten_after_two_days(archive: Archive, program: Program, clock: SetClock) -> None:
    program.post("/clients", NAME, key="k")
    clock.advance(seconds=(KEPT - timedelta(seconds=1)).total_seconds())
    assert replayed(program.post("/clients", NAME, key="k"))
    clock.advance(seconds=2)
    told(program.post("/clients", NAME, key="k"), 409, "client_exists")
    clock.advance(days=3)
    workshop = Workshop(archive, None)  # tidying needs no index
    tidy(workshop, None)  # type: ignore[arg-type]
    assert counted(archive, AnsweredWrite) == 0


def test_engagements_too(archive: Archive, program: Program) -> None:
    client = program.post("/clients", NAME).json["id"]
    body = {"client_id": client, "number": "HC-1", "title": "年度核查", "year": 2025}
    first, again = (program.post("/engagements", body, key="e") for _ in range(2))
    assert (first.status_code, again.data, replayed(again)) == (201, first.data, True)
    assert counted(archive, Engagement) == 1
