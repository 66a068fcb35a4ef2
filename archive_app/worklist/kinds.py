"""The kinds of tasks that rooms open, each with its words and the page where it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_KINDS: dict[str, "TaskKind"] = {}
KINDS: Mapping[str, "TaskKind"] = MappingProxyType(_KINDS)


@dataclass(frozen=True)
class TaskKind:
    """A kind of task: stable `code`, what it asks for in words, why somebody gets it, and the endpoint where it is
    done, which is given `engagement_id` and, where `subject_argument` says so, the subject's id under that name.

    `urgent`: an alarm, told at once and on days of rest too, to whoever wants that. `noted`: nothing is to be done but
    to take note, which the work list offers itself. `unseen`: it waits for somebody who does not see the engagement
    yet, as a declaration does.
    """

    code: str
    words: str
    why: str
    endpoint: str
    subject_argument: str = ""
    urgent: bool = False
    noted: bool = False
    unseen: bool = False


def task_kind(
    code: str,
    words: str,
    *,
    why: str,
    endpoint: str,
    subject_argument: str = "",
    urgent: bool = False,
    noted: bool = False,
    unseen: bool = False,
) -> TaskKind:
    """Declares a kind of task at the top of a feature's module. Raises: ValueError when the code is taken."""
    if code in _KINDS:
        raise ValueError(f"the task kind {code} is declared twice")
    _KINDS[code] = TaskKind(code, words, why, endpoint, subject_argument, urgent, noted, unseen)
    return _KINDS[code]


def codes_of_unseen() -> list[str]:
    """The kinds whose tasks wait for people who do not see the engagement yet."""
    return sorted(kind.code for kind in KINDS.values() if kind.unseen)
