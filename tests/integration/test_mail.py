"""Mail is sent once and only once: what the server says, what it does not say, and what is lost never."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import select

from archive_app.documents.rotation import find_unreadable_keys, key_state, rotate_keys
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.health import State
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.worklist import notices, posting
from archive_app.worklist.mail_server import MailServerUnusableError
from archive_app.worklist.models import Notice
from archive_app.worklist.notices import KINDS, is_address, notice_kind, send_notice
from archive_app.worklist.posted import SecretErasedError, give_up, list_troubles, probe_mail, send_again
from archive_app.worklist.posting import PORTION, post_notices, settle_broken
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.factories import People
from tests.mail_server import SENDER, Answer, Server, certificate, hang_up, listening, mailing, only

HELLO = notice_kind("test.hello", subject="Hello (%(number)s)", body="A word.", why="Because.")
CODE = notice_kind("test.code", subject="A code", body="The code is %(secret)s.", why="You asked.")
SYSTEM = Actor.system("test")
TO = "someone@client.example"
NO_JOB = cast("Job", None)


@pytest.fixture(autouse=True, scope="module")
def kinds_of_tests() -> Iterator[None]:
    """Kinds of these tests leave the table of kinds again: others look at all of it."""
    yield
    for kind in (HELLO, CODE):
        assert KINDS[kind.code] is kind
        del notices._KINDS[kind.code]


def write(archive: Archive, key: str = "k", *, address: str = TO, secret: bytes = b"", link: str = "/work") -> str:
    with archive.transaction(SYSTEM, eventless=True) as uow:
        kind = CODE if secret else HELLO
        common = {"language": "en", "link": link, "organisation_id": None}
        return send_notice(uow, key=key, kind=kind, address=address, secret=secret, **common).id  # type: ignore[arg-type]


def of(archive: Archive, notice_id: str) -> Notice:
    with archive.reading(SYSTEM) as uow:
        return uow.session.get_one(Notice, notice_id)


def post(archive: Archive) -> GiveWay | None:
    with archive.activate():
        return post_notices(Workshop(archive), NO_JOB)


@contextmanager
def at(archive: Archive, server: Server) -> Iterator[Archive]:
    with listening(server) as port:
        yield mailing(archive, port)


@both_databases
def test_a_notice_is_sent_once_and_its_secret_erased(archive: Archive) -> None:
    server = Server()
    with at(archive, server) as posting_archive:
        first = write(posting_archive, secret=b"482913", link="/material/{secret}")
        assert write(posting_archive, secret=b"111111") == first
        write(posting_archive, "other")
        assert b"482913" not in (of(archive, first).wrapped_secret or b"")
        for _ in range(3):
            assert post(posting_archive) is None
    assert [mail.recipients for mail in server.taken] == [[TO], [TO]]
    server.taken.sort(key=lambda mail: mail.message["Subject"])
    assert "The code is 482913." in server.taken[0].text
    assert "https://archive.example.org/material/482913" in server.taken[0].text
    sent = of(archive, first)
    assert (sent.state, sent.wrapped_secret, sent.key_epoch) == ("sent", None, None)
    assert sent.sent_at == archive.clock.now()
    message = server.taken[0].message
    assert dict(message.items()) | {"Content-Transfer-Encoding": "", "Content-Type": ""} == {
        "From": SENDER,
        "To": TO,
        "Subject": "A code",
        "Date": message["Date"],
        "Message-ID": f"<{first}@{archive.archive_id[-12:]}.lantai>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "MIME-Version": "1.0",
        "Content-Transfer-Encoding": "",
        "Content-Type": "",
    }
    assert all(len(line) <= 998 for line in server.taken[0].content.split(b"\r\n"))
    assert message["Date"].datetime == sent.created_at


def test_without_a_mail_server_notices_wait_and_the_health_page_says_so(archive: Archive) -> None:
    write(archive)
    assert post(archive) is None
    with archive.reading(SYSTEM) as uow:
        [line] = probe_mail(uow)
    assert (line.state, line.params["waiting"], "off" in line.text) == (State.WATCH, 1, True)


@both_databases_in_full
def test_a_refusal_for_now_is_tried_again_with_growing_pauses_and_one_for_good_is_not(
    archive: Archive, clock: SetClock, people: People
) -> None:
    soft, hard = "451 busy, come again", "550 no such user"
    server = Server({"RCPT": [soft, soft, soft], "DATA": [soft, hard], "MAIL": []})
    with at(archive, server) as sending:
        notice_id = write(sending)
        pauses = []
        for _ in range(4):
            post(sending)
            waiting = of(archive, notice_id)
            assert (waiting.state, waiting.reason) == ("waiting", soft)
            pauses.append(waiting.not_before - clock.now())
            post(sending)
            assert server.tries["RCPT"] == len(pauses)
            clock.instant = waiting.not_before
        assert pauses == [timedelta(minutes=minutes) for minutes in (1, 4, 16, 64)]
        assert probe_mail_words(sending)["waiting"] == 1
        post(sending)
        refused = of(archive, notice_id)
        assert (refused.state, refused.reason) == ("refused", hard)
        clock.advance(days=30)
        post(sending)
        assert (server.tries["DATA"], server.taken) == (2, [])
        [trouble] = list_troubles(people.person("system_administrator")).items
        assert (trouble.notice.id, trouble.to, trouble.notice.reason) == (notice_id, TO, hard)
        # An administrator mends the address elsewhere and has it sent; what is sent cannot be sent again by hand.
        administrator = people.person("system_administrator")
        send_again(administrator, notice_id=notice_id)
        post(sending)
        assert (of(archive, notice_id).state, len(server.taken)) == ("sent", 1)
        for act in (send_again, give_up):
            with pytest.raises(ConflictError):
                act(administrator, notice_id=notice_id)
    # The longest pause is a day, however often it was refused.
    server = Server({"RCPT": [soft] * 12})
    with at(archive, server) as sending:
        other = write(sending, "other")
        for _ in range(12):
            post(sending)
            clock.instant = of(archive, other).not_before
        assert of(archive, other).attempts == 12
        post(sending)
        assert of(archive, other).state == "sent"


def probe_mail_words(archive: Archive) -> dict[str, object]:
    with archive.reading(SYSTEM) as uow:
        *_, line = probe_mail(uow)
        return dict(line.params)


def test_a_refused_code_is_erased_and_must_be_made_anew(archive: Archive, people: People) -> None:
    administrator = people.person("system_administrator")
    with at(archive, Server({"RCPT": ["550 no such user"]})) as sending:
        notice_id = write(sending, secret=b"482913")
        post(sending)
    assert (of(archive, notice_id).state, of(archive, notice_id).wrapped_secret) == ("refused", None)
    with pytest.raises(SecretErasedError):
        send_again(administrator, notice_id=notice_id)
    give_up(administrator, notice_id=notice_id)
    assert list_troubles(administrator).items == []


def test_a_code_that_nobody_fetched_in_time_is_erased(archive: Archive, clock: SetClock) -> None:
    notice_id, plain = write(archive, secret=b"482913"), write(archive, "plain")
    clock.advance(days=6, hours=23)
    settle_broken(archive)
    assert of(archive, notice_id).state == "waiting"
    clock.advance(hours=2)
    settle_broken(archive)
    gone = of(archive, notice_id)
    assert (gone.state, gone.wrapped_secret, of(archive, plain).state) == ("void", None, "waiting")


@pytest.mark.parametrize("where", ["refused", "silent at the greeting", "certificate", "no encryption", "login"])
def test_a_server_that_cannot_be_used_loses_nothing_and_claims_nothing(
    archive: Archive, clock: SetClock, where: str, tmp_path: Path
) -> None:
    server = Server()
    context, authority = certificate(tmp_path)
    other_context, _ = certificate(tmp_path, "other.example")
    options: dict[str, Any] = {"encryption": "starttls", "certificates": str(authority)}
    served: dict[str, Any] = {"tls_context": context, "require_starttls": True}
    if where == "refused":
        server.answers = {"MAIL": ["550 this sender is not allowed"]}
        options, served = {}, {}
    elif where == "silent at the greeting":
        options = {"encryption": "tls", "timeout_seconds": 0.3, "certificates": str(authority)}
        served = {}
    elif where == "certificate":
        served["tls_context"] = other_context
    elif where == "no encryption":
        served = {}
    else:
        options |= {"user": "lantai", "password": "wrong"}
        served |= {"auth_required": True, "authenticator": only("lantai", "right")}
    with listening(server, **served) as port:
        sending = mailing(archive, port, **options)
        notice_id = write(sending)
        with pytest.raises(MailServerUnusableError):
            post(sending)
    waiting = of(archive, notice_id)
    assert (waiting.state, server.taken, waiting.wrapped_secret) == ("waiting", [], None)
    # The server is not there at all.
    clock.advance(minutes=2)
    with pytest.raises(MailServerUnusableError):
        post(mailing(archive, port))


def test_over_an_encrypted_line_it_signs_in_and_sends(archive: Archive, tmp_path: Path) -> None:
    context, authority = certificate(tmp_path)
    server = Server()
    served = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with listening(server, authenticator=only("lantai", "right"), **served) as port:
        options: dict[str, Any] = {
            "encryption": "starttls",
            "certificates": str(authority),
            "user": "lantai",
            "password": "right",
        }
        sending = mailing(archive, port, **options)
        assert "right" not in repr(sending.rules)
        notice_id = write(sending)
        post(sending)
    assert (of(archive, notice_id).state, len(server.taken)) == ("sent", 1)


@pytest.mark.parametrize("how", ["dies after it has it", "dies before it has it", "hangs after it has it"])
def test_a_handover_without_an_answer_is_uncertain_and_never_repeated_by_itself(
    archive: Archive, clock: SetClock, people: People, how: str
) -> None:
    def take_and_die(connection: SMTP) -> str:
        hang_up(connection)
        return "250 taken"

    def die(connection: SMTP) -> str:
        hang_up(connection)
        return "451 not taken"

    answers: dict[str, Answer] = {
        "dies after it has it": take_and_die,
        "dies before it has it": die,
        "hangs after it has it": "hang",
    }
    server = Server({"DATA": [answers[how]]}, pause_seconds=1.0)
    with listening(server) as port:
        sending = mailing(archive, port, timeout_seconds=0.4)
        notice_id = write(sending, secret=b"482913")
        with pytest.raises(MailServerUnusableError):
            post(sending)
        assert (of(archive, notice_id).state, server.tries["DATA"]) == ("uncertain", 1)
        for _ in range(3):
            clock.advance(hours=30)
            post(sending)
        assert (of(archive, notice_id).state, server.tries["DATA"]) == ("uncertain", 1)
        assert probe_mail_words(sending)["uncertain"] == 1
        administrator = people.person("system_administrator")
        send_again(administrator, notice_id=notice_id)
        post(mailing(archive, port))
        assert (of(archive, notice_id).state, server.tries["DATA"]) == ("sent", 2)
    names = {mail.message["Message-ID"] for mail in server.taken}
    assert names == {f"<{notice_id}@{archive.archive_id[-12:]}.lantai>"}


def test_a_hang_before_the_content_is_tried_again(archive: Archive, clock: SetClock) -> None:
    server = Server({"RCPT": ["hang"]}, pause_seconds=0.8)
    with listening(server) as port:
        sending = mailing(archive, port, timeout_seconds=0.3)
        notice_id = write(sending)
        with pytest.raises(MailServerUnusableError):
            post(sending)
        assert of(archive, notice_id).state == "waiting"
        time.sleep(0.8)
        clock.advance(minutes=2)
        post(mailing(archive, port))
    assert (of(archive, notice_id).state, len(server.taken)) == ("sent", 1)


@both_databases
def test_a_claim_that_was_lost_sends_nothing(
    archive: Archive, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that slept over its claim finds that another one has it."""
    server = Server()
    with at(archive, server) as sending:
        notice_id = write(sending)
        begin = posting._begin_handover
        asleep = True

        def sleep_first(inside: Archive, claim: posting.Claim) -> bool:
            nonlocal asleep
            if asleep:
                asleep = False
                clock.advance(hours=2)
                post(sending)
                assert of(archive, notice_id).state == "sent"
            return begin(inside, claim)

        monkeypatch.setattr(posting, "_begin_handover", sleep_first)
        post(sending)
    assert (len(server.taken), of(archive, notice_id).attempts) == (1, 2)


