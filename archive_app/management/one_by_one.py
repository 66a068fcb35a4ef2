"""What periodic jobs do one after another, each in a transaction of its own, so that one that cannot be done keeps no
other from being done."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from archive_app.kernel.feature import Workshop

log = logging.getLogger("lantai.management")
MOST_FAILURES = 20
"""Where so many fail, it is not they that are wrong."""


@dataclass
class Tries:
    """What was tried so far, and what could not be done."""

    workshop: Workshop
    failures: list[Exception] = field(default_factory=list)

    def over(self, ids: Iterable[str]) -> Iterator[str]:
        """Each of them, until the worker stops or too many failed."""
        for one in ids:
            if self.workshop.stopping() or len(self.failures) >= MOST_FAILURES:
                return
            yield one

    @contextmanager
    def of(self, one: str) -> Iterator[None]:
        """Around what is done for one of them: what it raises waits until the others were tried."""
        try:
            yield
        except Exception as error:
            log.exception("%s could not be seen to; going on with the next", one)
            self.failures.append(error)


@contextmanager
def one_by_one(workshop: Workshop) -> Iterator[Tries]:
    """Around all of them. Raises: ExceptionGroup of what some raised, so that the job has failed, is seen, and is done
    again."""
    tries = Tries(workshop)
    yield tries
    if tries.failures:
        told = "; ".join(f"{type(error).__name__}: {error}" for error in tries.failures[:3])
        raise ExceptionGroup(f"{len(tries.failures)} could not be seen to: {told}", tries.failures)
