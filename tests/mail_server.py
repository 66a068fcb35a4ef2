"""A real mail server on loopback that does what a test tells it to, and keeps what it took."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from archive_app.kernel.archive import Archive, MailRule
from archive_app.kernel.clock import Clock

SENDER = "lantai@example.org"
Answer = str | Callable[[SMTP], str]


@dataclass
class Taken:
    """A mail that the server has: whom it goes to by the protocol, and its content as it came."""

    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail read as a reader would."""
        found = message_from_bytes(self.content, policy=default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.message.get_content())


@dataclass
class Server:
    """`answers` are given, by command, one after the other; where there is none left, all is well. `tries` counts
    the commands."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    pause_seconds: float = 0.0

    def _next(self, command: str, server: SMTP, good: str) -> str:
        self.tries[command] = self.tries.get(command, 0) + 1
        waiting = self.answers.get(command, [])
        answer = waiting.pop(0) if waiting else good
        return answer(server) if callable(answer) else answer

    async def handle_MAIL(  # noqa: N802  # the name that the library calls
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._next("MAIL", server, "250 OK")
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802  # the name that the library calls
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._next("RCPT", server, "250 OK")
        if answer == "hang":
            await asyncio.sleep(self.pause_seconds)
            return "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        answer = self._next("DATA", server, "250 OK")
        if answer == "hang" or answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(Taken(list(envelope.rcpt_tos), envelope.content))
        if answer == "hang":
            await asyncio.sleep(self.pause_seconds)
        return answer


def hang_up(server: SMTP) -> str:
    """The server goes away without a word."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "250 nobody hears this"


class _AnyPort(Controller):
    """A controller on a port that the system chooses: the library would look for its server at port 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's own


@contextmanager
def listening(server: Server, **options: Any) -> Iterator[int]:
    """The port where `server` listens."""
    controller = _AnyPort(server, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def mailing(archive: Archive, port: int, *, clock: Clock | None = None, **options: Any) -> Archive:
    """The archive with a mail server."""
    rule = MailRule("127.0.0.1", port, "none", SENDER, "https://archive.example.org", timeout_seconds=2)
    rules = replace(archive.rules, mail=replace(rule, **options))
    return replace(archive, rules=rules, clock=clock or archive.clock)


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """What a server called `name` shows, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.IPAddress(IPv4Address(name))] if name[0].isdigit() else [x509.DNSName(name)]
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, private)
    return context, pem


def only(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator that knows one account."""

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
        login, secret = getattr(given, "login", b""), getattr(given, "password", b"")
        return AuthResult(success=(login, secret) == (user.encode(), password.encode()))

    return check