def test_a_claim_that_another_worker_took_over_sends_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have it claimed, the other one later: only the later claim may go on."""
    server, begin = Server(), posting._begin_handover

    def taken_over(inside: Archive, claim: posting.Claim) -> bool:
        with archive.transaction(SYSTEM, eventless=True) as uow:
            uow.session.get_one(Notice, claim.notice_id).attempts += 1
        return begin(inside, claim)

    monkeypatch.setattr(posting, "_begin_handover", taken_over)
    with at(archive, server) as sending:
        notice_id = write(sending)
        post(sending)
    assert (server.taken, of(archive, notice_id).state) == ([], "claimed")


def test_many_are_sent_in_portions_and_one_bad_one_holds_up_none(archive: Archive) -> None:
    server = Server({"RCPT": ["550 no", "451 later"]})
    with at(archive, server) as sending:
        for number in range(PORTION + 3):
            write(sending, f"k{number}")
        assert isinstance(post(sending), GiveWay)
        assert len(server.taken) == PORTION - 2
        assert post(sending) is None
    assert len(server.taken) == PORTION + 1


def test_secrets_are_wrapped_anew_by_a_rotation(archive: Archive) -> None:
    notice_id = write(archive, secret=b"482913")
    rotated = rotate_keys(SYSTEM)
    assert (rotated.epoch, of(archive, notice_id).key_epoch) == (2, 2)
    assert list(key_state(SYSTEM, archive).rows_by_epoch) == [2]
    archive.vault.keyring.destroy_epoch(1)
    assert list(find_unreadable_keys(archive, SYSTEM)) == []
    server = Server()
    with at(archive, server) as sending:
        post(sending)
    assert "482913" in server.taken[0].text
    broken = write(archive, "broken", secret=b"1")
    archive.vault.keyring.add_epoch()
    archive.vault.keyring.destroy_epoch(2)
    assert list(find_unreadable_keys(archive, SYSTEM)) == [f"notice {broken}"]
    with at(archive, server) as sending:
        post(sending)
    assert (of(archive, broken).state, len(server.taken)) == ("refused", 1)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: x@y",
        "a@b\n",
        "<a@b.example>",
        "a b@c.example",
        "@c.example",
        "a@",
        "a@@b",
        "a,b@c.example",
        "x" * 65 + "@c.example",
        "a@" + "b" * 255,
        "名@c.example",
        "a@-c.example",
        'a"b@c.example',
        "a..b@c.example",
        "",
    ],
)
def test_no_address_reaches_a_header_or_a_line_that_it_should_not(archive: Archive, address: str) -> None:
    assert not is_address(address)
    with pytest.raises(ValueError, match="address"):
        write(archive, address=address)


def test_what_is_no_path_is_no_link_and_a_notice_has_one_reader(archive: Archive) -> None:
    for link in ("https://evil.example/", "//evil.example/", "work"):
        with pytest.raises(ValueError, match="link"):
            write(archive, link=link)
    with archive.transaction(SYSTEM, eventless=True) as uow, pytest.raises(ValueError, match="person or"):
        send_notice(uow, key="x", kind=HELLO, language="en", link="/", organisation_id=None)
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(Notice.id)) is None
    assert all(map(is_address, ("a@b.example", "a.b+c_d@e-f.g.example", "o'neill@localhost")))
    assert re.fullmatch(r"[a-z.]+", HELLO.code)
