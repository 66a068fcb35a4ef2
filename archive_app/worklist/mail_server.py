"""A conversation with the mail server (RFC 5321), cut in two at the one moment that matters: before the content of a
mail nothing was handed over and everything may be tried again; after it nobody can take the mail back."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from archive_app.kernel.archive import MailRule

_LINE_DOT = re.compile(rb"^\.", re.MULTILINE)
_FIRST_OF_THE_GOOD, _GO_ON, _FIRST_TEMPORARY, _FIRST_PERMANENT = 200, 354, 400, 500
_REASON_LIMIT = 200


class MailServerUnusableError(Exception):
    """The server cannot be reached or spoken to, whatever is to be sent: the archive's own matter, not a mail's."""


class RefusedForNowError(Exception):
    """The server did not take this mail, and may take it later."""


class RefusedForGoodError(Exception):
    """The server will never take this mail."""


class HandoverBrokenError(Exception):
    """The conversation broke off while the mail was handed over: it was taken or not, and nobody knows."""


class MailServer:
    """A server that greeted us, over a connection that is encrypted as the settings say."""

    def __init__(self, client: smtplib.SMTP, rule: MailRule) -> None:
        self._client = client
        self._rule = rule

    def offer(self, recipient: str) -> None:
        """Asks whether the server takes a mail for the recipient, up to where the content would begin.

        Raises: RefusedForNowError, RefusedForGoodError, MailServerUnusableError.
        """
        try:
            # What the sender's address meets is the same for every mail: the settings are to be mended, none is lost.
            self._must(self._client.mail(self._rule.sender), lasting=MailServerUnusableError)
            self._must(self._client.rcpt(recipient), lasting=RefusedForGoodError)
            code, words = self._client.docmd("DATA")
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerUnusableError(_in_words(error)) from error
        if code != _GO_ON:
            self._must((code, words), lasting=RefusedForGoodError, always=True)

    def hand_over(self, content: bytes) -> None:
        """Gives the content after an accepted `offer`; returns when the server said that it has it.

        Raises: RefusedForNowError, RefusedForGoodError; HandoverBrokenError when no answer came.
        """
        try:
            self._client.send(_LINE_DOT.sub(b"..", content.removesuffix(b"\r\n")) + b"\r\n.\r\n")
            code, words = self._client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise HandoverBrokenError(_in_words(error)) from error
        if code < _FIRST_OF_THE_GOOD:
            raise HandoverBrokenError(_said(code, words))
        self._must((code, words), lasting=RefusedForGoodError)

    def forget(self) -> None:
        """Takes an offer back, so that the next mail begins anew. Raises: MailServerUnusableError."""
        try:
            self._client.rset()
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerUnusableError(_in_words(error)) from error

    def hang_up(self) -> None:
        """Ends the conversation in the middle of an accepted offer: the server takes nothing."""
        self._client.close()

    @staticmethod
    def _must(answer: tuple[int, bytes], *, lasting: type[Exception], always: bool = False) -> None:
        code, words = answer
        if code < _FIRST_TEMPORARY and not always:
            return
        raise (lasting if code >= _FIRST_PERMANENT else RefusedForNowError)(_said(code, words))


@contextmanager
def connected(rule: MailRule) -> Iterator[MailServer]:
    """The server, greeted and signed in to. Raises: MailServerUnusableError with the reason."""
    try:
        client = _greeted(rule)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailServerUnusableError(_in_words(error)) from error
    try:
        yield MailServer(client, rule)
    except BaseException:
        # In the middle of a mail nothing but the end of the line says that it is not to be taken.
        client.close()
        raise
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        # Everything that mattered was said; a server that hangs up first changes nothing.
        client.close()


def _greeted(rule: MailRule) -> smtplib.SMTP:
    trusted = ssl.create_default_context(cafile=rule.certificates or None)
    if rule.encryption == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(rule.host, rule.port, timeout=rule.timeout_seconds, context=trusted)
    else:
        client = smtplib.SMTP(rule.host, rule.port, timeout=rule.timeout_seconds)
    try:
        client.ehlo_or_helo_if_needed()
        if rule.encryption == "starttls":
            # Raises where the server does not offer it: nothing is sent in the clear instead.
            client.starttls(context=trusted)
            client.ehlo()
        if rule.user:
            client.login(rule.user, rule.password)
    except BaseException:
        client.close()
        raise
    return client


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"[:_REASON_LIMIT]


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(f"{code} {text}".split())[:_REASON_LIMIT]
