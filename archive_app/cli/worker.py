"""`lantai worker`."""

import logging
import signal
import threading

import click

from archive_app.cli.console import opened_archive, refuse, words
from archive_app.kernel.language import N_

_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@click.command(help=words(N_("Run only the worker: reading, indexing, thumbnails, the audit log.")))
def command() -> None:
    """Works until it is asked to end."""
    # Waiting for the signal in a thread of its own is safe at any moment; setting an Event inside a handler is not.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    from archive_app.runtime import FEATURES, index_memory_directory
    from archive_app.worker import run_worker
    from search import IndexBusy

    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(stop,), name="signals", daemon=True).start()
    with opened_archive() as (archive, settings):
        memory = index_memory_directory(settings, archive.archive_id)
        try:
            run_worker(archive, settings, FEATURES, memory, stop)
        except IndexBusy as error:
            raise refuse(N_("Another worker of this archive is running. This one ends.")) from error


def _await_end(stop: threading.Event) -> None:
    signal.sigwait(_ENDING)
    stop.set()
