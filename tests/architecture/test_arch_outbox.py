"""Whatever is handed on is done by somebody."""

import ast
from collections import Counter

from sqlalchemy import String

from archive_app.kernel.outbox import Job
from archive_app.runtime import FEATURES
from tests.architecture.house import called, calls, listing, module, place, sources, tree

HANDLED = Counter(kind for feature in FEATURES for kind in (*feature.jobs, *feature.batches))
PERIODIC = {kind for feature in FEATURES for kind in feature.periodic}


def _enqueued() -> dict[str, str]:
    """The kinds that are enqueued anywhere, each with its place."""
    found = {}
    for path in sources("archive_app"):
        for call in calls(tree(path)):
            if called(call) == "enqueue" and not place(path).startswith("archive_app/kernel/"):
                kind = call.args[0]
                assert isinstance(kind, ast.Constant | ast.Name), (
                    f"{place(path)}:{call.lineno}: name the kind in a constant"
                )
                word = kind.value if isinstance(kind, ast.Constant) else getattr(module(path), kind.id)
                found[str(word)] = f"{place(path)}:{call.lineno}"
    return found


def test_every_kind_of_job_has_a_handler() -> None:
    lost = {kind: where for kind, where in _enqueued().items() if kind not in HANDLED}
    assert not lost, f"add a handler to `jobs` or `batches` of the feature:{listing(lost.items())}"
    assert not PERIODIC - HANDLED.keys(), f"periodic, but nobody does it:{listing(PERIODIC - HANDLED.keys())}"


def test_every_handler_is_given_work() -> None:
    idle = HANDLED.keys() - PERIODIC - _enqueued().keys()
    assert not idle, f"nothing enqueues these; remove the handler:{listing(idle)}"


def test_every_kind_is_handled_once_and_fits_its_column() -> None:
    twice = [kind for kind, count in HANDLED.items() if count > 1]
    assert not twice, f"two handlers for one kind:{listing(twice)}"
    column = Job.__table__.c.kind.type
    assert isinstance(column, String)
    long = [kind for kind in HANDLED if len(kind) > (column.length or 0)]
    assert not long, f"longer than the column `job.kind`:{listing(long)}"
