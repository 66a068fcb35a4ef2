"""What stands in a mail: the kind of what waits, the number of the engagement, why it came and how to change that.

Never a title, a name of a client or of a document, nor anything of what is inside: mail is read on its way.
"""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from archive_app.identity.models import Person
from archive_app.kernel.archive import MailRule
from archive_app.kernel.language import N_, translate
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.engagements_known import names_of
from archive_app.worklist.kinds import KINDS as TASK_KINDS
from archive_app.worklist.models import Notice, Task
from archive_app.worklist.notices import KINDS, SECRET_PLACE, notice_kind, secret_of
from archive_app.worklist.people import actor_of
from archive_app.worklist.tasks import NO_DAY
from archive_app.worklist.work import GROUPS, WorkFilters, WorkLine, work_of

TASK_OPENED = notice_kind(
    "task.opened",
    subject=N_("%(task)s (%(number)s)"),
    body=N_("Something waits for you: %(task)s."),
    why=N_("%(why)s, and you asked to be told of what waits for you at once."),
)
TASK_OVERDUE = notice_kind(
    "task.overdue",
    subject=N_("Overdue: %(task)s (%(number)s)"),
    body=N_("This waits for you and is overdue: %(task)s."),
    why=N_("%(why)s, and you asked to be told of what waits for you at once."),
)
DIGEST = notice_kind(
    "digest",
    subject=N_("What waits for you: %(count)s"),
    body=N_("This waits for you:"),
    why=N_("You asked to be told once a day of what waits for you."),
)
_NO_ENGAGEMENT = N_("the archive itself")
_MOST_LINES = 40


def compose(uow: UnitOfWork, notice: Notice, rule: MailRule, recipient: str) -> bytes:
    """A step: the mail of a notice as it goes over the line. Raises: KeyMissing, KeyCorrupt for an unreadable secret.

    Raises ValueError where a header would get a second line.
    """
    language, secret = notice.language, secret_of(uow, notice)
    words = _words(uow, notice)
    kind = KINDS[notice.kind]
    paragraphs = [translate(language, kind.body, **words, secret=secret)]
    if facts := [*_facts(uow, notice), *_digest_lines(uow, notice)]:
        paragraphs.append("\n".join(facts))
    paragraphs.append(rule.base_url + notice.link.replace(SECRET_PLACE, secret))
    paragraphs.append("-- \n" + "\n".join(_why(notice, words, rule)))
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=rule.sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = translate(language, kind.subject, **words)
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = message_id(uow, notice)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(paragraphs) + "\n", cte="base64")
    message["Content-Language"] = "en" if language == "en" else "zh-CN"
    return message.as_bytes()


def message_id(uow: UnitOfWork, notice: Notice) -> str:
    """The name that a notice's mail has at every try, so that a server or a reader knows a second one; short enough to
    stand on one line."""
    return f"<{notice.id}@{uow.archive.archive_id.rpartition('-')[2]}.lantai>"


def waits_in(uow: UnitOfWork, notice: Notice) -> bool:
    """A step: whether a digest still has something to say."""
    return bool(_listed(uow, notice))


def _words(uow: UnitOfWork, notice: Notice) -> dict[str, object]:
    """What subjects, bodies and reasons may name."""
    language = notice.language
    named = names_of(uow, {notice.engagement_id} if notice.engagement_id else set()).get(notice.engagement_id or "")
    number = " ".join(named.number.split()) if named else translate(language, _NO_ENGAGEMENT)
    words: dict[str, object] = {"number": number}
    task = uow.session.get(Task, notice.task_id) if notice.task_id else None
    kind = TASK_KINDS.get(task.kind) if task else None
    if kind is not None:
        words |= {"task": translate(language, kind.words), "why": translate(language, kind.why)}
    if notice.kind == DIGEST.code:
        listed = _listed(uow, notice)
        words["count"] = f"{_MOST_LINES}+" if len(listed) > _MOST_LINES else len(listed)
    return words


def _facts(uow: UnitOfWork, notice: Notice) -> list[str]:
    task = uow.session.get(Task, notice.task_id) if notice.task_id else None
    if task is None:
        return []
    language = notice.language
    facts = []
    if notice.engagement_id:
        facts.append(translate(language, N_("Engagement: %(number)s"), **_words(uow, notice)))
    if task.due_on != NO_DAY:
        due = N_("Due by: %(day)s (provisional)") if task.provisional else N_("Due by: %(day)s")
        facts.append(translate(language, due, day=task.due_on.isoformat()))
    return facts


def _listed(uow: UnitOfWork, notice: Notice) -> Sequence[WorkLine]:
    person = uow.session.get(Person, notice.person_id) if notice.person_id else None
    if person is None:
        return []
    return work_of(uow, actor_of(uow, person), filters=WorkFilters(), limit=_MOST_LINES + 1).items


def _digest_lines(uow: UnitOfWork, notice: Notice) -> list[str]:
    if notice.kind != DIGEST.code:
        return []
    language, lines, group = notice.language, list[str](), ""
    listed = _listed(uow, notice)
    for line in listed[:_MOST_LINES]:
        if line.group != group:
            group = line.group
            lines += [*([""] if lines else []), translate(language, GROUPS[group])]
        words = translate(language, line.kind.words) if line.kind else line.task.kind
        number = " ".join(line.engagement.number.split()) if line.engagement else ""
        day = line.due_on.isoformat() if line.due_on else ""
        lines.append("  " + " · ".join(part for part in (day, number, words) if part))
    if len(listed) > _MOST_LINES:
        lines += ["", translate(language, N_("and more, which the page shows"))]
    return lines


def _why(notice: Notice, words: dict[str, object], rule: MailRule) -> list[str]:
    why = translate(notice.language, KINDS[notice.kind].why, **words)
    if notice.person_id is None:
        return [why]
    change = N_("How and when you are told: %(address)s")
    return [why, translate(notice.language, change, address=f"{rule.base_url}/account/notices")]
